/**
 * An external registry: another CNCF Distribution, with TLS from a CA of its own, tokens like those of Harbor and GitLab, and a project
 * path before every repository. Sealift installs nothing there; push, trust and downloads do the rest.
 */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { before, describe, test } from "node:test";
import { defaultMirroredRegistries } from "../../modules/core/site/registry.ts";
import { pushBundle } from "../../offline-bundle/push.ts";
import { imageElsewhere } from "../lab/bundle/bundle.ts";
import { portedSource } from "../lab/bundle/image-kinds.ts";
import { labUser } from "../lab/pulumi/stack.ts";
import { startForeignRegistry, type ForeignRegistry } from "../support/servers/foreign-registry.ts";
import { siteMachine, startSite, type SiteUnderTest } from "../support/guests/site-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";

const path = "infra/mirror";

describe("a site with an external registry", () => {
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
      const external = { url, ca: registry.caFile, path, allowedHosts: [registry.tokens] };
      text.registry = { external, mirroredRegistries: [...defaultMirroredRegistries, portedSource] };
    });
  }
  const push = (login: ForeignRegistry["login"]): ReturnType<typeof pushBundle> => {
    const { directory, allowedSigners } = site.lab.bundle;
    const { caFile, port } = registry;
    return pushBundle(directory, `127.0.0.1:${port}/${path}`, { allowedSigners, caFile, login });
  };
  const up = (...more: string[]): ReturnType<SiteUnderTest["pulumi"]> =>
    site.pulumi("up", "--yes", "--skip-preview", ...more);

  test("a wrong password is reported as such, and nothing was pushed", async () => {
    await assert.rejects(
      push({ ...registry.login, password: "wrong" }),
      ({ message }: Error) => /E_LOGIN/.test(message) && !message.includes("wrong"),
    );
    assert.equal(await site.onHost("sudo ls /srv/foreign/data 2>/dev/null || true"), "");
  });

  test("a missing blob is reported with the reader that did not deliver it", async () => {
    const { exitCode, output } = await up();
    assert.notEqual(exitCode, 0, output);
    assert.match(
      output,
      /reader harbor\.corp:\d+ did not deliver it[^]*no reader of the registry delivered https:\/\/harbor\.corp:\d+\/v2\/infra\/mirror\/files\/docker\/blobs\/sha256:/,
    );
  });

  test("push stores the bundle below the project, with a login; again, it sends nothing", async () => {
    const first = await push(registry.login);
    assert.ok(first.sentBytes > 50e6, String(first.sentBytes));
    assert.equal((await push(registry.login)).sentBytes, 0);
  });

  test("the run downloads the engine from it with an anonymous token; nothing was sent over ssh", async () => {
    const { exitCode, output } = await up();
    assert.equal(exitCode, 0, output);
    assert.equal(await site.onHost("ls .sealift"), await site.onHost("cd .sealift && ls *.sh"));
    const version = await site.onHost("docker version --format '{{.Server.Version}}'", labUser);
    assert.match(version, /^28\.5\./);
    const again = await up("--expect-no-changes");
    assert.equal(again.exitCode, 0, again.output);
  });

  test("unchanged names of two registries are pulled from below the project, by a user who is not root", async () => {
    for (const image of [site.lab.bundle.image, imageElsewhere])
      assert.equal(await site.onHost(`docker run --rm ${image} echo inside`, labUser), "inside\n");
    const log = await site.onHost("sudo journalctl -u foreign-registry -o cat");
    assert.match(log, /\/v2\/infra\/mirror\/ghcr\.io\/team\/hello\/manifests\//);
  });

  test("a missing image is reported at once, and nobody outside was asked", async () => {
    const { exitCode, stderr } = await site.guest.exec("timeout 60 docker pull quay.io/team/nothere:1", {
      login: labUser,
    });
    assert.equal(exitCode, 1, stderr);
    assert.match(stderr, /not found/);
  });

  test("one more CA in the site's file costs a restart, as the preview says, and containers keep running", async () => {
    await site.onHost(`docker run -d --name counter ${site.lab.bundle.image} sleep 100000`, labUser);
    const next = await site.onHost(
      "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=next CA' -keyout /dev/null 2>/dev/null",
    );
    const before = await readFile(registry.caFile, "utf8");
    await writeFile(registry.caFile, before + next);
    const { output } = await site.pulumi("preview");
    assert.match(
      output,
      /daemon\.token-ca: found: .*; expected: .* token servers.*; impact: the daemon restarts, containers keep running/,
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

  test("a registry that is down is named, and the engine keeps running", async () => {
    await site.onHost("sudo systemctl stop foreign-registry && sudo rm -r /var/lib/sealift/blobs");
    await site.onHost("sudo rm /opt/docker/current/bin/ctr");
    const { exitCode, output } = await up();
    assert.notEqual(exitCode, 0, output);
    assert.match(output, /reader harbor\.corp:\d+ did not deliver it/);
    assert.equal(await site.onHost("docker ps -q | wc -l", labUser), "0\n");
  });
});
