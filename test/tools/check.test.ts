import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { stringify } from "yaml";
import { cachePath, checkout } from "../lab/cache.ts";
import { runProcess } from "../support/process/run-process.ts";
import { makeTinyBundle, type TinyBundle } from "../support/fixtures/tiny-bundle.ts";
import { undoAfter } from "../support/process/undo.ts";

let folder: string;
let tiny: TinyBundle;
const undo = undoAfter();
before(async () => {
  await mkdir(cachePath("test"), { recursive: true });
  folder = await mkdtemp(cachePath("test", "check-"));
  undo(() => rm(folder, { recursive: true }));
  tiny = await makeTinyBundle();
  undo(() => tiny.remove());
});

/** A checkout's stacks folder with these files, and `sealift check` in it. */
async function check(
  files: Readonly<Record<string, string>>,
  ...words: string[]
): Promise<{ exitCode: number; output: string }> {
  await rm(join(folder, "stacks"), { recursive: true, force: true });
  await mkdir(join(folder, "stacks"));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, "stacks", name), text);
  const { exitCode, stdout, stderr } = await runProcess(
    process.execPath,
    [join(checkout, "cli", "sealift.js"), "check", ...words],
    { cwd: folder },
  );
  return { exitCode, output: stdout + stderr };
}

interface Options {
  readonly address?: string;
  readonly key?: string;
  readonly engine?: Record<string, string>;
  readonly directory?: string;
  readonly images?: readonly string[];
}

function environment({
  address = "10.0.0.1",
  key = "A",
  engine = { version: "28.5.2" },
  ...more
}: Options = {}): string {
  const site = {
    bundle: {
      directory: more.directory ?? tiny.directory,
      allowedSigners: tiny.allowedSigners,
      lock: tiny.lockFile,
    },
    engine,
    ...(more.images === undefined ? {} : { images: more.images }),
    daemon: { "data-root": "/data/docker" },
    volumes: { logicalVolumes: [{ name: "data", size: "9GiB", mount: "/data" }] },
    hosts: [
      {
        name: "a",
        address,
        sshUser: "ops",
        hostKey: `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0m4vL0J5dF9r0tKxA2yD3b7fJ0g6wQxq1m0R5cS1A${key}`,
        volumes: { disks: [{ id: "/dev/disk/by-id/scsi-a" }] },
      },
    ],
  };
  return stringify({ config: { "sealift:site": site } });
}

test("the shipped environments pass: the example, and a site of twelve hosts in two racks", async () => {
  const names = ["site.yaml", "example.site.yaml", "example-racks.site.yaml"];
  const texts = await Promise.all(names.map((name) => readFile(join(checkout, "stacks", name), "utf8")));
  await cp(
    join(checkout, "offline-bundle", "bundle.lock.yaml"),
    join(folder, "offline-bundle", "bundle.lock.yaml"),
  );
  const files = Object.fromEntries(names.map((name, at) => [name, texts[at] ?? ""]));
  const { exitCode, output } = await check(files);
  assert.equal(exitCode, 0, output);
  assert.match(output, /^example-racks +ok +12 hosts +lock, serial \d+; no bundle is present$/m);
});

test("a bundle that is present is verified, and contains what the site names", async () => {
  const { exitCode, output } = await check({ "Pulumi.dev.yaml": environment() }, "dev");
  assert.equal(exitCode, 0, output);
  assert.match(output, /^dev +ok +1 host +bundle, serial 1/m);
});

test("a bundle with a flipped byte is refused", async () => {
  const copy = join(folder, "broken");
  await cp(tiny.directory, copy, { recursive: true });
  const index = join(copy, "index.json");
  await writeFile(index, (await readFile(index, "utf8")).replace("schemaVersion", "schemaVersioN"));
  const { exitCode, output } = await check({ "Pulumi.dev.yaml": environment({ directory: copy }) });
  assert.equal(exitCode, 65, output);
  assert.match(output, /E_BUNDLE_DIGEST index\.json/);
});

