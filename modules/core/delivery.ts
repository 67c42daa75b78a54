/** What has to be on a host before its first phase. */
import { arrivalPath, keptPath, type Blob } from "./blob.ts";
import { libraryPath, type Library } from "./library.ts";
import type { Phase } from "./step.ts";

/** Files that have to be on the host, as facts that are only ever checked. */
export function deliveryPhase(library: Library, blobs: readonly Blob[]): Phase {
  const delivered = (what: string, bytes: number, ...paths: string[]) => ({
    code: `delivery.${what}`,
    fact: `${what} has arrived`,
    effect: "none" as const,
    call: ["delivered", String(bytes), ...paths] as const,
  });
  return {
    name: "delivery",
    steps: [
      delivered("library", library.bytes, libraryPath(library.sha256)),
      ...blobs.map(({ sha256, bytes }) =>
        delivered(sha256.slice(0, 12), bytes, keptPath(sha256), arrivalPath(sha256)),
      ),
    ],
  };
}
