/**
 * Which CA certificates a registry host of the site may report; the report is untrusted. Pure. ca-shape.sh has the same for
 * hosts.
 */
import { createHash, X509Certificate } from "node:crypto";

/** The one registry that a CA may certify. */
export interface CaScope {
  readonly name: string;
  /** IPv4. */
  readonly address: string;
}

/**
 * Compares a certificate with the only form that Sealift creates, extension by extension and byte by byte, and checks that
 * programs can parse it: one that they cannot would fail the run on every client. Sources: RFC 5280, 4.1 and 4.2; X.690 for DER;
 * RFC 4648, 4.
 *
 * @param base64 of its DER.
 * @returns right: it can certify this registry and nothing else. earlier: the form of an earlier Sealift, also valid for
 * sub-domains, mail and TLS clients. other: anything else.
 */
export function caShape(base64: string, { name, address }: CaScope): "right" | "earlier" | "other" {
  if (base64.length > maxBase64) return "other";
  const bytes = Buffer.from(base64, "base64");
  if (bytes.toString("base64") !== base64) return "other";
  const found = extensionsOf(bytes)?.map((one) => one.toString("hex"));
  if (found === undefined || !isUsable(bytes)) return "other";
  const allowed = found.map((one) =>
    /^301d0603551d0e04160414[0-9a-f]{40}$/.test(one) ? keyIdentifier : one,
  );
  const subtrees = [
    subtree(0x82, name),
    subtree(0x87, Buffer.from([...address.split(".").map(Number), ...onlyThis])),
  ];
  // "invalid" has no sub-domains (RFC 2606): no mailbox and no URI. Go does not support constraints on directory names and would
  // refuse one.
  const nothing = [subtree(0x81, "invalid"), subtree(0x86, "invalid")];
  const below = der(0xa1, subtree(0x82, `.${name}`));
  const right = [...common, serverAuth, constraints(der(0xa0, ...subtrees, ...nothing), below)];
  if (same(allowed, right)) return "right";
  return same(allowed, [...common, constraints(der(0xa0, ...subtrees))]) ? "earlier" : "other";
}

/** Whether programs can parse it, its key has the type that Sealift creates and has signed it, and it is valid now. */
function isUsable(bytes: Buffer): boolean {
  try {
    const certificate = new X509Certificate(bytes);
    const { publicKey, serialNumber, validFrom, validTo } = certificate;
    return (
      publicKey.asymmetricKeyDetails?.namedCurve === "prime256v1" &&
      certificate.verify(publicKey) &&
      // Go refuses a negative serial (crypto/x509, 1.23), which has a sign here.
      /^[0-9A-F]{1,40}$/.test(serialNumber) &&
      // The clock of a host may be ahead by the limit of preflight, which reports a larger difference.
      Date.parse(validFrom) < Date.now() + dayMs &&
      Date.parse(validTo) > Date.now()
    );
  } catch {
    return false;
  }
}

const dayMs = 86_400_000;

/** Fingerprint of a certificate: 64 hex digits, as `openssl x509 -fingerprint -sha256` has them, without colons. */
export function caSha256(base64: string): string {
  return createHash("sha256").update(Buffer.from(base64, "base64")).digest("hex");
}

/** A CA certificate of Sealift has about 600 bytes. */
const maxBase64 = 4096;
const onlyThis = [255, 255, 255, 255];
const keyIdentifier = "subjectKeyIdentifier";
const serverAuth = "30130603551d25040c300a06082b06010505070301";
/** CA:TRUE with no CA below it, and keyCertSign with cRLSign; both critical. */
const common = [
  "30120603551d130101ff040830060101ff020100",
  "300e0603551d0f0101ff040403020106",
  keyIdentifier,
] as const;

function same(found: readonly string[], expected: readonly string[]): boolean {
  return found.toSorted().join() === expected.toSorted().join();
}

function constraints(...parts: readonly Buffer[]): string {
  const id = Buffer.from("0603551d1e0101ff", "hex");
  return der(0x30, id, der(0x04, der(0x30, ...parts))).toString("hex");
}

function subtree(kind: number, value: string | Buffer): Buffer {
  return der(0x30, der(kind, Buffer.from(value)));
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const value = Buffer.concat(parts);
  const { length } = value;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), value]);
}

interface Element {
  readonly tag: number;
  /** Where the value of an element begins and ends. */
  readonly begin: number;
  readonly end: number;
}

/** One element of DER; undefined when its length is not valid DER, or exceeds the data. */
function elementAt(bytes: Buffer, at: number, limit: number): Element | undefined {
  const [tag = -1, first = -1, ...rest] = bytes.subarray(at, Math.min(at + 4, limit));
  const digits = first < 0 || first > 0x82 || first === 0x80 ? -1 : Math.max(0, first - 0x80);
  if (digits < 0 || rest.length < digits) return undefined;
  const length = digits === 0 ? first : rest.slice(0, digits).reduce((sum, one) => 256 * sum + one, 0);
  const begin = at + 2 + digits;
  const shortest = digits === 0 ? 0 : digits === 1 ? 128 : 256;
  return length < shortest || begin + length > limit ? undefined : { tag, begin, end: begin + length };
}

/** The extensions of a certificate, each complete; undefined when it is not a certificate of version 3 with extensions last. */
function extensionsOf(bytes: Buffer): readonly Buffer[] | undefined {
  const certificate = elementAt(bytes, 0, bytes.length);
  if (certificate?.tag !== 0x30 || certificate.end !== bytes.length) return undefined;
  const signed = elementAt(bytes, certificate.begin, certificate.end);
  if (signed?.tag !== 0x30) return undefined;
  const last = signed.end;
  let at = signed.begin;
  // Version, serial, algorithm, issuer, validity, subject, key, extensions.
  const tags = [0xa0, 0x02, 0x30, 0x30, 0x30, 0x30, 0x30, 0xa3];
  if (bytes.toString("hex", at, at + 5) !== "a003020102") return undefined;
  let element: Element | undefined;
  for (const tag of tags) {
    element = elementAt(bytes, at, last);
    if (element?.tag !== tag) return undefined;
    at = element.end;
  }
  if (element === undefined || at !== last) return undefined;
  const list = elementAt(bytes, element.begin, last);
  if (list?.tag !== 0x30 || list.end !== last) return undefined;
  const found: Buffer[] = [];
  for (at = list.begin; at < last;) {
    const one = elementAt(bytes, at, last);
    if (one === undefined) return undefined;
    found.push(bytes.subarray(at, one.end));
    at = one.end;
  }
  return found;
}
