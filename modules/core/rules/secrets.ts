/** Secrets have no place in a file that goes into version control: Pulumi encrypts them there. */
import type { Problem } from "../errors.ts";
import type { Locate, Path } from "../locate.ts";
import type { SiteFile } from "../merge.ts";
import { sayer, written } from "./say.ts";

/** Every secret of the site that the text of its file holds as it is. @param text of the stack file; may be empty. */
export function plainSecretProblems(file: SiteFile, text: string, place: Locate): readonly Problem[] {
  const say = sayer(place);
  return written(file, "users").flatMap(([path, users]) =>
    users.flatMap(({ passwordHash }, index) => {
      if (passwordHash === undefined || !text.includes(passwordHash)) return [];
      const at: Path = [...path, index, "passwordHash"];
      const todo = `remove it, make a new password, and give its hash to pulumi config set --secret --path '${key(at)}'`;
      return [say(at, "E_SECRET_PLAIN", "a hash in clear text", "an encrypted value", todo)];
    }),
  );
}

function key(path: Path): string {
  return `sealift:site${path.map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`)).join("")}`;
}
