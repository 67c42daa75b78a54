/** Where Pulumi's command plugin may open the bytes that it sends. */
import { constants, fstatSync, openSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import type { Blob } from "./blob.ts";
import { SentCopies } from "./sent-copy.ts";

/** Gives paths of which nobody but the operator decides where they lead. */
export interface Sending {
  /**
   * @param lacks whether the host lacks the blob: then it is about to be sent.
   * @throws {SealiftError} E_BUNDLE_DIGEST when it is not what was verified any more; E_SPACE.
   */
  path(blob: Blob, lacks: boolean): Promise<string>;
  /** It was sent, and no other host needs it. */
  sent(blob: Blob): Promise<void>;
}

let sending: Sending | undefined;

/** Those of this run. */
export function sendingOfRun(): Sending {
  sending ??= begin(new SentCopies(pulumi.getStack()), pulumi.runtime.isDryRun());
  return sending;
}

/**
 * What a host lacks is sent from a copy of ours, which is made once for all hosts. What it has is sent only when the state has lost it: it
 * costs no copy, and is held open instead, as the regular file that it is. A preview sends nothing, and does neither.
 */
export function begin(copies: SentCopies, preview: boolean): Sending {
  // Nor does it hold a lock of the stack: the copies may be those of a run beside it.
  if (preview) return { path: (blob) => Promise.resolve(copies.path(blob)), sent: () => Promise.resolve() };
  process.once("exit", () => {
    copies.removeAll();
  });
  const held = new Map<string, string>();
  return {
    path: async (blob, lacks) => {
      if (lacks) await copies.make(blob);
      const here = lacks ? undefined : (held.get(blob.path) ?? heldPath(blob));
      if (here !== undefined) held.set(blob.path, here);
      return here ?? copies.path(blob);
    },
    sent: (blob) => copies.remove(blob),
  };
}

/**
 * A path to the file that was opened here, whatever its name leads to later; the plugin ends before this program does (proc(5)). It gives
 * the medium's own bytes at worst, which the host hashes.
 * @returns undefined of what is no regular file: then there is nothing to send from.
 */
function heldPath({ path }: Blob): string | undefined {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  try {
    const descriptor = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    return fstatSync(descriptor).isFile() ? `/proc/${process.pid}/fd/${descriptor}` : undefined;
  } catch {
    return undefined;
  }
}
