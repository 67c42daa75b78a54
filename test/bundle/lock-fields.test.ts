/** No change of a lock goes unnoticed: each field of its schema, set, removed or altered, shows in both comparisons. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Contents } from "../../offline-bundle/oci/contents.ts";
import { diffContents, isSame } from "../../offline-bundle/diff.ts";
import { lockDifferences } from "../../offline-bundle/locking/lock-diff.ts";
import { type Lock, writeLock } from "../../offline-bundle/spec/lock-file.ts";
import { codesOf } from "../support/assert/assert-refusal.ts";

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
}

const schema = JSON.parse(readFileSync("offline-bundle/bundle.lock.schema.json", "utf8")) as Schema;

/** Every field has a value here. */
const validLock: Lock = {
  format: 1,
  serial: 3,
  platforms: ["linux/amd64"],
  expires: "2026-12-31",
  files: [
    {
      name: "tool",
      version: "1",
      platform: "linux/amd64",
      kind: "archive",
      package: "tool-bin",
      url: "https://example.org/tool",
      manifest: `sha256:${"a".repeat(64)}`,
      bytes: 5,
      sha256: "b".repeat(64),
      integrity: `sha512-${"A".repeat(86)}==`,
      licence: "MIT",
      sources: ["one", "two"],
      origin: "signature",
      signedBy: "A".repeat(40),
      members: [{ path: "tool", bytes: 5, sha256: "c".repeat(64) }],
      project: {
        file: "compose.yaml",
        services: [
          {
            name: "web",
            image: "example.org/app:1",
            digest: `sha256:${"d".repeat(64)}`,
            config: "0123456789abcdef",
            replicas: 2,
            oneShot: true,
            restart: "always",
            variables: ["URL"],
            envFiles: ["web.env"],
            configs: ["web"],
            secrets: ["password"],
            binds: [{ source: "conf", target: "/conf", readOnly: true }],
            hostPaths: ["/srv/x"],
            mounts: [{ target: "/data", volume: "data", source: "/srv/x", readOnly: true }],
            ports: [{ published: "8080", protocol: "tcp", address: "127.0.0.1" }],
            needs: ["privileged"],
          },
        ],
        configs: { web: "web.conf" },
        secrets: ["password"],
        stack: {
          services: { web: { command: ["web"] } },
          networks: { default: { internal: true } },
          volumes: { data: {} },
          defaults: { PORT: "8080" },
        },
      },
    },
  ],
  images: [
    {
      name: "example.org/app:1",
      from: "file:app",
      digest: `sha256:${"d".repeat(64)}`,
      signedBy: `sha256:${"e".repeat(64)}`,
      platforms: ["linux/amd64"],
      sources: ["three"],
    },
  ],
};

test("each field of a lock that is altered or removed shows in both comparisons", () => {
  const fields = leaves(schema, validLock);
  assert.ok(fields.length > 20);
  // Its version is one alone, and the serial has a line of its own.
  for (const { path, required } of fields.filter(({ path: [top] }) => top !== "format" && top !== "serial")) {
    const name = path.join(".");
    shows(
      name,
      changed(validLock, path, (value) => another(value)),
    );
    if (!required)
      shows(
        `${name} removed`,
        changed(validLock, path, () => undefined),
      );
  }
});

