/** Applications: from a Compose project of the repository over the lock into the bundle, and what is refused on the way. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { chmod, cp, rm, symlink, truncate } from "node:fs/promises";
import { dirname } from "node:path";
import { before, beforeEach, test } from "node:test";
import { stringify } from "yaml";
import { withFrames } from "../../modules/core/document/frames.ts";
import { formatProblem, type Problem } from "../../modules/core/errors.ts";
import { buildBundle } from "../../offline-bundle/build.ts";
import { fetchBundle } from "../../offline-bundle/fetch.ts";
import { lockBundle } from "../../offline-bundle/lock.ts";
import { lockIndex } from "../../offline-bundle/spec/lock-index.ts";
import { readLock } from "../../offline-bundle/spec/lock-file.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import { assertRefused } from "../support/assert/assert-refusal.ts";
import { type AppRepository, appRepository, shopProject } from "../support/fixtures/app-repository.ts";
import { useComposePlugin } from "../support/fixtures/compose-plugin.ts";
import { tinyImage } from "../support/fixtures/tiny-bundle.ts";
import { undoAfter } from "../support/process/undo.ts";

let repository: AppRepository;
const undo = undoAfter();
before(async () => {
  undo(await useComposePlugin());
  repository = await appRepository();
  undo(() => repository.remove());
});

beforeEach(() => repository.reset());

test("an application is locked, fetched, built and verified, and the lock finds it", async () => {
  const warnings: Problem[] = [];
  const { lock } = await lockBundle({ ...repository, warn: (one) => warnings.push(one) });
  assert.deepEqual(warnings, []);
  const [pin] = lock.files;
  const config = pin?.project?.services[0]?.config ?? "";
  assert.match(config, /^[0-9a-f]{16}$/);
  assert.deepEqual(pin?.project, {
    file: "compose.yaml",
    services: [
      {
        name: "web",
        image: tinyImage,
        config,
        variables: ["ADMIN", "SHOP_URL"],
        envFiles: ["web.env"],
        ...{ configs: ["nginx"], secrets: ["db_password"] },
        binds: [{ source: "conf/web", target: "/etc/web", readOnly: true }],
        mounts: [{ target: "/data", volume: "data" }],
        ports: [
          { published: "8080", protocol: "tcp" },
          { published: "${ADMIN:-9000}", protocol: "tcp", address: "127.0.0.1" },
        ],
      },
    ],
    configs: { nginx: "conf/nginx.conf" },
    secrets: ["db_password"],
  });
  const { name, version, platform, kind, url, sources } = pin;
  assert.deepEqual(
    { name, version, platform, kind, url, sources },
    {
      ...{ name: "shop", version: "2.4.0", platform: "any", kind: "app" },
      ...{ url: "app:../apps/shop/2.4.0/compose.yaml", sources: ["computed-here"] },
    },
  );
  assert.deepEqual(
    pin.members?.map(({ path }) => path),
    [".env", "compose.yaml", "conf/nginx.conf", "conf/web/a.txt", "web.env"],
  );
  assert.deepEqual(await readLock(repository.lockFile), lock);

  await rm(repository.store, { recursive: true });
  assert.equal((await fetchBundle(repository)).files, 1);
  const directory = repository.at("bundle");
  await buildBundle({ ...repository, directory, key: repository.key });
  const bundle = await verifyBundle(directory, { allowedSigners: repository.allowedSigners });
  const app = bundle.app("shop", "2.4.0");
  assert.ok(app);
  assert.deepEqual(app.project, pin.project);
  assert.deepEqual(
    app.images.map(({ name: image, digest }) => `${image} ${digest}`),
    lock.images.map(({ name: image, digest }) => `${image} ${digest}`),
  );
  assert.deepEqual(
    bundle.apps().map((one) => `${one.name} ${one.version}`),
    ["shop 2.4.0"],
  );
  assert.equal(lockIndex(lock).app("shop", "2.5.0"), undefined);
  const listed = execFileSync(
    "tar",
    ["--list", "--verbose", "--numeric-owner", "--utc", "--file", app.path],
    {
      encoding: "utf8",
    },
  );
  assert.match(listed, /^-rw-r--r-- 0\/0 +\d+ 1970-01-01 00:00 compose\.yaml$/m);
  assert.equal(listed.trim().split("\n").length, 5);
  const again = await lockBundle({ ...repository, check: true });
  assert.equal(again.changed, false);
  assert.doesNotMatch(readFileSync(repository.lockFile, "utf8"), /for runs by hand/);
});

/** The places and messages of a refused lock. */
async function refusals(): Promise<readonly string[]> {
  return (await assertRefused(lockBundle(repository))).map(formatProblem);
}

