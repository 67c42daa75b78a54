/** What a client of the registry knows of it, on a real host; and how it gets bytes from readers that behave badly on purpose. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { checkout } from "../lab/cache.ts";
import { container } from "../lab/machine-choice.ts";
import { sha256Of } from "../support/registry-in-guest.ts";
import { shellFacts } from "../support/shell-facts.ts";
import { startFunctions, type ShellFunctions } from "../support/shell-functions.ts";

let on: ShellFunctions;
before(async () => {
  on = await startFunctions("trust", container());
});
after(() => on.end());

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
  return (await on.call("value_registry_ca")).output;
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
      /^E_REGISTRY_NAME registry\.site leads to 10\.9\.0\.7 here; have name server/,
      "registry_name",
      "registry.site",
      "10.9.0.8",
    );
    await root("sed -i /by-hand/d /etc/hosts");
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

  test("the engine and the system know it, by a file each", async () => {
    first = await authority();
    await finds(/ca\.crt is absent or another$/, "registry_authority", at, first);
    await applies("registry_authority", at, first);
    await root(`openssl x509 -noout -in ${certs}/${at}/ca.crt`);
    await root("openssl verify -CApath /etc/ssl/certs /etc/sealift/registry/ca.crt");
  });

  test("a stale one is found in either place; an earlier one goes", async () => {
    const second = await authority();
    assert.notEqual(second, first);
    await finds(/ca\.crt is absent or another$/, "registry_authority", at, second);
    await applies("registry_authority", at, first, second);
    assert.equal(await root(`grep -c BEGIN ${certs}/${at}/ca.crt`), "2\n");
    await finds(/ca\.crt is absent or another$/, "registry_authority", at, second);
    await applies("registry_authority", at, second);
    assert.equal(await root("ls /usr/local/share/ca-certificates"), "sealift-registry-1.crt\n");
    assert.equal(await root("ls /etc/ssl/certs | grep -c sealift"), "1\n");
    // Rehashing the system's store takes a minute on an emulated host: one repair for two kinds of damage.
    await root("sed -i 5d /usr/local/share/ca-certificates/sealift-registry-1.crt");
    await finds(/sealift-registry-1\.crt is absent or another$/, "registry_authority", at, second);
    await root(
      `cp ${certs}/${at}/ca.crt /usr/local/share/ca-certificates/sealift-registry-1.crt && : >/etc/ssl/certs/ca-certificates.crt`,
    );
    await finds("/etc/ssl/certs/ca-certificates.crt lacks CA 1", "registry_authority", at, second);
    await applies("registry_authority", at, second);
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

describe("bytes by their digest", () => {
  const bytes = Buffer.alloc(250_000, "bytes of the bundle ");
  const sha256 = sha256Of(bytes);
  const kept = `/var/lib/sealift/blobs/${sha256}`;
  const blob = (...readers: string[]) =>
    ["channel_blob", sha256, String(bytes.length), at, "files/thing", "own", ...readers] as const;
  const asked = async (): Promise<string> => {
    const log = await root("cat /run/asked; rm /run/asked");
    return log.replaceAll("127.0.0.", "").trim().replaceAll(/ *\n/g, ", ");
  };

  before(async () => {
    await on.call("apply_registry_user");
    const certificate = await on.call("apply_registry_certificate", "registry.site", "127.0.0.5");
    assert.equal(certificate.exitCode, 0, certificate.output);
    await on.guest.exec("sudo -n tee /run/thing", { input: bytes });
    const program = await readFile(join(checkout, "test", "support", "bad-readers.py"));
    await on.guest.exec("sudo -n tee /run/bad-readers.py", { input: program });
    const etc = "/etc/sealift/registry";
    await root(
      `systemd-run --quiet --unit readers python3 /run/bad-readers.py ${port} /run/thing ${etc}/server.crt ${etc}/server.key /run/asked && timeout 60 sh -c 'until ss -Hltn | grep -q 127.0.0.5:${port}; do sleep 0.2; done'`,
    );
  });

  test("a reader that is well is asked once", async () => {
    await finds("not there", ...blob("127.0.0.5"));
    await applies(...blob("127.0.0.5", "127.0.0.3"));
    assert.equal(await asked(), "5");
  });

  test("one that knows nothing and one that lies: the next one is asked, and nothing wrong is kept", async () => {
    await root(`rm ${kept}`);
    await applies(...blob("127.0.0.3", "127.0.0.2", "127.0.0.5"));
    assert.equal(await asked(), "3, 2, 5");
    assert.equal(await root("ls /var/lib/sealift/blobs"), `${sha256}\n`);
  });

  test("where one was cut off, the next goes on", async () => {
    await root(`rm ${kept}`);
    await applies(...blob("127.0.0.4", "127.0.0.5"));
    assert.equal(await asked(), "4, 5 bytes=100000-");
  });

  test("a line that drops again and again brings it in the end", async () => {
    await root(`rm ${kept}`);
    await applies(...blob("127.0.0.4"));
    assert.equal(await asked(), "4, 4 bytes=100000-, 4 bytes=200000-");
  });

  test("nobody has it: every reader is named, and nothing is left", async () => {
    await root(`rm ${kept}`);
    const { exitCode, output } = await on.call(
      "apply_channel_blob",
      ...blob("127.0.0.3", "127.0.0.9").slice(1),
    );
    assert.equal(exitCode, 1);
    assert.match(output, /reader 127\.0\.0\.3 did not give it/);
    assert.match(output, /reader 127\.0\.0\.9 did not give it/);
    assert.match(
      output,
      /no reader of the registry has given https:\/\/registry\.site:5443\/v2\/files\/thing\/blobs\/sha256:/,
    );
    assert.equal(await root("ls /var/lib/sealift/blobs"), "");
    await asked();
  });

  test("a registry of others wants a token, and sends on to where its bytes lie", async () => {
    await root(
      `rm -f ${kept}; sed -i '/registry.site/d' /etc/hosts; echo '127.0.0.6 registry.site' >>/etc/hosts`,
    );
    await applies(...blob());
    assert.equal(await asked(), "6 bytes=0-0, 6");
    await root("sed -i '/registry.site/d' /etc/hosts");
  });

  test("a certificate that nobody vouches for, or that has ended, is no way in", async () => {
    await root(
      `mv ${certs}/${at}/ca.crt /run/ca.crt && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /run/x.key -subj /CN=x -out ${certs}/${at}/ca.crt 2>/dev/null`,
    );
    const stranger = await on.call("apply_channel_blob", ...blob("127.0.0.5").slice(1));
    assert.equal(stranger.exitCode, 1);
    assert.match(stranger.output, /certificate/i);
    await root(`mv /run/ca.crt ${certs}/${at}/ca.crt`);
    // The host's clock a year and a half from now: what every client sees of a certificate that has ended.
    await root("date -s '+500 days' >/dev/null");
    const ended = await on.call("apply_channel_blob", ...blob("127.0.0.5").slice(1));
    await root("date -s '-500 days' >/dev/null");
    assert.equal(ended.exitCode, 1);
    assert.match(ended.output, /expired/i);
    assert.equal(await root("cat /run/asked 2>/dev/null || true"), "", "not one request was made");
  });
});
