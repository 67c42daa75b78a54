/** Where the signatures of a bundle lie: `sealift.json.sig` is the first, `sealift.json.2.sig` and on are the further ones. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { inside } from "./inside.ts";
import { limits } from "./limits.ts";
import { readRegular } from "./regular-file.ts";
import { parseSshSignature, type SshSignature } from "./ssh-signature.ts";

export interface SignatureFile {
  /** `sealift.json.sig`, `sealift.json.2.sig`, … */
  readonly name: string;
  /** As it was read, once; empty when it could not be. */
  readonly text: string;
  /** Undefined when the file is not what ssh-keygen writes. */
  readonly signature: SshSignature | undefined;
}

/** In the order in which they were made; no more than {@link limits} allow. */
export async function signatureFiles(directory: string): Promise<readonly SignatureFile[]> {
  const names = (await readdir(directory)).filter((name) => signatureNumber(name) > 0);
  return Promise.all(
    names
      .toSorted((a, b) => signatureNumber(a) - signatureNumber(b))
      .slice(0, limits.signatures)
      .map(async (name) => {
        const text = await readRegular(join(directory, name), limits.signature, "refuse").then(
          (bytes) => bytes.toString("latin1"),
          () => "",
        );
        return { name, text, signature: parseSshSignature(text) };
      }),
  );
}

/** The name of the next one. */
export function nextName(files: readonly SignatureFile[]): string {
  const last = Math.max(0, ...files.map(({ name }) => signatureNumber(name)));
  return last === 0 ? inside.signature : `${inside.seal}.${last + 1}.sig`;
}

/** 1 for the first, 0 for a file that is no signature. */
export function signatureNumber(name: string): number {
  if (name === inside.signature) return 1;
  const number = /^sealift\.json\.([1-9]\d{0,2})\.sig$/.exec(name)?.[1];
  return number === undefined || number === "1" ? 0 : Number(number);
}
