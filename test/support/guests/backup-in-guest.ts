/** Backups in a guest with an engine and PostgreSQL, to a store on the same guest that this file starts by itself. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, realpath, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Archive, type HostApp, uploadPath } from "../../../modules/core/host/blob.ts";
import type { Step } from "../../../modules/core/host/step.ts";
import type { AppSpec, HostSpec } from "../../../modules/core/site/site-spec.ts";
import type { SwarmSpec } from "../../../modules/core/site/swarm.ts";
import { certificateCode, certificateStep } from "../../../modules/backup/certificates.ts";
import { clientSteps, managerSteps } from "../../../modules/backup/client-steps.ts";
import { restoreSteps } from "../../../modules/backup/restore-steps.ts";
import { packTool, toolTarball } from "../../lab/bundle/tool-tarball.ts";
import { useTools } from "../../lab/tools/ensure-tools.ts";
import { binDir } from "../../lab/tools/places.ts";
import { runProcess } from "../process/run-process.ts";
import type { ShellFunctions } from "./shell-functions.ts";

export interface BackupInGuest {
  readonly on: ShellFunctions;
  /** Of the host whose only application this is. */
  readonly steps: (
    app: AppSpec,
    volumes?: HostSpec["volumes"],
    releases?: readonly HostApp[],
  ) => readonly Step[];
  /** What its script for a restore needs; the name is that of the registry on the host. */
  readonly restoreSteps: (app: AppSpec, registry: string, swarm?: SwarmSpec) => readonly Step[];
  /** Of a manager, for its swarm. */
  readonly managerSteps: (app: AppSpec) => readonly Step[];
  /** Starts the server of the store; it is stopped with `systemctl stop store`. */
  readonly serve: () => Promise<void>;
  /** What restic says of the repository. */
  readonly restic: (words: string) => Promise<string>;
  /** Starts the unit and waits: its result, and the reason of a failure. */
  readonly backUp: (app: string) => Promise<string>;
  /** The snapshots that count: those whose run is not void. */
  readonly counted: () => Promise<readonly string[]>;
}

/** Where the decrypted password of the repository lies, and the store's own memory: a store that can be full. */
export const repositoryPassword = "/run/sealift/secrets/_backup/restic.0a1b2c3d";
export const storeFolder = "/run/store";
const address = "127.0.0.1";
const port = 8000;
export const host = "node-a";

const onRoot: HostSpec["volumes"] = { group: "vg0", logicalVolumes: [], existing: [{ mount: "/" }] };
const known = (certificate: string): ReadonlyMap<string, string> => new Map([["store-a", certificate]]);

