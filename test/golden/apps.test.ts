import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostApp } from "../../modules/core/host/blob.ts";
import type { AppSpec } from "../../modules/core/site/site-spec.ts";
import { deliveriesOf, phasesOf, type HostPhases } from "../../modules/rollout/phases.ts";
import { assertSamePlan } from "../support/assert/same-plan.ts";
import { exampleApp, exampleAppSpec } from "../support/fixtures/example-app.ts";
import { exampleFacts, exampleFiles } from "../support/fixtures/example-host.ts";
import { own, withRegistry } from "../support/fixtures/registry-site.ts";
import { exampleText, siteOf } from "../support/fixtures/site-text.ts";

function phases(
  text: string,
  apps: readonly AppSpec[],
  files: readonly HostApp[] = [exampleApp],
): HostPhases {
  const host = siteOf(text).hosts.find(({ name }) => name === "node-b");
  assert.ok(host);
  return phasesOf({ ...host, apps }, { ...exampleFiles, apps: files }, exampleFacts);
}

test("plan text of an application that is sent over ssh", () => {
  assertSamePlan("apps", "node-b", phases(exampleText, [exampleAppSpec]), "apps");
});

test("plan text of an application that comes from the site's registry", () => {
  const update = { ...exampleAppSpec.update, before: { run: "migrate", backup: true } };
  const app = { ...exampleAppSpec, update };
  assertSamePlan("apps-registry", "node-b", phases(withRegistry(own), [app]), "apps");
});

test("a host without applications has no such phase; with a registry it is sent no project", () => {
  assert.equal(phases(exampleText, []).apps, undefined);
  const host = siteOf(exampleText).hosts[0];
  assert.ok(host);
  const sent = (spec: typeof host): readonly string[] =>
    deliveriesOf(spec, { ...exampleFiles, apps: [exampleApp] }).map(({ sha256 }) => sha256);
  assert.ok(sent(host).includes(exampleApp.archive.sha256));
  const client = siteOf(withRegistry(own)).hosts.find(({ name }) => name === "node-b");
  assert.ok(client);
  assert.ok(!sent(client).includes(exampleApp.archive.sha256));
});
