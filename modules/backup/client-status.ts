/** What a host says about the backups of one of its applications. Pure. */

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

const seconds = /^\d{1,11}$/;
const number = /^\d{1,15}$/;

/** Untrusted input from the host. @param value as job.sh writes it; without all words of a backup there is none. */
export function parseBackupStatus(value: string): BackupStatus {
  const words = new Map(
    value.split(" ", 100).map((word): [string, string] => {
      const cut = word.indexOf("=");
      return [word.slice(0, Math.max(cut, 0)), word.slice(cut + 1)];
    }),
  );
  const at = timeOf(words.get("time") ?? "");
  const snapshot = /^[0-9a-f]{64}$/.exec(words.get("snapshot") ?? "")?.[0];
  const release = /^[A-Za-z0-9._+-]{1,100}$/.exec(words.get("release") ?? "")?.[0];
  const [bytes, added, took, stopped] = ["bytes", "added", "seconds", "stopped"].map((key) => {
    const text = words.get(key) ?? "";
    return number.test(text) ? Number(text) : undefined;
  });
  const isWhole =
    at !== undefined &&
    snapshot !== undefined &&
    release !== undefined &&
    bytes !== undefined &&
    added !== undefined &&
    took !== undefined &&
    stopped !== undefined;
  const [failedAt = "", status = ""] = (words.get("failed") ?? "").split(",");
  const failed = timeOf(failedAt);
  return {
    ...(isWhole ? { last: { at, snapshot, release, bytes, added, seconds: took, stopped } } : {}),
    ...(failed === undefined || !/^\d{1,3}$/.test(status)
      ? {}
      : { failed: { at: failed, status: Number(status) } }),
  };
}

function timeOf(text: string): string | undefined {
  return seconds.test(text) ? new Date(Number(text) * 1000).toISOString() : undefined;
}
