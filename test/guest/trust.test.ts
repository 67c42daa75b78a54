/** Name, CA and redirects of the registry on a client, on a real host. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { container } from "../lab/machine-choice.ts";
import { shellFacts } from "../support/guests/shell-facts.ts";
import { startFunctions, type ShellFunctions } from "../support/guests/shell-functions.ts";
import { undoAfter } from "../support/process/undo.ts";

let on: ShellFunctions;
const undo = undoAfter();
before(async () => {
  on = await startFunctions("trust", container());
  undo(() => on.end());
});

const { holds, finds, applies, refuses } = shellFacts(() => on);
const root = (command: string): Promise<string> => on.root(command);
const port = "5443";
const at = `registry.site:${port}`;
const certs = "/etc/docker/certs.d";

/** A CA as a registry host without one creates it; its certificate as the host reports it. */
async function caOf(address = "127.0.0.5"): Promise<string> {
  await root("rm -f /etc/sealift/registry/ca.*");
  const { exitCode, output } = await on.call("apply_registry_ca", "test", "registry.site", address, "30");
  assert.equal(exitCode, 0, output);
  return `${address}:${(await on.call("value_registry_ca")).output}`;
}

describe("the registry's name", () => {
  test("an unknown name gets a block of Sealift's in /etc/hosts, and the rest of the file stays", async () => {
    const before_ = await root("cat /etc/hosts");
    await finds(
      "registry.site resolves to nothing",
      "registry_name",
      "registry.site",
      "10.9.0.1",
      "10.9.0.2",
    );
    await applies("registry_name", "registry.site", "10.9.0.1", "10.9.0.2");
    assert.equal(
      await root("cat /etc/hosts"),
      `${before_}# Sealift: the registry of the site\n10.9.0.1 registry.site\n10.9.0.2 registry.site\n# Sealift: end\n`,
    );
    assert.match(
      await root("getent ahostsv4 registry.site"),
      /^10\.9\.0\.1 .*\n(10\.9\.0\.1 .*\n)*10\.9\.0\.2 /,
    );
    await finds("registry.site resolves to 10.9.0.1 10.9.0.2", "registry_name", "registry.site", "10.9.0.7");
    await applies("registry_name", "registry.site", "10.9.0.7");
    assert.equal(await root("grep -c registry.site /etc/hosts"), "1\n");
  });

  test("another source of the address is accepted if it agrees, otherwise refused", async () => {
    await root("sed -i '/Sealift/d; s/^10.9.0.7 .*/10.9.0.7 registry.site by-hand/' /etc/hosts");
    await holds("registry_name", "registry.site", "10.9.0.7");
    await refuses(
      /^E_REGISTRY_NAME \/etc\/hosts has other lines for registry\.site, which resolve it to 10\.9\.0\.7; fix: remove them/,
      "registry_name",
      "registry.site",
      "10.9.0.8",
    );
    await root("sed -i /by-hand/d /etc/hosts");
  });

  test("another line of the hosts file with a different address is found, however it is written, and never ignored", async () => {
    const words = ["registry_name", "registry.site", "10.9.0.1"] as const;
    await applies(...words);
    for (const line of [
      "10.9.0.66 registry.site",
      "10.9.0.66\\tother Registry.SITE # ours",
      "fd00::66 registry.site",
    ]) {
      await root(`sed -i '1i ${line}' /etc/hosts`);
      await finds(
        /^\/etc\/hosts has other lines for registry\.site, which resolve it to (10\.9\.0|fd00:):?\.?66$/,
        ...words,
      );
      await refuses(/^E_REGISTRY_NAME \/etc\/hosts has other lines for /, ...words);
      await root("sed -i 1d /etc/hosts");
    }
    await root(
      "sed -i '1i # 10.9.0.66 registry.site\\n10.9.0.66 not-registry.site\\n10.9.0.1 registry.site' /etc/hosts",
    );
    await holds(...words);
    await root("sed -i '1,3d; /Sealift/d; /registry.site/d' /etc/hosts");
  });
});

