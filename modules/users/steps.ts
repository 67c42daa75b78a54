/** Who is in the docker group, as facts. */
import type { UserSpec } from "../core/site.ts";
import type { Step } from "../core/step.ts";

export const dockerGroup = "docker";

/** The group first, then one user after the other. */
export function userSteps(users: readonly UserSpec[]): readonly Step[] {
  return [
    {
      code: "users.group",
      fact: `group ${dockerGroup} exists`,
      effect: "none",
      call: ["group", dockerGroup],
    },
    ...users.flatMap(stepsOfUser),
  ];
}

function stepsOfUser({ name, uid, shell = "/bin/bash", authorizedKeys }: UserSpec): Step[] {
  return [
    {
      code: `users.${name}`,
      fact: `user ${name} has uid ${uid}, shell ${shell} and a home`,
      effect: "none",
      call: ["user", name, String(uid), shell],
    },
    {
      code: `users.${name}.docker`,
      fact: `user ${name} is in group ${dockerGroup}`,
      effect: "none",
      call: ["member", name, dockerGroup],
    },
    {
      code: `users.${name}.password`,
      fact: `no password lets ${name} in`,
      effect: "none",
      call: ["no_password", name],
    },
    {
      code: `users.${name}.keys`,
      fact: `exactly ${countOf(authorizedKeys.length, "key")} may log in as ${name}`,
      effect: "none",
      call: ["authorized_keys", name, ...authorizedKeys],
    },
  ];
}

function countOf(count: number, noun: string): string {
  return count === 1 ? `1 ${noun}` : `${count} ${noun}s`;
}
