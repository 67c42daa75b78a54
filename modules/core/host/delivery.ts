/** Files that must be on a host before its first phase, and files that a later phase waits for. */
import { uploadPath, storePath, type Blob } from "./blob.ts";
import type { Difference } from "./drift.ts";
import { libraryPath, type Library } from "./library.ts";
import type { Probe } from "./probe.ts";
import type { BundleAge, Phase, Step } from "./step.ts";

/** Bytes that travel to a host over ssh. */
export interface Delivery extends Blob {
  /** Unique on a host. */
  readonly what: string;
  /** Where they arrive: absolute, or relative to the SSH user's home. */
  readonly uploadPath: string;
  /** Where a phase moves them; they have arrived if they are in either place. */
  readonly storePath: string;
}

/** A blob in the form that most phases use. */
export function blobDelivery(blob: Blob): Delivery {
  const { sha256 } = blob;
  return { ...blob, what: sha256.slice(0, 12), uploadPath: uploadPath(sha256), storePath: storePath(sha256) };
}

/**
 * Files that must be on the host, as facts that are only checked.
 *
 * @param retained files that need not be there, but are asked for; {@link presentRetainedBlobs} has the answer.
 * @param bundle must not be older than the last one of the host. Default: not checked.
 */
export function deliveryPhase(
  library: Library,
  deliveries: readonly Delivery[],
  retained: readonly Delivery[] = [],
  bundle?: BundleAge,
): Phase {
  const delivered = (what: string, bytes: number, ...paths: string[]) => ({
    code: deliveryCode(what),
    fact: `${what} is on the host`,
    effect: "none" as const,
    call: ["delivered", String(bytes), ...paths] as const,
  });
  return {
    name: "delivery",
    steps: [
      ...(bundle === undefined ? [] : [serialStep(bundle)]),
      delivered("library", library.bytes, libraryPath(library.sha256)),
      ...deliveries.map(({ what, bytes, storePath, uploadPath }) =>
        delivered(what, bytes, storePath, uploadPath),
      ),
      ...(retained.length === 0
        ? []
        : [
            {
              code: retainedCode,
              fact: "the host reports which other versions it keeps",
              effect: "none" as const,
              call: [
                "retained_blobs",
                ...retained.flatMap(({ what, bytes, storePath }) => [what, String(bytes), storePath]),
              ] as const,
            },
          ]),
    ],
  };
}

function serialStep({ serial, backFrom }: BundleAge): Step {
  return {
    code: "delivery.serial",
    fact: `the host has not had a bundle with a serial above ${serial}`,
    effect: "none",
    call: ["bundle_serial", String(serial), ...(backFrom === undefined ? [] : [String(backFrom)])],
  };
}

const retainedCode = "delivery.retained";

/** Those of them that are on the host; empty when the host was not probed. */
export function presentRetainedBlobs(retained: readonly Delivery[], probe: Probe): readonly Delivery[] {
  if (probe.kind !== "reached") return [];
  const present = (probe.report.values?.[retainedCode] ?? "").split(" ");
  return retained.filter(({ what }) => present.includes(what));
}

/** Whether an earlier run sent a phase to a host that did not have this file. @param found as check_delivered reports it. */
function isNeededByPhase(found: string): boolean {
  return found.endsWith(", and a phase needs it");
}

/**
 * Those of the missing files that a run sends.
 *
 * @param inSync every fact of the host holds: then another version of the library is no reason to go there.
 */
export function neededDeliveries(missing: readonly Difference[], inSync: boolean): readonly Difference[] {
  return missing.filter(
    ({ step, found }) => !inSync || step.code !== deliveryCode("library") || isNeededByPhase(found),
  );
}

export function deliveryCode(what: string): string {
  return `delivery.${what}`;
}
