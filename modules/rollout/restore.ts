/** A restore of an application or a registry from a backup, by the script on its host. */
import { type Problem, SealiftError } from "../core/errors.ts";
import { type ScriptEnd, runHostScript } from "../core/host/probe.ts";
import { backedApps, receiptsBackup, registryBackup, swarmBackup } from "../core/site/backed-apps.ts";
import type { HostSpec } from "../core/site/site-spec.ts";
import { readEnvironment } from "../environments/read-environment.ts";

/** A good backup, as the host lists it. */
export interface ListedBackup {
  /** When it was made, in seconds. */
  readonly time: number;
  readonly snapshot: string;
  readonly release: string;
  readonly bytes: number;
  /** Services whose files it has, and whose dump. */
  readonly files: readonly string[];
  readonly dumps: readonly string[];
}

export interface Restorable {
  readonly host: HostSpec;
  readonly app: string;
  /** Services that run now, and would stop. */
  readonly running: readonly string[];
  /** Of a restore that was interrupted. */
  readonly unfinished: { readonly snapshot: string; readonly step: string } | undefined;
  /** The oldest first; with `from` the one that would be restored. */
  readonly backups: readonly ListedBackup[];
}

/**
 * Asks the host of an application which backups there are; changes nothing.
 *
 * @param from a time, `latest` or the id of a snapshot; absent: all.
 * @param onto name of a host; absent: the one that runs the application.
 * @throws {SealiftError} with every problem of the site file, or E_RESTORE.
 */
export async function restorable(
  environment: string,
  app: string,
  { from, onto }: { readonly from?: string; readonly onto?: string },
): Promise<Restorable> {
  const { host } = await restorableOn(environment, app, onto);
  if (from !== undefined && !timeOrSnapshot.test(from))
    throw new SealiftError([
      {
        where: "sealift restore",
        code: "E_RESTORE",
        subject: "--from",
        found: JSON.stringify(from),
        expected: "latest, a time such as 2026-11-28T02:40, or the id of a snapshot",
        fix: "choose one of --list",
      },
    ]);
  const chosen = from === undefined ? [] : ["--from", from];
  const { stdout } = await run(host, app, ["--list", app, "--json", ...chosen]);
  const list = parseBackupList(stdout);
  if (list === undefined)
    throw new SealiftError([
      problemOf(host, app, {
        found: "an answer that is no list of backups",
        expected: "the list of the script /opt/sealift/backup/restore",
        fix: "run pulumi up, which replaces the script, then try again",
      }),
    ]);
  return { host, app, ...list };
}

/**
 * Finds the host of an application in the site; asks nobody.
 *
 * @param onto name of a host; absent: the one that runs the application.
 * @throws {SealiftError} with every problem of the site file, or E_RESTORE.
 */
export async function restorableOn(
  environment: string,
  app: string,
  onto: string | undefined,
): Promise<Pick<Restorable, "host" | "app">> {
  const { file, site } = await readEnvironment(environment);
  const hosts = site.hosts.filter((host) => backedApps(host).some(({ name }) => name === app));
  const named = onto === undefined ? hosts : hosts.filter(({ name }) => name === onto);
  const [host] = named;
  if (host === undefined || named.length > 1) throw new SealiftError([hostProblem(file, app, hosts, onto)]);
  return { host, app };
}

/** The arguments of the script have a form that no option has. */
const timeOrSnapshot = /^[A-Za-z0-9][A-Za-z0-9 :.+-]{0,63}$/;

/**
 * Restores the data; present data is moved aside.
 *
 * @param onLine called with each line that the script prints.
 * @throws {E_RESTORE}
 */
export async function restoreApp(
  { host, app }: Pick<Restorable, "host" | "app">,
  snapshot: string,
  onLine: (line: string) => void,
): Promise<void> {
  await run(host, app, [app, "--from", snapshot, "--confirm", app], onLine);
}

/** Puts back what was there before a restore. @throws {E_RESTORE} */
export async function undoRestore(
  { host, app }: Pick<Restorable, "host" | "app">,
  onLine: (line: string) => void,
): Promise<void> {
  await run(host, app, [app, "--undo", "--confirm", app], onLine);
}

async function run(
  host: HostSpec,
  app: string,
  args: readonly string[],
  onLine?: (line: string) => void,
): Promise<ScriptEnd> {
  const ended = await runHostScript(host, "backup/restore", args, onLine);
  if (ended.kind !== "ended") throw new SealiftError([ended.problem]);
  if (ended.exitCode !== 0) throw new SealiftError([problemOf(host, app, scriptProblemWords(ended))]);
  return ended;
}

type Words = Pick<Problem, "found" | "expected" | "fix">;

function problemOf({ name }: Pick<HostSpec, "name">, app: string, words: Words): Problem {
  return { where: name, code: "E_RESTORE", subject: app, ...words };
}

/** Pure: what the script says about its failure, each in one line. */
export function scriptProblemWords({ exitCode, stdout, stderr }: Omit<ScriptEnd, "kind">): Words {
  const text = `${stdout}\n${stderr}`;
  const last = (word: string): string | undefined =>
    [...text.matchAll(new RegExp(`^${word}: (.*)$`, "gm"))].at(-1)?.[1]?.slice(0, longestWords);
  return {
    found: last("found") ?? `exit code ${exitCode}`,
    expected: last("expected") ?? "that the script on the host ends with 0",
    fix: last("fix") ?? "log in, and run /opt/sealift/backup/restore there; if it is absent, run pulumi up",
  };
}

const longestWords = 2000;

/** Pure: the answer of a host, which may be anything. */
export function parseBackupList(
  text: string,
): Pick<Restorable, "running" | "unfinished" | "backups"> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value) || !Array.isArray(value["backups"]) || !areNames(value["running"])) return undefined;
  const backups = value["backups"].filter(isBackup);
  if (backups.length !== value["backups"].length) return undefined;
  const { snapshot, step } = isObject(value["unfinished"]) ? value["unfinished"] : {};
  const isUnfinished = typeof snapshot === "string" && typeof step === "string";
  return { running: value["running"], backups, unfinished: isUnfinished ? { snapshot, step } : undefined };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function areNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string" && /^[\w.-]{1,100}$/.test(one));
}

function isBackup(value: unknown): value is ListedBackup {
  if (!isObject(value)) return false;
  const { time, snapshot, release, bytes, files, dumps } = value;
  return (
    [time, bytes].every((one) => Number.isSafeInteger(one) && Number(one) >= 0) &&
    Number(time) <= lastSecond &&
    typeof snapshot === "string" &&
    /^[0-9a-f]{64}$/.test(snapshot) &&
    areNames([release]) &&
    [files, dumps].every(areNames)
  );
}

/** Of the year 9999: what a date can show. */
const lastSecond = 253_402_300_799;

function hostProblem(
  where: string,
  app: string,
  hosts: readonly Pick<HostSpec, "name">[],
  onto: string | undefined,
): Problem {
  const names = hosts.map(({ name }) => name).join(", ");
  const common = { where, code: "E_RESTORE", subject: app } as const;
  if (hosts.length === 0)
    return {
      ...common,
      found: "no host of the site that runs it with a backup",
      expected: `an application of the site with backup:, or ${registryBackup}, ${receiptsBackup} or ${swarmBackup} with registry:, receipts: or swarm: in backups:`,
      fix: "correct the name of the application, or the environment",
    };
  return {
    ...common,
    found: onto === undefined ? `${hosts.length} hosts that run it` : `--onto ${onto}`,
    expected: `one of its hosts: ${names}`,
    fix: "name the host with --onto; each host has backups of its own",
  };
}
