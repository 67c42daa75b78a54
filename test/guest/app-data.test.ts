/**
 * A folder in place of a volume, and what happens before a release takes the place of another one: on a real engine, with both lines of
 * Compose, without Pulumi in between.
 */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { releaseOf } from "../../modules/apps/release.ts";
import type { HostApp } from "../../modules/core/host/blob.ts";
import type { StepReport } from "../../modules/core/host/report.ts";
import type { Step } from "../../modules/core/host/step.ts";
import type { AppSpec } from "../../modules/core/site/site-spec.ts";
import { quote } from "../../modules/core/quote.ts";
import { choosePlugins, pluginFile, takePlugins } from "../lab/bundle/cli-plugins.ts";
import { exampleApp, exampleAppSpec } from "../support/fixtures/example-app.ts";
import { loadImage, startEngine, type EngineInGuest } from "../support/guests/engine-in-guest.ts";
import { undoAfter } from "../support/process/undo.ts";

const quiet = (): void => undefined;
const cliPlugins = "/usr/local/lib/docker/cli-plugins";
const plugins = (await choosePlugins(quiet)).filter(({ name }) => name === "compose");
let engine: EngineInGuest;
let image: string;
const undo = undoAfter();
before(async () => {
  engine = await startEngine("app-data");
  undo(() => engine.end());
  const { revision, text } = await engine.on.run("apply", engine.daemon());
  assert.ok(revision, text);
  image = await loadImage(engine);
  const taken = await mkdtemp(join(tmpdir(), "sealift-app-data-"));
  undo(() => rm(taken, { recursive: true }));
  await takePlugins(plugins, taken, quiet);
  await engine.on.root(`mkdir -p ${cliPlugins} /mnt/data && mount -t tmpfs -o mode=0755 none /mnt/data`);
  for (const plugin of plugins) {
    const input = await readFile(join(taken, pluginFile(plugin)));
    const { exitCode } = await engine.on.guest.exec(`sudo -n tee /srv/${plugin.version} >/dev/null`, {
      input,
    });
    assert.equal(exitCode, 0);
  }
});

const compose = (): string =>
  JSON.stringify({
    services: {
      db: {
        ...{ image, command: "sleep 1000", stop_grace_period: "0s", volumes: ["state:/state"] },
        healthcheck: { test: ["CMD", "sh", "-c", ":"], interval: "1s" },
      },
      reader: { image, command: "sleep 1000", stop_grace_period: "0s", volumes: ["state:/read:ro"] },
      apart: { image, command: "sleep 1000", stop_grace_period: "0s" },
      web: {
        ...{ image, command: "sleep 1000", stop_grace_period: "0s" },
        depends_on: { db: { condition: "service_healthy" } },
      },
    },
    volumes: { state: null },
  });

function appOf(): HostApp {
  const service = { image, config: "c1".repeat(8) };
  const [first] = exampleApp.images;
  assert.ok(first);
  return {
    ...exampleApp,
    images: [{ ...first, name: image }],
    project: {
      file: "compose.yaml",
      services: [
        { ...service, name: "apart", mounts: [] },
        { ...service, name: "db", mounts: [{ target: "/state", volume: "state" }] },
        { ...service, name: "reader", mounts: [{ target: "/read", volume: "state", readOnly: true }] },
        { ...service, name: "web", mounts: [] },
      ],
    },
  };
}

