/** A program that writes its site itself, with a machine of its own: the real CLI, the command plugin, real sshd, simulated facts. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { before, test } from "node:test";
import { join } from "node:path";
import { connectionsOf, startFleet, type SimulatedFleet } from "../bench/simulated-fleet.ts";
import { checkout } from "../lab/cache.ts";
import { pulumi as pulumiIn } from "../lab/pulumi/pulumi.ts";
import { useTools } from "../lab/tools/ensure-tools.ts";
import { undoAfter } from "../support/process/undo.ts";
import { writePolicyPack } from "../support/pulumi/policy-pack.ts";
import { startProgramProject, type ProgramProject } from "../support/pulumi/program-project.ts";

let fleet: SimulatedFleet;
let project: ProgramProject;
/** A registry host is sent the content of its registry to a folder below the registry's mount. */
let mount: string;
const undo = undoAfter();
before(async () => {
  await useTools();
  fleet = await startFleet(2, { registry: true });
  undo(() => fleet.end());
  mount = mkdtempSync(join(tmpdir(), "registry-"));
  undo(() => {
    rmSync(mount, { recursive: true });
  });
  project = await startProgramProject("program", fleet.env);
  undo(() => project.end());
});

/** The site of the fleet, with a registry on the second host, and paths for a project in another folder. */
function siteWithRegistry(): Omit<SimulatedFleet["site"], "bundle"> & {
  readonly bundle: Record<string, string>;
} {
  const { bundle, ...site } = fleet.site as typeof fleet.site & { bundle: Record<string, string> };
  return {
    ...site,
    bundle: Object.fromEntries(Object.entries(bundle).map(([key, path]) => [key, join(checkout, path)])),
    volumes: {
      logicalVolumes: [
        { name: "registry", size: "20GiB", filesystem: "ext4", mount },
        { name: "data", size: "80%FREE", filesystem: "xfs", mount: "/data" },
      ],
    },
    daemon: { "data-root": "/data/docker", features: { "containerd-snapshotter": true } },
    registry: { name: "registry.site", version: "3.1.2", mount, hosts: [{ name: "sim-2" }] },
  };
}

/**
 * The second host, which runs the registry, is a machine that the first one makes: its address is what a command there prints.
 *
 * @param provisioned the call of provisionSite.
 */
function program(more = "", provisioned = "provisionSite(site, { dependsOn: machine })"): string {
  const { hosts, ...site } = siteWithRegistry();
  const [first] = fleet.hosts;
  assert.ok(first);
  const { host, port, user, hostKey } = first;
  const connection = { host, port, user, hostKey };
  return `
import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { provisionSite } from "@sealift@";
const connection = ${JSON.stringify(connection)};
const machine = new remote.Command("machine", { connection, create: "echo 127.0.0.1", logging: "none", addPreviousOutputInEnv: false });
const [first, second] = ${JSON.stringify(hosts)};
const site = { ...${JSON.stringify(site)}, hosts: [first, { ...second, address: machine.stdout }] };
${more}
const { hosts, outputs } = await ${provisioned};
new remote.Command("app", { connection, create: "echo app", logging: "none", addPreviousOutputInEnv: false }, { dependsOn: hosts["sim-2"].resource });
export default { ...outputs, context: hosts["sim-2"].outputs.contexts.deploy };
`;
}

async function pulumi(...args: readonly [string, ...string[]]): Promise<string> {
  const { exitCode, output } = await project.pulumi(...args);
  assert.equal(exitCode, 0, output);
  return output;
}

test("a preview shows the whole plan of a host whose machine is not there, and why nobody has probed it", async () => {
  project.write(program());
  const [, second] = fleet.hosts;
  assert.ok(second);
  const before = connectionsOf(second);
  const output = await pulumi("preview");
  assert.match(output, /sim-2: E_OUTPUT address: found: an Output whose value this run does not know;/);
  for (const phase of ["volumes", "users", "registry", "seed", "trust", "engine", "daemon"])
    assert.match(output, new RegExp(`\\+ +command:remote:Command sim-2-${phase}-run create `));
  // Every fact that the bare first host lacks.
  const facts = (found: string): number =>
    output.match(new RegExp(`^ +\\S+: found: ${found}; expected: `, "gm"))?.length ?? 0;
  assert.ok(facts("absent") > 20);
  assert.ok(facts("not probed") > facts("absent"), "the same facts, and those of the registry");
  assert.equal(connectionsOf(second), before);
});

