/** A repository of a team: Sealift is packed, installed below node_modules, and used by a program and environments of their own. */
import assert from "node:assert/strict";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { parse } from "yaml";
import { installStandIn } from "../lab/command-plugin/install.ts";
import { startAgent } from "../lab/agent.ts";
import { checkout } from "../lab/cache.ts";
import { ensureIdentity } from "../lab/identity.ts";
import { makeTinyBundle, type TinyBundle } from "../support/fixtures/tiny-bundle.ts";
import {
  installedSealift as sealift,
  makePackage,
  makePackageFolder,
  type PackageFolder,
} from "../support/packaging/installed-package.ts";
import { otherVersion } from "../support/packaging/other-version.ts";
import { runProcess } from "../support/process/run-process.ts";
import { undoAfter } from "../support/process/undo.ts";
import { makePulumiFolder, type PulumiFolder } from "../support/pulumi/pulumi-folder.ts";
import { startSshd } from "../support/servers/sshd.ts";
import manifest from "../../package.json" with { type: "json" };

let packed: PackageFolder;
let site: string;
let tiny: TinyBundle;
let pulumi: PulumiFolder;
const undo = undoAfter();
const at = (...path: readonly string[]): string => join(packed.folder, ...path);
before(async () => {
  packed = makePackageFolder();
  undo(() => {
    packed.remove();
  });
  packed.install(at("installed"));
  site = at("my-site");
  tiny = await makeTinyBundle();
  undo(() => tiny.remove());
  pulumi = await makePulumiFolder();
  undo(() => pulumi.remove());
  await installStandIn(join(pulumi.directory, "home"), process.execPath);
});

const text = (...path: readonly string[]): string => readFileSync(join(site, ...path), "utf8");

test("the package has what a site needs, nothing of the tests, and at most 3 MB beside its documents", async () => {
  const { stdout } = await runProcess("tar", ["-tzvf", packed.tarball]);
  const lines = stdout.split("\n").map((line) => line.split(/\s+/));
  const paths = lines.map((words) => words.at(-1) ?? "");
  const programs = lines.filter((words) => !/\.md$/.test(words.at(-1) ?? ""));
  const bytes = programs.reduce((sum, words) => sum + Number(words[2] ?? 0), 0);
  assert.ok(bytes > 1_000_000 && bytes <= 3_000_000, `${bytes} bytes`);
  for (const path of [
    "package.json",
    "LICENSE",
    "modules/sealift.js",
    "modules/sealift.js.map",
    "modules/sealift.d.ts",
    "modules/core/host/run.sh",
    "modules/receipt/receipt.schema.json",
    "stacks/site.schema.json",
    "offline-bundle/bundle.schema.json",
    "offline-bundle/io/hash-worker.js",
    "cli/new/template/dot-gitignore",
    "examples/preview-all.ts",
  ])
    assert.ok(paths.includes(`package/${path}`), path);
  const unexpected =
    /(^package\/(test|packaging|docs\/decisions)\/|\.test\.|(?<!\.d|template\/index|^package\/examples\/[a-z-]+)\.ts$|\/\.gitignore$)/;
  assert.deepEqual(
    paths.filter((path) => unexpected.test(path)),
    [],
  );
});

test("the same commit gives the same bytes, and SHA256SUMS names them", async () => {
  const again = makePackage(at("again"));
  assert.ok(readFileSync(again).equals(readFileSync(packed.tarball)));
  const { exitCode, stdout } = await runProcess("sha256sum", ["--check", "SHA256SUMS"], { cwd: at("again") });
  assert.equal(exitCode, 0, stdout);
  assert.deepEqual(readdirSync(at("again")), [
    "SHA256SUMS",
    `sealift-${manifest.version}.cdx.json`,
    `sealift-${manifest.version}.tgz`,
    `sealift-policy-${manifest.version}.tgz`,
  ]);
});

