/** One user as facts: who it is, what it is in, what lets it in, what it may do. */
import type { GroupSpec, UserSpec } from "../core/site-spec.ts";
import type { Step } from "../core/step.ts";
import { dockerGroup } from "./docker-group.ts";
import { sudoRule } from "./sudo-rule.ts";

/** @param groups of the site: a user is in those that it names, and in no other of them. */
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

/** The group of the site that has the user's gid; otherwise one of the user's own name. */
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
  const { name, groups: wanted = [] } = user;
  const primary = primaryGroup(user, groups).name;
  const others = groups.map((group) => group.name).filter((one) => one !== primary && !wanted.includes(one));
  if (wanted.length + others.length === 0) return [];
  const words = [
    ...(wanted.length > 0 ? [`in ${wanted.join(", ")}`] : []),
    ...(others.length > 0 ? [`not in ${others.join(", ")}`] : []),
  ];
  return [
    {
      code: `users.${name}.groups`,
      fact: `user ${name} is ${words.join(" and ")}`,
      effect: "none",
      call: ["groups", name, ...wanted, "-", ...others],
    },
  ];
}

/** The password field of shadow(5): "*" is no password, "!" before it locks it. */
function password({ name, passwordHash, locked = false }: UserSpec): Step {
  const facts =
    passwordHash === undefined ? `no password lets ${name} in` : `${name} has the site's password`;
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
    expires === undefined ? `${name} may log in without end` : `${name} may log in before ${expires}`;
  const day = expires === undefined ? "" : String(Date.parse(expires) / 86_400_000);
  return {
    code: `users.${name}.expiry`,
    fact: locked ? `nothing lets ${name} in, no key either` : open,
    effect: "none",
    // usermod(8) on locking: the account has to end, too, and day 1 is as long ago as can be.
    call: ["expiry", name, locked ? "1" : day],
  };
}

function keys({ name, authorizedKeys, keys: policy = "exact" }: UserSpec): Step[] {
  const count = authorizedKeys.length === 1 ? "1 key" : `${authorizedKeys.length || "no"} keys`;
  if (policy === "add" && authorizedKeys.length === 0) return [];
  return [
    {
      code: `users.${name}.keys`,
      fact: `${policy === "exact" ? "exactly" : "at least"} ${count} may log in as ${name}`,
      effect: "none",
      call: ["authorized_keys", name, policy, ...authorizedKeys],
    },
  ];
}

function sudo(user: UserSpec): Step {
  const rule = sudoRule(user);
  return {
    code: `users.${user.name}.sudo`,
    fact: rule === undefined ? `${user.name} has no sudo rule by the site` : `sudo: ${rule}`,
    effect: "none",
    call: rule === undefined ? ["no_sudo_rule", user.name] : ["sudo_rule", user.name, rule],
  };
}
