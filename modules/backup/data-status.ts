/** What all hosts of a site say about the data of one application: its last backup, copy and rehearsal. Pure. */
import type { Problem } from "../core/errors.ts";
import { receiptsBackup, registryBackup, swarmBackup } from "../core/site/backed-apps.ts";
import type { AppSpec, HostSpec } from "../core/site/site-spec.ts";
import type { Phase } from "../core/host/step.ts";
import { backupStatusCode, failureReason, parseBackupStatus, type BackupStatus } from "./client-status.ts";
import { parseRehearsalStatus, type RehearsalStatus } from "./rehearsal-status.ts";
import { parseStoreStatus, storeStatusCode, type RepositoryStatus } from "./store-status.ts";

/** Of an application with `backup:` on one host, of its registry, or of the receipts of the site. */
export interface DataStatus {
  readonly backup: BackupStatus;
  /** Its repository in the store; absent: the store did not say. */
  readonly repository?: RepositoryStatus;
  /** Absent: none was rehearsed, or its host did not say. */
  readonly rehearsal?: RehearsalStatus;
}

/** Values that a host has reported, by the code of the step. */
type Values = Readonly<Record<string, string>>;

/** The steps whose values these are, of the phases of a host. */
export function statusSteps(phases: readonly (Phase | undefined)[]): readonly Phase[] {
  return phases.flatMap((phase) => {
    const steps = phase?.steps.filter(({ code }) => code.endsWith(".status")) ?? [];
    return phase === undefined || steps.length === 0 ? [] : [{ ...phase, steps }];
  });
}

/** @param valuesOf what a host of the site has reported. @returns undefined without `backup:`. */
export function dataStatusOf(
  { name: host, backup: client }: Pick<HostSpec, "name" | "backup">,
  { name: app, backup, restore }: Pick<AppSpec, "name" | "backup" | "restore">,
  valuesOf: (host: string) => Values,
): DataStatus | undefined {
  if (backup === undefined || client === undefined) return undefined;
  const repository = parseStoreStatus(valuesOf(client.store.host)[storeStatusCode] ?? "").find(
    ({ path }) => path === host,
  );
  const rehearsed = restore === undefined ? {} : valuesOf(restore.on);
  const rehearsal = [`rehearsal.${app}.status`, `rehearsal.${app}.${host}.status`]
    .flatMap((code) => parseRehearsalStatus(rehearsed[code] ?? "") ?? [])
    .find(({ of }) => of === host);
  return {
    backup: parseBackupStatus(valuesOf(host)[backupStatusCode(app)] ?? ""),
    ...(repository === undefined ? {} : { repository }),
    ...(rehearsal === undefined ? {} : { rehearsal }),
  };
}

/** What is wrong with what one host reports. None of it stops a rollout: the data that runs is as it was. */
export function dataWarnings(
  { name: where, apps }: Pick<HostSpec, "name" | "apps">,
  values: Values,
): readonly Problem[] {
  const names = [...apps.map(({ name }) => name), registryBackup, receiptsBackup, swarmBackup];
  const failed = names.flatMap((name): Problem[] => {
    const { failed: attempt, last } = parseBackupStatus(values[backupStatusCode(name)] ?? "");
    if (attempt === undefined) return [];
    return [
      {
        ...{ where, code: "E_BACKUP", subject: `backup of ${name}` },
        found: `the attempt of ${attempt.at} failed: ${failureReason(attempt.status)}; the last good one is ${last === undefined ? "missing" : `of ${last.at}`}`,
        expected: "a backup that succeeds",
        fix: `see journalctl -u sealift-backup-${name} on ${where}; the next one tries again by itself`,
      },
    ];
  });
  const damaged = parseStoreStatus(values[storeStatusCode] ?? "").filter(
    ({ result }) => result === "damaged" || result === "failed",
  );
  const rehearsed = Object.entries(values).flatMap(([code, value]) => {
    const [, name] = /^rehearsal\.(.+)\.status$/.exec(code) ?? [];
    const found = name === undefined ? undefined : parseRehearsalStatus(value);
    return name === undefined || found?.result !== "failed" ? [] : [{ name, found }];
  });
  return [
    ...failed,
    ...damaged.map(({ path, result }): Problem => ({
      ...{ where, code: "E_BACKUP", subject: `repository ${path}` },
      found:
        result === "damaged"
          ? "damaged: what was read is not what was stored"
          : "it could not be checked or copied",
      expected: "a repository whose backups can be restored",
      fix: `see journalctl -u sealift-store-maintenance on ${where}; a copy of the repository is not changed by this`,
    })),
    ...rehearsed.map(({ name, found: { of, at, answer } }): Problem => ({
      ...{ where, code: "E_RESTORE", subject: `rehearsal of ${name}` },
      found: `the restore of ${at} from ${of} failed: ${answer}`,
      expected: "a restore that passes its check",
      fix: `see journalctl -u sealift-rehearsal-${name} on ${where}`,
    })),
  ];
}
