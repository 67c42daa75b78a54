import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, beforeEach, test } from "node:test";
import { buildBundle } from "../../offline-bundle/build.ts";
import { readDeb } from "../../offline-bundle/upstream/deb.ts";
import { fileRef, fileTitle } from "../../offline-bundle/spec/bundle-spec.ts";
import { readBundleSpec } from "../../offline-bundle/spec/read-bundle-spec.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import { ensureSigningKey } from "../lab/bundle/signing-key.ts";
import { arOf, type DebCompression, tgzOf, writeDeb } from "../support/fixtures/deb-package.ts";
import { codesOf, assertRefused } from "../support/assert/assert-refusal.ts";
import { program, type SourcesUnderTest, sourcesUnderTest } from "../support/fixtures/sources-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";

const control = `Package: libdevmapper1.02.1
Architecture: amd64
Version: 2:1.02.185-3ubuntu1~22.04
Description: kernel device mapper userspace library
 Version: 9 of nothing
`;

let site: SourcesUnderTest;
const undo = undoAfter();
before(async () => {
  site = await sourcesUnderTest();
  undo(() => site.remove());
});
beforeEach(() => rm(site.lockFile, { force: true }));

test("a package is identified by its content, however it is packed", async () => {
  const path = join(site.folder, "x.deb");
  for (const compression of ["gz", "xz", "zst", "none"] satisfies DebCompression[]) {
    await writeDeb(path, control, compression);
    assert.deepEqual(
      await readDeb(path),
      { Package: "libdevmapper1.02.1", Version: "2:1.02.185-3ubuntu1~22.04", Architecture: "amd64" },
      compression,
    );
  }
});

test("what is no package, or half of one, is refused", async () => {
  const path = join(site.folder, "bad.deb");
  await writeDeb(path, control);
  const original = await readFile(path);
  const binary = ["debian-binary", Buffer.from("2.0\n")] as const;
  const data = ["data.tar.gz", await tgzOf([])] as const;
  const cases: readonly Buffer[] = [
    Buffer.from("no package"),
    Buffer.alloc(0),
    original.subarray(0, original.length - 20),
    original.subarray(0, 100),
    arOf([binary, data]),
    arOf([binary, ["control.tar.lzma", Buffer.from("?")], data]),
    arOf([binary, ["control.tar.xz", Buffer.from("no xz")], data]),
    arOf([binary, ["control.tar.gz", await tgzOf([{ path: "./postinst", content: "#!/bin/sh\n" }])], data]),
    arOf([binary, ["control.tar.gz", await tgzOf([{ path: "../control", content: control }])], data]),
  ];
  for (const [index, bytes] of cases.entries()) {
    await writeFile(path, bytes);
    assert.deepEqual(await codesOf(readDeb(path)), ["E_ARCHIVE"], String(index));
  }
});

test("a package is pinned only if it is the one that bundle.yaml names", async () => {
  await writeDeb(join(site.folder, "libdm_1.02.185-3ubuntu1~22.04_amd64.deb"), control);
  const entry = {
    name: "libdevmapper",
    package: "libdevmapper1.02.1",
    kind: "deb",
    versions: ["2:1.02.185-3ubuntu1~22.04"],
    licence: "LGPL-2.1-only",
    url: "file:libdm_{version}_{arch}.deb",
  };
  await site.spec({ files: [entry] });
  const { lock } = await site.lock();
  assert.equal(lock.files[0]?.package, "libdevmapper1.02.1");
  assert.equal(lock.files[0].members, undefined);

  const other = "file:libdm_1.02.185-3ubuntu1~22.04_amd64.deb";
  await rm(site.lockFile);
  await site.spec({
    platforms: ["linux/arm64"],
    files: [{ ...entry, package: "lvm2", versions: ["2:1.0"], url: other }],
  });
  assert.deepEqual(
    (await assertRefused(site.lock())).map(({ code, subject, found }) => `${code} ${subject} ${found}`),
    [
      "E_PIN_MISMATCH libdevmapper 2:1.0 linux/arm64 Package libdevmapper1.02.1",
      "E_PIN_MISMATCH libdevmapper 2:1.0 linux/arm64 Version 2:1.02.185-3ubuntu1~22.04",
      "E_PIN_MISMATCH libdevmapper 2:1.0 linux/arm64 Architecture amd64",
    ],
  );
  await site.spec({ files: [{ ...entry, platform: "any", url: other }] });
  const [problem] = await assertRefused(site.lock());
  assert.equal(problem?.expected, "all, as in bundle.yaml");
});

