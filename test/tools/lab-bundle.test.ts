/** Every verb as typed, one after the other, on the lab's own bundle: a real engine, a real image, its real size. */
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import type { BundleInventory } from "../../offline-bundle/archive/delta.ts";
import { digestOf } from "../../offline-bundle/io/digest.ts";
import { inside } from "../../offline-bundle/oci/layout.ts";
import type { BundleDifference } from "../../offline-bundle/diff.ts";
import {
  type Lock,
  type LockedFile,
  type LockedImage,
  readLock,
} from "../../offline-bundle/spec/lock-file.ts";
import type { PartIndex } from "../../offline-bundle/archive/part-index.ts";
import type { VerifiedArchive } from "../../offline-bundle/verify.ts";
import { done, doneJson, sealift } from "../support/fixtures/bundle-verbs.ts";
import { folderListing } from "../support/fixtures/folder-listing.ts";
import {
  busyboxVersion,
  type LabBundleInputs,
  labBundleInputs,
} from "../support/fixtures/lab-bundle-inputs.ts";
import { startRegistry } from "../support/servers/registry-process.ts";
import { runProcess } from "../support/process/run-process.ts";
import { allow, type Person, person } from "../support/fixtures/signers.ts";
import { undoAfter } from "../support/process/undo.ts";

let inputs: LabBundleInputs;
let lock: Lock;
/** The pins of its engine and of its image. */
let engine: LockedFile;
let image: LockedImage;
let blobs: readonly string[];
let trust: readonly string[];
const at = (name: string): string => join(inputs.folder, name);
const undo = undoAfter();
before(async () => {
  inputs = await labBundleInputs();
  undo(() => inputs.remove());
  lock = await readLock(inputs.lockFile);
  const [firstFile, firstImage] = [lock.files[0], lock.images[0]];
  assert.ok(firstFile !== undefined && firstImage !== undefined);
  [engine, image] = [firstFile, firstImage];
  blobs = (await readdir(join(inputs.lab.directory, inside.blobs))).sort();
  trust = ["--allowed-signers", inputs.key.allowedSigners];
});

test("lock --check finds the lab's lock up to date", async () => {
  const { bundleFile: file, lockFile } = inputs;
  const { changed, items } = await doneJson<{ changed: boolean; items: readonly { change: string }[] }>(
    ...["lock", "--check", "--file", file, "--lock", lockFile],
  );
  assert.equal(changed, false);
  assert.deepEqual(new Set(items.map(({ change }) => change)), new Set(["checked"]));
});

test("build gives the lab's bundle byte by byte, verify passes it, and its parts too", async () => {
  const { bundleFile, lockFile, key, lab } = inputs;
  const pins = ["--file", bundleFile, "--lock", lockFile, "--key", key.file];
  await done("build", at("one"), ...pins, "--archive", at("one.tar.zst"), "--split", "20MiB");
  assert.deepEqual(await folderListing(at("one")), await folderListing(lab.directory));
  const index = JSON.parse(await readFile(at("one.tar.zst.parts.json"), "utf8")) as PartIndex;
  assert.ok(index.parts.length >= 4);
  for (const place of [at("one"), at("one.tar.zst.parts.json")]) {
    const found = await doneJson<Printed>("verify", place, ...trust, "--lock", lockFile);
    assert.deepEqual([found.serial, found.signers, found.blobs], [1, ["lab@sealift"], blobs.length]);
    assert.deepEqual(
      found.engines,
      lab.engines.map(({ version }) => ({ version, platform: engine.platform })),
    );
    assert.deepEqual([found.overridden, found.needs], [[], undefined]);
  }
  await done("unpack", at("one.tar.zst.001"), at("unpacked"), ...trust);
  assert.deepEqual(await folderListing(at("unpacked")), await folderListing(lab.directory));
});

test("inspect, inventory and both SBOMs list what the lock pins", async () => {
  const inspected = await doneJson<Lock & { blobs: number }>("inspect", at("one"), ...trust);
  assert.equal(inspected.blobs, blobs.length);
  assert.deepEqual([inspected.files[0]?.sha256, inspected.images[0]?.digest], [engine.sha256, image.digest]);
  assert.match(await done("inventory", at("one"), "-o", at("have.json")), /^of +bundle serial 1$/m);
  const { digests } = JSON.parse(await readFile(at("have.json"), "utf8")) as BundleInventory;
  assert.deepEqual(digests, blobs);
  const members = (engine.members ?? []).map(({ sha256 }) => sha256);
  assert.ok(members.length >= 8);
  for (const format of ["cyclonedx", "spdx"]) {
    const bill = await done("sbom", at("one"), "--format", format);
    for (const sha256 of [engine.sha256, ...members]) assert.ok(bill.includes(sha256), format);
    assert.ok(bill.includes(inputs.lab.image) || bill.includes(encodeURIComponent(inputs.lab.image)), format);
    assert.equal(await done("sbom", inputs.lockFile, "--format", format), bill);
  }
});

