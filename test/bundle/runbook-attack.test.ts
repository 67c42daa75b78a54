/** The contents of a bundle become part of commands that people paste: none of it may run. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { appendFile, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { packBundle } from "../../offline-bundle/pack.ts";
import { inside, type BundleManifest } from "../../offline-bundle/oci/layout.ts";
import { readLock } from "../../offline-bundle/spec/lock-file.ts";
import { runbookOf } from "../../offline-bundle/runbook.ts";
import { signBundle } from "../../offline-bundle/sign.ts";
import { type VerifiedBundle, verifyBundle } from "../../offline-bundle/verify.ts";
import { sealift } from "../support/fixtures/bundle-verbs.ts";
import { folderListing } from "../support/fixtures/folder-listing.ts";
import { codesOf } from "../support/assert/assert-refusal.ts";
import { type ProcessResult, runProcess } from "../support/process/run-process.ts";
import { copyOf, makeTinyBundle, type TinyBundle } from "../support/fixtures/tiny-bundle.ts";
import { undoAfter } from "../support/process/undo.ts";

let tiny: TinyBundle;
const undo = undoAfter();
before(async () => {
  tiny = await makeTinyBundle();
  undo(() => tiny.remove());
});

const names = [
  "$(touch owned)",
  "`touch owned`",
  "';touch owned;'",
  '";touch owned;"',
  "x\ntouch owned\n",
  "x\n```\ntouch owned",
  "-rf",
  "../../x",
  "x y",
  "x\u001b[2Jy",
  "x\u202ey",
];

test("a runbook is written for a verified bundle only", async () => {
  const copy = await copyOf(tiny);
  await rm(join(copy, inside.signature));
  const trust = ["--allowed-signers", tiny.allowedSigners];
  const { exitCode, stdout, stderr } = await sealift("export-runbook", copy, ...trust);
  assert.deepEqual([exitCode, stdout], [77, ""], stderr);
  const unsigned = await sealift("export-runbook", copy, ...trust, "--insecure-allow-unsigned");
  assert.match(unsigned.stdout, /It is not signed: do not use it\./);
  assert.match(unsigned.stderr, /INSECURE --insecure-allow-unsigned overrides/);
});

/** Every name and number that a signed lock or text brings, in the place of which something else can be written. */
const places: readonly (readonly [string, (lock: string, word: string) => string])[] = [
  ["name of a file", (lock, word) => lock.replace(/name: compose/, () => `name: ${word}`)],
  ["version", (lock, word) => lock.replace(/version: 5\.5\.1/, () => `version: ${word}`)],
  ["platform", (lock, word) => lock.replace(/platform: linux\/amd64/, () => `platform: ${word}`)],
  ["url of an artifact", (lock, word) => lock.replace(/url: file:compose-amd64/, () => `url: ${oci(word)}`)],
  ["sha256", (lock, word) => lock.replace(/sha256: [0-9a-f]{64}/, () => `sha256: ${word}`)],
  ["member", (lock, word) => lock.replace(/path: docker\/dockerd/, () => `path: ${word}`)],
  ["image", (lock, word) => lock.replace(/name: docker\.io\S+/, () => `name: ${word}`)],
  ["digest", (lock, word) => lock.replace(/digest: \S+/, () => `digest: ${word}`)],
  ["serial", (lock, word) => lock.replace(/serial: 1/, () => `serial: ${word}`)],
];

for (const [what, put] of places) {
  test(`a signed lock whose ${what} is a command is refused`, async () => {
    const lock = await readFile(join(tiny.directory, inside.lock), "utf8");
    for (const name of names) {
      const text = put(lock, JSON.stringify(name));
      assert.notEqual(text, lock, what);
      // A member may be called anything that can be shown and stays inside.
      if (what === "member" && !/[\p{C}]|\.\./u.test(name)) continue;
      const copy = await copyOf(tiny);
      await writeFile(join(copy, inside.lock), text);
      await bundleManifest(copy, (old) => ({ ...old, lock: digestOf(text) }));
      const codes = await codesOf(verifyBundle(copy, trust()));
      for (const code of codes)
        assert.match(code, /^E_(VALUE|TYPE|YAML|BUNDLE_(SERIAL|INCOMPLETE|DIGEST))$/, name);
      assert.ok(codes.includes("E_VALUE") || codes.includes("E_TYPE"), `${what} ${name}: ${codes.join()}`);
      await rm(copy, { recursive: true });
    }
  });
}

