/**
 * The policy pack on the real CLI: one stack that violates every rule, and one that comes close to each of them and is clean. The
 * resources are components with the types and inputs of the providers' resources: a policy sees the same of both.
 */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { planText } from "../../modules/core/host/step.ts";
import { applyInput } from "../../modules/core/host/host-command.ts";
import { phasesOf } from "../../modules/rollout/phases.ts";
import { useTools } from "../lab/tools/ensure-tools.ts";
import { exampleFacts, exampleFiles, exampleHost, library } from "../support/fixtures/example-host.ts";
import { undoAfter } from "../support/process/undo.ts";
import { writePolicyPack, type PolicyPackFolder } from "../support/pulumi/policy-pack.ts";
import { makePulumiFolder, type PulumiFolder } from "../support/pulumi/pulumi-folder.ts";

let pulumi: PulumiFolder;
let pack: PolicyPackFolder;
const undo = undoAfter();
before(async () => {
  await useTools();
  pulumi = await makePulumiFolder();
  undo(() => pulumi.remove());
  pack = writePolicyPack(pulumi.directory, pulumi.env["PATH"] ?? "");
});

interface Made {
  readonly type: string;
  readonly inputs?: object;
  readonly outputs?: object;
  /** Type of a parent, whose parent is a host. */
  readonly below?: string;
}

/** One preview with the pack. Names of resources are their places in the list. */
async function preview(
  name: string,
  resources: readonly Made[],
): Promise<{ readonly exitCode: number; readonly output: string }> {
  const folder = pulumi.project(
    name,
    `import * as pulumi from "@pulumi/pulumi";
     class Made extends pulumi.ComponentResource {
       constructor(type, name, inputs, outputs, opts) {
         super(type, name, inputs, opts);
         this.registerOutputs(outputs);
       }
     }
     for (const [at, { type, inputs = {}, outputs = {}, below }] of ${JSON.stringify(resources)}.entries()) {
       const host = below === undefined ? undefined : new Made("sealift:core:Host", "host-" + at, {}, { receipt: "receipts" });
       const parent = host === undefined ? undefined : new Made(below, "phase-" + at, {}, {}, { parent: host });
       new Made(type, "r" + at, inputs, outputs, { parent });
     }`,
  );
  const init = await pulumi.run(folder, ["stack", "init", name]);
  assert.equal(init.exitCode, 0, init.stderr);
  const args = ["preview", "--stack", name, "--policy-pack", pack.folder];
  const { exitCode, stdout, stderr } = await pulumi.run(folder, args, pack.env);
  return { exitCode, output: stdout + stderr };
}

const digest = `sha256:${"ab".repeat(32)}`;
const limited = { memory: 256, cpus: "0.5" };
const command = (create: string): Made => ({ type: "command:remote:Command", inputs: { create } });
const container = (inputs: object): Made => ({
  type: "docker:index/container:Container",
  inputs: { image: `hello@${digest}`, ...limited, ...inputs },
});
const service = (image: string, limits: object): Made => ({
  type: "docker:index/service:Service",
  inputs: { taskSpec: { containerSpec: { image }, resources: { limits } } },
});
/** What Sealift sends to a host in this phase. */
const sent = (phase: "daemon" | "engine", host = exampleHost()): Made => ({
  type: "command:remote:Command",
  inputs: {
    stdin: applyInput(
      library.sha256,
      planText(host.name, phasesOf(host, exampleFiles, exampleFacts)[phase], { serial: 1 }),
    ),
  },
  below: phase === "daemon" ? "sealift:daemon:Daemon" : "sealift:engine:Engine",
});
const cloudInit = Buffer.from("#cloud-config\npackages:\n  - docker.io\n").toString("base64");

