/** How the lab's images are made: files out of packages, in an order of their own, with the same digests each time. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { entriesOf, withFolders } from "../lab/images/deb-layer.ts";
import { writeImage, writeIndex, writeLayer } from "../lab/images/image-layout.ts";
import { arOf, tgzOf } from "../support/fixtures/deb-package.ts";
import { sha256Of } from "../support/fixtures/sha256-of.ts";
import type { TarEntry } from "../support/fixtures/tgz.ts";
import { undoAfter } from "../support/process/undo.ts";

let folder: string;
const undo = undoAfter();
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "sealift-images-"));
  undo(() => rm(folder, { recursive: true }));
  const control = await tgzOf([{ path: "./control", content: "Package: thing\n" }]);
  const data = await tgzOf([
    { path: "./usr/", directory: true },
    { path: "./usr/bin/", directory: true },
    { path: "./usr/bin/thing", content: "the program" },
    { path: "./usr/bin/other", target: "thing" },
    { path: "./usr/share/doc/thing", content: "its document", mode: 0o644 },
  ]);
  const archive = arOf([
    ["debian-binary", Buffer.from("2.0\n")],
    ["control.tar.gz", control],
    ["data.tar.gz", data],
  ]);
  await writeFile(join(folder, "thing.deb"), archive);
});

const deb = { name: "thing", version: "1", sha256: "" };
const entries = (keep: RegExp): ReturnType<typeof entriesOf> =>
  entriesOf([{ packages: ["thing"], keep }], [{ ...deb, path: join(folder, "thing.deb") }]);

test("what is wanted of a package is taken, and nothing else", async () => {
  const taken = await entries(/^usr\/bin\//);
  assert.deepEqual(
    [...taken.values()],
    [
      { path: "usr/bin/thing", mode: 0o755, content: Buffer.from("the program") },
      { path: "usr/bin/other", target: "thing" },
    ],
  );
});

test("a package that has nothing of it any more is an error with its name", async () => {
  await assert.rejects(entries(/^usr\/sbin\//), /^Error: thing: found: no file \/\^usr/);
  await assert.rejects(entriesOf([{ packages: ["gone"], keep: /./ }], []), /gone/);
});

test("folders come before what is in them, each once, and an owner that is given stays", () => {
  const data: TarEntry = { path: "var/lib/data/", directory: true, mode: 0o700, owner: 999 };
  const all = new Map<string, TarEntry>([
    ["var/run", { path: "var/run", target: "../run" }],
    [data.path, data],
    ["bin/sh", { path: "bin/sh", content: "" }],
  ]);
  const written = withFolders(all);
  assert.deepEqual(
    written.map(({ path }) => path),
    ["bin/", "bin/sh", "var/", "var/lib/", "var/lib/data/", "var/run"],
  );
  assert.ok(written.includes(data));
});

test("the same files give the same image, whose configuration names the layer before compression", async () => {
  const make = async (name: string): Promise<string> => {
    const layout = join(folder, name);
    await mkdir(layout);
    const layer = await writeLayer(layout, withFolders(await entries(/./)));
    const packed = await readFile(join(layout, "blobs", layer.digest.replace(":", "/")));
    assert.equal(layer.diffId, `sha256:${sha256Of(gunzipSync(packed))}`);
    const image = await writeImage(layout, "registry.site/thing:1", [layer], { User: "999:999" });
    await writeIndex(layout, [image]);
    return readFile(join(layout, "index.json"), "utf8");
  };
  const index = await make("one");
  assert.equal(await make("two"), index);
  assert.match(index, /"org\.opencontainers\.image\.ref\.name":"registry\.site\/thing:1"/);
});