test("a signed text whose serial or tag is a command is refused", async () => {
  for (const name of names) {
    const copy = await copyOf(tiny);
    await bundleManifest(copy, (old) => ({ ...old, serial: name as unknown as number }));
    assert.deepEqual(await codesOf(verifyBundle(copy, trust())), ["E_BUNDLE_DIGEST"], name);
    await bundleManifest(copy, (old) => ({
      ...old,
      serial: 1,
      manifests: old.manifests.map((one) => ({ ...one, ref: `files/${name}:1` })),
    }));
    assert.deepEqual(await codesOf(verifyBundle(copy, trust())), ["E_BUNDLE_DIGEST"], name);
    await rm(copy, { recursive: true });
  }
});

test("the contents of a runbook run nothing, whatever a name looks like", async () => {
  const bundle = await verifyBundle(tiny.directory, tiny);
  // As it would be if the pattern of a name were forgotten.
  for (const name of names.filter((one) => !/\p{Cc}/u.test(one))) {
    const files = bundle.lock.files.map((file) => ({ ...file, name, version: name, url: `file:x/${name}` }));
    const text = runbookOf({ ...bundle, lock: { ...bundle.lock, files } } satisfies VerifiedBundle);
    const [, , , copies = "", fetches = ""] = [...text.matchAll(/```sh\n(.*?)```/gs)].map(
      (match) => match[1],
    );
    for (const block of [copies, fetches]) {
      // Every command that is in it does nothing here: only a word that runs by itself would.
      const env = { PATH: join(tiny.folder, "no-programs"), BUNDLE: "b", REGISTRY: "r", CA: "c", WORK: "." };
      const nothing = ["cp", "curl", "mv", "mkdir", "sha256sum", "test"].map((one) => `${one}() { :; }`);
      const script = `: > part\n${nothing.join("\n")}\ntouch() { printf 'owned\\n'; }\n${block}\necho end`;
      const { stdout } = await runProcess("/bin/sh", ["-c", script], { env, cwd: tiny.folder });
      assert.equal(stdout, "end", `${name}: ${block}`);
    }
  }
});

test("an archive that is no bundle is not unpacked manually", async () => {
  const hostile: readonly (readonly [string, string])[] = [
    ["a link", "ln -s /etc sealift.json"],
    ["another name", "echo hello > install.sh"],
    ["a pipe", "mkfifo index.json"],
    ["a hard link", "echo x > sealift.json; ln sealift.json index.json"],
    ["more than it may be", "truncate -s 200M index.json"],
  ];
  const [settings, unpack] = await blocksOf(tiny.directory);
  for (const [what, make] of hostile) {
    const folder = join(tiny.folder, what.replaceAll(" ", "-"));
    const made = `mkdir ${folder} && cd ${folder} && mkdir in tmp && (cd in && ${make} && tar -c -f - *) | zstd -q > t.tar.zst`;
    assert.equal((await runProcess("sh", ["-c", made])).exitCode, 0, what);
    const env = { CARRIED: "t.tar.zst", TMPDIR: join(folder, "tmp") };
    const script = `${settings}\n${unpack}`;
    const { exitCode, stdout } = await runProcess("sh", ["-c", script], { cwd: folder, env });
    assert.notEqual(exitCode, 0, what);
    const [work = "nowhere"] = stdout.split("\n");
    assert.deepEqual((await readdir(work)).sort(), ["bundle.part", "tar"], what);
    const most = what === "more than it may be" ? ["index.json"] : [];
    assert.deepEqual(await readdir(join(work, "bundle.part")), most, what);
    assert.ok((await stat(join(work, "tar"))).size < 64 * 1024 * 1024, what);
    await rm(folder, { recursive: true });
  }
});

