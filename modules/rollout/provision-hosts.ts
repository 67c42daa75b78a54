/** Creates the resources of a site: registry hosts and stores of backups first, one after the other, then all hosts, wave after wave. */
import * as pulumi from "@pulumi/pulumi";
import { formatProblem, type Problem } from "../core/errors.ts";
import type { Host } from "../core/pulumi/converge.ts";
import type { PhaseResource } from "../core/pulumi/phase-resource.ts";
import type { CaBundle } from "../core/site/registry.ts";
import { isServed, upstreamFirst } from "../core/site/site-spec.ts";
import { ResolvedStores } from "../backup/resolved.ts";
import { resolvedCa, resolvedSeed } from "../registry/resolved.ts";
import { resolvedTrust } from "../trust/resolved.ts";
import { HostResources, type HostContext } from "./host-resources.ts";
import { hostOutputs, siteOutputs, type SiteOutputs } from "./outputs.ts";
import { phaseList } from "./phases.ts";
import type { HostPlan, SitePlan } from "./plan-site.ts";
import { renamedHosts } from "./renamed-hosts.ts";
import { rollOut, type RolledOut } from "./rollout.ts";

/** A site after its run. */
export interface ProvisionedHosts extends RolledOut<PhaseResource> {
  /** The components of the hosts that were begun, by name. */
  readonly hosts: ReadonlyMap<string, Host>;
  /** Of each of them, for the program around the site; in a preview unknown where its run will change something. */
  readonly hostOutputs: SiteOutputs["hosts"];
  /** The stack outputs that other stacks read by a StackReference: docs/guide/outputs.md. */
  readonly outputs: SiteOutputs;
}

type ContextOf = (host: string) => HostContext;

/** A registry host whose registry and content are resources. */
interface MadeRegistry {
  readonly name: string;
  readonly resources: HostResources;
  /** The CA that this host has created. */
  readonly caBundle: pulumi.Output<CaBundle | undefined>;
  readonly seed: PhaseResource;
}

/** @param around what the program around the site has for a host, by its name. Default nothing. */
export async function provisionHosts(
  site: SitePlan,
  around: ContextOf = () => ({}),
): Promise<ProvisionedHosts> {
  for (const problem of await warningsOf(site)) void pulumi.log.warn(formatProblem(problem));
  const registries = makeRegistries(site, around);
  const stores = makeStores(site, registries, around);
  const made = new Map<string, Host>();
  const rolledOut = await rollOut(site, (plan) => {
    const last = resourcesOf(plan, site, { registries, stores }, around);
    made.set(plan.spec.name, last.host);
    return last;
  });
  const specs = site.hosts.map(({ spec }) => spec);
  const caBundles = site.caBundles ?? registries.map(({ caBundle }) => caBundle);
  const probed = site.hosts.filter(({ probe }) => probe.kind === "reached").map(({ spec }) => spec.name);
  return {
    ...rolledOut,
    hosts: made,
    hostOutputs: hostOutputs(specs, rolledOut.provisioned),
    outputs: siteOutputs(specs, rolledOut.provisioned, caBundles, new Set(probed)),
  };
}

async function warningsOf({ warnings, hosts }: SitePlan): Promise<readonly Problem[]> {
  if (!pulumi.runtime.isDryRun()) return warnings;
  return [...warnings, ...(await renamedHosts(hosts.map(({ spec }) => spec)))];
}

/** The first registry is sent the bundle, and the others copy from it; each depends on the one before. */
function makeRegistries(site: SitePlan, around: ContextOf): readonly MadeRegistry[] {
  const made: MadeRegistry[] = [];
  for (const plan of upstreamFirst(site.hosts)) {
    const { spec, phases, seeds, probe } = plan;
    if (phases.registry === undefined || phases.seed === undefined || !isServed(spec)) continue;
    // An update changes nothing on an unreachable host; the end of the run reports it.
    if (probe.kind !== "reached" && !pulumi.runtime.isDryRun()) continue;
    const resources = new HostResources(plan, site, around(spec.name));
    resources.add("volumes");
    resources.add("users");
    const registry = resources.add(
      "registry",
      made.map(({ seed }) => seed),
    );
    if (registry === undefined) continue;
    const [upstream] = made;
    const resolved =
      upstream === undefined || site.caBundles !== undefined
        ? undefined
        : resolvedSeed(phases.seed, upstream.caBundle);
    const seed = resources.add("seed", resources.host.send(seeds, [registry]), resolved);
    if (seed === undefined) continue;
    const caBundle = registry.report.apply((report) => resolvedCa(spec, report));
    made.push({ name: spec.name, resources, caBundle, seed });
  }
  return made;
}

/** The stores of backups: those that get a copy before the one that sends it. */
function makeStores(site: SitePlan, registries: readonly MadeRegistry[], around: ContextOf): MadeStores {
  const resolved = new ResolvedStores(site.storeCertificates);
  const resources = new Map<string, HostResources>();
  const copiesFirst = site.hosts.toSorted(
    (a, b) => (a.spec.store?.copies.length ?? 0) - (b.spec.store?.copies.length ?? 0),
  );
  for (const plan of copiesFirst) {
    const { spec, phases, probe } = plan;
    if (phases.store === undefined) continue;
    // As for registries: an update changes nothing on an unreachable host.
    if (probe.kind !== "reached" && !pulumi.runtime.isDryRun()) continue;
    const own = registryResources(plan, site, registries, around);
    own.add("volumes");
    own.add("users");
    addTrust(own, plan, site, registries);
    own.add("secrets");
    const store = own.add("store", resolved.resources, resolved.phase(phases.store));
    if (store !== undefined) resolved.add(spec, store);
    resources.set(spec.name, own);
  }
  return { resolved, resources };
}

interface MadeStores {
  readonly resolved: ResolvedStores;
  /** By the name of the host. */
  readonly resources: ReadonlyMap<string, HostResources>;
}

function registryResources(
  plan: HostPlan,
  site: SitePlan,
  registries: readonly MadeRegistry[],
  around: ContextOf,
): HostResources {
  const { name } = plan.spec;
  return (
    registries.find((one) => one.name === name)?.resources ?? new HostResources(plan, site, around(name))
  );
}

function addTrust(
  resources: HostResources,
  { spec }: HostPlan,
  site: SitePlan,
  registries: readonly MadeRegistry[],
): void {
  // While one of them is unreachable, no host is made to trust fewer CAs than before.
  const complete = site.caBundles === undefined && site.unreachable.length === 0;
  const caBundles = registries.map(({ caBundle }) => caBundle);
  const seeds = registries.map(({ seed }) => seed);
  resources.add("trust", seeds, complete ? resolvedTrust(spec, caBundles) : undefined);
}

/** All remaining phases of a host. @returns the last of its resources. */
function resourcesOf(
  plan: HostPlan,
  site: SitePlan,
  { registries, stores }: { readonly registries: readonly MadeRegistry[]; readonly stores: MadeStores },
  around: ContextOf,
): PhaseResource {
  const { spec, phases } = plan;
  const resources = stores.resources.get(spec.name) ?? registryResources(plan, site, registries, around);
  // Registry, seed and store already exist.
  for (const { name } of phaseList)
    if (name === "trust") addTrust(resources, plan, site, registries);
    else if (name === "backup" && phases.backup !== undefined)
      resources.add(name, stores.resolved.resources, stores.resolved.phase(phases.backup));
    else resources.add(name);
  return resources.last;
}
