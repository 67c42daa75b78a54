import assert from "node:assert/strict";
import test from "node:test";
import { nearest } from "../../modules/core/document/nearest.ts";

const cases: readonly (readonly [written: string, known: readonly string[], near: string | undefined])[] = [
  ["ap", ["host", "app"], "app"],
  ["alowedSigners", ["directory", "allowedSigners"], "allowedSigners"],
  ["ALLOWEDsigners", ["allowedSigners"], "allowedSigners"],
  ["tiemout", ["timeout"], "timeout"],
  ["xyzzy-web-frontend", ["app"], undefined],
  // Two edits of three letters are another word.
  ["svc", ["ssd"], undefined],
  ["max-siz3s", ["max-size"], "max-size"],
  ["max-site3s", ["max-size"], undefined],
  ["anything", [], undefined],
];

for (const [written, known, near] of cases)
  test(`${written} of ${known.join(", ") || "nothing"}: ${near ?? "no suggestion"}`, () => {
    assert.equal(nearest(written, known), near);
  });
