/** The applications of a site: which hosts run them, their defaults, and what is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { managedStacks } from "../../modules/core/site/site-spec.ts";
import { exactVersions } from "../../modules/core/site/layers/exact-versions.ts";
import { seriesResolver } from "../../modules/environments/resolve-version.ts";
import { changed, problemsOf, siteOf } from "../support/fixtures/site-text.ts";

/** Hosts that may run applications: a compose plugin, and a store that keeps digests. */
const withApps = (apps: string): string =>
  changed(/\n {4}hosts:\n/, `\n    apps: ${apps}\n    hosts:\n`)
    .replace("storage-driver: overlay2", "features: { containerd-snapshotter: true }")
    .replace(/\n {6}compose: .*/, "")
    .replace(/\n {4}engine:\n/, '\n    engine:\n      compose: "5.5.1"\n');

test("an application runs on all hosts, on the named ones, or on those of a team", () => {
  const names = (apps: string): string[] =>
    siteOf(withApps(apps)).hosts.map(
      ({ name, apps: own }) => `${name}: ${own.map((one) => one.name).join()}`,
    );
  assert.deepEqual(names("[{ name: shop, version: 2.4.0 }]"), ["node-a: shop", "node-b: shop"]);
  assert.deepEqual(names("[{ name: shop, version: 2.4.0, hosts: [node-b] }]"), ["node-a: ", "node-b: shop"]);
  assert.deepEqual(names("[{ name: shop, version: 2.4.0, team: payments }]"), ["node-a: ", "node-b: "]);
});

test("what a site leaves out has the documented defaults", () => {
  const [host] = siteOf(withApps("[{ name: shop, version: 2.4.0, update: { monitor: 2m } }]")).hosts;
  assert.deepEqual(host?.apps, [
    {
      ...{ name: "shop", version: "2.4.0", keep: 2 },
      update: { order: "stop-first", monitor: 120, failure_action: "rollback", timeout: 300 },
    },
  ]);
});

test("a release series is the newest version of the application in the lock; an exact one comes first", () => {
  const file = (name: string, version: string) => ({ name, version, kind: "app" as const });
  const files = [file("shop", "2.4.0"), file("shop", "2.4.10"), file("shop", "2.5"), file("other", "2.4.99")];
  const versions = (version: string): unknown =>
    exactVersions({ apps: [{ name: "shop", version }] }, seriesResolver({ files } as never));
  assert.deepEqual(versions("2.4"), { apps: [{ name: "shop", version: "2.4.10" }] });
  assert.deepEqual(versions("2.5"), { apps: [{ name: "shop", version: "2.5" }] });
  assert.deepEqual(versions("3.0"), { apps: [{ name: "shop", version: "3.0" }] });
});

for (const [what, apps, expected] of [
  [
    "a host that does not exist",
    "[{ name: shop, version: 2.4.0, hosts: [node-x] }]",
    /E_VALUE apps\[0\]\.hosts\[0\]: found: "node-x"; expected: a host of this site: node-a, node-b; /,
  ],
  [
    "a class that is not defined",
    "[{ name: shop, version: 2.4.0, class: docker-host }]",
    /E_CLASS_UNKNOWN apps\[0\]\.class: found: class "docker-host" is not defined; /,
  ],
  [
    "two selections",
    "[{ name: shop, version: 2.4.0, hosts: [node-a], team: payments }]",
    /E_CONFLICT apps\[0\]\.team: found: team beside hosts or class; /,
  ],
  [
    "a backup before updates of what is not backed up",
    "[{ name: shop, version: 2.4.0, update: { before: { backup: true } } }]",
    /E_KEY_MISSING apps\[0\]\.update\.before\.backup: found: a backup before updates, and no backup: of /,
  ],
  [
    "nothing before updates",
    "[{ name: shop, version: 2.4.0, update: { before: {} } }]",
    /E_\w+ apps\[0\]\.update\.before: /,
  ],
  [
    "two versions on one host",
    "[{ name: shop, version: 2.4.0 }, { name: shop, version: 2.3.1, hosts: [node-a] }]",
    /E_DUPLICATE apps\[1\]\.name: found: shop twice on node-a; /,
  ],
  [
    "a value of two lines",
    '[{ name: shop, version: 2.4.0, values: { A: "a\\nb" } }]',
    /E_VALUE apps\[0\]\.values\.A: /,
  ],
] as const)
  test(`${what} is refused`, () => {
    const problems = problemsOf(withApps(apps)).map(formatProblem);
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems[0] ?? "", expected);
  });

