/** What a host says about the backups of one of its applications. Pure. */
import { wordsOf } from "./status-words.ts";

export interface BackupStatus {
  /** The last good one; absent: there is none. */
  readonly last?: {
    /** ISO 8601, UTC. */
    readonly at: string;
    /** Id of the snapshot in the repository. */
    readonly snapshot: string;
    readonly release: string;
    /** What was read, and what of it the store did not have yet. */
    readonly bytes: number;
    readonly added: number;
    readonly seconds: number;
    /** How long its services were stopped, in milliseconds. */
    readonly stopped: number;
  };
  /** The last attempt, when it failed after the last good one. */
  readonly failed?: { readonly at: string; readonly status: number };
}

/** Exit status of the script on the host. The README of this module has the same. */
const failures: Readonly<Record<number, string>> = {
  2: "the configuration, the program or the certificate is absent",
  3: "the password is not decrypted",
  4: "the store does not answer, or shows another certificate",
  5: "the store refuses the login",
  6: "the password does not open the repository",
  7: "the repository is gone, or another one",
  8: "a dump failed",
  9: "no snapshot: no free extents, or LVM fails",
  10: "the snapshot was too small",
  11: "files could not be read, or are on a mount",
  12: "restic failed, or the store is full or busy",
  13: "a service did not stop, start, or stay stopped",
  14: "a restore has begun and has not ended",
  15: "the files changed during each attempt",
  16: "the data is not that of the earlier backups",
  17: "it was stopped, killed, or over its time",
  75: "a backup of the application is running",
};

/** Why an attempt failed, in words. */
export function failureReason(status: number): string {
  return failures[status] ?? `exit status ${status}`;
}

/** Code of the step whose value this is. */
export function backupStatusCode(app: string): string {
  return `backup.${app}.status`;
}

/** Untrusted input from the host. @param value as job.sh writes it; without all words of a backup there is none. */
export function parseBackupStatus(value: string): BackupStatus {
  const { text, number, time } = wordsOf(value);
  const at = time("time");
  const snapshot = /^[0-9a-f]{64}$/.exec(text("snapshot") ?? "")?.[0];
  const release = /^[A-Za-z0-9._+-]{1,100}$/.exec(text("release") ?? "")?.[0];
  const [bytes, added, seconds, stopped] = ["bytes", "added", "seconds", "stopped"].map(number);
  const isWhole =
    at !== undefined &&
    snapshot !== undefined &&
    release !== undefined &&
    bytes !== undefined &&
    added !== undefined &&
    seconds !== undefined &&
    stopped !== undefined;
  const [, failedAt = "", status = ""] = /^(\d+),(\d{1,3})$/.exec(text("failed") ?? "") ?? [];
  const failed = wordsOf(`at=${failedAt}`).time("at");
  return {
    ...(isWhole ? { last: { at, snapshot, release, bytes, added, seconds, stopped } } : {}),
    ...(failed === undefined ? {} : { failed: { at: failed, status: Number(status) } }),
  };
}
