/** Every form of docker's config.json that may contain a login, and the login that docker finds there. */
import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before, test } from "node:test";
import { SealiftError } from "../../modules/core/errors.ts";
import { authorization } from "../../offline-bundle/http/docker-config.ts";

const folder = mkdtempSync(join(tmpdir(), "sealift-docker-"));
const [path, config] = [process.env["PATH"], process.env["DOCKER_CONFIG"]];
before(() => {
  // It knows two hosts, in the words of docker/docker-credential-helpers.
  helper(
    "desk",
    `case $host in
      files.example.com | https://files.example.com) echo '{"ServerURL":"'"$host"'","Username":"u","Secret":"s"}' ;;
      token.example.com) echo '{"Username":"<token>","Secret":"refresh"}' ;;
      *) echo "credentials not found in native keychain"; exit 1 ;;
    esac`,
  );
  helper("broken", "echo 'no keychain'; exit 2");
  process.env["PATH"] = `${folder}${delimiter}${path ?? ""}`;
  process.env["DOCKER_CONFIG"] = folder;
});
after(() => {
  rmSync(folder, { recursive: true });
  process.env["PATH"] = path;
  if (config === undefined) delete process.env["DOCKER_CONFIG"];
  else process.env["DOCKER_CONFIG"] = config;
});

const [files, auth] = ["files.example.com", "dTpz"];
const us = "Basic dTpz";

const forms: readonly (readonly [string, unknown, string | undefined, string?])[] = [
  ["the host", { auths: { [files]: { auth } } }, us],
  ["a url", { auths: { [`https://${files}`]: { auth } } }, us],
  ["a url with a path", { auths: { [`https://${files}/v2/`]: { auth } } }, us],
  ["a url with capitals", { auths: { [`HTTPS://${files}`]: { auth } } }, us],
  ["the port of https", { auths: { [`${files}:443`]: { auth } } }, us],
  ["another port", { auths: { [`${files}:8443`]: { auth } } }, undefined],
  ["another port, asked for", { auths: { [`${files}:8443`]: { auth } } }, us, `${files}:8443`],
  ["capitals", { auths: { "Files.Example.COM": { auth } } }, us],
  ["user and password", { auths: { [files]: { username: "u", password: "s" } } }, us],
  ["a line end in auth", { auths: { [files]: { auth: "dTpz\n" } } }, us],
  ["an identity token", { auths: { [files]: { identitytoken: "a.b-c" } } }, "Bearer a.b-c"],
  ["a password and a token", { auths: { [files]: { auth, identitytoken: "a.b-c" } } }, us],
  ["a registry token", { auths: { [files]: { registrytoken: "a.b-c" } } }, "Bearer a.b-c"],
  ["two keys, the first empty", { auths: { [`https://${files}/v1/`]: {}, [files]: { auth } } }, us],
  ["two keys, the second empty", { auths: { [files]: { auth }, [`https://${files}`]: {} } }, us],
  ["a store with an entry", { credsStore: "desk", auths: { [files]: {} } }, us],
  ["a store with the entry of another", { credsStore: "desk", auths: { "other.example": {} } }, us],
  ["a store alone", { credsStore: "desk" }, us],
  ["a store that does not know it", { credsStore: "desk" }, undefined, "other.example.com"],
  ["a store with a token", { credsStore: "desk" }, "Bearer refresh", "token.example.com"],
  ["a store that is not here, of somebody who is not logged in", { credsStore: "gone" }, undefined],
  ["a store that fails, of somebody who is not logged in", { credsStore: "broken" }, undefined],
  [
    "a store that is not here, and a login in the file",
    { credsStore: "gone", auths: { [files]: { auth } } },
    us,
  ],
  ["an empty store", { credsStore: "", auths: { [files]: {} } }, undefined],
  ["a helper", { credHelpers: { [files]: "desk" } }, us],
  ["a helper of a url", { credHelpers: { [`https://${files}`]: "desk" } }, us],
  [
    "a helper with capitals",
    { credHelpers: { "Files.example.com": "desk" } },
    undefined,
    "other.example.com",
  ],
  [
    "a helper before the file",
    { credHelpers: { [files]: "desk" }, auths: { [files]: { auth: "eDp5" } } },
    us,
  ],
  ["nothing", {}, undefined],
  ["null", null, undefined],
  ["lists of nothing", { auths: null, credHelpers: [], credsStore: null }, undefined],
  ["an auth that is none", { auths: { [files]: { auth: [] } } }, undefined],
];

for (const [what, value, login, host = files] of forms)
  test(`docker's config.json: ${what}`, async () => {
    write(JSON.stringify(value));
    assert.equal(await authorization(host), login);
  });

test("docker's config.json: an empty file is like none", async () => {
  write("");
  assert.equal(await authorization(files), undefined);
});

test("docker's config.json: what the user must correct is reported, without its content", async () => {
  for (const [value, code] of [
    ['\ufeff{"auths":{}}', "E_VALUE"],
    ["[]", "E_VALUE"],
    [JSON.stringify({ auths: { [files]: { identitytoken: "hidden\r\nHost: other" } } }), "E_VALUE"],
    [JSON.stringify({ auths: { [files]: { auth: "hidden: other" } } }), "E_VALUE"],
    [JSON.stringify({ credHelpers: { [files]: "gone" } }), "E_TOOL"],
    [JSON.stringify({ credsStore: "broken", auths: { [files]: {} } }), "E_TOOL"],
  ] as const) {
    write(value);
    const error: unknown = await authorization(files).then(
      () => undefined,
      (one: unknown) => one,
    );
    assert.ok(error instanceof SealiftError, value);
    assert.deepEqual(
      error.problems.map((one) => one.code),
      [code],
      value,
    );
    assert.doesNotMatch(error.message, /hidden/);
  }
});

function helper(name: string, body: string): void {
  const file = join(folder, `docker-credential-${name}`);
  writeFileSync(file, `#!/bin/sh\n[ "$1" = get ] || exit 9\nread -r host\n${body}\n`);
  chmodSync(file, 0o755);
}

function write(text: string): void {
  writeFileSync(join(folder, "config.json"), text);
}
