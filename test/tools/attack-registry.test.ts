/** A malicious registry, and the library's own shell as its client: its answers lead nowhere that the site does not name. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, beforeEach, test } from "node:test";
import { attackedClient, type AttackedClient } from "../support/servers/hostile-registry.ts";
import { undoAfter } from "../support/process/undo.ts";

let client: AttackedClient;
const undo = undoAfter();
before(async () => {
  client = await attackedClient();
  undo(() => {
    client.end();
  });
});
beforeEach(() => {
  client.reset();
});
const setRealm = (realm: string): void => {
  client.registry.answer = (_, response) =>
    response.writeHead(401, { "www-authenticate": `Bearer realm="${realm}",service="a store"` }).end();
};
const atOther = (): string => `localhost:${client.other.port}`;

test("a realm that is an option of curl reaches no command line", async () => {
  const conf = join(client.folder, "conf");
  const owned = join(client.folder, "owned");
  writeFileSync(
    conf,
    `url = "https://localhost:${client.registry.port}/evil"\ninsecure\noutput = "${owned}"\n`,
  );
  setRealm(`-K${conf}`);
  const { code, output } = await client.fetchBlob();
  assert.equal(existsSync(owned), false, "the registry has chosen where root writes");
  assert.notEqual(code, 0);
  assert.match(output, /it leads to a URL that is not https/);
  assert.ok(client.registry.requests.every(({ line }) => !line.includes("evil")));
});

for (const realm of [
  "http://localhost:1/token",
  "file:///etc/passwd",
  "https://user@evil.example/token",
  "https://-evil/token",
  "https://localhost:1:2/token",
  "https:///token",
  "https://localhost:1/{a,b}",
  "https://localhost:1/\\..",
])
  test(`a realm of ${realm} belongs to nobody`, async () => {
    setRealm(realm);
    const { code, output } = await client.fetchBlob();
    assert.notEqual(code, 0);
    assert.match(output, /is not followed: it leads to |asks for a login/);
  });

test("a token server that the site does not name is not asked, and the finding says what to add", async () => {
  setRealm(`https://${atOther()}/token`);
  const { code, output } = await client.fetchBlob();
  assert.notEqual(code, 0);
  assert.deepEqual(client.other.requests, []);
  assert.ok(output.includes(`set allowedHosts: ["${atOther()}"] under registry.external`), output);
});

test("a token server that the site names issues the token, and only the registry receives it", async () => {
  client.other.answer = ({ url = "" }, response) => {
    if (url.startsWith("/token")) response.end(JSON.stringify({ token: "let-me-in" }));
    else response.end(client.bytes);
  };
  client.registry.answer = ({ headers }, response) => {
    const challenge = `Bearer realm="https://${atOther()}/token",service="a store"`;
    if (headers.authorization !== "Bearer let-me-in")
      response.writeHead(401, { "www-authenticate": challenge }).end();
    else response.writeHead(307, { location: `https://${atOther()}/stored?signed=1` }).end();
  };
  const { code, output } = await client.fetchBlob("-", atOther());
  assert.equal(code, 0, output);
  assert.deepEqual(readFileSync(join(client.blobs, client.sha256)), client.bytes);
  const [token, ...stored] = client.other.requests.map(({ line }) => line.replace("GET ", ""));
  assert.deepEqual(Object.fromEntries(new URL(token ?? "", "https://x").searchParams), {
    service: "a store",
    scope: "repository:files/thing:pull",
  });
  assert.deepEqual(stored, ["/stored?signed=1", "/stored?signed=1"]);
  assert.ok(
    client.other.requests.every(({ authorization }) => authorization === undefined),
    "the token is the registry's alone",
  );
});

test("a token with a line end or a quote in it becomes no header", async () => {
  client.other.answer = (_, response) => response.end(JSON.stringify({ token: 'x\r\nHost: evil"' }));
  setRealm(`https://${atOther()}/token`);
  const { code, output } = await client.fetchBlob("-", atOther());
  assert.notEqual(code, 0);
  assert.match(output, /returned no token/);
});

test("a redirect to a host that the site does not name is not followed", async () => {
  client.registry.answer = (_, response) =>
    response.writeHead(307, { location: `https://${atOther()}/x` }).end();
  const { code, output } = await client.fetchBlob();
  assert.notEqual(code, 0);
  assert.deepEqual(client.other.requests, []);
  assert.match(output, /which is not one of the allowed hosts/);
});

test("more bytes than pinned are not kept, whether the length is announced or not", async () => {
  for (const announced of [true, false]) {
    client.registry.answer = (_, response) => {
      const much = Buffer.alloc(4_000_000, "x");
      response.writeHead(200, announced ? { "content-length": 2 * much.length } : {});
      response.write(much, () => response.destroy());
    };
    const { code } = await client.fetchBlob("127.0.0.1");
    assert.notEqual(code, 0);
    const left = readdirSync(client.blobs).map((name) => readFileSync(join(client.blobs, name)).length);
    assert.ok(
      left.every((size) => size <= client.bytes.length + 512),
      `${left.join()} bytes lie on the disk of the host`,
    );
  }
});

test("no answer of a registry reaches a terminal with a control character in it", async () => {
  client.registry.answer = (_, response) => {
    response.socket?.end(
      'HTTP/1.1 401 no\r\nwww-authenticate: Bearer realm="https://a\u001b[2Jb/",x="\u001b]0;owned\u0007"\r\n\r\n',
    );
  };
  const { code, output } = await client.fetchBlob();
  assert.notEqual(code, 0);
  // eslint's no-control-regex has no quarrel with \p{Cc}.
  assert.doesNotMatch(output.replaceAll("\n", ""), /\p{Cc}/u);
});

test("a writer can redirect an upload to itself only, and never with an option", async () => {
  const conf = join(client.folder, "conf");
  const owned = join(client.folder, "owned-by-the-writer");
  // The name that the option would have with what is put behind it.
  const named = [conf, `${conf}&digest=sha256:${client.sha256}`, `${conf}?digest=sha256:${client.sha256}`];
  for (const name of named)
    writeFileSync(
      name,
      `url = "https://localhost:${client.registry.port}/evil"\ninsecure\noutput = "${owned}"\n`,
    );
  const arriving = join(client.folder, "mount", "arriving");
  mkdirSync(arriving, { recursive: true });
  writeFileSync(join(arriving, client.sha256), client.bytes);
  for (const location of [`-K${conf}`, `https://${atOther()}/upload`, "//evil.example/x", "/v2/\u001b[2J"]) {
    client.registry.answer = ({ method }, response) => {
      if (method === "HEAD") response.writeHead(404).end();
      else response.socket?.end(`HTTP/1.1 202 ok\r\nlocation: ${location}\r\ncontent-length: 0\r\n\r\n`);
    };
    const place = [join(client.folder, "mount"), "localhost", String(client.registry.port)];
    const what = [
      "files/thing",
      "1",
      "a/type",
      `${"0".repeat(64)}:5`,
      `${client.sha256}:${client.bytes.length}`,
    ];
    const { code, output } = await client.call("apply_registry_manifest", ...place, ...what);
    assert.notEqual(code, 0);
    assert.equal(existsSync(owned), false, "the registry has chosen where root writes");
    assert.deepEqual(client.other.requests, [], "nobody else is shown the writer's password");
    assert.doesNotMatch(output.replaceAll("\n", ""), /\p{Cc}/u);
  }
});

test("a reader with wrong bytes does not stop the others from delivering the right ones", async () => {
  let turn = 0;
  client.registry.answer = ({ headers }, response) => {
    turn += 1;
    // The first half of every first answer is wrong and is cut off; the next reader goes on from there.
    if (turn % 2 === 1) {
      response.writeHead(200, { "content-length": client.bytes.length });
      response.write(Buffer.alloc(20_000, "wrong"), () => response.destroy());
      return;
    }
    const start = Number(/\d+/.exec(headers.range ?? "")?.[0] ?? 0);
    const range = { "content-range": `bytes ${start}-${client.bytes.length - 1}/${client.bytes.length}` };
    response.writeHead(start === 0 ? 200 : 206, start === 0 ? {} : range).end(client.bytes.subarray(start));
  };
  const { code, output } = await client.fetchBlob("127.0.0.1", "127.0.0.1");
  assert.equal(code, 0, output);
  assert.deepEqual(readFileSync(join(client.blobs, client.sha256)), client.bytes);
});

test("a reader has no more time than the bytes may take, however it spreads them", async () => {
  const reported = join(client.folder, "seconds");
  const bin = join(client.folder, "bin");
  mkdirSync(bin);
  // The arguments of curl are recorded and passed on.
  const real = execFileSync("sh", ["-c", "command -v timeout"], { encoding: "utf8" }).trim();
  writeFileSync(join(bin, "timeout"), `#!/bin/sh\necho "$1 $2" >>${reported}\nexec ${real} "$@"\n`);
  chmodSync(join(bin, "timeout"), 0o755);
  client.registry.answer = (_, response) => response.writeHead(200).end(client.bytes);
  const fetch = ["apply_downloaded_blob", ...client.pinned, "127.0.0.1"];
  const fetched = await client.callWith(`PATH=${bin}:$PATH`, ...fetch);
  assert.equal(fetched.code, 0, fetched.output);
  assert.equal(readFileSync(reported, "utf8"), "120 curl\n");
  const { output } = await client.call("web_seconds_for", String(100 * 1024 * 1024));
  assert.equal(output, "1720");
});
