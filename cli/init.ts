/** `sealift init <env>`: writes the first site file of an environment, from an inventory of its hosts. */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createInterface } from "node:readline/promises";
import { Command } from "commander";
import { refuse, SealiftError, type Problem } from "../modules/core/errors.ts";
import { siteFileOf, stackFileOf } from "../modules/core/site/site-text.ts";
import { readLibrary } from "../modules/core/host/library.ts";
import { writeAtomically } from "../modules/core/write-atomically.ts";
import type { Reach } from "../modules/core/host/probe.ts";
import type { JumpSpec } from "../modules/core/site/jump-host.ts";
import { readHostInventory, type HostInventory } from "../modules/environments/inventory.ts";
import {
  freePool,
  minDiskBytes,
  siteTemplateText,
  type ProposedHost,
} from "../modules/environments/site-template.ts";
import { readStackFile } from "../modules/environments/stack-file.ts";
import { comparedKey } from "./output/compared-key.ts";
import { print } from "./output/print.ts";

interface Flags {
  readonly host: readonly string[];
  readonly hostKey: readonly string[];
  readonly sshUser: string;
  readonly jumpHost?: string;
  readonly engine: string;
  readonly bundle: string;
  readonly allowedSigners: string;
  readonly lock: string;
  readonly authorizedKey: readonly string[];
}

const collect = (value: string, all: readonly string[]): string[] => [...all, value];

export function initCommand(): Command {
  return new Command("init")
    .description("Write stacks/<env>.site.yaml from an inventory of the hosts; changes no host")
    .argument("<env>", "the new environment")
    .option("--host <name=address[:port]>", "a host; repeatable (default: ask)", collect, [])
    .option(
      "--host-key <fingerprint>",
      "a host key fingerprint that you have verified: SHA256:…; repeatable",
      collect,
      [],
    )
    .option("--ssh-user <name>", "SSH user, root or with passwordless sudo", "ops")
    .option("--jump-host <user@address[:port]>", "jump host for all hosts")
    .option("--engine <version>", "engine version, exact or a release series", "28.5")
    .option("--bundle <directory>", "directory of the bundle", "/media/carry/bundle")
    .option("--allowed-signers <file>", "keys that may sign the bundle", "stacks/allowed_signers")
    .option("--lock <file>", "the reviewed lock file", "offline-bundle/bundle.lock.yaml")
    .option("--authorized-key <key>", "public ssh key for the user deploy; repeatable", collect, [])
    .addHelpText("after", examples)
    .action(async (environment: string, flags: Flags) => {
      const file = siteFileOf(environment);
      refuse(inTheWay(environment, file));
      const prompts = openPrompts();
      try {
        const jumpHost = await jumpOf(flags, prompts);
        const reaches = await reachesOf(flags, jumpHost, prompts);
        const inventories = await Promise.all(
          reaches.map(async (host) => ({ host, inventory: await readHostInventory(host, readLibrary()) })),
        );
        refuse(inventories.flatMap(({ inventory }) => ("code" in inventory ? [inventory] : [])));
        const found = inventories.flatMap(({ host, inventory }) =>
          "code" in inventory ? [] : [{ host, inventory }],
        );
        const text = siteTemplateText({
          environment,
          ...(jumpHost === undefined ? {} : { jumpHost }),
          hosts: found.map(proposed),
          pool: freePool(found.flatMap(({ inventory }) => inventory.routes)),
          engine: flags.engine,
          keys: flags.authorizedKey,
          toolkit: existsSync("node_modules/sealift") ? "node_modules/sealift/" : "",
          bundle: { directory: flags.bundle, allowedSigners: flags.allowedSigners, lock: flags.lock },
        });
        await mkdir("stacks", { recursive: true });
        await writeAtomically(file, text);
        print(`wrote ${file}; review it, then run: sealift check ${environment}`);
      } finally {
        prompts.close();
      }
    });
}