test("a host without the compose plugin, or with a store that loses digests, runs no application", () => {
  const text = changed(
    /\n {4}hosts:\n/,
    "\n    apps: [{ name: shop, version: 2.4.0 }]\n    hosts:\n",
  ).replace(/\n {6}compose: .*/, "");
  const problems = problemsOf(text).map(formatProblem).join("\n");
  assert.match(
    problems,
    /E_CONFLICT apps\[0\]: found: node-a has no compose plugin; .* set engine\.compose /,
  );
  assert.match(problems, /E_IMAGE_LOAD apps\[0\]: found: node-a has the classic image store, .*moby#43570/);
});

/** The example, with node-a as the manager of a swarm and node-b as a worker. */
const onSwarm = (apps: string, swarm = "managers: [node-a], workers: { hosts: [node-b] }"): string =>
  changed(
    /\n {4}hosts:\n/,
    `\n    apps: ${apps}\n    swarm: { name: plant-1, ${swarm}, addressPool: { base: 172.29.0.0/16 } }\n    hosts:\n`,
  ).replace("storage-driver: overlay2", "features: { containerd-snapshotter: true }");

test("an application on the swarm is on no host of its own: members hold its images, managers deploy it", () => {
  const apps =
    "[{ name: shop, version: 2.4.0, on: swarm, values: { A: b }, update: { order: start-first, parallelism: 2, delay: 10s } }]";
  const [a, b] = siteOf(onSwarm(apps)).hosts;
  const stack = {
    ...{ name: "shop", version: "2.4.0", keep: 2, values: { A: "b" } },
    update: { order: "start-first", parallelism: 2, delay: "10s", timeout: 300 },
  };
  assert.deepEqual(a?.stacks, [stack]);
  assert.deepEqual(b?.stacks, [stack]);
  assert.deepEqual([...a.apps, ...b.apps], []);
  assert.deepEqual(managedStacks(a), [stack]);
  assert.deepEqual(managedStacks(b), []);
  const [, other] = siteOf(onSwarm(apps, "managers: [node-a]")).hosts;
  assert.equal(other?.stacks, undefined);
});

for (const [what, app, expected] of [
  ["hosts", "hosts: [node-a]", /E_CONFLICT apps\[0\]\.hosts: found: hosts beside on: swarm; /],
  ["a team", "team: payments", /E_CONFLICT apps\[0\]\.team: found: team beside on: swarm; /],
  [
    "data",
    "data: { db: { path: /svc/db } }",
    /E_CONFLICT apps\[0\]\.data: found: data of an application on the swarm; /,
  ],
  [
    "a command before updates",
    "update: { before: { run: migrate } }",
    /E_CONFLICT apps\[0\]\.update\.before: found: update\.before of an application on the swarm; /,
  ],
  ["a rehearsal", "update: { rehearsed: 7d }", /E_CONFLICT apps\[0\]\.update\.rehearsed: /],
  ["no time to fail in", "update: { monitor: 0s }", /E_VALUE apps\[0\]\.update\.monitor: .*at least 1s/],
] as const)
  test(`an application on the swarm with ${what} is refused`, () => {
    const problems = problemsOf(onSwarm(`[{ name: shop, version: 2.4.0, on: swarm, ${app} }]`)).map(
      formatProblem,
    );
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems[0] ?? "", expected);
  });

test("a swarm's words need a swarm, and a store that keeps digests on every member", () => {
  const app = "[{ name: shop, version: 2.4.0, on: swarm }]";
  const found = (text: string): string => problemsOf(text).map(formatProblem).join("\n");
  assert.match(
    found(withApps(app)),
    /E_KEY_MISSING apps\[0\]\.on: found: on: swarm in a site without a swarm; /,
  );
  const words = "[{ name: shop, version: 2.4.0, update: { order: start-first, parallelism: 1, delay: 5s } }]";
  for (const key of ["order", "parallelism", "delay"])
    assert.match(
      found(withApps(words)),
      new RegExp(`E_CONFLICT apps\\[0\\]\\.update\\.${key}: .*fix: remove it, or add on: swarm`),
    );
  const secret = onSwarm("[{ name: shop, version: 2.4.0, on: swarm, secrets: { password: secrets/p.age } }]")
    .replace(
      /\n {4}hosts:\n/,
      `\n    secrets: { age: 1.3.1, recoveryKey: age1${"q".repeat(58)} }\n    hosts:\n`,
    )
    .replaceAll("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5", "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY");
  assert.match(found(secret), /E_SECRET_RECIPIENT .*node-a needs the secrets of shop/);
  assert.doesNotMatch(found(secret), /node-b needs the secrets/);
  const classic = onSwarm(app).replace(
    "features: { containerd-snapshotter: true }",
    "storage-driver: overlay2",
  );
  assert.match(found(classic), /E_IMAGE_LOAD apps\[0\]: found: node-a has the classic image store, /);
  assert.match(
    found(onSwarm(`[${app.slice(1, -1)}, ${app.slice(1, -1)}]`)),
    /E_DUPLICATE apps\[1\]\.name: found: shop twice on node-a; /,
  );
});
