import assert from "node:assert/strict";
import { chmod, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { type Bounds, inventoryOfBundle, inventoryOfRegistry } from "../../offline-bundle/inventory.ts";
import { inside, type BundleManifest } from "../../offline-bundle/oci/layout.ts";
import { limits } from "../../offline-bundle/io/limits.ts";
import { oras } from "../../offline-bundle/oci/oras.ts";
import { type PushOptions, pushBundle } from "../../offline-bundle/push.ts";
import { flipBit } from "../support/fixtures/flip-bit.ts";
import { codesOf, assertRefused } from "../support/assert/assert-refusal.ts";
import { registryUser, type RegistryProcess, startRegistry } from "../support/servers/registry-process.ts";
import { runProcess } from "../support/process/run-process.ts";
import { checkout } from "../lab/cache.ts";
import { copyOf, makeTinyBundle, type TinyBundle } from "../support/fixtures/tiny-bundle.ts";
import { undoAfter } from "../support/process/undo.ts";
import { startTcpProxy } from "../support/servers/tcp-proxy.ts";

let tiny: TinyBundle;
let registry: RegistryProcess;
let options: PushOptions;
let bundleManifest: BundleManifest;
const undo = undoAfter();
before(async () => {
  tiny = await makeTinyBundle(20_000_000);
  undo(() => tiny.remove());
  bundleManifest = JSON.parse(
    await readFile(join(tiny.directory, inside.manifest), "utf8"),
  ) as BundleManifest;
  registry = await startRegistry(join(tiny.folder, "registry"), { tls: true, auth: true });
  undo(() => registry.stop());
  options = accessTo(registry);
});

test("everything is stored under the name of its source, and a second push sends nothing", async () => {
  const site = `${registry.address}/site`;
  const first = await pushBundle(tiny.directory, site, options);
  assert.deepEqual([first.tags, first.current, first.skippedBytes], [bundleManifest.manifests.length, 0, 0]);
  assert.ok(first.sentBytes > 20_000_000);
  const { inventory } = await inventoryOfRegistry(site, options);
  const complete = await inventoryOfBundle(tiny.directory);
  assert.deepEqual(inventory.digests, complete.inventory.digests);
  const before = registry.log().length;
  const second = await pushBundle(tiny.directory, site, options);
  assert.deepEqual([second.current, second.sentBytes], [first.tags, 0]);
  assert.equal(second.skippedBytes, first.sentBytes);
  const requests = registry.log().slice(before).join("\n");
  assert.doesNotMatch(requests, /"(PUT|POST|PATCH) /);
  await pushBundle(tiny.directory, site, { ...options, check: true });
});

test("a tag that was moved manually is found, reported and restored", async () => {
  const site = `${registry.address}/moved`;
  await pushBundle(tiny.directory, site, options);
  const ref = "files/compose:5.5.1-linux-amd64";
  await withLogin(async (login) => {
    const from = `${site}/files/compose:5.5.1-linux-arm64`;
    await oras(["tag", ...login], [from, "5.5.1-linux-amd64"], tiny.folder);
  });
  const [problem, ...more] = await assertRefused(
    pushBundle(tiny.directory, site, { ...options, check: true }),
  );
  assert.deepEqual([problem?.code, problem?.subject, more.length], ["E_TAG_MOVED", ref, 0]);
  const { moved } = await pushBundle(tiny.directory, site, options);
  const signed = bundleManifest.manifests.find((one) => one.ref === ref)?.digest;
  assert.deepEqual(
    moved.map(({ ref: name, to }) => [name, to]),
    [[ref, signed]],
  );
  await pushBundle(tiny.directory, site, { ...options, check: true });
  const absent = pushBundle(tiny.directory, `${registry.address}/nothing`, { ...options, check: true });
  assert.deepEqual(await codesOf(absent), ["E_REGISTRY"]);
});

test("a registry whose index exceeds the limits is refused, without further requests", async () => {
  const site = `${registry.address}/many`;
  await pushBundle(tiny.directory, site, options);
  const ask = (more: Partial<Bounds>): Promise<unknown> =>
    inventoryOfRegistry(site, options, undefined, { ...limits, ...more });
  for (const [bound, reported] of [
    [{ repositories: 1 }, "repositories: more than 1"],
    [{ tags: 1 }, "tags: more than 1"],
    [{ blobs: 2 }, "blobs: more than 2"],
    [{ manifests: 10 }, "bytes of manifests: more than 10"],
  ] as const) {
    const problems = await assertRefused(ask(bound));
    assert.deepEqual(
      [...new Set(problems.map(({ code, subject, found }) => `${code} ${subject}: ${found}`))],
      [`E_REGISTRY ${reported}`],
    );
  }
  await ask({});
});

test("a wrong password, none, an unknown CA and an unreachable registry are distinguished", async () => {
  const site = `${registry.address}/refused`;
  const push = (more: Partial<PushOptions>): Promise<unknown> =>
    pushBundle(tiny.directory, site, { ...options, ...more });
  const wrong = { username: registryUser.name, password: "not the password" };
  const problems = await assertRefused(push({ login: wrong }));
  assert.deepEqual([...new Set(problems.map(({ code }) => code))], ["E_LOGIN"]);
  assert.doesNotMatch(JSON.stringify(problems), /not the password/);
  const { allowedSigners, caFile = "" } = options;
  const anonymous = { allowedSigners, caFile };
  const config = join(tiny.folder, "no-login");
  await mkdir(config);
  const old = process.env["DOCKER_CONFIG"];
  process.env["DOCKER_CONFIG"] = config;
  try {
    assert.deepEqual(await codesOf(pushBundle(tiny.directory, site, anonymous)), ["E_LOGIN"]);
  } finally {
    if (old === undefined) delete process.env["DOCKER_CONFIG"];
    else process.env["DOCKER_CONFIG"] = old;
  }
  const [certificate] = await assertRefused(pushBundle(tiny.directory, site, { allowedSigners }));
  assert.equal(certificate?.code, "E_REGISTRY");
  assert.match(certificate.found, /certificate/);
  const silent = pushBundle(tiny.directory, "127.0.0.1:1/site", options);
  const [nobody] = await assertRefused(silent);
  assert.equal(nobody?.code, "E_REGISTRY");
  assert.match(
    nobody.fix,
    /accepts writes only from its own host until the site file has registry\.writerNetworks: \[/,
  );
  const noScheme = pushBundle(tiny.directory, "https://127.0.0.1:1", options);
  assert.deepEqual(await codesOf(noScheme), ["E_VALUE"]);
  const overTheNetwork = { ...options, plainHttp: true };
  assert.deepEqual(await codesOf(pushBundle(tiny.directory, "registry.example:5000", overTheNetwork)), [
    "E_VALUE",
  ]);
});

test("a broken bundle is not pushed", async () => {
  const copy = await copyOf(tiny);
  const [name = ""] = await readdir(join(copy, inside.blobs));
  await flipBit(join(copy, inside.blobs, name));
  const site = `${registry.address}/broken`;
  assert.deepEqual(await codesOf(pushBundle(copy, site, options)), ["E_BUNDLE_DIGEST"]);
  const { inventory } = await inventoryOfRegistry(site, options);
  assert.deepEqual(inventory.digests, []);
});

test("a registry that stops in the middle is reported, and the same push finishes the work", async () => {
  const folder = join(tiny.folder, "dying");
  const dying = await startRegistry(folder, { tls: true, auth: true });
  const proxy = await startTcpProxy(dying.port);
  const site = `127.0.0.1:${proxy.port}/site`;
  const access = accessTo(dying);
  const half = proxy.hold(10_000_000);
  const codes = codesOf(pushBundle(tiny.directory, site, access));
  await half;
  await dying.kill();
  proxy.cut();
  assert.deepEqual(await codes, ["E_REGISTRY"]);
  const again = await startRegistry(folder, { tls: true, auth: true });
  proxy.redirect(again.port);
  proxy.release();
  try {
    const pushed = await pushBundle(tiny.directory, site, access);
    assert.ok(pushed.tags > 0);
    await pushBundle(tiny.directory, site, { ...access, check: true });
  } finally {
    proxy.end();
    await again.stop();
  }
});

test("two simultaneous pushes leave what one leaves", async () => {
  const site = `${registry.address}/twice`;
  await Promise.all([1, 2].map(() => pushBundle(tiny.directory, site, options)));
  await pushBundle(tiny.directory, site, { ...options, check: true });
});

test("a read-only registry is reported with its own message", async () => {
  const reader = await startRegistry(join(tiny.folder, "reader"), {
    readonly: true,
    storage: registry.storage,
  });
  try {
    const access: PushOptions = { allowedSigners: tiny.allowedSigners, plainHttp: true };
    const [problem] = await assertRefused(pushBundle(tiny.directory, `${reader.address}/fresh`, access));
    assert.equal(problem?.code, "E_REGISTRY");
    assert.match(problem.found, /405|unsupported/i);
    assert.match(problem.fix, /on the writer.s port \(registry\.writerPort, default 5001\)/);
    await pushBundle(tiny.directory, `${reader.address}/site`, { ...access, check: true });
  } finally {
    await reader.stop();
  }
});

test("a password is neither an argument nor a file, whoever looks", async () => {
  const output = join(tiny.folder, "seen");
  const program = join(tiny.folder, "watched-oras");
  // Its own arguments and environment, and every file of the folder for temporary files.
  const watch = `{ tr '\\0' ' ' < /proc/$$/cmdline; env; cat "$TMPDIR"/* "$TMPDIR"/*/*; } >> ${output} 2>&1`;
  await writeFile(program, `#!/bin/sh\n${watch}\nexec oras "$@"\n`);
  await chmod(program, 0o755);
  const temporary = join(tiny.folder, "tmp");
  await mkdir(temporary);
  const password = join(tiny.folder, "password");
  await writeFile(password, `${registryUser.password}\n`);
  const line = [process.execPath, join(checkout, "cli", "sealift.js"), "bundle", "push", tiny.directory];
  const flags = ["--allowed-signers", tiny.allowedSigners, "--ca-file", registry.caFile ?? ""];
  const login = ["--username", registryUser.name, "--password-stdin"];
  const command = [
    "-c",
    '"$@" < "$PASSWORD_FILE"',
    "sh",
    ...line,
    `${registry.address}/site`,
    ...flags,
    ...login,
  ];
  const env = { SEALIFT_ORAS: program, TMPDIR: temporary, PASSWORD_FILE: password };
  const { exitCode, stdout, stderr } = await runProcess("sh", command, { env });
  assert.equal(exitCode, 0, stderr);
  assert.match(stdout, /^sent +0 B$/m);
  const text = await readFile(output, "utf8");
  assert.match(text, /--registry-config \/dev\/fd\/3/);
  const secret = Buffer.from(`${registryUser.name}:${registryUser.password}`).toString("base64");
  assert.ok(!text.includes(registryUser.password) && !text.includes(secret));
  assert.deepEqual(await readdir(temporary), []);
  await rm(password);
});

function accessTo({ caFile }: RegistryProcess): PushOptions {
  const login = { username: registryUser.name, password: registryUser.password };
  return { allowedSigners: tiny.allowedSigners, login, ...(caFile === undefined ? {} : { caFile }) };
}

/** What an operator would type; the password is a test's. */
async function withLogin(work: (flags: readonly string[]) => Promise<void>): Promise<void> {
  const file = join(tiny.folder, "login.json");
  const auth = Buffer.from(`${registryUser.name}:${registryUser.password}`).toString("base64");
  await writeFile(file, JSON.stringify({ auths: { [registry.address]: { auth } } }), { mode: 0o600 });
  await work(["--ca-file", registry.caFile ?? "", "--registry-config", file]);
  await rm(file);
}
