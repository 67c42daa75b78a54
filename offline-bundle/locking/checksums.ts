/** A publisher's checksum files: the hashes that they give for a file, and whether all sources agree. */
import { SealiftError } from "../../modules/core/errors.ts";
import { limits } from "../io/limits.ts";
import type { Sources } from "../fetching/fetch-file.ts";
import { publishedText } from "../fetching/published-text.ts";
import { fileTitle, label, type FileSourceSpec } from "../spec/bundle-spec.ts";

/**
 * All hashes that a text in the format of sha256sum(1), or of BSD, gives for a file. A text that is one bare hash names no file:
 * it applies to the file after which it is named, `docker.tgz.sha256` to `docker.tgz`.
 *
 * Runs in linear time, since the lines are untrusted.
 *
 * @param called name of the text itself.
 */
export function hashesIn(text: string, title: string, called: string): readonly string[] {
  const bare = /^\s*([0-9a-f]{64})\s*$/i.exec(text)?.[1];
  if (bare !== undefined) return bareOf(called) === title ? [bare.toLowerCase()] : [];
  const found = text.split(/\r?\n/).flatMap((line) => {
    const [head, gnuHash] = /^\\?([0-9a-f]{64})[ \t]+/i.exec(line) ?? [];
    const gnuName = head === undefined ? undefined : line.slice(head.length).trimEnd().replace(/^\*/, "");
    const [, bsdName, bsdHash] = /^SHA256 ?\((.+)\) ?= ?([0-9a-f]{64})\s*$/i.exec(line) ?? [];
    const [hash, name] = [gnuHash ?? bsdHash, gnuName ?? bsdName];
    return hash !== undefined && name?.split("/").at(-1) === title ? [hash.toLowerCase()] : [];
  });
  return [...new Set(found)];
}

/**
 * Compares the local bytes, the publisher's checksum files and the lock.
 *
 * @returns the URLs of the checksum files, all of which agree.
 * @throws {SealiftError} E_PIN_SOURCES with all values side by side when two differ; E_DOWNLOAD of a checksum file.
 */
export async function agreeing(
  file: FileSourceSpec,
  here: string,
  pin: string | undefined,
  sources: Sources,
): Promise<readonly string[]> {
  const title = fileTitle(file.url);
  const answers = await Promise.all(
    file.checksums.map(async (url) => ({
      url,
      hashes: hashesIn(
        (await publishedText(url, sources, limits.checksums)).toString(),
        title,
        fileTitle(url),
      ),
    })),
  );
  const values = [
    `local bytes ${here}`,
    ...answers.map(({ url, hashes }) => `${url} ${hashes.join(" and ") || `does not list ${title}`}`),
    ...(pin === undefined ? [] : [`the lock ${pin}`]),
  ];
  const all = [here, ...answers.flatMap(({ hashes }) => hashes), ...(pin === undefined ? [] : [pin])];
  if (new Set(all).size === 1 && answers.every(({ hashes }) => hashes.length > 0)) return file.checksums;
  throw new SealiftError([
    {
      where: file.url,
      code: "E_PIN_SOURCES",
      subject: label(file),
      found: values.join("; "),
      expected: "the same sha256 from all sources",
      fix: "do not use the file until you know which value is right; to replace a pin, run: sealift bundle lock --update <name>",
    },
  ]);
}

/** The file after which a checksum file is named; empty when its name has no such form. */
function bareOf(called: string): string | undefined {
  return /^(.+)\.sha256(sum)?(\.txt)?$/i.exec(called)?.[1];
}