test("run on a medium, the runbook writes nothing there, and through no link there", async () => {
  const blocks = await blocksOf(tiny.directory);
  const [settings, unpack, check, copies] = blocks;
  const medium = join(tiny.folder, "medium");
  const own = join(tiny.folder, "own");
  for (const folder of [medium, own, join(own, "tmp")]) await mkdir(folder);
  const victim = join(own, "victim");
  await writeFile(victim, "mine");
  await packBundle(tiny.directory, { file: join(medium, "bundle.tar.zst") });
  const { files } = await readLock(tiny.lockFile);
  // Every name that the commands write, and every one that earlier ones wrote, below the folder in which they are run.
  const titles = [...copies.matchAll(/"\$WORK"\/files\/(\S+)/g)].map((match) => match[1] ?? "");
  assert.equal(titles.length, files.length);
  const names = [
    "tar",
    "part",
    "bundle",
    "bundle.part",
    "bundle.tar.part",
    "files",
    "sealift.json",
    "sealift.json.sig",
  ];
  for (const name of [...names, ...titles]) await symlink(victim, join(medium, name));
  const before = await folderListing(medium);
  const env = { SIGNERS: tiny.allowedSigners, TMPDIR: join(own, "tmp") };
  const script = ["set -e", settings, unpack, check, copies].join("\n");
  const { exitCode, stdout, stderr } = await runProcess("sh", ["-c", script], { cwd: medium, env });
  assert.equal(exitCode, 0, stderr);
  assert.equal(await readFile(victim, "utf8"), "mine");
  assert.deepEqual(await folderListing(medium), before);
  const [work = ""] = stdout.split("\n");
  assert.ok(work.startsWith(join(own, "tmp")), work);
  assert.deepEqual((await readdir(join(work, "files"))).sort(), titles.toSorted());
});

test("a runbook is verified as the guide says, and one that was changed on the medium is refused", async () => {
  const guide = await readFile("docs/guide/carry-it-across.md", "utf8");
  const [medium, near, far] = ["usb", "near", "far"].map((name) => join(tiny.folder, name)) as [
    string,
    string,
    string,
  ];
  for (const folder of [medium, near, far, join(far, "stacks")]) await mkdir(folder);
  const commands = (marker: string): string => {
    const [, found] = new RegExp(`<!-- ${marker} -->\\n\\n\`\`\`\\n(.*?)\`\`\``, "s").exec(guide) ?? [];
    assert.ok(found !== undefined, marker);
    const own = found.replaceAll("/media/carry", medium).replaceAll("~/.ssh/bundle_signing", tiny.key);
    return `set -e\n${own.replaceAll("alice@office", "lab@sealift")}`;
  };
  await writeFile(join(near, "runbook.md"), runbookOf(await verifyBundle(tiny.directory, tiny)));
  const signers = await readFile(tiny.allowedSigners, "utf8");
  await writeFile(
    join(far, "stacks", "allowed_signers"),
    signers.replace("sealift-bundle", "sealift-bundle,sealift-runbook"),
  );
  const signed = await runProcess("sh", ["-c", commands("sign the runbook")], { cwd: near });
  assert.equal(signed.exitCode, 0, signed.stderr);
  const verify = (): Promise<ProcessResult> =>
    runProcess("sh", ["-c", commands("verify the runbook")], { cwd: far, env: { TMPDIR: tiny.folder } });
  const good = await verify();
  assert.equal(good.exitCode, 0, good.stderr);
  assert.match(good.stdout, /Good "sealift-runbook" signature for lab@sealift/);
  await appendFile(join(medium, "runbook.md"), "x");
  assert.notEqual((await verify()).exitCode, 0);
});

test("the shipped lock matches the patterns", async () => {
  assert.ok((await readLock("offline-bundle/bundle.lock.yaml")).files.length > 0);
});

/** The commands of the runbook in their order: settings, unpack, check, files from the bundle, files from the registry. */
async function blocksOf(directory: string): Promise<readonly [string, string, string, string, string]> {
  const text = runbookOf(await verifyBundle(directory, tiny));
  const found = [...text.matchAll(/```sh\n(.*?)```/gs)].map((match) => match[1] ?? "");
  assert.equal(found.length, 5);
  const [settings = "", unpack = "", check = "", copies = "", fetches = ""] = found;
  return [settings, unpack, check, copies, fetches];
}

function trust(): { readonly allowedSigners: string } {
  return { allowedSigners: tiny.allowedSigners };
}

function oci(word: string): string {
  return JSON.stringify(`oci:registry.example/${JSON.parse(word) as string}:1`);
}

function digestOf(text: string): { readonly bytes: number; readonly sha256: string } {
  return { bytes: Buffer.byteLength(text), sha256: createHash("sha256").update(text).digest("hex") };
}

/** Changes the text of a bundle and signs it again. */
async function bundleManifest(
  directory: string,
  change: (bundleManifest: BundleManifest) => BundleManifest,
): Promise<void> {
  const file = join(directory, inside.manifest);
  const changed = change(JSON.parse(await readFile(file, "utf8")) as BundleManifest);
  await writeFile(file, JSON.stringify(changed));
  await signBundle(directory, tiny.key);
}
