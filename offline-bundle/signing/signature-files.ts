/** The signature files of a bundle: `sealift.json.sig` is the first, `sealift.json.2.sig` and so on are the further ones. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { inside, signatureNumber } from "../io/inside.ts";
import { limits } from "../io/limits.ts";
import { readRegular } from "../io/regular-file.ts";
import { parseSshSignature, type SshSignature } from "./ssh-signature.ts";

export interface SignatureFile {
  /** `sealift.json.sig`, `sealift.json.2.sig`, … */
  readonly name: string;
  /** The content, read once; empty when it could not be read. */
  readonly text: string;
  /** Undefined when ssh-keygen did not write the file. */
  readonly signature: SshSignature | undefined;
}

/** In the order in which they were made; at most as many as {@link limits} allow. */
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

/** The name of the next signature file. */
export function nextName(files: readonly SignatureFile[]): string {
  const last = Math.max(0, ...files.map(({ name }) => signatureNumber(name)));
  return last === 0 ? inside.signature : `${inside.manifest}.${last + 1}.sig`;
}
