import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { errorCodes, SealiftError } from "../../modules/core/errors.ts";
import { packBundle } from "../../offline-bundle/pack.ts";
import { inspectBundle } from "../../offline-bundle/inspect.ts";
import { inventoryOfBundle } from "../../offline-bundle/inventory.ts";
import { inside, type BundleManifest } from "../../offline-bundle/oci/layout.ts";
import { signBundle } from "../../offline-bundle/sign.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import { sealift } from "../support/fixtures/bundle-verbs.ts";
import { assertRefused } from "../support/assert/assert-refusal.ts";
import { copyOf, makeTinyBundle, type TinyBundle } from "../support/fixtures/tiny-bundle.ts";
import { undoAfter } from "../support/process/undo.ts";

let tiny: TinyBundle;
const undo = undoAfter();
before(async () => {
  tiny = await makeTinyBundle();
  undo(() => tiny.remove());
});

/** Each in place of a file that is JSON or YAML. */
function malformed(original: Buffer): readonly (readonly [string, Buffer])[] {
  const text = original.toString();
  const texts: readonly (readonly [string, string])[] = [
    ...["null", "[]", "{}", "0", "-1", "1e999", '"text"', "true", "", " ", "\0", "[null]"].map(
      (one) => [JSON.stringify(one), one] as const,
    ),
    ["ten thousand lists", "[".repeat(10_000)],
    ["ten thousand lists, all closed", "[".repeat(10_000) + "]".repeat(10_000)],
    ["ten thousand objects", '{"a":'.repeat(10_000) + "1" + "}".repeat(10_000)],
    ["a prototype", '{"__proto__":{"format":1}}'],
    ["an alias of aliases", aliases],
    ["every number a text", text.replaceAll(/: ?(\d+)/g, ': "$1"')],
    ["every number below zero", text.replaceAll(/: ?(\d+)/g, ": -$1")],
    ["every number too large", text.replaceAll(/: ?(\d+)/g, ": 1$10000000000000000000")],
    ["every list null", text.replaceAll(/\[[^[\]]*\]/g, "null")],
    ["every text null", text.replaceAll(/: "[^"]*"/g, ": null").replaceAll(/:"[^"]*"/g, ":null")],
    ["every text with a control character", text.replaceAll(/(: ?")/g, "$1\\u001b[2J")],
    ["the first half", text.slice(0, text.length / 2)],
    ["all but the last byte", text.trimEnd().slice(0, -1)],
  ];
  return [
    ...texts.map(([what, one]) => [what, Buffer.from(one)] as const),
    ["no UTF-8", Buffer.from([0xff, 0xfe, 0x7b, 0x7d])],
    [
      "no UTF-8 inside",
      Buffer.concat([original.subarray(0, 20), Buffer.from([0xc3, 0x28]), original.subarray(20)]),
    ],
  ];
}

const aliases = `a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n${Array.from(
  { length: 12 },
  (_none, at) => `a${at + 1}: &a${at + 1} [${Array.from({ length: 10 }, () => `*a${at}`).join(", ")}]`,
).join("\n")}\n`;

/** Whether a text still says the same: some replacements find nothing to replace. */
const same = (a: Buffer, b: Buffer): boolean => a.equals(b);

test("an unsigned text is refused before it is parsed, with exit code 77", async () => {
  const bundleManifest = await readFile(join(tiny.directory, inside.manifest));
  const [copy, without] = [await copyOf(tiny), await copyOf(tiny)];
  await rm(join(without, inside.signature));
  for (const directory of [copy, without])
    for (const name of [inside.lock, inside.index]) await writeFile(join(directory, name), "null");
  const codes = async (directory: string): Promise<readonly string[]> =>
    (await assertRefused(verifyBundle(directory, tiny))).map(({ code }) => code);
  for (const [what, bytes] of malformed(bundleManifest)) {
    for (const directory of [copy, without]) await writeFile(join(directory, inside.manifest), bytes);
    assert.deepEqual(await codes(without), ["E_BUNDLE_UNSIGNED"], what);
    assert.deepEqual(await codes(copy), ["E_BUNDLE_SIGNATURE"], what);
  }
  await writeFile(join(without, inside.manifest), "null");
  for (const verb of ["verify", "accept", "inspect"]) {
    const { exitCode, stderr } = await sealift(verb, without, "--allowed-signers", tiny.allowedSigners);
    assert.equal(exitCode, 77, stderr);
  }
});

for (const name of [inside.manifest, inside.index, inside.lock, inside.marker, "manifest", "list"]) {
  test(`signed and malformed: ${name} is refused with a code, whoever reads it`, async () => {
    const complete = await original(name);
    for (const [what, bytes] of malformed(complete)) {
      if (same(bytes, complete)) continue;
      const copy = await copyOf(tiny);
      await put(copy, name, bytes);
      await signBundle(copy, tiny.key);
      const file = join(tiny.folder, "malformed.tar.zst");
      const readers: readonly (readonly [string, () => Promise<unknown>])[] = [
        ["verify", () => verifyBundle(copy, tiny)],
        ["inspect", () => inspectBundle(copy)],
        ["inventory", () => inventoryOfBundle(copy)],
        ["pack", () => packBundle(copy, { file })],
      ];
      for (const [reader, read] of readers) {
        const outcome = await read().then(
          () => undefined,
          (error: unknown) => error,
        );
        // Some of these do not check everything; none may crash.
        if (outcome === undefined && !reader.startsWith("verify")) continue;
        assert.ok(outcome instanceof SealiftError, `${reader}, ${name}: ${what}: ${String(outcome)}`);
        for (const { code, found } of outcome.problems) {
          assert.ok(errorCodes.includes(code));
          assert.doesNotMatch(found, /\p{Cc}/u);
        }
      }
      await rm(copy, { recursive: true });
    }
  });
}

/** A manifest of a file, or the list of an image's platforms; otherwise a file of the bundle. */
async function original(name: string): Promise<Buffer> {
  const { manifests } = await bundleManifestOf(tiny.directory);
  if (name !== "manifest" && name !== "list") return readFile(join(tiny.directory, name));
  const { digest } = manifests.find(({ ref }) => isFor(name, ref)) ?? assert.fail();
  return readFile(join(tiny.directory, inside.blobs, digest.slice("sha256:".length)));
}

function isFor(name: string, ref: string): boolean {
  return name === "manifest" ? ref.startsWith("files/") : ref === "docker.io/library/hello:1";
}

/** Writes it, and everything above it so that all digests are right. */
async function put(copy: string, name: string, bytes: Buffer): Promise<void> {
  const bundleManifest = await bundleManifestOf(copy);
  if (name === "manifest" || name === "list") {
    const { digest: was } = bundleManifest.manifests.find(({ ref }) => isFor(name, ref)) ?? assert.fail();
    const sha256 = hex(bytes);
    await writeFile(join(copy, inside.blobs, sha256), bytes);
    const index = JSON.parse(await readFile(join(copy, inside.index), "utf8")) as {
      manifests: { digest: string; size: number }[];
    };
    const manifests = index.manifests.map((one) =>
      one.digest === was ? { ...one, digest: `sha256:${sha256}`, size: bytes.length } : one,
    );
    const text = Buffer.from(JSON.stringify({ ...index, manifests }));
    await writeFile(join(copy, inside.index), text);
    await writeBundleManifestText(copy, {
      ...bundleManifest,
      index: { bytes: text.length, sha256: hex(text) },
      manifests: bundleManifest.manifests.map((one) =>
        one.digest === was ? { ...one, digest: `sha256:${sha256}` } : one,
      ),
    });
    return;
  }
  await writeFile(join(copy, name), bytes);
  const digest = { bytes: bytes.length, sha256: hex(bytes) };
  if (name === inside.index) await writeBundleManifestText(copy, { ...bundleManifest, index: digest });
  if (name === inside.lock) await writeBundleManifestText(copy, { ...bundleManifest, lock: digest });
}

async function bundleManifestOf(directory: string): Promise<BundleManifest> {
  return JSON.parse(await readFile(join(directory, inside.manifest), "utf8")) as BundleManifest;
}

function writeBundleManifestText(directory: string, bundleManifest: BundleManifest): Promise<void> {
  return writeFile(join(directory, inside.manifest), `${JSON.stringify(bundleManifest, undefined, 2)}\n`);
}

function hex(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
