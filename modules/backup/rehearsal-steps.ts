/** Rehearsed restores on a host that stores backups, as facts. Pure. */
import type { HostApp, HostFiles } from "../core/host/blob.ts";
import type { BackupStoreSpec } from "../core/site/backups.ts";
import { inScratch, rehearsalFolder } from "../core/site/rehearsals.ts";
import type { AppRestoreSpec, RehearsalSpec } from "../core/site/site-spec.ts";
import type { Step } from "../core/host/step.ts";
import { dataLines } from "./restore-steps.ts";

export interface RehearsalStepsSpec {
  readonly store: BackupStoreSpec;
  readonly rehearsals: readonly RehearsalSpec[];
  /** `rehearsed`: the releases, in the order of the rehearsals. */
  readonly files: HostFiles;
  /** Where the decrypted passwords lie on the host, by the path of the encrypted file. */
  readonly passwords: ReadonlyMap<string, string>;
  /** Folder of all applications on the host. */
  readonly folder: string;
}

const daySeconds = 86_400;
const intervalSeconds: Readonly<Record<AppRestoreSpec["rehearse"], number>> = {
  daily: daySeconds,
  weekly: 7 * daySeconds,
  monthly: 31 * daySeconds,
};

export function rehearsalSteps({ rehearsals, ...shared }: RehearsalStepsSpec): readonly Step[] {
  return rehearsals.flatMap((rehearsal, at) => {
    const { rehearse = "weekly" } = rehearsal.app.restore ?? {};
    const isFirst = rehearsals.findIndex(({ app }) => app.name === rehearsal.app.name) === at;
    // Most applications run on one host.
    const name = isFirst ? rehearsal.app.name : `${rehearsal.app.name}.${rehearsal.of}`;
    const what = `${rehearsal.app.name} of ${rehearsal.of}`;
    const code = `rehearsal.${name}`;
    const repository = `${shared.store.mount}/restic/${rehearsal.repository}`;
    return [
      {
        code: `${code}.job`,
        fact: `a restore of ${what} is rehearsed ${rehearse}`,
        effect: "none",
        call: ["rehearsal_job", name, rehearse, ...configLines(rehearsal, repository, shared)],
      },
      {
        code: `${code}.recent`,
        fact: `a restore of ${what} has been rehearsed with success lately`,
        effect: "none",
        call: ["rehearsal_recent", name, String(2 * intervalSeconds[rehearse]), repository],
      },
      {
        code: `${code}.status`,
        fact: `the host reports the last rehearsal of ${what}`,
        effect: "none",
        call: ["rehearsal_status", name],
      },
    ] satisfies readonly Step[];
  });
}

function configLines(
  { of, app, repository: client }: RehearsalSpec,
  repository: string,
  { store, files, passwords, folder }: Omit<RehearsalStepsSpec, "rehearsals">,
): readonly string[] {
  const scratch = rehearsalFolder(store.mount, app.name);
  const { password = "" } = store.repositories.find(({ path }) => path === client) ?? {};
  const release = files.rehearsed?.find(({ name }) => name === app.name);
  return [
    `app=${app.name}`,
    `host=${of}`,
    `folder=${folder}/${app.name}`,
    `seconds=${app.update.timeout}`,
    `restic=/opt/sealift/restic/${store.restic}/restic`,
    `repository=${repository}`,
    `password=${passwords.get(password) ?? ""}`,
    `scratch=${scratch}`,
    ...dataLines(inScratch(app, store.mount)),
    ...unsafeLines(Object.keys(app.data ?? {}), release),
  ];
}

/** What a service would reach of the store itself: it is not started there. */
function unsafeLines(services: readonly string[], release: HostApp | undefined): readonly string[] {
  return (release?.project.services ?? [])
    .filter(({ name }) => services.includes(name))
    .flatMap(({ name, hostPaths = [], needs = [] }) => {
      const reached = [...hostPaths, ...needs];
      return reached.length === 0 ? [] : [`unsafe service ${name} uses ${reached.join(" ")} of its host`];
    });
}
