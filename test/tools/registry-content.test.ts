import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { formatProblem, type SealiftError } from "../../modules/core/errors.ts";
import {
  registryContent,
  withMirrorNames,
  type RegistryContent,
  type RegistryManifest,
} from "../../modules/registry/content.ts";
import { readCaFile } from "../../modules/trust/ca-file.ts";
import { unchangedNameProblems } from "../../modules/trust/from-bundle.ts";
import type { Bundle } from "../../offline-bundle/oci/layout.ts";
import { openBundle } from "../../offline-bundle/oci/read-bundle.ts";
import { own, withRegistry } from "../support/fixtures/registry-site.ts";
import { siteOf } from "../support/fixtures/site-text.ts";
import { makeTinyBundle, type TinyBundle } from "../support/fixtures/tiny-bundle.ts";
import { undoAfter } from "../support/process/undo.ts";

let tiny: TinyBundle;
let bundle: Bundle;
let content: RegistryContent;
const folder = mkdtempSync(join(tmpdir(), "sealift-ca-"));
const undo = undoAfter();
before(async () => {
  tiny = await makeTinyBundle();
  undo(() => tiny.remove());
  bundle = await openBundle(tiny.directory);
  content = registryContent(bundle);
});
after(() => {
  rmSync(folder, { recursive: true });
});

test("every file and image is stored under its tag, an index after the manifests that it lists", () => {
  const names = content.manifests.map(({ repository, tag }) =>
    `${repository}:${tag}`.replace(/part-.*/, "part"),
  );
  assert.deepEqual(names.toSorted(), [
    "docker.io/library/hello:1",
    "docker.io/library/hello:part",
    "docker.io/library/hello:part",
    "files/compose:5.5.1-linux-amd64",
    "files/compose:5.5.1-linux-arm64",
    "files/docker:28.5.2-linux-amd64",
    "files/docker:28.5.2-linux-arm64",
  ]);
  assert.equal(names.at(-1), "docker.io/library/hello:1");
  assert.deepEqual(content.manifests.at(-1)?.blobs, []);
});

test("the lock's digest of a file is a blob of the repository with its name", () => {
  const { sha256 } = bundle.engine("28.5.2", "amd64") ?? {};
  const held = content.manifests.find(({ tag }) => tag === "28.5.2-linux-amd64" && sha256 !== undefined);
  assert.equal(held?.repository, "files/docker");
  assert.ok(held.blobs.some((blob) => blob.sha256 === sha256));
});

test("every blob is sent once, with its length", () => {
  const sent = content.blobs.map(({ sha256 }) => sha256);
  assert.equal(new Set(sent).size, sent.length);
  for (const { sha256, blobs } of content.manifests)
    for (const one of [sha256, ...blobs.map((blob) => blob.sha256)]) assert.ok(sent.includes(one), one);
  assert.ok(content.blobs.every(({ bytes }) => bytes > 0));
});

test("for a mirror, images of Docker Hub are at the root as well, and nothing else", () => {
  const more = withMirrorNames(content.manifests).slice(content.manifests.length);
  assert.deepEqual([...new Set(more.map(({ repository }) => repository))], ["library/hello"]);
  assert.equal(more.length, 3);
});

test("two things under one tag are refused: a host file, and an image that would take its place at the root", () => {
  const one = (repository: string, tag: string, digit: string): RegistryManifest => ({
    ...{ repository, tag, mediaType: "application/vnd.oci.image.manifest.v1+json" },
    ...{ sha256: digit.repeat(64), bytes: 1, blobs: [] },
  });
  for (const [repository, tag] of [
    ["files/docker", "28.5.2-linux-amd64"],
    ["quay.io/app", "1"],
  ] as const) {
    const [own, hub] = [one(repository, tag, "1"), one(`docker.io/${repository}`, tag, "2")];
    assert.throws(
      () => withMirrorNames([own, hub]),
      ({ problems: [problem] }: SealiftError) =>
        problem?.code === "E_CONFLICT" && problem.subject === `${repository}:${tag}`,
    );
    // The same bytes under both names are no matter.
    assert.equal(withMirrorNames([own, { ...hub, sha256: own.sha256 }]).length, 3);
  }
});

const repositories = ["files/docker", "docker.io/library/hello", "ghcr.io/team/app", "corp.site/app"];
const reported = (text: string): string[] =>
  unchangedNameProblems(siteOf(text).hosts, repositories, "stack.yaml").map(formatProblem);

test("image names of the bundle that would lead outside are reported, once for all hosts of a kind", () => {
  assert.deepEqual(reported(withRegistry(own)), [
    "stack.yaml: E_CONFLICT registry.mirroredRegistries: found: the bundle has images from corp.site; expected: corp.site among the mirrored registries of node-a; fix: add corp.site to registry.mirroredRegistries, or set registry.mirroredRegistries: [docker.io, ghcr.io, quay.io, registry.k8s.io] if users write registry.site:5000/corp.site/…",
  ]);
  const classic = reported(withRegistry(own, "classic"));
  assert.equal(classic.length, 2);
  assert.match(
    classic[0] ?? "",
    /found: the bundle has images from ghcr\.io; expected: images from docker\.io only: node-a has the classic image store .*; fix: set daemon\.features: \{ containerd-snapshotter: true \} for node-a, with an engine from 28\.5 on, or set registry\.mirroredRegistries: \[docker\.io\]/,
  );
});

test("a site that lists its sources has decided, and one without a registry has nothing to decide", () => {
  assert.deepEqual(reported(withRegistry(`${own}\nmirroredRegistries: [docker.io]`)), []);
});

test("the CAs of an external registry: one or several in a file, and nothing that is no certificate", () => {
  const make = (name: string, ca: boolean): string => {
    const path = join(folder, name);
    const extension = `basicConstraints=critical,CA:${ca ? "TRUE" : "FALSE"}`;
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", `${path}.key`];
    execFileSync(
      "openssl",
      ["req", "-x509", ...key, "-subj", `/CN=${name}`, "-addext", extension, "-out", path],
      {
        stdio: "ignore",
      },
    );
    return path;
  };
  const [one, two, leaf] = [make("one", true), make("two", true), make("leaf", false)];
  const both = join(folder, "both");
  writeFileSync(both, execFileSync("cat", [one, two]));
  const read = readCaFile(both);
  assert.ok(
    !("where" in read) && read.length === 2 && read.every((text) => /^MII[A-Za-z0-9+/=]+$/.test(text)),
  );
  const refused = [leaf, join(folder, "absent"), `${one}.key`].map((path) => readCaFile(path));
  const words = refused.map((problem) => ("where" in problem ? problem.found : "taken"));
  assert.match(words[0] ?? "", /a certificate that is not a CA certificate: CN=leaf/);
  assert.match(words[1] ?? "", /ENOENT/);
  assert.equal(words[2], "no certificate");
});
