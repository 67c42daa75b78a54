/** The backups of the applications of one host, as facts. Pure. */
import type { Channel } from "../core/host/blob-step.ts";
import type { Archive } from "../core/host/blob.ts";
import type { BackupClientSpec } from "../core/site/backups.ts";
import type { AppSpec, HostSpec } from "../core/site/site-spec.ts";
import type { Step } from "../core/host/step.ts";
import type { StoreCertificates } from "./certificates.ts";

export interface ClientStepsSpec {
  /** Name of the host: its login at the store, and its repository there. */
  readonly host: string;
  readonly backup: BackupClientSpec;
  /** Those without `backup` are not backed up. */
  readonly apps: readonly AppSpec[];
  /** To find the volume group of a snapshot. */
  readonly volumes: HostSpec["volumes"];
  readonly restic: Archive;
  /** Where the decrypted password lies on the host. */
  readonly password: string;
  readonly certificates: StoreCertificates;
  /** The registry that has the bundle; absent: blobs are sent over ssh. */
  readonly channel?: Channel;
}

export function clientSteps(_spec: ClientStepsSpec): readonly Step[] {
  return [];
}
