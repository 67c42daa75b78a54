/** Upstream's checksum files: what they say about a file, and whether everyone agrees. */
import { SealiftError } from "../modules/core/errors.ts";
import { limits } from "./limits.ts";
import type { Sources } from "./obtain-file.ts";
import { publishedText } from "./published-text.ts";
import { fileTitle, label, type WantedEntry } from "./want.ts";

/**
 * Everything that a text in the format of sha256sum(1), or BSD's, says about a file. A text that is one hash names no file: it is about
 * the one after which it is called, `docker.tgz.sha256` about `docker.tgz`.
 *
 * It takes time as the text is long: whoever has written it chooses the lines.
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
 * Compares what is here, what upstream's checksum files say, and what the lock says.
 *
 * @returns the urls of the checksum files, all of which agree.
 * @throws {SealiftError} E_PIN_SOURCES with all values side by side when two differ; E_DOWNLOAD of a checksum file.
 */
export async function agreeing(
  file: WantedEntry,
  here: string,
  pin: string | undefined,
  sources: Sources,
): Promise<readonly string[]> {
  const title = fileTitle(file.url);
  const said = await Promise.all(
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
    `bytes here ${here}`,
    ...said.map(({ url, hashes }) => `${url} ${hashes.join(" and ") || `says nothing of ${title}`}`),
    ...(pin === undefined ? [] : [`the lock ${pin}`]),
  ];
  const all = [here, ...said.flatMap(({ hashes }) => hashes), ...(pin === undefined ? [] : [pin])];
  if (new Set(all).size === 1 && said.every(({ hashes }) => hashes.length > 0)) return file.checksums;
  throw new SealiftError([
    {
      where: file.url,
      code: "E_PIN_SOURCES",
      subject: label(file),
      got: values.join("; "),
      expected: "one sha256 from all of them",
      todo: "use none of it before you know which is right; a pin is replaced with: sealift bundle lock --update",
    },
  ]);
}

/** The file after which a checksum file is called; nothing when it is called after none. */
function bareOf(called: string): string | undefined {
  return /^(.+)\.sha256(sum)?(\.txt)?$/i.exec(called)?.[1];
}
