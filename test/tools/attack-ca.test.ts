/**
 * A CA that a registry host presents: only one that can certify nothing but its own registry is trusted, by the operator's side and by
 * every host.
 */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { caSha256, caShape } from "../../modules/core/host/ca-shape.ts";
import { quote } from "../../modules/core/quote.ts";
import { reportedCa } from "../../modules/core/host/reported-ca.ts";
import { isServed } from "../../modules/core/site/site-spec.ts";
import { resolvedCa } from "../../modules/registry/resolved.ts";
import { library } from "../support/fixtures/example-host.ts";
import { caBase64 } from "../support/fixtures/test-ca.ts";
import { own, withRegistry } from "../support/fixtures/registry-site.ts";
import { siteOf } from "../support/fixtures/site-text.ts";

const folder = mkdtempSync(join(tmpdir(), "sealift-ca-"));
after(() => {
  rmSync(folder, { recursive: true });
});
const etc = join(folder, "etc");
const name = "registry.site";
const address = "10.20.0.11";

/** Calls one function as run.sh does; the user who runs the test takes the place of root. */
function call(...words: readonly string[]): { code: number | null; output: string } {
  return callWith("", ...words);
}

/** @param more shell that goes over the library's. */
function callWith(more: string, ...words: readonly string[]): { code: number | null; output: string } {
  const text = library.text.replaceAll('"root 600"', `"${userInfo().username} 600"`);
  const places = `REGISTRY_ETC=${etc} TRUST_CERTS=${folder}/certs.d TRUST_STORE=${folder}/store`;
  const input = `${text}\n${places}\n${more}\nset -u\nattempt ${words.map(quote).join(" ")}\nprintf %s "$attempt_output"\nexit "$attempt_status"`;
  const { status, stdout, stderr } = spawnSync("sh", ["-s"], { input, encoding: "utf8" });
  return { code: status, output: stdout + stderr };
}

/** @param config what the file `config` holds. */
const openssl = (args: readonly string[], config = ""): Buffer => {
  writeFileSync(join(folder, "config"), config);
  return execFileSync("openssl", args, { cwd: folder, stdio: ["ignore", "pipe", "ignore"] });
};

/** A CA with these extensions, as base64 of DER. */
function made(...extensions: readonly string[]): string {
  const config = `[req]\nprompt=no\ndistinguished_name=n\nx509_extensions=e\n[n]\nCN=x\n[e]\n${extensions.join("\n")}\n`;
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "/dev/null"];
  return openssl(["req", "-x509", ...key, "-outform", "DER", "-config", "config"], config).toString("base64");
}

const basic = "basicConstraints=critical,CA:TRUE,pathlen:0";
const usage = "keyUsage=critical,keyCertSign,cRLSign";
const server = "extendedKeyUsage=serverAuth";
const key = "subjectKeyIdentifier=hash";
const only = `permitted;DNS:${name},permitted;IP:${address}/255.255.255.255`;
const nothing = "permitted;email:invalid,permitted;URI:invalid";
const names = (...more: readonly string[]): string => `nameConstraints=critical,${[only, ...more].join()}`;
const right = names(nothing, `excluded;DNS:.${name}`);

test("the CA that a registry host creates is right, for both parsers", () => {
  assert.equal(caShape(caBase64, { name, address }), "right");
  assert.equal(caShape(made(basic, usage, server, key, right), { name, address }), "right");
  assert.equal(caShape(made(right, key, server, usage, basic), { name, address }), "right");
  assert.equal(caShape(made(basic, usage, key, names()), { name, address }), "earlier");
});

/** The bytes of a right certificate's extensions, for one that hides them where nothing reads them. */
const hidden = Buffer.from(caBase64, "base64").toString("hex");
const block = hidden.slice(hidden.indexOf("a381b2"), hidden.indexOf("300a06082a8648ce3d040302", 200));

