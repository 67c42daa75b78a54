import assert from "node:assert/strict";
import { test } from "node:test";
import { parseGiB } from "../../modules/core/units.ts";

test("GiB and TiB are powers of two", () => {
  assert.equal(parseGiB("1GiB"), 1);
  assert.equal(parseGiB("200GiB"), 200);
  assert.equal(parseGiB("3TiB"), 3072);
});

test("anything else is refused", () => {
  for (const size of ["", "0GiB", "20", "20G", "20GB", "1.5GiB", "-1GiB", " 1GiB", "1GiB "]) {
    assert.throws(() => parseGiB(size), RangeError, size);
  }
});
