/** Rules for the list of users by itself. */
import type { Problem } from "../../errors.ts";
import type { Path } from "../../document/locate.ts";
import type { SiteFile } from "../merge.ts";
import { shown } from "../../shown.ts";
import { parseSshKey } from "../../ssh-key.ts";
import type { UserSpec } from "../site-spec.ts";
import { duplicates, written, type ProblemBuilder } from "./problem-builder.ts";

/** Step codes that do not belong to a user begin with these. */
const reserved: readonly string[] = ["directory", "group", "removed", "sshd", "unmanaged"];

export function userProblems(file: SiteFile, problemAt: ProblemBuilder): readonly Problem[] {
  const all = written(file, "users");
  return [
    ...all.flatMap(([path, users]) => [
      ...duplicates(users, path, "name", problemAt),
      ...duplicates(users, path, "uid", problemAt),
      ...users.flatMap((user, index) => userProblem(user, [...path, index], problemAt)),
    ]),
    ...Object.entries(file.passwordHashes ?? {}).flatMap(([name, hash]) =>
      hashProblem(
        name,
        hash,
        all.flatMap(([, users]) => users),
        problemAt,
      ),
    ),
  ];
}

/** A hash without a user would be mistaken for an effective one. */
function hashProblem(
  name: string,
  hash: string,
  users: readonly UserSpec[],
  problemAt: ProblemBuilder,
): Problem[] {
  const path = ["passwordHashes", name];
  const named = users.filter((user) => user.name === name);
  if (named.length === 0) {
    const names = [...new Set(users.map((user) => user.name))].join(", ");
    const fix = `correct the name, or remove it: pulumi config rm --path 'sealift:site.passwordHashes.${name}'`;
    return [
      problemAt(path, "E_VALUE", "no such user", `a user of the site: ${names || "none defined"}`, fix),
    ];
  }
  if (named.every(({ passwordHash }) => passwordHash === hash)) return [];
  const expected = "one hash for a user";
  const found = `a hash here and another one in user ${name}`;
  return [problemAt(path, "E_CONFLICT", found, expected, "remove passwordHash from the user")];
}

function userProblem(user: UserSpec, path: Path, problemAt: ProblemBuilder): Problem[] {
  const problems: Problem[] = [
    ...idProblem(user.uid, [...path, "uid"], problemAt),
    ...idProblem(user.gid, [...path, "gid"], problemAt),
    ...user.authorizedKeys.flatMap((key, index) =>
      keyProblem(key, [...path, "authorizedKeys", index], problemAt),
    ),
  ];
  if (user.allowSystemId !== true && !isPersons(user.uid)) {
    const fix = "choose another uid, or set allowSystemId: true if this one is intended";
    problems.push(
      problemAt(
        [...path, "uid"],
        "E_UID_RANGE",
        String(user.uid),
        "1000 to 59999, the range for people, or above 600100000, as directory services assign",
        fix,
      ),
    );
  }
  if (reserved.includes(user.name)) {
    const expected = `a name other than ${reserved.join(", ")}, which step codes use`;
    problems.push(problemAt([...path, "name"], "E_VALUE", shown(user.name), expected, "choose another name"));
  }
  if (user.expires !== undefined && !isDay(user.expires)) {
    problems.push(
      problemAt([...path, "expires"], "E_VALUE", shown(user.expires), "an existing date", "correct the date"),
    );
  }
  return problems;
}

/** sshd ignores a line that is not a whole key, and nobody gets in. */
function keyProblem(line: string, path: Path, problemAt: ProblemBuilder): Problem[] {
  const [type = "", blob = ""] = line.split(" ");
  const key = parseSshKey(blob);
  if (key?.type === type) return [];
  const found =
    key === undefined
      ? `${shown(line)}, whose data is incomplete`
      : `${type} with data of ${shown(key.type)}`;
  const fix = "copy the whole line from the .pub file again";
  return [problemAt(path, "E_VALUE", found, "a complete public key of the type that it begins with", fix)];
}

/** Two numbers that no account and no group may have: that of nobody, and -1 in 16 bits (Debian policy 9.2.2). */
export function idProblem(id: number | undefined, path: Path, problemAt: ProblemBuilder): Problem[] {
  if (id !== 65_534 && id !== 65_535) return [];
  return [
    problemAt(
      path,
      "E_VALUE",
      String(id),
      "an id other than 65534 (nobody) and 65535 (no id)",
      "choose another id",
    ),
  ];
}

/**
 * login.defs(5) of Debian and Ubuntu: from UID_MIN up to the limit of adduser(8); or above SUB_UID_MAX, beyond the ids of user
 * namespaces, where directory services assign theirs.
 */
export function isPersons(id: number): boolean {
  return (id >= 1000 && id <= 59_999) || id > 600_100_000;
}

function isDay(text: string): boolean {
  const date = new Date(text);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}
