/** What the managers of a site's swarm report before anything is planned, and what follows from it. Pure. */
import type { Problem } from "../core/errors.ts";
import type { HostSpec } from "../core/site/site-spec.ts";
import type { SwarmSpec } from "../core/site/swarm.ts";
import type { Phase } from "../core/host/step.ts";

/** The step that reports it. */
export const swarmStateCode = "swarm.state";

/** Pure: the one thing that has to be known of a manager before the members can be planned. */
export function statePhase(dataRoot: string): Phase {
  return {
    name: "swarm",
    steps: [
      {
        code: swarmStateCode,
        fact: "the host reports which swarm it is a member of",
        effect: "none",
        call: ["swarm_state", dataRoot],
      },
    ],
  };
}

/** The value of its step, as it came; silent: the host does not respond; pending: its machine is not there yet. */
export type Reported = string;

/** A swarm as the plans of its members need it. */
export interface SwarmState {
  /** Name of the manager that creates the swarm, or that invites others. */
  readonly inviting: string;
  /** sha256 of its root CA; undefined while there is no swarm. */
  readonly ca: string | undefined;
}

interface Manager {
  readonly host: string;
  readonly state: string;
  readonly role: string;
  readonly ca: string;
  readonly name: string;
}

const line =
  /^(inactive|pending|active|locked|error|down) (manager|worker|unknown) (-|[0-9a-f]{64}) (-|\?|[a-z0-9-]{1,64})$/;

/**
 * @param spec of any member. @param reported by the name of each manager.
 * @returns E_SWARM_MEMBER as problems, when it cannot be known which swarm is that of the site.
 */
export function swarmState(
  spec: SwarmSpec,
  reported: ReadonlyMap<string, Reported>,
): { readonly state: SwarmState; readonly problems: readonly Problem[] } {
  const names = spec.members.filter(({ role }) => role === "manager").map(({ host }) => host);
  const [first = ""] = names;
  const managers = names.flatMap((host) => managerOf(host, reported.get(host) ?? "silent"));
  const members = managers.filter(({ ca }) => ca !== "-");
  const [one] = members;
  if (one === undefined)
    return { state: { inviting: first, ca: undefined }, problems: silent(names, managers, reported) };
  const named = members.find(({ name }) => name === spec.name);
  const active = members.find(({ state, role }) => state === "active" && role === "manager");
  const { host: inviting, ca } = named ?? active ?? one;
  return { state: { inviting, ca }, problems: members.flatMap((other) => strange(other, ca, spec)) };
}

function managerOf(host: string, value: Reported): Manager[] {
  const [, state, role, ca, name] = line.exec(value) ?? [];
  if (state === undefined || role === undefined || ca === undefined || name === undefined) return [];
  return [{ host, state, role, ca, name }];
}

/** A second swarm must not be created beside one whose managers do not respond. */
function silent(
  names: readonly string[],
  managers: readonly Manager[],
  reported: ReadonlyMap<string, Reported>,
): Problem[] {
  return names
    .filter((host) => reported.get(host) !== "pending" && !managers.some((one) => one.host === host))
    .map((host) => ({
      where: host,
      code: "E_SWARM_MEMBER",
      subject: swarmStateCode,
      found: "the host does not respond, and no other manager has a swarm",
      expected: "every manager responds before a swarm is created: this one may have it",
      fix: `bring ${host} up, or name another manager in its place`,
    }));
}

function strange({ host, ca, name }: Manager, known: string, spec: SwarmSpec): Problem[] {
  const problem = (found: string, fix: string): Problem[] => [
    {
      where: host,
      code: "E_SWARM_MEMBER",
      subject: swarmStateCode,
      found,
      expected: `the swarm ${spec.name}`,
      fix,
    },
  ];
  const leave = `run docker swarm leave --force on ${host} if it does not need that swarm, then pulumi up`;
  if (ca !== known) return problem(`a member of another swarm (CA sha256 ${ca.slice(0, 12)})`, leave);
  if (name !== spec.name && name !== "-" && name !== "?")
    return problem(`a member of the swarm ${name}`, leave);
  return [];
}

/**
 * The loss of one rack must leave more than half of the managers, where the racks of all are known and differ.
 *
 * @param hosts of the site.
 * @returns E_SWARM_QUORUM as a warning, at most one.
 */
export function rackWarnings(
  hosts: readonly Pick<HostSpec, "name" | "rack" | "swarm">[],
): readonly Problem[] {
  const spec = hosts.find(({ swarm }) => swarm !== undefined)?.swarm;
  const managers = spec?.members.filter(({ role }) => role === "manager") ?? [];
  const racks = managers.map(({ host }) => hosts.find(({ name }) => name === host)?.rack);
  if (spec === undefined || managers.length < 3 || racks.includes(undefined)) return [];
  const most = racks.toSorted((a, b) => countOf(racks, b) - countOf(racks, a))[0] ?? "";
  const there = managers.filter((_, at) => racks[at] === most).map(({ host }) => host);
  if (there.length * 2 < managers.length) return [];
  return [
    {
      where: "swarm.managers",
      code: "E_SWARM_QUORUM",
      subject: spec.name,
      found: `${there.length} of ${managers.length} managers are in rack ${most}: ${there.join(", ")}`,
      expected: "less than half of them in any rack, so that the loss of one leaves a quorum",
      fix: "choose managers in other racks, or accept that the swarm stands still while this rack is down",
    },
  ];
}

function countOf(racks: readonly unknown[], rack: unknown): number {
  return racks.filter((one) => one === rack).length;
}
