import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { imageArchive } from "../lab/hello.ts";
import { labUser } from "../lab/stack.ts";
import { siteMachine, startSite, type SiteUnderTest } from "../support/site-under-test.ts";
import { undoAfter } from "../support/undo.ts";

/** One host with the classic image store and a container that counts, through every switch that a person could ask for. */
describe("from one engine to the next, and back", () => {
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
  const asked = (version: string, daemon: Record<string, unknown> = {}): Promise<void> =>
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

  test("a host with the older engine, compose, and a container without a restart policy", async () => {
    await asked(old);
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

  test("the next major version stops containers: said before, done in order, and they run again", async () => {
    const before = await life();
    await asked(first);
    assert.match(
      await preview(),
      new RegExp(
        `engine\\.current: wanted engine ${first} is the one that runs; found ${old}; effect containers stop`,
      ),
    );
    await runs(old);
    await converges();
    await runs(first);
    assert.notEqual(await life(), before);
    assert.equal(await onHost("docker info --format '{{.Driver}}'"), "overlay2\n");
    await converges("--expect-no-changes");
  });

  test("a patch version changes under a container that counts on", async () => {
    const [before, counted] = [await life(), await count()];
    await asked(second);
    assert.match(
      await preview(),
      new RegExp(`found ${first}; effect the daemon restarts, containers run on`),
    );
    await converges();
    await runs(second);
    assert.equal(await life(), before);
    assert.ok((await count()) > counted);
    const last = Number((await onHost("docker logs --tail 1 counter")).trim());
    assert.ok(last > counted, "the daemon has the container's output again");
    await converges("--expect-no-changes");
  });

  test("back to the patch version before, without anything being sent", async () => {
    const before = await life();
    await asked(first);
    const output = await converges();
    assert.doesNotMatch(output, /CopyToRemote/);
    await runs(first);
    assert.equal(await life(), before);
    await count();
  });

  test("what upstream does not carry containers through is refused by looking", async () => {
    await asked(old);
    await refused(
      new RegExp(
        `engines: E_ENGINE_JUMP engine\\.current: got engine ${first} has run here with 1 containers, .* ${old} is older: .*; expected engine ${old} is the one that runs; stay with ${first} or a later one, or remove the containers`,
      ),
    );
    await asked(first, { "storage-driver": undefined });
    await refused(
      /engines: E_IMAGE_STORE engine\.store: got the host holds images or containers of the classic store, .*; write storage-driver: overlay2 into daemon of the site/,
    );
    await asked(first, { "data-root": "/data/other" });
    await refused(/engines: E_DATA_ROOT engine\.data-root: got data-root was \/data\/docker, and images/);
    await site.write((text) => Object.assign(text.engine, { version: first, compose: "0.0.1" }));
    await refused(
      /E_PLUGIN_NOT_IN_BUNDLE engines engine\.compose: got 0\.0\.1 for linux\/\w+; expected a compose of the bundle: [\d.]+ \(linux/,
    );
    await runs(first);
  });

  test("without containers the older engine may come back, and has its images", async () => {
    await onHost("docker rm -f counter");
    await asked(old);
    await converges();
    assert.match(await onHost("docker version --format '{{.Server.Version}}'"), new RegExp(`^${old}`));
    assert.equal(await onHost(`docker run --rm ${site.lab.bundle.image} echo hello`), "hello\n");
  });
});
