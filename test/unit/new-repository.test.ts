/** The template of `sealift new`: its environment is a site of this version, and what it names exists. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readSite } from "../../modules/core/site/site.ts";
import { yamlValue } from "../../modules/core/document/parse-yaml.ts";
import { checkout } from "../lab/cache.ts";
import { trackedFiles } from "../support/fixtures/tracked-files.ts";

const template = "cli/new/template/";
const text = (path: string): string => readFileSync(join(checkout, template, path), "utf8");

test("the environment of a new repository is a site, with three values to edit", () => {
  const file = "stacks/dev.site.yaml";
  const { hosts } = readSite(yamlValue(text(file), file), file);
  assert.equal(hosts.length, 1);
  assert.equal(text(file).match(/# EDIT: /g)?.length, 3);
});

test("every file of Sealift that a new repository names exists", () => {
  let named = 0;
  for (const path of trackedFiles().filter((one) => one.startsWith(template))) {
    const words = text(path.slice(template.length)).matchAll(/node_modules\/sealift\/([\w./-]+\w)/g);
    for (const [, target = ""] of words) {
      named += 1;
      assert.ok(readFileSync(join(checkout, target)).length > 0, `${path}: ${target}`);
    }
  }
  assert.ok(named > 6, `${named} names`);
});
