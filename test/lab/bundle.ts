/** The lab's own bundle: small, but made, signed and checked by the very code that makes a real one. */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { buildBundle } from "../../offline-bundle/build.ts";
import { inside } from "../../offline-bundle/layout.ts";
import { writeLock } from "../../offline-bundle/lock-file.ts";
import { lockBundle } from "../../offline-bundle/lock.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import type { Report } from "../support/stages.ts";
import { cachePath, checkout } from "./cache.ts";
import { repackEngine, takeBusybox } from "./debian-engine.ts";
import { architecture, chooseEngine, type Engine, platform } from "./engine.ts";
import { withLock } from "./lock.ts";
import { writeScratchImage } from "./scratch-image.ts";
import { ensureSigningKey, type SigningKey } from "./signing-key.ts";

export interface LabBundle {
  /** Absolute path of the bundle. */
  readonly directory: string;
  /** Absolute path of the file that lists the lab's signing key. */
  readonly allowedSigners: string;
  readonly engineVersion: string;
  readonly origin: Engine["origin"];
  /** Full name of the one image in it: a static busybox with sh, echo, cat, sleep and others. */
  readonly image: string;
}

const image = "docker.io/library/hello:1";

/**
 * Sees to it that the lab's bundle is there and in order. A second call only verifies it, and needs no network. Runs `oras`
 * from the PATH or SEALIFT_ORAS.
 *
 * @throws {SealiftError} what the bundle's verbs throw; E_PACKAGES and E_DEBIAN_SOURCES of the packages.
 */
export async function ensureLabBundle(report: Report): Promise<LabBundle> {
  const key = await ensureSigningKey(cachePath("bundle", "key"));
  const waiting = (): void => {
    report("waiting for another run that makes the bundle");
  };
  return withLock("bundle", waiting, async () => (await keptBundle(key)) ?? makeBundle(key, report));
}

/** Says which engine is in the bundle that is there. */
const record = cachePath("bundle", "engine.json");

async function keptBundle({ allowedSigners }: SigningKey): Promise<LabBundle | undefined> {
  const text = await readFile(record, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const engine = JSON.parse(text) as Engine;
  const work = await folderOf(engine);
  const lockFile = join(work, inside.lock);
  return verifyBundle(join(work, "bundle"), { allowedSigners, lockFile }).then(
    () => describe(engine, work, allowedSigners),
    () => undefined,
  );
}

async function makeBundle({ file: key, allowedSigners }: SigningKey, report: Report): Promise<LabBundle> {
  const store = cachePath("bundle-files");
  const { engine, pin, debs } = await chooseEngine(store, report);
  const work = await folderOf(engine);
  await rm(cachePath("bundle", "made"), { recursive: true, force: true });
  await mkdir(work, { recursive: true });
  if (debs !== undefined) await repackEngine(debs, join(work, tarball(engine)), report);
  report("making the image");
  await takeBusybox(cachePath("debs"), join(work, "busybox"), report);
  await writeScratchImage(join(work, "busybox"), architecture, image, join(work, "image"));
  const files = { bundleFile: join(work, "bundle.yaml"), lockFile: join(work, inside.lock), store };
  await writeFile(files.bundleFile, bundleYaml(engine, pin?.url));
  if (pin !== undefined) {
    const lock = { format: 1, serial: 1, platforms: [platform], files: [pin], images: [] } as const;
    await writeLock(files.lockFile, lock);
  }
  report("pinning the bundle");
  await lockBundle({ ...files, report });
  await buildBundle({ ...files, directory: join(work, "bundle"), key, report });
  report("verifying the bundle");
  await verifyBundle(join(work, "bundle"), { allowedSigners, lockFile: files.lockFile });
  await writeFile(`${record}.part`, JSON.stringify(engine));
  await rename(`${record}.part`, record);
  return describe(engine, work, allowedSigners);
}

function describe(engine: Engine, work: string, allowedSigners: string): LabBundle {
  const { origin, version } = engine;
  return { directory: join(work, "bundle"), allowedSigners, engineVersion: version, origin, image };
}

function tarball({ version }: Engine): string {
  return `docker-${version}.tgz`;
}

/** The same kind of file that a team writes. */
function bundleYaml(engine: Engine, url: string | undefined): string {
  return stringify({
    platforms: [platform],
    files: [
      {
        name: "docker",
        kind: "engine",
        versions: [engine.version],
        licence: "Apache-2.0",
        url: url ?? `file:${tarball(engine)}`,
      },
    ],
    images: [{ name: image, from: "file:image" }],
  });
}

/** Named after all that goes in: the engine, and the code that makes the bundle. */
async function folderOf(engine: Engine): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(engine));
  for (const folder of ["offline-bundle", join("test", "lab")]) {
    const names = (await readdir(join(checkout, folder))).filter((name) => isInput(folder, name));
    for (const name of names.toSorted()) hash.update(await readFile(join(checkout, folder, name)));
  }
  return cachePath("bundle", "made", hash.digest("hex").slice(0, 16));
}

function isInput(folder: string, name: string): boolean {
  if (folder === "offline-bundle") return name.endsWith(".ts") || name.endsWith(".schema.json");
  return ["bundle.ts", "debian-engine.ts", "engine.ts", "scratch-image.ts"].includes(name);
}
