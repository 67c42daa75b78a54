import assert from "node:assert/strict";
import { test } from "node:test";
import type * as pulumi from "@pulumi/pulumi";
import { blobDelivery } from "../../modules/core/host/delivery.ts";
import {
  exampleArchive,
  exampleHost,
  examplePhases,
  library,
  exampleSending,
} from "../support/fixtures/example-host.ts";
import { recordResources, type RecordedResource } from "../support/pulumi/mocks.ts";

const recorded = await recordResources(false);
// Imported after the mocks are in place, as Pulumi's testing guide asks.
const { Host } = await import("../../modules/core/pulumi/converge.ts");
const { PhaseResource } = await import("../../modules/core/pulumi/phase-resource.ts");
const { planText } = await import("../../modules/core/host/step.ts");
const { applyInput } = await import("../../modules/core/host/host-command.ts");
type Probe = import("../../modules/core/host/probe.ts").Probe;
type Step = import("../../modules/core/host/step.ts").Step;

const phases = examplePhases();
const everything = Object.values(phases).flatMap(({ steps }) => steps);

function probeWhere(holds: (code: string) => boolean, journalLines = 26): Probe {
  const steps = everything.map(({ code, fact }) => ({
    status: holds(code) ? ("ok" as const) : ("drift" as const),
    code,
    fact,
    found: holds(code) ? "" : `no ${code}`,
  }));
  return { kind: "reached", report: { steps, revision: { machine: "62ff67b1", journalLines } } };
}

async function make(
  name: string,
  probe: Probe,
  usersPhase = phases.users,
): Promise<readonly RecordedResource[]> {
  const before = recorded.length;
  const spec = { ...exampleHost(), name };
  const host = new Host(name, {
    spec,
    library,
    blobs: [blobDelivery(exampleArchive)],
    probe,
    bundle: { serial: 7 },
    sending: exampleSending,
  });
  const volumes = new PhaseResource("sealift:volumes:Volumes", host, phases.volumes, []);
  const users = new PhaseResource("sealift:users:Users", host, usersPhase, [volumes]);
  // Nothing is asserted before everything has been asked for.
  await Promise.all(
    [volumes.report, users.report].map((report) => new Promise((done) => report.apply(done))),
  );
  return recorded.slice(before);
}

function secretly(step: Step): Step {
  return { ...step, secret: true };
}

function find(list: readonly RecordedResource[], name: string): Record<string, unknown> {
  const one = list.find((resource) => resource.name === name);
  assert.ok(one, `${name} among ${list.map((resource) => resource.name).join(", ")}`);
  return one.inputs;
}

test("a host is its root, its deliveries, and one Command per phase; nothing else", async () => {
  const made = await make(
    "bare",
    probeWhere(() => false),
  );
  assert.deepEqual(made.map(({ type, name }) => `${type} ${name}`).toSorted(), [
    "command:remote:Command bare-users-run",
    "command:remote:Command bare-volumes-run",
    "command:remote:CopyToRemote bare-abababababab",
    "command:remote:CopyToRemote bare-library",
    "sealift:core:Host bare",
    "sealift:users:Users bare-users",
    "sealift:volumes:Volumes bare-volumes",
  ]);
});

test("files of the bundle are sent from a folder of ours, not from the medium", async () => {
  const made = await make(
    "sends",
    probeWhere(() => false),
  );
  const source = find(made, "sends-abababababab")["source"] as { readonly path: Promise<string> };
  assert.equal(await source.path, `.cache/sent/example/${exampleArchive.sha256}`);
});

test("the copy of a file that the host keeps exists, and nothing triggers it again", async () => {
  const spec = { ...exampleHost(), name: "keeps" };
  const probe = probeWhere(() => true);
  new Host("keeps", {
    spec,
    library,
    blobs: [],
    retainedBlobs: [blobDelivery(exampleArchive)],
    probe,
    bundle: { serial: 7 },
    sending: exampleSending,
  });
  await new Promise(setImmediate);
  const { triggers } = find(recorded, "keeps-abababababab");
  assert.deepEqual(triggers, [`${spec.address}:${spec.port}`, "there"]);
});

test("all work is on standard input, and the command that Pulumi shows says in one line what it does", async () => {
  const inputs = find(
    await make(
      "plan",
      probeWhere(() => false),
    ),
    "plan-users-run",
  );
  const plan = planText("plan", phases.users, { serial: 7 });
  assert.equal(inputs["stdin"], applyInput(library.sha256, plan));
  assert.match(plan, /^phase plan users 7\nstep users\./);
  assert.equal(inputs["create"], "sh -s Sealift: users of plan");
  assert.equal(inputs["triggers"], undefined);
  assert.equal(inputs["delete"], undefined);
  assert.equal(inputs["logging"], "none");
  assert.equal(inputs["addPreviousOutputInEnv"], false);
});

