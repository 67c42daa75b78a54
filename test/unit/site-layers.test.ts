import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { before, test } from "node:test";
import { parse } from "yaml";
import { SealiftError } from "../../modules/core/errors.ts";
import type { SeriesResolver } from "../../modules/core/site/layers/exact-versions.ts";
import { composeSite, readSite } from "../../modules/core/site/site.ts";
import type { Site } from "../../modules/core/site/site-spec.ts";
import { cachePath } from "../lab/cache.ts";
import { undoAfter } from "../support/process/undo.ts";
import schema from "../../stacks/site.schema.json" with { type: "json" };

let folder: string;
const undo = undoAfter();
before(async () => {
  await mkdir(cachePath("test"), { recursive: true });
  folder = await mkdtemp(cachePath("test", "layers-"));
  undo(() => rm(folder, { recursive: true }));
});

const shared = `site:
  bundle: { directory: bundle, allowedSigners: signers }
  daemon: { log-level: warn, debug: false }
  images: [docker.io/library/hello:1]
classes:
  host:
    sshUser: ops
    daemon: { log-driver: local, log-opts: { max-size: 20m }, features: { containerd-snapshotter: true } }
  app:
    extends: host
    volumes: { group: vg0, logicalVolumes: [{ name: data, size: 9GiB, mount: /data }] }
    daemon: { data-root: /data/docker, log-level: error }
teams:
  payments: { engine: "28.5", images: [docker.io/library/pay:1] }
  platform: { engine: 29.8.1, compose: 5.5.1 }
`;

const environment = `config:
  sealift:site:
    shared: site.yaml
    daemon: { log-level: debug }
    classes:
      app: { daemon: { debug: true } }
    teams:
      platform: { engine: 29.7.2 }
    hosts:
      - name: a
        class: app
        team: payments
        address: 10.0.0.1
        hostKey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0m4vL0J5dF9r0tKxA2yD3b7fJ0g6wQxq1m0R5cS1Ab
        volumes: { disks: [{ id: /dev/disk/by-id/scsi-a }] }
      - name: b
        class: app
        team: platform
        address: 10.0.0.2
        hostKey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0m4vL0J5dF9r0tKxA2yD3b7fJ0g6wQxq1m0R5cS1Ac
        volumes: { disks: [{ id: /dev/disk/by-id/scsi-b }], group: vg1 }
        daemon: { log-level: info }
`;

const lines: SeriesResolver = (what, line) => (what === "version" && line === "28.5" ? "28.5.2" : undefined);

/** Both files, written, and the environment read. */
async function site(environmentText = environment, sharedText = shared): Promise<Site> {
  return readSite(await value(environmentText, sharedText), place(), lines);
}

async function value(environmentText: string, sharedText: string): Promise<unknown> {
  await writeFile(join(folder, "site.yaml"), sharedText);
  await writeFile(join(folder, "Pulumi.dev.yaml"), environmentText);
  return (parse(environmentText) as { config: Record<string, unknown> }).config["sealift:site"];
}

function place(name = "Pulumi.dev.yaml"): string {
  return relative(process.cwd(), join(folder, name));
}

test("the more specific layer wins: host, team, class, the class that it extends, environment, shared file", async () => {
  const { bundle, hosts } = await site();
  const [a, b] = hosts;
  assert.ok(a !== undefined && b !== undefined);
  assert.deepEqual(bundle, { directory: "bundle", allowedSigners: "signers" });
  assert.equal(a.sshUser, "ops");
  assert.deepEqual(a.engine, { version: "28.5.2" });
  assert.deepEqual(b.engine, { version: "29.7.2", compose: "5.5.1" });
  assert.deepEqual([a.daemon["log-level"], b.daemon["log-level"]], ["error", "info"]);
  assert.equal(a.daemon["debug"], true);
  assert.deepEqual(a.daemon["log-opts"], { "max-size": "20m", "max-file": "5" });
  assert.deepEqual([a.volumes.group, b.volumes.group], ["vg0", "vg1"]);
  assert.deepEqual(a.images, ["docker.io/library/hello:1", "docker.io/library/pay:1"]);
  assert.equal(a.team, "payments");
});

test("maps of daemon are merged as well, and another log-driver starts log-opts again", async () => {
  const options = async (site_: string, class_: string, host: string): Promise<unknown> => {
    const { hosts } = await site(
      environment.replace("daemon: { log-level: info }", `daemon: { ${host} }`),
      shared
        .replace("daemon: { log-level: warn, debug: false }", `daemon: { ${site_} }`)
        .replace("log-driver: local, log-opts: { max-size: 20m }", class_),
    );
    return hosts[1]?.daemon["log-opts"];
  };
  const composed = "log-driver: local, log-opts: { max-size: 20m, max-file: '7' }";
  assert.deepEqual(await options(composed, "log-opts: { max-size: 50m }", "debug: true"), {
    "max-size": "50m",
    "max-file": "7",
  });
  assert.deepEqual(await options(composed, "debug: false", "log-opts: { max-file: '9' }"), {
    "max-size": "20m",
    "max-file": "9",
  });
  assert.deepEqual(await options(composed, "log-driver: journald, log-opts: { tag: x }", "debug: true"), {
    tag: "x",
  });
  assert.deepEqual(await options(composed, "debug: false", "log-driver: journald"), undefined);
});

