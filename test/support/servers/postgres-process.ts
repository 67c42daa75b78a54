/** A PostgreSQL of its own on loopback: never as root, with its data in a folder that goes with it, and a password. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { freePort } from "../../lab/free-port.ts";
import { ensurePackages } from "../../lab/packages/packages.ts";
import { onExit } from "../process/on-exit.ts";
import { runProcess } from "../process/run-process.ts";
import { waitForLine } from "../process/wait-for-line.ts";

export interface PostgresProcess {
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** In the format of libpq, for PGPASSFILE. */
  readonly passwordFile: string;
  readonly stop: () => Promise<void>;
}

const user = "sealift";
const database = "sealift";
const password = "only-for-this-test";
/** It takes no port 0; this is for one that somebody took first. */
const portTries = 5;

/** @throws {SealiftError} E_PACKAGES when Debian's package is not there and cannot be installed. */
export async function startPostgres(): Promise<PostgresProcess> {
  await ensurePackages("state");
  const programs = newestPrograms();
  const folder = mkdtempSync(join(tmpdir(), "sealift-postgres-"));
  const owner = nobodyInParticular();
  const given = (name: string): string => {
    const file = join(folder, name);
    if (owner !== undefined) chownSync(file, owner, owner);
    return file;
  };
  if (owner !== undefined) chownSync(folder, owner, owner);
  writeFileSync(join(folder, "password"), password, { mode: 0o600 });
  const as =
    owner === undefined ? [] : ["--reuid", String(owner), "--regid", String(owner), "--clear-groups"];
  const data = join(folder, "data");
  const made = await runProcess("setpriv", [
    ...as,
    join(programs, "initdb"),
    ...["-D", data, "-U", user, "--pwfile", given("password"), "--auth=scram-sha-256"],
    ...["--encoding=UTF8", "--no-locale", "--no-sync"],
  ]);
  if (made.exitCode !== 0) throw new Error(`initdb: ${made.stderr}`);
  const remove = (): void => {
    rmSync(folder, { recursive: true, force: true });
  };
  const { child, port } = await listening((on) => {
    const settings = {
      listen_addresses: "127.0.0.1",
      port: on,
      unix_socket_directories: folder,
      fsync: "off",
    };
    return spawn(
      "setpriv",
      [
        ...as,
        ...["--pdeathsig", "INT", join(programs, "postgres"), "-D", data],
        ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
      ],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
  });
  const forget = onExit(() => {
    child.kill("SIGINT");
    remove();
  });
  const passwordFile = join(folder, "pgpass");
  writeFileSync(passwordFile, `127.0.0.1:${port}:*:${user}:${password}\n`, { mode: 0o600 });
  const at = ["-h", "127.0.0.1", "-p", String(port), "-U", user, "-w"];
  const env = { PGPASSFILE: passwordFile };
  const createdb = await runProcess(join(programs, "createdb"), [...at, database], { env });
  if (createdb.exitCode !== 0) throw new Error(`createdb: ${createdb.stderr}`);
  return {
    port,
    user,
    database,
    passwordFile,
    stop: async () => {
      const ended = child.exitCode === null ? once(child, "exit") : undefined;
      child.kill("SIGINT");
      await ended;
      forget();
      remove();
    },
  };
}

async function listening(
  start: (port: number) => ChildProcess & { readonly stderr: Readable },
): Promise<{ child: ChildProcess; port: number }> {
  for (let tries = 1; ; tries += 1) {
    const port = await freePort();
    const child = start(port);
    try {
      await waitForLine(child, child.stderr, /ready to accept connections/);
      return { child, port };
    } catch (error) {
      const taken = error instanceof Error && /could not bind/.test(error.message);
      if (!taken || tries === portTries) throw error;
    }
  }
}

/** Debian has each major version in a folder of its own, and none of its programs in PATH. */
function newestPrograms(): string {
  const all = "/usr/lib/postgresql";
  const [newest = ""] = readdirSync(all).toSorted((a, b) => Number(b) - Number(a));
  return join(all, newest, "bin");
}

/** PostgreSQL refuses to run as root. */
function nobodyInParticular(): number | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((one) => one.startsWith("postgres:"));
  return Number(line?.split(":")[2] ?? 65534);
}
