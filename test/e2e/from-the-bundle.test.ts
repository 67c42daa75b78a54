/**
 * A machine without Node.js, npm packages and a way out: the programs, Sealift and all packages come from the bundle alone, and from there a
 * host on the same segment is provisioned, by the commands of docs/guide/own-repository.md, of the runbook and of getting-started.md.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { before, test } from "node:test";
import { stringify } from "yaml";
import { buildBundle } from "../../offline-bundle/build.ts";
import { lockBundle } from "../../offline-bundle/lock.ts";
import { runbookOf } from "../../offline-bundle/runbook.ts";
import { readLock } from "../../offline-bundle/spec/lock-file.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import { platform } from "../lab/bundle/engine.ts";
import { packTool, toolTarball } from "../lab/bundle/tool-tarball.ts";
import { ensureSigningKey } from "../lab/bundle/signing-key.ts";
import { openFilesOf } from "../lab/container/open-files.ts";
import { removeGuest, startGuest, type Guest } from "../lab/guest.ts";
import { joinSegment } from "../lab/guest-segment.ts";
import { container } from "../lab/machine-choice.ts";
import { prepareLab, type Lab } from "../lab/prepare.ts";
import { labUser } from "../lab/pulumi/stack.ts";
import { printedCommands, recordedCommands } from "../support/docs/page-commands.ts";
import { editedEnvironment } from "../support/packaging/edited-environment.ts";
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
const hostAddress = "10.9.0.2";
const registryTarball = toolTarball("registry");
let lab: Lab;
let operator: Guest;
let host: Guest;
let packed: PackageFolder;
let runbook: readonly string[];
const undo = undoAfter();
const at = (...path: readonly string[]): string => join(packed.folder, ...path);
const site = (...path: readonly string[]): string => at("my-site", ...path);
before(async () => {
  lab = await prepareLab();
  packed = makePackageFolder();
  undo(() => {
    packed.remove();
  });
  [operator, host] = await Promise.all([start(name), start(`${name}-host`, "/registry", "/data")]);
  await joinSegment(
    { guest: operator, address: "10.9.0.1/24" },
    { guest: host, address: `${hostAddress}/24` },
  );
  await connectedSide();
  await onOperator("sudo -n install -d -o $(id -un) /media/carry");
  const carried = execFileSync("tar", ["-cf", "-", "-C", packed.folder, "my-site", "bundle"], {
    maxBuffer: 2 ** 31 - 1,
  });
  await onOperator("tar -xf - && mv bundle /media/carry", carried);
});

async function start(called: string, ...mounts: readonly string[]): Promise<Guest> {
  await removeGuest(called);
  undo(() => removeGuest(called));
  const guest = await startGuest({ name: called, machine: container(...mounts) });
  undo(() => guest.stop());
  return guest;
}

/** A repository as `sealift new` writes it, and a bundle of everything that it needs. */
async function connectedSide(): Promise<void> {
  packed.install(at("installed"));
  const made = await installedSealift(at("installed"), "new", "../my-site");
  assert.equal(made.exitCode, 0, made.stderr);
  const registry = await startNpmRegistry(repackPackages(site()));
  process.env["npm_config_registry"] = registry.url;
  process.env["npm_config_cache"] = at("npm-cache");
  try {
    const inputs = site("offline-bundle");
    rmSync(inputs, { recursive: true });
    mkdirSync(inputs);
    await takeFromLab(inputs);
    packOperatorPrograms(inputs);
    const key = await ensureSigningKey(join(inputs, "key"));
    const files = {
      bundleFile: join(inputs, "bundle.yaml"),
      lockFile: join(inputs, "bundle.lock.yaml"),
      store: at("store"),
    };
    const spec = {
      platforms: [platform],
      // Nobody has published these.
      minOrigin: "unverified",
      files: [
        { ...program("docker", lab.bundle.engineVersion), kind: "engine" },
        { ...program("registry", registryTarball.version), kind: "archive" },
        ...["node", "pulumi", "plugin"].map((called) => program(called, "1.0")),
      ],
      images: [{ name: lab.bundle.image, from: "file:image" }],
      npm: { lockfile: "../package-lock.json" },
    };
    writeFileSync(files.bundleFile, stringify(spec));
    await lockBundle(files);
    const directory = at("bundle");
    await buildBundle({ ...files, directory, key: key.file });
    cpSync(key.allowedSigners, site("stacks", "allowed_signers"));
    const text = runbookOf(await verifyBundle(directory, key));
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
}

/** The engine, the image and the registry of the lab, as files that a bundle can be made of. */
async function takeFromLab(folder: string): Promise<void> {
  const made = dirname(lab.bundle.directory);
  const { files } = await readLock(join(made, "bundle.lock.yaml"));
  const engine = files.find(
    ({ name: called, version }) => called === "docker" && version === lab.bundle.engineVersion,
  );
  assert.ok(engine);
  cpSync(join(lab.bundle.directory, "blobs", "sha256", engine.sha256), join(folder, "docker.tar.gz"));
  cpSync(join(made, "image"), join(folder, "image"), { recursive: true });
  await packTool(registryTarball, join(folder, "registry.tar.gz"));
}

function program(called: string, version: string): object {
  const url = `file:${called}.tar.gz`;
  return { name: called, kind: "file", versions: [version], licence: "Apache-2.0", url };
}

/** A command line on the operator's machine, with nothing but what Debian has. @returns what it prints. */
async function onOperator(command: string, input: string | Buffer = ""): Promise<string> {
  const { exitCode, stdout, stderr } = await operator.exec(command, { input });
  assert.equal(exitCode, 0, `${command}\n${stdout}\n${stderr}`);
  return stdout.trim();
}

/** A command line in the repository there, with the programs from the bundle and the ssh-agent. @returns what it prints. */
async function inside(command: string, input: string | Buffer = ""): Promise<string> {
  const settings = printedCommands("getting-started.md", "PULUMI_BACKEND_URL").split("\n");
  const environment = [
    'export PATH="$HOME/node/bin:$HOME/pulumi:/usr/bin:/bin"',
    "if [ -e agent ]; then . ./agent >/dev/null; fi",
    "cd my-site",
    ...settings.filter((line) => line.startsWith("export ")),
  ];
  return onOperator([...environment, command].join("\n"), input);
}

/** The commands of a block of getting-started.md that begin with these words, in the repository. @returns what they print. */
async function started(block: string, words = ""): Promise<string> {
  const commands = recordedCommands("getting-started.md", block).filter((one) => one.startsWith(words));
  assert.notEqual(commands.length, 0, `no ${words} in ${block}`);
  // The page's medium is beside the repository.
  return inside(`{ ${commands.join(" && ").replaceAll("../carry", "/media/carry")}; } 2>&1`);
}

test("the machine has neither the programs nor a way out", async () => {
  const { stdout } = await operator.exec("command -v node npm pulumi docker");
  assert.equal(stdout, "");
  const route = await operator.exec("ip route get 192.0.2.1");
  assert.notEqual(route.exitCode, 0, route.stdout);
});

test("the programs come from the bundle, by the commands of its runbook", async () => {
  const [settings = "", , check = "", fromBundle = ""] = runbook;
  const prepared = "mkdir -p work; export TMPDIR=$HOME/work BUNDLE=/media/carry/bundle";
  const signers = "export SIGNERS=$HOME/my-site/stacks/allowed_signers";
  const unpack = ["node", "pulumi"].map((one) => `tar -xzf "$WORK"/files/${one}-1.0-*`);
  const keep = 'cp "$WORK"/files/plugin-1.0-* plugin.tar.gz';
  await onOperator(["set -eu", prepared, signers, settings, check, fromBundle, ...unpack, keep].join("\n"));
  assert.match(await inside("node --version && npm --version"), /^v\d+\.[\d.]+\n\d+\./);
  const install = printedCommands("own-repository.md", "pulumi plugin install");
  await inside(install.replace("<plugin>", "../plugin"));
});

test("the first installation needs no npm package and no network, and refuses other keys", async () => {
  assert.equal(await inside("ls node_modules 2>/dev/null || echo none"), "none");
  await inside("ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519");
  await inside('echo "x $(cat ~/.ssh/id_ed25519.pub)" >../other_signers');
  const install = printedCommands("own-repository.md", "first-install.js");
  const refused = await inside(
    `{ ${install.replace("stacks/allowed_signers", "../other_signers")}} 2>&1 || echo exit $?`,
  );
  assert.match(refused, /E_BUNDLE_SIGNATURE[^]*\nexit 77$/);
  assert.match(await inside(install), /^node_modules: \d+ packages, each as package-lock\.json pins it$/);
});

test("Sealift starts from it, and accepts the bundle and the edited environment", async () => {
  assert.equal((await inside("npx sealift --version")).split("\n")[0], manifest.version);
  assert.match(await started("own-lock", "npx sealift bundle accept"), /^serial +1$/m);
  await describeHost();
  assert.match(await inside("npx sealift check"), /^dev +ok +1 host +bundle, serial 1$/m);
  const diagnosis = await started("own-doctor");
  assert.match(diagnosis, /\d+ changes pending, listed by pulumi preview --stack dev\.$/m);
  assert.doesNotMatch(diagnosis, /FAIL/);
});

/** What a person does before the first run: the host admits the operator's key, and the environment has the values of this host. */
async function describeHost(): Promise<void> {
  const publicKey = await inside("cat ~/.ssh/id_ed25519.pub");
  const admitted = await host.exec("cat >>.ssh/authorized_keys", { input: `${publicKey}\n` });
  assert.equal(admitted.exitCode, 0, admitted.stderr);
  await inside("ssh-agent -s >../agent && . ../agent && ssh-add -q ~/.ssh/id_ed25519");
  const scanned = await inside(`ssh-keyscan -q -t ed25519 ${hostAddress} | tee -a ~/.ssh/known_hosts`);
  assert.equal(scanned, `${hostAddress} ${host.hostKey}`);
  const edited = editedEnvironment(await inside("cat stacks/dev.site.yaml"), {
    engineVersion: lab.bundle.engineVersion,
    publicKey,
    address: hostAddress,
    hostKey: host.hostKey,
    sshUser: host.login,
    mounts: ["/registry", "/data"],
    daemon: openFilesOf(host),
  });
  const registry = {
    name: "registry.site",
    version: registryTarball.version,
    mount: "/registry",
    hosts: [{ name: "node-a" }],
  };
  await inside("cat >stacks/dev.site.yaml", `${edited}\n${stringify({ registry })}`);
}

test("pulumi up from there turns the host into a Docker host with a registry that has the bundle's images", async () => {
  await inside(printedCommands("getting-started.md", "PULUMI_BACKEND_URL"));
  const output = await started("own-up");
  assert.match(output, new RegExp(`deploy: "ssh://${labUser}@10\\.9\\.0\\.2:22"`));
});

test("a user of the docker group runs a container on it, of an image from the bundle", async () => {
  const onHost = (command: string): Promise<string> => inside(`ssh ${labUser}@${hostAddress} ${command}`);
  assert.equal(await onHost("docker images --quiet"), "", "the registry alone has it");
  const [, run = ""] = recordedCommands("getting-started.md", "own-run");
  assert.match(run, /^docker run /);
  assert.equal(await onHost(run), "hello");
});

test("a second update changes nothing", async () => {
  assert.match(await started("own-again"), /\d+ unchanged/);
});
