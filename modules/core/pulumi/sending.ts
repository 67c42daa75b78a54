/** From where Pulumi's command plugin may open the files that it sends. */
import { constants, fstatSync, openSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import type { Blob } from "../host/blob.ts";
import { SentCopies } from "./sent-copy.ts";

/** Returns paths whose targets only the operator controls. */
export interface Sending {
  /**
   * @param missing whether the host lacks the blob: then it is about to be sent.
   * @throws {SealiftError} E_BUNDLE_DIGEST when it differs from the verified blob; E_NO_SPACE.
   */
  path(blob: Blob, missing: boolean): Promise<string>;
  /** It was sent, and no other host needs it. */
  sent(blob: Blob): Promise<void>;
}

let sending: Sending | undefined;

/** The copies of this run. */
export function sendingOfRun(): Sending {
  sending ??= beginSending(new SentCopies(pulumi.getStack()), pulumi.runtime.isDryRun());
  return sending;
}

/**
 * A blob that a host lacks is sent from a private copy, which is made once for all hosts. A blob that the host has is sent only
 * when the state has lost it: it is not copied, but held open as a regular file. A preview sends nothing, and does neither.
 */
export function beginSending(copies: SentCopies, preview: boolean): Sending {
  // A preview holds no lock of the stack: the copies may belong to a concurrent run.
  if (preview) return { path: (blob) => Promise.resolve(copies.path(blob)), sent: () => Promise.resolve() };
  process.once("exit", () => {
    copies.removeAll();
  });
  const paths = new Map<string, string>();
  return {
    path: async (blob, missing) => {
      if (missing) await copies.make(blob);
      const here = missing ? undefined : (paths.get(blob.path) ?? storedPath(blob));
      if (here !== undefined) paths.set(blob.path, here);
      return here ?? copies.path(blob);
    },
    sent: (blob) => copies.remove(blob),
  };
}

/**
 * A path to the file that was opened here, whatever its name points to later; the plugin ends before this program does (proc(5)).
 * At worst it gives other bytes of the medium, which the host's hash detects.
 *
 * @returns undefined unless it is a regular file: then there is nothing to send.
 */
function storedPath({ path }: Blob): string | undefined {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  try {
    const descriptor = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    return fstatSync(descriptor).isFile() ? `/proc/${process.pid}/fd/${descriptor}` : undefined;
  } catch {
    return undefined;
  }
}