/** Refuses a name that cannot be a stack name, and an existing file: nothing is overwritten. */
function inTheWay(environment: string, file: string): Problem[] {
  const problem = (found: string, expected: string, fix: string): Problem[] => [
    { where: file, code: "E_VALUE", subject: "environment", found, expected, fix },
  ];
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/.test(environment)) {
    return problem(environment, "letters, digits, hyphens, underscores and dots", "choose another name");
  }
  if (existsSync(file))
    return problem("the file already exists", "a new environment", "choose another name, or edit the file");
  const { value } = existsSync(stackFileOf(environment)) ? readStackFile(environment) : {};
  const fix = `choose another name, or move sealift:site from ${stackFileOf(environment)} into this file`;
  return value === undefined ? [] : problem("the environment already has a site", "a new environment", fix);
}

interface Prompts {
  readonly line: (question: string) => Promise<string>;
  readonly close: () => void;
}

function openPrompts(): Prompts {
  if (!process.stdin.isTTY) return { line: () => Promise.resolve(""), close: () => undefined };
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  return {
    line: (question) => terminal.question(question),
    close: () => {
      terminal.close();
    },
  };
}

async function jumpOf({ jumpHost: jump, hostKey }: Flags, prompts: Prompts): Promise<JumpSpec | undefined> {
  if (jump === undefined) return undefined;
  const [, sshUser, address, port = "22"] = /^([^@\s]+)@([A-Za-z0-9.-]+)(?::(\d+))?$/.exec(jump) ?? [];
  if (sshUser === undefined || address === undefined)
    throw usage("--jump-host", jump, "user@address or user@address:port");
  const end = { address, port: Number(port) };
  const key = await comparedKey({ name: `jump host ${address}`, ...end }, hostKey, prompts.line);
  return { ...end, sshUser, hostKey: key };
}

async function reachesOf(
  flags: Flags,
  jumpHost: JumpSpec | undefined,
  prompts: Prompts,
): Promise<readonly Reach[]> {
  const named = [...flags.host];
  for (;;) {
    if (flags.host.length > 0) break;
    const answer = (await prompts.line("host (name=address[:port]), empty to finish: ")).trim();
    if (answer === "") break;
    named.push(answer);
  }
  if (named.length === 0) throw usage("--host", "no host", "at least one host, as name=address");
  const reaches: Reach[] = [];
  for (const text of named) {
    const [, name, inner, plain, port = "22"] = hostWord.exec(text) ?? [];
    const address = inner ?? plain;
    if (name === undefined || address === undefined)
      throw usage("--host", text, "name=address, name=address:port or name=[IPv6 address]:port");
    const end = { name, address, port: Number(port), ...(jumpHost === undefined ? {} : { jumpHost }) };
    const hostKey = await comparedKey(end, flags.hostKey, prompts.line);
    reaches.push({ ...end, sshUser: flags.sshUser, hostKey });
  }
  return reaches;
}

const hostWord = /^([a-z][a-z0-9.-]*)=(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+))(?::(\d+))?$/;

function proposed({
  host,
  inventory,
}: {
  readonly host: Reach;
  readonly inventory: HostInventory;
}): ProposedHost {
  const choices = inventory.disks.filter(({ blank, bytes }) => blank && bytes >= minDiskBytes);
  const architecture =
    inventory.architecture === "arm64" || inventory.architecture === "aarch64" ? "arm64" : "amd64";
  const disk = choices.length === 1 ? choices[0] : undefined;
  return { ...host, architecture, choices, disk, mounts: choices.length === 0 ? inventory.mounts : [] };
}

function usage(subject: string, found: string, expected: string): SealiftError {
  const fix = "see sealift init --help";
  return new SealiftError([{ where: "command line", code: "E_VALUE", subject, found, expected, fix }]);
}

const examples = `
init logs in with keys from the ssh-agent. It lists blank disks by their stable names, existing mounts on hosts without a blank disk, and the
networks in use, and writes a commented file. It records a host key only after you have verified it.

Examples:
  $ sealift init prod
  $ sealift init prod --jump-host ops@10.20.0.2 --host node-a=10.20.0.11 --host node-b=10.20.0.12
  $ sealift init prod --host node-a=10.20.0.11 --host-key SHA256:… --authorized-key "$(cat deploy.pub)"`;
