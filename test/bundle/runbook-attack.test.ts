/** What a bundle says goes into commands that people paste: nothing of it may run. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { inside, type Seal } from "../../offline-bundle/layout.ts";
import { readLock } from "../../offline-bundle/lock-file.ts";
import { runbookOf } from "../../offline-bundle/runbook.ts";
import { signBundle } from "../../offline-bundle/sign.ts";
import { type VerifiedBundle, verifyBundle } from "../../offline-bundle/verify.ts";
import { sealift } from "../support/bundle-verbs.ts";
import { codesOf } from "../support/refused.ts";
import { runProcess } from "../support/run-process.ts";
import { copyOf, makeTinyBundle, type TinyBundle } from "../support/tiny-bundle.ts";
import { undoAfter } from "../support/undo.ts";

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

test("a runbook is written of a verified bundle only", async () => {
  const copy = await copyOf(tiny);
  await rm(join(copy, inside.signature));
  const trust = ["--signers", tiny.allowedSigners];
  const { exitCode, stdout, stderr } = await sealift("export-runbook", copy, ...trust);
  assert.deepEqual([exitCode, stdout], [77, ""], stderr);
  const unsigned = await sealift("export-runbook", copy, ...trust, "--insecure-allow-unsigned");
  assert.match(unsigned.stdout, /It is not signed: do not use it\./);
  assert.match(unsigned.stderr, /INSECURE --insecure-allow-unsigned lets pass/);
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
      await seal(copy, (old) => ({ ...old, lock: digestOf(text) }));
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
    await seal(copy, (old) => ({ ...old, serial: name as unknown as number }));
    assert.deepEqual(await codesOf(verifyBundle(copy, trust())), ["E_BUNDLE_DIGEST"], name);
    await seal(copy, (old) => ({
      ...old,
      serial: 1,
      manifests: old.manifests.map((one) => ({ ...one, ref: `files/${name}:1` })),
    }));
    assert.deepEqual(await codesOf(verifyBundle(copy, trust())), ["E_BUNDLE_DIGEST"], name);
    await rm(copy, { recursive: true });
  }
});

test("what a runbook says runs nothing, whatever a name looks like", async () => {
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
      const env = { PATH: join(tiny.folder, "no-programs"), BUNDLE: "b", REGISTRY: "r", CA: "c" };
      const script = `cp() { :; }; curl() { :; }; sha256sum() { :; }; touch() { printf 'owned\\n'; }\n${block}`;
      const { stdout } = await runProcess("/bin/sh", ["-c", script], { env, cwd: tiny.folder });
      assert.equal(stdout, "", `${name}: ${block}`);
    }
  }
});

test("a carried file that is no bundle is not unpacked by hand", async () => {
  const text = runbookOf(await verifyBundle(tiny.directory, tiny));
  const [settings = "", unpack = ""] = [...text.matchAll(/```sh\n(.*?)```/gs)].map((match) => match[1] ?? "");
  const hostile: readonly (readonly [string, string])[] = [
    ["a link", "ln -s /etc sealift.json"],
    ["another name", "echo hello > install.sh"],
    ["a pipe", "mkfifo index.json"],
    ["a hard link", "echo x > sealift.json; ln sealift.json index.json"],
  ];
  for (const [what, make] of hostile) {
    const folder = join(tiny.folder, what.replaceAll(" ", "-"));
    const made = `mkdir ${folder} && cd ${folder} && mkdir in && (cd in && ${make} && tar -c -f ../t.tar *) && zstd -q t.tar -o t.tar.zst`;
    assert.equal((await runProcess("sh", ["-c", made])).exitCode, 0, what);
    const env = { CARRIED: "t.tar.zst", BUNDLE: "out" };
    const { exitCode } = await runProcess("sh", ["-c", `${settings}\n${unpack}`], { cwd: folder, env });
    assert.notEqual(exitCode, 0, what);
    const left = await runProcess("sh", ["-c", "ls -A out.part; test ! -e out"], { cwd: folder });
    assert.deepEqual([left.exitCode, left.stdout], [0, ""], what);
  }
});

test("the shipped lock keeps to the patterns", async () => {
  assert.ok((await readLock("offline-bundle/bundle.lock.yaml")).files.length > 0);
});

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
async function seal(directory: string, change: (seal: Seal) => Seal): Promise<void> {
  const file = join(directory, inside.seal);
  const changed = change(JSON.parse(await readFile(file, "utf8")) as Seal);
  await writeFile(file, JSON.stringify(changed));
  await signBundle(directory, tiny.key);
}
