/** Rules of users. */
import type { Problem } from "../errors.ts";
import type { Path } from "../locate.ts";
import type { SiteFile } from "../merge.ts";
import type { UserSpec } from "../site.ts";
import { duplicates, written, type Say } from "./say.ts";

export function userProblems(file: SiteFile, say: Say): readonly Problem[] {
  return written(file, "users").flatMap(([path, users]) => listProblems(users, path, say));
}

function listProblems(users: readonly UserSpec[], path: Path, say: Say): Problem[] {
  const range = users.flatMap((user, index) =>
    user.systemUid === true || (user.uid >= 1000 && user.uid <= 59_999)
      ? []
      : [
          say(
            [...path, index, "uid"],
            "E_UID_RANGE",
            String(user.uid),
            "1000 to 59999, the range for people",
            "take another uid, or set systemUid: true if this one is meant",
          ),
        ],
  );
  return [...duplicates(users, path, "name", say), ...duplicates(users, path, "uid", say), ...range];
}
