import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { parseSshKey } from "../../modules/core/ssh-key.ts";

const text = (part: Buffer | string): Buffer => {
  const bytes = Buffer.from(part);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};
const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 3072 });
const { n = "", e = "" } = publicKey.export({ format: "jwk" });
const [modulus, exponent] = [n, e].map((part) => Buffer.from(part, "base64url"));

/** The key with this number of zero bytes before its numbers; one before the modulus is required by the protocol (RFC 4251, 5). */
function rsa(zerosBeforeModulus: number, zerosBeforeExponent = 0): Buffer {
  const padded = (zeros: number, part = Buffer.alloc(0)): Buffer =>
    text(Buffer.concat([Buffer.alloc(zeros), part]));
  return Buffer.concat([
    text("ssh-rsa"),
    padded(zerosBeforeExponent, exponent),
    padded(zerosBeforeModulus, modulus),
  ]);
}

/** A certificate of an ed25519 key by this authority, without a signature that would count. */
function certificateBy(authority: Buffer): string {
  const wide = (bytes: number): Buffer => Buffer.alloc(bytes);
  return Buffer.concat([
    ...[text("ssh-ed25519-cert-v01@openssh.com"), text("nonce"), text(Buffer.alloc(32, 7))],
    ...[wide(8), wide(4), text("id"), text(text("x@office")), wide(16), text(""), text(""), text("")],
    ...[text(authority), text("signature")],
  ]).toString("base64");
}

test("a key is the same key however many zeros precede its numbers: ssh-keygen accepts all of them", () => {
  const [usual, ...others] = [rsa(1), rsa(2), rsa(0), rsa(1, 3)].map((key) =>
    parseSshKey(key.toString("base64")),
  );
  assert.ok(usual);
  assert.equal(usual.key, rsa(1).toString("base64"));
  assert.equal(usual.weakness, undefined);
  for (const other of others) assert.deepEqual(other, usual);
});

test("so is the CA of a certificate, and an invalid CA makes the whole certificate invalid", () => {
  assert.equal(parseSshKey(certificateBy(rsa(1)))?.authority, rsa(1).toString("base64"));
  assert.equal(parseSshKey(certificateBy(rsa(2)))?.authority, rsa(1).toString("base64"));
  assert.equal(parseSshKey(certificateBy(Buffer.from("nonsense"))), undefined);
});