const wrong: Readonly<Record<string, () => string>> = {
  "without any constraint": () => made(basic, usage, server, key),
  "for another name": () => made(basic, usage, server, key, right.replaceAll(name, "example.com")),
  "for another address": () => made(basic, usage, server, key, right.replace(address, "10.20.0.12")),
  "for a network": () => made(basic, usage, server, key, right.replace("255.255.255.255", "255.255.255.0")),
  "for names below": () => made(basic, usage, server, key, names(nothing)),
  "for mail": () => made(basic, usage, server, key, names("permitted;URI:invalid", `excluded;DNS:.${name}`)),
  "for one more name": () =>
    made(basic, usage, server, key, names(nothing, "permitted;DNS:docker.io", `excluded;DNS:.${name}`)),
  "with constraints that need not be read": () =>
    made(basic, usage, server, key, right.replace("critical,", "")),
  "with CAs below it": () => made("basicConstraints=critical,CA:TRUE", usage, server, key, right),
  "that is no CA": () => made("basicConstraints=critical,CA:FALSE", usage, server, key, right),
  "for clients of TLS": () => made(basic, usage, "extendedKeyUsage=serverAuth,clientAuth", key, right),
  "for code": () => made(basic, usage, "extendedKeyUsage=codeSigning", key, right),
  "for every purpose": () => made(basic, usage, key, right),
  "that signs documents too": () => made(basic, `${usage},digitalSignature`, server, key, right),
  "with one extension more": () => made(basic, usage, server, key, right, "1.2.3.4=DER:0500"),
  "with the right extensions inside of another": () => made(basic, usage, key, `1.2.3.4=DER:${block}`),
  "with a line of text in its name": () =>
    made(basic, usage, server, key, names(nothing, `excluded;DNS:.${name}\\nX509v3 Key Usage`)),
  "that is cut off": () => Buffer.from(caBase64, "base64").subarray(0, 500).toString("base64"),
  "that is nothing": () => "",
  "that is no base64": () => "$(touch /tmp/x)",
  "that is endless": () => Buffer.alloc(200_000, 0x30).toString("base64"),
};
for (const [what, make] of Object.entries(wrong))
  test(`a CA ${what} is trusted by nobody`, () => {
    const base64 = make();
    assert.equal(caShape(base64, { name, address }), "other");
    const host = siteOf(withRegistry(own)).hosts[0];
    assert.ok(host && isServed(host));
    for (const value of [base64, `${caBase64} ${base64}`]) {
      const found = reportedCa(host, value);
      assert.equal("code" in found && found.code, "E_REGISTRY_CA");
    }
    if (base64.length > 100_000) return;
    const { code, output } = call("apply_trusted_ca", `${name}:5000`, `${address}:${base64}`);
    assert.equal(code, 1);
    assert.match(output, /^E_REGISTRY_CA the CA of the registry on 10\.20\.0\.11 can sign for more than /);
  });

/** A right CA with these bytes of its DER written over. */
function spoiled(at: string, by: string, from = 0): string {
  const hex = Buffer.from(caBase64, "base64").toString("hex");
  const place = hex.indexOf(at, from);
  assert.ok(place >= 0 && at.length === by.length);
  return Buffer.from(hex.slice(0, place) + by + hex.slice(place + by.length), "hex").toString("base64");
}
const p256 = "2a8648ce3d030107";
const ecdsa = "06082a8648ce3d040302";
const unusable: Readonly<Record<string, [make: () => string, read: boolean]>> = {
  "whose algorithm is no algorithm": [() => spoiled(ecdsa, ecdsa.replace("06", "ff")), false],
  "whose base64 has no end": [() => caBase64.replace(/=+$/, ""), false],
  "whose curve nobody knows": [() => spoiled(p256, "2a8648ce3d03017f"), true],
  "that somebody else has signed": [() => spoiled("e28097bb", "e28097bc"), true],
  "that has ended": [
    () => spoiled(Buffer.from("361126").toString("hex"), Buffer.from("261128").toString("hex")),
    true,
  ],
  "that is for later": [
    () => spoiled(Buffer.from("261129").toString("hex"), Buffer.from("351129").toString("hex")),
    true,
  ],
};
for (const [what, [make, read]] of Object.entries(unusable))
  test(`a correct CA ${what} is trusted by nobody, and aborts no run`, async () => {
    const base64 = make();
    assert.equal(caShape(base64, { name, address }), "other");
    const host = siteOf(withRegistry(own)).hosts[0];
    assert.ok(host && isServed(host));
    const report = (...values: string[]): string =>
      [...values.map((value) => `value\tregistry.ca\t${value}`), "done 62ff67b1 1"].join("\n");
    const line =
      /^node-a: E_REGISTRY_CA registry\.ca: found: a certificate that is not a CA for this registry only; .*$/;
    for (const text of [report(base64), report(caBase64, caBase64)])
      await assert.rejects(resolvedCa(host, text), (error) => {
        assert.ok(pulumi.RunError.isInstance(error));
        assert.match(error.message, line);
        return true;
      });
    assert.equal((await resolvedCa(host, report(caBase64)))?.address, address);
    if (read) return;
    for (const [fact, ...words] of [
      ["trusted_ca", `${name}:5000`, `${address}:${base64}`],
      ["registry_upstream", name, "5000", address, base64],
    ])
      assert.match(
        call(`guard_${fact}`, ...words).output,
        /^E_REGISTRY_CA the CA of the registry on 10\.20\.0\.11 is not a readable certificate; /,
      );
  });

