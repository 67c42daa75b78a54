/** The thread of hash-files.ts: gets a file, answers with its sha256, and says now and then how far it is. */
import { createHash } from "node:crypto";
import { closeSync, fstatSync, lstatSync, openSync, readSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import { openFlags, refuseOtherKinds, tooLong } from "./regular-file.ts";

export type Answer = { readonly sha256: string } | { readonly bytes: number };

const buffer = Buffer.allocUnsafeSlow(1024 * 1024);
/** Seldom enough to cost nothing. */
const tellEveryBytes = 32 * 1024 * 1024;

parentPort?.on("message", ({ path, bytes }: { readonly path: string; readonly bytes: number }) => {
  parentPort?.postMessage({ sha256: hash(path, bytes) });
});

/** Reads and hashes in turn: the other threads use the disk meanwhile, and the system reads ahead. */
function hash(path: string, mostBytes: number): string {
  try {
    refuseOtherKinds(lstatSync(path));
    const file = openSync(path, openFlags("refuse"));
    try {
      refuseOtherKinds(fstatSync(file));
      const sum = createHash("sha256");
      let untold = 0;
      let bytes = 0;
      for (let length = readSync(file, buffer); length > 0; length = readSync(file, buffer)) {
        sum.update(buffer.subarray(0, length));
        untold += length;
        bytes += length;
        if (bytes > mostBytes) return tooLong(mostBytes);
        if (untold >= tellEveryBytes) untold = tell(untold);
      }
      tell(untold);
      return sum.digest("hex");
    } finally {
      closeSync(file);
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function tell(bytes: number): 0 {
  parentPort?.postMessage({ bytes });
  return 0;
}
