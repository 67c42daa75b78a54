/** bundle.yaml names nothing outside its own folder, neither directly nor through a link. */
import assert from "node:assert/strict";
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, beforeEach, test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { buildBundle } from "../../offline-bundle/build.ts";
import { assertRefused } from "../support/assert/assert-refusal.ts";
import { program, type SourcesUnderTest, sourcesUnderTest } from "../support/fixtures/sources-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";

let site: SourcesUnderTest;
let outside: string;
const undo = undoAfter();
before(async () => {
  site = await sourcesUnderTest();
  undo(() => site.remove());
  outside = `${site.folder}-outside`;
  undo(() => rm(outside, { recursive: true }));
  await mkdir(join(outside, "blobs", "sha256"), { recursive: true });
  await writeFile(join(outside, "secret"), "root:$6$…\n");
  await writeFile(join(outside, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(join(outside, "index.json"), '{"schemaVersion":2,"manifests":[]}');
});
beforeEach(async () => {
  await writeFile(join(site.folder, "tool"), "a program\n");
  for (const path of [site.lockFile, ...links.map((name) => join(site.folder, name))])
    await rm(path, { recursive: true, force: true });
});

const links = ["link", "folder", "layout"];
const image = "docker.io/library/hello:1";

/** What bundle.yaml says. */
const byWords: readonly (readonly [string, object])[] = [
  ["a file of the system", program("x", "file:/etc/shadow")],
  ["the same with slashes", program("x", "file:///etc/shadow")],
  ["a file above", program("x", "file:../secret")],
  ["a way out and in", program("x", "file:a/../../x/secret")],
  ["a way out in other letters", program("x", "file:%2e%2e/secret")],
  ["another machine", program("x", "file://server/share/secret")],
  ["a slash that is none", program("x", "file:a%2f..%2f..%2fsecret")],
];

for (const [what, entry] of byWords) {
  test(`refused with its message: ${what}`, async () => {
    await site.spec({ files: [entry] });
    const [problem, ...more] = await assertRefused(site.lock());
    assert.deepEqual([problem?.code, more.length], ["E_VALUE", 0]);
    const words = formatProblem(problem ?? assert.fail());
    assert.match(words, /bundle\.yaml:\d+:\d+: E_VALUE x url: found: .*; expected: a path below the folder/);
  });
}

test("checksum files, layouts and keys are refused with their message as well, all at once and each at its place", async () => {
  await site.spec({
    files: [program("x", "file:tool", { checksums: ["file:/etc/sums", "file:../sums"] })],
    images: [
      { name: image, from: "file:../image" },
      { name: "docker.io/library/other:1", cosign: "../key.pub" },
    ],
  });
  const problems = await assertRefused(site.lock());
  assert.deepEqual(
    problems.map(({ code, subject }) => `${code} ${subject}`),
    [
      "E_VALUE x checksums",
      "E_VALUE x checksums",
      `E_VALUE ${image} from`,
      "E_VALUE docker.io/library/other:1 cosign",
    ],
  );
  for (const { where } of problems) assert.match(where, /bundle\.yaml:\d+:\d+$/);
});

test("a link that leads out of the folder is refused, one that stays inside is followed", async () => {
  await symlink(join(outside, "secret"), join(site.folder, "link"));
  await symlink(outside, join(site.folder, "folder"));
  const led: readonly object[] = [
    { files: [program("x", "file:link")] },
    { files: [program("x", "file:folder/secret")] },
    { files: [program("x", "file:tool", { checksums: "file:folder/secret" })] },
    { images: [{ name: image, from: "file:folder" }] },
  ];
  for (const expected of led) {
    await site.spec(expected);
    const [problem] = await assertRefused(site.lock());
    assert.deepEqual(
      [problem?.code, problem?.found],
      ["E_VALUE", "a link that leads out of the folder"],
      JSON.stringify(expected),
    );
  }
  await rm(join(site.folder, "link"));
  await symlink("tool", join(site.folder, "link"));
  await site.spec({ files: [program("x", "file:link")] });
  assert.equal((await site.lock()).lock.files[0]?.bytes, 10);
});

test("a link within a layout is refused", async () => {
  const layout = join(site.folder, "layout");
  await mkdir(layout);
  await symlink(join(outside, "index.json"), join(layout, "index.json"));
  await site.spec({ images: [{ name: image, from: "file:layout" }] });
  const [problem] = await assertRefused(site.lock());
  assert.deepEqual([problem?.code, problem?.found], ["E_VALUE", "a symbolic link"]);
});

test("a file when pinned that leads out when built is not packed", async () => {
  await site.spec({ files: [program("x", "file:tool")] });
  await site.lock();
  await rm(join(site.folder, "tool"));
  await writeFile(join(outside, "tool"), "a program\n");
  await symlink(join(outside, "tool"), join(site.folder, "tool"));
  const [problem] = await assertRefused(buildBundle({ ...site, directory: join(site.folder, "bundle") }));
  assert.deepEqual([problem?.code, problem?.found], ["E_VALUE", "a link that leads out of the folder"]);
});
