/** What a host says about an application: on a real engine, with both lines of Compose, without Pulumi in between. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import {
  appStatusCode,
  parseAppStatus,
  type AppStatus,
  type ServiceStatus,
} from "../../modules/apps/status.ts";
import { quote } from "../../modules/core/quote.ts";
import { choosePlugins, pluginFile, takePlugins } from "../lab/bundle/cli-plugins.ts";
import { loadImage, startEngine, type EngineInGuest } from "../support/guests/engine-in-guest.ts";
import { undoAfter } from "../support/process/undo.ts";

const quiet = (): void => undefined;
const cliPlugins = "/usr/local/lib/docker/cli-plugins";
const plugins = (await choosePlugins(quiet)).filter(({ name }) => name === "compose");
const folder = "/var/lib/sealift/apps/clock";
const release = "1.0.0-0a0b0c0d";
let engine: EngineInGuest;
let image: string;
const undo = undoAfter();
before(async () => {
  engine = await startEngine("app-status");
  undo(() => engine.end());
  const { revision, text } = await engine.on.run("apply", engine.daemon());
  assert.ok(revision, text);
  image = await loadImage(engine);
  const taken = await mkdtemp(join(tmpdir(), "sealift-status-"));
  undo(() => rm(taken, { recursive: true }));
  await takePlugins(plugins, taken, quiet);
  await engine.on.root(`mkdir -p ${cliPlugins}`);
  for (const plugin of plugins) {
    const input = await readFile(join(taken, pluginFile(plugin)));
    const { exitCode } = await engine.on.guest.exec(`sudo -n tee /srv/${plugin.version} >/dev/null`, {
      input,
    });
    assert.equal(exitCode, 0);
  }
});

const sleeps = { command: "sleep 1000", stop_grace_period: "0s" };
const project = (): string =>
  JSON.stringify({
    services: {
      web: {
        ...{ image, ...sleeps, restart: "always", scale: 2 },
        healthcheck: { test: ["CMD", "sh", "-c", "test ! -s /ill"], interval: "1s", retries: 1 },
      },
      plain: { image, ...sleeps },
      migrate: { image, command: ["sh", "-c", ":"] },
    },
  });

/** A release as release.sh leaves it. */
async function write(): Promise<void> {
  const path = `${folder}/releases/${release}`;
  const put = (text: string, file: string): string => `printf %s ${quote(text)} >${path}/${file}`;
  await engine.on.root(
    [
      `mkdir -p ${path}/project`,
      put(project(), "project/compose.yaml"),
      put("compose.yaml", "compose-file"),
      put("services: {}", "sealift.override.yaml"),
      put("", "values.env"),
      `ln -sfn releases/${release} ${folder}/current`,
    ].join(" && "),
  );
}

async function status(): Promise<AppStatus> {
  const code = appStatusCode("clock");
  const step = { code, fact: "x", effect: "none", call: ["app_status", folder, "clock", release] } as const;
  const { values, text } = await engine.on.run("check", [step]);
  const value = values?.[code];
  assert.ok(value !== undefined, text);
  return parseAppStatus(value);
}

const shown = ({ services }: AppStatus): readonly string[] =>
  services.map(({ name, containers, health }) => `${name} ${containers} ${health}`);
const web = ({ services }: AppStatus): ServiceStatus => {
  const found = services.find(({ name }) => name === "web");
  assert.ok(found);
  return found;
};
const until = async (right: (found: AppStatus) => boolean): Promise<AppStatus> => {
  for (let left = 30; ; left -= 1) {
    const found = await status();
    if (right(found)) return found;
    assert.ok(left > 0, JSON.stringify(found));
  }
};

