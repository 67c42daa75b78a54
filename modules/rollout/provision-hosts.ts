/** Creates the resources of a site: registry hosts and stores of backups first, one after the other, then all hosts, wave after wave. */
import * as pulumi from "@pulumi/pulumi";
import { formatProblem, type Problem } from "../core/errors.ts";
import type { Tally } from "../core/host/drift.ts";
import type { Phase } from "../core/host/step.ts";
import type { Host } from "../core/pulumi/converge.ts";
import { endOf } from "../core/pulumi/known-output.ts";
import type { PhaseResource } from "../core/pulumi/phase-resource.ts";
import type { CaBundle } from "../core/site/registry.ts";
import { isServed, upstreamFirst } from "../core/site/site-spec.ts";
import { ResolvedStores } from "../backup/resolved.ts";
import { resolvedCa, resolvedSeed } from "../registry/resolved.ts";
import { resolvedInvitation } from "../swarm/resolved.ts";
import { resolvedTrust } from "../trust/resolved.ts";
import { actingManager, actsForWorkers, DrainedWorker } from "./drained-workers.ts";
import { HostResources, type HostContext } from "./host-resources.ts";
import { hostOutputs, siteOutputs, type SiteOutputs } from "./outputs.ts";
import { phaseList } from "./phases.ts";
import type { HostPlan, SitePlan } from "./plan-site.ts";
import { differences } from "../core/host/drift.ts";
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
  const first: FirstHosts = { registries, stores, begun: new Map() };
  const inviting = makeInviting(site, first, around);
  const made = new Map<string, Host>();
  const resources = new Map<string, HostResources>();
  const inWaves = await rollOut(site, (plan) => {
    const own = resourcesOf(plan, site, { ...first, inviting }, around);
    resources.set(plan.spec.name, own);
    made.set(plan.spec.name, own.host);
    return own.last;
  });
  const rolledOut = { ...inWaves, provisioned: await addAfterHosts(site, inWaves, resources) };
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
    const resources = newResources(plan, site, around);
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

function newResources(plan: HostPlan, site: SitePlan, around: ContextOf): HostResources {
  return new HostResources(plan, site, { ...around(plan.spec.name), acts: actsForWorkers(site, plan) });
}