test("a release series stands for its newest version in the lock; what the lock lacks is refused by name", async () => {
  const line = await check({ "Pulumi.dev.yaml": environment({ engine: { version: "28.5" } }) });
  assert.equal(line.exitCode, 0, line.output);
  assert.match(
    line.output,
    /warning: .*E_BUNDLE_SERIAL accepted bundles: found: no list of accepted bundles/,
  );
  const engine = { version: "29.1", compose: "9.9.9" };
  const images = ["docker.io/library/hello:1", "docker.io/library/nothere:1"];
  const { exitCode, output } = await check({ "Pulumi.dev.yaml": environment({ engine, images }) });
  assert.equal(exitCode, 65, output);
  assert.match(output, /E_ENGINE_NOT_IN_BUNDLE a engine\.version\n +found +29\.1 for linux\/amd64\n/);
  assert.match(output, /E_PLUGIN_NOT_IN_BUNDLE a engine\.compose/);
  assert.match(output, /E_IMAGE_NOT_IN_BUNDLE a images\n +found +docker\.io\/library\/nothere:1/);
  assert.match(output, /^dev +3 problems +1 host/m);
});

test("a site that is too large for Pulumi to pass to its program is refused, with a remedy", async () => {
  const text = environment();
  const padded = (bytes: number): string => `${text}  sealift:padding: ${"x".repeat(bytes)}\n`;
  const bytes = Number(
    /found +(\d+) bytes/.exec((await check({ "Pulumi.dev.yaml": padded(131_072) })).output)?.[1],
  );
  const most = 131_072 - (bytes - 131_072);
  assert.equal((await check({ "Pulumi.dev.yaml": padded(most) })).exitCode, 0);
  const { exitCode, output } = await check({ "Pulumi.dev.yaml": padded(most + 1) });
  assert.equal(exitCode, 65, output);
  assert.match(output, /E_CONFIG_TOO_LARGE config\n +found +131073 bytes[^]*move the site to/);
  const wrong = padded(most + 100).replace("sshUser: ops", "sshUsr: ops");
  assert.match((await check({ "Pulumi.dev.yaml": wrong })).output, /E_CONFIG_TOO_LARGE[^]*E_KEY_UNKNOWN/);
});

test("one machine in two environments is refused, by its address or by its host key", async () => {
  const dev = environment();
  const prod = environment({ address: "10.0.0.2", key: "B" });
  assert.equal((await check({ "Pulumi.dev.yaml": dev, "Pulumi.prod.yaml": prod })).exitCode, 0);
  const address = await check({ "Pulumi.dev.yaml": dev, "Pulumi.prod.yaml": environment({ key: "B" }) });
  assert.equal(address.exitCode, 65);
  assert.match(address.output, /stacks\/Pulumi\.prod\.yaml:\d+:\d+: E_DUPLICATE hosts\[0\]\.address/);
  assert.match(address.output, /it is also a of dev/);
  const key = await check({
    "Pulumi.dev.yaml": dev,
    "Pulumi.prod.yaml": environment({ address: "10.0.0.2" }),
  });
  assert.match(key.output, /E_DUPLICATE hosts\[0\]\.hostKey/);
});

test("the stack of another project is recognized by its keys", async () => {
  const { exitCode, output } = await check({
    "Pulumi.dev.yaml": environment().replaceAll("sealift:site", "monitoring:site"),
  });
  assert.equal(exitCode, 66, output);
  assert.match(output, /Pulumi\.dev\.yaml: E_SITE_MISSING sealift:site/);
  assert.match(output, /found +the keys monitoring:site$/m);
  assert.match(output, /fix +check whether this stack belongs to another project; /);
});

test("all environments are reported at once, as a table and as JSON", async () => {
  const files = {
    "Pulumi.dev.yaml": environment().replace("sshUser: ops", "sshUser: -ops"),
    "Pulumi.x.yaml": "config: {}\n",
  };
  const { exitCode, output } = await check(files);
  assert.equal(exitCode, 65, output);
  assert.match(output, /Pulumi\.dev\.yaml:\d+:\d+: E_VALUE hosts\[0\]\.sshUser/);
  assert.match(output, /Pulumi\.x\.yaml: E_SITE_MISSING sealift:site/);
  const json = JSON.parse((await check(files, "--json")).output) as {
    environment: string;
    problems: unknown[];
  }[];
  assert.deepEqual(
    json.map(({ environment: name, problems }) => [name, problems.length]),
    [
      ["dev", 1],
      ["x", 1],
    ],
  );
});
