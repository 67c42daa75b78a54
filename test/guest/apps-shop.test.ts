/** The example application by hand, with both lines of Compose, on a real engine: what everything about applications stands on. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { before, describe, test } from "node:test";
import { releaseOf } from "../../modules/apps/release.ts";
import type { ComposeProject } from "../../modules/core/host/compose-project.ts";
import { choosePlugins, pluginFile, takePlugins } from "../lab/bundle/cli-plugins.ts";
import { appImages } from "../lab/images/app-images.ts";
import { writeLayoutArchive } from "../lab/images/layout-archive.ts";
import { shopServices, writeLabApps } from "../lab/images/lab-apps.ts";
import type { ExecResult } from "../lab/ssh.ts";
import { exampleAppSpec } from "../support/fixtures/example-app.ts";
import { startEngine, type EngineInGuest } from "../support/guests/engine-in-guest.ts";
import { runProcess } from "../support/process/run-process.ts";
import { undoAfter } from "../support/process/undo.ts";

const quiet = (): void => undefined;
const cliPlugins = "/usr/local/lib/docker/cli-plugins";
const plugins = (await choosePlugins(quiet)).filter(({ name }) => name === "compose");
let engine: EngineInGuest;
const undo = undoAfter();
before(async () => {
  const folder = await mkdtemp(join(tmpdir(), "sealift-shop-"));
  undo(() => rm(folder, { recursive: true }));
  engine = await startEngine("apps-shop");
  undo(() => engine.end());
  const { revision, text } = await engine.on.run("apply", engine.daemon());
  assert.ok(revision, text);
  await engine.on.root(`mkdir -p ${cliPlugins} /srv/apps`);
  await takePlugins(plugins, folder, quiet);
  for (const plugin of plugins) await send(join(folder, pluginFile(plugin)), `cat >/srv/${plugin.version}`);
  await writeLayoutArchive(await appImages(), join(folder, "images.tar"));
  await send(join(folder, "images.tar"), "docker load");
  await writeLabApps(join(folder, "apps"));
  const packed = join(folder, "apps.tar");
  const { exitCode, stderr } = await runProcess("tar", ["-cf", packed, "-C", join(folder, "apps"), "."]);
  assert.equal(exitCode, 0, stderr);
  await send(packed, "tar -xC /srv/apps");
  await engine.on.root(
    'for each in /srv/apps/*/*; do mkdir $each/secrets; echo "it\'s a secret" | tee $each/secrets/db_password >$each/secrets/root_password; done',
  );
});

async function send(file: string, command: string): Promise<void> {
  const input = await readFile(file);
  const { exitCode, stderr } = await engine.on.guest.exec(`sudo -n sh -c '${command}'`, { input });
  assert.equal(exitCode, 0, `${command}: ${stderr}`);
}

/** `docker compose` in the folder of a version of the shop, as a person types it. */
function compose(version: string, words: string, app = "shop"): Promise<ExecResult> {
  const variables = "SHOP_GREETING=Hello";
  return engine.on.guest.exec(
    `sudo -n sh -c 'cd /srv/apps/${app}/${version} && ${variables} docker compose ${words}'`,
  );
}

const up = (version: string, seconds: number): Promise<ExecResult> =>
  compose(version, `up --detach --no-build --pull never --wait --wait-timeout ${seconds}`);

async function runs(version: string): Promise<void> {
  const { exitCode, stderr } = await up(version, 120);
  assert.equal(exitCode, 0, stderr);
  const services = (await engine.docker(`ps --format '{{.Names}} {{.Status}}'`)).trim().split("\n");
  assert.equal(
    services.filter((line) => line.endsWith("(healthy)")).length,
    shopServices.length,
    services.join(),
  );
  assert.equal(await engine.on.root("curl -fsS http://127.0.0.1:8080/version"), `${version}\n`);
}

const visit = (): Promise<string> =>
  engine.on.root("curl -fsS --retry 30 --retry-delay 1 --retry-all-errors http://127.0.0.1:8080/");

