import assert from "node:assert/strict";
import { join } from "node:path";
import { before, test } from "node:test";
import { type Contents, readContents } from "../../offline-bundle/oci/contents.ts";
import { cycloneDx } from "../../offline-bundle/sbom/cyclonedx.ts";
import { epochOf, filePurl, imagePurl, supplierOf } from "../../offline-bundle/sbom/sbom.ts";
import { spdx } from "../../offline-bundle/sbom/spdx.ts";
import { checkout } from "../lab/cache.ts";
import { cycloneDxSchema } from "../support/fixtures/cyclonedx-schema.ts";
import { codesOf } from "../support/assert/assert-refusal.ts";
import { makeTinyBundle, type TinyBundle } from "../support/fixtures/tiny-bundle.ts";
import { undoAfter } from "../support/process/undo.ts";

let tiny: TinyBundle;
let contents: Contents;
let shipped: Contents;
const undo = undoAfter();
before(async () => {
  tiny = await makeTinyBundle();
  undo(() => tiny.remove());
  contents = await readContents(tiny.directory);
  shipped = await readContents(join(checkout, "offline-bundle", "bundle.lock.yaml"));
});

test("CycloneDX: the output passes the official schema, for the tiny bundle and for the shipped lock", async () => {
  const validate = await cycloneDxSchema();
  for (const bom of [cycloneDx(contents, undefined), cycloneDx(shipped, new Date(0))]) {
    assert.ok(validate(bom), JSON.stringify(validate.errors));
  }
  assert.equal(validate({ ...cycloneDx(contents, undefined), serialNumber: "7" }), false);
});

test("CycloneDX: every file with version, licence, hash and url, its members inside it, images by digest", () => {
  const { components } = cycloneDx(contents, undefined) as { components: Component[] };
  const { lock } = contents;
  assert.equal(components.length, lock.files.length + lock.images.length);
  for (const [at, file] of lock.files.entries()) {
    const component = components[at];
    assert.equal(component?.version, file.version);
    assert.deepEqual(component.hashes, [{ alg: "SHA-256", content: file.sha256 }]);
    assert.deepEqual(component.licenses, [{ expression: file.licence }]);
    assert.equal(component.externalReferences?.[0]?.url, file.url);
    assert.deepEqual(
      (component.components ?? []).map(({ name, hashes }) => [name, hashes[0]?.content]),
      (file.members ?? []).map(({ path, sha256 }) => [path, sha256]),
    );
  }
  assert.equal(`sha256:${components.at(-1)?.hashes[0]?.content ?? ""}`, lock.images[0]?.digest);
});

