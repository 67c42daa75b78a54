/** The signature file of ssh-keygen, as text: which key made it. Only ssh-keygen decides whether it is valid. */
import { createHash } from "node:crypto";

export interface SshSignature {
  /** The public key that made it, in the format of public key files: base64. */
  readonly key: string;
  /** Its kind: `ssh-ed25519`. */
  readonly keyType: string;
  /** As ssh-keygen -l shows it: `SHA256:…`. */
  readonly fingerprint: string;
}

/**
 * Parses a signature (openssh PROTOCOL.sshsig). ssh-keygen ignores text behind the last line and unused bits of base64; here only
 * the exact form that ssh-keygen writes is accepted, so that no byte can change unnoticed.
 *
 * @returns undefined for any other form.
 */
export function parseSshSignature(text: string): SshSignature | undefined {
  const body = /^-----BEGIN SSH SIGNATURE-----\n((?:[\w+/=]+\n)+)-----END SSH SIGNATURE-----\n$/.exec(
    text,
  )?.[1];
  if (body === undefined) return undefined;
  const base64 = body.replaceAll("\n", "");
  const data = Buffer.from(base64, "base64");
  if (data.toString("base64") !== base64) return undefined;
  if (data.toString("latin1", 0, magic.length) !== magic) return undefined;
  // The version is not signed, and ssh-keygen treats 0 as 1.
  if (data.length < magic.length + versionBytes || data.readUInt32BE(magic.length) !== version)
    return undefined;
  const key = stringAt(data, magic.length + versionBytes);
  const keyType = key === undefined ? undefined : stringAt(key, 0);
  if (key === undefined || keyType === undefined) return undefined;
  return {
    key: key.toString("base64"),
    keyType: keyType.toString("latin1"),
    fingerprint: keyFingerprint(key),
  };
}

const magic = "SSHSIG";
const version = 1;
const versionBytes = 4;
const lengthBytes = 4;

/** A string of the ssh protocol (RFC 4251, 5): its length, then its bytes. */
function stringAt(data: Buffer, offset: number): Buffer | undefined {
  if (offset + lengthBytes > data.length) return undefined;
  const start = offset + lengthBytes;
  const end = start + data.readUInt32BE(offset);
  return end > data.length ? undefined : data.subarray(start, end);
}

/** Of a public key in its binary form: `SHA256:…`, base64 without padding, as OpenSSH writes it. */
export function keyFingerprint(key: Buffer): string {
  return `SHA256:${createHash("sha256").update(key).digest("base64").replaceAll("=", "")}`;
}
