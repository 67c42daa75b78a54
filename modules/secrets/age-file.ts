/** The header of a file encrypted by age: for whom it is, readable without any key. Source: https://age-encryption.org/v1. Pure. */
import { createHash } from "node:crypto";

export interface AgeHeader {
  /** Tags of the ssh-ed25519 keys that can decrypt it, in the order of the file. */
  readonly sshTags: readonly string[];
  /** How many X25519 keys can decrypt it; the header does not say which. */
  readonly x25519: number;
  /** Other ways to decrypt it, such as `scrypt`, a passphrase. */
  readonly others: readonly string[];
}

/** A secret is a password, a key or a small file. */
export const maxSecretBytes = 1024 * 1024;

const intro = "age-encryption.org/v1\n";
const armorStart = "-----BEGIN AGE ENCRYPTED FILE-----";
const armorEnd = "-----END AGE ENCRYPTED FILE-----";

/** @returns undefined when it is no such file. */
export function ageHeader(file: Buffer): AgeHeader | undefined {
  const text = (isArmored(file) ? withoutArmor(file) : file).toString("latin1");
  const end = text.indexOf("\n--- ");
  if (!text.startsWith(intro) || end < 0) return undefined;
  const stanzas = text
    .slice(intro.length, end)
    .split("\n")
    .filter((line) => line.startsWith("-> "))
    .map((line) => line.split(" ").slice(1));
  return {
    sshTags: stanzas.flatMap(([type, tag = ""]) => (type === "ssh-ed25519" ? [tag] : [])),
    x25519: stanzas.filter(([type]) => type === "X25519").length,
    others: stanzas.flatMap(([type = ""]) => (isOther(type) ? [type] : [])),
  };
}

/** Some programs add stanzas for nobody, so that readers do not rely on a closed set of types. */
function isOther(type: string): boolean {
  return type !== "ssh-ed25519" && type !== "X25519" && !type.endsWith("-grease");
}

function isArmored(file: Buffer): boolean {
  return file.subarray(0, armorStart.length).toString("latin1") === armorStart;
}

function withoutArmor(file: Buffer): Buffer {
  const text = file.toString("latin1");
  const end = text.indexOf(armorEnd);
  return Buffer.from(end < 0 ? "" : text.slice(armorStart.length, end), "base64");
}

/**
 * How a header names an ssh key: the first four bytes of the sha256 of the key in wire format, in base64 without padding.
 *
 * @param key `ssh-ed25519 <base64>`.
 */
export function sshTag(key: string): string {
  const blob = Buffer.from(key.split(" ")[1] ?? "", "base64");
  return createHash("sha256").update(blob).digest().subarray(0, 4).toString("base64").replaceAll("=", "");
}
