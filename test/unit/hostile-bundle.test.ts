/**
 * Hostile texts in every place of bundle.yaml: each is refused at its line, or passes unchanged into a lock that can be read again and
 * into the commands of the runbook, whose words arrive in a real shell byte for byte.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { stringify } from "yaml";
import { formatProblem, SealiftError } from "../../modules/core/errors.ts";
import { subject } from "../../modules/core/shown.ts";
import { type Lock, parseLock } from "../../offline-bundle/spec/lock-file.ts";
import { copyCommand, curlCommand } from "../../offline-bundle/runbook.ts";
import { fileOf, fileRef, fileTitle, type BundleSpec } from "../../offline-bundle/spec/bundle-spec.ts";
import { readBundleSpec } from "../../offline-bundle/spec/read-bundle-spec.ts";
import { documentWith, schemaPlaces } from "../support/fixtures/schema-places.ts";

import schema from "../../offline-bundle/bundle.schema.json" with { type: "json" };

const folder = mkdtempSync(join(tmpdir(), "sealift-bundle-"));
after(() => {
  rmSync(folder, { recursive: true });
});
const file = join(folder, "bundle.yaml");
const base = {
  platforms: ["linux/amd64"],
  files: [
    {
      name: "compose",
      kind: "binary",
      versions: ["5.5.1"],
      licence: "Apache-2.0",
      url: "https://files.example/compose-{version}",
    },
  ],
  images: [{ name: "docker.io/library/busybox:1.37" }],
};
const uncarried = ["a\nb", "a\tb", "a\rb", "\u0000", "\u001b[31ma", "a\u007f", "a\u009bb", "a\u2028b"];
const texts = [
  ...[
    "$(id)",
    "`id`",
    "a'b",
    `a"b`,
    "a\\b",
    "a;b",
    "a b",
    "-rf",
    "--config=x",
    "%s",
    "%zz",
    "{version}",
    "../../x",
    "/etc/shadow",
    "grün 🚢",
  ],
  ...[
    "file:../x",
    "file:a b",
    "file:%zz",
    "file:$(id)",
    "oci:--x/y:z",
    "oci:r/a:b",
    "https://h/%zz",
    "https://h/$(id)",
    "https://h/a'b",
    "https://h/",
    "https://[/x",
  ],
  ...[
    "https://me:S3CRET@h/x",
    "https://me:S3/CRET@h/x",
    "https://h/{version}/a",
    "https://h/..",
    "https://h:99999/x",
    "https://h\\x/y",
    "null",
  ],
];
const places = schemaPlaces(schema, () => "https://files.example/");

async function read(text: string): Promise<BundleSpec | SealiftError> {
  // A file that is there would be waited for: ext4(5), auto_da_alloc.
  rmSync(file, { force: true });
  writeFileSync(file, text);
  return readBundleSpec(file).catch((error: unknown) => {
    if (error instanceof SealiftError) return error;
    throw error;
  });
}

function assertReported(error: SealiftError, text: string, what: string): void {
  for (const problem of error.problems) {
    const line = /bundle\.yaml:(\d+)(:\d+)?$/.exec(problem.where)?.[1];
    // The package-lock.json that a right text names does not exist here.
    const inLockfile = problem.code === "E_PACKAGE_LOCK" && problem.where.endsWith("package-lock.json");
    assert.ok(
      inLockfile || (line !== undefined && Number(line) <= text.split("\n").length),
      `${what}: ${formatProblem(problem)}`,
    );
    assert.doesNotMatch(formatProblem(problem), /[\p{Cc}\p{Zl}\p{Zp}]|S3CRET/u, what);
  }
}

test("what no lock and no command could carry is refused at its line", async () => {
  assert.ok(places.length > 15, String(places.length));
  for (const place of places)
    for (const text of uncarried) {
      const yaml = stringify(documentWith(schema, base, place, text));
      const what = `${place.kind} ${subject(place.path)}: ${JSON.stringify(text)}`;
      const outcome = await read(yaml);
      assert.ok(outcome instanceof SealiftError, what);
      assertReported(outcome, yaml, what);
    }
});

test("everything else is refused at its line, or is in lock and commands as it was written", async () => {
  const cases: { readonly what: string; readonly lock: Lock }[] = [];
  for (const place of places)
    for (const text of texts) {
      const yaml = stringify(documentWith(schema, base, place, text));
      const what = `${place.kind} ${subject(place.path)}: ${JSON.stringify(text)}`;
      const spec = await read(yaml);
      if (spec instanceof SealiftError) assertReported(spec, yaml, what);
      else cases.push({ what, lock: await lockOf(spec, what) });
    }
  assert.ok(cases.length > 20, String(cases.length));
  const commands = cases.flatMap(({ lock }) =>
    lock.files.flatMap((one) => [copyCommand(one), curlCommand(one)]),
  );
  const reported = ["cp", "curl", "mv"].map((name) => `${name}() { printf '%s\\0' ${name} "$@"; }`);
  const right = `sha256sum() { echo '${sha256}  -'; }`;
  mkdirSync(join(folder, "w"));
  writeFileSync(join(folder, "w", "part"), "");
  const script = `BUNDLE=b REGISTRY=r CA=c WORK=w\n${[...reported, right, ...commands].join("\n")}\n`;
  const ran = spawnSync("sh", ["-eus"], { input: script, maxBuffer: 2 ** 28, cwd: folder });
  assert.equal(ran.status, 0, ran.stderr.toString());
  const expected = cases.flatMap(({ lock }) => lock.files.flatMap(wordsOf));
  assert.deepEqual(ran.stdout.toString().split("\0").slice(0, -1), expected);
});

const sha256 = "ab".repeat(32);

/** A lock as it would be made, written and read again. */
async function lockOf(spec: BundleSpec, what: string): Promise<Lock> {
  const { platforms, expires } = spec;
  const lock: Lock = {
    ...{ format: 1, serial: 1, platforms, ...(expires === undefined ? {} : { expires }) },
    files: spec.files.map((one) => ({
      ...fileOf(one),
      bytes: 1,
      sha256,
      sources: ["computed-here", ...one.checksums],
    })),
    images: spec.images.map(({ name, from }) => ({
      ...{
        name,
        ...(from === undefined ? {} : { from }),
        digest: `sha256:${sha256}`,
        platforms: ["linux/amd64"],
        sources: ["computed-here"],
      },
    })),
  };
  try {
    const again = await parseLock(Buffer.from(stringify(lock)), "bundle.lock.yaml");
    assert.deepEqual(again, lock, what);
    return again;
  } catch (error) {
    throw new Error(`${what}: bundle.yaml passes, and its lock does not`, { cause: error });
  }
}

function wordsOf(one: Lock["files"][number]): readonly string[] {
  const title = `${one.name}-${one.version}-${one.platform.replace("/", "-")}-${fileTitle(one.url)}`;
  const url = `https://r/v2/${fileRef(one).replace(/:[^:]*$/, "")}/blobs/sha256:${sha256}`;
  const kept = ["mv", "-f", "--", "w/part", `w/files/${title}`];
  return [
    ...["cp", "--", `b/blobs/sha256/${sha256}`, "w/part"],
    ...kept,
    ...["curl", "-q", "--proto", "=https", "--cacert", "c", "-fsSL", "--max-filesize", "1"],
    ...["-o", "w/part", "--", url],
    ...kept,
  ];
}