test("an entry narrows the platforms, or has none; all of it gets into the bundle", async () => {
  await writeFile(join(site.folder, "tool"), "tool\n");
  await writeFile(join(site.folder, "notes"), "notes\n");
  await writeDeb(join(site.folder, "x.deb"), control);
  await site.spec({
    platforms: ["linux/amd64", "linux/arm64"],
    files: [
      program("tool", "file:tool", { platforms: ["linux/arm64"] }),
      program("notes", "file:notes", { platform: "any", kind: "file" }),
      {
        ...program("libdm", "file:x.deb", { platforms: ["linux/amd64"], kind: "deb" }),
        versions: ["2:1.02.185-3ubuntu1~22.04"],
        package: "libdevmapper1.02.1",
      },
    ],
  });
  await site.lock();
  // A manually written lock names another package beside a true sha256, and bundle.yaml asks for it.
  const inputs = [site.bundleFile, site.lockFile] as const;
  const texts = await Promise.all(inputs.map((name) => readFile(name, "utf8")));
  for (const [at, name] of inputs.entries())
    await writeFile(name, (texts[at] ?? "").replaceAll("2:1.02.185", "2:1.02.186"));
  const [other] = await assertRefused(buildBundle({ ...site, directory: join(site.folder, "other") }));
  assert.deepEqual([other?.code, other?.found], ["E_PIN_MISMATCH", "2:1.02.185-3ubuntu1~22.04"]);
  for (const [at, name] of inputs.entries()) await writeFile(name, texts[at] ?? "");
  const { file: key, allowedSigners } = await ensureSigningKey(join(site.folder, "signing"));
  const directory = join(site.folder, "bundle");
  const { manifests } = await buildBundle({ ...site, directory, key });
  assert.deepEqual(
    manifests.map(({ ref }) => ref),
    [
      "files/libdm:2_3a1.02.185-3ubuntu1_7e22.04-linux-amd64",
      "files/notes:1.0-any",
      "files/tool:1.0-linux-arm64",
    ],
  );
  const bundle = await verifyBundle(directory, { allowedSigners, lockFile: site.lockFile });
  assert.equal(await readFile(bundle.file("notes", "1.0", "any")?.path ?? "", "utf8"), "notes\n");
  assert.equal(bundle.binary("tool", "1.0", "amd64"), undefined);
});

test("contradictions in bundle.yaml are reported, all at once", async () => {
  const entry = (more: object): object => ({ ...program("x", "file:x"), ...more });
  await site.spec({
    files: [
      entry({ name: "both", platform: "any", platforms: ["linux/amd64"] }),
      entry({ name: "foreign", platforms: ["linux/arm64"] }),
      entry({ name: "arch", platform: "any", url: "file:x-{arch}" }),
      entry({ name: "named", package: "x1" }),
      entry({ name: "motor", kind: "engine", platform: "any" }),
      entry({ name: "tilde", versions: ["1~2"] }),
    ],
  });
  assert.deepEqual(
    (await assertRefused(readBundleSpec(site.bundleFile))).map(({ code, subject }) => `${code} ${subject}`),
    [
      "E_CONFLICT both",
      "E_VALUE foreign",
      "E_CONFLICT arch",
      "E_CONFLICT named",
      "E_CONFLICT motor",
      "E_VALUE tilde",
    ],
  );
  const urls = [
    "https://ann:secret@files.example/x",
    "http://files.example/x",
    "oci:registry.example/x",
    "oci:x",
  ];
  for (const url of urls) {
    await site.spec({ files: [entry({ url })] });
    assert.deepEqual(await codesOf(readBundleSpec(site.bundleFile)), ["E_VALUE"], url);
  }
  await site.spec({ files: [], mirrors: { "https://files.example/x": ["https://mirror.example"] } });
  assert.deepEqual(await codesOf(readBundleSpec(site.bundleFile)), ["E_VALUE"]);
});

test("a name derived from a url or a version leads nowhere else", () => {
  const titles = [
    ["https://h/a/b.tgz?x=/y", "b.tgz"],
    ["https://h/..%2f..%2fetc%2fpasswd", ".._.._etc_passwd"],
    ["https://h/%2e%2e", "file"],
    ["oci:r:5000/acme/tool:1.0", "tool"],
    [`oci:r/acme/tool@sha256:${"0".repeat(64)}`, "tool"],
    ["file:x-1.0_amd64.deb", "x-1.0_amd64.deb"],
  ] as const;
  for (const [url, title] of titles) assert.equal(fileTitle(url), title);
  assert.match(
    fileRef({ name: "x", version: "1:2+3~4", platform: "any" }),
    /^files\/x:[A-Za-z0-9_][A-Za-z0-9._-]*$/,
  );
});
