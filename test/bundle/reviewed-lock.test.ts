import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { inside, markerText } from "../../offline-bundle/io/inside.ts";
import { signBundle } from "../../offline-bundle/sign.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import { cachePath } from "../lab/cache.ts";
import { ensureSigningKey, type SigningKey } from "../lab/bundle/signing-key.ts";
import { assertRefused } from "../support/assert/assert-refusal.ts";

/** A malicious builder and signer with the reviewed lock: the lock decides what a tag refers to. */
let folder: string;
let key: SigningKey;
before(async () => {
  await mkdir(cachePath("test"), { recursive: true });
  folder = await mkdtemp(cachePath("test", "reviewed-"));
  key = await ensureSigningKey(join(folder, "key"));
});
after(() => rm(folder, { recursive: true }));

const app = "docker.io/library/app:1";

test("a bundle whose tags refer to what its lock pins passes", async () => {
  const { directory, lockFile } = await bundle((good) => [tagged(good, app)]);
  assert.equal((await verifyBundle(directory, { allowedSigners: key.allowedSigners, lockFile })).serial, 5);
});

test("a tag that refers to another image than the lock pins is refused, although that image exists under another name", async () => {
  const { directory, lockFile } = await bundle((good, evil) => [
    tagged(evil, app),
    tagged(good, "docker.io/library/app:part-0123456789abcdef"),
  ]);
  const problems = await assertRefused(
    verifyBundle(directory, { allowedSigners: key.allowedSigners, lockFile }),
  );
  assert.deepEqual(
    problems.map(({ code, subject }) => `${code} ${subject}`),
    [`E_BUNDLE_DIGEST ${app}`, "E_BUNDLE_DIGEST docker.io/library/app:part-0123456789abcdef"],
  );
});

test("a tag that no lock has is refused, that of a file too", async () => {
  const more = ["docker.io/library/never-in-any-lock:9", "files/tool:1-linux-amd64"];
  const { directory, lockFile } = await bundle((good, evil) => [
    tagged(good, app),
    ...more.map((tag) => tagged(evil, tag)),
  ]);
  const problems = await assertRefused(
    verifyBundle(directory, { allowedSigners: key.allowedSigners, lockFile }),
  );
  assert.deepEqual(
    problems.map(({ code, subject, expected }) => `${code} ${subject}: ${expected}`),
    more.map((tag) => `E_BUNDLE_DIGEST ${tag}: no tag of this name: the lock does not list it`),
  );
});

interface Described {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

function tagged(one: Described, tag: string): object {
  return { ...one, annotations: { "org.opencontainers.image.ref.name": tag } };
}

/** A bundle as a build of somebody's own writes it, signed, and the lock that was reviewed, which is the one in it. */
async function bundle(
  tops: (good: Described, evil: Described) => readonly object[],
): Promise<{ directory: string; lockFile: string }> {
  const directory = await mkdtemp(join(folder, "bundle-"));
  await mkdir(join(directory, inside.blobs), { recursive: true });
  const blob = async (mediaType: string, text: string): Promise<Described> => {
    const sha256 = createHash("sha256").update(text).digest("hex");
    await writeFile(join(directory, inside.blobs, sha256), text);
    return { mediaType, digest: `sha256:${sha256}`, size: Buffer.byteLength(text) };
  };
  const image = async (what: string): Promise<Described> => {
    const mediaType = "application/vnd.oci.image.manifest.v1+json";
    const config = await blob("application/vnd.oci.image.config.v1+json", `{"config":"${what}"}`);
    const layer = await blob("application/vnd.oci.image.layer.v1.tar", `layer of ${what}`);
    return blob(mediaType, JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [layer] }));
  };
  const good = await image("good");
  // What nothing names may not lie in a bundle: the other image is there only where a tag stands for it.
  const manifests = tops(good, tops.length > 1 ? await image("evil") : good);
  const lock = `format: 1\nserial: 5\nplatforms: [linux/amd64]\nfiles: []\nimages:\n  - name: ${app}\n    digest: ${good.digest}\n    platforms: [linux/amd64]\n    sources: [computed-here, "the registry"]\n`;
  const index = JSON.stringify({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests,
  });
  const pin = (text: string): object => ({
    bytes: Buffer.byteLength(text),
    sha256: createHash("sha256").update(text).digest("hex"),
  });
  const refs = (manifests as (Described & { annotations: Record<string, string> })[]).map((one) => ({
    ref: Object.values(one.annotations)[0],
    digest: one.digest,
  }));
  const text = {
    format: 1,
    serial: 5,
    platforms: ["linux/amd64"],
    lock: pin(lock),
    index: pin(index),
    manifests: refs,
  };
  await writeFile(join(directory, inside.lock), lock);
  await writeFile(join(directory, inside.index), index);
  await writeFile(join(directory, inside.marker), markerText);
  await writeFile(join(directory, inside.manifest), `${JSON.stringify(text, undefined, 2)}\n`);
  await signBundle(directory, key.file);
  const lockFile = `${directory}.lock.yaml`;
  await writeFile(lockFile, await readFile(join(directory, inside.lock)));
  return { directory, lockFile };
}
