/** The applications of a site: which hosts run them, their defaults, and what is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
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
