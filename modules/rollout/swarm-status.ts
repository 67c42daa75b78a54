/** The swarm of a site for `sealift status`: the answer of one manager, and how it differs from the site. Pure. */
import type { HostApp } from "../core/host/blob.ts";
import type { Problem } from "../core/errors.ts";
import type { Probe } from "../core/host/probe.ts";
import type { Phase } from "../core/host/step.ts";
import { type HostSpec, managedStacks } from "../core/site/site-spec.ts";
import {
  hasQuorum,
  parseSwarmStatus,
  type RunningService,
  swarmStatusCode,
  swarmStatusStep,
  type SwarmNode,
  type SwarmStatus,
} from "../swarm/status.ts";

export interface SiteSwarm {
  readonly name: string;
  /** Every node is as the site wants it, and every application runs as the site wants it. */
  readonly ok: boolean;
  /** The manager that was the first to answer with a quorum; absent: none did. */
  readonly manager?: string;
  /** As that manager says; without it as any other one that has answered. */
  readonly managers?: SwarmStatus["managers"];
  readonly nodes: readonly (SwarmNode & { readonly ok: boolean })[];
  /** By application, then by service; those of the site that are absent as well. */
  readonly services: readonly StackedService[];
  /** Of applications, in words. */
  readonly differing: readonly { readonly app: string; readonly service?: string; readonly found: string }[];
  /** What the manager has not listed. */
  readonly more: number;
  /** Managers that could not be asked. */
  readonly problems: readonly Problem[];
}

export interface StackedService extends RunningService {
  readonly ok: boolean;
  /** Tag of the bundle of the image that runs; absent: another one. */
  readonly tag?: string;
  /** The swarm has no such service. */
  readonly absent?: true;
}

/** What a manager said. */
export interface ManagerAnswer {
  readonly spec: HostSpec;
  readonly stacks: readonly HostApp[];
  readonly found: Probe;
}

/** What a manager is asked: of the steps of its stacks those that say what the swarm has. */
export function swarmQuestions(host: HostSpec, stacks: Phase | undefined): readonly Phase[] {
  const own = /^stacks\.[^.]+\.(service\..+|rest|current)$/;
  const facts = (stacks?.steps ?? []).filter(({ code }) => own.test(code));
  return [
    ...(facts.length === 0 ? [] : [{ name: "stacks", steps: facts }]),
    { name: "swarm", steps: [swarmStatusStep(host)] },
  ];
}

/** @param answers of managers, in the order in which they came. @returns undefined: the site has no swarm. */
export function siteSwarm(answers: readonly ManagerAnswer[]): SiteSwarm | undefined {
  const swarm = answers[0]?.spec.swarm;
  if (swarm === undefined) return undefined;
  const problems = answers.flatMap(({ found }) => (found.kind === "reached" ? [] : [found.problem]));
  const answered = answers.flatMap((answer) => {
    const value = answer.found.kind === "reached" ? answer.found.report.values?.[swarmStatusCode] : undefined;
    return value === undefined ? [] : [{ ...answer, status: parseSwarmStatus(value) }];
  });
  const best = answered.find(({ status }) => hasQuorum(status));
  const chosen = best ?? answered[0];
  if (best === undefined)
    return {
      ...{ name: swarm.name, ok: false },
      ...(chosen === undefined ? {} : { managers: chosen.status.managers }),
      ...{ nodes: [], services: [], differing: [], more: 0, problems },
    };
  const { spec, stacks, status, found } = best;
  const expected = new Map(swarm.members.map(({ host, availability }) => [host, availability]));
  const nodes = status.nodes.map((node) => ({
    ...node,
    ok:
      node.state === "ready" &&
      node.availability === expected.get(node.host) &&
      (node.reachability === undefined || ["leader", "reachable"].includes(node.reachability)),
  }));
  const steps = found.kind === "reached" ? found.report.steps : [];
  const differing = managedStacks(spec).flatMap(({ name: app }) =>
    steps.flatMap(({ code, status: is, found: what }): SiteSwarm["differing"] => {
      if (is === "ok" || !code.startsWith(`stacks.${app}.`)) return [];
      const service = code.slice(`stacks.${app}.service.`.length);
      return code.startsWith(`stacks.${app}.service.`)
        ? [{ app, service, found: what }]
        : [{ app, found: what }];
    }),
  );
  const listed = status.services.map((one): StackedService => {
    const tag = tagOf(one, stacks);
    const differs = differing.some(({ app, service }) => app === one.app && service === one.service);
    return {
      ...one,
      ok: !differs && one.running >= one.desired,
      ...(tag === undefined ? {} : { tag }),
    };
  });
  const absent = differing.flatMap(({ app, service = "", found: what }): readonly StackedService[] =>
    what === "absent"
      ? [{ app, service, image: "-", running: 0, desired: 0, tasks: {}, ok: false, absent: true }]
      : [],
  );
  const services = [...listed, ...absent].toSorted(
    (one, other) => compare(one.app, other.app) || compare(one.service, other.service),
  );
  return {
    name: swarm.name,
    ok: nodes.every(({ ok }) => ok) && services.every(({ ok }) => ok) && differing.length === 0,
    manager: spec.name,
    managers: status.managers,
    ...{ nodes, services, differing, more: status.more, problems },
  };
}

/** The tag that the bundle has for the image of a service. */
function tagOf({ app, image }: RunningService, stacks: readonly HostApp[]): string | undefined {
  const [, sha256] = /@sha256:([0-9a-f]{64})$/.exec(image) ?? [];
  const found = stacks.find(({ name }) => name === app)?.images.find((one) => one.sha256 === sha256);
  return /:([^:/@]+)$/.exec(found?.name ?? "")?.[1];
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