test("a changed file of a pinned version is refused, and pinned again on request", async () => {
  const { lock } = await lockBundle(repository);
  await repository.writeProject({ "conf/nginx.conf": "events { }\n", "conf/web/b.txt": "b\n" });
  const [problem] = await refusals();
  assert.match(problem ?? "", /apps\/shop\/2\.4\.0\/compose\.yaml: E_PIN_MISMATCH /);
  assert.match(problem ?? "", /conf\/nginx\.conf changed, conf\/web\/b\.txt added/);
  assert.match(problem ?? "", /sealift bundle lock --update/);
  await assertRefused(buildBundle({ ...repository, directory: repository.at("bundle") }));
  const { lock: next } = await lockBundle({ ...repository, update: ["shop"] });
  assert.notEqual(next.files[0]?.sha256, lock.files[0]?.sha256);
});

interface Refused {
  readonly what: string;
  /** Of the service web, beside its image. */
  readonly service?: object;
  readonly compose?: object;
  readonly files?: Readonly<Record<string, string>>;
  /** Place and code. */
  readonly problem: RegExp;
  readonly also?: RegExp;
}

const refused: readonly Refused[] = [
  {
    what: "a service that is only built",
    service: { image: undefined, build: "." },
    problem: /compose\.yaml:3:5: E_APP_BUILD services\.web\.build/,
    also: /image:/,
  },
  ...["always", "build", "daily", "weekly"].map((policy) => ({
    what: `pull_policy: ${policy}`,
    service: { pull_policy: policy },
    // Older lines of compose do not have all of them.
    problem:
      /compose\.yaml:4:\d+: (E_APP_PULL services\.web\.pull_policy|E_APP_COMPOSE docker compose config)/,
    also: /pull_policy/,
  })),
  ...[
    "oci://registry.example/shop:1",
    "https://git.example/shop.git",
    "git@git.example:shop.git",
    "github.com/shop/shop",
    "http://web.example/compose.yaml",
    "/etc/compose.yaml",
  ].map((target) => ({
    what: `an include from ${target}`,
    compose: { include: [target] },
    problem: /compose\.yaml:\d+:\d+: E_APP_REMOTE include/,
    also: new RegExp(target.replaceAll(/[.?]/g, "\\$&")),
  })),
  {
    what: "a remote include in an included file",
    compose: { include: ["more/inner.yaml"] },
    files: { "more/inner.yaml": "include:\n  - oci://registry.example/x:1\n" },
    problem: /more\/inner\.yaml:2:5: E_APP_REMOTE include/,
  },
  {
    what: "a service that extends a remote file",
    service: { extends: { file: "https://git.example/x.git", service: "x" } },
    problem: /compose\.yaml:5:7: E_APP_REMOTE include/,
  },
  ...[
    ["docker.io/library/hello:latest", /tag that names a version/],
    ["docker.io/library/hello", /add the tag/],
    ["hello:1", /write docker\.io\/library\/hello:1/],
    ["${REGISTRY:-docker.io}/library/hello:1", /without variables/],
    ["docker.io/library/hello:${TAG}", /without variables/],
  ].map(([image, also]) => ({
    what: `the image ${String(image)}`,
    service: { image },
    problem: /compose\.yaml:3:12: E_APP_IMAGE services\.web\.image/,
    also: also as RegExp,
  })),
  {
    what: "a password in environment:",
    service: { environment: { DB_PASSWORD: "hunter2" } },
    problem: /compose\.yaml:4:5: E_APP_SECRET services\.web\.environment/,
    also: /DB_PASSWORD_FILE/,
  },
  {
    what: "a token in a list of environment:",
    service: { environment: ["API_TOKEN=hunter2"] },
    problem: /E_APP_SECRET services\.web\.environment/,
  },
  {
    what: "a token in a short list of environment:",
    files: {
      "compose.yaml": `services: { web: { image: "${tinyImage}", environment: [API_TOKEN=hunter2] } }\n`,
    },
    problem: /compose\.yaml:1:\d+: E_APP_SECRET services\.web\.environment/,
  },
  {
    what: "a password as a default value",
    service: { environment: { DB_PASSWORD: "${DB_PASSWORD:-hunter2}" } },
    problem: /E_APP_SECRET services\.web\.environment/,
  },
  {
    what: "a login in a URL",
    service: { environment: { DATABASE_URL: "postgres://shop:hunter2@db/shop" } },
    problem: /E_APP_SECRET services\.web\.environment/,
  },
  {
    what: "a private key in an env_file",
    service: { env_file: ["keys.env"] },
    files: { "keys.env": "# keys\nexport SIGNING_PRIVATE_KEY='hunter2'\n" },
    problem: /keys\.env:2: E_APP_SECRET services\.web\.env_file/,
  },
  {
    what: "a password in .env",
    files: { ".env": "DB_PASSWORD=hunter2\n" },
    problem: /\.env:1: E_APP_SECRET the file \.env/,
  },
  {
    what: "a secret from an environment variable",
    service: { secrets: ["one"] },
    compose: { secrets: { one: { environment: "ONE" } } },
    problem: /compose\.yaml:\d+:\d+: E_APP_SECRET secrets one/,
  },
  {
    what: "a mount whose path is a variable",
    service: { volumes: ["${DATA}/x:/x"] },
    problem: /compose\.yaml:4:5: E_APP_MOUNT services\.web\.volumes/,
    also: /\$\{DATA\}\/x/,
  },
  {
    what: "a mount above the folder",
    service: { volumes: ["../../other:/x"] },
    problem: /compose\.yaml:4:5: E_APP_FILES services\.web\.volumes/,
    also: /above the folder/,
  },
  {
    what: "a mount of a home",
    service: { volumes: ["~/x:/x"] },
    problem: /E_APP_FILES services\.web\.volumes/,
  },
  {
    what: "a mount of a folder that the project does not have",
    service: { volumes: ["./data:/data"] },
    problem: /E_APP_FILES services\.web\.volumes/,
    also: /named volume/,
  },
  {
    what: "an env_file that the project does not have",
    service: { env_file: ["absent.env"] },
    problem: /compose\.yaml:4:5: E_APP_FILES services\.web\.env_file/,
  },
  ...["/etc/shadow", "${FILE}", "../x.env"].map((path) => ({
    what: `the env_file ${path}, which may be absent`,
    service: { env_file: [{ path, required: false }] },
    problem: /compose\.yaml:4:5: E_APP_FILES services\.web\.env_file/,
  })),
  {
    what: "a config that the project does not have",
    service: { configs: ["one"] },
    compose: { configs: { one: { file: "./absent" } } },
    problem: /E_APP_FILES configs one/,
  },
  {
    what: "a profile",
    service: { profiles: ["tools"] },
    problem: /compose\.yaml:4:5: E_APP_SERVICE services\.web\.profiles/,
  },
  {
    what: "two containers that publish one port",
    service: { ports: ["80:80"], deploy: { replicas: 2 } },
    problem: /E_APP_SERVICE services\.web\.ports/,
  },
  {
    what: "a hook with an image of its own",
    service: { pre_start: [{ image: "docker.io/library/hello:2", command: ["true"] }] },
    // Older lines of compose do not have hooks.
    problem: /E_APP_IMAGE services\.web\.pre_start|E_APP_COMPOSE/,
  },
  {
    what: "a variable in cgroup",
    service: { cgroup: "${N}" },
    // The plugin has a list of its values.
    problem: /E_APP_COMPOSE docker compose config|E_APP_SERVICE services\.web\.cgroup/,
    also: /cgroup/,
  },
  ...[
    { privileged: "${P:-true}" },
    { network_mode: "${N:-host}" },
    ...["pid", "ipc", "uts", "userns_mode"].map((key) => ({ [key]: "${N}" })),
    { cap_add: ["${C}"] },
    { devices: ["${D}"] },
    { device_cgroup_rules: ["${R}"] },
    { security_opt: ["${S}"] },
    { runtime: "$R" },
    { volumes_from: ["${V}"] },
    { post_start: [{ command: ["true"], privileged: "${P}" }] },
    { deploy: { resources: { reservations: { devices: [{ capabilities: ["gpu"], driver: "${G}" }] } } } },
  ].map((service) => ({
    what: `a variable in ${Object.keys(service).join()}`,
    service,
    // Older lines of compose do not have hooks.
    problem: new RegExp(
      `compose\\.yaml:4:5: (E_APP_SERVICE services\\.web\\.${Object.keys(service).join()}|E_APP_COMPOSE)`,
    ),
    also: /a variable in|post_start/,
  })),
  ...["network_mode", "pid", "ipc"].flatMap((key) =>
    ["container:other", "service:other"].map((value) => ({
      what: `${key}: ${value}`,
      compose: {
        services: { web: { image: tinyImage, [key]: value }, other: { image: tinyImage } },
      },
      problem: new RegExp(`compose\\.yaml:4:5: E_APP_SERVICE services\\.web\\.${key}`),
      also: new RegExp(value),
    })),
  ),
  {
    what: "volumes_from another service",
    compose: {
      services: { web: { image: tinyImage, volumes_from: ["other"] }, other: { image: tinyImage } },
    },
    problem: /compose\.yaml:4:5: E_APP_SERVICE services\.web\.volumes_from/,
  },
  ...["${VOL}", "$VOL", "${VOL}:/x", "./one:${TARGET}", "${VOL:-/etc:/x}"].map((volume) => ({
    what: `the volume ${volume}`,
    service: { volumes: [volume] },
    files: { one: "1" },
    problem: /compose\.yaml:4:5: E_APP_MOUNT services\.web\.volumes/,
  })),
  {
    what: "a volume of a type that is none of a host",
    service: { volumes: [{ type: "npipe", source: "/x", target: "/y" }] },
    problem: /compose\.yaml:4:5: E_APP_MOUNT services\.web\.volumes/,
  },
  ...[
    { name: "${NAME}" },
    { name: "/etc", external: true },
    { driver: "${DRIVER}" },
    { driver_opts: { type: "none", o: "bind", device: "${DEVICE}" } },
  ].map((data) => ({
    what: `a top-level volume with ${JSON.stringify(data)}`,
    compose: { volumes: { data } },
    problem: /compose\.yaml:6:\d+: E_APP_MOUNT volumes\.data/,
  })),
  ...["host", "container:x", "${NAME}"].map((name) => ({
    what: `the network ${name}`,
    service: { networks: ["outer"] },
    compose: { networks: { outer: { external: true, name } } },
    problem: /compose\.yaml:9:5: E_APP_SERVICE networks\.outer/,
  })),
  {
    what: "a variable as the driver of a network",
    service: { networks: ["outer"] },
    compose: { networks: { outer: { driver: "${DRIVER}" } } },
    problem: /compose\.yaml:\d+:\d+: E_APP_SERVICE networks\.outer\.driver/,
  },
  ...[{ deploy: { replicas: "${N:-2}" } }, { scale: "${N}" }].map((service) => ({
    what: `a variable as the number of containers in ${Object.keys(service).join()}`,
    service,
    problem: /compose\.yaml:4:5: E_APP_SERVICE services\.web\.(deploy|scale)/,
  })),
  ...[{ restart: "${R:-always}" }, { deploy: { restart_policy: { condition: "${R}" } } }].map((service) => ({
    what: `a variable as the restart policy in ${Object.keys(service).join()}`,
    service,
    problem: /compose\.yaml:4:5: E_APP_SERVICE services\.web\.(deploy|restart)/,
    also: /unless-stopped/,
  })),
  {
    what: "an env_file with a format",
    service: { env_file: [{ path: "web.env", format: "raw" }] },
    files: { "web.env": "A=$B\n" },
    problem: /compose\.yaml:4:5: E_APP_SERVICE services\.web\.env_file/,
  },
  ...[
    "./conf:/conf",
    "./conf:/conf:rw",
    { type: "bind", source: "./conf", target: "/conf", read_only: "${RO:-true}" },
  ].map((volume) => ({
    what: `the writable mount of project files ${JSON.stringify(volume)}`,
    service: { volumes: [volume] },
    files: { "conf/a": "a" },
    problem: /compose\.yaml:4:5: E_APP_MOUNT services\.web\.volumes/,
    also: /found: service web may write to \.\/conf; expected: a mount of project files that is read-only; fix: add :ro, or use/,
  })),
  ...["a b", "a;b", "ä", "$(x)", "a\nb", "conf d/x"].map((name) => ({
    what: `the file name ${JSON.stringify(name)}`,
    files: { [name]: "x" },
    problem: /apps\/shop\/2\.4\.0: E_APP_FILES /,
    also: /a name (with other characters|that a lock cannot have)/,
  })),
  ...["COMPOSE_FILE=x.yaml", "export DOCKER_HOST=tcp://x", "\uFEFF COMPOSE_PROFILES: all"].map((line) => ({
    what: `in .env: ${JSON.stringify(line)}`,
    files: { ".env": `${line.startsWith("\uFEFF") ? "" : "# DOCKER_X=1\n"}${line}\n` },
    problem: line.startsWith("\uFEFF") ? /\.env:1: E_APP_SERVICE/ : /\.env:2: E_APP_SERVICE/,
    also: /a value for (COMPOSE|DOCKER)_/,
  })),
  ...["more/.env", "values.env"].map((file) => ({
    what: `in ${file} of an included project: DOCKER_HOST`,
    compose: { include: [{ path: "more/inner.yaml", env_file: ["values.env"] }] },
    files: {
      "more/inner.yaml": `services: { inner: { image: "${tinyImage}" } }\n`,
      "values.env": "A=1\n",
      [file]: "A=1\nDOCKER_HOST=tcp://x\n",
    },
    problem: new RegExp(`${file.replace(".", "\\.")}:2: E_APP_SERVICE`),
  })),
  {
    what: "one name with two digests",
    service: { image: `${tinyImage}@sha256:${"1".repeat(64)}` },
    compose: {
      services: { web: { image: `${tinyImage}@sha256:${"1".repeat(64)}` }, other: { image: tinyImage } },
    },
    problem: /compose\.yaml:\d+:\d+: E_APP_IMAGE docker\.io\/library\/hello:1/,
  },
  {
    what: "a key that Compose does not have",
    service: { imagee: "x" },
    problem: /compose\.yaml:\d+:\d+: E_APP_COMPOSE docker compose config/,
    also: /imagee/,
  },
  {
    what: "a file that is not YAML",
    files: { "compose.yaml": "services: [\n" },
    problem: /compose\.yaml:\d+:\d+: E_YAML/,
  },
];