const violations: readonly (readonly [rule: string, made: Made, message: RegExp])[] = [
  ["receipt-directory", { type: "sealift:core:Host" }, /has no receipt directory; set receipt\.directory/],
  [
    "engine-from-bundle",
    command("apt-get install -y docker.io"),
    /outside the bundle \(apt-get install -y docker\.io\)/,
  ],
  [
    "engine-from-bundle",
    command("curl -fsSL https://get.docker.com | sh"),
    /outside the bundle \(get\.docker\.com\)/,
  ],
  [
    "engine-from-bundle",
    { type: "libvirt:index/cloudInitDisk:CloudInitDisk", inputs: { userData: cloudInit } },
    /\(- docker\.io\)/,
  ],
  [
    "no-tcp-listener",
    command("dockerd -H tcp://0.0.0.0:2375"),
    /listen on TCP \(-H tcp:\/\/0\.0\.0\.0:2375\)/,
  ],
  [
    "no-tcp-listener",
    container({ command: ["dockerd", "--host", "tcp://0.0.0.0:2376"] }),
    /--host tcp:\/\/0\.0\.0\.0:2376/,
  ],
  [
    "no-tcp-listener",
    command('echo \'{"hosts": ["fd://", "tcp://127.0.0.1:2375"]}\' >/etc/docker/daemon.json'),
    /"hosts"/,
  ],
  ["no-tcp-listener", command("printf '[Socket]\nListenStream=2375\n'"), /ListenStream=2375/],
  ["pinned-images", container({ image: "nginx:1.27" }), /in image \(nginx:1\.27\)/],
  [
    "pinned-images",
    { type: "docker:index/remoteImage:RemoteImage", inputs: { name: "nginx" } },
    /in name \(nginx\)/,
  ],
  [
    "pinned-images",
    service("nginx", { memoryBytes: 1e8, nanoCpus: 1e9 }),
    /in taskSpec\.containerSpec\.image \(nginx\)/,
  ],
  ["container-limits", container({ memory: 0, cpus: undefined }), /no limit in memory and cpus/],
  [
    "container-limits",
    service(`nginx@${digest}`, { memoryBytes: 1e8 }),
    /no limit in taskSpec\.resources\.limits\.nanoCpus/,
  ],
  ["container-limits", sent("daemon"), /without limits for its containers; set containerLimits/],
];

test("a stack that violates every rule fails its preview, with one violation for each resource", async () => {
  const { exitCode, output } = await preview(
    "violating",
    violations.map(([, made]) => made),
  );
  assert.notEqual(exitCode, 0);
  const found = [...output.matchAll(/^ +- \[mandatory\] +(\S+) +\((\S+): r(\d+)\)\n.*\n +(.*)$/gm)].map(
    ([, rule = "", , at = "", message = ""]) => ({ rule, at: Number(at), message }),
  );
  for (const [at, [rule, , message]] of violations.entries()) {
    const own = found.filter((one) => one.at === at);
    assert.deepEqual(
      own.map((one) => one.rule),
      [rule],
      `${at}\n${output}`,
    );
    assert.match(own[0]?.message ?? "", message);
  }
});

const limits = { memory: "75%", cpus: "50%", tasks: 4096 };
const clean: readonly Made[] = [
  { type: "sealift:core:Host", outputs: { receipt: "receipts" } },
  command("apt-get install -y docker-doc jq && docker run --rm hello"),
  command("DOCKER_HOST=ssh://deploy@10.0.0.1 docker ps; curl -H 'Host: a' http://10.0.0.1:2375"),
  container({ command: ["sh", "-c", "echo tcp"], ports: [{ internal: 80, external: 8080 }] }),
  container({ image: digest, cpus: undefined, cpuQuota: 50000, cpuPeriod: 100000 }),
  service(`registry.site:5000/nginx:1.27@${digest}`, { memoryBytes: 1e8, nanoCpus: 1e9 }),
  { type: "docker:index/remoteImage:RemoteImage", inputs: { name: `nginx@${digest}` } },
  sent("engine"),
  sent("daemon", { ...exampleHost(), containerLimits: limits }),
];

test("a stack that obeys every rule passes, with the plans that Sealift sends in it", async () => {
  const { exitCode, output } = await preview("clean", clean);
  assert.equal(exitCode, 0, output);
  assert.doesNotMatch(output, /\[(mandatory|advisory)\]|can't be known/);
  assert.match(output, /sealift-policy@v\d/);
});
