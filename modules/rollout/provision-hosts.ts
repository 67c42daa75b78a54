/** Creates the resources of a site: registry hosts first, one after the other, then all hosts, wave after wave. */
import * as pulumi from "@pulumi/pulumi";
import { formatProblem, type Problem } from "../core/errors.ts";
import type { Host } from "../core/pulumi/converge.ts";
import type { PhaseResource } from "../core/pulumi/phase-resource.ts";
import type { CaBundle } from "../core/site/registry.ts";
import { isServed, upstreamFirst } from "../core/site/site-spec.ts";
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
  const made = new Map<string, Host>();
  const rolledOut = await rollOut(site, (plan) => {
    const last = resourcesOf(plan, site, registries, around);
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

/** All remaining phases of a host. @returns the last of its resources. */
function resourcesOf(
  plan: HostPlan,
  site: SitePlan,
  registries: readonly MadeRegistry[],
  around: ContextOf,
): PhaseResource {
  const { spec } = plan;
  const resources =
    registries.find(({ name }) => name === spec.name)?.resources ??
    new HostResources(plan, site, around(spec.name));
  // While one of them is unreachable, no host is made to trust fewer CAs than before.
  const complete = site.caBundles === undefined && site.unreachable.length === 0;
  const caBundles = registries.map(({ caBundle }) => caBundle);
  const seeds = registries.map(({ seed }) => seed);
  const trust = complete ? resolvedTrust(spec, caBundles) : undefined;
  // Registry and seed already exist.
  for (const { name } of phaseList)
    if (name === "trust") resources.add(name, seeds, trust);
    else resources.add(name);
  return resources.last;
}
