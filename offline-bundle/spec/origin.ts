/** The origins of a pin, ranked, and the minimum that a team requires. Pure. */

/**
 * From weak to strong. unverified: self-computed, or published by an unknown party; agreement: a person has found several
 * credible parties that do not copy each other; checksum: a checksum file of the publisher, over https; signature: a signature of
 * the publisher by a key whose fingerprint is in bundle.yaml.
 */
export const origins = ["unverified", "agreement", "checksum", "signature"] as const;
export type Origin = (typeof origins)[number];

/** The required origin when bundle.yaml does not set minOrigin. */
export const defaultMinOrigin: Origin = "agreement";

/** A person's confirmation of exact bytes that nobody else attests. */
export interface Confirmation {
  readonly sha256: string;
  /** The person who checked the bytes. */
  readonly by: string;
  /** How they were checked. */
  readonly reason: string;
}

export function rank(origin: Origin): number {
  return origins.indexOf(origin);
}

/** The recorded origin of a pin; locks of an earlier Sealift record none. */
export function originOf({ origin }: { readonly origin?: Origin }): Origin {
  return origin ?? "unverified";
}