test("a site that names its CA trusts no other", () => {
  const named = (text: string): ReturnType<typeof reportedCa> => {
    const host = siteOf(withRegistry(`${own}\ncaSha256: [${text}]`)).hosts[0];
    assert.ok(host && isServed(host));
    return reportedCa(host, caBase64);
  };
  const print = caSha256(caBase64);
  const colons = (print.toUpperCase().match(/../g) ?? []).join(":");
  for (const text of [`"${print}"`, `"${colons}"`])
    assert.deepEqual(named(text), { address, certificates: [caBase64], named: true });
  const found = named(`"${"5e".repeat(32)}"`);
  assert.ok("code" in found);
  assert.equal(found.subject, "registry.caSha256");
  assert.match(found.found, new RegExp(print));
});

describe("a CA controlled by whoever runs the registry", () => {
  const signed = (extensions: string): string => {
    writeFileSync(join(folder, "ext"), `${extensions}\n`);
    openssl(["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "leaf.key"]);
    openssl(["req", "-new", "-key", "leaf.key", "-subj", "/CN=x", "-out", "leaf.csr"]);
    const by = ["-CA", `${etc}/ca.crt`, "-CAkey", `${etc}/ca.key`, "-set_serial", "7", "-days", "2"];
    openssl(["x509", "-req", "-in", "leaf.csr", ...by, "-extfile", "ext", "-out", "leaf.crt"]);
    const purpose = ["-purpose", extensions.includes("clientAuth") ? "sslclient" : "sslserver"];
    const args = ["verify", "-CAfile", `${etc}/ca.crt`, ...purpose, "leaf.crt"];
    return spawnSync("openssl", args, { cwd: folder, encoding: "utf8" }).stdout.trim();
  };
  before(() => {
    mkdirSync(etc);
    assert.deepEqual(call("apply_registry_ca", "node-a", name, address, "30"), { code: 0, output: "" });
    assert.deepEqual(call("check_registry_ca", "node-a", name, address, "30"), { code: 0, output: "" });
  });

  test("can certify the registry, and nothing else", () => {
    assert.equal(
      signed(`extendedKeyUsage=serverAuth\nsubjectAltName=DNS:${name},IP:${address}`),
      "leaf.crt: OK",
    );
    for (const other of [
      `extendedKeyUsage=serverAuth\nsubjectAltName=DNS:below.${name}`,
      "extendedKeyUsage=serverAuth\nsubjectAltName=DNS:docker.io",
      "extendedKeyUsage=serverAuth\nsubjectAltName=IP:10.20.0.12",
      "extendedKeyUsage=serverAuth\nsubjectAltName=IP:::1",
      `extendedKeyUsage=serverAuth\nsubjectAltName=DNS:${name},URI:spiffe://${name}/x`,
      `extendedKeyUsage=serverAuth\nsubjectAltName=DNS:${name},email:root@${name}`,
      `extendedKeyUsage=clientAuth\nsubjectAltName=DNS:${name}`,
      `basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\nsubjectAltName=DNS:docker.io`,
    ])
      assert.equal(signed(other), "", other);
  });
});

test("an upstream registry presents the CA that it has presented before", () => {
  const step = [name, "5000", address] as const;
  const other = made(basic, usage, server, key, right);
  assert.equal(call("apply_registry_upstream", ...step, caBase64).code, 0);
  assert.deepEqual(call("check_registry_upstream", ...step, caBase64), { code: 0, output: "" });
  assert.match(
    call("guard_registry_upstream", ...step, other).output,
    /^E_REGISTRY_CA this host trusts the CA with sha256 /,
  );
  assert.equal(call("apply_registry_upstream", ...step, other).code, 1);
  assert.equal(call("apply_registry_upstream", ...step, `named,${address}:${other}`).code, 0);
  assert.deepEqual(call("check_registry_upstream", ...step, `named,${address}:${other}`), {
    code: 0,
    output: "",
  });
});

test("names may be as long as DNS allows", () => {
  const long = Array.from({ length: 4 }, () => "a".repeat(60)).join(".");
  const host = "h".repeat(63);
  rmSync(etc, { recursive: true });
  mkdirSync(etc);
  assert.deepEqual(call("apply_registry_ca", host, long, address, "30"), { code: 0, output: "" });
  assert.deepEqual(call("check_registry_ca", host, long, address, "30"), { code: 0, output: "" });
  assert.equal(caShape(call("value_registry_ca").output.trim(), { name: long, address }), "right");
  // A user other than root cannot change the owner of files.
  const text = "chown() { :; }\nREGISTRY_USER=nobody\n";
  const made = callWith(text, "apply_registry_certificate", long, address, "30");
  assert.equal(made.code, 0, made.output);
  openssl(["verify", "-CAfile", `${etc}/ca.crt`, "-verify_hostname", long, `${etc}/server.crt`]);
  rmSync(etc, { recursive: true });
  mkdirSync(etc);
  assert.equal(call("apply_registry_ca", "node-a", name, address, "30").code, 0);
});

test("a CA of an earlier Sealift gets a next one beside it, which signs once every client has known it for a day", () => {
  const config = ["[req]", "prompt=no", "distinguished_name=n", "x509_extensions=e", "[n]", "CN=x", "[e]"];
  const text = [...config, basic, usage, key, names()].join("\n");
  openssl(
    ["req", "-x509", "-key", `${etc}/ca.key`, "-days", "3650", "-out", `${etc}/ca.crt`, "-config", "config"],
    text,
  );
  const step = ["node-a", name, address, "30"] as const;
  const found = call("check_registry_ca", ...step);
  assert.equal(found.code, 1);
  assert.match(
    found.output,
    /^ca\.crt was made by an earlier Sealift: it can also sign for subdomains of registry\.site/,
  );
  assert.equal(call("apply_registry_ca", ...step).code, 0);
  assert.deepEqual(call("check_registry_ca", ...step), { code: 0, output: "" });
  const both = call("value_registry_ca").output.trim().split(" ");
  assert.deepEqual(
    both.map((one) => caShape(one, { name, address })),
    ["earlier", "right"],
  );
  const host = siteOf(withRegistry(own)).hosts[0];
  assert.ok(host && isServed(host));
  assert.deepEqual(reportedCa(host, both.join(" ")), { address, certificates: both });
  execFileSync("touch", ["-d", "2 days ago", `${etc}/next.crt`]);
  assert.match(call("check_registry_ca", ...step).output, /^next CA distributed to clients on /);
  assert.equal(call("apply_registry_ca", ...step).code, 0);
  assert.deepEqual(call("value_registry_ca").output.trim().split(" "), both.slice(1));
});

test("a client reports which CA it has trusted and which one the registry presents, and adds none to the system's trust store", () => {
  const one = `${address}:${caBase64}`;
  const at = `${name}:5000`;
  assert.equal(call("apply_trusted_ca", at, one).code, 0);
  assert.deepEqual(call("check_trusted_ca", at, one), { code: 0, output: "" });
  assert.match(readFileSync(join(folder, "certs.d", at, "ca.crt"), "utf8"), /^-----BEGIN CERTIFICATE-----\n/);
  const other = made(basic, usage, server, key, right);
  const { output } = call("check_trusted_ca", at, `${address}:${other}`);
  assert.ok(
    output.includes(`sha256 ${caSha256(caBase64)}, but the registry now presents ${caSha256(other)}`),
    output,
  );
  const refusal =
    /^E_REGISTRY_CA this host trusts the CA with sha256 \w{64}, but the registry on 10\.20\.0\.11 now presents \w{64}; fix: treat this as /;
  for (const kind of ["guard", "apply"]) {
    const shown = call(`${kind}_trusted_ca`, at, `${address}:${other}`);
    assert.equal(shown.code, 1);
    assert.match(shown.output, refusal);
  }
  // Of two registry hosts one is what it was: that says nothing of the other.
  const elsewhere = made(basic, usage, server, key, right.replace(address, "10.20.0.12"));
  assert.equal(call("apply_trusted_ca", at, one, `10.20.0.12:${elsewhere}`).code, 0, "a new host");
  const changed = made(basic, usage, server, key, right.replace(address, "10.20.0.12"));
  assert.match(
    call("guard_trusted_ca", at, one, `10.20.0.12:${changed}`).output,
    /on 10\.20\.0\.12 now presents /,
  );
  // The next one is announced beside the one that is known, and a person may name another.
  assert.deepEqual(call("guard_trusted_ca", at, one, `${address}:${other}`), { code: 0, output: "" });
  assert.equal(call("apply_trusted_ca", at, `named,${address}:${other}`).code, 0);
  assert.deepEqual(call("check_trusted_ca", at, `named,${address}:${other}`), {
    code: 0,
    output: "",
  });
  assert.equal(call("apply_trusted_ca", at, `named,${address}:${caBase64}`).code, 0);
  writeFileSync(join(folder, "certs.d", at, "other.crt"), "");
  assert.match(
    call("check_trusted_ca", at, one).output,
    /^the engine uses CA or client certificate files for registry\.site:5000 that Sealift did not create: \S+other\.crt$/,
  );
  assert.match(
    call("guard_trusted_ca", at, one).output,
    /^E_REGISTRY_CA the engine uses .*; fix: find out where they come from, then move them to another directory$/,
  );
  rmSync(join(folder, "certs.d", at, "other.crt"));
  mkdirSync(join(folder, "store"));
  writeFileSync(join(folder, "store", "sealift-registry-1.crt"), "");
  assert.match(call("check_trusted_ca", at, one).output, /^the system trusts a CA of the registry: /);
});
