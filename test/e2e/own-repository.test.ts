/**
 * docs/guide/getting-started.md, from an empty folder to a container: the commands of the page run as they are printed, and what they
 * print is kept for it. Sealift comes from its package alone.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { startAgent } from "../lab/agent.ts";
import { imageArchive } from "../lab/bundle/image-archive.ts";
import { checkout } from "../lab/cache.ts";
import { openFilesOf } from "../lab/container/open-files.ts";
import { keepTranscript } from "../lab/demo/transcript.ts";
import { removeGuest, startGuest, type Guest } from "../lab/guest.ts";
import { prepareLab, type Lab } from "../lab/prepare.ts";
import { mustBeUnset, pulumiEnv } from "../lab/pulumi/pulumi-env.ts";
import { labUser } from "../lab/pulumi/stack.ts";
import { pulumiHome } from "../lab/tools/places.ts";
import { withoutMachine } from "../support/docs/doc-walk.ts";
import { recordedCommands } from "../support/docs/page-commands.ts";
import { siteMachine } from "../support/guests/site-under-test.ts";
import { editedEnvironment } from "../support/packaging/edited-environment.ts";
import { makePackageFolder, type PackageFolder } from "../support/packaging/installed-package.ts";
import { runProcess } from "../support/process/run-process.ts";
import { undoAfter } from "../support/process/undo.ts";

const name = "own";
let lab: Lab;
let guest: Guest;
let packed: PackageFolder;
let env: Readonly<Record<string, string>>;
const undo = undoAfter();
const at = (...path: readonly string[]): string => join(packed.folder, ...path);
const site = (...path: readonly string[]): string => at("my-site", ...path);

before(async () => {
  lab = await prepareLab();
  packed = makePackageFolder();
  undo(() => {
    packed.remove();
  });
  await removeGuest(name);
  undo(() => removeGuest(name));
  guest = await startGuest({ name, machine: siteMachine });
  undo(() => guest.stop());
  const agent = await startAgent(guest.identityFile);
  undo(() => agent.stop());
  carry();
  packed.install(packed.folder);
  for (const folder of ["state", "home", "loaded"]) mkdirSync(at(folder));
  symlinkSync(join(pulumiHome, "plugins"), at("home", "plugins"));
  env = {
    ...pulumiEnv(),
    PULUMI_HOME: at("home"),
    PULUMI_BACKEND_URL: pathToFileURL(at("state")).href,
    SSH_AUTH_SOCK: agent.socket,
    // Each Node.js process lists there what it has loaded.
    NODE_V8_COVERAGE: at("loaded"),
    NO_COLOR: "1",
  };
});

/** The medium: a bundle, the lock that it was built from, and the keys that may sign. */
function carry(): void {
  const { directory, allowedSigners } = lab.bundle;
  cpSync(directory, at("carry", "bundle"), { recursive: true });
  cpSync(join(dirname(directory), "bundle.lock.yaml"), at("carry", "bundle.lock.yaml"));
  cpSync(allowedSigners, at("carry", "allowed_signers"));
}

/** Runs the commands of a block in a folder of this machine. @returns what they print, which the page shows after `npm run docs`. */
function runBlock(block: string, cwd: string): Promise<string> {
  const unset = mustBeUnset.map((variable) => `unset ${variable}; `).join("");
  return record(block, async (command) => {
    const { exitCode, stdout } = await runProcess("sh", ["-c", `exec 2>&1; ${unset}${command}`], {
      cwd,
      env,
    });
    assert.equal(exitCode, 0, `${command}\n${stdout}`);
    return withoutMachine(`${stdout}\n`);
  });
}

async function record(block: string, run: (command: string) => Promise<string>): Promise<string> {
  let text = "";
  for (const command of recordedCommands("getting-started.md", block)) {
    const printed = (await run(command)).trim();
    text += `$ ${command}\n${printed === "" ? "" : `${printed}\n\n`}`;
  }
  keepTranscript(block, text);
  return text;
}

