/** Applications as stacks: on a swarm of one manager, made by hand, without Pulumi in between. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { createHash } from "node:crypto";
import type { HostApp, HostSecret } from "../../modules/core/host/blob.ts";
import { secretPath } from "../../modules/core/host/blob.ts";
import type { HostReport, StepReport } from "../../modules/core/host/report.ts";
import type { StackObject } from "../../modules/core/host/compose-project.ts";
import type { HostSpec, StackSpec } from "../../modules/core/site/site-spec.ts";
import { swarmOf } from "../../modules/core/site/swarm.ts";
import { stacksPhase } from "../../modules/swarm/stacks-steps.ts";
import { projectTar } from "../../offline-bundle/compose/project-files.ts";
import { appImages } from "../lab/images/app-images.ts";
import { writeLayoutArchive } from "../lab/images/layout-archive.ts";
import { exampleHost } from "../support/fixtures/example-host.ts";
import { startEngine, type EngineInGuest } from "../support/guests/engine-in-guest.ts";
import { undoAfter } from "../support/process/undo.ts";

const image = "docker.io/library/redis:8.0";
/** That of the lock: the containerd store knows a loaded image by it. */
let sha256 = "";
let engine: EngineInGuest;
const undo = undoAfter();
before(async () => {
  const folder = await mkdtemp(join(tmpdir(), "sealift-stacks-"));
  undo(() => rm(folder, { recursive: true }));
  engine = await startEngine("swarm-stacks");
  undo(() => engine.end());
  const { revision, text } = await engine.on.run(
    "apply",
    engine.daemon({
      ...{ "live-restore": false, "storage-driver": "overlayfs" },
      features: { "containerd-snapshotter": true },
    }),
  );
  assert.ok(revision, text);
  await writeLayoutArchive(await appImages(), join(folder, "images.tar"));
  const { exitCode, stderr } = await engine.on.guest.exec("sudo -n docker load", {
    input: await readFile(join(folder, "images.tar")),
  });
  assert.equal(exitCode, 0, stderr);
  sha256 = (await engine.docker(`image inspect --format '{{.Id}}' ${image}`)).trim().slice("sha256:".length);
});

/** What a version of the project is made of. */
interface Version {
  readonly version: string;
  readonly command?: string;
  readonly file?: string;
  readonly more?: Readonly<Record<string, StackObject>>;
}

const hash = (content: string | Buffer): string => createHash("sha256").update(content).digest("hex");
const secretFile = hash("the encrypted file");
const secret: HostSecret = {
  ...{ app: "shop", name: "password", owner: "7:8", mode: "0444", sha256: secretFile, bytes: 1, path: "x" },
};

/** A project with a service that mounts a file of it, and one that has a secret; its archive is on the host. */
async function appOf({
  version,
  command = "sleep 1000",
  file = "blue",
  more = {},
}: Version): Promise<HostApp> {
  const content = Buffer.from(`${file}\n`);
  const tar = await projectTar([{ path: "conf/colour", content, executable: false }]);
  const archive = hash(tar);
  await engine.on.root("mkdir -p /var/lib/sealift/blobs");
  await engine.on.guest.exec(`sudo -n tee /var/lib/sealift/blobs/${archive} >/dev/null`, { input: tar });
  const deploy = { mode: "replicated", endpoint_mode: "dnsrr", restart_policy: { condition: "any" } };
  const plain = { stop_grace_period: "0s", deploy };
  const services: Readonly<Record<string, StackObject>> = {
    api: {
      ...plain,
      entrypoint: ["sh", "-c", "sleep 1000"],
      secrets: [{ source: "password", target: "/run/secrets/password" }],
    },
    web: {
      ...plain,
      entrypoint: ["sh", "-c", command],
      environment: { GREETING: "${GREETING:-Hello}" },
      healthcheck: { test: ["CMD", "sh", "-c", ":"], interval: "1s" },
    },
    ...more,
  };
  return {
    name: "shop",
    archive: {
      ...{ version, sha256: archive, bytes: tar.length, path: "x" },
      members: [{ path: "conf/colour", sha256: hash(content) }],
    },
    images: [{ name: image, sha256 }],
    project: {
      file: "compose.yaml",
      stack: { services },
      services: Object.keys(services)
        .toSorted()
        .map((name) => ({
          ...{ name, image, config: "c1".repeat(8), mounts: [] },
          ...(name === "web"
            ? { binds: [{ source: "conf", target: "/etc/shop", readOnly: true }], replicas: 2 }
            : {}),
        })),
    },
  };
}

