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
