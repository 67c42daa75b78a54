import assert from "node:assert/strict";
import { test } from "node:test";
import { ownerIds } from "../../modules/core/site/owner.ts";
import { parseGiB, parseMiB, parsePercentFree } from "../../modules/core/site/units.ts";

test("MiB, GiB and TiB are powers of two", () => {
  assert.equal(parseGiB("1GiB"), 1);
  assert.equal(parseGiB("200GiB"), 200);
  assert.equal(parseGiB("3TiB"), 3072);
  assert.equal(parseMiB("500MiB"), 500);
  assert.equal(parseMiB("2GiB"), 2048);
  assert.equal(parseMiB("1TiB"), 1_048_576);
});

test("anything else is refused", () => {
  for (const size of ["", "0GiB", "20", "20G", "20GB", "1.5GiB", "-1GiB", " 1GiB", "1GiB ", "50%FREE"]) {
    assert.throws(() => parseGiB(size), RangeError, size);
    assert.throws(() => parseMiB(size), RangeError, size);
  }
  assert.throws(() => parseGiB("500MiB"), RangeError);
});

test("a percentage of free space is no size", () => {
  assert.equal(parsePercentFree("50%FREE"), 50);
  assert.equal(parsePercentFree("100%FREE"), 100);
  for (const size of ["0%FREE", "101%FREE", "50%", "50%VG", "20GiB"]) {
    assert.equal(parsePercentFree(size), undefined, size);
  }
});

test("an owner is numeric, whatever name it was written with", () => {
  const users = [{ name: "deploy", uid: 1500 }];
  assert.equal(ownerIds("deploy", users), "1500:1500");
  assert.equal(ownerIds("deploy:root", users), "1500:0");
  assert.equal(ownerIds("root", users), "0:0");
  assert.equal(ownerIds("70:1500", users), "70:1500");
  assert.equal(ownerIds("nobody", users), undefined);
  assert.equal(ownerIds("deploy:docker", users), undefined);
});