const specOf = (version: string): StackSpec => ({
  ...{ name: "shop", version, keep: 1, values: { GREETING: "it's $5" } },
  update: { timeout: 90, monitor: "5s" },
});

function managerOf(version: string): HostSpec {
  const host = exampleHost();
  const swarm = swarmOf(
    { name: "plant-1", managers: [host.name], addressPool: { base: "172.29.0.0/16" } },
    [host],
    host.name,
  );
  return { ...host, stacks: [specOf(version)], ...(swarm === undefined ? {} : { swarm }) };
}

async function run(
  mode: "check" | "apply",
  version: Version,
): Promise<HostReport & { readonly text: string }> {
  const phase = stacksPhase(managerOf(version.version), {
    stacks: [await appOf(version)],
    secrets: [secret],
  });
  return engine.on.run(mode, phase?.steps ?? []);
}

async function states(version: Version): Promise<Readonly<Record<string, StepReport>>> {
  const { steps, text } = await run("check", version);
  assert.ok(steps.length > 0, text);
  return Object.fromEntries(steps.map((step) => [step.code.replace("stacks.shop.", ""), step]));
}

async function applied(version: Version): Promise<void> {
  const { steps, text } = await run("apply", version);
  assert.deepEqual(
    steps.filter(({ status }) => status === "failed").map(({ code, found }) => `${code} ${found}`),
    [],
    text,
  );
  await holds(version);
}

async function holds(version: Version): Promise<void> {
  const { steps, text } = await run("check", version);
  assert.deepEqual(
    steps.filter(({ status }) => status !== "ok").map(({ code, found }) => `${code} ${found}`),
    [],
    text,
  );
}

const inTask = async (service: string, command: string): Promise<string> =>
  engine.on.root(
    `docker exec $(docker ps --quiet --filter label=com.docker.swarm.service.name=shop_${service} | head -n 1) sh -c '${command}'`,
  );

const first: Version = { version: "1.0.0" };

test("before there is a swarm, nothing of the stack is there, and nothing stops", async () => {
  const found = await states(first);
  assert.equal(found["service.web"]?.status, "drift");
  assert.match(found["service.web"].found, /^absent: this host is not a manager of a swarm yet$/);
  assert.equal(found["service.web"].effect, "none");
});

test("a first release whose service dies soon after its start fails the run, and is not taken for deployed later", async () => {
  await engine.docker(
    "swarm init --advertise-addr 127.0.0.1 --default-addr-pool 172.29.0.0/16 --default-addr-pool-mask-length 24",
  );
  await engine.on.root(
    `install -d -m 0700 /run/sealift/secrets/shop && printf open-sesame >${secretPath(secret)}`,
  );
  const dying: Version = { version: "0.9.0", command: "sleep 3; echo no price list; exit 7" };
  for (const time of ["first", "second"]) {
    const { text } = await run("apply", dying);
    assert.match(
      text,
      /E_APP_UPDATE release 0\.9\.0-\w+ of shop does not run on the swarm: service web .*: task: non-zero exit \(7\); it is left as it is; fix: /,
    );
    assert.match(text, /log: .*no price list/, time);
  }
  // Its network stays while a task is ending.
  await engine.on.root(
    `timeout 60 sh -c "until docker stack rm shop && ! docker network inspect shop_default; do sleep 1; done" >/dev/null 2>&1`,
  );
});

test("a release is deployed: its services run by digest, with files and secrets of the swarm", async () => {
  assert.equal((await states(first))["service.web"]?.found, "absent");
  await applied(first);
  assert.equal(
    (await engine.docker(`service ls --format '{{.Name}} {{.Replicas}} {{.Image}}'`)).trim(),
    `shop_api 1/1 redis@sha256:${sha256}\nshop_web 2/2 redis@sha256:${sha256}`,
  );
  assert.equal(await inTask("web", "cat /etc/shop/colour"), "blue\n");
  assert.equal(await inTask("web", "echo $GREETING"), "it's $5\n");
  assert.equal(await inTask("api", "stat -c %u:%g:%a /run/secrets/password"), "7:8:444\n");
  assert.equal(await inTask("api", "cat /run/secrets/password"), "open-sesame");
  // Neither on the disk of the manager nor in what it was sent.
  assert.equal(await engine.on.root("grep -r open-sesame /var/lib/sealift | wc -l"), "0\n");
});

const tasks = async (service: string): Promise<string> =>
  engine.docker(`service ps --filter desired-state=running --format '{{.ID}}' shop_${service}`);

