import assert from "node:assert/strict";
import { lstat, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { before, test } from "node:test";
import { acceptBundle } from "../../offline-bundle/accept.ts";
import { inventoryOfRegistry } from "../../offline-bundle/inventory.ts";
import { inspectBundle } from "../../offline-bundle/inspect.ts";
import { inside, type BundleManifest } from "../../offline-bundle/oci/layout.ts";
import { readLock } from "../../offline-bundle/spec/lock-file.ts";
import { oras } from "../../offline-bundle/oci/oras.ts";
import { pushBundle, type PushOptions } from "../../offline-bundle/push.ts";
import { signBundle } from "../../offline-bundle/sign.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import { lyingMedium } from "../support/fixtures/lying-medium.ts";
import { assertRefused } from "../support/assert/assert-refusal.ts";
import { startRegistry, type RegistryProcess } from "../support/servers/registry-process.ts";
import { rewriteManifest } from "../support/fixtures/rewrite-manifest.ts";
import { allow, builder } from "../support/fixtures/signers.ts";
import { copyOf, makeTinyBundle, type TinyBundle } from "../support/fixtures/tiny-bundle.ts";
import { undoAfter } from "../support/process/undo.ts";

let tiny: TinyBundle;
let registry: RegistryProcess;
let bundleManifest: BundleManifest;
/** The same files with other content: another serial, other pins, other tags. */
let lie: string;
const undo = undoAfter();
before(async () => {
  tiny = await makeTinyBundle();
  undo(() => tiny.remove());
  bundleManifest = JSON.parse(
    await readFile(join(tiny.directory, inside.manifest), "utf8"),
  ) as BundleManifest;
  registry = await startRegistry(join(tiny.folder, "registry"));
  undo(() => registry.stop());
  lie = await lieOf(tiny);
});

test("verify reads each file of a bundle once, and returns what it has hashed", async () => {
  const medium = lyingMedium(tiny.directory, lie);
  const bundle = await verifyBundle(tiny.directory, tiny).finally(medium.end);
  const twice = [...medium.reads].filter(([, count]) => count !== 1);
  assert.deepEqual(twice, []);
  const { manifest: text, signature, marker, index, lock } = inside;
  for (const name of [text, signature, marker, index, lock]) assert.equal(medium.reads.get(name), 1, name);
  const { lock: pinned, tree } = await verifyBundle(tiny.directory, tiny);
  assert.deepEqual([bundle.serial, bundle.lock, bundle.tree.index], [1, pinned, tree.index]);
  assert.equal(bundle.engine("28.5.2", "amd64")?.sha256, pinned.files[0]?.sha256);
  assert.equal(Buffer.from(bundle.text).toString(), await readFile(join(tiny.directory, text), "utf8"));
});

test("accept records, and inspect shows, the bundle that was verified", async () => {
  const allowedSigners = await allow(tiny, [builder(tiny)]);
  const truth = await verifyBundle(tiny.directory, { allowedSigners });
  const accepting = lyingMedium(tiny.directory, lie);
  const { accepted } = await acceptBundle(tiny.directory, { allowedSigners }).finally(accepting.end);
  assert.deepEqual([accepted.serial, accepted.manifestSha256], [1, truth.textSha256]);
  const inspecting = lyingMedium(tiny.directory, lie);
  const shown = await inspectBundle(tiny.directory, { allowedSigners }).finally(inspecting.end);
  assert.deepEqual([shown.serial, shown.lockSha256], [1, truth.lockSha256]);
  assert.deepEqual(
    shown.files.map(({ sha256 }) => sha256),
    truth.lock.files.map(({ sha256 }) => sha256),
  );
});

test("what is signed is the text that the person was shown", async () => {
  const copy = await copyOf(tiny);
  const shown = await verifyBundle(copy, tiny);
  await writeFile(join(copy, inside.manifest), await readFile(join(lie, inside.manifest)));
  await signBundle(copy, tiny.key, shown);
  await assertRefused(verifyBundle(copy, tiny));
  await writeFile(join(copy, inside.manifest), shown.text);
  assert.equal((await verifyBundle(copy, tiny)).serial, 1);
});

test("push sends what was verified, whatever the index says by then", async () => {
  const copy = await copyOf(tiny);
  const site = `${registry.address}/swapped`;
  const swap = async (): Promise<void> => {
    const index = JSON.parse(await readFile(join(copy, inside.index), "utf8")) as {
      manifests: { annotations: object }[];
    };
    const names = index.manifests.map(({ annotations }) => annotations).reverse();
    const manifests = index.manifests.map((one, at) => ({ ...one, annotations: names[at] }));
    await writeFile(join(copy, inside.index), JSON.stringify({ ...index, manifests }));
  };
  const swapping: Promise<void>[] = [];
  await pushBundle(copy, site, {
    ...plain(),
    report: (text) => {
      if (text === "comparing") swapping.push(swap());
    },
  });
  await Promise.all(swapping);
  assert.equal(swapping.length, 1);
  await pushBundle(tiny.directory, site, { ...plain(), check: true });
  for (const { ref, digest } of bundleManifest.manifests)
    assert.equal(await oras(["resolve", "--plain-http"], [`${site}/${ref}`], tiny.folder), digest);
});

test("push sends no target of a link, whichever name has become one after the check", async () => {
  const secret = join(tiny.folder, "operator-key");
  for (const name of [`${inside.blobs}/${await someLayer(tiny)}`, inside.blobs]) {
    const copy = await copyOf(tiny);
    const { server, bodies } = await recordingRegistry();
    const site = `127.0.0.1:${(server.address() as AddressInfo).port}/linked`;
    const link = async (): Promise<void> => {
      const path = join(copy, name);
      await rename(path, `${copy}.aside`);
      if (name === inside.blobs) await symlink(`${copy}.aside`, path);
      else {
        // As long as what was verified: a length alone says nothing.
        await writeFile(secret, "s".repeat((await lstat(`${copy}.aside`)).size));
        await symlink(secret, path);
      }
    };
    try {
      const linking: Promise<void>[] = [];
      const pushing = pushBundle(copy, site, {
        ...plain(),
        report: (text) => {
          if (text === "comparing") linking.push(link());
        },
      });
      const problems = await assertRefused(pushing);
      await Promise.all(linking);
      assert.doesNotMatch(Buffer.concat(bodies).toString("latin1"), /sss/, "it has left");
      // The rest of it went as far as that registry takes it.
      const refusals = problems.filter(({ code }) => code === "E_BUNDLE_DIGEST");
      assert.match(refusals[0]?.found ?? "", /symbolic link|ENOTDIR|ELOOP/);
    } finally {
      server.close();
    }
  }
});

test("a signature is written through no link", async () => {
  const copy = await copyOf(tiny);
  const mine = join(tiny.folder, "mine");
  await writeFile(mine, "mine");
  await rm(join(copy, inside.signature));
  await symlink(mine, join(copy, `${inside.signature}.part`));
  await signBundle(copy, tiny.key);
  assert.equal(await readFile(mine, "utf8"), "mine");
  await rm(join(copy, `${inside.signature}.part`));
  assert.equal((await verifyBundle(copy, tiny)).serial, 1);
});

test("no tag is set in a registry that serves other bytes than it was sent", async () => {
  const proxy = await startLyingProxy(registry);
  const site = `127.0.0.1:${(proxy.server.address() as AddressInfo).port}/lied`;
  try {
    const problems = await assertRefused(pushBundle(tiny.directory, site, plain()));
    assert.deepEqual([...new Set(problems.map(({ code }) => code))], ["E_REGISTRY"]);
  } finally {
    proxy.server.close();
  }
  assert.ok(proxy.lies() > 0);
  // By digest only; a manifest that came by its tag would have set it.
  assert.ok(proxy.puts.length > 0);
  for (const url of proxy.puts) assert.match(url, /\/manifests\/sha256:[0-9a-f]{64}$/);
  const { inventory } = await inventoryOfRegistry(`${registry.address}/lied`, plain());
  assert.deepEqual(inventory.digests, []);
});

test("a comparison does not trust a registry that reports the right digests and serves other bytes", async () => {
  await pushBundle(tiny.directory, `${registry.address}/compared`, plain());
  const proxy = await startLyingProxy(registry);
  const site = `127.0.0.1:${(proxy.server.address() as AddressInfo).port}/compared`;
  try {
    const problems = await assertRefused(pushBundle(tiny.directory, site, { ...plain(), check: true }));
    assert.deepEqual([...new Set(problems.map(({ code }) => code))], ["E_REGISTRY"]);
  } finally {
    proxy.server.close();
  }
  assert.ok(proxy.lies() > 0);
});

test("a registry that reports the right digest of every tag and serves other bytes under it is refused", async () => {
  await pushBundle(tiny.directory, `${registry.address}/tagged`, plain());
  const proxy = await startLyingProxy(registry, /\/manifests\/(?!sha256:)/);
  const site = `127.0.0.1:${(proxy.server.address() as AddressInfo).port}/tagged`;
  try {
    for (const check of [{ check: true }, {}]) {
      const problems = await assertRefused(pushBundle(tiny.directory, site, { ...plain(), ...check }));
      assert.deepEqual([...new Set(problems.map(({ code }) => code))], ["E_REGISTRY"]);
    }
  } finally {
    proxy.server.close();
  }
  assert.ok(proxy.lies() > 0);
  assert.deepEqual(proxy.puts, []);
});

function plain(): PushOptions {
  return { allowedSigners: tiny.allowedSigners, plainHttp: true };
}

/** The sha256 of a blob that is no manifest. */
async function someLayer(of: TinyBundle): Promise<string> {
  return (await readLock(of.lockFile)).files[0]?.sha256 ?? "";
}

/** A registry that has nothing, takes everything, and keeps what it was sent. */
async function recordingRegistry(): Promise<{ readonly server: Server; readonly bodies: readonly Buffer[] }> {
  const bodies: Buffer[] = [];
  const server = createServer((request, answer) => {
    request.on("data", (piece: Buffer) => bodies.push(piece));
    request.on("end", () => {
      const { method = "", url = "" } = request;
      if (method === "POST") answer.writeHead(202, { location: `${url}1` }).end();
      else answer.writeHead(method === "PUT" ? 201 : 404).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, bodies };
}

/** A copy of the same files, sealed with another serial and other tags, so that each of them reads as something else. */
async function lieOf(of: TinyBundle): Promise<string> {
  const copy = await copyOf(of);
  const [file, ...files] = (await readLock(of.lockFile)).files;
  assert.ok(file !== undefined);
  const text = await readFile(join(copy, inside.lock), "utf8");
  await writeFile(
    join(copy, inside.lock),
    text.replace("serial: 1", "serial: 7").replaceAll(file.sha256, files[0]?.sha256 ?? ""),
  );
  const index = JSON.parse(await readFile(join(copy, inside.index), "utf8")) as { manifests: object[] };
  await writeFile(
    join(copy, inside.index),
    JSON.stringify({ ...index, manifests: index.manifests.slice(1) }),
  );
  await rewriteManifest(copy, { ...(await readLock(of.lockFile)), serial: 7 });
  await signBundle(copy, of.key);
  return copy;
}

/** In front of a registry: it changes one byte of every manifest that is asked for under such an address. Default: by its digest. */
async function startLyingProxy(
  { port }: RegistryProcess,
  lied = /\/manifests\/sha256:/,
): Promise<{
  readonly server: Server;
  readonly puts: readonly string[];
  readonly lies: () => number;
}> {
  const puts: string[] = [];
  let lies = 0;
  const server = createServer((asked, answer) => {
    const { url = "", method = "", headers } = asked;
    if (method === "PUT" && url.includes("/manifests/")) puts.push(url);
    const lying = method === "GET" && lied.test(url);
    const { host = "" } = headers;
    const onward = request(
      { port, host: "127.0.0.1", path: url, method, headers: { ...headers, host } },
      (found) => {
        const pieces: Buffer[] = [];
        found.on("data", (piece: Buffer) => pieces.push(piece));
        found.on("end", () => {
          const body = Buffer.concat(pieces);
          if (lying && found.statusCode === 200) {
            lies += 1;
            body[body.length - 1] = 0x20;
          }
          answer.writeHead(found.statusCode ?? 500, found.headers);
          answer.end(body);
        });
      },
    );
    asked.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, puts, lies: () => lies };
}