/** The requirements of the format, SPDX 2.3 clauses 6, 7 and 11: what each part must have, and that ids are unique. */
test("SPDX: every required field exists, every id is unique, every relation leads from one to another", () => {
  for (const one of [contents, shipped]) {
    const document = spdx(one, undefined) as SpdxDocument;
    assert.equal(document.spdxVersion, "SPDX-2.3");
    assert.equal(document.dataLicense, "CC0-1.0");
    assert.equal(document.SPDXID, "SPDXRef-DOCUMENT");
    assert.match(document.documentNamespace, /^https:\/\/[^#]+[0-9a-f]{64}$/);
    assert.match(document.creationInfo.created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.ok(
      document.creationInfo.creators.every((creator) => /^(Tool|Person|Organization): /.test(creator)),
    );
    const ids = document.packages.map(({ SPDXID }) => SPDXID);
    assert.equal(new Set(ids).size, ids.length);
    for (const part of document.packages) {
      assert.match(part.SPDXID, /^SPDXRef-[A-Za-z0-9.-]+$/);
      assert.notEqual(part.name, "");
      assert.match(part.downloadLocation, /^(https:|NOASSERTION$)/);
      assert.equal(part.filesAnalyzed, false);
      assert.match(part.checksums[0]?.checksumValue ?? "", /^[0-9a-f]{64}$/);
    }
    const known = new Set(["SPDXRef-DOCUMENT", ...ids]);
    for (const { spdxElementId, relatedSpdxElement } of document.relationships)
      assert.ok(known.has(spdxElementId) && known.has(relatedSpdxElement));
    const described = document.relationships.filter(
      ({ relationshipType }) => relationshipType === "DESCRIBES",
    );
    assert.equal(described.length, one.lock.files.length + one.lock.images.length);
    const members = one.lock.files.flatMap((file) => file.members ?? []);
    assert.equal(document.packages.length, described.length + members.length);
  }
});

test("the same lock gives the same text, from a bundle or alone; another lock has another number", async () => {
  const alone = await readContents(tiny.lockFile);
  for (const write of [cycloneDx, spdx]) {
    assert.equal(JSON.stringify(write(alone, undefined)), JSON.stringify(write(contents, undefined)));
    assert.doesNotMatch(JSON.stringify(write(contents, undefined)), /20[2-9]\d-/);
    assert.match(JSON.stringify(write(contents, new Date(1_767_225_600_000))), /"2026-01-01T00:00:00Z"/);
  }
  const number = (bom: object): unknown => (bom as { serialNumber: unknown }).serialNumber;
  const other = { ...contents, lockSha256: "f".repeat(64) };
  assert.equal(number(cycloneDx(other, undefined)), "urn:uuid:ffffffff-ffff-8fff-bfff-ffffffffffff");
  assert.notEqual(number(cycloneDx(other, undefined)), number(cycloneDx(contents, undefined)));
});

test("a date is seconds, or a refusal", async () => {
  assert.equal(epochOf(undefined), undefined);
  assert.equal(epochOf(""), undefined);
  assert.equal(epochOf("86400")?.toISOString(), "1970-01-02T00:00:00.000Z");
  for (const text of ["yesterday", "-1", "1e9", "999999999999"])
    assert.deepEqual(await codesOf(Promise.resolve().then(() => epochOf(text))), ["E_VALUE"], text);
});

test("scanners find a component by its package url; its supplier is named where known", () => {
  const [docker] = shipped.lock.files;
  const compose = shipped.lock.files.find(({ name }) => name === "compose");
  const image = contents.lock.images[0];
  assert.ok(docker !== undefined && compose !== undefined && image !== undefined);
  assert.match(
    filePurl(docker),
    /^pkg:generic\/docker@28\.5\.2\?checksum=sha256:\w{64}&download_url=https%3A%2F%2F.*&platform=/,
  );
  assert.match(filePurl(compose), /^pkg:github\/docker\/compose@v5\.5\.1\?/);
  assert.match(
    imagePurl(image),
    /^pkg:oci\/hello@sha256%3A\w{64}\?repository_url=docker\.io%2Flibrary%2Fhello&tag=1$/,
  );
  assert.equal(supplierOf(docker)?.name, "Docker, Inc.");
  assert.equal(supplierOf(compose)?.url, "https://github.com/docker");
  assert.equal(supplierOf({ url: "file:docker.tgz" }), undefined);
});

interface Component {
  readonly name: string;
  readonly version: string;
  readonly hashes: readonly { readonly content: string }[];
  readonly licenses?: unknown;
  readonly externalReferences?: readonly { readonly url: string }[];
  readonly components?: readonly Component[];
}

interface SpdxDocument {
  readonly spdxVersion: string;
  readonly dataLicense: string;
  readonly SPDXID: string;
  readonly documentNamespace: string;
  readonly creationInfo: { readonly created: string; readonly creators: readonly string[] };
  readonly packages: readonly {
    readonly SPDXID: string;
    readonly name: string;
    readonly downloadLocation: string;
    readonly filesAnalyzed: boolean;
    readonly checksums: readonly { readonly checksumValue: string }[];
  }[];
  readonly relationships: readonly {
    readonly spdxElementId: string;
    readonly relationshipType: string;
    readonly relatedSpdxElement: string;
  }[];
}
