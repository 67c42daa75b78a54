/** What a client of the registry knows of it, on a real host. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { container } from "../lab/machine-choice.ts";
import { shellFacts } from "../support/shell-facts.ts";
import { startFunctions, type ShellFunctions } from "../support/shell-functions.ts";
import { undoAfter } from "../support/undo.ts";

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

/** A CA as a registry host makes one that has none; its certificate as the host tells it. */
async function authority(address = "127.0.0.5"): Promise<string> {
  await root("rm -f /etc/sealift/registry/ca.*");
  const { exitCode, output } = await on.call("apply_registry_ca", "test", "registry.site", address, "30");
  assert.equal(exitCode, 0, output);
  return `${address}:${(await on.call("value_registry_ca")).output}`;
}

describe("the registry's name", () => {
  test("nobody knows it: a block of ours in /etc/hosts, and nothing else of the file is touched", async () => {
    const before_ = await root("cat /etc/hosts");
    await finds("registry.site leads to nothing", "registry_name", "registry.site", "10.9.0.1", "10.9.0.2");
    await applies("registry_name", "registry.site", "10.9.0.1", "10.9.0.2");
    assert.equal(
      await root("cat /etc/hosts"),
      `${before_}# Sealift: the registry of the site\n10.9.0.1 registry.site\n10.9.0.2 registry.site\n# Sealift: end\n`,
    );
    assert.match(
      await root("getent ahostsv4 registry.site"),
      /^10\.9\.0\.1 .*\n(10\.9\.0\.1 .*\n)*10\.9\.0\.2 /,
    );
    await finds("registry.site leads to 10.9.0.1 10.9.0.2", "registry_name", "registry.site", "10.9.0.7");
    await applies("registry_name", "registry.site", "10.9.0.7");
    assert.equal(await root("grep -c registry.site /etc/hosts"), "1\n");
  });

  test("somebody else says where it is: right is right, and otherwise it is refused", async () => {
    await root("sed -i '/Sealift/d; s/^10.9.0.7 .*/10.9.0.7 registry.site by-hand/' /etc/hosts");
    await holds("registry_name", "registry.site", "10.9.0.7");
    await refuses(
      /^E_REGISTRY_NAME \/etc\/hosts has other lines for registry\.site: it leads to 10\.9\.0\.7 there; remove them/,
      "registry_name",
      "registry.site",
      "10.9.0.8",
    );
    await root("sed -i /by-hand/d /etc/hosts");
  });

  test("a line beside ours that leads elsewhere is found, however it is written, and never passed over", async () => {
    const words = ["registry_name", "registry.site", "10.9.0.1"] as const;
    await applies(...words);
    for (const line of [
      "10.9.0.66 registry.site",
      "10.9.0.66\\tother Registry.SITE # ours",
      "fd00::66 registry.site",
    ]) {
      await root(`sed -i '1i ${line}' /etc/hosts`);
      await finds(
        /^\/etc\/hosts has other lines for registry\.site: it leads to (10\.9\.0|fd00:):?\.?66 there$/,
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

  test("one that has not been made cannot be trusted", async () => {
    await finds("the registry has not made its CA yet", "registry_authority", at, "unknown");
    assert.equal((await on.call("apply_registry_authority", at, "unknown")).exitCode, 1);
    const { output } = await on.call("apply_registry_authority", at, "bm90IG9uZQ==");
    assert.match(output, /what is to be trusted is no certificate/);
    assert.equal(await root(`ls ${certs} 2>/dev/null || true`), "", "nothing was written");
  });

  test("the engine knows it, and the system does not", async () => {
    first = await authority();
    await finds(/ca\.crt is absent or another$/, "registry_authority", at, first);
    await applies("registry_authority", at, first);
    await root(`openssl x509 -noout -in ${certs}/${at}/ca.crt`);
    await root("! openssl verify -CApath /etc/ssl/certs /etc/sealift/registry/ca.crt");
  });

  test("what an earlier Sealift has put into the system's store goes", async () => {
    const store = "/usr/local/share/ca-certificates/sealift-registry-1.crt";
    await root(`cp ${certs}/${at}/ca.crt ${store} && update-ca-certificates >/dev/null`);
    await root("openssl verify -CApath /etc/ssl/certs /etc/sealift/registry/ca.crt");
    await finds(`the system trusts a CA of the registry: ${store}`, "registry_authority", at, first);
    await applies("registry_authority", at, first);
    await root("! openssl verify -CApath /etc/ssl/certs /etc/sealift/registry/ca.crt");
    assert.equal(await root("ls /etc/ssl/certs | grep -c sealift || true"), "0\n");
  });

  test("one that could vouch for anything else is refused", async () => {
    const other = first.replace("127.0.0.5", "127.0.0.6");
    await refuses(
      /^E_REGISTRY_CA the CA of the registry on 127\.0\.0\.6 can vouch for something else than registry\.site/,
      "registry_authority",
      at,
      other,
    );
  });

  test("a stale one is found, and the preview says which is which; an earlier one goes", async () => {
    const second = await authority();
    assert.notEqual(second, first);
    await finds(
      /ca\.crt is absent or another: this host has trusted the CA with sha256 \w{64}, and the registry shows \w{64} now$/,
      "registry_authority",
      at,
      second,
    );
    const now =
      /^E_REGISTRY_CA this host has trusted the CA with sha256 \w{64}, and the registry on 127\.0\.0\.5 shows \w{64} now; /;
    await refuses(now, "registry_authority", at, second);
    await applies("registry_authority", at, `named,${second}`);
    await applies("registry_authority", at, `named,${first}`);
    await applies("registry_authority", at, first, second);
    assert.equal(await root(`grep -c BEGIN ${certs}/${at}/ca.crt`), "2\n");
    await finds(/ca\.crt is absent or another/, "registry_authority", at, second);
    await applies("registry_authority", at, second);
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
    [`chmod 0666 ${file}`, `${file} is of root:root with mode 666 in place of root:root 644`],
    [`chown games ${file}`, `${file} is of games:root with mode 644 in place of root:root 644`],
    [`chgrp games ${file}`, `${file} is of root:games with mode 644 in place of root:root 644`],
    [`mv ${file} /run/kept && ln -s /run/kept ${file}`, `${file} is a symbolic link`],
    [`chmod 0777 ${folder}`, `${folder} may be written by others (mode 777)`],
  ];
  for (const [by, found] of changes) {
    await root(by);
    await finds(found, ...call);
    await applies(...call);
  }
  assert.equal(await content(), before_);
}

test("whose a file is, and who may write it, are part of the fact: the registry's CA, and where names lead", async () => {
  const one = `named,${await authority()}`;
  await applies("registry_authority", at, one);
  const file = `${certs}/${at}/ca.crt`;
  await takesBack(file, () => root(`cat ${file}`), "registry_authority", at, one);
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
    await finds(/ca\.crt is of \w+:root with mode 6\d\d in place of root:root 644$/, ...ca);
    await applies(...ca);
  }
  assert.equal(await root(`cat ${made}`), text);
});

test("certificates beside the registry's CA are not the site's, and are refused", async () => {
  const first = await authority();
  for (const name of ["other.crt", "client.cert", ".hidden.crt"]) {
    await root(`touch ${certs}/${at}/${name}`);
    await refuses(
      /^E_REGISTRY_CA the engine takes for registry\.site:5443 what Sealift did not put there: /,
      "registry_authority",
      at,
      `named,${first}`,
    );
    await root(`rm ${certs}/${at}/${name}`);
  }
  await applies("registry_authority", at, `named,${first}`);
});

test("where the system's own CAs are to do, a CA that the engine has besides is found and refused; logins stay", async () => {
  await finds(
    /^the engine trusts a CA for .* that the site does not name: .*\/ca\.crt$/,
    "registry_authority",
    at,
  );
  await refuses(
    /^E_REGISTRY_CA the engine trusts a CA for registry\.site:5443 .*; name it/,
    "registry_authority",
    at,
  );
  await root(`rm ${certs}/${at}/ca.crt && touch ${certs}/${at}/client.cert`);
  await holds("registry_authority", at);
  await root(`rm ${certs}/${at}/client.cert`);
});

describe("what dockerd believes beside the system's CAs", () => {
  const folder = "/etc/docker/token-ca";

  test("those of the site, and none of earlier", async () => {
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

  test("what lies beside them is refused, and a folder that others may write is found", async () => {
    for (const name of ["left.crt", ".hidden"]) {
      await root(`touch ${folder}/${name}`);
      await finds(/^dockerd takes for CAs what Sealift did not put there: /, "token_ca");
      await refuses(/^E_REGISTRY_CA dockerd takes for CAs what Sealift did not put there: /, "token_ca");
      await root(`rm ${folder}/${name}`);
    }
    await root(`chmod 0777 ${folder}`);
    await finds(/token-ca/, "token_ca");
    await applies("token_ca");
  });
});

describe("where image names lead", () => {
  const sources = ["registry_sources", at, "", "own", "docker.io", "ghcr.io"] as const;

  test("to the registry, each with the path of where it came from, and nowhere else", async () => {
    await finds("they lead elsewhere: docker.io, ghcr.io", ...sources);
    await applies(...sources);
    const text = await root(`cat ${certs}/ghcr.io/hosts.toml`);
    const entry = `capabilities = ["pull", "resolve"]\noverride_path = true\nca = "${certs}/${at}/ca.crt"\n`;
    const url = `https://${at}/v2/ghcr.io`;
    assert.equal(text, `# Made by Sealift.\nserver = "${url}"\n${entry}\n[host."${url}"]\n${entry}`);
    await root(`sed -i 's/registry.site/ghcr.io/' ${certs}/docker.io/hosts.toml`);
    await finds("they lead elsewhere: docker.io", ...sources);
    await applies(...sources);
  });

  test("a source that the site no longer names goes its own way again; what is not ours stays", async () => {
    await root(
      `mkdir -p ${certs}/corp.site && echo 'server = "https://corp.site"' >${certs}/corp.site/hosts.toml`,
    );
    const one = ["registry_sources", at, "", "own", "docker.io"] as const;
    await finds("led here and no longer of the site: ghcr.io", ...one);
    await applies(...one);
    assert.equal(
      await root(`ls ${certs}/*/hosts.toml`),
      `${certs}/corp.site/hosts.toml\n${certs}/docker.io/hosts.toml\n`,
    );
    await refuses(
      /^E_CONFLICT \S+corp\.site\/hosts\.toml is a file that Sealift did not put there/,
      ...one,
      "corp.site",
    );
    await root(`rm ${certs}/corp.site/hosts.toml`);
  });
});
