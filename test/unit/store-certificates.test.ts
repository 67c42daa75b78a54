/** The certificates that stores report: what a host may claim, and who learns of it. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { formatProblem, SealiftError } from "../../modules/core/errors.ts";
import type { BackupStoreSpec } from "../../modules/core/site/backups.ts";
import {
  needsCertificate,
  reportedCertificate,
  reportedCertificateOf,
  trustedStoreStep,
  withCertificates,
} from "../../modules/backup/certificates.ts";

const address = "10.20.0.12";
const store: BackupStoreSpec = {
  ...{ restic: "0.19.1", restServer: "0.14.0", mount: "/backup", address, port: 8000, keep: {} },
  ...{ logins: [], repositories: [], copies: [] },
};
const host = { name: "store-a", store };

/** A certificate that openssl(1) signs by itself, as base64 of the DER. */
function certificate(names: string, ca = "FALSE"): Buffer {
  const fresh = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const extensions = [`subjectAltName=${names}`, `basicConstraints=critical,CA:${ca}`];
  const added = extensions.flatMap((one) => ["-addext", one]);
  const out = ["-days", "9", "-subj", "/CN=store", "-keyout", "/dev/null", "-outform", "DER"];
  return execFileSync("openssl", [...fresh, ...out, ...added], { stdio: ["ignore", "pipe", "ignore"] });
}

const own = certificate(`IP:${address}`);
const value = own.toString("base64");

test("a certificate for the address of the store alone is accepted", () => {
  assert.equal(reportedCertificate(host, value), value);
});

for (const [what, hostile] of [
  ["nothing", ""],
  ["a word", "unknown"],
  ["a certificate that signs others", certificate(`IP:${address}`, "TRUE").toString("base64")],
  ["a certificate for another address", certificate("IP:10.20.0.13").toString("base64")],
  ["a certificate for a name as well", certificate(`IP:${address},DNS:registry.site`).toString("base64")],
  ["a certificate for two addresses", certificate(`IP:${address},IP:10.20.0.13`).toString("base64")],
  ["two certificates", `${value} ${value}`],
  ["a certificate with something behind it", Buffer.concat([own, Buffer.from("x")]).toString("base64")],
  ["another notation of the same bytes", `${value}\n`],
  ["half a certificate", own.subarray(0, own.length / 2).toString("base64")],
  ["too much", "A".repeat(8192)],
] as const)
  test(`${what} is refused`, () => {
    const found = reportedCertificate(host, hostile);
    assert.ok(typeof found !== "string");
    const text = formatProblem(found);
    assert.match(
      text,
      /^store-a: E_STORE_CERTIFICATE store\.certificate: found: a value that is not a certificate for 10\.20\.0\.12 \(sha256 [0-9a-f]{12}\); expected: one certificate for the address of the store, which signs no others; fix: find out what changed on store-a, then remove \/etc\/sealift\/store\/server\.crt there/,
    );
    assert.ok(hostile.length < 20 || !text.includes(hostile.slice(0, 20)));
  });

test("a host that stores nothing has no certificate to report", () => {
  const found = reportedCertificate({ name: "node-a" }, value);
  assert.ok(
    typeof found !== "string" && found.found.startsWith("a value that is not a certificate for a store"),
  );
});

test("of a report, only one line with the value counts", () => {
  const line = `value\tstore.certificate\t${value}\n`;
  assert.equal(reportedCertificateOf(host, "done 62ff67b1 9\n"), undefined);
  assert.equal(reportedCertificateOf(host, line), value);
  assert.throws(
    () => reportedCertificateOf(host, line + line),
    (error) => {
      assert.ok(error instanceof SealiftError);
      return error.problems[0]?.code === "E_STORE_CERTIFICATE";
    },
  );
});

test("steps that wait for a certificate get it, and no others", () => {
  const other = { code: "store.user", fact: "x", effect: "none", call: ["store_user"] } as const;
  const steps = [
    trustedStoreStep("backup.certificate.", "store-a", new Map()),
    trustedStoreStep("store.copy-certificate.", "store-b", new Map()),
    other,
  ];
  assert.deepEqual(steps.map(needsCertificate), [true, true, false]);
  assert.deepEqual(
    withCertificates({ name: "backup", steps }, new Map([["store-a", value]])).steps.map(({ call }) => call),
    [
      ["store_certificate_known", "store-a", value],
      ["store_certificate_known", "store-b", "unknown"],
      ["store_user"],
    ],
  );
});
