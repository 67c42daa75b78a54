/**
 * A registry that somebody else looks after: another CNCF Distribution, with TLS of a CA of its own and tokens as Harbor and GitLab
 * have them, and a project path before every repository. Sealift installs nothing there; push, trust and channel do the rest.
 */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { before, describe, test } from "node:test";
import { pushBundle } from "../../offline-bundle/push.ts";
import { imageElsewhere } from "../lab/bundle.ts";
import { labUser } from "../lab/stack.ts";
import { startForeignRegistry, type ForeignRegistry } from "../support/foreign-registry.ts";
import { siteMachine, startSite, type SiteUnderTest } from "../support/site-under-test.ts";
import { undoAfter } from "../support/undo.ts";

const path = "infra/mirror";

describe("a site whose registry is somebody else's", () => {
  let site: SiteUnderTest;
  let registry: ForeignRegistry;
  const undo = undoAfter();
  before(async () => {
    site = await startSite("foreign", siteMachine, "registry");
    undo(() => site.end());
    registry = await startForeignRegistry(site.guest);
    undo(() => {
      registry.end();
    });
    await write();
  });

  async function write(): Promise<void> {
    const url = `https://${registry.name}:${registry.port}`;
    await site.write((text) => {
      // The earliest engine that follows names: 28.5, with the containerd store asked for.
      text.engine.version = site.lab.bundle.engines.at(-1)?.version ?? "";
      Reflect.deleteProperty(text.daemon, "storage-driver");
      text.daemon["features"] = { "containerd-snapshotter": true };
      text.registry = { external: { url, ca: registry.caFile, path, allowedHosts: [registry.tokens] } };
    });
  }
  const push = (login: ForeignRegistry["login"]): ReturnType<typeof pushBundle> => {
    const { directory, allowedSigners } = site.lab.bundle;
    const { caFile, port } = registry;
    return pushBundle(directory, `127.0.0.1:${port}/${path}`, { allowedSigners, caFile, login });
  };
  const up = (...more: string[]): ReturnType<SiteUnderTest["pulumi"]> =>
    site.pulumi("up", "--yes", "--skip-preview", ...more);

  test("a wrong password is told as such, and nothing went in", async () => {
    await assert.rejects(
      push({ ...registry.login, password: "wrong" }),
      ({ message }: Error) => /E_LOGIN/.test(message) && !message.includes("wrong"),
    );
    assert.equal(await site.onHost("sudo ls /srv/foreign/data 2>/dev/null || true"), "");
  });

  test("what is not in it yet is told with the reader that has not given it", async () => {
    const { exitCode, output } = await up();
    assert.notEqual(exitCode, 0, output);
    assert.match(
      output,
      /reader harbor\.corp:\d+ did not give it[^]*no reader of the registry has given https:\/\/harbor\.corp:\d+\/v2\/infra\/mirror\/files\/docker\/blobs\/sha256:/,
    );
  });

  test("push puts the bundle below the project, with a login; again, it sends nothing", async () => {
    const first = await push(registry.login);
    assert.ok(first.sentBytes > 50e6, String(first.sentBytes));
    assert.equal((await push(registry.login)).sentBytes, 0);
  });

  test("up takes the engine out of it by a token that everybody gets; nothing was sent over ssh", async () => {
    const { exitCode, output } = await up();
    assert.equal(exitCode, 0, output);
    assert.equal(await site.onHost("ls .sealift"), await site.onHost("cd .sealift && ls *.sh"));
    const version = await site.onHost("docker version --format '{{.Server.Version}}'", labUser);
    assert.match(version, /^28\.5\./);
    const again = await up("--expect-no-changes");
    assert.equal(again.exitCode, 0, again.output);
  });

  test("unchanged names of two registries come from below the project, for a user who is not root", async () => {
    for (const image of [site.lab.bundle.image, imageElsewhere])
      assert.equal(await site.onHost(`docker run --rm ${image} echo inside`, labUser), "inside\n");
    const log = await site.onHost("sudo journalctl -u foreign-registry -o cat");
    assert.match(log, /\/v2\/infra\/mirror\/ghcr\.io\/team\/hello\/manifests\//);
  });

  test("what is not there is told at once, and nobody outside was asked", async () => {
    const { exitCode, stderr } = await site.guest.exec("timeout 60 docker pull quay.io/team/nothere:1", {
      login: labUser,
    });
    assert.equal(exitCode, 1, stderr);
    assert.match(stderr, /not found/);
  });

  test("one more CA in the site's file costs a restart, as the preview says, and containers run on", async () => {
    await site.onHost(`docker run -d --name counter ${site.lab.bundle.image} sleep 100000`, labUser);
    const next = await site.onHost(
      "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=next CA' -keyout /dev/null 2>/dev/null",
    );
    const before = await readFile(registry.caFile, "utf8");
    await writeFile(registry.caFile, before + next);
    const { output } = await site.pulumi("preview");
    assert.match(
      output,
      /daemon\.authorities: wanted .* token servers.*; found .*; effect the daemon restarts, containers run on/,
    );
    const pid = await site.onHost("systemctl show -P MainPID docker");
    const { exitCode, output: done } = await up();
    assert.equal(exitCode, 0, done);
    assert.notEqual(await site.onHost("systemctl show -P MainPID docker"), pid);
    assert.equal(await site.onHost("docker ps --format '{{.Names}}'", labUser), "counter\n");
    const again = await up("--expect-no-changes");
    assert.equal(again.exitCode, 0, again.output);
    await site.onHost("docker rm -f counter", labUser);
  });

  test("a registry that is down is named, and the engine runs all the while", async () => {
    await site.onHost("sudo systemctl stop foreign-registry && sudo rm -r /var/lib/sealift/blobs");
    await site.onHost("sudo rm /opt/docker/current/bin/ctr");
    const { exitCode, output } = await up();
    assert.notEqual(exitCode, 0, output);
    assert.match(output, /reader harbor\.corp:\d+ did not give it/);
    assert.equal(await site.onHost("docker ps -q | wc -l", labUser), "0\n");
  });
});
