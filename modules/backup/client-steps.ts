/** The backups of the applications of one host, as facts. Pure. */
import type { Channel } from "../core/host/blob-step.ts";
import { writersOf } from "../core/host/app-data.ts";
import type { Archive, HostApp } from "../core/host/blob.ts";
import type { BackupClientSpec } from "../core/site/backups.ts";
import { mountOf, mountsOf } from "../core/site/mounts.ts";
import {
  type BackedApp,
  isBacked,
  isOwnBackup,
  receiptsBackup,
  registryBackup,
  swarmBackup,
} from "../core/site/backed-apps.ts";
import type { AppSpec, HostSpec } from "../core/site/site-spec.ts";
import type { Step } from "../core/host/step.ts";
import { type StoreCertificates, trustedStoreStep } from "./certificates.ts";
import { backupStatusCode } from "./client-status.ts";
import { dumpCommand } from "./dump-command.ts";
import { programSteps } from "./program-steps.ts";

export interface ClientStepsSpec {
  /** Name of the host: its login at the store, and its repository there. */
  readonly host: string;
  readonly backup: BackupClientSpec;
  /** Those without `backup` are not backed up. */
  readonly apps: readonly AppSpec[];
  /** What the bundle has of them. Default nothing: then only services with data are known to write to it. */
  readonly releases?: readonly HostApp[];
  /** To find the volume group of a snapshot. */
  readonly volumes: HostSpec["volumes"];
  readonly restic: Archive;
  /** Where the decrypted password lies on the host. */
  readonly password: string;
  readonly certificates: StoreCertificates;
  /** The registry that has the bundle; absent: blobs are sent over ssh. */
  readonly channel?: Channel;
}

export function clientSteps(spec: ClientStepsSpec): readonly Step[] {
  const { backup, apps, restic, certificates, channel } = spec;
  const backed = apps.filter(isBacked);
  return [
    ...programSteps("backup.", "restic", restic, channel),
    trustedStoreStep("backup.certificate.", backup.store.host, certificates),
    step("scripts", "a script makes backups, and a unit removes at boot what an interrupted one has left", [
      "backup_scripts",
    ]),
    step("others", "no other application is backed up", ["backup_others", ...backed.map(({ name }) => name)]),
    ...backed.filter(({ name }) => name !== swarmBackup).flatMap((app) => appSteps(app, spec)),
  ];
}

/** When the host has become a manager: what it knows of its swarm. */
export function managerSteps(spec: ClientStepsSpec): readonly Step[] {
  return spec.apps
    .filter(isBacked)
    .filter(({ name }) => name === swarmBackup)
    .flatMap((app) => appSteps(app, spec));
}

function appSteps(app: BackedApp, spec: ClientStepsSpec): readonly Step[] {
  const { name, backup } = app;
  const what = shownName(app);
  return [
    ...(name === receiptsBackup
      ? [step(`${name}.folder`, "a script takes receipts of runs", ["backup_receipts"])]
      : []),
    step(`${name}.job`, `${what} is backed up every day at ${backup.at}: ${whatOf(app, spec)}`, [
      "backup_job",
      ...[name, backup.at, ...configurationLines(app, spec)],
    ]),
    {
      ...step(`${name}.recent`, `the last good backup of ${what} is younger than 36 hours`, [
        "backup_recent",
        ...[name, urlOf(spec)],
      ]),
      effect: backup.stop && backup.snapshot === undefined ? "containers-stop" : "none",
    },
    {
      code: backupStatusCode(name),
      fact: `the host reports the last backup of ${what}`,
      effect: "none",
      call: ["backup_status", name],
    },
  ];
}

/** Nothing has to stop: its files change only when something is sent or removed. */
function isSteady({ name, backup: { snapshot } }: BackedApp): boolean {
  return isOwnBackup(name) && snapshot === undefined;
}

