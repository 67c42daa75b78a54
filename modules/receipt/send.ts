/** Sends signed receipts to the host of the site that backs them up. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Problem } from "../core/errors.ts";
import { runHostScript } from "../core/host/probe.ts";
import type { HostSpec } from "../core/site/site-spec.ts";
import { visibleOneLine } from "../core/visible.ts";

const script = "backup/receipts";

/**
 * Sends the receipts of a folder that the host does not have yet; one that it has never changes there.
 *
 * @param hosts of the site; without one that backs up receipts nothing is sent.
 * @param stack whose receipts they are.
 * @returns why they were not sent: the next run sends them.
 */
export async function sendReceipts(
  hosts: readonly HostSpec[],
  directory: string,
  stack: string,
): Promise<Problem | undefined> {
  const host = hosts.find(({ backup }) => backup?.receipts !== undefined);
  if (host === undefined) return undefined;
  const problem = (found: string): Problem => ({
    ...{ where: host.name, code: "E_BACKUP", subject: "backup of receipts", found },
    expected: "a host that takes the receipts which it does not have yet",
    fix: `see that ${host.name} is reached; each pulumi up sends what is missing`,
  });
  const listed = await runHostScript(host, script, ["--list"]);
  if (listed.kind !== "ended") return listed.problem;
  if (listed.exitCode !== 0) return problem(visibleOneLine(`${listed.stdout} ${listed.stderr}`.trim()));
  const there = new Set(listed.stdout.split("\n"));
  const missing = (await readdir(directory)).filter((name) => isReceipt(name, stack) && !there.has(name));
  if (missing.length === 0) return undefined;
  const parts: (string | Buffer)[] = [];
  for (const name of missing.toSorted()) {
    const bytes = await readFile(join(directory, name));
    parts.push(`${name} ${bytes.length}\n`, bytes);
  }
  const sent = await runHostScript(host, script, ["--take"], undefined, parts);
  if (sent.kind !== "ended") return sent.problem;
  if (sent.exitCode !== 0) return problem(visibleOneLine(`${sent.stdout} ${sent.stderr}`.trim()));
  return undefined;
}

/** A receipt of the stack or its signature; the page can be made again from the receipt. */
function isReceipt(name: string, stack: string): boolean {
  const [, time] = name.startsWith(`${stack}-`)
    ? (/^(.+)\.json(\.sig)?$/.exec(name.slice(stack.length + 1)) ?? [])
    : [];
  return time !== undefined && /^\d{8}T\d{6}Z$/.test(time);
}
