/** The registry on a real host, fact by fact: created, broken manually, found, corrected; and what is forbidden. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { mount, startRegistryGuest, type RegistryInGuest } from "../support/guests/registry-in-guest.ts";
import { shellFacts } from "../support/guests/shell-facts.ts";
import { undoAfter } from "../support/process/undo.ts";

let on: RegistryInGuest;
const undo = undoAfter();
before(async () => {
  on = await startRegistryGuest("registry");
  undo(() => on.on.end());
});

const { holds, finds, applies, refuses } = shellFacts(() => on.on);
const etc = "/etc/sealift/registry";
const root = (command: string): Promise<string> => on.on.root(command);

describe("the registry of a site", () => {
  test("on a new host every fact is made true, in order, and then holds", async () => {
    const before = await on.on.run("check", on.steps);
    assert.deepEqual(
      before.steps.map(({ code, status }) => `${code} ${status}`),
      on.steps.map(({ code }) => `${code} drift`),
    );
    assert.equal(before.values, undefined, "there is no CA to tell of");
    const made = await on.on.run("apply", on.steps);
    assert.ok(made.revision, made.text);
    const again = await on.on.run("check", on.steps);
    assert.deepEqual(
      again.steps.filter(({ status }) => status !== "ok"),
      [],
    );
    assert.deepEqual(again.values, made.values);
    const pem = (await root(`cat ${etc}/ca.crt`)).split("\n").filter((line) => !line.startsWith("---"));
    assert.equal(made.values?.["registry.ca"], pem.join(""));
  });

  test("TLS 1.1 is refused, and the certificate is valid for the name and the address only", async () => {
    const client = `openssl s_client -connect 127.0.0.1:5000 -CAfile ${etc}/ca.crt -verify_return_error </dev/null`;
    assert.match(await root(`${client} -tls1_2 2>&1 | grep 'Verify return code'`), /: 0 \(ok\)/);
    await root(`! ${client} -tls1_1 2>&1`);
    // What the CA signs for anybody else is nothing: name constraints.
    await root(
      `cd /run && openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.key -subj /CN=other.site -out other.csr 2>/dev/null && printf 'subjectAltName=DNS:other.site' >other.ext && openssl x509 -req -in other.csr -CA ${etc}/ca.crt -CAkey ${etc}/ca.key -extfile other.ext -out other.crt 2>/dev/null`,
    );
    assert.match(
      await root(`openssl verify -CAfile ${etc}/ca.crt /run/other.crt 2>&1 || true`),
      /permitted subtree violation/,
    );
  });

  test("key and password are readable only where needed, and the password is on no command line", async () => {
    assert.equal(
      await root(`stat -c '%n %U:%G %a' ${etc}/ca.key ${etc}/server.key ${etc}/netrc ${etc}/htpasswd`),
      `${etc}/ca.key root:root 600\n${etc}/server.key root:sealift-registry 640\n${etc}/netrc root:root 600\n${etc}/htpasswd root:sealift-registry 640\n`,
    );
    assert.match(await root(`cat ${etc}/htpasswd`), /^sealift:\$2y\$05\$[A-Za-z0-9./]{53}\n$/);
  });

  test("the units are hardened: exposure of at most 1.5", async () => {
    for (const role of ["reader", "writer"]) {
      const text = await root(`systemd-analyze security --no-pager sealift-registry-${role} | tail -n 1`);
      const exposure = Number(/: ([\d.]+) /.exec(text)?.[1]);
      console.log(text.trim());
      assert.ok(exposure <= 1.5, text);
    }
  });

  /** A manual change, and what the check of the step reports then; each is corrected by its apply. */
  const breakages: readonly [string, string, string, RegExp][] = [
    [
      "a program that was altered",
      "program",
      "cd /opt/registry/3.1.2/bin && cp registry other && printf x >>other && mv other registry",
      /registry is altered/,
    ],
    ["another current version", "program", "ln -sfn 2.8.3 /opt/registry/current", /^2\.8\.3$/],
    [
      "a user who can log in",
      "user",
      "usermod --shell /bin/bash sealift-registry",
      /^its login shell is \/bin\/bash$/,
    ],
    ["storage of root", "storage", `chown root ${mount}/storage`, /storage: root sealift-registry 750/],
    ["a CA key that all can read", "ca", `chmod 0644 ${etc}/ca.key`, /ca\.key: root 644/],
    [
      "a certificate of another key",
      "certificate",
      `openssl ecparam -name prime256v1 -genkey -noout >${etc}/server.key`,
      /does not belong to server\.key/,
    ],
    [
      "a password that was changed by half",
      "credential",
      `sed -i 's/password .*/password other/' ${etc}/netrc`,
      /htpasswd does not match the password in netrc/,
    ],
    [
      "a unit that was edited",
      "units",
      "sed -i /MemoryDeny/d /etc/systemd/system/sealift-registry-writer.service",
      /writer\.service is altered$/,
    ],
    [
      "a service that is off",
      "units",
      "systemctl disable --quiet sealift-registry-reader",
      /reader\.service is disabled, so it would not start at boot/,
    ],
    [
      "a service that was stopped",
      "running",
      "systemctl stop sealift-registry-reader",
      /^reader: not running$/,
    ],
    [
      "a configuration that was not loaded",
      "running",
      `sed -i '$a # more' /run/sealift-registry-reader/reader.yml`,
      /^reader: runs with an earlier reader\.yml$/,
    ],
    [
      "a link in place of a copy of the configuration",
      "running",
      "cd /run/sealift-registry-reader && ln -sf /etc/sealift/registry/reader.yml reader.yml",
      /^reader: runs with an earlier reader\.yml$/,
    ],
    [
      "a pipe in place of a copy of the certificate",
      "running",
      "cd /run/sealift-registry-writer && rm server.crt && runuser -u sealift-registry -- mkfifo server.crt",
      /^writer: runs with an earlier server\.crt$/,
    ],
    [
      "a unit that the process was not started with",
      "running",
      `sed -i '$a # more' /run/sealift-registry-writer/sealift-registry-writer.service`,
      /^writer: runs with an earlier sealift-registry-writer\.service$/,
    ],
  ];
  for (const [name, what, command, finding] of breakages) {
    // Opening a pipe that nobody writes to waits forever.
    test(`found and corrected: ${name}`, { timeout: 120_000 }, async () => {
      await root(command);
      await finds(finding, ...on.call(what));
      await applies(...on.call(what));
    });
  }

  test("where others can write, root stores nothing of the registry and writes through no folder or link of theirs", async () => {
    const bundle = ["registry_bundle", mount, "1", "files/a x 1"] as const;
    await root(
      `install -d -o nobody ${mount}/bundles && runuser -u nobody -- ln -s /etc/sealift-trap ${mount}/bundles/1.new`,
    );
    await finds(`${mount}/bundles belongs to nobody`, ...bundle);
    await refuses(
      /^E_MOUNT_POINT the contents of bundle 1 .*bundles belongs to nobody; fix: find out who created it/,
      ...bundle,
    );
    await finds(`${mount}/bundles belongs to nobody`, ...on.call("storage"));
    await refuses(/^E_MOUNT_POINT root writes into .*bundles belongs to nobody; /, ...on.call("storage"));
    await root(`! test -e /etc/sealift-trap && rm -r ${mount}/bundles && chmod 1777 ${mount}`);
    const open = new RegExp(`${mount} is writable by others \\(mode 1777\\)`);
    await finds(open, ...on.call("storage"));
    await refuses(open, ...on.call("storage"));
    await finds(open, ...bundle);
    await refuses(open, ...bundle);
    await root(`chmod 0755 ${mount}`);
    await holds(...on.call("storage"));
    await applies(...bundle);
    await root(`rm -r ${mount}/bundles`);
  });

  test("after all of that, one run of all steps finds everything right", async () => {
    const made = await on.on.run("apply", on.steps);
    assert.ok(made.revision, made.text);
  });

  test("a certificate that expires soon is drift, is renewed, and the new one is served", async () => {
    const serial = (): Promise<string> =>
      root(`openssl s_client -connect 127.0.0.1:5000 </dev/null 2>/dev/null | openssl x509 -noout -serial`);
    const old = await serial();
    const [name, ...args] = on.call("certificate");
    const longer = [...args.slice(0, 2), "400"];
    await finds(/^server\.crt expires on .* 2027 GMT, less than 400 days from now$/, name, ...longer);
    const { exitCode } = await on.on.call(`apply_${name}`, ...args);
    assert.equal(exitCode, 0);
    await finds(/^reader: runs with an earlier server\.crt$/, ...on.call("running"));
    await applies(...on.call("running"));
    assert.notEqual(await serial(), old);
  });

  /** What clients trust: one CA, or two. */
  const reported = async (): Promise<readonly string[]> =>
    (await on.on.call("value_registry_ca")).output.split(" ");
  const aged = `touch -d '2 days ago' ${etc}/next.crt`;

  test("a new CA that an operator asks for: clients trust it beside the old one, and it signs from the next day on", async () => {
    const [old] = await reported();
    await root(`touch ${etc}/ca.renew`);
    await finds(`${etc}/ca.renew asks for a new CA`, ...on.call("ca"));
    await applies(...on.call("ca"));
    const both = await reported();
    assert.deepEqual([both.length, both[0]], [2, old]);
    await holds(...on.call("certificate"));
    await root(`cat ${etc}/ca.crt ${etc}/next.crt >/run/both.crt && ${aged}`);
    await finds(/^next CA distributed to clients on \d{4}-\d\d-\d\d; rotation is due$/, ...on.call("ca"));
    const made = await on.on.run("apply", on.steps);
    assert.ok(made.revision, made.text);
    assert.deepEqual(await reported(), both.slice(1));
    for (const trusted of [`${etc}/ca.crt`, "/run/both.crt"]) {
      const client = `openssl s_client -connect 127.0.0.1:5000 -CAfile ${trusted} </dev/null 2>&1`;
      assert.match(await root(`${client} | grep 'Verify return code'`), /: 0 \(ok\)/);
    }
    await root(`! test -e ${etc}/ca.renew`);
  });

  test("a CA with less than two years left gets a next one, which signs when a certificate is due", async () => {
    const [name, ...args] = on.call("ca");
    await root(
      `cd ${etc} && openssl x509 -in ca.crt -signkey ca.key -days 500 -out short.crt 2>/dev/null && mv short.crt ca.crt`,
    );
    await finds(/^ca\.crt expires on .* GMT, less than 730 days from now$/, name, ...args);
    await applies(name, ...args);
    assert.equal((await reported()).length, 2);
    await root(aged);
    await holds(name, ...args);
    await finds(/^next CA distributed to clients on /, name, ...args.slice(0, -1), "400");
  });

  test("a port in use is refused, with the process that uses it", async () => {
    await root(
      "systemctl stop sealift-registry-reader && systemd-run --quiet --unit squatter python3 -m http.server 5000",
    );
    await root("timeout 60 sh -c 'until ss -Hltn | grep -q :5000; do sleep 0.2; done'");
    await refuses(
      /^E_PORT port 5000 is taken by python3, pid \d+; fix: stop it, or give the registry another port/,
      ...on.call("running"),
    );
    await root("systemctl stop squatter");
    await applies(...on.call("running"));
  });
});
