/** Sizes and durations as written in a site file. */

const mibPerUnit = { MiB: 1, GiB: 1024, TiB: 1024 * 1024 } as const;

/**
 * Whole GiB (2^30 bytes) of `20GiB` or `2TiB`.
 *
 * @throws {RangeError} for anything else; the site schema has already refused it.
 */
export function parseGiB(size: string): number {
  return parseMiB(size, /^([1-9][0-9]*)(GiB|TiB)$/) / mibPerUnit.GiB;
}

/**
 * Whole MiB (2^20 bytes) of `500MiB`, `2GiB` or `1TiB`.
 *
 * @throws {RangeError} for anything else; the site schema has already refused it.
 */
export function parseMiB(size: string, form = /^([1-9][0-9]*)(MiB|GiB|TiB)$/): number {
  const match = form.exec(size);
  if (match === null) throw new RangeError(`not a size with its unit: ${size}`);
  return Number(match[1]) * mibPerUnit[match[2] as keyof typeof mibPerUnit];
}

/**
 * Seconds of `30s` or `5m`.
 *
 * @throws {RangeError} for anything else; the site schema has already refused it.
 */
export function parseSeconds(duration: string): number {
  const match = /^([0-9]+)(s|m)$/.exec(duration);
  if (match === null) throw new RangeError(`not a duration with its unit: ${duration}`);
  return Number(match[1]) * (match[2] === "m" ? 60 : 1);
}

/** 50 for `50%FREE`, as lvcreate(8) writes it; undefined for a size with a unit. */
export function parsePercentFree(size: string): number | undefined {
  const match = /^(100|[1-9][0-9]?)%FREE$/.exec(size);
  return match === null ? undefined : Number(match[1]);
}
