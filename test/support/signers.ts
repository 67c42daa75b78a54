/** People who sign bundles, and the file that says which of them count. */
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ensureSigningKey } from "../lab/signing-key.ts";
import type { TinyBundle } from "./tiny-bundle.ts";

/** Keys are made in it. */
type Place = Pick<TinyBundle, "folder">;

export interface Person {
  readonly name: string;
  /** Private key. */
  readonly key: string;
  /** Besides namespaces, as ssh-keygen(1) has it: `valid-before="20200101"`. */
  readonly options?: string;
}

/** Somebody with a key of their own. */
export async function person({ folder }: Place, name: string): Promise<Person> {
  const { file: key } = await ensureSigningKey(join(folder, `key-of-${name.replace(/\W/g, "-")}`), name);
  return { name, key };
}

/** The person who has built and signed the tiny bundle. */
export function builder({ key }: TinyBundle): Person {
  return { name: "lab@sealift", key };
}

/** An allowed signers file in a folder of its own, so that it has its own list of accepted bundles beside it. */
export async function allow({ folder }: Place, people: readonly Person[]): Promise<string> {
  const file = join(await mkdtemp(join(folder, "signers-")), "allowed_signers");
  const lines = people.map(async ({ name, key, options }) => {
    const publicKey = (await readFile(`${key}.pub`, "utf8")).trim();
    return `${name} ${['namespaces="sealift-bundle"', options ?? []].flat().join(",")} ${publicKey}\n`;
  });
  await writeFile(file, (await Promise.all(lines)).join(""));
  return file;
}
