/** An application with PostgreSQL and Redis in a guest that has an engine, and a repository of restic beside it, made by hand. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { choosePlugins, pluginFile, takePlugins } from "../../lab/bundle/cli-plugins.ts";
import { appImages } from "../../lab/images/app-images.ts";
import { writeLayoutArchive } from "../../lab/images/layout-archive.ts";
import { useTools } from "../../lab/tools/ensure-tools.ts";
import { runProcess } from "../process/run-process.ts";
import { startEngine, type EngineInGuest } from "./engine-in-guest.ts";

/** Path of restic in the guest, of the repository, and of the folder of the application. */
export const restic = "/opt/sealift/restic/0.19.1/restic";
export const repository = "/srv/restic/node-a";
export const notes = "/svc/apps/notes";
export const release = "1.0.0-0123abcd";

const quiet = (): void => undefined;

/** Each service has its state in a folder; the password of the database is a secret. */
const notesCompose = `
name: notes
services:
  database:
    image: docker.io/library/postgres:17
    restart: unless-stopped
    environment: { POSTGRES_USER: notes, POSTGRES_PASSWORD: hunter2hunter2 }
    ports: ["127.0.0.1:5432:5432"]
    volumes: [{ type: bind, source: "\${DATA:-/data}/notes-database", target: /var/lib/postgresql/data, bind: { create_host_path: false } }]
    healthcheck: { test: [CMD, pg_isready, -q, -h, 127.0.0.1, -U, notes], interval: 30s, timeout: 3s, retries: 5, start_period: 60s, start_interval: 1s }
  cache:
    image: docker.io/library/redis:8.0
    restart: unless-stopped
    volumes: [{ type: bind, source: "\${DATA:-/data}/notes-cache", target: /data, bind: { create_host_path: false } }]
    depends_on: { database: { condition: service_healthy } }
    healthcheck: { test: [CMD, redis-cli, ping], interval: 30s, timeout: 3s, retries: 3, start_period: 60s, start_interval: 1s }
`;

export interface BackedUpApp {
  readonly engine: EngineInGuest;
  /** Puts a version of Compose in place. */
  readonly useCompose: (version: string) => Promise<void>;
  readonly composeVersions: readonly string[];
  /** A statement of SQL in the database. */
  readonly sql: (statement: string) => Promise<string>;
  /** restic in the guest; its output. */
  readonly restic: (words: string) => Promise<string>;
  /** A backup of what lies in a folder of the guest, as the client makes it; its id. */
  readonly backUp: (folder: string, run: string, app?: string) => Promise<string>;
  /** Lines of shell as root: exit code and output. */
  readonly script: (lines: string) => Promise<{ readonly exitCode: number | null; readonly text: string }>;
}

/** What the application is instead of PostgreSQL and Redis. */
interface Project {
  readonly compose: string;
  /** Of its data, below /data. */
  readonly folders: readonly string[];
}

/** @param undo of the suite: {@link undoAfter}. */
export async function startBackedUpApp(
  name: string,
  undo: (undo: () => unknown) => void,
  { compose, folders }: Project = { compose: notesCompose, folders: ["notes-database", "notes-cache"] },
): Promise<BackedUpApp> {
  await useTools();
  const folder = await mkdtemp(join(tmpdir(), "sealift-restore-"));
  undo(() => rm(folder, { recursive: true }));
  const engine = await startEngine(name);
  undo(() => engine.end());
  const { root, guest } = engine.on;
  const { revision, text } = await engine.on.run("apply", engine.daemon());
  assert.ok(revision, text);
  const send = async (file: string, command: string): Promise<void> => {
    const { exitCode, stderr } = await guest.exec(`sudo -n sh -c '${command}'`, {
      input: await readFile(file),
    });
    assert.equal(exitCode, 0, `${command}: ${stderr}`);
  };
  await root(`mkdir -p /usr/local/lib/docker/cli-plugins ${restic.slice(0, -7)} /srv/plugins`);
  const plugins = (await choosePlugins(quiet)).filter((plugin) => plugin.name === "compose");
  await takePlugins(plugins, folder, quiet);
  for (const plugin of plugins)
    await send(join(folder, pluginFile(plugin)), `cat >/srv/plugins/${plugin.version}`);
  const found = await runProcess("sh", ["-c", "command -v restic"]);
  await send(found.stdout.trim(), `cat >${restic} && chmod 755 ${restic}`);
  await writeLayoutArchive(await appImages(), join(folder, "images.tar"));
  await send(join(folder, "images.tar"), "docker load");
  const useCompose = async (version: string): Promise<void> => {
    await root(`install -m 0755 /srv/plugins/${version} /usr/local/lib/docker/cli-plugins/docker-compose`);
  };
  const composeVersions = plugins.map(({ version }) => version);
  await useCompose(composeVersions[0] ?? "");
  const script: BackedUpApp["script"] = async (lines) => {
    const { exitCode, stdout, stderr } = await guest.exec("sudo -n sh -s", { input: lines });
    return { exitCode, text: stdout + stderr };
  };
  const project = `${notes}/releases/${release}/project`;
  const made = await script(`set -e
mkdir -p ${[project, ...folders.map((one) => `/data/${one}`)].join(" ")}
chown -R 999:999 /data/notes-*
chmod 0700 /data/notes-*
cat >${project}/compose.yaml <<'COMPOSE'${compose}COMPOSE
cd ${project}/..
echo compose.yaml >compose-file
: >values.env
echo "services: {}" >sealift.override.yaml
ln -s releases/${release} ${notes}/current
mkdir -p /run/sealift/secrets/_backup ${repository}
echo a-long-password >/run/sealift/secrets/_backup/restic.0123abcd
`);
  assert.equal(made.exitCode, 0, made.text);
  const inGuest = async (words: string): Promise<string> => {
    const { exitCode, text: said } = await script(
      `export RESTIC_PASSWORD_FILE=/run/sealift/secrets/_backup/restic.0123abcd RESTIC_REPOSITORY=${repository} RESTIC_CACHE_DIR=/var/cache/restic\n${words}\n`,
    );
    assert.equal(exitCode, 0, `${words}: ${said}`);
    return said;
  };
  await inGuest(`${restic} init -q`);
  return {
    engine,
    useCompose,
    composeVersions,
    sql: (statement) =>
      engine.docker(`exec notes-database-1 psql -qAt -v ON_ERROR_STOP=1 -U notes -c "${statement}"`),
    restic: (words) => inGuest(`${restic} ${words}`),
    backUp: async (tree, run, app = "notes") => {
      const tags = `--tag app=${app} --tag release=${release} --tag serial=1 --tag run=${run}`;
      const text = await inGuest(`cd ${tree} && ${restic} backup --json --quiet --host node-a ${tags} *`);
      return /"snapshot_id":"([0-9a-f]{64})"/.exec(text)?.[1] ?? assert.fail(text);
    },
    script,
  };
}