/** Services without `data` of their own that write to the data of others: they stop with them. */
function otherWriters(app: BackedApp, { releases = [] }: ClientStepsSpec): readonly string[] {
  if (!app.backup.stop || app.backup.snapshot !== undefined) return [];
  const release = releases.find(({ name }) => name === app.name);
  if (release === undefined) return [];
  return writersOf(release.project, app).filter((service) => app.data?.[service] === undefined);
}

/** In words for the operator. */
function whatOf(app: BackedApp, spec: ClientStepsSpec): string {
  const {
    data = {},
    backup: { snapshot, stop, dump },
  } = app;
  const dumps = Object.keys(dump).map((service) => `a dump of ${service}`);
  const files = Object.keys(data).join(", ");
  if (snapshot !== undefined)
    return [...dumps, `the files of ${files} from a snapshot of ${snapshot}`].join(", ");
  const others = otherWriters(app, spec).join(", ");
  const stopped = others === "" ? "which stop meanwhile" : `which stop meanwhile, with ${others}`;
  if (stop) return [...dumps, `the files of ${files}, ${stopped}`].join(", ");
  if (isSteady(app)) return `the files of ${files}, read again when they change meanwhile`;
  return dumps.join(", ");
}

/** What the script reads: `key=value`, in an order that does not depend on the site. */
function configurationLines(app: BackedApp, spec: ClientStepsSpec): readonly string[] {
  const { name, data = {}, backup } = app;
  const { host, backup: client, volumes, restic, password } = spec;
  const folders = Object.entries(data).toSorted(byName);
  const dumps = Object.entries(backup.dump).toSorted(byName);
  const mounts = mountsOf(volumes);
  const [, first] = folders[0] ?? [];
  const mount = mountOf(first?.path ?? "", mounts)?.mount ?? "";
  return [
    `host=${host}`,
    `program=/opt/sealift/restic/${restic.version}/restic`,
    `url=${urlOf(spec)}`,
    `certificate=/etc/sealift/backup/stores/${client.store.host}.crt`,
    `password=${password}`,
    ...(backup.snapshot === undefined
      ? []
      : [`volume=${volumes.group}/${backup.snapshot}`, `mount=${mount}`]),
    ...(backup.stop && backup.snapshot === undefined ? ["stop=yes"] : []),
    ...(isSteady(app) ? ["steady=yes"] : []),
    ...(isOwnBackup(name) ? [`release=${app.version}`] : []),
    // A worker has none.
    ...(name === swarmBackup ? [`needs=${data["swarm"]?.path ?? ""}/raft`] : []),
    `spool=${mount === "/" ? "" : mount}/.sealift-backup/${name}`,
    ...folders.map(([service, { path }]) => `data=${service} ${path}`),
    ...otherWriters(app, spec).map((service) => `stops=${service}`),
    ...dumps.flatMap(([service, dump]) => {
      const { command, ends } = dumpCommand(dump);
      return [
        `dump=${service}`,
        ...(ends === undefined ? [] : [`ends=${ends}`]),
        ...command.map((word) => `arg=${escaped(word)}`),
      ];
    }),
  ];
}

function byName([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : 1;
}

function urlOf({ host, backup: { store } }: Pick<ClientStepsSpec, "host" | "backup">): string {
  return `rest:https://${store.address}:${store.port}/${host}/`;
}

/** One line for printf(1) with `%b`: a control character is a backslash, a zero and three octal digits. */
function escaped(word: string): string {
  return word.replaceAll(
    /[\\\u0000-\u001f\u007f]/g,
    (one) => `\\0${one.charCodeAt(0).toString(8).padStart(3, "0")}`,
  );
}

/** As the facts call it. */
export function shownName({ name }: Pick<BackedApp, "name">): string {
  if (name === receiptsBackup) return "the folder of receipts";
  if (name === swarmBackup) return "the swarm";
  return name === registryBackup ? "the registry" : name;
}

function step(what: string, fact: string, call: Step["call"]): Step {
  return { code: `backup.${what}`, fact, effect: "none", call };
}
