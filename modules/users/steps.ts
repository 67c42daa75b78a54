/** Groups, users and access to the engine, as facts. */
import type { GroupSpec, HostSpec } from "../core/site/site-spec.ts";
import type { Step } from "../core/host/step.ts";
import { dockerGroup } from "./docker-group.ts";
import { stepsOfUser } from "./user-steps.ts";

/** Groups first, then one user after the other, then unmanaged members. */
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
      fact: "login permissions do not depend on the client address",
      effect: "none",
      call: ["sshd_everywhere"],
    },
    {
      code: "users.removed",
      fact: "users removed from the site keep no access that Sealift granted",
      effect: "none",
      call: ["removed_users", dockerGroup, ...names],
    },
    {
      code: "users.unmanaged",
      fact: `all members of group ${dockerGroup} are listed in the site`,
      effect: "none",
      call: ["unmanaged_members", dockerGroup, docker.unmanagedMembers, ...names, ...(docker.members ?? [])],
    },
  ];
}

function directoryMembers(members: readonly string[]): Step[] {
  if (members.length === 0) return [];
  return [
    {
      code: "users.directory",
      fact: `group ${dockerGroup} contains the directory accounts ${members.join(", ")}`,
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
