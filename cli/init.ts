/** `sealift init <env>`: writes the first site file of an environment, from what hosts say of themselves. */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createInterface } from "node:readline/promises";
import { Command } from "commander";
import { refuse, SealiftError, type Problem } from "../modules/core/errors.ts";
import { siteFileOf, stackFileOf } from "../modules/core/site-text.ts";
import { readLibrary } from "../modules/core/library.ts";
import { writeWhole } from "../modules/core/write-whole.ts";
import type { Reach } from "../modules/core/probe.ts";
import type { JumpSpec } from "../modules/core/jump.ts";
import { inventoryOf, type Inventory } from "../modules/inventory.ts";
import { freePool, leastDiskBytes, proposalText, type ProposedHost } from "../modules/proposal.ts";
import { readStackFile } from "../modules/stack-file.ts";
import { comparedKey } from "./compared-key.ts";
import { print } from "./print.ts";

interface Flags {
  readonly host: readonly string[];
  readonly hostKey: readonly string[];
  readonly login: string;
  readonly jump?: string;
  readonly engine: string;
  readonly bundle: string;
  readonly signers: string;
  readonly lock: string;
  readonly userKey: readonly string[];
}

const collect = (value: string, all: readonly string[]): string[] => [...all, value];

export function initCommand(): Command {
  return new Command("init")
    .description("writes stacks/<env>.site.yaml from what hosts say of themselves; it changes no host")
    .argument("<env>", "the new environment")
    .option("--host <name=address[:port]>", "a host; may be given more than once; none: it asks", collect, [])
    .option("--host-key <fingerprint>", "a fingerprint that was compared already: SHA256:…", collect, [])
    .option("--login <name>", "the account that ssh logs in as, with sudo without a password", "ops")
    .option("--jump <login@address[:port]>", "the jump host through which all of them are reached")
    .option("--engine <version>", "the engine, exact or a line", "28.5")
    .option("--bundle <directory>", "where the bundle that was carried in lies", "/media/carry/bundle")
    .option("--signers <file>", "keys that may sign it", "stacks/allowed_signers")
    .option("--lock <file>", "the lock that was reviewed", "offline-bundle/bundle.lock.yaml")
    .option("--user-key <key>", "public ssh key of the user deploy", collect, [])
    .addHelpText("after", examples)
    .action(async (environment: string, flags: Flags) => {
      const file = siteFileOf(environment);
      refuse(inTheWay(environment, file));
      const ask = asker();
      try {
        const jump = await jumpOf(flags, ask);
        const reaches = await reachesOf(flags, jump, ask);
        const looks = await Promise.all(
          reaches.map(async (host) => ({ host, seen: await inventoryOf(host, readLibrary()) })),
        );
        refuse(looks.flatMap(({ seen }) => ("code" in seen ? [seen] : [])));
        const found = looks.flatMap(({ host, seen }) => ("code" in seen ? [] : [{ host, seen }]));
        const text = proposalText({
          environment,
          ...(jump === undefined ? {} : { jump }),
          hosts: found.map(proposed),
          pool: freePool(found.flatMap(({ seen }) => seen.routes)),
          engine: flags.engine,
          keys: flags.userKey,
          bundle: { directory: flags.bundle, allowedSigners: flags.signers, lock: flags.lock },
        });
        await mkdir("stacks", { recursive: true });
        await writeWhole(file, text);
        print(`${file} is written: read it, then run: sealift check ${environment}`);
      } finally {
        ask.close();
      }
    });
}

/** A name that is no name of a stack, or a file that is there: nothing is overwritten. */
function inTheWay(environment: string, file: string): Problem[] {
  const problem = (got: string, expected: string, todo: string): Problem[] => [
    { where: file, code: "E_VALUE", subject: "environment", got, expected, todo },
  ];
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/.test(environment)) {
    return problem(environment, "letters, digits, hyphens, underscores and dots", "take another name");
  }
  if (existsSync(file))
    return problem("a file that is there", "a new environment", "take another name, or edit the file");
  const { value } = existsSync(stackFileOf(environment)) ? readStackFile(environment) : {};
  const todo = `take another name, or move what stands below sealift:site in ${stackFileOf(environment)} here`;
  return value === undefined ? [] : problem("an environment whose site is written", "a new one", todo);
}

interface Asker {
  readonly line: (question: string) => Promise<string>;
  readonly close: () => void;
}

function asker(): Asker {
  if (!process.stdin.isTTY) return { line: () => Promise.resolve(""), close: () => undefined };
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  return {
    line: (question) => terminal.question(question),
    close: () => {
      terminal.close();
    },
  };
}

async function jumpOf({ jump, hostKey }: Flags, ask: Asker): Promise<JumpSpec | undefined> {
  if (jump === undefined) return undefined;
  const [, login, address, port = "22"] = /^([^@\s]+)@([A-Za-z0-9.-]+)(?::(\d+))?$/.exec(jump) ?? [];
  if (login === undefined || address === undefined)
    throw usage("--jump", jump, "login@address or login@address:port");
  const end = { address, port: Number(port) };
  const key = await comparedKey({ name: `jump host ${address}`, ...end }, hostKey, ask.line);
  return { ...end, login, hostKey: key };
}

async function reachesOf(flags: Flags, jump: JumpSpec | undefined, ask: Asker): Promise<readonly Reach[]> {
  const named = [...flags.host];
  for (;;) {
    if (flags.host.length > 0) break;
    const answer = (await ask.line("host, as name=address[:port]; empty when there are no more: ")).trim();
    if (answer === "") break;
    named.push(answer);
  }
  if (named.length === 0) throw usage("--host", "no host", "at least one, as name=address");
  const reaches: Reach[] = [];
  for (const text of named) {
    const [, name, inner, plain, port = "22"] = hostWord.exec(text) ?? [];
    const address = inner ?? plain;
    if (name === undefined || address === undefined)
      throw usage("--host", text, "name=address, name=address:port or name=[IPv6 address]:port");
    const end = { name, address, port: Number(port), ...(jump === undefined ? {} : { jump }) };
    const hostKey = await comparedKey(end, flags.hostKey, ask.line);
    reaches.push({ ...end, login: flags.login, hostKey });
  }
  return reaches;
}

const hostWord = /^([a-z][a-z0-9.-]*)=(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+))(?::(\d+))?$/;

function proposed({ host, seen }: { readonly host: Reach; readonly seen: Inventory }): ProposedHost {
  const choices = seen.disks.filter(({ blank, bytes }) => blank && bytes >= leastDiskBytes);
  const architecture = seen.architecture === "arm64" || seen.architecture === "aarch64" ? "arm64" : "amd64";
  const disk = choices.length === 1 ? choices[0] : undefined;
  return { ...host, architecture, choices, disk, mounts: choices.length === 0 ? seen.mounts : [] };
}

function usage(subject: string, got: string, expected: string): SealiftError {
  const todo = "see sealift init --help";
  return new SealiftError([{ where: "command line", code: "E_VALUE", subject, got, expected, todo }]);
}

const examples = `
It logs in with keys of the ssh-agent, looks for blank disks by their own names, without one for mounts that others have laid out, and for
networks that are taken, and writes a file with comments. A host key that nobody has compared is not written down.

Examples:
  $ sealift init prod
  $ sealift init prod --jump ops@10.20.0.2 --host node-a=10.20.0.11 --host node-b=10.20.0.12
  $ sealift init prod --host node-a=10.20.0.11 --host-key SHA256:… --user-key "$(cat deploy.pub)"`;
