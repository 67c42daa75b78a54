/** Whether everything that the index reaches is there in its full length, and nothing else is. */
import { join } from "node:path";
import type { Problem } from "../modules/core/errors.ts";
import type { CheckedBlobs } from "./blobs.ts";
import { inside } from "./layout.ts";
import {
  children,
  type Descriptor,
  hexOf,
  isManifest,
  readIndex,
  readManifest,
  refName,
} from "./manifests.ts";

/**
 * Walks from index.json down. `blobs` says which blobs are what their names say; only those are read.
 *
 * @returns E_BUNDLE_INCOMPLETE and E_BUNDLE_DIGEST as problems.
 */
export async function checkTree(directory: string, blobs: CheckedBlobs): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  const reached = new Set<string>();
  const visit = async (descriptor: Descriptor, owner: string): Promise<void> => {
    const hex = hexOf(descriptor.digest);
    if (reached.has(hex)) return;
    reached.add(hex);
    const bytes = blobs.found.get(hex);
    if (bytes === undefined) {
      if (!blobs.broken.has(hex)) problems.push(absent(directory, descriptor, owner));
      return;
    }
    if (bytes !== descriptor.size) problems.push(wrongSize(directory, descriptor, bytes));
    if (!isManifest(descriptor)) return;
    for (const child of children(await readManifest(directory, descriptor.digest))) await visit(child, owner);
  };
  for (const top of (await readIndex(directory)).manifests ?? []) {
    await visit(top, top.annotations?.[refName] ?? inside.index);
  }
  // Below a broken or absent manifest nothing is reached; what hangs there is not to blame.
  const whole = problems.length === 0 && blobs.broken.size === 0;
  const strangers = whole ? [...blobs.found.keys()].filter((hex) => !reached.has(hex)) : [];
  return [...problems, ...strangers.map((hex) => stranger(directory, hex))];
}

const todo = "copy the bundle again";

function absent(directory: string, { digest, size }: Descriptor, owner: string): Problem {
  return {
    where: directory,
    code: "E_BUNDLE_INCOMPLETE",
    subject: owner,
    got: "no blob",
    expected: `${digest} (${size} bytes)`,
    todo,
  };
}

function wrongSize(directory: string, { digest, size }: Descriptor, bytes: number): Problem {
  return {
    where: directory,
    code: "E_BUNDLE_DIGEST",
    subject: digest,
    got: `${bytes} bytes`,
    expected: `${size} bytes`,
    todo,
  };
}

function stranger(directory: string, hex: string): Problem {
  return {
    where: join(directory, inside.blobs),
    code: "E_BUNDLE_DIGEST",
    subject: hex,
    got: "a blob that nothing in the signed bundle names",
    expected: "only what was signed",
    todo: "remove it, or copy the bundle again",
  };
}
