/** What has to be on a host before its first phase, and what a later one waits for. */
import { arrivalPath, keptPath, type Blob } from "./blob.ts";
import { libraryPath, type Library } from "./library.ts";
import type { Probe } from "./probe.ts";
import type { BundleAge, Phase, Step } from "./step.ts";

/** Bytes that travel to a host over ssh. */
export interface Delivery extends Blob {
  /** Unique on a host. */
  readonly what: string;
  /** Where they arrive: absolute, or relative to the login's home. */
  readonly lands: string;
  /** Where a phase puts them then; they count as arrived in either place. */
  readonly kept: string;
}

/** A blob as most phases take it. */
export function blobDelivery(blob: Blob): Delivery {
  const { sha256 } = blob;
  return { ...blob, what: sha256.slice(0, 12), lands: arrivalPath(sha256), kept: keptPath(sha256) };
}

/**
 * Files that have to be on the host, as facts that are only ever checked.
 * @param spares what need not be there, but is asked for; {@link keptSpares} has the answer.
 * @param bundle is not to be older than the last one that was here. Default: nobody asks.
 */
export function deliveryPhase(
  library: Library,
  deliveries: readonly Delivery[],
  spares: readonly Delivery[] = [],
  bundle?: BundleAge,
): Phase {
  const delivered = (what: string, bytes: number, ...paths: string[]) => ({
    code: deliveryCode(what),
    fact: `${what} has arrived`,
    effect: "none" as const,
    call: ["delivered", String(bytes), ...paths] as const,
  });
  return {
    name: "delivery",
    steps: [
      ...(bundle === undefined ? [] : [serialStep(bundle)]),
      delivered("library", library.bytes, libraryPath(library.sha256)),
      ...deliveries.map(({ what, bytes, kept, lands }) => delivered(what, bytes, kept, lands)),
      ...(spares.length === 0
        ? []
        : [
            {
              code: sparesCode,
              fact: "it is known which other versions the host keeps",
              effect: "none" as const,
              call: [
                "spares",
                ...spares.flatMap(({ what, bytes, kept }) => [what, String(bytes), kept]),
              ] as const,
            },
          ]),
    ],
  };
}

function serialStep({ serial, backFrom }: BundleAge): Step {
  return {
    code: "delivery.serial",
    fact: `no bundle after ${serial} was here before`,
    effect: "none",
    call: ["bundle_serial", String(serial), ...(backFrom === undefined ? [] : [String(backFrom)])],
  };
}

const sparesCode = "delivery.spares";

/** Those of them that lie on the host; none when nobody could look. */
export function keptSpares(spares: readonly Delivery[], probe: Probe): readonly Delivery[] {
  if (probe.kind !== "reached") return [];
  const there = (probe.report.values?.[sparesCode] ?? "").split(" ");
  return spares.filter(({ what }) => there.includes(what));
}

export function deliveryCode(what: string): string {
  return `delivery.${what}`;
}
