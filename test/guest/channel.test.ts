/** Downloads from the registry on a real host, from readers that misbehave on purpose. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { checkout } from "../lab/cache.ts";
import { container } from "../lab/machine-choice.ts";
import { sha256Of } from "../support/guests/registry-in-guest.ts";
import { shellFacts } from "../support/guests/shell-facts.ts";
import { startFunctions, type ShellFunctions } from "../support/guests/shell-functions.ts";
import { undoAfter } from "../support/process/undo.ts";

let on: ShellFunctions;
const undo = undoAfter();
before(async () => {
  on = await startFunctions("channel", container());
  undo(() => on.end());
});

const { finds, applies } = shellFacts(() => on);
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

describe("downloads by digest", () => {
  const bytes = Buffer.alloc(250_000, "bytes of the bundle ");
  const sha256 = sha256Of(bytes);
  const kept = `/var/lib/sealift/blobs/${sha256}`;
  const blob = (...readers: string[]) =>
    ["downloaded_blob", sha256, String(bytes.length), at, "files/thing", "own", ...readers] as const;
  const requests = async (): Promise<string> => {
    const log = await root("cat /run/asked; rm /run/asked");
    return log.replaceAll("127.0.0.", "").trim().replaceAll(/ *\n/g, ", ");
  };

  const etc = "/etc/sealift/registry";
  const startReaders = (certificate: string): Promise<string> =>
    root(
      `systemd-run --quiet --unit readers python3 /run/bad-readers.py ${port} /run/thing ${certificate} ${etc}/server.key /run/asked && timeout 60 sh -c 'until ss -Hltn | grep -q 127.0.0.5:${port}; do sleep 0.2; done'`,
    );

  before(async () => {
    const trusted = await on.call("apply_trusted_ca", at, await caOf());
    assert.equal(trusted.exitCode, 0, trusted.output);
    await on.call("apply_registry_user");
    const certificate = await on.call("apply_registry_certificate", "registry.site", "127.0.0.5");
    assert.equal(certificate.exitCode, 0, certificate.output);
    await on.guest.exec("sudo -n tee /run/thing", { input: bytes });
    const program = await readFile(join(checkout, "test", "support", "fixtures", "bad-readers.py"));
    await on.guest.exec("sudo -n tee /run/bad-readers.py", { input: program });
    await startReaders(`${etc}/server.crt`);
  });

  test("a healthy reader is asked once", async () => {
    await finds("absent", ...blob("127.0.0.5"));
    await applies(...blob("127.0.0.5", "127.0.0.3"));
    assert.equal(await requests(), "5");
  });

  test("one reader without the blob and one with wrong bytes: the next one is asked, and no wrong bytes are kept", async () => {
    await root(`rm ${kept}`);
    await applies(...blob("127.0.0.3", "127.0.0.2", "127.0.0.5"));
    assert.equal(await requests(), "3, 2, 5");
    assert.equal(await root("ls /var/lib/sealift/blobs"), `${sha256}\n`);
  });

  test("a reader resumes the download that another one interrupted", async () => {
    await root(`rm ${kept}`);
    await applies(...blob("127.0.0.4", "127.0.0.5"));
    assert.equal(await requests(), "4, 5 bytes=100000-");
  });

  test("a connection that breaks repeatedly delivers the blob in the end", async () => {
    await root(`rm ${kept}`);
    await applies(...blob("127.0.0.4"));
    assert.equal(await requests(), "4, 4 bytes=100000-, 4 bytes=200000-");
  });

  test("if no reader has the blob, each is named and nothing is left", async () => {
    await root(`rm ${kept}`);
    const { exitCode, output } = await on.call(
      "apply_downloaded_blob",
      ...blob("127.0.0.3", "127.0.0.9").slice(1),
    );
    assert.equal(exitCode, 1);
    assert.match(output, /reader 127\.0\.0\.3 did not deliver it/);
    assert.match(output, /reader 127\.0\.0\.9 did not deliver it/);
    assert.match(
      output,
      /no reader of the registry delivered https:\/\/registry\.site:5443\/v2\/files\/thing\/blobs\/sha256:/,
    );
    assert.equal(await root("ls /var/lib/sealift/blobs"), "");
    await requests();
  });

  test("an external registry requires a token and redirects to its object store", async () => {
    await root(
      `rm -f ${kept}; sed -i '/registry.site/d' /etc/hosts; echo '127.0.0.6 registry.site' >>/etc/hosts`,
    );
    await applies(...blob());
    assert.equal(await requests(), "6 bytes=0-0, 6");
    await root("sed -i '/registry.site/d' /etc/hosts");
  });

  test("an untrusted or expired certificate is refused", async () => {
    // What is kept would be taken without a question.
    await root(
      `rm -f ${kept}; mv ${certs}/${at}/ca.crt /run/ca.crt && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /run/x.key -subj /CN=x -out ${certs}/${at}/ca.crt 2>/dev/null`,
    );
    const untrusted = await on.call("apply_downloaded_blob", ...blob("127.0.0.5").slice(1));
    assert.equal(untrusted.exitCode, 1);
    assert.match(untrusted.output, /certificate/i);
    await root(`mv /run/ca.crt ${certs}/${at}/ca.crt`);
    // The same certificate, signed by the same CA for a month of the past (openssl-x509(1), OpenSSL 3.4).
    await root(
      `systemctl stop readers && openssl x509 -in ${etc}/server.crt -CA ${etc}/ca.crt -CAkey ${etc}/ca.key -not_before 20200101000000Z -not_after 20200201000000Z -out /run/ended.crt`,
    );
    await startReaders("/run/ended.crt");
    const ended = await on.call("apply_downloaded_blob", ...blob("127.0.0.5").slice(1));
    assert.equal(ended.exitCode, 1);
    assert.match(ended.output, /expired/i);
    assert.equal(await root("cat /run/asked 2>/dev/null || true"), "", "not one request was made");
  });
});
