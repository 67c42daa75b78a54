/** The login by which the operator comes in must not be shut out by the site itself. */
import type { Problem } from "../errors.ts";
import type { Path } from "../locate.ts";
import type { MergedHost, SiteFile } from "../merge.ts";
import type { UserSpec } from "../site-spec.ts";
import { oncePerPlace, placeOf, type Say } from "./say.ts";

export function loginProblems(file: SiteFile, hosts: readonly MergedHost[], say: Say): readonly Problem[] {
  return oncePerPlace(
    hosts.flatMap((host, index) =>
      host.users.flatMap((user, one) =>
        user.name === host.login
          ? loginProblem(host, user, [...placeOf(file, index, "users"), one], say)
          : [],
      ),
    ),
  );
}

function loginProblem({ name: host }: MergedHost, user: UserSpec, path: Path, say: Say): Problem[] {
  const expected = `a way in for ${user.name}, the login of ${host}`;
  if (user.locked === true)
    return [say([...path, "locked"], "E_VALUE", "true", expected, "take another login first")];
  if (typeof user.sudo === "object") {
    const todo = "write sudo: ALL, or no sudo if another file of the host says so";
    return [
      say(
        [...path, "sudo"],
        "E_VALUE",
        "a list of commands",
        `ALL for ${user.name}, the login of ${host}`,
        todo,
      ),
    ];
  }
  if (user.authorizedKeys.length > 0 || user.keys === "add") return [];
  return [
    say([...path, "authorizedKeys"], "E_VALUE", "no key", expected, "name its keys, or write keys: add"),
  ];
}
