/** Rules for groups, and for users in relation to them: every number and every name of a host has one owner. */
import type { Problem } from "../../errors.ts";
import { nearest } from "../../document/nearest.ts";
import type { Path } from "../../document/locate.ts";
import type { MergedHost, SiteFile } from "../merge.ts";
import { shown, subject } from "../../shown.ts";
import type { UserSpec } from "../site-spec.ts";
import { duplicates, oncePerPlace, placeOf, written, type ProblemBuilder } from "./problem-builder.ts";
import { idProblem, isPersons } from "./users.ts";

/** Groups of every Debian and Ubuntu (base-passwd, systemd) that a person may need. sudo, disk and shadow are equivalent to root. */
const baseGroups = ["adm", "backup", "operator", "plugdev", "staff", "systemd-journal", "users"] as const;

export function groupProblems(
  file: SiteFile,
  hosts: readonly MergedHost[],
  problemAt: ProblemBuilder,
): readonly Problem[] {
  return [
    ...written(file, "groups").flatMap(([path, groups]) => [
      ...duplicates(groups, path, "name", problemAt),
      ...duplicates(groups, path, "gid", problemAt),
      ...groups.flatMap(({ name, gid }, index) => [
        ...dockerProblem(name, [...path, index, "name"], problemAt),
        ...idProblem(gid, [...path, index, "gid"], problemAt),
      ]),
    ]),
    ...oncePerPlace(hosts.flatMap((host, index) => hostProblems(file, host, index, problemAt))),
  ];
}

function dockerProblem(name: string, path: Path, problemAt: ProblemBuilder): Problem[] {
  if (name !== "docker") return [];
  return [
    problemAt(
      path,
      "E_VALUE",
      shown(name),
      "a group other than docker",
      "set its gid in dockerGroup: { gid: … }",
    ),
  ];
}

function hostProblems(file: SiteFile, host: MergedHost, index: number, problemAt: ProblemBuilder): Problem[] {
  const at = placeOf(file, index, "users");
  return [
    ...host.users.flatMap((user, one) => [
      ...primaryProblem(host, user, [...at, one], problemAt),
      ...unknownGroups(host, user, [...at, one, "groups"], problemAt),
    ]),
    ...ownGroupTwice(host, at, problemAt),
    ...dockerGid(host, placeOf(file, index, "dockerGroup"), problemAt),
    ...memberTwice(host, placeOf(file, index, "dockerGroup"), problemAt),
  ];
}

/** For a user of the site, `docker` decides on the membership; two places could contradict each other. */
function memberTwice({ users, dockerGroup }: MergedHost, at: Path, problemAt: ProblemBuilder): Problem[] {
  const members = dockerGroup.members ?? [];
  return members.flatMap((name, index) => {
    if (!users.some((user) => user.name === name)) return [];
    const fix = "remove one of the two: a user of the site is a member unless docker: false is set";
    return [
      problemAt([...at, "members", index], "E_CONFLICT", shown(name), "an account that is not in users", fix),
    ];
  });
}

/** A gid may be that of a group of the site; any other gid is a group of the user's own. */
function primaryProblem(host: MergedHost, user: UserSpec, path: Path, problemAt: ProblemBuilder): Problem[] {
  const { name, uid, gid = uid } = user;
  const owner = host.groups.find((group) => group.gid === gid);
  const namesake = host.groups.find((group) => group.name === name);
  const at = [...path, user.gid === undefined ? "uid" : "gid"];
  if (owner !== undefined && (user.gid !== undefined || owner.name === name)) return [];
  if (owner !== undefined) {
    const fix = `set gid: ${gid} if ${owner.name} should be the primary group, or choose another uid`;
    return [problemAt(at, "E_DUPLICATE", String(gid), `a gid that group ${owner.name} does not have`, fix)];
  }
  if (namesake !== undefined || name === "docker") {
    const taken =
      namesake === undefined ? "docker" : `${name}, which is a group of the site with gid ${namesake.gid}`;
    const fix =
      namesake === undefined ? "rename the user" : `set gid: ${namesake.gid}, or rename one of the two`;
    return [problemAt([...path, "name"], "E_DUPLICATE", shown(name), `a name other than ${taken}`, fix)];
  }
  if (user.gid === undefined || user.allowSystemId === true || isPersons(gid)) return [];
  const fix = "choose another gid, or set allowSystemId: true if this one is intended";
  return [
    problemAt(at, "E_UID_RANGE", String(gid), "1000 to 59999, or the gid of one of the site's groups", fix),
  ];
}

function unknownGroups(
  { groups }: MergedHost,
  { groups: memberships = [] }: UserSpec,
  path: Path,
  problemAt: ProblemBuilder,
): Problem[] {
  const known = [...groups.map(({ name }) => name), ...baseGroups];
  return memberships.flatMap((name, index) => {
    if (known.includes(name)) return [];
    const expected = `one of ${known.join(", ")}`;
    const near = nearest(name, known);
    const define = "add it to groups with its gid";
    const hints: Readonly<Record<string, string>> = {
      docker: "remove it: docker: true, the default, puts the user into this group",
      sudo: "remove it and set sudo: ALL, which needs no password",
    };
    const fix = hints[name] ?? (near === undefined ? define : `did you mean "${near}"? Otherwise ${define}`);
    return [problemAt([...path, index], "E_GROUP_UNKNOWN", shown(name), expected, fix)];
  });
}

/** Two users whose own groups have the same gid. Equal uids are reported separately. */
function ownGroupTwice({ users, groups }: MergedHost, path: Path, problemAt: ProblemBuilder): Problem[] {
  return users.flatMap((user, index) => {
    const gid = user.gid ?? user.uid;
    const earlier = users.findIndex((other) => (other.gid ?? other.uid) === gid);
    if (earlier === index || groups.some((group) => group.gid === gid)) return [];
    if (users[earlier]?.uid === user.uid) return [];
    const expected = `a gid other than that of ${subject([...path, earlier])}`;
    const fix = "choose another gid, or define a group with this gid in groups";
    return [
      problemAt(
        [...path, index, user.gid === undefined ? "uid" : "gid"],
        "E_DUPLICATE",
        String(gid),
        expected,
        fix,
      ),
    ];
  });
}

function dockerGid(
  { dockerGroup: { gid }, groups, users }: MergedHost,
  path: Path,
  problemAt: ProblemBuilder,
): Problem[] {
  if (gid === undefined) return [];
  const nobodys = idProblem(gid, [...path, "gid"], problemAt);
  if (nobodys.length > 0) return nobodys;
  const owner =
    groups.find((group) => group.gid === gid) ?? users.find((user) => (user.gid ?? user.uid) === gid);
  if (owner === undefined) return [];
  return [
    problemAt(
      [...path, "gid"],
      "E_DUPLICATE",
      String(gid),
      `a gid that ${owner.name} does not have`,
      "choose another gid",
    ),
  ];
}
