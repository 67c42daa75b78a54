/** Groups, users and who may use the engine, as facts. */
import type { GroupSpec, HostSpec } from "../core/site-spec.ts";
import type { Step } from "../core/step.ts";
import { dockerGroup } from "./docker-group.ts";
import { stepsOfUser } from "./user-steps.ts";

/** Groups first, then one user after the other, then those whom the site does not name. */
export function accountSteps({
  groups,
  dockerGroup: docker,
  users,
}: Pick<HostSpec, "groups" | "dockerGroup" | "users">): readonly Step[] {
  const names = users.map(({ name }) => name);
  return [
    {
      code: "users.group",
      fact:
        docker.gid === undefined
          ? `group ${dockerGroup} exists`
          : `group ${dockerGroup} has gid ${docker.gid}`,
      effect: "none",
      call: ["group", dockerGroup, docker.gid === undefined ? "" : String(docker.gid)],
    },
    ...groups.map(stepOfGroup),
    ...users.flatMap((user) => stepsOfUser(user, groups)),
    ...directoryMembers(docker.members ?? []),
    {
      code: "users.sshd",
      fact: "who may log in does not depend on where they come from",
      effect: "none",
      call: ["sshd_everywhere"],
    },
    {
      code: "users.leavers",
      fact: "who has left the site has no access by it",
      effect: "none",
      call: ["leavers", dockerGroup, ...names],
    },
    {
      code: "users.strangers",
      fact: `the site names every member of group ${dockerGroup}`,
      effect: "none",
      call: ["strangers", dockerGroup, docker.strangers, ...names, ...(docker.members ?? [])],
    },
  ];
}

function directoryMembers(members: readonly string[]): Step[] {
  if (members.length === 0) return [];
  return [
    {
      code: "users.directory",
      fact: `group ${dockerGroup} has ${members.join(", ")} of a directory`,
      effect: "none",
      call: ["directory_members", dockerGroup, ...members],
    },
  ];
}

function stepOfGroup({ name, gid }: GroupSpec): Step {
  return {
    code: `users.group.${name}`,
    fact: `group ${name} has gid ${gid}`,
    effect: "none",
    call: ["group", name, String(gid)],
  };
}
