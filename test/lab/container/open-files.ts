/** How many files a process in a container may have open, where this machine bounds that. */
import { readFileSync } from "node:fs";
import type { Guest } from "../guest-handle.ts";

/** What Sealift asks for by itself: the profile baseline, default-ulimits. */
const usual = 1_048_576;
/** capabilities(7). */
const capSysResource = 24n;

/**
 * Keys of daemon.json for a guest on this machine. A machine that is a sandbox itself may not raise the limit of open files
 * (RLIMIT_NOFILE), and so no container on it can have the usual one; virtual machines have a kernel of their own.
 */
export function openFilesOf({ kind }: Pick<Guest, "kind">): Readonly<Record<string, unknown>> {
  const hard = kind === "vm" || mayRaise() ? usual : hardLimit();
  if (hard >= usual) return {};
  return { "default-ulimits": { nofile: { Name: "nofile", Soft: Math.min(hard, 1024), Hard: hard } } };
}

function mayRaise(): boolean {
  const effective = /^CapEff:\t([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  return ((BigInt(`0x${effective}`) >> capSysResource) & 1n) === 1n;
}

function hardLimit(): number {
  const line = /^Max open files +\S+ +(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1] ?? "";
  return line === "unlimited" ? usual : Number(line);
}
