/** Rules of the list of users by itself. */
import type { Problem } from "../errors.ts";
import type { Path } from "../locate.ts";
import type { SiteFile } from "../merge.ts";
import { shown } from "../shown.ts";
import type { UserSpec } from "../site-spec.ts";
import { duplicates, written, type Say } from "./say.ts";

/** The codes of steps that are no user's begin with these. */
const reserved: readonly string[] = ["directory", "group", "leavers", "sshd", "strangers"];

export function userProblems(file: SiteFile, say: Say): readonly Problem[] {
  const all = written(file, "users");
  return [
    ...all.flatMap(([path, users]) => [
      ...duplicates(users, path, "name", say),
      ...duplicates(users, path, "uid", say),
      ...users.flatMap((user, index) => userProblem(user, [...path, index], say)),
    ]),
    ...Object.entries(file.passwordHashes ?? {}).flatMap(([name, hash]) =>
      hashProblem(
        name,
        hash,
        all.flatMap(([, users]) => users),
        say,
      ),
    ),
  ];
}

/** A hash that nobody gets would be one that somebody believes to count. */
function hashProblem(name: string, hash: string, users: readonly UserSpec[], say: Say): Problem[] {
  const path = ["passwordHashes", name];
  const named = users.filter((user) => user.name === name);
  if (named.length === 0) {
    const names = [...new Set(users.map((user) => user.name))].join(", ");
    const todo = `correct the name, or remove it: pulumi config rm --path 'sealift:site.passwordHashes.${name}'`;
    return [say(path, "E_VALUE", "no such user", `a user of the site: ${names || "it has none"}`, todo)];
  }
  if (named.every(({ passwordHash }) => passwordHash === hash)) return [];
  const expected = "one of the two";
  const got = `a hash here, and another one at the user ${name}`;
  return [say(path, "E_CONFLICT", got, expected, "remove passwordHash of the user")];
}

function userProblem(user: UserSpec, path: Path, say: Say): Problem[] {
  const problems: Problem[] = [
    ...idProblem(user.uid, [...path, "uid"], say),
    ...idProblem(user.gid, [...path, "gid"], say),
  ];
  if (user.systemUid !== true && !isPersons(user.uid)) {
    const todo = "take another uid, or set systemUid: true if this one is meant";
    problems.push(
      say(
        [...path, "uid"],
        "E_UID_RANGE",
        String(user.uid),
        "1000 to 59999, the range for people, or more than 600100000, as directories give",
        todo,
      ),
    );
  }
  if (reserved.includes(user.name)) {
    const expected = `none of ${reserved.join(", ")}, which previews use for other things`;
    problems.push(say([...path, "name"], "E_VALUE", shown(user.name), expected, "take another name"));
  }
  if (user.expires !== undefined && !isDay(user.expires)) {
    problems.push(
      say([...path, "expires"], "E_VALUE", shown(user.expires), "a day of the calendar", "correct the day"),
    );
  }
  return problems;
}

/** Two numbers that no account and no group may have: nobody's, and -1 in 16 bits (Debian policy 9.2.2). */
export function idProblem(id: number | undefined, path: Path, say: Say): Problem[] {
  if (id !== 65_534 && id !== 65_535) return [];
  return [say(path, "E_VALUE", String(id), "neither 65534 (nobody) nor 65535 (no id)", "take another one")];
}

/**
 * login.defs(5) of Debian and Ubuntu: UID_MIN, and what adduser(8) stops at; or above SUB_UID_MAX, where no namespace of a container has its
 * numbers and directories have theirs.
 */
export function isPersons(id: number): boolean {
  return (id >= 1000 && id <= 59_999) || id > 600_100_000;
}

function isDay(text: string): boolean {
  const date = new Date(text);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}
