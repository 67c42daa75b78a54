/** A host as a member of a swarm, as facts. Pure. */
import { parseReport } from "../core/host/report.ts";
import { ownMember, type SwarmMember, type SwarmSpec } from "../core/site/swarm.ts";
import type { Phase, Step } from "../core/host/step.ts";
import type { SwarmState } from "./state.ts";

const memberCode = "swarm.member";
const invitationCode = "swarm.invitation";
const unknown = "unknown";

/** @param dataRoot of the engine. */
export function memberSteps(spec: SwarmSpec, state: SwarmState, dataRoot: string): readonly Step[] {
  const { name, members } = spec;
  const own = ownMember(spec);
  if (own.host !== state.inviting)
    return [
      joinedStep(spec, dataRoot, { inviting: state.inviting, ca: state.ca ?? unknown, token: unknown }),
      ...tasksSteps(own),
    ];
  const { addressPool, dataPathPort, certificateExpiry } = spec;
  return [
    {
      code: memberCode,
      fact: `the host manages swarm ${name}`,
      effect: "none",
      call: [
        "swarm_created",
        ...[dataRoot, name, own.address, addressPool.base, String(addressPool.size)],
        ...[String(dataPathPort), certificateExpiry],
      ],
    },
    {
      code: invitationCode,
      fact: "every host of the swarm has joined it, or is invited in this run",
      effect: "none",
      call: ["swarm_invitation", ...members.map(({ address }) => address)],
      // It reports the token that lets a host join.
      secret: true,
    },
    ...tasksSteps(own),
  ];
}

/** A worker cannot drain itself. */
function tasksSteps({ role }: SwarmMember): readonly Step[] {
  if (role === "worker") return [];
  return [
    {
      code: "swarm.tasks",
      fact: "tasks that were moved before the engine stopped may return",
      effect: "none",
      call: ["swarm_tasks"],
    },
  ];
}

/** What a host needs to join. */
export interface Invitation {
  /** Name of the manager that has issued it. */
  readonly inviting: string;
  /** sha256 of the root CA. */
  readonly ca: string;
  readonly token: string;
}

function joinedStep(spec: SwarmSpec, dataRoot: string, { inviting, ca, token }: Invitation): Step {
  const { name, members } = spec;
  const manager = members.find(({ host }: SwarmMember) => host === inviting);
  return {
    code: memberCode,
    fact: `the host is a member of swarm ${name}`,
    effect: "none",
    call: ["swarm_joined", ...[dataRoot, name, ownMember(spec).address, ca, token, manager?.address ?? ""]],
  };
}

/** The phase of a host that joins, once a manager has invited it. */
export function withInvitation(
  { name, steps }: Phase,
  spec: SwarmSpec,
  dataRoot: string,
  invitation: Invitation,
): Phase {
  return {
    name,
    steps: steps.map((step) => (step.code === memberCode ? joinedStep(spec, dataRoot, invitation) : step)),
  };
}

/**
 * What the inviting manager has reported in this run; without a token when every host had joined already.
 *
 * @param report its output, which is not trusted: a value of another form is none.
 */
export function invitationIn(report: string, inviting: string): Invitation {
  const { values = {}, duplicateCode } = parseReport(report);
  const { [memberCode]: ca = "", [invitationCode]: token = "" } = duplicateCode === undefined ? values : {};
  return {
    inviting,
    ca: /^[0-9a-f]{64}$/.test(ca) ? ca : unknown,
    token: /^SWMTKN-1-[a-z0-9]{20,80}-[a-z0-9]{10,60}$/.test(token) ? token : unknown,
  };
}
