/** What the lab's bundle is built from, in a folder of its own, with one more file to be wanted. */
import { cp, link, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parse, stringify } from "yaml";
import { ensureLabBundle, type LabBundle } from "../lab/bundle.ts";
import { cachePath } from "../lab/cache.ts";
import { ensureSigningKey, type SigningKey } from "../lab/signing-key.ts";

export interface LabBundleInputs {
  /** Holds all of it; `remove` deletes it. */
  readonly folder: string;
  readonly lab: LabBundle;
  /** The lab's wishes and their lock, serial 1. */
  readonly bundleFile: string;
  readonly lockFile: string;
  /** The same wishes and a busybox; its lock is the lab's still. */
  readonly nextBundleFile: string;
  readonly nextLockFile: string;
  /** The lab's key, and the file that allows it. */
  readonly key: SigningKey;
  readonly remove: () => Promise<void>;
}

/** The version that the busybox is wanted at; it is Debian's, whatever that is. */
export const busyboxVersion = "1.37.0";

/**
 * Makes the lab's bundle if it is not there; its files are linked, not copied, and never written to.
 *
 * @throws {SealiftError} what {@link ensureLabBundle} throws.
 */
export async function labBundleInputs(): Promise<LabBundleInputs> {
  const lab = await ensureLabBundle("one", () => undefined);
  await mkdir(cachePath("test"), { recursive: true });
  const folder = await mkdtemp(cachePath("test", "lab-bundle-"));
  const made = dirname(lab.directory);
  for (const name of await readdir(made)) {
    if (name === "bundle") continue;
    if ((await stat(join(made, name))).isDirectory())
      await cp(join(made, name), join(folder, name), { recursive: true });
    else await link(join(made, name), join(folder, name));
  }
  const at = (name: string): string => join(folder, name);
  const wishes = parse(await readFile(at("bundle.yaml"), "utf8")) as { readonly files: readonly object[] };
  const next = { ...wishes, files: [...wishes.files, busybox] };
  await writeFile(at("next.yaml"), stringify(next));
  await writeFile(at("next.lock.yaml"), await readFile(at("bundle.lock.yaml")));
  return {
    folder,
    lab,
    bundleFile: at("bundle.yaml"),
    lockFile: at("bundle.lock.yaml"),
    nextBundleFile: at("next.yaml"),
    nextLockFile: at("next.lock.yaml"),
    key: await ensureSigningKey(cachePath("bundle", "key")),
    remove: () => rm(folder, { recursive: true }),
  };
}

const busybox = {
  name: "busybox",
  kind: "binary",
  versions: [busyboxVersion],
  licence: "GPL-2.0-only",
  url: "file:busybox",
};
