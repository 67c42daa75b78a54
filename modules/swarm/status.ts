/** What a manager says about its swarm: nodes, services, and where their tasks run. Pure. */
import type { HostSpec } from "../core/site/site-spec.ts";
import { managedStacks } from "../core/site/site-spec.ts";
import type { Step } from "../core/host/step.ts";

export interface SwarmStatus {
  /** All 0: the swarm has no leader, and tells nothing. */
  readonly managers: { readonly reachable: number; readonly all: number };
  readonly nodes: readonly SwarmNode[];
  /** By application, then by service. */
  readonly services: readonly RunningService[];
  /** What the manager has not listed, or not in this form. */
  readonly more: number;
}

export interface SwarmNode {
  /** Its name in the site; of a node that the site does not know, its own. */
  readonly host: string;
  readonly role: "manager" | "worker";
  /** `ready`, or why it runs nothing: `down`, `unknown`, `disconnected`. */
  readonly state: string;
  readonly availability: "active" | "pause" | "drain";
  /** Of a manager. */
  readonly reachability?: "leader" | "reachable" | "unreachable" | "unknown";
}

export interface RunningService {
  readonly app: string;
  readonly service: string;
  /** As in its specification: `redis@sha256:…`. */
  readonly image: string;
  readonly running: number;
  readonly desired: number;
  /** Running tasks by node. */
  readonly tasks: Readonly<Record<string, number>>;
  /** Of the last update; absent: there was none. `completed`, `updating`, `paused`, `rollback_completed`, … */
  readonly update?: { readonly state: string; readonly at?: string };
}

/** Code of the step whose value this is. */
export const swarmStatusCode = "swarm.status";

export function swarmStatusStep(host: Pick<HostSpec, "stacks" | "swarm">): Step {
  return {
    code: swarmStatusCode,
    fact: "the manager reports what runs on the swarm",
    effect: "none",
    call: ["swarm_status", ...managedStacks(host).map(({ name }) => name)],
  };
}

/** More than half of the managers are reachable, as this one says. */
export function hasQuorum({ managers: { reachable, all } }: SwarmStatus): boolean {
  return reachable * 2 > all;
}

const nodeForm =
  /^([\w.-]{1,100}),(manager|worker),([a-z]{1,20}),(active|pause|drain),(leader|reachable|unreachable|unknown|-)$/;
const serviceForm =
  /^([\w.-]{1,100}),([\w.-]{1,100}),([\w./:@-]{1,400}),(\d{1,6}),(\d{1,6}),([a-z_]{1,30}|-),(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|-)$/;
const tasksForm = /^([\w.-]{1,100}),([\w.-]{1,100}),([\w.-]{1,100}),(\d{1,6})$/;
const mostWords = 2000;

/** Untrusted input from the host. @param value as status.sh writes it; what has another form is counted. */
export function parseSwarmStatus(value: string): SwarmStatus {
  const words = value.split(" ", mostWords).map((word): readonly [string, string] => {
    const cut = word.indexOf("=");
    return [word.slice(0, Math.max(cut, 0)), word.slice(cut + 1)];
  });
  const of = (key: string): readonly string[] =>
    words.flatMap(([word, text]) => (word === key ? [text] : []));
  const [, reachable = "0", all = "0"] = /^(\d{1,4}),(\d{1,4})$/.exec(of("managers")[0] ?? "") ?? [];
  const nodes = of("node").flatMap(nodeOf);
  const tasks = of("tasks").flatMap((text) => {
    const [, app, service, host = "", number] = tasksForm.exec(text) ?? [];
    return number === undefined ? [] : [{ of: `${app},${service}`, host, number: Number(number) }];
  });
  const [more = "0"] = of("more");
  const complete = more === "0" && words.length < mostWords;
  const services = of("service").flatMap((text): readonly RunningService[] => {
    const [, app = "", service = "", image = "", running, desired, state, at] = serviceForm.exec(text) ?? [];
    if (at === undefined || state === undefined) return [];
    const own = tasks.filter((one) => one.of === `${app},${service}`);
    // The engine also counts tasks of a global service on nodes that are down.
    const listed = own.reduce((sum, { number }) => sum + number, 0);
    return [
      {
        ...{ app, service, image, desired: Number(desired) },
        running: complete ? Math.min(Number(running), Math.max(Number(desired), listed)) : Number(running),
        tasks: Object.fromEntries(own.map(({ host, number }) => [host, number])),
        ...(state === "-" ? {} : { update: { state, ...(at === "-" ? {} : { at }) } }),
      },
    ];
  });
  const lines = of("node").length + of("service").length + of("tasks").length;
  return {
    managers: { reachable: Number(reachable), all: Number(all) },
    nodes: nodes.toSorted((one, other) => compare(one.host, other.host)),
    services: services.toSorted(
      (one, other) => compare(one.app, other.app) || compare(one.service, other.service),
    ),
    more: (/^\d{1,6}$/.test(more) ? Number(more) : 0) + lines - nodes.length - services.length - tasks.length,
  };
}

function nodeOf(text: string): readonly SwarmNode[] {
  const [, host, role, state, availability, reachability] = nodeForm.exec(text) ?? [];
  if (host === undefined || state === undefined) return [];
  return [
    {
      ...{ host, state },
      role: role as SwarmNode["role"],
      availability: availability as SwarmNode["availability"],
      ...(reachability === "-"
        ? {}
        : { reachability: reachability as NonNullable<SwarmNode["reachability"]> }),
    },
  ];
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
