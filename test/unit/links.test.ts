/** A link inside the repository has an existing file as its target, and an existing heading if it names one. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { checkout } from "../lab/cache.ts";
import { trackedFiles } from "../support/fixtures/tracked-files.ts";

const documents = trackedFiles().filter((path) => path.endsWith(".md"));

test("a link inside the repository has a target", () => {
  const broken: string[] = [];
  let links = 0;
  for (const document of documents) {
    const text = readFileSync(join(checkout, document), "utf8").replaceAll(/^```[^]*?^```/gm, "");
    for (const [, target = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      links += 1;
      const [path = "", heading] = target.split("#");
      const at = path === "" ? join(checkout, document) : join(checkout, dirname(document), path);
      if (!existsSync(at)) broken.push(`${document}: ${target}`);
      else if (heading !== undefined && statSync(at).isFile() && !headings(at).includes(heading))
        broken.push(`${document}: ${target}: no such heading in ${relative(checkout, at)}`);
    }
  }
  assert.ok(links > 50, `${links} links found`);
  assert.deepEqual(broken, []);
});

/** The anchors of a page, as GitHub and GitLab make them of its headings. */
function headings(file: string): readonly string[] {
  const text = readFileSync(file, "utf8").replaceAll(/^```[^]*?^```/gm, "");
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replaceAll(/\s/g, "-"),
  );
}