for (const { what, service = {}, compose = {}, files = {}, problem, also } of refused) {
  test(`lock refuses, at its place: ${what}`, async () => {
    const web = { image: tinyImage, ...service };
    await rm(repository.at("apps", "shop", "2.4.0"), { recursive: true });
    await repository.writeProject({ "compose.yaml": stringify({ services: { web }, ...compose }), ...files });
    const problems = await assertRefused(lockBundle(repository));
    const texts = problems.map(formatProblem);
    const found = texts.find((text) => problem.test(text));
    assert.ok(found, texts.join("\n"));
    assert.match(found, also ?? /fix:/);
    assert.doesNotMatch(withFrames(problems), /hunter2/, "no secret is printed");
  });
}

test("what looks like a secret but is none is carried", async () => {
  const environment = {
    DB_PASSWORD_FILE: "/run/secrets/db",
    MYSQL_ALLOW_EMPTY_PASSWORD: "yes",
    TOKEN_LIFETIME: "3600",
    API_TOKEN: "${API_TOKEN:?set it}",
    URL: "postgres://shop:${PASSWORD}@db/shop",
  };
  await repository.writeProject({
    "compose.yaml": stringify({ services: { web: { image: tinyImage, environment } } }),
  });
  await lockBundle(repository);
});

test("ports, paths and rights over the host are recorded for the rules of a site", async () => {
  const services = {
    web: {
      image: tinyImage,
      ports: ["53:53/udp", "8000-8001:80-81", "127.0.0.1::90", { target: 443, published: "${TLS:-443}" }],
      volumes: ["/var/run/docker.sock:/s.sock:ro", "/srv/x:/x"],
      ...{
        privileged: true,
        pid: "host",
        ipc: "host",
        network_mode: "host",
        uts: "host",
        userns_mode: "host",
      },
    },
    strong: { image: tinyImage, cap_add: ["SYS_ADMIN"], volumes: ["/run:/run"] },
  };
  await repository.writeProject({ "compose.yaml": stringify({ services }) });
  const { lock } = await lockBundle(repository);
  const [strong, web] = lock.files[0]?.project?.services ?? [];
  assert.deepEqual(web?.ports, [
    { published: "53", protocol: "udp" },
    { published: "8000", protocol: "tcp" },
    { published: "8001", protocol: "tcp" },
    { published: "${TLS:-443}", protocol: "tcp" },
  ]);
  assert.deepEqual(web.hostPaths, ["/srv/x", "/var/run/docker.sock"]);
  assert.deepEqual(web.needs, [
    ...["docker.sock", "privileged", "host-ipc", "host-network", "host-pid", "host-userns", "host-uts"],
  ]);
  assert.deepEqual(strong?.needs, ["docker.sock", "privileged"]);
});