describe("the registry's CA", () => {
  let first: string;

  test("a CA that does not exist yet cannot be trusted", async () => {
    await finds("the registry has not created its CA yet", "trusted_ca", at, "unknown");
    assert.equal((await on.call("apply_trusted_ca", at, "unknown")).exitCode, 1);
    await finds(
      "the CA of the registry is not known: store does not answer",
      "trusted_ca",
      at,
      "silent",
      "store",
    );
    assert.match(
      (await on.call("apply_trusted_ca", at, "silent", "store")).output,
      /store does not answer; bring it back/,
    );
    const { output } = await on.call("apply_trusted_ca", at, "bm90IG9uZQ==");
    assert.match(output, /a CA of the registry is not a certificate/);
    assert.equal(await root(`ls ${certs} 2>/dev/null || true`), "", "nothing was written");
  });

  test("the engine trusts it, and the system does not", async () => {
    first = await caOf();
    await finds(/ca\.crt is missing or differs$/, "trusted_ca", at, first);
    await applies("trusted_ca", at, first);
    const unanswered = await on.call("check_trusted_ca", at, "silent", "store");
    assert.equal(unanswered.exitCode, 90, unanswered.output);
    assert.match(unanswered.output, /^E_REGISTRY_CA store does not answer, /);
    await root(`openssl x509 -noout -in ${certs}/${at}/ca.crt`);
    await root("! openssl verify -CApath /etc/ssl/certs /etc/sealift/registry/ca.crt");
  });

  test("what an earlier Sealift added to the system's trust store is removed", async () => {
    const store = "/usr/local/share/ca-certificates/sealift-registry-1.crt";
    await root(`cp ${certs}/${at}/ca.crt ${store} && update-ca-certificates >/dev/null`);
    await root("openssl verify -CApath /etc/ssl/certs /etc/sealift/registry/ca.crt");
    await finds(`the system trusts a CA of the registry: ${store}`, "trusted_ca", at, first);
    await applies("trusted_ca", at, first);
    await root("! openssl verify -CApath /etc/ssl/certs /etc/sealift/registry/ca.crt");
    assert.equal(await root("ls /etc/ssl/certs | grep -c sealift || true"), "0\n");
  });

  test("a CA that could certify anything else is refused", async () => {
    const other = first.replace("127.0.0.5", "127.0.0.6");
    await refuses(
      /^E_REGISTRY_CA the CA of the registry on 127\.0\.0\.6 can sign for more than registry\.site/,
      "trusted_ca",
      at,
      other,
    );
  });

  test("a stale CA is found, and the preview says which is which; an earlier one is removed", async () => {
    const second = await caOf();
    assert.notEqual(second, first);
    await finds(
      /ca\.crt is missing or differs: this host trusted the CA with sha256 \w{64}, but the registry now presents \w{64}$/,
      "trusted_ca",
      at,
      second,
    );
    const now =
      /^E_REGISTRY_CA this host trusts the CA with sha256 \w{64}, but the registry on 127\.0\.0\.5 now presents \w{64}; /;
    await refuses(now, "trusted_ca", at, second);
    await applies("trusted_ca", at, `named,${second}`);
    await applies("trusted_ca", at, `named,${first}`);
    await applies("trusted_ca", at, first, second);
    assert.equal(await root(`grep -c BEGIN ${certs}/${at}/ca.crt`), "2\n");
    await finds(/ca\.crt is missing or differs/, "trusted_ca", at, second);
    await applies("trusted_ca", at, second);
  });
});

/** The fact finds each of these, and puts it right. */
async function takesBack(
  file: string,
  content: () => Promise<string>,
  ...call: readonly [string, ...string[]]
): Promise<void> {
  const folder = file.replace(/\/[^/]+$/, "");
  const before_ = await content();
  const changes: readonly (readonly [by: string, found: string])[] = [
    [`chmod 0666 ${file}`, `${file} has owner and mode root:root 666 instead of root:root 644`],
    [`chown games ${file}`, `${file} has owner and mode games:root 644 instead of root:root 644`],
    [`chgrp games ${file}`, `${file} has owner and mode root:games 644 instead of root:root 644`],
    [`mv ${file} /run/kept && ln -s /run/kept ${file}`, `${file} is a symbolic link`],
    [`chmod 0777 ${folder}`, `${folder} is writable by others (mode 777)`],
  ];
  for (const [by, found] of changes) {
    await root(by);
    await finds(found, ...call);
    await applies(...call);
  }
  assert.equal(await content(), before_);
}

test("owner and permissions are part of the fact: of the registry's CA and of hosts.toml", async () => {
  const one = `named,${await caOf()}`;
  await applies("trusted_ca", at, one);
  const file = `${certs}/${at}/ca.crt`;
  await takesBack(file, () => root(`cat ${file}`), "trusted_ca", at, one);
  const led = ["registry_sources", at, "", "own", "quay.io"] as const;
  await applies(...led);
  await takesBack(`${certs}/quay.io/hosts.toml`, () => root(`cat ${certs}/quay.io/hosts.toml`), ...led);
  await applies("registry_sources", at, "", "own");
  // Of the host that has made the CA: the same one stays, whatever somebody has done to its file.
  const made = "/etc/sealift/registry/ca.crt";
  const text = await root(`cat ${made}`);
  const ca = ["registry_ca", "test", "registry.site", "127.0.0.5", "30"] as const;
  for (const by of [`chmod 0666 ${made}`, `chown games ${made}`]) {
    await root(by);
    await finds(/ca\.crt has owner and mode \w+:root 6\d\d instead of root:root 644$/, ...ca);
    await applies(...ca);
  }
  assert.equal(await root(`cat ${made}`), text);
});

