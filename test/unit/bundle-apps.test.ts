/** What the lock says of an application against what a site allows on its hosts: each rule once kept and once broken. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { ComposeService } from "../../modules/core/host/compose-project.ts";
import { formatProblem } from "../../modules/core/errors.ts";
import type { AppSpec, HostSpec } from "../../modules/core/site/site-spec.ts";
import { lockCoverage } from "../../modules/environments/lock-coverage.ts";
import { hostAppProblems } from "../../offline-bundle/locking/host-app-problems.ts";
import type { Lock } from "../../offline-bundle/spec/lock-file.ts";
import { readLock } from "../../offline-bundle/spec/lock-file.ts";
import { cachePath, checkout } from "../lab/cache.ts";
import { exampleHost } from "../support/fixtures/example-host.ts";
import { changed, siteOf } from "../support/fixtures/site-text.ts";

const image = "docker.io/library/shop:1";

function lockOf(
  apps: Readonly<Record<string, Partial<ComposeService>>>,
  platforms = ["linux/amd64", "linux/arm64"],
): Lock {
  return {
    format: 1,
    serial: 1,
    platforms: ["linux/amd64"],
    images: [{ name: image, digest: `sha256:${"1".repeat(64)}`, platforms, sources: ["computed-here"] }],
    files: Object.entries(apps).map(([name, service]) => ({
      ...{ name, version: "1.0.0", platform: "any" as const, kind: "app" as const },
      url: `app:../apps/${name}/compose.yaml`,
      ...{ bytes: 1, sha256: "2".repeat(64), licence: "MIT", sources: ["computed-here"], members: [] },
      project: {
        file: "compose.yaml",
        services: [{ name: "web", image, config: "0".repeat(16), ...service }],
      },
    })),
  };
}

function appOf(name: string, more: Partial<AppSpec> = {}): AppSpec {
  const update = { order: "stop-first", monitor: 30, failure_action: "rollback", timeout: 300 } as const;
  return { name, version: "1.0.0", update, keep: 2, ...more };
}

function problems(
  services: Readonly<Record<string, Partial<ComposeService>>>,
  more: Partial<AppSpec> = {},
  host: Partial<HostSpec> = {},
): readonly string[] {
  const apps = Object.keys(services).map((name) => appOf(name, more));
  return hostAppProblems({ ...exampleHost(), apps, ...host }, lockOf(services), (app) => `site ${app}`).map(
    formatProblem,
  );
}

test("a version that the bundle lacks is refused, with those that it has", () => {
  const [problem, ...others] = problems({ shop: {} }, { version: "1.1.0" });
  assert.match(
    problem ?? "",
    /^site shop: E_APP_NOT_IN_BUNDLE node-a apps shop: found: shop 1\.1\.0; .*shop 1\.0\.0/,
  );
  assert.deepEqual(others, []);
  assert.deepEqual(problems({ shop: {} }), []);
});

test("an image of a service must be there for the architecture of the host", () => {
  const host = { ...exampleHost(), apps: [appOf("shop")] };
  const other = hostAppProblems(host, lockOf({ shop: {} }, ["linux/arm64"]), () => "site").map(formatProblem);
  assert.match(other.join(), /^site: E_BUNDLE_PLATFORM node-a apps shop/);
  assert.match(problems({ shop: { image: "docker.io/library/none:1" } }).join(), /E_IMAGE_NOT_IN_BUNDLE/);
});

test("a log that leaves the host needs a right of its own, which is not that of root", () => {
  const service = { needs: ["logging"] as const };
  assert.match(
    problems({ shop: service }).join(),
    /E_APP_RIGHTS .*needs logging: what it prints would leave this host.*allow: \[logging\]/,
  );
  assert.deepEqual(problems({ shop: service }, { allow: ["logging"] }), []);
});

test("what runs before an update is a one-shot of the Compose file", () => {
  const update = { ...appOf("shop").update, before: { run: "web" } };
  assert.match(
    problems({ shop: {} }, { update }).join(),
    /E_VALUE node-a apps shop: found: update\.before\.run: web; expected: a one-shot of its Compose file: none; /,
  );
  assert.deepEqual(problems({ shop: { oneShot: true } }, { update }), []);
});

test("rights over the host need the name of the right in allow:", () => {
  const service = { needs: ["docker.sock", "privileged"] as const, hostPaths: ["/var/run/docker.sock"] };
  const found = problems({ shop: service });
  assert.equal(found.length, 2);
  assert.match(found[0] ?? "", /E_APP_RIGHTS .*service web needs docker\.sock/);
  assert.match(found[0] ?? "", /allow: \[docker\.sock\]/);
  assert.match(
    problems({ shop: service }, { allow: ["docker.sock"] }).join(),
    /needs privileged.*no rights but docker\.sock/,
  );
  assert.deepEqual(problems({ shop: service }, { allow: ["docker.sock", "privileged"] }), []);
});

test("paths of the host lie on volumes of the site for applications, or are named in allow:", () => {
  const daemon = { "data-root": "/var/lib/docker" };
  const volumes = {
    group: "vg0",
    logicalVolumes: [
      { name: "docker", size: "1GiB", mount: "/var/lib/docker" },
      { name: "data", size: "1GiB", mount: "/data" },
    ],
    existing: [{ mount: "/srv" }],
  };
  const of = (path: string, allow: readonly string[] = []): readonly string[] =>
    problems({ shop: { hostPaths: [path] } }, { allow }, { volumes, daemon });
  for (const path of ["/data", "/data/shop", "/srv/x/"]) assert.deepEqual(of(path), [], path);
  for (const path of ["/etc", "/database", "/data/../etc", "/var/lib/docker/volumes", "/", "/var/lib"])
    assert.match(of(path).join(), /E_APP_PATH node-a apps shop: .*\/data, \/srv/, path);
  assert.deepEqual(of("/etc/localtime", ["/etc/localtime"]), []);
});

test("a port of a host is published once, with the values of the site filled in", () => {
  const web = (published: string, address?: string): Partial<ComposeService> => ({
    ports: [{ published, protocol: "tcp", ...(address === undefined ? {} : { address }) }],
  });
  const [found, ...others] = problems({ shop: web("8080"), wiki: web("8000-8090") });
  assert.match(
    found ?? "",
    /^site wiki: E_APP_PORT node-a apps wiki: .*wiki service web publishes 8000-8090\/tcp, and so does shop service web/,
  );
  assert.deepEqual(others, []);
  assert.deepEqual(problems({ shop: web("8080"), wiki: web("8081") }), []);
  assert.deepEqual(problems({ shop: web("8080", "127.0.0.1"), wiki: web("8080", "127.0.0.2") }), []);
  assert.equal(problems({ shop: web("8080", "127.0.0.1"), wiki: web("8080") }).length, 1);
  assert.equal(problems({ shop: web("${PORT:-8080}"), wiki: web("8080") }).length, 1);
  assert.deepEqual(
    problems({ shop: web("${PORT:-8080}"), wiki: web("8080") }, { values: { PORT: "9" } }),
    [],
  );
  assert.equal(problems({ shop: web("$PORT"), wiki: web("9") }, { values: { PORT: "9" } }).length, 1);
  assert.match(problems({ shop: web("22") }).join(), /E_APP_PORT .*and so does sshd/);
});

test("an environment is checked against the lock, at the line of the application", async () => {
  const text = changed(/\n {4}hosts:\n/, '\n    apps: [{ name: shop, version: "3.0" }]\n    hosts:\n')
    .replace("storage-driver: overlay2", "features: { containerd-snapshotter: true }")
    .replace(/\n {4}engine:\n/, '\n    engine:\n      compose: "5.5.1"\n');
  const line = text.split("\n").findIndex((one) => one.startsWith("    apps:")) + 1;
  assert.equal(siteOf(text).hosts[0]?.apps[0]?.version, "3.0");
  await mkdir(cachePath("test"), { recursive: true });
  const folder = await mkdtemp(cachePath("test", "stacks-"));
  try {
    await writeFile(join(folder, "Pulumi.prod.yaml"), text);
    const lock = await readLock(join(checkout, "offline-bundle", "bundle.lock.yaml"));
    const found = lockCoverage(lock, folder).problems.map(formatProblem);
    assert.ok(found.length > 0);
    for (const problem of found)
      assert.match(
        problem,
        new RegExp(`yaml:${line}:12: E_APP_NOT_IN_BUNDLE node-\\w apps shop: found: shop 3\\.0;`),
      );
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("an application on the swarm is refused unless the lock has it as a stack, and checked as one of a host otherwise", () => {
  const stacks = [{ ...{ name: "shop", version: "1.0.0", keep: 2 }, update: { timeout: 300 } }];
  const found = (lock: Lock): string =>
    hostAppProblems({ ...exampleHost(), apps: [], stacks }, lock, (one) => `site ${one}`)
      .map(formatProblem)
      .join("\n");
  const lock = lockOf({ shop: { needs: ["docker.sock"] } });
  assert.match(
    found(lock),
    /^site shop: E_APP_STACK node-a apps shop: found: shop 1\.0\.0, which the lock has as an application of hosts alone; .*fix: add swarm: true to shop /,
  );
  const stack = { services: { web: {} } };
  const files = lock.files.map((file) => ({
    ...file,
    ...(file.project === undefined ? {} : { project: { ...file.project, stack } }),
  }));
  assert.match(found({ ...lock, files }), /^site shop: E_APP_RIGHTS .*service web needs docker\.sock/);
  assert.match(found(lockOf({})), /E_APP_NOT_IN_BUNDLE/);
});
