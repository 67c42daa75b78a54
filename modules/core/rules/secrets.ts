/** Secrets have no place in a file that goes into version control: Pulumi encrypts them there. */
import { parseDocument, visit } from "yaml";
import type { Problem } from "../errors.ts";
import type { Locate, Path } from "../locate.ts";
import type { SiteFile } from "../merge.ts";
import { sayer, written } from "./say.ts";

/**
 * Every secret of the site that one of its files holds as it is: by what its YAML comes to, however it is written, and by its text, which
 * has comments too.
 *
 * @param texts of the files that the site is written in; none when there is no file.
 */
export function plainSecretProblems(
  file: SiteFile,
  texts: readonly string[],
  place: Locate,
): readonly Problem[] {
  const say = sayer(place);
  const secrets = written(file, "users").flatMap(([path, users]) =>
    users.flatMap(({ name, passwordHash }, index): [Path, string, string][] =>
      passwordHash === undefined ? [] : [[[...path, index, "passwordHash"], passwordHash, name]],
    ),
  );
  if (secrets.length === 0) return [];
  const held = [...texts, ...texts.flatMap(wordsOf)];
  return secrets
    .filter(([, secret]) => held.some((text) => text.includes(secret)))
    .map(([at, , user]) => {
      const todo = `remove it, make a new password, and give its hash to pulumi config set --secret --path 'sealift:site.passwordHashes.${user}'`;
      return say(at, "E_SECRET_PLAIN", "a hash in clear text", "an encrypted value", todo);
    });
}

/** Every text that a YAML document has as a key or a value. One that is JSON again, as Pulumi takes it, has texts of its own. */
function wordsOf(text: string): readonly string[] {
  const words: string[] = [];
  visit(parseDocument(text), {
    Scalar: (_, { value }) => {
      if (typeof value !== "string") return;
      words.push(value, ...(/^\s*[[{]/.test(value) && value !== text ? wordsOf(value) : []));
    },
  });
  return words;
}
