/** From a Compose project to a stack file: what passes, what is translated and what is refused; and what a site adds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostApp, HostSecret } from "../../modules/core/host/blob.ts";
import { formatProblem } from "../../modules/core/errors.ts";
import type { StackSpec } from "../../modules/core/site/site-spec.ts";
import { swarmOf } from "../../modules/core/site/swarm.ts";
import { stackImage, stackReleaseOf } from "../../modules/swarm/stack-file.ts";
import { stacksPhase } from "../../modules/swarm/stacks-steps.ts";
import { stackOf } from "../../offline-bundle/compose/stack-definition.ts";
import type { ProjectFile } from "../../offline-bundle/compose/project-files.ts";
import { exampleHost } from "../support/fixtures/example-host.ts";

const folder = "/copy/project";
const sources = {
  locate: (path: readonly unknown[], key?: string) => [...path, key].join("."),
  environments: [],
  remote: [],
};
const file = (path: string, text: string): ProjectFile => ({
  path,
  content: Buffer.from(text),
  executable: false,
});

function read(
  service: Readonly<Record<string, unknown>>,
  top: Readonly<Record<string, unknown>> = {},
  files: readonly ProjectFile[] = [],
) {
  const model = {
    name: "shop",
    services: { web: { image: "docker.io/library/shop:1", ...service } },
    ...top,
  };
  const { stack, problems, warnings } = stackOf("shop", model, files, folder, sources);
  return { web: stack.services["web"], stack, warnings, found: problems.map(formatProblem) };
}

test("what a swarm carries out passes, in the form that docker stack deploy reads", () => {
  const { web, stack, found } = read(
    {
      ...{ command: ["web"], entrypoint: null, restart: "unless-stopped", pull_policy: "never", init: true },
      environment: { URL: "${URL:-http://x}", LEVEL: 5 },
      env_file: [{ path: `${folder}/web.env`, required: true }],
      extra_hosts: ["db=10.0.0.1"],
      ports: [
        { target: 80, published: "8080", protocol: "tcp", mode: "ingress" },
        { target: 82, published: "${LAST:-82}", mode: "host" },
        "${PORT}:81",
      ],
      configs: [{ source: "conf", target: "/c", mode: "0440" }],
      networks: { default: null },
      deploy: { replicas: 2, resources: { limits: { cpus: 0.5, memory: "128" } } },
    },
    {
      networks: { default: { name: "shop_default", ipam: {} }, site: { external: true, name: "site" } },
      configs: { conf: { file: `${folder}/conf` } },
    },
    [file("web.env", "# comment\nLEVEL=1\nNAME='a b'\n"), file("conf", "x"), file(".env", "URL=http://y\n")],
  );
  assert.deepEqual(found, []);
  assert.deepEqual(web, {
    ...{ command: ["web"], init: true },
    environment: { LEVEL: "5", NAME: "a b", URL: "${URL:-http://x}" },
    extra_hosts: ["db:10.0.0.1"],
    networks: { default: {} },
    ports: [
      { target: 80, published: 8080, protocol: "tcp", mode: "ingress" },
      { target: 82, published: "${LAST:-82}", mode: "host" },
      "${PORT}:81",
    ],
    configs: [{ source: "conf", target: "/c", mode: 0o440 }],
    deploy: {
      ...{ mode: "replicated", replicas: 2, resources: { limits: { cpus: "0.5", memory: "128" } } },
      restart_policy: { condition: "any" },
    },
  });
  assert.deepEqual(stack.networks, { default: {}, site: { external: true, name: "site" } });
  assert.deepEqual(stack.defaults, { URL: "http://y" });
});

test("tmpfs becomes a mount, because docker stack deploy ignores it", () => {
  const tmpfs = ["/data", "/cache:size=64m"];
  const { web, found } = read({ tmpfs });
  assert.deepEqual(found, []);
  assert.equal(web?.["tmpfs"], undefined);
  assert.deepEqual(web?.["volumes"], [
    { type: "tmpfs", target: "/data" },
    { type: "tmpfs", target: "/cache", tmpfs: { size: 67_108_864 } },
  ]);
});

test("restart becomes a restart policy of the swarm", () => {
  const policy = (service: Readonly<Record<string, unknown>>): unknown =>
    (read(service).web?.["deploy"] as Readonly<Record<string, unknown>>)["restart_policy"];
  assert.deepEqual(policy({}), { condition: "any" });
  assert.deepEqual(policy({ restart: "no" }), { condition: "none" });
  assert.deepEqual(policy({ restart: "on-failure:3" }), { condition: "on-failure", max_attempts: 3 });
  assert.deepEqual(policy({ deploy: { restart_policy: { condition: "unless-stopped", delay: "5s" } } }), {
    ...{ condition: "any", delay: "5s" },
  });
});

test("what a swarm refuses or ignores is refused, with its place and a way out", () => {
  const volume = { type: "volume", source: "data", target: "/data" };
  for (const [service, expected, top, files] of [
    [{ privileged: true }, /web\.privileged.*the key privileged; .*run this application on hosts/],
    [{ network_mode: "host" }, /network_mode/],
    [{ devices: ["/dev/x"] }, /devices/],
    [{ security_opt: ["seccomp=x"] }, /security_opt/],
    [{ mem_limit: "5" }, /mem_limit.*fix: write deploy\.resources\.limits\.memory/],
    [{ scale: 2 }, /fix: write deploy\.replicas/],
    [{ platform: "linux/amd64" }, /platform/],
    [{ ports: [{ target: 80, published: "80-90" }] }, /the range 80-90/],
    [
      { ports: [{ target: 80, published: "80", host_ip: "127.0.0.1" }] },
      /host_ip of a port.*remove the address/,
    ],
    [{ ports: ["127.0.0.1:${PORT}:80"] }, /remove the address/],
    [{ tmpfs: ["/data:size=1m,uid=999,mode=0700"] }, /uid=999,mode=0700 of \/data.*write \/data without it/],
    [
      { volumes: [{ type: "tmpfs", target: "/data", tmpfs: { size: "5", mode: 448 } }] },
      /tmpfs\.mode of a mount.*remove mode/,
    ],
    [{ networks: { default: { ipv4_address: "10.0.0.5" } } }, /ipv4_address of network default/],
    [{ deploy: { mode: "replicated-job" } }, /mode replicated-job/],
    [{ deploy: { resources: { reservations: { devices: [{}] } } } }, /resources\.reservations\.devices/],
    [{ volumes: [{ ...volume, source: undefined }] }, /a volume without a name at \/data/],
    [{ volumes: [volume] }, /volume data of whichever node.*add deploy\.placement\.constraints/],
    [{ volumes: [{ ...volume, volume: { subpath: "a" } }], deploy: { mode: "global" } }, /volume\.subpath/],
    [{ environment: { KEY: null } }, /KEY without a value; .*fix: write KEY: \$\{KEY\}/],
    [{ environment: { KEY: "${A:-${B}}" } }, /without a variable inside the default/],
    [{ environment: { KEY: "${A:+x}" } }, /use \$NAME/],
    [{ environment: { KEY: "${A?missing}" } }, /use \$NAME/],
    [{ env_file: [`${folder}/a.env`] }, /a\.env:1; .*without quotes inside/, {}, [file("a.env", "A=$B\n")]],
    [{}, /\.env:2; /, {}, [file(".env", "A=1\nB='it\n")]],
    [{}, /driver bridge/, { networks: { default: { driver: "bridge" } } }],
    [{}, /enable_ipv6/, { networks: { default: { enable_ipv6: true } } }],
    [{}, /a config that is no file/, { configs: { a: { content: "x" } } }],
    [{}, /conf with 0 bytes/, { configs: { a: { file: `${folder}/conf` } } }, [file("conf", "")]],
    [
      { volumes: [{ type: "bind", source: `${folder}/big`, target: "/b" }] },
      /big with 1024001 bytes/,
      {},
      [file("big", "x".repeat(1_024_001))],
    ],
    [
      {},
      /web.*a one-shot, for which other services wait/,
      {
        services: { web: {}, app: { depends_on: { web: { condition: "service_completed_successfully" } } } },
      },
    ],
    [{}, /service a\.b.*use letters/, { services: { "a.b": {} } }],
  ] as const) {
    const { found } = read(service, top, files);
    assert.equal(found.length, 1, `${JSON.stringify(service)}: ${found.join("\n")}`);
    assert.match(found[0] ?? "", /E_APP_STACK /);
    assert.match(found[0] ?? "", expected);
  }
});

test("data stays where a service finds it again", () => {
  const volumes = [{ type: "volume", source: "data", target: "/data" }];
  for (const [deploy, top] of [
    [{ placement: { constraints: ["node.labels.disk == fast"] } }, {}],
    [{ placement: { constraints: ["node.hostname==node-a"] } }, {}],
    [{ mode: "global" }, {}],
    [{}, { volumes: { data: { driver_opts: { type: "nfs", device: ":/x", o: "addr=10.0.0.1" } } } }],
  ] as const)
    assert.deepEqual(read({ volumes, deploy }, top).found, []);
  const anyManager = { placement: { constraints: ["node.role == manager"] } };
  assert.equal(read({ volumes, deploy: anyManager }).found.length, 1);
});

test("what a swarm does without is said", () => {
  const { warnings, found } = read({
    depends_on: { db: { condition: "service_healthy" } },
    container_name: "x",
  });
  assert.deepEqual(found, []);
  assert.deepEqual(
    warnings.map(({ code, subject }) => `${code} ${subject}`),
    ["E_APP_STACK_ORDER container_name", "E_APP_STACK_ORDER depends_on"],
  );
});

const hex = (digit: string): string => digit.repeat(64);
const image = { name: "docker.io/library/nginx:1.29", sha256: hex("b") };
const app: HostApp = {
  name: "shop",
  archive: {
    ...{ version: "2.4.0", sha256: hex("a"), bytes: 1, path: "x" },
    members: [
      { path: "conf/a b.conf", sha256: hex("1") },
      { path: "conf/sub/c", sha256: hex("2") },
      { path: "nginx.conf", sha256: hex("3") },
    ],
  },
  images: [image],
  project: {
    file: "compose.yaml",
    configs: { nginx: "nginx.conf" },
    secrets: ["password"],
    services: [
      {
        ...{ name: "web", image: image.name, config: "c".repeat(16), replicas: 2 },
        binds: [{ source: "conf", target: "/etc/conf/", readOnly: true }],
      },
    ],
    stack: {
      services: {
        web: {
          environment: { URL: "${URL:-none}", PRICE: "$$5", PATH: "$DIR/x" },
          configs: [{ source: "nginx" }],
          secrets: [{ source: "password", target: "pw" }],
          ports: [{ target: 80, published: "${PORT:-8080}", mode: "host" }, "${PORT:-8080}:81"],
          deploy: { mode: "replicated", replicas: 2, update_config: { parallelism: 3, monitor: "9s" } },
        },
      },
      defaults: { DIR: "/srv", URL: "default" },
    },
  },
};
const secret: HostSecret = {
  ...{ app: "shop", name: "password", owner: "7:8", mode: "0440", sha256: hex("5"), bytes: 1, path: "x" },
};
const spec: StackSpec = {
  ...{ name: "shop", version: "2.4.0", keep: 2, values: { URL: "it's $1" } },
  update: { timeout: 300, order: "start-first", failure_action: "pause" },
};

test("a stack file names images by digest, files and secrets by content, and carries the site's words", () => {
  const { text, configs, secrets, id, services } = stackReleaseOf(spec, app, [secret], undefined);
  const file = JSON.parse(text) as Readonly<
    Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>
  >;
  const web = file["services"]?.["web"];
  assert.equal(web?.["image"], `docker.io/library/nginx@sha256:${hex("b")}`);
  assert.equal(services[0]?.image, `nginx@sha256:${hex("b")}`);
  assert.deepEqual(web["environment"], { URL: "it's $$1", PRICE: "$$5", PATH: "/srv/x" });
  assert.deepEqual(web["configs"], [
    { target: "/nginx", source: "shop_nginx.conf-333333333333" },
    { source: "shop_a_b.conf-111111111111", target: "/etc/conf/a b.conf" },
    { source: "shop_c-222222222222", target: "/etc/conf/sub/c" },
  ]);
  assert.deepEqual(web["ports"], [{ target: 80, published: 8080, mode: "host" }, "8080:81"]);
  assert.deepEqual(web["secrets"], [
    { target: "pw", uid: "7", gid: "8", mode: 0o440, source: "shop_password-555555555555" },
  ]);
  const deploy = web["deploy"] as Readonly<Record<string, unknown>>;
  assert.deepEqual(deploy["update_config"], {
    ...{ parallelism: 3, failure_action: "pause", monitor: "9s", order: "start-first" },
  });
  assert.deepEqual(deploy["rollback_config"], { order: "start-first" });
  assert.deepEqual(deploy["labels"], { "io.sealift.service": services[0].signature });
  assert.deepEqual(
    configs.map(({ path }) => path),
    ["nginx.conf", "conf/a b.conf", "conf/sub/c"],
  );
  assert.deepEqual(secrets, [
    { name: "shop_password-555555555555", path: "/run/sealift/secrets/shop/password.55555555" },
  ]);
  assert.match(id, /^2\.4\.0-[0-9a-f]{8}$/);
});

test("a service that is new is watched for its monitor time", () => {
  const monitorOf = (monitor?: string): unknown => {
    const update = { timeout: 300, ...(monitor === undefined ? {} : { monitor }) };
    return stackReleaseOf({ ...spec, update }, app, [secret], undefined).services[0]?.monitor;
  };
  assert.deepEqual(
    [undefined, "40s", "1m30s", "1h0m5s", "500ms", "0s"].map(monitorOf),
    [9, 40, 90, 3605, 1, 0],
  );
});

test("a service has another signature when anything of it differs, and only then", () => {
  const of = (more: Partial<HostApp>, site: Partial<StackSpec> = {}): string =>
    stackReleaseOf({ ...spec, ...site }, { ...app, ...more }, [secret], undefined).services[0]?.signature ??
    "";
  const same = of({});
  assert.equal(of({}, { version: "2.5.0", keep: 3 }), same);
  assert.notEqual(of({ images: [{ ...image, sha256: hex("c") }] }), same);
  assert.notEqual(of({}, { values: { URL: "other" } }), same);
  assert.notEqual(of({}, { update: { timeout: 300 } }), same);
  const members = app.archive.members.map((one) => ({ ...one, sha256: hex("9") }));
  assert.notEqual(of({ archive: { ...app.archive, members } }), same);
});

test("with a registry, nodes pull by its name; names of a swarm have at most 64 characters", () => {
  const registry = { name: "registry.site", port: 5000, prefix: "mirror/" };
  assert.match(stackImage(image, registry), /^registry\.site:5000\/mirror\/.*nginx@sha256:b{64}$/);
  const name = "a".repeat(40);
  const long = stackReleaseOf(
    { ...spec, name },
    {
      ...{ ...app, name },
      archive: { ...app.archive, members: [{ path: "conf/a-rather-long-name.conf", sha256: hex("1") }] },
    },
    [],
    undefined,
  );
  for (const one of long.configs) assert.ok(one.name.length <= 64, one.name);
});

test("the phase is one of managers, and its plan has no secret", () => {
  const files = { stacks: [app], secrets: [secret] };
  const hosts = ["node-a", "node-b"].map((name) => ({ ...exampleHost(), name, stacks: [spec] }));
  const [manager, worker] = hosts.map((host) => {
    const pool = { base: "172.29.0.0/16" };
    const site = {
      name: "plant-1",
      managers: ["node-a"],
      workers: { hosts: ["node-b"] },
      addressPool: pool,
    };
    const swarm = swarmOf(site, hosts, host.name);
    assert.ok(swarm);
    return { ...host, swarm };
  });
  assert.ok(manager && worker);
  assert.equal(stacksPhase(exampleHost(), files), undefined);
  assert.equal(stacksPhase(worker, files), undefined);
  const phase = stacksPhase(manager, files);
  assert.deepEqual(
    phase?.steps.map(({ code }) => code),
    ["archive", "configs", "secrets", "file", "networks", "service.web", "rest", "current", "kept"].map(
      (one) => `stacks.shop.${one}`,
    ),
  );
});