/** @param on a guest that has no store yet. */
export async function startBackups(on: ShellFunctions): Promise<BackupInGuest> {
  await useTools();
  const restic = await deliverRestic(on);
  await put(
    on,
    join(binDir, "rest-server"),
    "cat >/usr/local/bin/rest-server && chmod 0755 /usr/local/bin/rest-server",
  );
  await on.root(
    [
      "install -d -m 0755 /run/sealift",
      `install -d -m 0700 /run/sealift/secrets ${repositoryPassword.replace(/\/[^/]*$/, "")}`,
      `echo correct-horse >${repositoryPassword} && chmod 0400 ${repositoryPassword}`,
      `mkdir -p ${storeFolder} && mount -t tmpfs -o size=64m tmpfs ${storeFolder}`,
      "groupadd -rf sealift-store && (id sealift-store || useradd -r -g sealift-store sealift-store) >/dev/null",
      "install -d /etc/sealift/store",
    ].join(" && "),
  );
  const login = await on.call("backup_login", host, repositoryPassword);
  const hash = createHash("sha1").update(login.output.trim()).digest("base64");
  await on.root(`printf '%s\\n' '${host}:{SHA}${hash}' >/etc/sealift/store/htpasswd`);
  const { values, text } = await on.run("apply", [certificateStep({ address })]);
  const certificate = values?.[certificateCode];
  assert.ok(certificate !== undefined, text);
  const environment = `RESTIC_PASSWORD_FILE=${repositoryPassword} RESTIC_REPOSITORY=${storeFolder}/${host}`;
  const client = {
    ...{ host, restic, password: repositoryPassword },
    backup: { restic: restic.version, password: "restic.age", store: { host: "store-a", address, port } },
  };
  const world: BackupInGuest = {
    on,
    restoreSteps: (app, name, swarm) =>
      restoreSteps({ ...client, apps: [app], folder: "/svc/apps", registry: { name, port: 5000 }, swarm }),
    steps: (app, volumes = onRoot, releases = []) =>
      clientSteps({ ...client, ...{ apps: [app], releases, volumes, certificates: known(certificate) } }),
    managerSteps: (app) =>
      managerSteps({ ...client, apps: [app], volumes: onRoot, certificates: known(certificate) }),
    serve: async () => {
      const options =
        "--append-only --private-repos --tls --tls-cert /etc/sealift/store/server.crt --tls-key /etc/sealift/store/server.key";
      await on.root(
        `systemd-run --quiet --collect --unit store /usr/local/bin/rest-server --path ${storeFolder} --listen ${address}:${port} --htpasswd-file /etc/sealift/store/htpasswd ${options}`,
      );
      await on.root(
        `for i in $(seq 50); do curl -ksS https://${address}:${port}/ >/dev/null 2>&1 && exit; sleep 0.2; done; systemctl status store >&2; exit 1`,
      );
    },
    restic: (words) =>
      on.root(`${environment} /opt/sealift/restic/${restic.version}/restic --no-lock --quiet ${words}`),
    backUp: async (app) => {
      const unit = `sealift-backup-${app}.service`;
      // systemd starts a unit at most five times in ten seconds, and tests are faster.
      const { exitCode } = await on.guest.exec(
        `sudo -n sh -c 'systemctl reset-failed ${unit}; systemctl start ${unit}'`,
      );
      if (exitCode === 0) return "success";
      return on.root(
        `cat /var/lib/sealift/backup/${app}/failed 2>/dev/null || journalctl -n 20 -u sealift-backup-${app}`,
      );
    },
    counted: async () => {
      const found = JSON.parse(await world.restic("snapshots --json")) as {
        readonly id: string;
        readonly tags?: readonly string[];
      }[];
      const tags = (one: { readonly tags?: readonly string[] }, key: string): readonly string[] =>
        (one.tags ?? []).filter((tag) => tag.startsWith(`${key}=`)).map((tag) => tag.slice(key.length + 1));
      const isVoid = new Set(found.flatMap((one) => tags(one, "void")));
      return found.filter((one) => tags(one, "run").some((run) => !isVoid.has(run))).map(({ id }) => id);
    },
  };
  await world.serve();
  return world;
}

/** The lab's restic as its release has it, where a delivery puts it. */
async function deliverRestic(on: ShellFunctions): Promise<Archive> {
  const folder = await mkdtemp(join(tmpdir(), "sealift-backups-"));
  const tarball = toolTarball("restic");
  const path = join(folder, tarball.file);
  await packTool(tarball, path);
  const bytes = await readFile(path);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const arrives = uploadPath(sha256);
  const { exitCode } = await on.guest.exec(`mkdir -p .sealift/blobs && cat >${arrives}`, { input: bytes });
  assert.equal(exitCode, 0);
  const { stdout } = await runProcess("sha256sum", [await realpath(join(binDir, "restic"))]);
  const { size } = await stat(path);
  await rm(folder, { recursive: true });
  return {
    version: tarball.version,
    sha256,
    bytes: size,
    path,
    members: [{ path: "restic", sha256: stdout.slice(0, 64) }],
  };
}

async function put(on: ShellFunctions, file: string, command: string): Promise<void> {
  const { exitCode, stderr } = await on.guest.exec(`sudo -n sh -c '${command}'`, {
    input: await readFile(file),
  });
  assert.equal(exitCode, 0, stderr);
}
