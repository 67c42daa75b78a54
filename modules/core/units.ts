/** Sizes as people write them in a site file. */

const gibPerUnit = { GiB: 1, TiB: 1024 } as const;

/**
 * Whole GiB (2^30 bytes) of `20GiB` or `2TiB`.
 * @throws {RangeError} on anything else; the site schema has refused it before.
 */
export function parseGiB(size: string): number {
  const match = /^([1-9][0-9]*)(GiB|TiB)$/.exec(size);
  if (match === null) throw new RangeError(`not a size in GiB or TiB: ${size}`);
  return Number(match[1]) * gibPerUnit[match[2] as keyof typeof gibPerUnit];
}