test("a line of the JavaScript leads back to its line of TypeScript", async () => {
  const file = JSON.stringify(at("installed/node_modules/sealift/modules/core/quote.js"));
  const program = `import { quote } from ${file};
    try { quote("\\n"); } catch (error) { console.log(error.stack); }`;
  const { stdout } = await runProcess(process.execPath, [
    "--enable-source-maps",
    "--input-type=module",
    "-e",
    program,
  ]);
  const [, line = ""] = /sealift:\/\/\/modules\/core\/quote\.ts:(\d+)/.exec(stdout) ?? [];
  const source = readFileSync(new URL("../../modules/core/quote.ts", import.meta.url), "utf8").split("\n");
  assert.match(source[Number(line) - 1] ?? "", /throw new TypeError\(`control character/, stdout);
});

test("sealift new writes a repository whose first check passes, with every package pinned by hash", async () => {
  const made = await sealift(at("installed"), "new", "../my-site");
  assert.equal(made.exitCode, 0, made.stderr);
  assert.deepEqual(
    readFileSync(join(site, "vendor", `sealift-${manifest.version}.tgz`)),
    readFileSync(packed.tarball),
  );
  const { dependencies } = JSON.parse(text("package.json")) as { dependencies: Record<string, string> };
  assert.equal(dependencies["@pulumi/pulumi"], manifest.dependencies["@pulumi/pulumi"]);
  const lock = JSON.parse(text("package-lock.json")) as { packages: Record<string, { integrity?: string }> };
  for (const [path, entry] of Object.entries(lock.packages))
    if (path !== "") assert.match(entry.integrity ?? "", /^sha512-/, path);
  assert.equal(lock.packages["node_modules/sealift"]?.integrity, packed.integrity);
  assert.match(text("Pulumi.yaml"), /^name: my-site$/m);
  assert.match(text(".gitignore"), /^\/node_modules$/m);
  for (const [, path = ""] of text(".vscode", "settings.json").matchAll(
    /\.\/node_modules\/sealift\/([^"]+)/g,
  ))
    assert.ok(existsSync(at("installed/node_modules/sealift", path)), path);

  packed.install(site);
  const version = await sealift(site, "--version");
  assert.equal(version.stdout.split("\n")[0], manifest.version, version.stderr);
  const checked = await runProcess("npm", ["run", "check"], { cwd: site });
  assert.equal(checked.exitCode, 0, checked.stdout + checked.stderr);
  assert.match(checked.stdout, /^dev +ok +1 host +lock, serial \d+/m);
  const covered = await sealift(site, "bundle", "verify", "--lock-only");
  assert.equal(covered.exitCode, 0, covered.stdout + covered.stderr);
});

test("a folder with files in it is left as it is", async () => {
  mkdirSync(at("full"));
  writeFileSync(at("full", "notes.txt"), "mine\n");
  const { exitCode, stderr } = await sealift(at("installed"), "new", "../full");
  assert.equal(exitCode, 65);
  assert.equal(
    stderr,
    "../full: E_VALUE folder: found: notes.txt; expected: a new or empty folder; fix: choose another folder",
  );
  assert.deepEqual(readdirSync(at("full")), ["notes.txt"]);
});

test("Sealift of another version or with other bytes than package-lock.json pins is refused", async () => {
  const lock = text("package-lock.json");
  const refused = async (pattern: RegExp, replacement: string): Promise<string> => {
    writeFileSync(join(site, "package-lock.json"), lock.replace(pattern, replacement));
    const { exitCode, stderr } = await sealift(site, "check");
    writeFileSync(join(site, "package-lock.json"), lock);
    assert.equal(exitCode, 65, stderr);
    return stderr;
  };
  assert.match(
    await refused(/(?<="node_modules\/sealift": \{\s+"version": ")[^"]+/, "0.2.0"),
    /^\S+package-lock\.json: E_TOOLKIT_VERSION sealift: found: 0\.1\.0; expected: 0\.2\.0, as pinned; fix: run npm ci$/,
  );
  assert.match(
    await refused(/(?<="file:vendor\/\S+",\s+"integrity": ")[^"]+/, "sha512-other"),
    /E_TOOLKIT_VERSION sealift: found: another package of version 0\.1\.0; /,
  );
});

test("the repository is also a template for pulumi new", async () => {
  const made = at("from-template");
  rmSync(join(site, "node_modules"), { recursive: true });
  const args = ["new", site, "--dir", made, "--name", "second", "--generate-only", "--yes", "--force"];
  const { exitCode, stdout, stderr } = await pulumi.run(packed.folder, args);
  packed.install(site);
  assert.equal(exitCode, 0, stdout + stderr);
  assert.match(readFileSync(join(made, "Pulumi.yaml"), "utf8"), /^name: second$/m);
  for (const path of ["package-lock.json", ".gitignore", ".npmrc", "stacks/dev.site.yaml", "index.ts"])
    assert.equal(readFileSync(join(made, path), "utf8"), text(path), path);
  packed.install(made);
  const checked = await sealift(made, "check");
  assert.equal(checked.exitCode, 0, checked.stdout + checked.stderr);
});

test("a wrong use of the library is an error of the editor, at its place", async () => {
  const host = '{ name: 5, address: "10.20.0.11", hostKey: "ssh-ed25519 AAAA" }';
  const lines = [
    'import { provisionSite, type Site } from "sealift";',
    'const bundle: Site["bundle"] = { directory: "bundle", allowedSigners: "signers", lok: "lock" };',
    `const { outputs } = await provisionSite({ bundle, hosts: [${host}] });`,
    "export const engine: number | undefined = outputs.hosts['a']?.engine;",
  ];
  writeFileSync(join(site, "wrong.ts"), `${lines.join("\n")}\n`);
  const tsc = join(site, "node_modules/.bin/tsc");
  const { exitCode, stdout } = await runProcess(tsc, ["--noEmit"], { cwd: site });
  rmSync(join(site, "wrong.ts"));
  assert.equal(exitCode, 2);
  const places = [...stdout.matchAll(/^wrong\.ts\((\d+),(\d+)\): error TS/gm)];
  assert.deepEqual(
    places.map(([, line = "", column = ""]) =>
      lines[Number(line) - 1]?.slice(Number(column) - 1).slice(0, 6),
    ),
    ['lok: "', "name: ", "engine"],
    stdout,
  );
});

interface Upgrade {
  readonly downgrade: boolean;
  readonly changes: boolean;
  readonly requirements: readonly { readonly what: string; readonly from?: string; readonly to?: string }[];
  readonly keys: readonly {
    readonly key: string;
    readonly change: string;
    readonly usedBy: readonly string[];
  }[];
  readonly errorCodes: { readonly added: readonly string[]; readonly removed: readonly string[] };
  readonly environments: readonly {
    readonly compared: boolean;
    readonly problems: readonly { readonly code: string; readonly line?: number }[];
    readonly hosts: readonly {
      readonly name: string;
      readonly steps: readonly { readonly code: string; readonly change: string }[];
    }[];
  }[];
  readonly next: readonly string[];
}

test("upgrade: a version that plans the same changes nothing for the repository", async () => {
  const same = otherVersion(packed.tarball, at("same"), "0.1.1");
  // Node.js keeps what it has compiled in the package.
  const files = (): readonly string[] =>
    readdirSync(site, { recursive: true, encoding: "utf8" }).filter(
      (path) => !path.startsWith("node_modules/"),
    );
  const before = files();
  const { exitCode, stdout, stderr } = await sealift(site, "upgrade", same);
  assert.equal(exitCode, 0, stdout + stderr);
  assert.match(
    stdout,
    /^sealift 0\.1\.0 -> 0\.1\.1\n\nnothing changes for this repository\n\ndev: the plans are equal\n/,
  );
  assert.deepEqual(files(), before);
});

test("upgrade names keys, codes, requirements and steps that differ, and the next commands", async () => {
  const next = otherVersion(packed.tarball, at("next"), "0.2.0", [
    ["stacks/site.schema.json", '"unmanagedMembers": {', '"otherMembers": {'],
    [
      "modules/core/site/renamed-keys.js",
      "renamedKeys = {",
      'renamedKeys = { unmanagedMembers: ["otherMembers"],',
    ],
    ["modules/core/errors.js", '"E_OUTPUT",', '"E_OUTPUT", "E_FUTURE",'],
    ["package.json", '"yaml": "2.9.1"', '"yaml": "2.9.2"'],
    ["modules/users/steps.js", "login permissions do not depend", "permissions do not depend"],
  ]);
  const json = await sealift(site, "upgrade", next, "--json");
  assert.equal(json.exitCode, 79, json.stdout + json.stderr);
  const upgrade = JSON.parse(json.stdout) as Upgrade;
  assert.deepEqual(upgrade.requirements, [{ what: "yaml", from: "2.9.1", to: "2.9.2" }]);
  assert.deepEqual(upgrade.errorCodes, { added: ["E_FUTURE"], removed: [] });
  assert.ok(upgrade.keys.length > 0);
  for (const { key, change, usedBy } of upgrade.keys) {
    assert.match(key, /\bdockerGroup\.unmanagedMembers$/);
    assert.equal(change, "renamed");
    assert.deepEqual(usedBy, []);
  }
  const [dev] = upgrade.environments;
  assert.deepEqual(
    dev?.hosts.map(({ name, steps }) => [name, steps.map(({ code, change }) => `${change} ${code}`)]),
    [["node-a", ["changed users.sshd"]]],
  );
  assert.deepEqual(upgrade.next, [
    `cp ${next} vendor/`,
    "npm install --save-exact ./vendor/sealift-0.2.0.tgz",
    "npx sealift check",
    "pulumi preview --stack dev",
  ]);
  const { stdout } = await sealift(site, "upgrade", next, "dev");
  assert.match(
    stdout,
    /^ {2}changed {2}users\.sshd {2}node-a {2}login permissions do not depend .* -> permissions do not depend /m,
  );
});

test("upgrade shows where the other version refuses an environment", async () => {
  const strict = otherVersion(packed.tarball, at("strict"), "0.3.0", [
    ["stacks/site.schema.json", '"compose": {', '"composePlugin": {'],
    ["modules/core/site/renamed-keys.js", "renamedKeys = {", 'renamedKeys = { compose: ["composePlugin"],'],
  ]);
  const { exitCode, stdout } = await sealift(site, "upgrade", strict);
  assert.equal(exitCode, 79);
  assert.match(stdout, /^ {2}renamed {2}engine\.compose +-> engine\.composePlugin +used by dev$/m);
  assert.match(
    stdout,
    /^dev: refused by 0\.3\.0\n\nFAIL {2}stacks\/dev\.site\.yaml:\d+:\d+: E_KEY_UNKNOWN engine\.compose$/m,
  );
  assert.match(stdout, /^ {2}fix +rename it to "composePlugin"$/m);
});

test("upgrade compares an older version as a downgrade, and refuses what it cannot compare", async () => {
  const older = otherVersion(packed.tarball, at("older"), "0.1.0-rc.1");
  const down = await sealift(site, "upgrade", older);
  assert.equal(down.exitCode, 79, down.stderr);
  assert.match(down.stdout, /^sealift 0\.1\.0 -> 0\.1\.0-rc\.1: a downgrade$/m);

  const withoutPlan = otherVersion(packed.tarball, at("without-plan"), "0.0.9", [
    ["cli/program.js", ".addCommand(planCommand())", ""],
  ]);
  const needs = otherVersion(packed.tarball, at("needs"), "0.4.0", [
    ["package.json", '"dependencies": {', '"dependencies": { "not-installed": "1.0.0",'],
  ]);
  for (const [file, line] of [
    [packed.tarball, /E_TOOLKIT_VERSION sealift: found: 0\.1\.0, the installed version; /],
    [withoutPlan, /E_TOOLKIT_VERSION sealift 0\.0\.9: found: a version without sealift plan --json; /],
    [
      needs,
      /E_TOOLKIT_VERSION sealift: found: version 0\.4\.0 needs not-installed, .*npm install --prefix <folder> /,
    ],
  ] as const) {
    const { exitCode, stdout, stderr } = await sealift(site, "upgrade", file);
    assert.equal(exitCode, 65, stdout);
    assert.match(stderr, line);
    assert.ok(stderr.startsWith(`${file}: `), stderr);
  }
});

/** The files that a person edits, and the bundle, its lock and its keys, which somebody has carried in. The host does not respond. */
function edit(): void {
  const file = join(site, "stacks", "dev.site.yaml");
  const environment = readFileSync(file, "utf8")
    .replace("/media/carry/bundle", tiny.directory)
    .replace("address: 192.0.2.11", "address: 127.0.0.1\n    port: 1");
  writeFileSync(file, environment);
  cpSync(tiny.allowedSigners, join(site, "stacks", "allowed_signers"));
  for (const name of readdirSync(tiny.folder))
    if (!["bundle", "key", "store"].includes(name))
      cpSync(join(tiny.folder, name), join(site, "offline-bundle", name), { recursive: true });
}

test("pulumi preview runs the team's program with the team's bundle and host", async () => {
  edit();
  const sshd = await startSshd();
  const agent = await startAgent(sshd.privateKeyFile);
  try {
    const env = { SSH_AUTH_SOCK: agent.socket };
    const init = await pulumi.run(site, ["stack", "init", "dev"], env);
    assert.equal(init.exitCode, 0, init.stderr);
    const { exitCode, stdout, stderr } = await pulumi.run(site, ["preview", "--stack", "dev"], env);
    assert.equal(exitCode, 0, stdout + stderr);
    assert.match(stdout, /node-a: E_HOST_UNREACHABLE ops@127\.0\.0\.1:1: /);
    for (const phase of ["volumes", "users", "engine", "daemon"])
      assert.match(stdout, new RegExp(`command:remote:Command node-a-${phase}-run create`));
    // What Pulumi sends lies in the team's repository, and nothing is written into the package.
    assert.match(readdirSync(join(site, ".cache", "library")).join(), /^[0-9a-f]{64}\.sh$/);
    assert.equal(existsSync(join(site, "node_modules", "sealift", ".cache", "library")), false);
  } finally {
    await agent.stop();
    await sshd.stop();
  }
});

const example = (...path: readonly string[]): string =>
  readFileSync(join(checkout, "examples", ...path), "utf8");

const ran = new Set<string>();

/** Runs a job of a CI example with what its runner provides; npm has installed the packages already. What another job has run is not repeated. */
async function runJob(all: readonly string[]): Promise<void> {
  assert.ok(all.length > 1);
  const script = all.filter((command) => !ran.has(command));
  for (const command of script) ran.add(command);
  const shim = at("runner");
  mkdirSync(shim, { recursive: true });
  const npm = '#!/bin/sh\nPATH=${PATH#*:}\n[ "$*" = "ci --offline" ] || exec npm "$@"\n';
  writeFileSync(join(shim, "npm"), npm, { mode: 0o755 });
  const path = `${shim}:${pulumi.env["PATH"] ?? ""}`;
  const { identityFile } = await ensureIdentity();
  const variables = { BUNDLE: tiny.directory, SSH_KEY_FILE: identityFile, SSH_AUTH_SOCK: "" };
  const env = { ...pulumi.env, ...variables, PATH: path };
  const { exitCode, stdout, stderr } = await runProcess("sh", ["-ec", script.join("\n")], { cwd: site, env });
  assert.equal(exitCode, 0, `${script.join("\n")}\n${stdout}\n${stderr}`);
}

test("the example for GitLab passes as it is printed, and its preview is a report on every environment", async () => {
  const { default: defaults, ...jobs } = parse(example("ci", "gitlab-ci.yml")) as Record<
    string,
    { readonly before_script?: string[]; readonly script?: string[] }
  >;
  assert.deepEqual(Object.keys(jobs), ["check", "lock", "preview"]);
  writeFileSync(join(site, "preview-all.ts"), example("preview-all.ts"));
  const preview = async (): Promise<string> => {
    for (const { script = [] } of Object.values(jobs))
      await runJob([...(defaults?.before_script ?? []), ...script]);
    return text("preview.md");
  };
  assert.match(
    await preview(),
    /^# Preview of all environments\n\n## dev: 13 create\n\n(?:.+\n\n)?.*node-a: E_HOST_UNREACHABLE /,
  );
});

test("the example for GitHub passes as it is printed", async () => {
  const { jobs } = parse(example("ci", "github-workflow.yml")) as {
    readonly jobs: Readonly<Record<string, { readonly steps: readonly { readonly run?: string }[] }>>;
  };
  assert.deepEqual(Object.keys(jobs), ["check", "preview"]);
  for (const { steps } of Object.values(jobs)) await runJob(steps.flatMap(({ run }) => run ?? []));
});

test("an environment whose preview fails is a section of the report, and ends the program with a failure", async () => {
  renameSync(join(site, "stacks", "dev.site.yaml"), join(site, "stacks", "staging.site.yaml"));
  const { exitCode } = await runProcess(process.execPath, ["preview-all.ts", "report.md"], {
    cwd: site,
    env: pulumi.env,
  });
  assert.equal(exitCode, 1);
  assert.match(text("report.md"), /^## staging: failed\n\nerror: no stack named 'staging' found/m);
});