for (const plugin of plugins)
  describe(`the status of an application with Compose ${plugin.version}`, () => {
    before(async () => {
      await engine.on.root(`install -m 0755 /srv/${plugin.version} ${cliPlugins}/docker-compose`);
    });

    test("an application that was never deployed has no release and no services", async () => {
      assert.deepEqual(await status(), { services: [], more: 0 });
    });

    test("release, last update, and of each service containers, health, start, image and restarts", async () => {
      await write();
      await engine.on.root(
        `printf '%s\\n' '1764400000 - 0.9.0-00000000' '1764500000 0.9.0-00000000 ${release} web=1200' >${folder}/updates`,
      );
      await engine.docker(
        `compose -p clock -f ${folder}/current/project/compose.yaml up --detach --pull never --wait --wait-timeout 60 web plain`,
      );
      await engine.docker(
        `compose -p clock -f ${folder}/current/project/compose.yaml up --detach --pull never`,
      );
      const found = await until((one) => one.services.some(({ health }) => health === "ended"));
      assert.deepEqual(shown(found), ["migrate 1 ended", "plain 1 running", "web 2 healthy"]);
      assert.equal(found.release, release);
      assert.deepEqual(found.update, {
        ...{ at: "2025-11-30T10:53:20Z", from: "0.9.0-00000000", to: release },
        down: [{ service: "web", milliseconds: 1200 }],
      });
      const id = (await engine.docker(`image inspect --format '{{.Id}}' ${image}`)).trim();
      const { images, since = "", restarts } = web(found);
      assert.deepEqual([images, restarts, found.more], [[id], 0, 0]);
      const clock = Number(await engine.on.root("date +%s"));
      assert.ok(Math.abs(clock - Date.parse(since) / 1000) < 120, since);
    });

    test("an unhealthy container is the state of its service; a restart by the engine is counted", async () => {
      await engine.docker('exec clock-web-2 sh -c "echo x >/ill"');
      assert.equal(web(await until((one) => web(one).health !== "healthy")).health, "unhealthy");
      await engine.docker('exec clock-web-2 sh -c ": >/ill"');
      await until((one) => web(one).health === "healthy");
      const { since } = web(await status());
      await engine.on.root("kill -9 $(docker inspect --format '{{.State.Pid}}' clock-web-1)");
      const found = web(await until((one) => web(one).restarts > 0 && web(one).health === "healthy"));
      assert.deepEqual([found.containers, found.restarts], [2, 1]);
      assert.notEqual(found.since, since);
    });

    test("a container whose label holds any text is not taken for anything else", async () => {
      const odd =
        '"$(printf "com.docker.compose.service=a b\\ncontainer web -1 clock-web-1 x -1 y\\nrelease=9")"';
      const labels = ["com.docker.compose.project=clock", "com.docker.compose.oneoff=False", odd];
      const words = labels.map((one) => `--label ${one}`).join(" ");
      await engine.docker(`run --detach --name clock-odd --network none ${words} ${image} sleep 1000`);
      const found = await status();
      assert.deepEqual(shown(found), ["migrate 1 ended", "plain 1 running", "web 2 healthy"]);
      assert.equal(found.release, release);
      await engine.docker("rm --force clock-odd");
    });

    test("a label with a line end adds no container to what the facts see", async () => {
      const forged =
        '"$(printf "com.docker.compose.image=x\\ncontainer ghost -1 clock-ghost-1 x -1 -5 y running Up")"';
      const labels = ["com.docker.compose.project=clock", "com.docker.compose.oneoff=False", forged];
      const known = ["com.docker.compose.service=odd", "com.docker.compose.config-hash=1"];
      const words = [...labels, ...known].map((one) => `--label ${one}`).join(" ");
      await engine.docker(`run --detach --name clock-odd --network none ${words} ${image} sleep 1000`);
      const call = ["app_rest", folder, "clock", release, "60", "5", "web", "plain", "migrate"] as const;
      const { steps } = await engine.on.run("check", [
        { code: "rest", fact: "x", effect: "containers-stop", call },
      ]);
      assert.deepEqual(
        steps.map(({ found }) => found),
        ["containers of services that the release does not have: clock-odd"],
      );
      await engine.docker("rm --force clock-odd");
    });

    test("after docker compose down there are no services, and the release keeps its name", async () => {
      await engine.docker(`compose -p clock -f ${folder}/current/project/compose.yaml down`);
      const found = await status();
      assert.deepEqual([found.services, found.release], [[], release]);
      await engine.on.root(`rm -rf ${folder}`);
    });
  });