function registryResources(
  plan: HostPlan,
  site: SitePlan,
  registries: readonly MadeRegistry[],
  around: ContextOf,
): HostResources {
  const { name } = plan.spec;
  return registries.find((one) => one.name === name)?.resources ?? newResources(plan, site, around);
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

/**
 * The phases that concern all hosts at once, unless a wave has failed: one host after the other, in the order of the site.
 *
 * @returns the hosts with what these phases have made true.
 */
async function addAfterHosts(
  { hosts }: SitePlan,
  { provisioned, problems }: RolledOut<PhaseResource>,
  resources: ReadonlyMap<string, HostResources>,
): Promise<RolledOut<PhaseResource>["provisioned"]> {
  // A host that is down is what a swarm is for.
  const down = new Set(hosts.flatMap(({ probe }) => (probe.kind === "reached" ? [] : [probe.problem])));
  if (problems.some((problem) => !down.has(problem))) return provisioned;
  const all = new Map(provisioned);
  const before = [...provisioned.values()].flatMap(({ last }) => last ?? []);
  let previous: readonly PhaseResource[] = [];
  for (const { name, work } of phaseList) {
    if (work === "check" || work.afterHosts !== true) continue;
    for (const { spec, phases } of hosts) {
      const host = all.get(spec.name);
      const phase = phases[name];
      if (host?.last === undefined || phase === undefined) continue;
      const made = resources.get(spec.name)?.add(name, [...before, ...previous]);
      if (made === undefined) continue;
      previous = [made];
      const update = !pulumi.runtime.isDryRun();
      const failed = update && (await endOf(made.report)) === "failed";
      const tally = update && !failed ? tallyWith(host.tally, phase) : host.tally;
      all.set(spec.name, { ...host, tally, last: failed ? undefined : made });
    }
  }
  return all;
}

/** Once all facts of a phase hold. */
function tallyWith({ hold, warned, failing }: Tally, { steps }: Phase): Tally {
  const left = failing.filter((one) => !steps.some(({ code }) => code === one));
  return { hold: hold + failing.length - left.length, warned, failing: left };
}

/** The manager that creates the swarm or invites hosts to it, which they wait for; undefined when every host has joined. */
function makeInviting(site: SitePlan, first: FirstHosts, around: ContextOf): MadeInviting | undefined {
  const joins = site.hosts.some(
    ({ spec, phases, probe }) =>
      phases.swarm !== undefined &&
      spec.name !== site.swarm?.inviting &&
      (differences(phases.swarm, probe) ?? []).length > 0,
  );
  const plan = site.hosts.find(({ spec }) => spec.name === site.swarm?.inviting);
  // As for registries: an update changes nothing on an unreachable host.
  if (plan === undefined || (!joins && !isPending(site))) return undefined;
  if (plan.probe.kind !== "reached" && !pulumi.runtime.isDryRun()) return undefined;
  const resources = firstResources(plan, site, first, around);
  for (const { name } of phaseList) {
    addPhase(resources, name, plan, site, { ...first, inviting: undefined });
    if (name === "swarm") break;
  }
  const phase = resources.add("swarm");
  return phase === undefined ? undefined : { host: plan.spec.name, phase };
}

/** A host of which nothing is known yet may have to join. */
function isPending({ hosts }: SitePlan): boolean {
  return hosts.some(({ phases, probe }) => phases.swarm !== undefined && probe.kind === "pending");
}

interface FirstHosts {
  readonly registries: readonly MadeRegistry[];
  readonly stores: MadeStores;
  /** Hosts that were begun, some of them before their turn because others need them, by name. */
  readonly begun: Map<string, HostResources>;
}

interface MadeInviting {
  /** Name of the manager. */
  readonly host: string;
  /** Its phase that reports the token. */
  readonly phase: PhaseResource;
}

/** The resources that a host has already because others wait for them. */
function firstResources(
  plan: HostPlan,
  site: SitePlan,
  { registries, stores, begun }: FirstHosts,
  around: ContextOf,
): HostResources {
  const { name } = plan.spec;
  const resources =
    begun.get(name) ?? stores.resources.get(name) ?? registryResources(plan, site, registries, around);
  begun.set(name, resources);
  return resources;
}

/** Makes what a manager does for a worker of its swarm; undefined for other hosts. */
function makeDrained(
  plan: HostPlan,
  host: Host,
  site: SitePlan,
  first: FirstHosts,
  around: ContextOf,
): DrainedWorker | undefined {
  const manager = actingManager(site, plan);
  if (manager === undefined) return undefined;
  return new DrainedWorker(plan, host, firstResources(manager, site, first, around).host);
}

type MadeBefore = FirstHosts & {
  readonly inviting: MadeInviting | undefined;
  /** The host's own, if it is a worker of a swarm. */
  readonly drained?: DrainedWorker | undefined;
};

/** All phases of a host that are its own. */
function resourcesOf(plan: HostPlan, site: SitePlan, before: MadeBefore, around: ContextOf): HostResources {
  const resources = firstResources(plan, site, before, around);
  const drained = makeDrained(plan, resources.host, site, before, around);
  // Those that others wait for already exist.
  for (const { name, work } of phaseList)
    if (work !== "check" && work.afterHosts !== true)
      addPhase(resources, name, plan, site, { ...before, drained });
  resources.closing = drained?.activate(resources.all);
  return resources;
}

function addPhase(
  resources: HostResources,
  name: (typeof phaseList)[number]["name"],
  plan: HostPlan,
  site: SitePlan,
  { registries, stores, inviting, drained }: MadeBefore,
): void {
  const { spec, phases, probe } = plan;
  if (name === "trust") addTrust(resources, plan, site, registries);
  else if (name === "backup" && phases.backup !== undefined)
    resources.add(name, stores.resolved.resources, stores.resolved.phase(phases.backup));
  else if (
    name === "swarm" &&
    phases.swarm !== undefined &&
    inviting !== undefined &&
    inviting.host !== spec.name
  )
    // One that has joined needs no invitation, and its phase does not wait for one.
    if (differences(phases.swarm, probe)?.length === 0) resources.add(name);
    else resources.add(name, [inviting.phase], resolvedInvitation(phases.swarm, spec, inviting));
  else if (name === "engine" && drained !== undefined) resources.add(name, [drained.drain]);
  else resources.add(name);
}
