/**
 * A machine without a way out and without Node.js: the programs, Sealift and all npm packages come from the bundle alone, by the commands
 * of docs/guide/own-repository.md and of the runbook, and then Sealift and Pulumi start.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { parse, stringify } from "yaml";
import { buildBundle } from "../../offline-bundle/build.ts";
import { lockBundle } from "../../offline-bundle/lock.ts";
import { runbookOf } from "../../offline-bundle/runbook.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import { removeGuest, startGuest, type Guest } from "../lab/guest.ts";
import { container } from "../lab/machine-choice.ts";
import { makeTinyInputs } from "../support/fixtures/tiny-bundle.ts";
import {
  installedSealift,
  makePackageFolder,
  type PackageFolder,
} from "../support/packaging/installed-package.ts";
import { packOperatorPrograms } from "../support/packaging/operator-programs.ts";
import { repackPackages } from "../support/packaging/repacked-packages.ts";
import { undoAfter } from "../support/process/undo.ts";
import { startNpmRegistry } from "../support/servers/npm-registry.ts";
import manifest from "../../package.json" with { type: "json" };

const name = "from-the-bundle";
let guest: Guest;
let packed: PackageFolder;
let runbook: readonly string[];
const undo = undoAfter();
const at = (...path: readonly string[]): string => join(packed.folder, ...path);
const site = (...path: readonly string[]): string => at("my-site", ...path);
before(async () => {
  packed = makePackageFolder();
  undo(() => {
    packed.remove();
  });
  await removeGuest(name);
  undo(() => removeGuest(name));
  guest = await startGuest({ name, machine: container() });
  undo(() => guest.stop());
  await connectedSide();
  const carried = execFileSync("tar", ["-cf", "-", "-C", packed.folder, "my-site", "carry"], {
    maxBuffer: 2 ** 31 - 1,
  });
  const arrived = await guest.exec("tar -xf -", { input: carried });
  assert.equal(arrived.exitCode, 0, arrived.stderr);
});

/** A repository as `sealift new` writes it, and a bundle of everything that it needs. */
async function connectedSide(): Promise<void> {
  packed.install(at("installed"));
  const made = await installedSealift(at("installed"), "new", "../my-site");
  assert.equal(made.exitCode, 0, made.stderr);
  const registry = await startNpmRegistry(repackPackages(site()));
  process.env["npm_config_registry"] = registry.url;
  process.env["npm_config_cache"] = at("npm-cache");
  try {
    const tiny = await makeTinyInputs();
    rmSync(site("offline-bundle"), { recursive: true });
    cpSync(tiny.folder, site("offline-bundle"), { recursive: true });
    await tiny.remove();
    const inputs = site("offline-bundle");
    packOperatorPrograms(inputs);
    const files = {
      bundleFile: join(inputs, "bundle.yaml"),
      lockFile: join(inputs, "bundle.lock.yaml"),
      store: at("store"),
    };
    const spec = parse(readFileSync(files.bundleFile, "utf8")) as { readonly files: readonly object[] };
    const platforms = [process.arch === "arm64" ? "linux/arm64" : "linux/amd64"];
    const npm = { lockfile: "../package-lock.json" };
    const all = [...spec.files, ...["node", "pulumi", "plugin"].map(program)];
    writeFileSync(files.bundleFile, stringify({ ...spec, platforms, files: all, npm }));
    await lockBundle(files);
    const allowedSigners = join(inputs, "key", "allowed_signers");
    mkdirSync(at("carry"));
    const directory = at("carry", "bundle");
    await buildBundle({ ...files, directory, key: join(inputs, "key", "signing") });
    cpSync(allowedSigners, site("stacks", "allowed_signers"));
    const text = runbookOf(await verifyBundle(directory, { allowedSigners }));
    runbook = [...text.matchAll(/```sh\n(.*?)```/gs)].map(([, block = ""]) => block);
    const lock = readFileSync(files.lockFile);
    rmSync(inputs, { recursive: true });
    mkdirSync(inputs);
    writeFileSync(files.lockFile, lock);
  } finally {
    await registry.stop();
    delete process.env["npm_config_registry"];
    delete process.env["npm_config_cache"];
  }
  const environment = site("stacks", "dev.site.yaml");
  const edited = readFileSync(environment, "utf8")
    .replace("/media/carry/bundle", "../carry/bundle")
    .replace("address: 192.0.2.11", "address: 127.0.0.1\n    port: 1");
  writeFileSync(environment, edited);
}

