/** A release of an application: what changes it, and which services it replaces. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { releaseOf } from "../../modules/apps/release.ts";
import type { HostApp } from "../../modules/core/host/blob.ts";
import { exampleApp, exampleAppSpec } from "../support/fixtures/example-app.ts";

const folder = "/svc/apps/shop";
const secrets = { db_password: "/run/sealift/secrets/shop/db_password.0a1b2c3d" };
const release = releaseOf(exampleAppSpec, exampleApp, folder, secrets);

/** Names of the services that another release would replace. */
function replaced(app: HostApp, spec = exampleAppSpec, others = secrets): string[] {
  const other = releaseOf(spec, app, folder, others);
  return [...other.signatures].flatMap(([name, one]) => (release.signatures.get(name) === one ? [] : [name]));
}

/** The example with another content of one file. */
function withFile(path: string): HostApp {
  const members = exampleApp.archive.members.map((one) =>
    one.path === path ? { ...one, sha256: "f".repeat(64) } : one,
  );
  return { ...exampleApp, archive: { ...exampleApp.archive, members } };
}

const customTags = [{ tag: "!override", collection: "seq" as const, resolve: (seq: unknown) => seq }];

test("the override is YAML that points mounted files, configs and secrets to where they lie on the host", () => {
  const read = parse(release.override, { customTags }) as {
    services: Record<string, { volumes?: { source: string; target: string }[]; env_file?: string[] }>;
    configs: Record<string, { file: string }>;
    secrets: Record<string, { file: string }>;
  };
  assert.match(
    read.services["web"]?.volumes?.[0]?.source ?? "",
    /^\/svc\/apps\/shop\/files\/[0-9a-f]{64}\/static$/,
  );
  assert.match(
    read.services["worker"]?.env_file?.[0] ?? "",
    /^\/svc\/apps\/shop\/files\/[0-9a-f]{64}\/worker\.env$/,
  );
  assert.match(read.configs["nginx"]?.file ?? "", /^\/svc\/apps\/shop\/files\/[0-9a-f]{64}\/nginx\.conf$/);
  assert.match(release.override, /"target":"\/srv\/static","read_only":true/);
  assert.deepEqual(read.secrets, { db_password: { file: secrets.db_password } });
  assert.match(release.override, /"env_file": !override \[/);
});

test("a changed file, image, value or secret replaces exactly the services that use it", () => {
  assert.deepEqual(replaced(exampleApp), []);
  assert.deepEqual(replaced(withFile("conf/nginx.conf")), ["web"]);
  assert.deepEqual(replaced(withFile("static/b/c.css")), ["web"]);
  assert.deepEqual(replaced(withFile("worker.env")), ["worker"]);
  assert.deepEqual(replaced(withFile(".env")), ["web"]);
  const images = exampleApp.images.map((one) =>
    one.name.endsWith("worker:2.4.0") ? { ...one, sha256: "e".repeat(64) } : one,
  );
  assert.deepEqual(replaced({ ...exampleApp, images }), ["migrate", "worker"]);
  assert.deepEqual(replaced(exampleApp, { ...exampleAppSpec, values: { SHOP_URL: "x" } }), ["web"]);
  assert.deepEqual(
    replaced(exampleApp, exampleAppSpec, { db_password: "/run/sealift/secrets/shop/db_password.ffffffff" }),
    ["migrate", "worker"],
  );
});

test("a container that has been stopped stays so when the engine starts: the order at boot is that of the unit", () => {
  const policies = (restart?: "always" | "any"): readonly unknown[] => {
    const services = exampleApp.project.services.map((one) =>
      one.name === "web" && restart !== undefined ? { ...one, restart } : one,
    );
    const app = { ...exampleApp, project: { ...exampleApp.project, services } };
    const { override, signatures } = releaseOf(exampleAppSpec, app, "/svc/apps/shop");
    const { services: read } = parse(override, { customTags }) as {
      services: Record<string, Record<string, unknown>>;
    };
    const { web } = read;
    return [web?.["restart"], web?.["deploy"], signatures.get("web")];
  };
  const [none, always, any] = [policies(), policies("always"), policies("any")];
  assert.deepEqual(none.slice(0, 2), [undefined, undefined]);
  assert.deepEqual(always.slice(0, 2), ["unless-stopped", undefined]);
  assert.deepEqual(any.slice(0, 2), [undefined, { restart_policy: { condition: "unless-stopped" } }]);
  assert.equal(new Set([none, always, any].map((one) => one[2])).size, 3, "the preview announces the change");
});

test("equal content under another name has a place of its own, which an earlier release keeps", () => {
  const members = exampleApp.archive.members.map((one) =>
    one.path === "conf/nginx.conf" ? { ...one, path: "conf/front.conf" } : one,
  );
  const project = { ...exampleApp.project, configs: { nginx: "conf/front.conf" } };
  const renamed = releaseOf(
    exampleAppSpec,
    { ...exampleApp, project, archive: { ...exampleApp.archive, members } },
    folder,
    secrets,
  );
  const keyOf = (one: typeof release, name: string): string | undefined =>
    one.mounted.find(({ from }) => from.endsWith(name))?.to.split("/")[0];
  assert.notEqual(keyOf(renamed, "front.conf"), keyOf(release, "nginx.conf"));
});

test("every difference makes another release; nothing different makes the same", () => {
  const { id } = release;
  assert.match(id, /^2\.4\.0-[0-9a-f]{8}$/);
  assert.equal(releaseOf(exampleAppSpec, exampleApp, folder, secrets).id, id);
  const archive = { ...exampleApp.archive, sha256: "9".repeat(64) };
  for (const other of [
    releaseOf(exampleAppSpec, { ...exampleApp, archive }, folder, secrets),
    releaseOf({ ...exampleAppSpec, values: {} }, exampleApp, folder, secrets),
    releaseOf(exampleAppSpec, exampleApp, folder, {}),
  ])
    assert.notEqual(other.id, id);
});

test("values are written so that compose reads them back unchanged", () => {
  const backslash = releaseOf(
    { ...exampleAppSpec, values: { DIR: "C:\\data\\" } },
    exampleApp,
    folder,
    secrets,
  );
  assert.deepEqual(backslash.values, [String.raw`DIR="C:\\data\\"`]);
  assert.deepEqual(release.values, [`GREETING="it's \\"\\$1\\""`, "SHOP_URL='https://shop.bank.local'"]);
});