test("the policy pack sees whether the site has receipts, and whether its containers have limits", async () => {
  const pack = writePolicyPack(project.folder, process.env["PATH"] ?? "");
  const checked = async (more: string): Promise<readonly string[]> => {
    project.write(program(more));
    const args = ["preview", "--stack", "lab-program", "--policy-pack", pack.folder];
    const { output } = await pulumiIn(args, { env: { ...fleet.env, ...pack.env }, folder: project.folder });
    assert.match(output, /sealift-policy@v\d/);
    assert.doesNotMatch(output, /can't be known/);
    return [...output.matchAll(/\[mandatory\] +(\S+) +\(\S+: (\S+)\)/g)].map(
      ([, rule, name]) => `${rule} ${name}`,
    );
  };
  assert.deepEqual((await checked("")).toSorted(), [
    "container-limits sim-1-daemon-run",
    "container-limits sim-2-daemon-run",
    "receipt-directory sim-1",
    "receipt-directory sim-2",
  ]);
  const receipt = `site.receipt = { directory: "receipts", key: ${JSON.stringify(fleet.identityFile)} };`;
  assert.deepEqual(await checked(`${receipt} site.containerLimits = { memory: "75%" };`), []);
});

const refusals: readonly (readonly [about: string, more: string, ...lines: readonly RegExp[]])[] = [
  [
    "a value that the preview does not know is refused where no update waits for it",
    "site.hosts[0] = { ...first, rack: machine.stdout };",
    /^ +error: site\.hosts\[0\]\.rack: E_OUTPUT hosts\[0\]\.rack: found: an Output whose value this run does not know; .*fix: use a value of the program/m,
  ],
  [
    "an Output that never gets a value ends the program with what to do",
    "site.hosts[0] = { ...first, hostKey: new Promise(() => undefined) };",
    /^ +error: site\.hosts\[0\]\.hostKey: E_OUTPUT hosts\[0\]\.hostKey: found: an Output that never gets a value: .*fix: create the resource before/m,
  ],
  [
    "errors in the object are reported by their paths, all at once, before the program waits for a machine",
    "site.hosts[1].adress = 'x'; site.engine = { version: 28.5 }; site.users[0].uid = '1500';",
    /site\.hosts\[1\]\.adress: E_KEY_UNKNOWN hosts\[1\]\.adress: .*did you mean "address"\?/,
    /site\.engine\.version: E_TYPE engine\.version: found: 28\.5;/,
    /site\.users\[0\]\.uid: E_TYPE/,
  ],
  [
    "a resource in place of its Output is refused by its class",
    "site.hosts[1].address = machine;",
    /site\.hosts\[1\]\.address: E_TYPE hosts\[1\]\.address: found: an object of the class "Command"; .*fix: pass the value itself/,
  ],
  [
    "a second call is refused",
    "await provisionSite({ ...site, registry: undefined, hosts: [first] });",
    /site: E_DUPLICATE provisionSite: found: a second call in one program; .*fix: write all hosts into one site/,
  ],
];

for (const [about, more, ...lines] of refusals)
  test(about, async () => {
    project.write(program(more));
    const { exitCode, output } = await project.pulumi("preview");
    assert.notEqual(exitCode, 0);
    for (const line of lines) assert.match(output, line);
    assert.doesNotMatch(output, /\n +at /, "no stack trace");
  });

test("an update waits for the machine, probes the host and provisions it; then nothing is left to do", async () => {
  project.write(program());
  const output = await pulumi("up", "--yes", "--skip-preview");
  const [, second] = fleet.hosts;
  assert.match(output, new RegExp(`context *: "ssh://deploy@127\\.0\\.0\\.1:${second?.port ?? 0}"`));
  assert.match(output, /machine created[^]*Site site creating/, "what dependsOn names comes first");
  await pulumi("preview", "--expect-no-changes");
});

test("a site below another component keeps its hosts by an alias, as any resource of Pulumi does", async () => {
  const options = "dependsOn: machine, parent: team, aliases: [{ parent: pulumi.rootStackResource }]";
  const team = 'const team = new pulumi.ComponentResource("acme:index:Team", "team");';
  project.write(program(team, `provisionSite(site, { ${options} })`));
  const output = await pulumi("preview", "--suppress-outputs");
  assert.match(output, /^ +\+ 1 to create\n +\d+ unchanged$/m, output);
});

test("a site that moves to a file and back replaces and changes nothing", async () => {
  mkdirSync(join(project.folder, "stacks"));
  const [first, second] = fleet.site.hosts;
  const site = { ...siteWithRegistry(), hosts: [first, second] };
  writeFileSync(join(project.folder, "stacks", "lab-program.site.yaml"), JSON.stringify(site));
  project.write(program("", "provisionSite()"));
  const moved = await pulumi("up", "--yes", "--skip-preview", "--suppress-outputs");
  assert.match(moved, /^ +- 1 deleted\n +\d+ unchanged$/m, moved);
  assert.match(moved, /sealift:rollout:Site site deleting/);
  // What a transform adds reaches every resource of the site.
  const transform =
    '({ type, props, opts }) => type === "command:remote:Command" ? { props, opts: { ...opts, retainOnDelete: true } } : undefined';
  project.write(program("", `provisionSite(site, { dependsOn: machine, transforms: [${transform}] })`));
  const back = await pulumi("up", "--yes", "--skip-preview", "--suppress-outputs");
  assert.match(back, /^ +\+ 1 created\n +\d+ unchanged$/m, back);
});

test("the state has the dependencies, parents and transforms that the program gave", async () => {
  const { deployment } = JSON.parse(await pulumi("stack", "export")) as {
    deployment: {
      resources: {
        urn: string;
        parent?: string;
        dependencies?: string[];
        retainOnDelete?: boolean;
        propertyDependencies?: { connection?: string[] };
      }[];
    };
  };
  const find = (name: string): (typeof deployment.resources)[number] => {
    const one = deployment.resources.find(({ urn }) => urn.endsWith(`::${name}`));
    assert.ok(one, name);
    return one;
  };
  const { urn } = find("machine");
  assert.deepEqual(find("sim-2-users-run").propertyDependencies?.connection, [urn]);
  assert.deepEqual(find("sim-1-users-run").propertyDependencies?.connection, []);
  assert.equal(find("sim-2").parent, find("site").urn);
  assert.ok(find("app").dependencies?.includes(find("sim-2-daemon-run").urn));
  assert.deepEqual(
    ["sim-1-users-run", "sim-2-registry-run", "app"].map((name) => find(name).retainOnDelete ?? false),
    [true, true, false],
  );
});

test("an update of one host by --target leaves the other as it is, and says that it does", async () => {
  project.write(program("site.daemon.debug = true;"));
  const args = ["--yes", "--skip-preview", "--suppress-outputs", "--target", "**::sim-1-*"];
  const { exitCode, output } = await project.pulumi("up", ...args);
  assert.notEqual(exitCode, 0, output);
  assert.match(output, /sim-1-daemon-run updated/);
  assert.doesNotMatch(output, /sim-2-\S+ updat/);
  assert.doesNotMatch(output, /sim-1: E_FACT/);
  assert.match(output, /sim-2: E_FACT daemon\S*: .*; fix: run pulumi up without --target and --exclude/);
});

test("destroy takes the machine and leaves the hosts as they are", async () => {
  const lines = fleet.facts();
  assert.match(await pulumi("destroy", "--yes", "--skip-preview"), /machine deleted/);
  assert.equal(fleet.facts(), lines);
});