test("devices, capabilities, other runtimes and weaker confinement are rights over the host", async () => {
  const services = {
    plain: {
      ...{ image: tinyImage, cap_drop: ["ALL"], cap_add: ["NET_BIND_SERVICE", "cap_chown"] },
      ...{ security_opt: ["no-new-privileges:true"], privileged: "no", volumes: ["own:/x"] },
    },
    net: { image: tinyImage, cap_add: ["NET_ADMIN"] },
    yes: { image: tinyImage, privileged: "yes" },
    device: { image: tinyImage, devices: ["/dev/null:/dev/null"] },
    rule: { image: tinyImage, device_cgroup_rules: ["c 1:3 mr"] },
    gpu: { image: tinyImage, gpus: "all" },
    reserved: {
      image: tinyImage,
      deploy: { resources: { reservations: { devices: [{ capabilities: ["gpu"] }] } } },
    },
    open: { image: tinyImage, security_opt: ["seccomp=unconfined"], runtime: "other" },
    disk: { image: tinyImage, volumes: ["bound:/x", "run:/run", "overlay:/o", "nfs:/n"] },
  };
  const volumes = {
    own: { driver_opts: { type: "tmpfs", device: "tmpfs" } },
    bound: { driver_opts: { type: "none", o: "bind,ro", device: "/srv/../etc/" } },
    run: { driver_opts: { type: "tmpfs", o: "rbind", device: "run" } },
    overlay: { driver_opts: { type: "overlay", o: "lowerdir=/l:/m,upperdir=/u", device: "overlay" } },
    nfs: { driver_opts: { type: "nfs", o: "addr=192.0.2.1", device: ":/export" } },
  };
  await repository.writeProject({ "compose.yaml": stringify({ services, volumes }) });
  const { lock } = await lockBundle(repository);
  const found = (lock.files[0]?.project?.services ?? []).map(({ name, needs = [], hostPaths = [] }) => [
    ...[name, ...needs],
    ...hostPaths,
  ]);
  assert.deepEqual(found, [
    ["device", "devices"],
    ["disk", "docker.sock", "/etc", "/l", "/m", "/overlay", "/run", "/u"],
    ["gpu", "devices"],
    ["net", "privileged"],
    ["open", "runtime", "security-options"],
    ["plain"],
    ["reserved", "devices"],
    ["rule", "devices"],
    ["yes", "privileged"],
  ]);
});

