/** The site must not lock out the SSH user of the operator. */
import type { Problem } from "../../errors.ts";
import type { Path } from "../../document/locate.ts";
import type { MergedHost, SiteFile } from "../merge.ts";
import type { UserSpec } from "../site-spec.ts";
import { oncePerPlace, placeOf, type ProblemBuilder } from "./problem-builder.ts";

export function loginProblems(
  file: SiteFile,
  hosts: readonly MergedHost[],
  problemAt: ProblemBuilder,
): readonly Problem[] {
  return oncePerPlace(
    hosts.flatMap((host, index) =>
      host.users.flatMap((user, one) =>
        user.name === host.sshUser
          ? loginProblem(host, user, [...placeOf(file, index, "users"), one], problemAt)
          : [],
      ),
    ),
  );
}

function loginProblem(
  { name: host }: MergedHost,
  user: UserSpec,
  path: Path,
  problemAt: ProblemBuilder,
): Problem[] {
  const expected = `access for ${user.name}, the SSH user of ${host}`;
  if (user.locked === true)
    return [problemAt([...path, "locked"], "E_VALUE", "true", expected, "connect as another user first")];
  if (typeof user.sudo === "object") {
    const fix = "set sudo: ALL, or remove sudo if another sudoers file of the host grants it";
    return [
      problemAt(
        [...path, "sudo"],
        "E_VALUE",
        "a list of commands",
        `ALL for ${user.name}, the SSH user of ${host}`,
        fix,
      ),
    ];
  }
  if (user.authorizedKeys.length > 0 || user.authorizedKeysMode === "additive") return [];
  return [
    problemAt(
      [...path, "authorizedKeys"],
      "E_VALUE",
      "no key",
      expected,
      "list its public keys, or set authorizedKeysMode: additive",
    ),
  ];
}