test("one more entry is one line in the lock's diff, and all that a delta contains", async () => {
  const { nextBundleFile: file, nextLockFile, key } = inputs;
  const pins = ["--file", file, "--lock", nextLockFile];
  assert.equal((await sealift("lock", "--check", ...pins)).exitCode, 65);
  const reported = await doneJson<{ items: readonly { item: string; change: string }[] }>("lock", ...pins);
  const [added, ...more] = reported.items.filter(({ change }) => change !== "checked");
  assert.deepEqual([added?.change, more], ["added", []]);
  assert.match(added?.item ?? "", new RegExp(`^busybox ${busyboxVersion} `));
  const carry = ["--archive", at("delta.tar.zst"), "--exclude-inventory", at("have.json")];
  await done("build", at("two"), ...pins, "--key", key.file, ...carry);
  const next = await readLock(nextLockFile);
  const busybox = next.files.find(({ name }) => name === "busybox");
  const diff = await doneJson<BundleDifference>("diff", at("one"), at("two"));
  assert.deepEqual(diff.serial, { from: 1, to: 2 });
  assert.deepEqual(
    diff.items.map(({ change, item }) => [change, item]),
    [["added", added?.item]],
  );
  assert.equal(diff.carry?.blobs, 2);
  const { needs } = await doneJson<Printed>("verify", at("delta.tar.zst"), ...trust);
  assert.ok((needs?.bytes ?? 0) > (engine.bytes ?? 0));
  await done("unpack", at("delta.tar.zst"), at("two-there"), "--base", at("one"), ...trust);
  assert.deepEqual(await folderListing(at("two-there")), await folderListing(at("two")));
  const there = await readdir(join(at("two-there"), inside.blobs));
  assert.ok(there.includes(busybox?.sha256 ?? "none"));
});

test("two people sign, and one of them is not enough", async () => {
  const bob: Person = await person(inputs, "bob@site");
  const people = [{ name: "lab@sealift", key: inputs.key.file }, bob];
  const both = ["--allowed-signers", await allow(inputs, people), "--min-signatures", "2"];
  const alone = await sealift("verify", at("two"), ...both);
  assert.equal(alone.exitCode, 77);
  assert.match(alone.stderr, /E_BUNDLE_SIGNATURE signatures: found: 1 of 2: signed by lab@sealift/);
  await done("sign", at("two"), "--key", bob.key);
  const { signers } = await doneJson<Printed>("verify", at("two"), ...both);
  assert.deepEqual([...signers].sort(), ["bob@site", "lab@sealift"]);
});

test("once the newer one was accepted, the older one is refused, and passes only with the flag", async () => {
  const people = [{ name: "lab@sealift", key: inputs.key.file }];
  const own = ["--allowed-signers", await allow(inputs, people)];
  const { accepted } = await doneJson<{ accepted: { serial: number } }>("accept", at("two-there"), ...own);
  assert.equal(accepted.serial, 2);
  const older = await sealift("verify", at("one"), ...own);
  assert.equal(older.exitCode, 77);
  assert.match(older.stderr, /E_BUNDLE_SERIAL serial: found: 1, older than /);
  const { overridden } = await doneJson<Printed>("verify", at("one"), ...own, "--insecure-allow-older");
  assert.deepEqual(
    overridden.map(({ code }) => code),
    ["E_BUNDLE_SERIAL"],
  );
});

test("a registry receives all of it once, serves the engine by its pin, and a second push sends nothing", async () => {
  const registry = await startRegistry(at("registry"), { tls: true });
  try {
    const access = ["--ca-file", registry.caFile ?? ""];
    const place = `${registry.address}/site`;
    const first = await done("push", at("two"), place, ...trust, ...access);
    const { files, images } = await readLock(inputs.nextLockFile);
    const tags = files.length + images.length;
    assert.match(first, new RegExp(`^tags +${tags}, 0 of them already as signed$`, "m"));
    const blob = `https://${place.replace("/", "/v2/")}/files/docker/blobs/sha256:${engine.sha256}`;
    const curl = ["--proto", "=https", "--cacert", registry.caFile ?? "", "-fsS", "-o", at("engine"), blob];
    assert.equal((await runProcess("curl", curl)).exitCode, 0);
    assert.equal((await digestOf(at("engine"))).sha256, engine.sha256);
    const before = registry.log().length;
    assert.match(await done("push", at("two"), place, ...trust, ...access), /^sent +0 B$/m);
    assert.doesNotMatch(registry.log().slice(before).join("\n"), /"(PUT|POST|PATCH) /);
    const { digests } = JSON.parse(await done("inventory", place, ...access, "--json")) as BundleInventory;
    assert.deepEqual(digests, (await readdir(join(at("two"), inside.blobs))).sort());
  } finally {
    await registry.stop();
  }
});

test("the runbook checks the bundle manually", async () => {
  const text = await done("export-runbook", at("two-there"), "--allowed-signers", inputs.key.allowedSigners);
  const [settings = "", , check = ""] = [...text.matchAll(/```sh\n(.*?)```/gs)].map(
    (match) => match[1] ?? "",
  );
  const env = { BUNDLE: at("two-there"), SIGNERS: inputs.key.allowedSigners };
  const { exitCode, stdout, stderr } = await runProcess("sh", ["-c", settings + check], { env });
  assert.equal(exitCode, 0, stderr);
  assert.match(stdout, /Good "sealift-bundle" signature for lab@sealift/);
});

/** What `verify --json` prints. */
type Printed = Omit<VerifiedArchive, "engines"> & { readonly engines: readonly object[] };