test("a plan with a secret is secret as a whole, and appears nowhere else", async () => {
  const hash = "$6$salt$made-up-for-this-test";
  const [step] = phases.users.steps;
  assert.ok(step);
  const steps = [
    ...phases.users.steps,
    { ...step, code: "users.secret", call: ["password", "deploy", hash], secret: true },
  ];
  const made = await make(
    "hidden",
    probeWhere((code) => code !== "users.group"),
    { name: "users", steps } as typeof phases.users,
  );
  const { stdin, ...others } = find(made, "hidden-users-run");
  const wrapped = stdin as { value?: string };
  assert.match(wrapped.value ?? "", /made-up-for-this-test/);
  assert.ok(Object.keys(wrapped).length === 2, "wrapped with Pulumi's mark of a secret");
  assert.doesNotMatch(JSON.stringify(others), /made-up-for-this-test/);
  assert.equal(typeof find(made, "hidden-volumes-run")["stdin"], "string");
});

test("the output of a secret plan is secret in the state, and no resource waits for a host forever", async () => {
  const options = new Map<string, pulumi.CustomResourceOptions>();
  const note: pulumi.ResourceTransformation = ({ name, opts }) => {
    options.set(name, opts);
    return undefined;
  };
  const blobs = [blobDelivery(exampleArchive)];
  const args = { spec: { ...exampleHost(), name: "said" }, library, blobs, probe: probeWhere(() => false) };
  const host = new Host(
    "said",
    { ...args, bundle: { serial: 7 }, sending: exampleSending },
    { transformations: [note] },
  );
  const volumes = new PhaseResource("sealift:volumes:Volumes", host, phases.volumes, []);
  const users = new PhaseResource(
    "sealift:users:Users",
    host,
    { ...phases.users, steps: phases.users.steps.map(secretly) },
    [volumes],
  );
  await new Promise((done) => users.report.apply(done));
  // The SDK adds the connection, which is one anyway.
  const secretsOf = (name: string): readonly string[] =>
    (options.get(name)?.additionalSecretOutputs ?? []).filter((one) => one.startsWith("std")).toSorted();
  assert.deepEqual(secretsOf("said-users-run"), ["stderr", "stdout"]);
  assert.deepEqual(secretsOf("said-volumes-run"), []);
  for (const name of ["said-users-run", "said-volumes-run", "said-library", "said-abababababab"])
    assert.deepEqual(options.get(name)?.customTimeouts, { create: "24h", update: "24h" }, name);
});

test("a difference is another command, with its run and the number of facts", async () => {
  const inputs = find(
    await make(
      "drift",
      probeWhere((code) => code !== "users.deploy.docker"),
    ),
    "drift-users-run",
  );
  assert.match(
    String(inputs["update"]),
    /^sh -s Sealift: users of drift, 1 of 10 facts do not hold, in run [0-9a-f]{8}$/,
  );
  assert.equal(inputs["create"], "sh -s Sealift: users of drift");
});

test("a phase in sync has no other command for an update", async () => {
  const inputs = find(
    await make(
      "sync",
      probeWhere(() => true),
    ),
    "sync-users-run",
  );
  assert.equal(inputs["update"], inputs["create"]);
});

test("a lost file is a new trigger for its copy, and only for that", async () => {
  const made = await make(
    "lost",
    probeWhere((code) => code !== "delivery.library"),
  );
  const [place, why] = find(made, "lost-library")["triggers"] as readonly string[];
  assert.equal(place, "10.20.0.11:22");
  assert.match(
    why ?? "",
    /^no delivery\.library, probed on machine 62ff67b1 at journal line 26 in run [0-9a-f]{8}$/,
  );
  assert.deepEqual(find(made, "lost-abababababab")["triggers"], ["10.20.0.11:22", "there"]);
});

test("every connection pins the host key, tries only a few times, and contains no key and no password", async () => {
  const made = await make(
    "pinned",
    probeWhere(() => false),
  );
  const connections = made.flatMap(({ inputs }) => ("connection" in inputs ? [inputs["connection"]] : []));
  assert.equal(connections.length, 4);
  for (const wrapped of connections) {
    const connection = (wrapped as { value?: object }).value ?? (wrapped as object);
    assert.deepEqual(Object.keys(connection).toSorted(), [
      "dialErrorLimit",
      "host",
      "hostKey",
      "perDialTimeout",
      "port",
      "user",
    ]);
    assert.equal((connection as { hostKey: string }).hostKey, exampleHost().hostKey);
  }
});

test("a host that does not answer still has its plan, and no drift", async () => {
  const problem = {
    where: "gone",
    code: "E_HOST_UNREACHABLE",
    subject: "",
    found: "",
    expected: "",
    fix: "",
  } as const;
  const inputs = find(await make("gone", { kind: "unreachable", problem }), "gone-users-run");
  assert.equal(inputs["update"], inputs["create"]);
});