test("a policy that starts stopped containers at boot is recorded: always, and any of deploy", async () => {
  const policy = (condition: string): object => ({ deploy: { restart_policy: { condition } } });
  const services = {
    always: { image: tinyImage, restart: "always" },
    any: { image: tinyImage, ...policy("any") },
    // compose takes that of deploy.
    both: { image: tinyImage, restart: "always", ...policy("on-failure") },
    failure: { image: tinyImage, restart: "on-failure:3" },
    never: { image: tinyImage, restart: "no" },
    none: { image: tinyImage },
    stopped: { image: tinyImage, restart: "unless-stopped" },
  };
  await repository.writeProject({ "compose.yaml": stringify({ services }) });
  const { lock } = await lockBundle(repository);
  const found = (lock.files[0]?.project?.services ?? []).flatMap(({ name, restart }) =>
    restart === undefined ? [] : [`${name} ${restart}`],
  );
  assert.deepEqual(found, ["always always", "any any"]);
});

/**
 * Every key of a service that reaches beyond its container: allowed (no words), a right over the host (its name), or refused by lock (its
 * code). Older lines of compose do not have all keys.
 */
const reaching: readonly (readonly [service: object, ...decided: readonly string[]])[] = [
  [{ cgroup_parent: "system.slice" }, "host-cgroup"],
  [{ cgroup_parent: "${PARENT}" }, "E_APP_SERVICE services.web.cgroup_parent"],
  [{ credential_spec: { file: "/etc/shadow" } }, "E_APP_SERVICE services.web.credential_spec"],
  [{ develop: { watch: [{ path: ".", action: "rebuild" }] } }],
  [{ device_cgroup_rules: ["c 1:3 mr"] }, "devices"],
  [{ external_links: ["other_database_1:database"] }, "E_APP_SERVICE services.web.external_links"],
  [{ extra_hosts: ["host.docker.internal:host-gateway"] }],
  [{ gpus: "all" }, "devices"],
  [{ label_file: "./web.labels" }, "E_APP_SERVICE services.web.label_file"],
  [{ labels: { "com.docker.compose.project": "other" } }, "E_APP_SERVICE services.web.labels"],
  [{ labels: ["io.sealift.service=1"] }, "E_APP_SERVICE services.web.labels"],
  [{ labels: { "org.example.owner": "team" } }],
  [{ links: ["other"] }],
  ...["json-file", "local", "journald", "none", "syslog"].map((driver) => [{ logging: { driver } }] as const),
  [
    {
      logging: {
        driver: "json-file",
        options: { "max-size": "${SIZE:-10m}", "max-file": "3", tag: "{{.Name}}" },
      },
    },
  ],
  [{ logging: { driver: "syslog", options: { "syslog-address": "tcp://192.0.2.1:514" } } }, "logging"],
  [{ logging: { driver: "syslog", options: { "syslog-tls-key": "/etc/ssl/private/key.pem" } } }, "logging"],
  // The driver may be that of daemon.json.
  [{ logging: { options: { "syslog-address": "unixgram:///srv/socket" } } }, "logging"],
  ...["awslogs", "fluentd", "gcplogs", "gelf", "splunk", "registry.example/plugin:1"].map(
    (driver) => [{ logging: { driver } }, "logging"] as const,
  ),
  [{ logging: { driver: "${DRIVER}" } }, "E_APP_SERVICE services.web.logging"],
  [
    { logging: { driver: "syslog", options: { "syslog-address": "${TO}" } } },
    "E_APP_SERVICE services.web.logging",
  ],
  [{ models: ["llm"] }, "E_APP_SERVICE services.web.models"],
  [{ network_mode: "container:other" }, "E_APP_SERVICE services.web.network_mode"],
  [{ network_mode: "none" }],
  [{ networks: ["beside"] }, "host-network"],
  [{ networks: ["inside"] }],
  ...["post_start", "pre_stop"].map(
    (hook) => [{ [hook]: [{ command: ["true"], privileged: true }] }, "privileged"] as const,
  ),
  [{ post_start: [{ command: ["true"] }] }],
  [{ provider: { type: "model" } }, "E_APP_SERVICE services.web.provider"],
  [{ runtime: "kata" }, "runtime"],
  [{ use_api_socket: true }, "docker.sock"],
  [{ userns_mode: "host" }, "host-userns"],
  [{ volumes_from: ["container:other"] }, "E_APP_SERVICE services.web.volumes_from"],
];