for (const plugin of plugins)
  describe(`a folder in place of a volume with Compose ${plugin.version}`, () => {
    const name = `shop${plugin.version.replaceAll(/\D/g, "").slice(0, 3)}`;
    const folder = `/var/lib/sealift/apps/${name}`;
    const path = `/mnt/data/${name}/db`;
    const data = { db: { path, owner: "7:8" } };
    before(async () => {
      await engine.on.root(`install -m 0755 /srv/${plugin.version} ${cliPlugins}/docker-compose`);
    });

    /** Lays the release out as release.sh leaves it. */
    async function write(more: Partial<AppSpec>): Promise<string> {
      const { id, override } = releaseOf({ ...exampleAppSpec, values: {}, ...more }, appOf(), folder);
      const release = `${folder}/releases/${id}`;
      const put = (text: string, file: string): string => `printf %s ${quote(text)} >${release}/${file}`;
      await engine.on.root(
        [
          `mkdir -p ${release}/project`,
          ...[put(compose(), "project/compose.yaml"), put("compose.yaml", "compose-file")],
          ...[put(override, "sealift.override.yaml"), put("", "values.env")],
        ].join(" && "),
      );
      return id;
    }

    /** Starts it as project.sh does, and makes it the current one. */
    async function up(id: string, project = name): Promise<void> {
      const release = `${folder}/releases/${id}`;
      const files = `-f ${release}/project/compose.yaml -f ${release}/sealift.override.yaml`;
      const { stderr, exitCode } = await engine.on.guest.exec(
        `sudo -n docker compose -p ${project} ${files} up --detach --no-build --pull never --remove-orphans --wait`,
      );
      assert.equal(exitCode, 0, stderr);
      await engine.on.root(`ln -sfn releases/${id} ${folder}/current`);
    }

    const step = (call: Step["call"]): Step => ({ code: "apps.x.y", fact: "x", effect: "none", call });
    const args = [folder, name, "db", path, "/mnt/data", data.db.owner, "/state", "state"] as const;
    async function found(mode: "check" | "apply", call: Step["call"]): Promise<StepReport> {
      const { steps, text } = await engine.on.run(mode, [step(call)]);
      const [one] = steps;
      assert.ok(one, text);
      return one;
    }
    const ids = async (): Promise<ReadonlyMap<string, string>> => {
      const format = `--format '{{.Label "com.docker.compose.service"}} {{.ID}}' --filter label=com.docker.compose.project=${name}`;
      const lines = (await engine.docker(`ps --all ${format}`)).trim().split("\n");
      return new Map(lines.map((line) => line.split(" ") as [string, string]));
    };
    const read = (service: string, file: string): Promise<string> =>
      engine.docker(`exec ${name}-${service}-1 cat ${file}`);

    test("a volume with data is never replaced by an empty folder; the commands of the refusal move it", async () => {
      await up(await write({}));
      await engine.docker(`exec ${name}-db-1 sh -c 'echo visitors >/state/table'`);
      const before = await ids();
      const now = await write({ data });
      for (const mode of ["check", "apply"] as const) {
        const { status, found: why } = await found(mode, ["app_data", ...args]);
        assert.equal(status, mode === "check" ? "refused" : "failed", why);
        assert.match(
          why,
          /^E_DATA_MOVED \S+-db-1 has its data in \S+_state\/_data, and \S+ is empty; fix: as root: /,
        );
      }
      assert.equal(await read("db", "/state/table"), "visitors\n");
      const { found: why } = await found("check", ["app_data", ...args]);
      const [, commands = ""] = /fix: as root: (.*), then pulumi up$/.exec(why) ?? [];
      await engine.on.root(commands);
      assert.equal((await found("check", ["app_data", ...args])).found, `${path} belongs to 0:0`);
      assert.equal((await found("apply", ["app_data", ...args])).status, "changed");
      // The database is stopped, and others depend on it.
      const volumes = await found("check", ["app_volumes", folder, name, now]);
      assert.equal(volumes.status, "ok", volumes.found);
      await up(now);
      assert.equal(await read("db", "/state/table"), "visitors\n");
      assert.equal(await read("reader", "/read/table"), "visitors\n");
      assert.equal(await engine.on.root(`stat -c %u:%g ${path}`), "7:8\n");
      const after = await ids();
      // Compose 2.26 replaces what depends on a replaced service as well.
      assert.equal(after.get("apart"), before.get("apart"));
      assert.notEqual(after.get("db"), before.get("db"));
      assert.notEqual(after.get("reader"), before.get("reader"));
      assert.equal((await found("check", ["app_data", ...args])).status, "ok");
    });

    test("an old copy is not taken while its container writes elsewhere", async () => {
      await engine.on.root(`mkdir -p ${path}.other && touch ${path}.other/table`);
      const moved = args.map((one) => (one === path ? `${path}.other` : one));
      assert.match(
        (await found("check", ["app_data", ...moved])).found,
        /^E_DATA_MOVED \S+ is running and writes to \/mnt\/data\/\S+\/db: the copy in \S+ is older; fix: as root: docker stop /,
      );
    });

    test("a removed data: does not start the service on an empty volume", async () => {
      const back = await write({});
      const call = ["app_volumes", folder, name, back, "db"] as const;
      const { status, found: why } = await found("check", call);
      assert.equal(status, "refused", why);
      assert.match(
        why,
        /^E_DATA_MOVED the data of db is in \/mnt\/data\/\S+\/db, and data: of the site no longer names it; /,
      );
      await engine.on.root(`mv ${path} ${path}.aside`);
      assert.equal((await found("check", call)).status, "ok");
      // Its container has the folder still.
      assert.match(
        (await found("check", ["app_data", ...args])).found,
        /^E_DATA_MOVED \S+\/db, with the data of \S+-db-1, is gone; fix: /,
      );
      await engine.on.root(`mv ${path}.aside ${path}`);
    });

    test("where nothing uses the named volume, it is not created; a folder that is not there is not made by the engine", async () => {
      const fresh = `${name}fresh`;
      const id = await write({ data: { db: { path: `${path}.fresh` } } });
      await assert.rejects(up(id, fresh), /bind source path does not exist/);
      await engine.on.root(`mkdir ${path}.fresh`);
      await up(id, fresh);
      assert.doesNotMatch(await engine.docker("volume ls --quiet"), new RegExp(`^${fresh}_`, "m"));
      for (const project of [name, fresh])
        await engine.docker(
          `rm --force $(docker ps -aq --filter label=com.docker.compose.project=${project})`,
        );
    });

    test("a link in place of the folder, and a parent that others can change, are refused", async () => {
      await engine.on.root(`ln -s /etc ${path}.link && mkdir -p /mnt/data/open && chmod 0777 /mnt/data/open`);
      const at = (place: string): Step["call"] => [
        "app_data",
        ...args.map((one) => (one === path ? place : one)),
      ];
      assert.match((await found("check", at(`${path}.link`))).found, /^E_APP_FOLDER \S+ is not a folder; /);
      assert.match(
        (await found("check", at("/mnt/data/open/db"))).found,
        /^E_APP_FOLDER \/mnt\/data\/open is writable by others/,
      );
      assert.match(
        (await found("check", ["app_data", ...args.map((one) => (one === "/mnt/data" ? "/mnt/none" : one))]))
          .found,
        /^nothing is mounted on \/mnt\/none/,
      );
    });
  });