for (const plugin of plugins)
  describe(`the shop with Compose ${plugin.version}`, () => {
    before(async () => {
      await engine.on.root(`install -m 0755 /srv/${plugin.version} ${cliPlugins}/docker-compose`);
      assert.match(await engine.docker("compose version --short"), new RegExp(`^v?${plugin.version}`));
    });

    test("all services are healthy, and visitors are counted", async () => {
      await runs("1.0.0");
      assert.equal(await visit(), "The shop: Hello, visitor 1\n");
      assert.equal(await visit(), "The shop: Hello, visitor 2\n");
    });

    test("after a restart of the engine it goes on counting", async () => {
      await engine.on.root("systemctl restart docker");
      assert.equal(await visit(), "The shop: Hello, visitor 3\n");
    });

    test("the next version has the data and shows what has changed", async () => {
      await runs("1.1.0");
      assert.match(await visit(), /^The corner shop: Hello, visitor 4\n[34] of all visitors are served\n$/);
    });

    test("a version that never becomes healthy ends with an error, and its log says why", async () => {
      const { exitCode, stderr } = await up("1.2.0", 120);
      assert.notEqual(exitCode, 0);
      assert.match(stderr, /container shop-web-1 is unhealthy/);
      assert.match((await compose("1.2.0", "logs web")).stdout, /not ready: the price list has no price/);
    });

    test("a version that dies is healthy at first, and is started again and again", async () => {
      await runs("1.3.0");
      await sleep(25_000);
      assert.match(
        (await compose("1.3.0", "logs web")).stdout,
        /the price list of this release cannot be read/,
      );
      assert.notEqual(await engine.docker("inspect shop-web-1 --format '{{.RestartCount}}'"), "0\n");
    });

    test("the good version returns, and down leaves the data", async () => {
      await runs("1.0.0");
      assert.equal((await compose("1.0.0", "down")).exitCode, 0);
      assert.equal(await engine.docker("volume ls --quiet"), "shop_database\n");
      await runs("1.0.0");
      assert.equal(await visit(), "The shop: Hello, visitor 5\n");
    });

    test("the engine starts no stopped container of a release at boot: always and any become unless-stopped", async () => {
      const image = "docker.io/library/postgres:17";
      const script = "trap 'exit 3' TERM; sleep 1000 & wait";
      const plain = {
        ...{ image, entrypoint: ["sh", "-c", script], stop_grace_period: "5s" },
        // Instead of the volume of the image.
        tmpfs: ["/var/lib/postgresql/data"],
      };
      const services: Readonly<Record<string, object>> = {
        always: { ...plain, restart: "always" },
        any: { ...plain, deploy: { restart_policy: { condition: "any" } } },
        failure: { ...plain, restart: "on-failure" },
      };
      const project: ComposeProject = {
        file: "compose.yaml",
        services: (["always", "any"] as const).map((name) => ({
          ...{ name, image, config: "0".repeat(16), restart: name },
        })),
      };
      const archive = { version: "1", sha256: "0".repeat(64), bytes: 1, path: "", members: [] };
      const { override } = releaseOf(
        { ...exampleAppSpec, name: "policy" },
        { name: "policy", archive, images: [], project },
        "/srv/apps/policy",
      );
      await engine.on.root("mkdir -p /srv/apps/policy/1");
      for (const [name, text] of [
        ["compose.yaml", JSON.stringify({ services })],
        ["override.yaml", override],
      ] as const)
        await engine.on.guest.exec(`sudo -n tee /srv/apps/policy/1/${name}`, { input: Buffer.from(text) });
      for (const [files, expected] of [
        ["-f compose.yaml", "policy-always-1 policy-any-1 policy-failure-1"],
        // What ends with another code than 0 when it is stopped: the unit of the application waits for that at boot.
        ["-f compose.yaml -f override.yaml", "policy-failure-1"],
      ] as const) {
        for (const words of ["up --detach --pull never --wait", "stop"]) {
          const { exitCode, stderr } = await compose("1", `${files} -p policy ${words}`, "policy");
          assert.equal(exitCode, 0, stderr);
        }
        await engine.on.root("systemctl restart docker");
        const running = await engine.docker(
          "ps --filter label=com.docker.compose.project=policy --format {{.Names}}",
        );
        assert.equal(running.trim().split("\n").toSorted().join(" "), expected, files);
      }
      assert.equal((await compose("1", "-p policy down --volumes", "policy")).exitCode, 0);
    });

    test("another application runs beside it, and its database has the password of the file", async () => {
      const words = "up --detach --no-build --pull never --wait --wait-timeout 120";
      const { exitCode, stderr } = await compose("1.0.0", words, "ledger");
      assert.equal(exitCode, 0, stderr);
      assert.equal(await engine.on.root("curl -fsS http://127.0.0.1:8090/"), "The ledger\n");
      const client = 'mariadb -h 127.0.0.1 -uroot "-p$(cat /run/secrets/root_password)" -e "SHOW DATABASES"';
      const asked = await engine.docker(`exec ledger-database-1 sh -c '${client}'`);
      assert.match(asked, /^ledger$/m);
      assert.match(await visit(), /visitor 6/);
      for (const app of ["shop", "ledger"])
        assert.equal((await compose("1.0.0", "down --volumes", app)).exitCode, 0);
    });
  });
