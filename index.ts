/** A site: look at everything, refuse everything that must be refused, then wave after wave one phase after the other on each host. */
import * as pulumi from "@pulumi/pulumi";
import { Host } from "./modules/core/converge.ts";
import { formatProblem } from "./modules/core/errors.ts";
import { Daemon } from "./modules/daemon/index.ts";
import { Engine } from "./modules/engine/index.ts";
import { feederFirst } from "./modules/core/site-spec.ts";
import { explain, failWith } from "./modules/core/explain.ts";
import { siteText } from "./modules/core/site-text.ts";
import { skipUnusedTraces } from "./modules/core/stack-traces.ts";
import { expectReceipt, leaveReceipt } from "./modules/receipt/issue.ts";
import { siteOutputs } from "./modules/outputs.ts";
import { renamedHosts } from "./modules/renamed.ts";
import { Registry, Seed, settledSeed } from "./modules/registry/index.ts";
import { rollOut } from "./modules/roll-out.ts";
import { survey, type SurveyedHost } from "./modules/survey.ts";
import { settledTrust, Trust } from "./modules/trust/index.ts";
import { Users } from "./modules/users/index.ts";
import { Volumes } from "./modules/volumes/index.ts";

const began = new Date();
skipUnusedTraces();
const site = await explain(async () => {
  const { value, file } = siteText(pulumi.getStack(), new pulumi.Config().getObject("site"));
  const seen = await survey(value, file);
  await expectReceipt(seen, pulumi.getStack());
  return seen;
});

for (const problem of site.warnings) void pulumi.log.warn(formatProblem(problem));
if (pulumi.runtime.isDryRun())
  for (const problem of await renamedHosts(site.hosts.map(({ spec }) => spec)))
    void pulumi.log.warn(formatProblem(problem));

/** A host with what everything else on it needs. */
function begin({ spec, deliveries, spares, phases, probe, warnings }: SurveyedHost): {
  host: Host;
  users: Users;
} {
  const { library, bundle } = site;
  const host = new Host(spec.name, { spec, library, blobs: deliveries, spares, probe, warnings, bundle });
  const volumes = new Volumes(host, phases.volumes, []);
  return { host, users: new Users(host, phases.users, [volumes]) };
}

/** The hosts that run the registry, with the bundle in it, one after the other: the first feeds them, and all of them the rest. */
const begun = new Map<string, ReturnType<typeof begin>>();
const registries: { readonly authority: Registry["authority"]; readonly seed: Seed }[] = [];
for (const seen of feederFirst(site.hosts)) {
  const { spec, phases, seeds, probe } = seen;
  if (phases.registry === undefined || phases.seed === undefined) continue;
  // In an update nothing is asked of a host that does not answer; it is told at the end.
  if (probe.kind !== "reached" && !pulumi.runtime.isDryRun()) continue;
  const { host, users } = begin(seen);
  const before = registries.map(({ seed }) => seed);
  const registry = new Registry(host, phases.registry, [users, ...before]);
  const [feeder] = registries;
  const settled =
    feeder === undefined || site.authorities !== undefined
      ? undefined
      : settledSeed(phases.seed, feeder.authority);
  const seed = new Seed(host, phases.seed, [registry, ...host.send(seeds, [registry])], settled);
  begun.set(spec.name, { host, users });
  registries.push({ authority: registry.authority, seed });
}

function provision(seen: SurveyedHost): Daemon {
  const { spec, phases } = seen;
  const { host, users } = begun.get(spec.name) ?? begin(seen);
  const made = registries.map(({ authority }) => authority);
  const settled = site.authorities === undefined ? settledTrust(spec, made) : undefined;
  const after = [users, ...registries.map(({ seed }) => seed)];
  const trust = phases.trust === undefined ? [] : [new Trust(host, phases.trust, after, settled)];
  const engine = new Engine(host, phases.engine, [users, ...trust]);
  return new Daemon(host, phases.daemon, [engine]);
}

const { begun: rolledOut, problems } = await rollOut(site, provision);
const unheld = await leaveReceipt(site, rolledOut, pulumi.getStack(), began);
failWith([...problems, ...unheld]);

const authorities = site.authorities ?? registries.map(({ authority }) => authority);
const specs = site.hosts.map(({ spec }) => spec);

/** What other stacks read by a StackReference: docs/guide/outputs.md. */
export default siteOutputs(specs, rolledOut, authorities);
