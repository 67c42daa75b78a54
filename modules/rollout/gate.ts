/** After the plans of a wave have run: whether each of its hosts matches the site, and its applications are healthy. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Host } from "../core/pulumi/converge.ts";
import { appServiceCode, appStatusCode, isWell, parseAppStatus, type ServiceHealth } from "../apps/status.ts";
import { differences, tallyOf, driftProblem, type Difference, type Tally } from "../core/host/drift.ts";
import type { Problem } from "../core/errors.ts";
import { neededDeliveries } from "../core/host/delivery.ts";
import { probe, type Probe } from "../core/host/probe.ts";
import type { HostSpec } from "../core/site/site-spec.ts";
import type { Phase } from "../core/host/step.ts";
import { knownValue } from "../core/pulumi/known-output.ts";
import { inParallel } from "../../offline-bundle/io/parallel.ts";
import { libraryForProbe, probeConcurrency } from "./probe-site.ts";
import { preflightWarnings } from "../preflight/index.ts";
import { hostWarnings } from "./host-findings.ts";
import { factPhases, isInSync, wavePhases, type HostPhases } from "./phases.ts";
import type { SitePlan, HostPlan } from "./plan-site.ts";

/** A host after its plans. */
export interface CheckedHost {
  /** Its phases with everything that other hosts have reported in this run. */
  readonly phases: HostPhases;
  readonly tally: Tally;
  /** Why it is not healthy: the next wave does not start. */
  readonly failing: readonly Problem[];
  /** Facts that did not hold before, and that Pulumi was instructed to leave unchanged. */
  readonly leftOut: readonly Problem[];
  /** Warnings that the host gives only now. */
  readonly warnings: readonly Problem[];
}

/** Checks every host of a wave again, with the facts of the run and the site's own command. */
export async function checkAgain(
  wave: readonly { readonly plan: HostPlan; readonly host: Host }[],
  { library, rollout: { gate } }: Pick<SitePlan, "library" | "rollout">,
): Promise<readonly CheckedHost[]> {
  const own: readonly Phase[] = gate === undefined ? [] : [gatePhase(gate)];
  const { values } = await inParallel(wave, probeConcurrency, async ({ plan, host }) => {
    const { name } = plan.spec;
    const { phases, repaired } = await planResults(plan.phases, host);
    const inSync = isInSync(plan.phases, plan.probe);
    const differing = (phase: Phase, at: Probe): readonly Difference[] => {
      const all = differences(phase, at) ?? [];
      return phase === phases.delivery ? neededDeliveries(all, inSync) : all;
    };
    // Preflight decides whether a host may be changed, with a clock that has advanced since.
    const facts = wavePhases(phases);
    const all = [phases.delivery, ...facts, ...own];
    const changed = repaired.size > 0;
    const ask = (): Promise<Probe> => probe(plan.spec, all, libraryForProbe(library));
    const now = await (changed ? settled(plan.spec, ask) : ask());
    const tally = tallyOf(factPhases(phases), now, preflightWarnings(plan.spec, plan.probe).length);
    if (now.kind !== "reached") return { phases, tally, failing: [now.problem], leftOut: [], warnings: [] };
    const unwell = changed ? unwellServices(plan.spec, now) : new Set();
    const wrong = all.flatMap((phase) => {
      const before = own.includes(phase) ? [] : differing(phase, plan.probe);
      const excluded = !repaired.has(phase.name) && before.length > 0;
      return differing(phase, now).map((one) => {
        // Whatever this run has changed on the host: the next ones do not follow while an application is not well on it.
        const left = excluded && !unwell.has(one.step.code);
        return { left, problem: problemOf(name, one, excluded) };
      });
    });
    const those = (left: boolean): Problem[] =>
      wrong.filter((one) => one.left === left).map(({ problem }) => problem);
    const known = new Set(plan.warnings.map(subjectOf));
    const warnings = hostWarnings(plan.spec, now).filter((one) => !known.has(subjectOf(one)));
    return { phases, tally, failing: those(false), leftOut: those(true), warnings };
  });
  return values;
}

function subjectOf({ code, subject }: Problem): string {
  return `${code} ${subject}`;
}

/** Seconds between two probes of a host whose applications start. */
const settleSec = 3;

/**
 * Probes a changed host, and again while containers of its applications are starting, as after a restart of the engine: at most as long as
 * the site gives the slowest of them to become healthy.
 */
async function settled(spec: HostSpec, ask: () => Promise<Probe>): Promise<Probe> {
  const end = Date.now() + 1000 * Math.max(0, ...spec.apps.map(({ update }) => update.timeout));
  for (;;) {
    const now = await ask();
    const starting = servicesOf(spec, now).some(
      ({ health }) => health === "starting" || health === "restarting",
    );
    if (!starting || Date.now() >= end) return now;
    await sleep(settleSec * 1000);
  }
}

/** Codes of the facts of services that are there and not well. */
function unwellServices(spec: HostSpec, now: Probe): ReadonlySet<string> {
  return new Set(servicesOf(spec, now).flatMap(({ code, health }) => (isWell(health) ? [] : [code])));
}

/** What the host says about the services of its applications. */
function servicesOf(
  { apps }: HostSpec,
  now: Probe,
): readonly { readonly code: string; readonly health: ServiceHealth }[] {
  const { values = {} } = now.kind === "reached" ? now.report : {};
  return apps.flatMap(({ name }) =>
    parseAppStatus(values[appStatusCode(name)] ?? "").services.map((service) => ({
      code: appServiceCode(name, service.name),
      health: service.health,
    })),
  );
}

/** Waits for all plans of a host: their results, and which of them ran. */
async function planResults(
  phases: HostPhases,
  { plans }: Host,
): Promise<{ phases: HostPhases; repaired: ReadonlySet<string> }> {
  const all = await Promise.all(
    plans.map(async ({ name, phase, repaired }) => ({
      name,
      phase: await knownValue(phase),
      repaired: await knownValue(repaired),
    })),
  );
  const known = all.flatMap(({ name, phase }) => (phase === undefined ? [] : [[name, phase] as const]));
  return {
    phases: { ...phases, ...Object.fromEntries(known) },
    repaired: new Set(all.flatMap(({ name, repaired }) => (repaired === true ? [name] : []))),
  };
}

const gateCode = "gate.command";

/** The site's own check of a host's health. */
export function gatePhase(command: string): Phase {
  return {
    name: "gate",
    steps: [
      {
        code: gateCode,
        fact: "the site's own gate passes",
        effect: "none",
        call: ["gate_command", command],
      },
    ],
  };
}

function problemOf(host: string, one: Difference, left: boolean): Problem {
  const fix = left
    ? "run pulumi up without --target and --exclude: this run did not change it"
    : "find out why the fact does not hold after the change, then run pulumi up again";
  const problem = driftProblem(host, one, fix);
  return one.step.code === gateCode ? { ...problem, code: "E_GATE" } : problem;
}
