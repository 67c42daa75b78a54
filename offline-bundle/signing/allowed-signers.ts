/**
 * An allowed signers file (ssh-keygen(1), ALLOWED SIGNERS) as text: its names and keys. ssh-keygen decides which of them are
 * trusted.
 */
import { parseSshKey } from "../../modules/core/ssh-key.ts";

export interface AllowedSigner {
  /** As written: names, or patterns with `*` and `?`. */
  readonly principals: readonly string[];
  /** Whether certificates by this key are trusted (cert-authority), and not the key itself. */
  readonly authority: boolean;
  /** In base64, as {@link parseSshKey} returns it. */
  readonly key: string;
}

/** Every line that has a key, in the order of the file. */
export function allowedSigners(text: string): readonly AllowedSigner[] {
  return text.split("\n").flatMap((line) => {
    const [names, ...words] = line.trim().match(/(?:[^\s"]|"(?:[^"\\]|\\.)*"?)+/g) ?? [];
    if (names === undefined || names.startsWith("#")) return [];
    // The options field is optional.
    const [options, blob] = isKeyType(words[0]) ? ["", words[1]] : [words[0] ?? "", words[2]];
    const key = blob === undefined ? undefined : parseSshKey(blob)?.key;
    if (key === undefined) return [];
    const principals = names
      .replaceAll('"', "")
      .split(",")
      .filter((name) => name !== "");
    return [{ principals, authority: /(^|,)cert-authority(,|$)/i.test(options), key }];
  });
}

/** The first name of every line, each once, in the order of the file. */
export function firstNames(signers: readonly AllowedSigner[]): readonly string[] {
  return [...new Set(signers.flatMap(({ principals }) => principals.slice(0, 1)))];
}

function isKeyType(word: string | undefined): boolean {
  return word !== undefined && /^(ssh-|ecdsa-|sk-)[a-z0-9@.-]+$/.test(word);
}
