/** Documents whose commands are run: what stands below a command is what it printed. */
import { spawnSync } from "node:child_process";
import { hostname, userInfo } from "node:os";
import { stripVTControlCharacters } from "node:util";

/** `<!-- run: name -->`, a fence with lines that start with `$ ` and their output, `<!-- /run -->`. */
const marker = /(<!-- run: [\w-]+ -->\n\n?```\n)([^]*?)(```\n\n?<!-- \/run -->)/g;

export interface Where {
  readonly cwd: string;
  /** Goes before PATH. */
  readonly path: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs every block of a document in order and puts in what was printed. */
export function runDocument(text: string, where: Where): string {
  return text.replace(marker, (_all, head: string, block: string, tail: string) => {
    const commands = block.split("\n").filter((line) => line.startsWith("$ "));
    return head + commands.map((line) => `${line}\n${outputOf(line.slice(2), where)}`).join("\n") + tail;
  });
}

/** What must stay the same when a document is written again: no date, no size, no digest, no key, no width of a column. */
export function shapeOf(text: string): string {
  return text
    .replaceAll(/SHA256:[\w+/]{43}/g, "SHA256:key")
    .replaceAll(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, "uuid")
    .replaceAll(/\b[0-9a-f]{12,64}\b/g, "hex")
    .replaceAll(/\b\d{4}-\d\d-\d\dT[\d:]{8}Z?/g, "date")
    .replaceAll(/\b\d+(\.\d)? k?B\b|\b\d+ bytes\b|"bytes": \d+/g, "size")
    .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:port")
    .replaceAll(/\(pid \d+\)/g, "(pid)")
    .replaceAll(/\b(now|\d+ (second|minute)s? ago)(?= +\d)/g, "lately")
    .replaceAll(/ +/g, " ");
}

/** The text without what depends on the machine: its colours, user and name, and how fast it is. */
export function withoutMachine(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll(`${userInfo().username}@${hostname()}`, "ops@inside")
    .replaceAll(progressLine, "");
}

/** What takes more than two seconds says how far it is, which it does on a busy machine only: `3 s  40% hashing`. */
const progressLine = /^\d+ s {2}.*\n/gm;

function outputOf(command: string, { cwd, path, env = {} }: Where): string {
  const { stdout, stderr, status } = spawnSync("sh", ["-c", command], {
    cwd,
    encoding: "utf8",
    env: { ...process.env, ...env, PATH: `${path}:${process.env["PATH"] ?? ""}`, NO_COLOR: "1" },
  });
  const printed = withoutMachine(`${stderr}${stdout}`).replaceAll(`${cwd}/`, "");
  return status === 0 ? printed : `${printed}(exit code ${String(status)})\n`;
}
