/** A public key of OpenSSH in its binary form: its identity and its strength. */

export interface SshKey {
  /** `ssh-ed25519`; for a certificate, that of its key. */
  readonly type: string;
  /** The key itself, in base64: for a certificate the key in it, so that it is the same with and without. */
  readonly key: string;
  /** The key that signed the certificate, in base64; absent: it is not a certificate. */
  readonly authority?: string;
  /** Why it is too weak to be trusted: `ssh-rsa, 2048 bits`; absent: it is strong enough. */
  readonly weakness?: string;
}

/**
 * Parses a key (RFC 4253, 6.6) or a certificate (openssh PROTOCOL.certkeys).
 *
 * @param blob base64, as in public key files.
 * @returns undefined when it is neither.
 */
export function parseSshKey(blob: string): SshKey | undefined {
  const data = Buffer.from(blob, "base64");
  const reader = new Reader(data);
  const named = reader.text();
  const type = named.replace(certificate, "");
  const fields = fieldsOf[type];
  if (fields === undefined) return undefined;
  // A nonce comes first.
  if (certificate.test(named)) reader.bytes();
  const number = type === "ssh-rsa" || type === "ssh-dss" ? shortest : (part: Buffer) => part;
  const parts = Array.from({ length: fields }, () => number(reader.bytes()));
  const weakness = weaknessOf(type, parts);
  const key = Buffer.concat([Buffer.from(type), ...parts].flatMap((part) => [lengthOf(part), part]));
  const common = { type, key: key.toString("base64"), ...(weakness === undefined ? {} : { weakness }) };
  if (!certificate.test(named)) return reader.atEnd() ? common : undefined;
  // Serial and type; id and principals; both dates; critical options, extensions, reserved; the key of the CA.
  reader.skip(8 + 4);
  reader.bytes();
  reader.bytes();
  reader.skip(8 + 8);
  reader.bytes();
  reader.bytes();
  reader.bytes();
  const authority = parseSshKey(reader.bytes().toString("base64"));
  if (!reader.complete() || authority === undefined) return undefined;
  const weak = weakness ?? authority.weakness;
  return { ...common, authority: authority.key, ...(weak === undefined ? {} : { weakness: weak }) };
}

/**
 * A number (RFC 4251, 5, mpint) in its shortest form: ssh-keygen accepts longer forms of the same key, and one key is one person.
 */
function shortest(part: Buffer): Buffer {
  const first = part.findIndex((byte) => byte !== 0);
  const digits = first < 0 ? Buffer.alloc(0) : part.subarray(first);
  return (digits[0] ?? 0) >= 128 ? Buffer.concat([Buffer.alloc(1), digits]) : digits;
}

/** RSA with fewer bits has less than 128 bits of security (NIST SP 800-57 part 1 revision 5, table 2). */
export const minRsaBits = 3072;

const certificate = /-cert-v01@openssh\.com$/;

/** The number of fields of a key of this type. */
const fieldsOf: Readonly<Partial<Record<string, number>>> = {
  "ssh-ed25519": 1,
  "ssh-rsa": 2,
  "ssh-dss": 4,
  "ecdsa-sha2-nistp256": 2,
  "ecdsa-sha2-nistp384": 2,
  "ecdsa-sha2-nistp521": 2,
  "sk-ssh-ed25519@openssh.com": 2,
  "sk-ecdsa-sha2-nistp256@openssh.com": 3,
  "sk-ssh-ed25519": 2,
  "sk-ecdsa-sha2-nistp256": 3,
};

function weaknessOf(type: string, parts: readonly Buffer[]): string | undefined {
  if (type === "ssh-dss") return "ssh-dss, 1024 bits";
  if (type !== "ssh-rsa") return undefined;
  const modulus = parts[1] ?? Buffer.alloc(0);
  const first = modulus.findIndex((byte) => byte !== 0);
  const bits = first < 0 ? 0 : (modulus.length - first) * 8 - Math.clz32(modulus[first] ?? 0) + 24;
  return bits < minRsaBits ? `ssh-rsa, ${bits} bits` : undefined;
}

function lengthOf(part: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(part.length);
  return length;
}

/** Reads strings of the ssh protocol (RFC 4251, 5); a truncated string reads as empty and invalidates the whole. */
class Reader {
  readonly #data: Buffer;
  #at = 0;
  #cut = false;

  constructor(data: Buffer) {
    this.#data = data;
  }

  bytes(): Buffer {
    const start = this.#at + 4;
    if (start > this.#data.length) return this.#none();
    const end = start + this.#data.readUInt32BE(this.#at);
    if (end > this.#data.length) return this.#none();
    this.#at = end;
    return this.#data.subarray(start, end);
  }

  text(): string {
    return this.bytes().toString("latin1");
  }

  skip(bytes: number): void {
    this.#at += bytes;
  }

  /** Whether everything could be read. */
  complete(): boolean {
    return !this.#cut && this.#at <= this.#data.length;
  }

  atEnd(): boolean {
    return !this.#cut && this.#at === this.#data.length;
  }

  #none(): Buffer {
    this.#cut = true;
    return Buffer.alloc(0);
  }
}
