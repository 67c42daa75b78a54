import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { imageArchive } from "../lab/bundle/image-archive.ts";
import { labUser } from "../lab/pulumi/stack.ts";
import { siteMachine, startSite, type SiteUnderTest } from "../support/guests/site-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";

/** One host with the classic image store and a container that counts, through every kind of version switch. */
describe("upgrade and downgrade of the engine", () => {
  let site: SiteUnderTest;
  /** The last of an earlier major version, and two of one minor version. */
  let [old, first, second] = ["", "", ""];
  const undo = undoAfter();
  before(async () => {
    site = await startSite("engines", siteMachine, "all");
    undo(() => site.end());
    const versions = site.lab.bundle.engines.map(({ version }) => version);
    old = versions.find((version) => version.startsWith("28.")) ?? "";
    [first = "", second = ""] = site.lab.bundle.engines
      .filter(({ origin }) => origin === "built from Go modules")
      .map(({ version }) => version);
  });

  const onHost = (command: string, login = labUser, input: string | Buffer = ""): Promise<string> =>
    site.onHost(command, login, input);
  const setVersion = (version: string, daemon: Record<string, unknown> = {}): Promise<void> =>
    site.write((text) => {
      Object.assign(text.engine, { version, compose: site.lab.bundle.plugins.compose });
      for (const [key, value] of Object.entries(daemon)) {
        if (value === undefined) Reflect.deleteProperty(text.daemon, key);
        else text.daemon[key] = value;
      }
    });
  const preview = async (): Promise<string> => {
    const { exitCode, output } = await site.pulumi("preview");
    assert.equal(exitCode, 0, output);
    return output;
  };
  const converges = async (...more: string[]): Promise<string> => {
    const { exitCode, output } = await site.pulumi("up", "--yes", "--skip-preview", ...more);
    assert.equal(exitCode, 0, output);
    return output;
  };
  const refused = async (message: RegExp): Promise<void> => {
    const { exitCode, output } = await site.pulumi("preview");
    assert.notEqual(exitCode, 0, output);
    assert.match(output, message);
  };
  /** The container's process, its start and its restarts: all three stay when it runs on. */
  const life = (): Promise<string> =>
    onHost("docker inspect counter --format '{{.State.Pid}} {{.State.StartedAt}} {{.RestartCount}}'");
  const runs = async (version: string): Promise<void> => {
    assert.match(await onHost("docker version --format '{{.Server.Version}}'"), new RegExp(`^${version}`));
    assert.equal(await onHost("docker ps --format '{{.Names}} {{.State}}'"), "counter running\n");
  };
  /** Every number once and in order, or the counter was not one process all the time. */
  const count = async (): Promise<number> => {
    const numbers = (await onHost("docker exec counter cat /count")).trim().split("\n").map(Number);
    assert.deepEqual(
      numbers,
      numbers.map((_, index) => index + 1),
    );
    return numbers.length;
  };

  test("an engine that uses nft for its rules is refused on a host without nft, before anything is changed", async () => {
    await onHost(
      "sudo sh -c 'mv /usr/sbin/nft /usr/sbin/nft.away && sysctl -qw net.ipv4.ip_forward=0'",
      "ops",
    );
    await setVersion(first, { "firewall-backend": "nftables" });
    await refused(/engines: E_HOST_TOOLS preflight\.commands: found: absent: nft; /);
    await refused(
      /engines: E_DAEMON_NEEDS preflight\.daemon: found: firewall-backend nftables: net\.ipv4\.ip_forward is 0; /,
    );
    await onHost("! getent group docker && ! test -e /var/lib/sealift && ! test -e .sealift", "ops");
    await onHost("sudo mv /usr/sbin/nft.away /usr/sbin/nft", "ops");
  });

  test("a host with the older engine, compose, and a container without a restart policy", async () => {
    await setVersion(old);
    await converges();
    await onHost("docker load", labUser, await imageArchive(site.lab.bundle));
    await onHost(
      `docker run -d --name counter ${site.lab.bundle.image} sh -c 'rm -f /count; i=0; while :; do i=$((i + 1)); echo $i >>/count; echo $i; sleep 1; done'`,
    );
    await runs(old);
    const { compose = "" } = site.lab.bundle.plugins;
    assert.match(await onHost("docker compose version --short"), new RegExp(`^${compose}`));
    assert.equal(await onHost("sudo cat /var/lib/sealift/image-store", "ops"), "classic\n");
    await converges("--expect-no-changes");
  });

  test("the next major version stops containers: announced before, done in order, and they run again", async () => {
    const before = await life();
    await setVersion(first);
    assert.match(
      await preview(),
      new RegExp(
        `engine\\.current: found: ${old}; expected: engine ${first} is the current version; impact: containers stop`,
      ),
    );
    await runs(old);
    await converges();
    await runs(first);
    assert.notEqual(await life(), before);
    assert.equal(await onHost("docker info --format '{{.Driver}}'"), "overlay2\n");
    await converges("--expect-no-changes");
  });

  test("a patch version changes under a container that keeps running", async () => {
    const [before, counted] = [await life(), await count()];
    await onHost(
      `docker network create --ipv6 --subnet fd00:5::/64 six && docker run -d --name web --network six -p 8080:80 ${site.lab.bundle.image} sleep 3600`,
    );
    await setVersion(second);
    assert.match(
      await preview(),
      new RegExp(`found: ${first}; expected: .*; impact: the daemon restarts, containers keep running`),
    );
    await converges();
    await converges("--expect-no-changes");
    await onHost("sudo ip6tables -t nat -F DOCKER", "ops");
    assert.match(
      await preview(),
      /daemon\.running: found: .* published ports: \[::\]:8080\/tcp of web; expected: .*; impact:/,
    );
    await onHost("docker rm -f web && docker network rm six");
    await runs(second);
    assert.equal(await life(), before);
    assert.ok((await count()) > counted);
    const last = Number((await onHost("docker logs --tail 1 counter")).trim());
    assert.ok(last > counted, "the daemon has the container's output again");
    await converges("--expect-no-changes");
  });

  test("back to the previous patch version, without sending anything", async () => {
    const before = await life();
    await setVersion(first);
    const output = await converges();
    assert.doesNotMatch(output, /CopyToRemote/);
    await runs(first);
    assert.equal(await life(), before);
    await count();
  });

  test("what upstream does not support for existing containers is refused by the probe", async () => {
    await setVersion(old);
    await refused(
      new RegExp(
        `engines: E_UPGRADE_PATH engine\\.current: found: downgrade from ${first} to ${old} is not supported while 1 containers exist .*; expected: engine ${old} is the current version; fix: stay on ${first} or later, or remove the containers`,
      ),
    );
    await setVersion(first, { "storage-driver": undefined });
    await refused(
      /engines: E_IMAGE_STORE engine\.store: found: the host holds images or containers of the classic store, .*; fix: set storage-driver: overlay2 under daemon in the site/,
    );
    await setVersion(first, { "data-root": "/data/other" });
    await refused(
      /engines: E_DATA_ROOT engine\.data-root: found: data-root was \/data\/docker, which holds images/,
    );
    await site.write((text) => Object.assign(text.engine, { version: first, compose: "0.0.1" }));
    await refused(
      /E_PLUGIN_NOT_IN_BUNDLE engines engine\.compose: found: 0\.0\.1 for linux\/\w+; expected: a compose of the bundle: [\d.]+ \(linux/,
    );
    await runs(first);
  });

  test("without containers the older engine may return, and has its images", async () => {
    await onHost("docker rm -f counter");
    await setVersion(old);
    await converges();
    assert.match(await onHost("docker version --format '{{.Server.Version}}'"), new RegExp(`^${old}`));
    assert.equal(await onHost(`docker run --rm ${site.lab.bundle.image} echo hello`), "hello\n");
  });
});