for (const [service, ...decided] of reaching)
  test(`beyond its container: ${JSON.stringify(service)}: ${decided.join() || "allowed"}`, async () => {
    const project = {
      services: { web: { image: tinyImage, ...service }, other: { image: tinyImage } },
      networks: {
        beside: { driver: "macvlan", driver_opts: { parent: "eth0" } },
        inside: { driver: "bridge" },
      },
      ...("models" in service ? { models: { llm: { model: "ai/model" } } } : {}),
    };
    await repository.writeProject({ "compose.yaml": stringify(project), "web.labels": "a=b\n" });
    const [refusal = ""] = decided.filter((one) => one.startsWith("E_"));
    if (refusal !== "") {
      const texts = (await refusals()).join("\n");
      assert.ok(texts.includes(`${refusal}: found: `), texts);
      assert.match(texts, /compose\.yaml:4:5: .*; expected: .*; fix: /);
      return;
    }
    const { lock } = await lockBundle(repository);
    const web = lock.files[0]?.project?.services.find(({ name }) => name === "web");
    assert.deepEqual(web?.needs ?? [], decided);
  });

test("a service changes with its networks and inline configs, and not with its volumes or those of others", async () => {
  const project = {
    services: {
      web: {
        ...{ image: tinyImage, networks: ["front"], volumes: ["data:/data"] },
        configs: ["inline", "value"],
      },
      other: { image: tinyImage },
    },
    networks: { front: { driver_opts: { a: "${FRONT}" } } },
    volumes: { data: {} },
    configs: { inline: { content: "port ${PORT}\n" }, value: { environment: "VALUE" } },
  };
  const locked = async (change: object): Promise<readonly (readonly [string, string])[]> => {
    await repository.reset();
    await repository.writeProject({ "compose.yaml": stringify({ ...project, ...change }) });
    await rm(repository.lockFile, { force: true });
    const { lock } = await lockBundle(repository);
    return (lock.files[0]?.project?.services ?? []).map(({ config, variables = [] }) => [
      config,
      variables.join(" "),
    ]);
  };
  const [other, web] = await locked({});
  assert.deepEqual([other?.[1], web?.[1]], ["", "FRONT PORT VALUE"]);
  for (const change of [
    { networks: { front: { driver_opts: { a: "${FRONT}" }, internal: true } } },
    { networks: { front: { driver_opts: { a: "${FRONT}" }, name: "street" } } },
    { configs: { ...project.configs, inline: { content: "port ${PORT:-80}\n" } } },
    { configs: { ...project.configs, value: { environment: "OTHER" } } },
  ]) {
    const [otherNow, webNow] = await locked(change);
    assert.deepEqual(otherNow, other);
    assert.notEqual(webNow?.[0], web?.[0], JSON.stringify(change));
  }
  assert.deepEqual(await locked({ volumes: { data: { labels: { a: "b" } } } }), [other, web]);
  const [otherNow, webNow] = await locked({
    networks: { ...project.networks, default: { internal: true } },
  });
  assert.notDeepEqual(otherNow, other);
  assert.deepEqual(webNow, web);
});

