/** Secrets must not be in clear text in a file under version control: Pulumi encrypts them. */
import { parseDocument, visit } from "yaml";
import type { Problem } from "../../errors.ts";
import type { Locate, Path } from "../../document/locate.ts";
import type { SiteFile } from "../merge.ts";
import { problemBuilder, written } from "./problem-builder.ts";

/**
 * Every secret of the site that is in clear text in one of its files: as a YAML value, however it is written, and as raw text,
 * comments included.
 *
 * @param texts of the site's files; none when there is no file.
 */
export function plainSecretProblems(
  file: SiteFile,
  texts: readonly string[],
  place: Locate,
): readonly Problem[] {
  const problemAt = problemBuilder(place);
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
      const fix = `remove it, choose a new password, and set its hash with pulumi config set --secret --path 'sealift:site.passwordHashes.${user}'`;
      return problemAt(at, "E_SECRET_PLAIN", "a hash in clear text", "an encrypted value", fix);
    });
}

/**
 * Every key and value of a YAML document that is a string. A string that is JSON, as Pulumi accepts it, has strings of its own.
 */
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