test("certificates beside the registry's CA are not the site's, and are refused", async () => {
  const first = await caOf();
  for (const name of ["other.crt", "client.cert", ".hidden.crt"]) {
    await root(`touch ${certs}/${at}/${name}`);
    await refuses(
      /^E_REGISTRY_CA the engine uses CA or client certificate files for registry\.site:5443 that Sealift did not create: /,
      "trusted_ca",
      at,
      `named,${first}`,
    );
    await root(`rm ${certs}/${at}/${name}`);
  }
  await applies("trusted_ca", at, `named,${first}`);
});

test("if the system's CAs are to be used, an additional CA of the engine is found and refused; client certificates stay", async () => {
  await finds(/^the engine trusts a CA for .* that the site does not name: .*\/ca\.crt$/, "trusted_ca", at);
  await refuses(
    /^E_REGISTRY_CA the engine trusts a CA for registry\.site:5443 .*; fix: name it/,
    "trusted_ca",
    at,
  );
  await root(`rm ${certs}/${at}/ca.crt && touch ${certs}/${at}/client.cert`);
  await holds("trusted_ca", at);
  await root(`rm ${certs}/${at}/client.cert`);
});

describe("what dockerd trusts in addition to the system's CAs", () => {
  const folder = "/etc/docker/token-ca";

  test("the CAs of the site, and no earlier ones", async () => {
    const pem = `"$(openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=corp -keyout /dev/null 2>/dev/null | sed /^-----/d | tr -d '\\n')"`;
    const one = (await root(`printf %s ${pem}`)).trim();
    await holds("token_ca");
    await finds(/registry\.crt is absent/, "token_ca", one);
    await applies("token_ca", one);
    await root(`openssl x509 -noout -in ${folder}/registry.crt`);
    await finds(`${folder}/registry.crt has a CA that the site does not name`, "token_ca");
    await root(`chmod 0666 ${folder}/registry.crt`);
    await finds(/registry\.crt/, "token_ca", one);
    await applies("token_ca", one);
    await applies("token_ca");
    assert.equal(await root(`ls -A ${folder}`), "");
  });

  test("other files there are refused, and a folder that others can write to is found", async () => {
    for (const name of ["left.crt", ".hidden"]) {
      await root(`touch ${folder}/${name}`);
      await finds(/^dockerd trusts CA files that Sealift did not create: /, "token_ca");
      await refuses(/^E_REGISTRY_CA dockerd trusts CA files that Sealift did not create: /, "token_ca");
      await root(`rm ${folder}/${name}`);
    }
    await root(`chmod 0777 ${folder}`);
    await finds(/token-ca/, "token_ca");
    await applies("token_ca");
  });
});

describe("where image names lead", () => {
  const sources = ["registry_sources", at, "", "own", "docker.io", "ghcr.io"] as const;

  test("to the registry, each with the path of its origin, and nowhere else", async () => {
    await finds("hosts.toml is missing or differs for: docker.io, ghcr.io", ...sources);
    await applies(...sources);
    const text = await root(`cat ${certs}/ghcr.io/hosts.toml`);
    const entry = `capabilities = ["pull", "resolve"]\noverride_path = true\nca = "${certs}/${at}/ca.crt"\n`;
    const url = `https://${at}/v2/ghcr.io`;
    assert.equal(text, `# Made by Sealift.\nserver = "${url}"\n${entry}\n[host."${url}"]\n${entry}`);
    await root(`sed -i 's/registry.site/ghcr.io/' ${certs}/docker.io/hosts.toml`);
    await finds("hosts.toml is missing or differs for: docker.io", ...sources);
    await applies(...sources);
  });

  test("a source that the site no longer lists is removed; files that are not Sealift's stay", async () => {
    await root(
      `mkdir -p ${certs}/corp.site && echo 'server = "https://corp.site"' >${certs}/corp.site/hosts.toml`,
    );
    const one = ["registry_sources", at, "", "own", "docker.io"] as const;
    await finds("hosts.toml is left over for registries that the site no longer lists: ghcr.io", ...one);
    await applies(...one);
    assert.equal(
      await root(`ls ${certs}/*/hosts.toml`),
      `${certs}/corp.site/hosts.toml\n${certs}/docker.io/hosts.toml\n`,
    );
    await refuses(
      /^E_CONFLICT \S+corp\.site\/hosts\.toml is a file that Sealift did not create/,
      ...one,
      "corp.site",
    );
    await root(`rm ${certs}/corp.site/hosts.toml`);
  });
});