for (const plugin of plugins)
  describe(`before an update with Compose ${plugin.version}`, () => {
    const name = `ledger${plugin.version.replaceAll(/\D/g, "").slice(0, 3)}`;
    const folder = `/var/lib/sealift/apps/${name}`;
    const [old, next] = ["1.0-00000001", "1.1-00000002"];
    const once = `${name}-migrate-before-00000002`;
    const state = `/srv/${name}`;
    const unit = `sealift-backup-${name}.service`;
    let web = "";
    before(async () => {
      await engine.on.root(`install -m 0755 /srv/${plugin.version} ${cliPlugins}/docker-compose`);
      await engine.on.root(`mkdir -p ${state} /run/sealift/secrets/${name}`);
      await engine.on.root(`printf hunter2-PLAIN >/run/sealift/secrets/${name}/p.00000000`);
      for (const id of [old, next]) await write(id, "exit 0");
    });

    /** A release whose migration is this script. It depends on a service that another release defines differently. */
    async function write(id: string, script: string): Promise<void> {
      const release = `${folder}/releases/${id}`;
      const service = { image, stop_grace_period: "0s" };
      const migrate = {
        ...{ ...service, command: ["sh", "-c", script], volumes: [`${state}:/state`] },
        depends_on: ["db"],
      };
      const db = { ...service, command: "sleep 1000", labels: { release: id } };
      const web = {
        ...{ ...service, command: "sleep 1000" },
        depends_on: { migrate: { condition: "service_completed_successfully" } },
      };
      const text = JSON.stringify({ services: { db, migrate, web } });
      const put = (content: string, file: string): string =>
        `printf %s ${quote(content)} >${release}/${file}`;
      await engine.on.root(
        [
          `mkdir -p ${release}/project`,
          ...[put(text, "project/compose.yaml"), put("compose.yaml", "compose-file")],
          ...[put('{"services": {}}', "sealift.override.yaml"), put("", "values.env"), put(image, "images")],
        ].join(" && "),
      );
    }

    async function app(
      mode: "check" | "apply",
      words: readonly string[],
    ): Promise<StepReport & { text: string }> {
      const [backup = "", run = "", seconds = "30"] = words;
      const call = ["app_before", folder, name, next, backup, run, seconds] as const;
      const { steps, text } = await engine.on.run(mode, [
        { code: "apps.x.before", fact: "x", effect: "none", call },
      ]);
      const [one] = steps;
      assert.ok(one, text);
      return { ...one, text };
    }
    const migrations = (): Promise<string> => engine.on.root(`cat ${state}/log 2>/dev/null || true`);
    /** Nothing that runs was touched, and nothing is left. */
    async function asBefore(): Promise<void> {
      assert.equal(await containers("oneoff=False"), web);
      assert.equal(await containers("oneoff=True"), "");
    }
    const containers = (label: string): Promise<string> =>
      engine.docker(
        `ps --quiet --filter label=com.docker.compose.project=${name} --filter label=com.docker.compose.${label}`,
      );

    test("a first start replaces nothing", async () => {
      assert.equal((await app("check", ["backup", "migrate"])).status, "ok");
      const release = `${folder}/releases/${old}`;
      await engine
        .docker(
          `compose -p ${name} -f ${release}/project/compose.yaml up --detach --no-build --pull never --wait db web`,
        )
        .catch(() => undefined);
      await engine.on.root(`ln -sfn releases/${old} ${folder}/current`);
      web = await containers("oneoff=False");
      assert.equal(web.trim().split("\n").length, 2);
      const { status, found } = await app("check", ["", "migrate"]);
      assert.equal(`${status} ${found}`, `drift release ${old} is the current one`);
    });

    test("a backup that is not set up, or fails, ends the update with its reason, and nothing else has happened", async () => {
      await write(next, "echo ran >>/state/log");
      assert.match(
        (await app("apply", ["backup", "migrate"])).found,
        new RegExp(
          `^E_BACKUP no backup of ${name} could be made: ${unit} is not on the host yet; release ${old} runs as before; fix: `,
        ),
      );
      const failed = `/var/lib/sealift/backup/${name}/failed`;
      const reason = `backup of ${name}: the dump of db ended with 3: no; fix: correct it`;
      await engine.on.root(
        `mkdir -p /var/lib/sealift/backup/${name} && echo 1 8 ${quote(reason)} >${failed}`,
      );
      const service = (command: string): string =>
        `printf "%s\\n" [Service] Type=oneshot ${quote(`ExecStart=/bin/sh -c "${command}"`)} >/etc/systemd/system/${unit} && systemctl daemon-reload`;
      await engine.on.root(service("exit 8"));
      const { found } = await app("apply", ["backup", "migrate"]);
      assert.equal(
        found,
        `E_BACKUP backup of ${name}: the dump of db ended with 3: no; release ${old} runs as before; fix: correct it`,
      );
      assert.equal(await migrations(), "");
      await asBefore();
      await engine.on.root(service(`echo backup >>${state}/log`));
    });

    test("a one-shot that fails ends the update with its log; the release before goes on", async () => {
      await write(next, "echo connects with hunter2-PLAIN; echo no such table >&2; exit 3");
      const { status, found, text } = await app("apply", ["", "migrate"]);
      assert.equal(status, "failed");
      assert.match(
        found,
        new RegExp(
          `^E_APP_UPDATE migrate of release ${next} has ended with 3: .*; release ${old} runs as before; fix: `,
        ),
      );
      assert.match(text, new RegExp(`${once}: log: connects with \\*\\*\\*`));
      assert.match(text, new RegExp(`${once}: log: no such table`));
      await asBefore();
    });

    test("one that an interruption has left running is waited for, and never runs twice at a time", async () => {
      await write(next, "sleep 12; echo ran >>/state/log");
      const { found } = await app("apply", ["", "migrate", "1"]);
      assert.match(found, /^E_APP_UPDATE migrate of release \S+ has not ended within 1 s, and runs on; /);
      assert.equal(await migrations(), "");
      assert.equal((await app("apply", ["", "migrate"])).status, "changed");
      assert.equal(await migrations(), "ran\n");
      await asBefore();
    });

    test("what was done is not done again; without its record it is, after a backup", async () => {
      assert.equal((await app("apply", ["backup", "migrate"])).status, "ok");
      assert.equal(await migrations(), "ran\n");
      await engine.on.root(`rm ${folder}/releases/${next}/before`);
      await write(next, "echo again >>/state/log");
      assert.equal((await app("apply", ["backup", "migrate"])).status, "changed");
      assert.equal(await migrations(), "ran\nbackup\nagain\n");
      await engine.on.root(`rm ${folder}/releases/${next}/before && touch ${folder}/releases/${next}/ran`);
      assert.equal((await app("check", ["backup", "migrate"])).status, "ok");
      await engine.docker(`rm --force $(docker ps -aq --filter label=com.docker.compose.project=${name})`);
    });
  });