test("a project that works, but not well, is carried with warnings", async () => {
  const services = {
    web: {
      image: tinyImage,
      volumes: ["./run.sh:/run.sh:ro"],
      depends_on: { job: { condition: "service_started" } },
    },
    job: { image: tinyImage },
    waited: { image: tinyImage },
    last: {
      image: tinyImage,
      restart: "always",
      depends_on: { waited: { condition: "service_completed_successfully" } },
    },
  };
  await repository.writeProject({ "compose.yaml": stringify({ services }), "run.sh": "#!/bin/sh\n" });
  await chmod(repository.at("apps", "shop", "2.4.0", "run.sh"), 0o755);
  const warnings: Problem[] = [];
  await lockBundle({ ...repository, warn: (one) => warnings.push(one) });
  assert.deepEqual(
    warnings.map(({ code, found }) => `${code} ${found}`),
    [
      "E_APP_HEALTHCHECK no healthcheck: job, last, web",
      "E_APP_LIMITS no memory limit: job, last, waited, web",
      "E_APP_ONE_SHOT neither restarted nor waited for: job, web",
      "E_APP_EXECUTABLE executable files, which are carried without that right (run.sh): job",
    ],
  );
});

test("links in the folder of a project are refused", async () => {
  await symlink("/etc/passwd", repository.at("apps", "shop", "2.4.0", "conf", "passwd"));
  const [problem] = await refusals();
  assert.match(problem ?? "", /apps\/shop\/2\.4\.0: E_APP_FILES conf\/passwd/);
  assert.match(problem ?? "", /a symbolic link/);
});

