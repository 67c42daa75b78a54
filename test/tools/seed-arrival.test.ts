/** Arrived blobs are checked before the registry gets them: it would accept any manifest under a tag. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { before, test } from "node:test";
import { attackedClient, type AttackedClient } from "../support/servers/hostile-registry.ts";
import { undoAfter } from "../support/process/undo.ts";

let client: AttackedClient;
let arriving: string;
const undo = undoAfter();
before(async () => {
  client = await attackedClient();
  undo(() => {
    client.end();
  });
  arriving = join(client.folder, "mount", "arriving");
  mkdirSync(arriving, { recursive: true });
});

test("a manifest with other bytes than the lock pins is removed, and the registry never receives it", async () => {
  client.registry.answer = (request, response) => {
    request.resume().on("end", () => response.writeHead(201).end());
  };
  const type = "application/vnd.oci.image.manifest.v1+json";
  const mount = join(client.folder, "mount");
  const place = [mount, "localhost", String(client.registry.port), "files/thing", "1", type];
  const seed = (): ReturnType<AttackedClient["call"]> =>
    client.call("apply_registry_manifest", ...place, `${client.sha256}:${client.bytes.length}`);
  const file = join(arriving, client.sha256);
  const other = Buffer.from(client.bytes);
  other[0] = 0;
  writeFileSync(file, other);
  const wrong = await seed();
  assert.notEqual(wrong.code, 0);
  assert.match(wrong.output, /has sha256 [0-9a-f]{64} and was removed; run pulumi up to send it again/);
  assert.deepEqual(client.registry.requests, []);
  assert.equal(existsSync(file), false);
  writeFileSync(file, client.bytes);
  const right = await seed();
  assert.equal(right.code, 0, right.output);
  assert.deepEqual(
    client.registry.requests.map(({ line }) => line),
    ["PUT /v2/files/thing/manifests/1"],
  );
});

test("that the registry has a blob is noted for a day, because bytes may change without a change of their times", async () => {
  const mount = join(client.folder, "kept");
  const root = join(mount, "storage", "docker", "registry", "v2");
  const data = join(root, "blobs", "sha256", client.sha256.slice(0, 2), client.sha256, "data");
  const link = join(root, "repositories", "files/thing", "_manifests", "tags", "1", "current", "link");
  for (const file of [data, link]) mkdirSync(dirname(file), { recursive: true });
  writeFileSync(link, `sha256:${client.sha256}`);
  writeFileSync(data, client.bytes);
  const place = [
    mount,
    "localhost",
    "5001",
    "files/thing",
    "1",
    "application/vnd.oci.image.manifest.v1+json",
  ];
  const probe = (more: string): ReturnType<AttackedClient["call"]> =>
    client.callWith(more, "check_registry_manifest", ...place, `${client.sha256}:${client.bytes.length}`);
  assert.deepEqual(await probe(""), { code: 0, output: "" });
  const note = join(client.folder, "seen", client.sha256);
  const [since = ""] = readFileSync(note, "utf8").split(" ");
  assert.match(since, /^\d+$/);
  const other = Buffer.from(client.bytes);
  other[0] = 0;
  writeFileSync(data, other);
  assert.match((await probe("")).output, /is corrupt/);
  // As it is after a write through a page that was mapped before: other bytes, and the times that were noted.
  const stat = spawnSync("stat", ["-c", "%F,%i %s %y %z", data], { encoding: "utf8" }).stdout;
  writeFileSync(note, `${since} ${stat}`);
  assert.deepEqual(await probe(""), { code: 0, output: "" });
  assert.match((await probe("SEALIFT_DEEP=1")).output, /is corrupt/);
  assert.match((await probe("HASH_KEEP_SEC=0")).output, /is corrupt/);
});
