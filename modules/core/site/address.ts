/** IP addresses and networks as numbers, for rules that compare them. */
import { isIPv4, isIPv6 } from "node:net";

export interface Address {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** An address with a prefix: a network, or a host's address in one. */
export interface Cidr extends Address {
  /** Prefix length in bits: 0 to 32, or 0 to 128. */
  readonly prefix: number;
  readonly first: bigint;
  readonly last: bigint;
}

/** The address of `10.0.0.1` or `fd00::1`; undefined for any other text. */
export function parseAddress(text: string): Address | undefined {
  if (isIPv4(text)) return { family: 4, value: join(text.split(".").map(Number), 8n) };
  if (!isIPv6(text) || text.includes("%")) return undefined;
  return { family: 6, value: join(groups(text), 16n) };
}

/**
 * Whether two texts are the same host, however they are written: `fd00::1` and `FD00:0:0::1`, `Node-A.corp` and `node-a.corp`.
 */
export function sameAddress(text: string): string {
  return isIPv6(text) && !text.includes("%") ? new URL(`http://[${text}]`).hostname : text.toLowerCase();
}

/** The network of `10.0.0.0/8`; undefined for any other text. */
export function parseCidr(text: string): Cidr | undefined {
  const [, address = "", bits = ""] = /^([0-9a-fA-F.:]+)\/([0-9]{1,3})$/.exec(text) ?? [];
  const parsed = parseAddress(address);
  const prefix = Number(bits);
  const width = parsed?.family === 4 ? 32 : 128;
  if (parsed === undefined || bits === "" || prefix > width) return undefined;
  const hosts = (1n << BigInt(width - prefix)) - 1n;
  const first = parsed.value - (parsed.value & hosts);
  return { ...parsed, prefix, first, last: first + hosts };
}

/** An address as Go and the kernel write it: RFC 5952, with an IPv4 address inside IPv6 in dotted form. */
export function formatAddress({ family, value }: Address): string {
  const dotted = (number: bigint): string =>
    [24n, 16n, 8n, 0n].map((shift) => String((number >> shift) & 0xffn)).join(".");
  if (family === 4) return dotted(value);
  if (value >> 32n === 0xffffn) return `::ffff:${dotted(value & 0xffffffffn)}`;
  const parts = Array.from({ length: 8 }, (_, index) =>
    ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16),
  );
  const { start, length } = longestZeros(parts);
  if (length < 2) return parts.join(":");
  return `${parts.slice(0, start).join(":")}::${parts.slice(start + length).join(":")}`;
}

/** The longest run of parts that are 0; the first of several equally long ones. */
function longestZeros(parts: readonly string[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (const [index, part] of parts.entries()) {
    if (part !== "0") start = index + 1;
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start };
  }
  return best;
}

/** The network of an address with a prefix, without host bits: `10.20.0.0/16` for `10.20.0.5/16`. */
export function formatNetwork({ family, first, prefix }: Cidr): string {
  return `${formatAddress({ family, value: first })}/${prefix}`;
}

/** Whether two networks have an address in common. */
export function overlap(one: Cidr, other: Cidr): boolean {
  return one.family === other.family && one.first <= other.last && other.first <= one.last;
}

/** Whether an address, or a whole network, is in a network. */
export function within(inner: Address | Cidr, outer: Cidr): boolean {
  const [first, last] = "first" in inner ? [inner.first, inner.last] : [inner.value, inner.value];
  return inner.family === outer.family && outer.first <= first && last <= outer.last;
}

/** An address as a network of its own. */
export function single(address: Address): Cidr {
  return { ...address, prefix: address.family === 4 ? 32 : 128, first: address.value, last: address.value };
}

function groups(text: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  if (dotted !== null) {
    const [, head = "", a, b, c, d] = dotted;
    const pair = (high?: string, low?: string): string => (Number(high) * 256 + Number(low)).toString(16);
    return groups(`${head}${pair(a, b)}:${pair(c, d)}`);
  }
  const [left = "", right] = text.split("::");
  const part = (side: string): number[] =>
    side === "" ? [] : side.split(":").map((group) => parseInt(group, 16));
  if (right === undefined) return part(left);
  const [head, tail] = [part(left), part(right)];
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail];
}

function join(parts: readonly number[], width: bigint): bigint {
  return parts.reduce((sum, part) => (sum << width) + BigInt(part), 0n);
}