/** What a person edits: the values that are marked EDIT, and what the bundle of the lab has instead of the shipped one. */
function edit(): void {
  const file = site("stacks", "dev.site.yaml");
  const text = editedEnvironment(readFileSync(file, "utf8"), {
    engineVersion: lab.bundle.engineVersion,
    publicKey: readFileSync(`${guest.identityFile}.pub`, "utf8").trim(),
    address: guest.address,
    port: guest.port,
    hostKey: guest.hostKey,
    sshUser: guest.login,
    mounts: ["/data"],
    daemon: openFilesOf(guest),
  });
  writeFileSync(file, text.replace("/media/carry/bundle", "../carry/bundle"));
}

test("sealift new writes the repository, with the package that was installed", async () => {
  await runBlock("own-new", packed.folder);
  packed.install(site());
  spawnSync("sh", ["-c", "git init --quiet && git add ."], { cwd: site() });
  assert.deepEqual(
    readdirSync(site("vendor")).map((file) =>
      readFileSync(site("vendor", file)).equals(readFileSync(packed.tarball)),
    ),
    [true],
  );
});

test("with its values edited the environment passes, and the host is ready", async () => {
  await runBlock("own-lock", site());
  edit();
  assert.match(await runBlock("own-edit", site()), /^\+ +address: 127\.0\.0\.1$/m);
  assert.match(await runBlock("own-check", site()), /^dev +ok +1 host +bundle, serial \d+$/m);
  const diagnosis = await runBlock("own-doctor", site());
  assert.match(diagnosis, /\d+ changes pending, listed by pulumi preview --stack dev\.$/m);
  assert.doesNotMatch(diagnosis, /FAIL|E_BUNDLE_SERIAL/);
});

test("pulumi up turns the host into a Docker host", async () => {
  const output = await runBlock("own-up", site());
  assert.match(output, new RegExp(`deploy: "ssh://${labUser}@127\\.0\\.0\\.1:${guest.port}"`));
});

test("a user of the docker group runs a container on it", async () => {
  const as = { login: labUser };
  const kept = await guest.exec("cat >hello.tar", { ...as, input: await imageArchive(lab.bundle) });
  assert.equal(kept.exitCode, 0, kept.stderr);
  const printed = await record("own-run", async (command) => {
    const { exitCode, stdout, stderr } = await guest.exec(command, as);
    assert.equal(exitCode, 0, stderr);
    return stdout;
  });
  assert.match(printed, /^hello$/m);
});

test("a second update changes nothing; destroy leaves the host as it is", async () => {
  assert.match(await runBlock("own-again", site()), /\d+ unchanged/);
  await runBlock("own-destroy", site());
  const { stdout, stderr } = await guest.exec("docker images --quiet | wc -l", { login: labUser });
  assert.equal(stdout.trim(), "1", stderr);
});

test("all of Sealift that ran is the package's own JavaScript, and git ignores what it keeps for itself", () => {
  const loaded = new Set(readdirSync(at("loaded")).flatMap((file) => scriptsIn(at("loaded", file))));
  const beginning = (path: string): string[] =>
    [...loaded].filter((url) => url.startsWith(pathToFileURL(path).href));
  for (const file of ["cli/main.js", "modules/sealift.js", "modules/core/pulumi/converge.js"])
    assert.equal(beginning(site("node_modules", "sealift", file)).length, 1, file);
  assert.equal(beginning(site("index.ts")).length, 1);
  for (const folder of ["modules", "cli", "offline-bundle", "index.ts"])
    assert.deepEqual(beginning(join(checkout, folder)), []);
  assert.match(readdirSync(site(".cache", "library")).join(), /^[0-9a-f]{64}\.sh$/);
  assert.equal(existsSync(site("node_modules", "sealift", ".cache", "library")), false);
  const untracked = ["ls-files", "--others", "--exclude-standard"];
  const { stdout } = spawnSync("git", untracked, { cwd: site(), encoding: "utf8" });
  assert.deepEqual(stdout.trim().split("\n"), [
    "stacks/Pulumi.dev.yaml",
    "stacks/allowed_signers",
    "stacks/allowed_signers.accepted.json",
  ]);
});

function scriptsIn(file: string): readonly string[] {
  const { result } = JSON.parse(readFileSync(file, "utf8")) as { result: readonly { url: string }[] };
  return result.map(({ url }) => url);
}