test("a lock that could not be read again is not written, and the existing one stays", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sealift-lock-"));
  try {
    const file = join(folder, "bundle.lock.yaml");
    await writeLock(file, validLock);
    const before = await readFile(file, "utf8");
    const unreadable: Readonly<Record<string, Lock>> = {
      "an archive without files": changed(validLock, ["files", 0, "members"], () => []) as Lock,
      "a member that turns text round": changed(
        validLock,
        ["files", 0, "members", 0, "path"],
        () => "a\u202eb",
      ) as Lock,
      "more platforms than there are": changed(validLock, ["images", 0, "platforms"], () =>
        Array.from({ length: 101 }, (_, at) => `os${at}/arm`),
      ) as Lock,
      "a platform with an escape code": changed(validLock, ["images", 0, "platforms"], () => [
        "linux/\u001b[31m",
      ]) as Lock,
      "an image of no platform": changed(validLock, ["images", 0, "platforms"], () => []) as Lock,
    };
    for (const [what, lock] of Object.entries(unreadable)) {
      assert.deepEqual(await codesOf(writeLock(file, lock)), ["E_VALUE"], what);
      assert.equal(await readFile(file, "utf8"), before, what);
    }
    assert.deepEqual(await readdir(folder), ["bundle.lock.yaml"]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a duplicate entry of a lock is refused: one would be reviewed and the other one used", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sealift-lock-"));
  try {
    const { files, images } = validLock;
    const member = { path: "docker/dockerd", bytes: 1, sha256: "ab".repeat(32) };
    const engines = files.map((file) => ({ ...file, kind: "engine" as const }));
    const twice: Readonly<Record<string, Lock>> = {
      "a file": { ...validLock, files: [...files, ...files] },
      "an engine, under another name": {
        ...validLock,
        files: [...engines, ...engines.map((engine) => ({ ...engine, name: "debug-symbols" }))],
      },
      "an image": { ...validLock, images: [...images, ...images] },
      "a member of an archive": {
        ...validLock,
        files: files.map((file) => ({ ...file, members: [member, { ...member, sha256: "cd".repeat(32) }] })),
      },
    };
    for (const [what, lock] of Object.entries(twice))
      assert.ok((await codesOf(writeLock(join(folder, "lock.yaml"), lock))).includes("E_CONFLICT"), what);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a new file shows with everything that a review needs", () => {
  const { items } = diffContents(contents({ ...validLock, files: [] }), contents(validLock));
  const reported = Object.fromEntries(
    items.flatMap(({ details }) => details).map(({ what, to }) => [what, to]),
  );
  const [file] = validLock.files;
  assert.ok(file);
  for (const what of ["kind", "url", "sha256", "origin", "signedBy", "package", "manifest"] as const)
    assert.equal(reported[what], file[what], what);
});

function shows(what: string, value: unknown): void {
  for (const [a, b] of [
    [validLock, value as Lock],
    [value as Lock, validLock],
  ] as const) {
    assert.notDeepEqual(lockDifferences(a, b), [], what);
    assert.ok(!isSame(diffContents(contents(a), contents(b))), what);
  }
}

function contents(lock: Lock): Contents {
  return { place: "lock", lock, lockSha256: "", packed: undefined };
}

interface Leaf {
  readonly path: readonly (string | number)[];
  readonly required: boolean;
}

/** Where each field of the schema stands in the value. @throws when the value lacks one. */
function leaves({ properties, items, required = [] }: Schema, value: unknown): readonly Leaf[] {
  if (properties !== undefined)
    return Object.entries(properties).flatMap(([key, below]) => {
      const own = (value as Readonly<Record<string, unknown>>)[key];
      assert.ok(own !== undefined, `the example lacks ${key}`);
      const deeper = leaves(below, own).map((leaf) => ({ ...leaf, path: [key, ...leaf.path] }));
      return [{ path: [key], required: required.includes(key) }, ...deeper];
    });
  if (items?.properties === undefined) return [];
  return leaves(items, (value as readonly unknown[])[0]).map((leaf) => ({
    ...leaf,
    path: [0, ...leaf.path],
  }));
}

function changed(
  value: unknown,
  [first, ...rest]: readonly (string | number)[],
  work: (value: unknown) => unknown,
): unknown {
  if (first === undefined) return work(value);
  if (Array.isArray(value))
    return value.map((one: unknown, at) => (at === first ? changed(one, rest, work) : one));
  const own = value as Readonly<Record<string, unknown>>;
  return { ...own, [first]: changed(own[first], rest, work) };
}

function another(value: unknown): unknown {
  if (typeof value === "number") return value + 1;
  if (typeof value === "string") return `${value}x`;
  return Array.isArray(value)
    ? value.slice(1)
    : typeof value === "object"
      ? { ...value, file: "other" }
      : !value;
}
