/** One user as facts: account, groups, authentication, sudo rule. */
import type { GroupSpec, UserSpec } from "../core/site/site-spec.ts";
import type { Step } from "../core/host/step.ts";
import { dockerGroup } from "./docker-group.ts";
import { sudoRule } from "./sudo-rule.ts";

/** @param groups of the site: a user is in the groups that it lists, and in no other group of the site. */
export function stepsOfUser(user: UserSpec, groups: readonly GroupSpec[]): readonly Step[] {
  return [
    account(user, groups),
    docker(user),
    ...memberships(user, groups),
    password(user),
    expiry(user),
    ...keys(user),
    sudo(user),
  ];
}

/** The group of the site that has the user's gid; otherwise a group with the user's own name. */
function primaryGroup({ name, uid, gid = uid }: UserSpec, groups: readonly GroupSpec[]): GroupSpec {
  return groups.find((group) => group.gid === gid) ?? { name, gid };
}

function account(user: UserSpec, groups: readonly GroupSpec[]): Step {
  const { name, uid, shell = "/bin/bash", home = `/home/${name}` } = user;
  const group = primaryGroup(user, groups);
  const gid = group.gid === uid ? "" : `, gid ${group.gid}`;
  return {
    code: `users.${name}`,
    fact: `user ${name} has uid ${uid}${gid}, shell ${shell} and home ${home}`,
    effect: "none",
    call: ["user", name, String(uid), group.name, String(group.gid), home, shell],
  };
}

function docker({ name, docker: member = true }: UserSpec): Step {
  return {
    code: `users.${name}.docker`,
    fact: `user ${name} is ${member ? "" : "not "}in group ${dockerGroup}`,
    effect: "none",
    call: [member ? "member" : "no_member", name, dockerGroup],
  };
}

function memberships(user: UserSpec, groups: readonly GroupSpec[]): Step[] {
  const { name, groups: memberOf = [] } = user;
  const primary = primaryGroup(user, groups).name;
  const others = groups
    .map((group) => group.name)
    .filter((one) => one !== primary && !memberOf.includes(one));
  if (memberOf.length + others.length === 0) return [];
  const words = [
    ...(memberOf.length > 0 ? [`in ${memberOf.join(", ")}`] : []),
    ...(others.length > 0 ? [`not in ${others.join(", ")}`] : []),
  ];
  return [
    {
      code: `users.${name}.groups`,
      fact: `user ${name} is ${words.join(" and ")}`,
      effect: "none",
      call: ["groups", name, ...memberOf, "-", ...others],
    },
  ];
}

/** The password field of shadow(5): "*" is no password, a leading "!" locks it. */
function password({ name, passwordHash, locked = false }: UserSpec): Step {
  const facts =
    passwordHash === undefined ? `${name} has no password` : `${name} has the password from the site`;
  return {
    code: `users.${name}.password`,
    fact: locked ? `the password of ${name} is locked` : facts,
    effect: "none",
    call: ["password", name, `${locked ? "!" : ""}${passwordHash ?? "*"}`],
    ...(passwordHash === undefined ? {} : { secret: true }),
  };
}

function expiry({ name, expires, locked = false }: UserSpec): Step {
  const open =
    expires === undefined
      ? `the account ${name} does not expire`
      : `the account ${name} expires on ${expires}`;
  const day = expires === undefined ? "" : String(Date.parse(expires) / 86_400_000);
  return {
    code: `users.${name}.expiry`,
    fact: locked ? `the account ${name} is locked, including its keys` : open,
    effect: "none",
    // usermod(8) on locking: the account must expire as well, and day 1 is the earliest possible date.
    call: ["expiry", name, locked ? "1" : day],
  };
}

function keys({ name, authorizedKeys, authorizedKeysMode: mode = "exclusive" }: UserSpec): Step[] {
  const count = authorizedKeys.length === 1 ? "1 key" : `${authorizedKeys.length || "no"} keys`;
  if (mode === "additive" && authorizedKeys.length === 0) return [];
  return [
    {
      code: `users.${name}.keys`,
      fact: `${mode === "exclusive" ? "exactly" : "at least"} ${count} may log in as ${name}`,
      effect: "none",
      call: ["authorized_keys", name, mode === "exclusive" ? "exact" : "add", ...authorizedKeys],
    },
  ];
}

function sudo(user: UserSpec): Step {
  const rule = sudoRule(user);
  return {
    code: `users.${user.name}.sudo`,
    fact: rule === undefined ? `${user.name} has no sudo rule from Sealift` : `sudo: ${rule}`,
    effect: "none",
    call: rule === undefined ? ["no_sudo_rule", user.name] : ["sudo_rule", user.name, rule],
  };
}
