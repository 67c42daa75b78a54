/** Rules of the list of users by itself. */
import type { Problem } from "../errors.ts";
import type { Path } from "../locate.ts";
import type { SiteFile } from "../merge.ts";
import { shown } from "../shown.ts";
import type { UserSpec } from "../site-spec.ts";
import { duplicates, written, type Say } from "./say.ts";

/** The codes of steps that are no user's begin with these. */
const reserved: readonly string[] = ["group", "leavers", "sshd", "strangers"];

export function userProblems(file: SiteFile, say: Say): readonly Problem[] {
  return written(file, "users").flatMap(([path, users]) => [
    ...duplicates(users, path, "name", say),
    ...duplicates(users, path, "uid", say),
    ...users.flatMap((user, index) => userProblem(user, [...path, index], say)),
  ]);
}

function userProblem(user: UserSpec, path: Path, say: Say): Problem[] {
  const problems: Problem[] = [];
  if (user.systemUid !== true && !isPersons(user.uid)) {
    const todo = "take another uid, or set systemUid: true if this one is meant";
    problems.push(
      say([...path, "uid"], "E_UID_RANGE", String(user.uid), "1000 to 59999, the range for people", todo),
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

/** login.defs(5) of Debian and Ubuntu: UID_MIN, and what adduser(8) stops at. */
export function isPersons(id: number): boolean {
  return id >= 1000 && id <= 59_999;
}

function isDay(text: string): boolean {
  const date = new Date(text);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}