test("what a person changes is found by name, says what it costs, and is repaired", async () => {
  for (const [command, found, effect] of [
    ["service scale --detach shop_web=3", "3 replicas instead of 2", "none"],
    [
      "service update --detach --env-add DEBUG=1 shop_web",
      "was changed since it was deployed: environment",
      "containers-stop",
    ],
    [
      "service update --detach --publish-add published=8089,target=80,mode=host shop_api",
      "was changed since it was deployed: ports",
      "containers-stop",
    ],
    [
      "service update --detach --limit-memory 64M shop_api",
      "was changed since it was deployed: resources",
      "containers-stop",
    ],
    [
      "service update --detach --no-resolve-image --image docker.io/library/redis:8.0 shop_api",
      `runs image redis:8.0 instead of redis@sha256:${sha256.slice(0, 12)}`,
      "containers-stop",
    ],
    ["service rm shop_api", "absent", "none"],
  ] as const) {
    await engine.docker(command);
    const service = /shop_(\w+)/.exec(command)?.[1] ?? "";
    const other = service === "web" ? "api" : "web";
    const drift = await states(first);
    assert.equal(drift[`service.${service}`]?.found, found, command);
    assert.equal(drift[`service.${service}`]?.effect, effect, command);
    assert.equal(drift[`service.${other}`]?.status, "ok", command);
    const before = await tasks(other);
    await applied(first);
    assert.equal(await tasks(other), before, "the other service goes on");
  }
});

test("a service that the release does not have is removed", async () => {
  await engine.docker(
    `service create --detach --name shop_extra --label com.docker.stack.namespace=shop --no-resolve-image --endpoint-mode dnsrr redis@sha256:${sha256} sh -c 'sleep 1000'`,
  );
  assert.equal((await states(first))["rest"]?.found, "services that the release does not have: shop_extra");
  await applied(first);
  assert.doesNotMatch(await engine.docker("service ls --format '{{.Name}}'"), /extra/);
});

const second: Version = { version: "1.1.0", file: "red" };

test("a changed file replaces the service that mounts it alone, and the next release takes over", async () => {
  const before = await tasks("api");
  const found = await states(second);
  assert.equal(found["service.web"]?.found, "runs another definition");
  assert.equal(found["service.web"].effect, "containers-stop");
  assert.equal(found["service.api"]?.status, "ok");
  assert.match(found["current"]?.found ?? "", /^1\.0\.0-[0-9a-f]{8}$/);
  await applied(second);
  assert.equal(await tasks("api"), before);
  assert.equal(await inTask("web", "cat /etc/shop/colour"), "red\n");
});

test("a release whose tasks fail is rolled back, and the error says why", async () => {
  const bad: Version = { version: "1.2.0", command: "echo no price list; exit 7", file: "green" };
  const { text } = await run("apply", bad);
  assert.match(
    text,
    /E_APP_UPDATE release 1\.2\.0-\w+ of shop does not run on the swarm: service web runs another definition \(rollback completed\): task: non-zero exit \(7\); release 1\.1\.0-\w+ runs again; fix: /,
  );
  assert.match(text, /log: .*no price list/);
  assert.equal(await inTask("web", "cat /etc/shop/colour"), "red\n");
  // The bad release leaves a file and configs that the next run looks after.
  await applied(second);
});

test("of older releases only the last is kept, with its configs, and an older one can be deployed again", async () => {
  await applied({ version: "1.3.0", file: "white" });
  const configs = await engine.docker("config ls --format '{{.Name}}'");
  assert.equal(
    configs
      .trim()
      .split("\n")
      .filter((name) => name.startsWith("shop_colour-")).length,
    2,
    configs,
  );
  assert.equal(
    configs
      .trim()
      .split("\n")
      .filter((name) => name.startsWith("shop_sealift-")).length,
    2,
    configs,
  );
  await applied(first);
  assert.equal(await inTask("web", "cat /etc/shop/colour"), "blue\n");
});

test("a network with another definition is refused before anything is changed", async () => {
  const app = await appOf(first);
  const stack = { services: {}, ...app.project.stack, networks: { default: { internal: true } } };
  const phase = stacksPhase(managerOf("1.0.0"), {
    stacks: [{ ...app, project: { ...app.project, stack } }],
    secrets: [secret],
  });
  const { steps } = await engine.on.run("check", phase?.steps ?? []);
  const found = steps.find(({ code }) => code === "stacks.shop.networks");
  assert.equal(found?.status, "refused");
  assert.match(found.found, /^E_APP_STACK network shop_default has another definition than in the release: /);
});
