/** A store of backups, as facts. Pure. */
import type { Channel } from "../core/host/blob-step.ts";
import type { Archive } from "../core/host/blob.ts";
import type { BackupStoreSpec } from "../core/site/backups.ts";
import type { Step } from "../core/host/step.ts";
import { certificateStep, type StoreCertificates } from "./certificates.ts";
import { programSteps } from "./program-steps.ts";

export interface StoreStepsSpec {
  readonly store: BackupStoreSpec;
  readonly restic: Archive;
  readonly restServer: Archive;
  /** Where the decrypted passwords lie on the host, by the path of the encrypted file. */
  readonly passwords: ReadonlyMap<string, string>;
  /** Of the stores that get a copy. */
  readonly certificates: StoreCertificates;
  /** The registry that has the bundle; absent: blobs are sent over ssh. */
  readonly channel?: Channel;
}

export function storeSteps({ store, restic, restServer, channel }: StoreStepsSpec): readonly Step[] {
  return [
    ...programSteps("store.", "restic", restic, channel),
    ...programSteps("store.server-", "rest-server", restServer, channel),
    certificateStep(store),
  ];
}
