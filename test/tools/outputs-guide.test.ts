/** A site's outputs for other stacks, with the real CLI: one stack with the outputs, and one that refers to it. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { before, test } from "node:test";
import { format } from "prettier";
import { startAgent } from "../lab/agent.ts";
import { checkout } from "../lab/cache.ts";
import { installStandIn } from "../lab/command-plugin/install.ts";
import { caBase64 } from "../support/fixtures/test-ca.ts";
import { runDocument, shapeOf } from "../support/docs/doc-walk.ts";
import { undoAfter } from "../support/process/undo.ts";
import { makePulumiFolder, type PulumiFolder } from "../support/pulumi/pulumi-folder.ts";
import { startSshd } from "../support/servers/sshd.ts";

let pulumi: PulumiFolder;
const undo = undoAfter();
before(async () => {
  pulumi = await makePulumiFolder();
  undo(() => pulumi.remove());
  for (const [name, program, folder] of [
    ["sealift", site, pulumi.directory],
    ["monitoring", consumer, join(pulumi.directory, "monitoring")],
  ] as const) {
    pulumi.project(name, program, folder);
    for (const args of [
      ["stack", "init", "prod"],
      ["up", "--yes", "--skip-preview", "--stack", "prod"],
    ]) {
      const { exitCode, stdout, stderr } = await pulumi.run(folder, args);
      assert.equal(exitCode, 0, stdout + stderr);
    }
  }
});

/** UPDATE_DOCS=1 puts in what was printed. */
test("docs/guide/outputs.md shows what its commands print", async () => {
  const file = join(checkout, "docs", "guide", "outputs.md");
  const old = readFileSync(file, "utf8");
  const path = (pulumi.env["PATH"] ?? "").split(delimiter).slice(0, 2).join(delimiter);
  const now = await format(runDocument(old, { cwd: pulumi.directory, path, env: pulumi.env }), {
    parser: "markdown",
  });
  if (process.env["UPDATE_DOCS"] === "1" && shapeOf(old) !== shapeOf(now)) writeFileSync(file, now);
  assert.equal(shapeOf(readFileSync(file, "utf8")), shapeOf(now));
  assert.doesNotMatch(now, /\(exit code/);
  assert.match(now, /"ssh:\/\/deploy@10\.20\.0\.11:22"/);
  assert.match(now, /"registry": "https:\/\/registry\.site:5000"/);
});

test("examples/build-machine.ts gives a machine a Docker context for each host, and the CA of the registry", async () => {
  const docker = '#!/bin/sh\necho "docker $*" >>"$HOME/calls"\n';
  const programs = join(pulumi.directory, "programs");
  mkdirSync(programs);
  writeFileSync(join(programs, "docker"), docker, { mode: 0o755 });
  const sshd = await startSshd({ path: programs });
  const agent = await startAgent(sshd.privateKeyFile);
  try {
    await installStandIn(join(pulumi.directory, "home"), process.execPath);
    const name = "build-machine";
    const program = readFileSync(join(checkout, "examples", `${name}.ts`), "utf8");
    const folder = pulumi.project(name, program);
    const { host, port, user, hostKey, home } = sshd;
    const config = {
      machine: JSON.stringify({ host, port, user, hostKey }),
      certificates: join(home, "certs.d"),
    };
    const settings = Object.entries({ site: "organization/sealift/prod", ...config });
    const run = async (...args: readonly string[]): Promise<void> => {
      const { exitCode, stdout, stderr } = await pulumi.run(folder, args, { SSH_AUTH_SOCK: agent.socket });
      assert.equal(exitCode, 0, stdout + stderr);
    };
    await run("stack", "init", "prod");
    await run("config", "set-all", ...settings.flatMap(([key, value]) => ["--plaintext", `${key}=${value}`]));
    await run("up", "--yes", "--skip-preview");
    await run("destroy", "--yes", "--skip-preview");
    assert.deepEqual(readFileSync(join(home, "calls"), "utf8").split("\n"), [
      "docker context create node-a-deploy --docker host=ssh://deploy@10.20.0.11:22",
      "docker context create node-b-deploy --docker host=ssh://deploy@10.20.0.12:22",
      "docker context rm node-a-deploy",
      "docker context rm node-b-deploy",
      "",
    ]);
    const ca = readFileSync(join(home, "certs.d", "registry.site:5000", "ca.crt"), "utf8");
    assert.equal(new X509Certificate(ca).raw.toString("base64"), caBase64);
  } finally {
    await agent.stop();
    await sshd.stop();
  }
});

/** The documented example with a registry, whose host has just said which CA it has. */
const site = `
import * as pulumi from "@pulumi/pulumi";
import { siteOutputs } from "${checkout}/modules/rollout/outputs.ts";
import { own, withRegistry } from "${checkout}/test/support/fixtures/registry-site.ts";
import { siteOf } from "${checkout}/test/support/fixtures/site-text.ts";

const specs = siteOf(withRegistry(own)).hosts;
const tally = { hold: 41, warned: 0, failing: [] };
const done = new Map(specs.map(({ name }) => [name, { last: { report: pulumi.output("") }, tally }]));
export default siteOutputs(specs, done, [pulumi.output({ certificates: [\`${caBase64}\`] })]);
`;

const consumer = `import * as pulumi from "@pulumi/pulumi";

const site = new pulumi.StackReference("organization/sealift/prod");
const hosts = site.requireOutput("hosts");

export const registry = site.requireOutput("registry").apply(({ url }) => url);
export const scrape = hosts.apply((all) => Object.values(all).map(({ address }) => \`\${address}:9323\`));
export const contexts = hosts.apply((all) => Object.values(all).flatMap(({ contexts }) => Object.values(contexts)));
`;
