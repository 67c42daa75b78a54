/** Backups of applications, the stores that keep them, and rehearsed restores, as phases. */
import { channelOf } from "../core/host/blob-step.ts";
import { backupApp, type HostFiles, type HostSecret, secretPath } from "../core/host/blob.ts";
import { backedApps } from "../core/site/backed-apps.ts";
import { appsFolder } from "../core/site/mounts.ts";
import type { HostSpec } from "../core/site/site-spec.ts";
import type { Phase, Step } from "../core/host/step.ts";
import { certificateStep, type StoreCertificates } from "./certificates.ts";
import { clientSteps, type ClientStepsSpec, managerSteps } from "./client-steps.ts";
import { rehearsalSteps } from "./rehearsal-steps.ts";
import { restoreSteps } from "./restore-steps.ts";
import { storeSteps } from "./store-steps.ts";

/** Pure: the phase of a host that stores backups; undefined on others. */
export function storePhase(
  host: HostSpec,
  files: HostFiles,
  certificates: StoreCertificates,
): Phase | undefined {
  const { store, registry } = host;
  const { restic, restServer } = files;
  if (store === undefined || restic === undefined || restServer === undefined) return undefined;
  const channel = registry === undefined ? {} : { channel: channelOf(registry) };
  const passwords = passwordsOf(files);
  return phase("store", storeSteps({ store, restic, restServer, passwords, certificates, ...channel }));
}

/** Pure: the one fact of a store that must be known before the hosts that write to it can be probed. */
export function certificatePhase({ store }: Pick<HostSpec, "store">): Phase | undefined {
  return store === undefined ? undefined : { name: "store", steps: [certificateStep(store)] };
}

/** Pure: the phase of a host whose applications or whose registry are backed up; undefined on others. */
export function backupPhase(
  host: HostSpec,
  files: HostFiles,
  certificates: StoreCertificates,
): Phase | undefined {
  const { registry, volumes, swarm } = host;
  const client = clientOf(host, files, certificates);
  if (client === undefined) return undefined;
  return phase("backup", [
    // First: a restore must be possible where a backup is not.
    ...restoreSteps({ ...client, registry, swarm, folder: appsFolder(volumes) }),
    ...clientSteps(client),
  ]);
}

/** Pure: the phase of a manager whose swarm is backed up; undefined on others. */
export function managerBackupPhase(host: HostSpec, files: HostFiles): Phase | undefined {
  const client = clientOf(host, files, new Map());
  return client === undefined ? undefined : phase("swarm-backup", managerSteps(client));
}

function clientOf(
  host: HostSpec,
  files: HostFiles,
  certificates: StoreCertificates,
): ClientStepsSpec | undefined {
  const { backup, name, registry, volumes } = host;
  const { restic, apps: releases = [] } = files;
  if (backup === undefined || restic === undefined) return undefined;
  const channel = registry === undefined ? {} : { channel: channelOf(registry) };
  const password = passwordsOf(files).get(backup.password) ?? "";
  return {
    ...{ host: name, backup, apps: backedApps(host), releases, volumes, restic, password, certificates },
    ...channel,
  };
}

/** Pure: the phase of a host on which restores are rehearsed; undefined on others. */
export function rehearsalPhase(
  { store, rehearsals = [], volumes }: HostSpec,
  files: HostFiles,
): Phase | undefined {
  if (store === undefined || rehearsals.length === 0) return undefined;
  const folder = appsFolder(volumes);
  return phase(
    "rehearsal",
    rehearsalSteps({ store, rehearsals, files, passwords: passwordsOf(files), folder }),
  );
}

/** Where the decrypted passwords of a host lie, by the path of the encrypted file. */
function passwordsOf({ secrets = [] }: HostFiles): ReadonlyMap<string, string> {
  const own = secrets.filter(({ app }) => app === backupApp);
  return new Map(own.map((secret: HostSecret) => [secret.path, secretPath(secret)]));
}

function phase(name: string, steps: readonly Step[]): Phase | undefined {
  return steps.length === 0 ? undefined : { name, steps };
}
