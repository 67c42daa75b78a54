/** Rules of groups, and of users with them: every number and every name of a host has one owner. */
import { closest } from "fastest-levenshtein";
import type { Problem } from "../errors.ts";
import type { Path } from "../locate.ts";
import type { MergedHost, SiteFile } from "../merge.ts";
import { shown, subject } from "../shown.ts";
import type { UserSpec } from "../site-spec.ts";
import { duplicates, oncePerPlace, placeOf, written, type Say } from "./say.ts";
import { idProblem, isPersons } from "./users.ts";

/** Groups of every Debian and Ubuntu (base-passwd, systemd) that a person may need. sudo, disk and shadow are root. */
const baseGroups = ["adm", "backup", "operator", "plugdev", "staff", "systemd-journal", "users"] as const;

export function groupProblems(file: SiteFile, hosts: readonly MergedHost[], say: Say): readonly Problem[] {
  return [
    ...written(file, "groups").flatMap(([path, groups]) => [
      ...duplicates(groups, path, "name", say),
      ...duplicates(groups, path, "gid", say),
      ...groups.flatMap(({ name, gid }, index) => [
        ...dockerProblem(name, [...path, index, "name"], say),
        ...idProblem(gid, [...path, index, "gid"], say),
      ]),
    ]),
    ...oncePerPlace(hosts.flatMap((host, index) => hostProblems(file, host, index, say))),
  ];
}

function dockerProblem(name: string, path: Path, say: Say): Problem[] {
  if (name !== "docker") return [];
  return [say(path, "E_VALUE", shown(name), "any other group", "write its gid into dockerGroup: { gid: … }")];
}

function hostProblems(file: SiteFile, host: MergedHost, index: number, say: Say): Problem[] {
  const at = placeOf(file, index, "users");
  return [
    ...host.users.flatMap((user, one) => [
      ...primaryProblem(host, user, [...at, one], say),
      ...unknownGroups(host, user, [...at, one, "groups"], say),
    ]),
    ...ownGroupTwice(host, at, say),
    ...dockerGid(host, placeOf(file, index, "dockerGroup"), say),
    ...memberTwice(host, placeOf(file, index, "dockerGroup"), say),
  ];
}

/** Who is a user of the site is in the group or not by `docker`; two places could say two things. */
function memberTwice({ users, dockerGroup }: MergedHost, at: Path, say: Say): Problem[] {
  const members = dockerGroup.members ?? [];
  return members.flatMap((name, index) => {
    if (!users.some((user) => user.name === name)) return [];
    const todo = "remove one of the two: a user of the site is a member unless docker: false is there";
    return [
      say([...at, "members", index], "E_CONFLICT", shown(name), "an account that is not in users", todo),
    ];
  });
}

/** A gid that is written down may be that of a group of the site; any other is a group of the user's own. */
function primaryProblem(host: MergedHost, user: UserSpec, path: Path, say: Say): Problem[] {
  const { name, uid, gid = uid } = user;
  const owner = host.groups.find((group) => group.gid === gid);
  const namesake = host.groups.find((group) => group.name === name);
  const at = [...path, user.gid === undefined ? "uid" : "gid"];
  if (owner !== undefined && (user.gid !== undefined || owner.name === name)) return [];
  if (owner !== undefined) {
    const todo = `write gid: ${gid} if ${owner.name} is to be the primary group, or take another uid`;
    return [say(at, "E_DUPLICATE", String(gid), `a gid that group ${owner.name} does not have`, todo)];
  }
  if (namesake !== undefined || name === "docker") {
    const taken =
      namesake === undefined ? "docker" : `${name}, which is a group of the site with gid ${namesake.gid}`;
    const todo =
      namesake === undefined ? "rename the user" : `write gid: ${namesake.gid}, or rename one of the two`;
    return [say([...path, "name"], "E_DUPLICATE", shown(name), `a name other than ${taken}`, todo)];
  }
  if (user.gid === undefined || user.systemUid === true || isPersons(gid)) return [];
  const todo = "take another gid, or set systemUid: true if this one is meant";
  return [say(at, "E_UID_RANGE", String(gid), "1000 to 59999, or the gid of one of the site's groups", todo)];
}

function unknownGroups(
  { groups }: MergedHost,
  { groups: wanted = [] }: UserSpec,
  path: Path,
  say: Say,
): Problem[] {
  const known = [...groups.map(({ name }) => name), ...baseGroups];
  return wanted.flatMap((name, index) => {
    if (known.includes(name)) return [];
    const expected = `one of ${known.join(", ")}`;
    const hints: Readonly<Record<string, string>> = {
      docker: "remove it: docker: true, the default, says this",
      sudo: "remove it and write sudo: ALL, which needs no password",
    };
    const todo =
      hints[name] ?? `did you mean "${closest(name, known)}"? if not, add it to groups with its gid`;
    return [say([...path, index], "E_GROUP_UNKNOWN", shown(name), expected, todo)];
  });
}

/** Two users with groups of their own and one number. Equal uids are told as such. */
function ownGroupTwice({ users, groups }: MergedHost, path: Path, say: Say): Problem[] {
  return users.flatMap((user, index) => {
    const gid = user.gid ?? user.uid;
    const earlier = users.findIndex((other) => (other.gid ?? other.uid) === gid);
    if (earlier === index || groups.some((group) => group.gid === gid)) return [];
    if (users[earlier]?.uid === user.uid) return [];
    const expected = `another gid than ${subject([...path, earlier])} has`;
    const todo = "take another one, or name a group with this gid in groups";
    return [
      say(
        [...path, index, user.gid === undefined ? "uid" : "gid"],
        "E_DUPLICATE",
        String(gid),
        expected,
        todo,
      ),
    ];
  });
}

function dockerGid({ dockerGroup: { gid }, groups, users }: MergedHost, path: Path, say: Say): Problem[] {
  if (gid === undefined) return [];
  const nobodys = idProblem(gid, [...path, "gid"], say);
  if (nobodys.length > 0) return nobodys;
  const owner =
    groups.find((group) => group.gid === gid) ?? users.find((user) => (user.gid ?? user.uid) === gid);
  if (owner === undefined) return [];
  return [
    say(
      [...path, "gid"],
      "E_DUPLICATE",
      String(gid),
      `a gid that ${owner.name} does not have`,
      "take another one",
    ),
  ];
}