function program(called: string): object {
  const url = `file:${called}.tar.gz`;
  return { name: called, kind: "file", versions: ["1.0"], licence: "Apache-2.0", url };
}

/** A command line in the repository on that machine, with the programs from the bundle. @returns what it prints. */
async function inside(command: string): Promise<string> {
  const environment = [
    'export PATH="$HOME/node/bin:$HOME/pulumi:/usr/bin:/bin" PULUMI_CONFIG_PASSPHRASE=only-here NO_COLOR=1',
    "export PULUMI_BACKEND_URL=file://$HOME/state PULUMI_SKIP_UPDATE_CHECK=true",
    "export PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true PULUMI_DISABLE_REGISTRY_RESOLVE=true",
    "cd my-site",
  ];
  const { exitCode, stdout, stderr } = await guest.exec([...environment, command].join("; "));
  assert.equal(exitCode, 0, `${command}\n${stdout}\n${stderr}`);
  return stdout.trim();
}

test("the programs come from the bundle, by the commands of its runbook", async () => {
  const { stdout } = await guest.exec("command -v node npm pulumi");
  assert.equal(stdout, "", "the machine has none of them yet");
  const [settings = "", , check = "", fromBundle = ""] = runbook;
  const prepared = "mkdir -p work state; export TMPDIR=$HOME/work BUNDLE=$HOME/carry/bundle";
  const signers = "export SIGNERS=$HOME/my-site/stacks/allowed_signers";
  const unpack = ["node", "pulumi"].map((one) => `tar -xzf "$WORK"/files/${one}-1.0-*`);
  const keep = 'cp "$WORK"/files/plugin-1.0-* plugin.tar.gz';
  const result = await guest.exec(
    ["set -eu", prepared, signers, settings, check, fromBundle, ...unpack, keep].join("\n"),
  );
  assert.equal(result.exitCode, 0, result.stderr);
  assert.match(await inside("node --version && npm --version"), /^v\d+\.[\d.]+\n\d+\./);
  await inside("pulumi plugin install resource command 1.2.1 --file ../plugin.tar.gz");
});

test("the first installation needs no npm package and no network, and refuses other keys", async () => {
  assert.equal(await inside("ls node_modules 2>/dev/null || echo none"), "none");
  const version = manifest.version;
  await inside(`mkdir ../sealift && tar -xzf vendor/sealift-${version}.tgz -C ../sealift`);
  const first = "node ../sealift/package/cli/first-install.js ../carry/bundle";
  await inside(
    "ssh-keygen -q -t ed25519 -N '' -f ../other && echo \"x $(cat ../other.pub)\" >../other_signers",
  );
  const refused = await inside(`${first} ../other_signers 2>&1 || echo exit $?`);
  assert.match(refused, /E_BUNDLE_SIGNATURE[^]*\nexit 77$/);
  const printed = await inside(`${first} stacks/allowed_signers`);
  assert.match(printed, /^node_modules: \d+ packages, each as package-lock\.json pins it$/);
});

test("Sealift and Pulumi start from it", async () => {
  assert.equal((await inside("npx sealift --version")).split("\n")[0], manifest.version);
  const accept = "npx sealift bundle accept ../carry/bundle --allowed-signers stacks/allowed_signers";
  assert.match(await inside(accept), /^serial +1$/m);
  assert.match(await inside("npx sealift check"), /^dev +ok +1 host +bundle, serial 1$/m);
  await inside("pulumi stack init dev --non-interactive");
  const preview = "ssh-agent sh -c 'ssh-add -q ../other && pulumi preview --stack dev --non-interactive'";
  const output = await inside(`${preview} 2>&1`);
  assert.match(output, /node-a: E_HOST_UNREACHABLE ops@127\.0\.0\.1:1: /);
  for (const phase of ["volumes", "users", "engine", "daemon"])
    assert.match(output, new RegExp(`command:remote:Command node-a-${phase}-run create`));
});
