/** The registry on a real host, fact by fact: made, broken by hand, found, made again; and what may not be done with it. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  mount,
  registryName,
  sha256Of,
  startRegistryGuest,
  type RegistryInGuest,
} from "../support/registry-in-guest.ts";
import { shellFacts } from "../support/shell-facts.ts";

let on: RegistryInGuest;
before(async () => {
  on = await startRegistryGuest("registry");
});
after(() => on.on.end());

const { finds, applies, refuses } = shellFacts(() => on.on);
const etc = "/etc/sealift/registry";
const root = (command: string): Promise<string> => on.on.root(command);

describe("the registry of a site", () => {
  test("from nothing: every fact is made true, in order, and then holds", async () => {
    const before = await on.on.run("check", on.steps);
    assert.deepEqual(
      before.steps.map(({ code, status }) => `${code} ${status}`),
      on.steps.map(({ code }) => `${code} drift`),
    );
    assert.equal(before.values, undefined, "there is no CA to tell of");
    const made = await on.on.run("apply", on.steps);
    assert.ok(made.mark, made.text);
    const again = await on.on.run("check", on.steps);
    assert.deepEqual(
      again.steps.filter(({ status }) => status !== "ok"),
      [],
    );
    assert.deepEqual(again.values, made.values);
    const pem = (await root(`cat ${etc}/ca.crt`)).split("\n").filter((line) => !line.startsWith("---"));
    assert.equal(made.values?.["registry.ca"], pem.join(""));
  });

  test("TLS 1.1 is refused, and the certificate is good for the name and the address alone", async () => {
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

  test("key and password are for those who need them, and the password is on no command line", async () => {
    assert.equal(
      await root(`stat -c '%n %U:%G %a' ${etc}/ca.key ${etc}/server.key ${etc}/netrc ${etc}/htpasswd`),
      `${etc}/ca.key root:root 600\n${etc}/server.key root:sealift-registry 640\n${etc}/netrc root:root 600\n${etc}/htpasswd root:sealift-registry 640\n`,
    );
    assert.match(await root(`cat ${etc}/htpasswd`), /^sealift:\$2y\$05\$[A-Za-z0-9./]{53}\n$/);
  });

  test("metrics are on loopback alone", async () => {
    const listening = await root("ss -Hltn | awk '{ print $4 }' | sort");
    assert.deepEqual(
      listening.split("\n").filter((one) => /:50\d\d$/.test(one)),
      ["*:5000", "*:5001", "127.0.0.1:5010", "127.0.0.1:5011"],
    );
  });

  test("the units are hardened: exposure of at most 1.5", async () => {
    for (const role of ["reader", "writer"]) {
      const text = await root(`systemd-analyze security --no-pager sealift-registry-${role} | tail -n 1`);
      const exposure = Number(/: ([\d.]+) /.exec(text)?.[1]);
      console.log(text.trim());
      assert.ok(exposure <= 1.5, text);
    }
  });

  test("a manifest is pushed whole through the writer, found when a part is lost, and pushed again", async () => {
    const config = await on.arrive("{}");
    const layer = await on.arrive("the bytes of a layer");
    const describe_ = (sha256: string, size: number, mediaType: string): object => ({
      mediaType,
      digest: `sha256:${sha256}`,
      size,
    });
    const type = "application/vnd.oci.image.manifest.v1+json";
    const manifest = await on.arrive(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: type,
        artifactType: "application/vnd.sealift.file.v1",
        config: describe_(config, 2, "application/vnd.oci.empty.v1+json"),
        layers: [describe_(layer, 20, "application/octet-stream")],
      }),
    );
    const call = (repository: string) =>
      [
        "registry_manifest",
        mount,
        registryName,
        "5001",
        repository,
        "1",
        type,
        manifest,
        config,
        layer,
      ] as const;
    await finds("no such tag", ...call("files/thing"));
    await applies(...call("files/thing"));
    assert.equal(await root(`ls ${mount}/arriving`), "", "what has arrived lies nowhere twice");
    const url = `https://${registryName}:5000/v2/files/thing/blobs/sha256:${layer}`;
    assert.equal(await on.curl(url), "the bytes of a layer");
    // The same bytes under another name need not be sent again.
    await applies(...call("docker.io/library/thing"));

    const data = `${mount}/storage/docker/registry/v2/blobs/sha256/${layer.slice(0, 2)}/${layer}/data`;
    await root(`rm ${data}`);
    await finds(`the blob sha256:${layer} is lost`, ...call("files/thing"));
    const { exitCode, output } = await on.on.call("apply_registry_manifest", ...call("files/thing").slice(1));
    assert.equal(exitCode, 1);
    assert.match(output, /did not arrive in \/registry\/arriving; run pulumi up again, it is sent anew/);
    await on.arrive("the bytes of a layer");
    await applies(...call("files/thing"));
    assert.equal(await on.curl(url), "the bytes of a layer");
  });

  test("bytes that are not what their name says are not taken", async () => {
    const wanted = sha256Of("what was signed");
    await on.on.guest.exec(`echo otherwise >${mount}/arriving/${wanted}`);
    const call = [
      "apply_registry_manifest",
      mount,
      registryName,
      "5001",
      "files/lie",
      "1",
      "any",
      wanted,
      wanted,
    ] as const;
    const { exitCode, output } = await on.on.call(...call);
    assert.equal(exitCode, 1);
    assert.match(output, /the writer refused sha256:\w{64} for files\/lie: .*(DIGEST_INVALID|400)/s);
    await root(`rm ${mount}/arriving/${wanted}`);
  });

  test("nobody writes to the reader, and nobody writes without the password", async () => {
    const push = (port: number, more = ""): Promise<string> =>
      on.curl(
        `-o /dev/null -w '%{http_code}' -X POST ${more} https://${registryName}:${port}/v2/files/x/blobs/uploads/`,
      );
    assert.equal(await push(5000), "405");
    assert.equal(await push(5000, `--netrc-file ${etc}/netrc`), "405");
    assert.equal(await push(5001), "401");
    await root(`umask 077; sed 's/password .*/password wrong/' ${etc}/netrc >/run/wrong`);
    assert.equal(await push(5001, "--netrc-file /run/wrong"), "401");
    assert.equal(await push(5001, `--netrc-file ${etc}/netrc`), "202");
  });

  /** By hand, and what the check of the step says then; each is mended by its apply. */
  const breakages: readonly [string, string, string, RegExp][] = [
    [
      "a program that was altered",
      "program",
      "cd /opt/registry/3.1.2/bin && cp registry other && printf x >>other && mv other registry",
      /registry is altered/,
    ],
    ["another current version", "program", "ln -sfn 2.8.3 /opt/registry/current", /^2\.8\.3$/],
    ["a user who can log in", "user", "usermod --shell /bin/bash sealift-registry", /^shell \/bin\/bash$/],
    ["storage of root", "storage", `chown root ${mount}/storage`, /storage: root sealift-registry 750/],
    ["a CA key that all can read", "ca", `chmod 0644 ${etc}/ca.key`, /ca\.key: root 644/],
    [
      "a certificate of another key",
      "certificate",
      `openssl ecparam -name prime256v1 -genkey -noout >${etc}/server.key`,
      /not of server\.key/,
    ],
    [
      "a password that was changed by half",
      "credential",
      `sed -i 's/password .*/password other/' ${etc}/netrc`,
      /htpasswd is not of the password/,
    ],
    [
      "a unit that was edited",
      "units",
      "sed -i /MemoryDeny/d /etc/systemd/system/sealift-registry-writer.service",
      /absent or altered: \S*writer\.service$/,
    ],
    [
      "a service that is off",
      "units",
      "systemctl disable --quiet sealift-registry-reader",
      /reader\.service is not started at boot/,
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
  ];
  for (const [name, what, command, finding] of breakages) {
    test(`found and mended: ${name}`, async () => {
      await root(command);
      await finds(finding, ...on.call(what));
      await applies(...on.call(what));
    });
  }

  test("after all of that the registry still has what it had, and one run of all steps makes it whole", async () => {
    const made = await on.on.run("apply", on.steps);
    assert.ok(made.mark, made.text);
    const tags = await on.curl(`https://${registryName}:5000/v2/files/thing/tags/list`);
    assert.deepEqual(JSON.parse(tags), { name: "files/thing", tags: ["1"] });
  });

  test("a certificate that ends soon is a difference, is made anew, and is the one that is served", async () => {
    const serial = (): Promise<string> =>
      root(`openssl s_client -connect 127.0.0.1:5000 </dev/null 2>/dev/null | openssl x509 -noout -serial`);
    const old = await serial();
    const [name, ...args] = on.call("certificate");
    const longer = [...args.slice(0, 2), "400"];
    await finds(/^server\.crt ends on .* 2027 GMT, less than 400 days from now$/, name, ...longer);
    const { exitCode } = await on.on.call(`apply_${name}`, ...args);
    assert.equal(exitCode, 0);
    await finds(/^reader: runs with an earlier server\.crt$/, ...on.call("running"));
    await applies(...on.call("running"));
    assert.notEqual(await serial(), old);
  });

  test("a port that is somebody else's is refused, and it is said whose it is", async () => {
    await root(
      "systemctl stop sealift-registry-reader && systemd-run --quiet --unit squatter python3 -m http.server 5000",
    );
    await root("timeout 60 sh -c 'until ss -Hltn | grep -q :5000; do sleep 0.2; done'");
    await refuses(
      /^E_PORT port 5000 is taken by python3, pid \d+; stop it, or give the registry another port/,
      ...on.call("running"),
    );
    await root("systemctl stop squatter");
    await applies(...on.call("running"));
  });

  test("kill -9 of the registry during a push: the push is told as failed, and the next one ends it", async () => {
    const bytes = Buffer.alloc(24 * 2 ** 20, "x");
    const layer = await on.arrive(bytes);
    const type = "application/vnd.oci.image.manifest.v1+json";
    const empty = sha256Of("{}");
    const manifest = await on.arrive(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: type,
        config: { mediaType: "application/vnd.oci.empty.v1+json", digest: `sha256:${empty}`, size: 2 },
        layers: [{ mediaType: "application/octet-stream", digest: `sha256:${layer}`, size: bytes.length }],
      }),
    );
    await on.arrive("{}");
    const call = [
      "registry_manifest",
      mount,
      registryName,
      "5001",
      "files/big",
      "1",
      type,
      manifest,
      empty,
      layer,
    ] as const;
    // As soon as a part of the layer is in the registry's uploads.
    const killer = root(
      `timeout 120 sh -c 'until find ${mount}/storage/docker/registry/v2/repositories/files/big/_uploads -name data -size +1M 2>/dev/null | grep -q .; do :; done'; kill -9 $(systemctl show -P MainPID sealift-registry-writer)`,
    );
    const [{ exitCode, output }] = await Promise.all([
      on.on.call("apply_registry_manifest", ...call.slice(1)),
      killer,
    ]);
    assert.notEqual(exitCode, 0, output);
    assert.match(output, /curl: \(\d+\)/);
    await finds("no such tag", ...call);
    await root("timeout 120 sh -c 'until ss -Hltn | grep -q :5001; do sleep 0.5; done'");
    await applies(...call);
    const url = `https://${registryName}:5000/v2/files/big/blobs/sha256:${layer}`;
    assert.equal((await on.curl(`${url} | sha256sum`)).split(" ")[0], layer);
  });
});
