/** What arrives for a registry is looked at before the registry is given it: under a tag it would take any manifest. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { attackedClient, type AttackedClient } from "../support/hostile-registry.ts";
import { undoAfter } from "../support/undo.ts";

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

test("a manifest that arrived with other bytes than the lock pins is removed, and the registry hears nothing of it", async () => {
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
  assert.match(wrong.output, /has sha256 [0-9a-f]{64} and was removed; run pulumi up again/);
  assert.deepEqual(client.registry.asked, []);
  assert.equal(existsSync(file), false);
  writeFileSync(file, client.bytes);
  const right = await seed();
  assert.equal(right.code, 0, right.output);
  assert.deepEqual(
    client.registry.asked.map(({ line }) => line),
    ["PUT /v2/files/thing/manifests/1"],
  );
});