test("a file whose name a lock cannot have is refused, and so is more than a project needs", async () => {
  await repository.writeProject({ "conf/-x": "x" });
  assert.match((await refusals()).join(), /E_APP_FILES conf\/-x: .*a name that a lock cannot have/);
  await repository.reset();
  await truncate(repository.at("apps", "shop", "2.4.0", "conf", "nginx.conf"), 65 * 1024 * 1024);
  assert.match((await refusals()).join(), /E_APP_FILES .*more than 67108864 bytes/);
});

test("a folder outside the repository is refused", async () => {
  await cp(repository.at("apps"), repository.at("..", "elsewhere"), { recursive: true });
  await rm(repository.at("apps"), { recursive: true });
  await symlink(repository.at("..", "elsewhere"), repository.at("apps"));
  assert.match((await refusals())[0] ?? "", /E_APP_FILES .*leads out of the repository/s);
});

test("without the compose plugin the message says what to install", async () => {
  const before = process.env["PATH"];
  process.env["PATH"] = dirname(process.execPath);
  try {
    assert.match((await refusals())[0] ?? "", /E_TOOL docker compose.*docker-compose-plugin/s);
  } finally {
    process.env["PATH"] = before;
  }
});

test("with swarm: true a project is locked as a stack as well, and refused where a swarm would not carry it out", async () => {
  const compose = "../apps/shop/{version}/compose.yaml";
  const app = { name: "shop", versions: ["2.4.0"], compose, licence: "Apache-2.0" };
  const onSwarm = { apps: [{ ...app, swarm: true }] };
  await lockBundle(repository);
  await repository.writeSpec(["2.4.0"], onSwarm);
  const [stale] = (await assertRefused(fetchBundle(repository))).map(formatProblem);
  assert.match(stale ?? "", /E_LOCK_STALE shop 2\.4\.0 any: found: an application of hosts alone; /);
  const found = await refusals();
  assert.equal(found.length, 2, found.join("\n"));
  assert.match(
    found[0] ?? "",
    /compose\.yaml:\d+:\d+: E_APP_STACK services\.web\.ports: .*remove the address/,
  );
  assert.match(found[1] ?? "", /E_APP_STACK services\.web\.volumes: found: volume data of whichever node /);
  const text = shopProject["compose.yaml"] ?? "";
  const pinned = text
    .replace(/, "127[^\]]*/, "")
    .replace(
      "deploy: {",
      'depends_on: []\n    deploy: { placement: { constraints: ["node.labels.disk == fast"] },',
    );
  await repository.writeProject({ "compose.yaml": pinned });
  await rm(repository.lockFile);
  const warnings: Problem[] = [];
  const { lock } = await lockBundle({ ...repository, warn: (one) => warnings.push(one) });
  assert.deepEqual(warnings, []);
  assert.deepEqual(lock.files[0]?.project?.stack, {
    services: {
      web: {
        healthcheck: { test: ["CMD", "true"] },
        environment: { LOG_LEVEL: "info", DB_PASSWORD_FILE: "/run/secrets/db_password", URL: "${SHOP_URL}" },
        networks: { default: {} },
        ports: [{ target: 80, published: 8080, protocol: "tcp", mode: "ingress" }],
        volumes: [{ type: "volume", source: "data", target: "/data" }],
        configs: [{ source: "nginx" }],
        secrets: [{ source: "db_password", target: "/run/secrets/db_password" }],
        deploy: {
          mode: "replicated",
          placement: { constraints: ["node.labels.disk == fast"] },
          resources: { limits: { memory: "64M" } },
          restart_policy: { condition: "any" },
        },
      },
    },
    networks: { default: {} },
    volumes: { data: {} },
    defaults: { SHOP_URL: "http://localhost" },
  });
  assert.deepEqual(await readLock(repository.lockFile), lock);
  assert.equal((await lockBundle({ ...repository, check: true })).changed, false);
});