test("every value has the file and the line where it was written", async () => {
  const { origins } = composeSite(await value(environment, shared), place());
  const at = (...path: (string | number)[]): string =>
    origins.locate(path).replace(`${relative(process.cwd(), folder)}/`, "");
  assert.equal(at("hosts", 0, "daemon", "log-opts"), "site.yaml:8:44");
  assert.equal(at("hosts", 0, "daemon", "debug"), "Pulumi.dev.yaml:6:31");
  assert.equal(at("hosts", 0, "engine", "version"), "site.yaml:14:23");
  assert.equal(at("hosts", 1, "engine", "version"), "Pulumi.dev.yaml:8:27");
  assert.equal(at("hosts", 1, "engine", "compose"), "site.yaml:15:40");
  assert.equal(at("daemon", "log-level"), "Pulumi.dev.yaml:4:26");
  assert.equal(at("daemon", "debug"), "site.yaml:3:37");
  assert.equal(at("hosts", 1, "daemon", "log-level"), "Pulumi.dev.yaml:22:30");
});

/** One mistake each, in the environment or in the shared file: what is replaced, by what, and the message of the refusal. */
const mistakes: readonly [string, "environment" | "shared", string, string, RegExp][] = [
  [
    "a class that nobody defines",
    "environment",
    "class: app\n        team: payments",
    "class: ap\n        team: payments",
    /^Pulumi\.dev\.yaml:11:16: E_CLASS_UNKNOWN hosts\[0\]\.class: found: class "ap" is not defined; expected: a defined class: host, app; fix: did you mean "app"\? Otherwise add it under classes: here or in the shared file$/,
  ],
  [
    "a team that nobody defines",
    "environment",
    "team: payments",
    "team: payment",
    /^Pulumi\.dev\.yaml:12:15: E_TEAM_UNKNOWN hosts\[0\]\.team: found: team "payment" is not defined; expected: a defined team: payments, platform; /,
  ],
  [
    "classes that extend each other",
    "shared",
    "    sshUser: ops",
    "    extends: app",
    /^site\.yaml:\d+:\d+: E_CLASS_CYCLE classes\.\w+\.extends: found: app -> host -> app; expected: a chain of classes without a cycle; /,
  ],
  [
    "a class extends one that nobody defines",
    "shared",
    "extends: host",
    "extends: hosts",
    /^site\.yaml:10:14: E_CLASS_UNKNOWN classes\.app\.extends: found: class "hosts" is not defined; /,
  ],
  [
    "a required key that no file has",
    "shared",
    "    sshUser: ops\n",
    "",
    /^Pulumi\.dev\.yaml:10:9: E_KEY_MISSING hosts\[0\]\.sshUser: found: nothing; /,
  ],
  [
    "a bundle that no file names",
    "shared",
    "  bundle: { directory: bundle, allowedSigners: signers }\n",
    "",
    /^Pulumi\.dev\.yaml:3:5: E_KEY_MISSING bundle: found: nothing; /,
  ],
  [
    "a slip in a class, told once and where it stands",
    "shared",
    "log-driver: local",
    "log-driver: lokal",
    /^site\.yaml:8:27: E_VALUE classes\.host\.daemon\.log-driver: found: "lokal"; /,
  ],
  [
    "a key that a team cannot have",
    "shared",
    "compose: 5.5.1",
    "docker: 5.5.1",
    /^site\.yaml:15:\d+: E_KEY_UNKNOWN teams\.platform\.docker: /,
  ],
  [
    "a shared file that is not there",
    "environment",
    "shared: site.yaml",
    "shared: sites.yaml",
    /E_SITE_MISSING shared: found: no such file: .*sites\.yaml; /,
  ],
  ["a shared file that is no YAML", "shared", "site:\n", "site: [\n", /^site\.yaml:\d+:\d+: E_YAML /],
];

for (const [title, where, from, to, words] of mistakes) {
  test(`refused with code, place and remedy: ${title}`, async () => {
    const texts = { environment, shared };
    const text = texts[where].replace(from, to);
    assert.notEqual(text, texts[where]);
    const error: unknown = await site(
      where === "environment" ? text : environment,
      where === "shared" ? text : shared,
    ).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof SealiftError, String(error));
    const reported = error.message.replaceAll(`${relative(process.cwd(), folder)}/`, "").split("\n");
    assert.match(reported[0] ?? "", words);
  });
}

test("a secret in the shared file is refused: Pulumi cannot encrypt it there", async () => {
  const users = `  users: [{ name: eve, uid: 1501, authorizedKeys: [], passwordHash: "$6$abc$${"x".repeat(86)}" }]\n`;
  await assert.rejects(site(environment, shared.replace("site:\n", `site:\n${users}`)), /E_SECRET_PLAIN/);
});

test("a site in one file is unchanged", async () => {
  const text = `config:\n  sealift:site:\n    bundle: { directory: b, allowedSigners: s }\n    hosts: []\n`;
  const { value: composed, texts } = composeSite(await value(text, shared), place());
  assert.deepEqual(composed, { bundle: { directory: "b", allowedSigners: "s" }, hosts: [] });
  assert.equal(texts.length, 1);
});

test("requirements for the bundle may be in the shared file, with every key that an environment has", () => {
  const keys = (properties: object): readonly string[] => Object.keys(properties).sort();
  assert.deepEqual(
    keys(schema.$defs.shared.properties.site.properties.bundle.properties),
    keys(schema.properties.bundle.properties),
  );
});

test("the workers of a swarm may be a class; those of it that are managers stay managers", async () => {
  const swarm =
    "    swarm: { name: s, managers: [a], workers: { class: host }, addressPool: { base: 172.29.0.0/16 } }\n    hosts:\n";
  const { hosts } = await site(environment.replace("    hosts:\n", swarm));
  assert.deepEqual(
    hosts[1]?.swarm?.members.map(({ host, role }) => [host, role]),
    [
      ["a", "manager"],
      ["b", "worker"],
    ],
  );
});
