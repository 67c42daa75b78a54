/** Rehearsed restores on a host that stores backups, as facts. Pure. */
import type { HostFiles } from "../core/host/blob.ts";
import type { BackupStoreSpec } from "../core/site/backups.ts";
import type { RehearsalSpec } from "../core/site/site-spec.ts";
import type { Step } from "../core/host/step.ts";

export interface RehearsalStepsSpec {
  readonly store: BackupStoreSpec;
  readonly rehearsals: readonly RehearsalSpec[];
  /** `rehearsed`: the releases, in the order of the rehearsals. */
  readonly files: HostFiles;
  /** Where the decrypted passwords lie on the host, by the path of the encrypted file. */
  readonly passwords: ReadonlyMap<string, string>;
}

export function rehearsalSteps(_spec: RehearsalStepsSpec): readonly Step[] {
  return [];
}
