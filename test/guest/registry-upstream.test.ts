/** A registry with an upstream registry, on a real host; and readers that misbehave on purpose. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { checkout } from "../lab/cache.ts";
import {
  mount,
  registryName,
  sha256Of,
  startConvergedRegistry,
  type RegistryInGuest,
} from "../support/guests/registry-in-guest.ts";
import { manifestOf } from "../support/guests/registry-pushes.ts";
import { shellFacts } from "../support/guests/shell-facts.ts";
import { undoAfter } from "../support/process/undo.ts";

let on: RegistryInGuest;
const undo = undoAfter();
before(async () => {
  on = await startConvergedRegistry("registry-upstream");
  undo(() => on.on.end());
});

const { finds, applies } = shellFacts(() => on.on);
const root = (command: string): Promise<string> => on.on.root(command);

describe("a registry with an upstream registry", () => {
  const bytes = Buffer.alloc(250_000, "fed by another ");
  const port = "5443";
  /** The CA of a registry host with that address; one key has made all of them, so that one certificate serves. */
  const caBundles = new Map<string, string>();
  before(async () => {
    await on.on.guest.exec("sudo -n tee /run/thing", { input: bytes });
    const program = await readFile(join(checkout, "test", "support", "fixtures", "bad-readers.py"));
    await on.on.guest.exec("sudo -n tee /run/bad-readers.py", { input: program });
    await root(
      "mkdir /run/feeder && cd /run/feeder && openssl ecparam -name prime256v1 -genkey -noout -out key",
    );
    for (const last of [2, 3, 4, 5]) {
      const address = `127.0.0.${last}`;
      const base64 = await root(
        `. /run/sealift-library.sh; cd /run/feeder && cp key ca.key.new && ca_certificate ca.key.new test ${registryName} ${address} ca-${last}.crt && ca_base64 ca-${last}.crt`,
      );
      caBundles.set(address, base64);
    }
    await root(
      `cd /run/feeder && openssl req -new -key key -subj /CN=feeder -out server.csr && echo subjectAltName=DNS:${registryName} >ext && openssl x509 -req -in server.csr -CA ca-5.crt -CAkey key -set_serial 7 -days 30 -extfile ext -out server.crt`,
    );
    await root(
      `systemd-run --quiet --unit readers python3 /run/bad-readers.py ${port} /run/thing /run/feeder/server.crt /run/feeder/key /run/asked && timeout 60 sh -c 'until ss -Hltn | grep -q 127.0.0.5:${port}; do sleep 0.2; done'`,
    );
  });

  const upstream = (address: string) =>
    ["registry_upstream", registryName, port, address, caBundles.get(address) ?? ""] as const;
  const fails = async (words: RegExp, [name, ...args]: readonly [string, ...string[]]): Promise<void> => {
    const { exitCode, output } = await on.on.call(`apply_${name}`, ...args);
    assert.equal(exitCode, 1, output);
    assert.match(output, words);
  };

  test("the CA of the upstream registry must be known", async () => {
    const unknown = ["registry_upstream", registryName, port, "127.0.0.5", "unknown"] as const;
    await finds("the registry on 127.0.0.5 has not created its CA yet", ...unknown);
    await fails(/^the CA of the upstream registry on 127\.0\.0\.5 is not known: /, unknown);
    await finds(/feeder is missing/, ...upstream("127.0.0.5"));
    await applies(...upstream("127.0.0.5"));
    for (const file of ["feeder", "feeder.crt"]) {
      await root(`chmod 0666 /etc/sealift/registry/${file}`);
      await finds(/ has owner and mode root:root 666 instead of root:root 644$/, ...upstream("127.0.0.5"));
      await applies(...upstream("127.0.0.5"));
    }
    const other = [...upstream("127.0.0.5").slice(0, 4), caBundles.get("127.0.0.4") ?? ""];
    await fails(/^E_REGISTRY_CA the CA of the registry on 127\.0\.0\.5 can sign/, [
      "registry_upstream",
      ...other.slice(1),
    ]);
  });

  test("an upstream registry without the blob and one with wrong bytes are named by address, and nothing of theirs is kept", async () => {
    const call = await manifestOf(on, "files/fed", bytes);
    await applies(...upstream("127.0.0.3"));
    await fails(/the registry on 127\.0\.0\.3 did not deliver sha256:\w{64}; run pulumi up again/, call);
    await applies(...upstream("127.0.0.2"));
    await fails(/the data from the registry on 127\.0\.0\.2 has sha256 \w{64} and was removed/, call);
    assert.doesNotMatch(await root(`ls ${mount}/arriving`), /part/);
  });

  test("an interrupted download is resumed by the next run, and the registry has the complete blob", async () => {
    const call = await manifestOf(on, "files/fed", bytes);
    await applies(...upstream("127.0.0.4"));
    await root("rm /run/asked");
    for (let run = 1; run <= 2; run += 1) await fails(/the registry on 127\.0\.0\.4 did not deliver/, call);
    await applies(...call);
    assert.equal(
      await root("cat /run/asked"),
      "127.0.0.4 \n127.0.0.4 bytes=100000-\n127.0.0.4 bytes=200000-\n",
    );
    const url = `https://${registryName}:5000/v2/files/fed/blobs/sha256:${sha256Of(bytes)}`;
    assert.equal((await on.curl(`${url} | sha256sum`)).split(" ")[0], sha256Of(bytes));
    assert.equal(await root(`ls ${mount}/arriving`), "");
  });
});
