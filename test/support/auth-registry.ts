/** CNCF Distribution on loopback with TLS and a login, as a team's own registry has them. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { freePort } from "../lab/free-port.ts";
import type { Certificate } from "./loopback-certificate.ts";
import { onExit } from "./on-exit.ts";

export interface AuthRegistry {
  /** `127.0.0.1:<port>`. */
  readonly host: string;
  /** A folder for DOCKER_CONFIG with the login of this registry. */
  readonly dockerConfig: string;
  /** The login holds for this name of it as well. */
  readonly alsoCalled: (host: string) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** User and password; the hash of it is bcrypt's, of the least cost. */
const login = "ann:open sesame";
const htpasswd = "ann:$2b$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW\n";

/**
 * Starts `registry` from the PATH, with everything it keeps in `folder`.
 * @param place host and port; default: a free one.
 */
export async function authRegistry(
  folder: string,
  certificate: Certificate,
  place?: string,
): Promise<AuthRegistry> {
  const dockerConfig = join(folder, "docker");
  await mkdir(dockerConfig, { recursive: true });
  const host = place ?? `127.0.0.1:${await freePort()}`;
  const auth = Buffer.from(login).toString("base64");
  const loggedInAt = (...hosts: readonly string[]): Promise<void> => {
    const auths = Object.fromEntries(hosts.map((one) => [one, { auth }]));
    return writeFile(join(dockerConfig, "config.json"), JSON.stringify({ auths }));
  };
  await loggedInAt(host);
  await writeFile(join(folder, "htpasswd"), htpasswd);
  await writeFile(join(folder, "config.yml"), JSON.stringify(configuration(folder, host, certificate)));
  const child = spawn("registry", ["serve", join(folder, "config.yml")], {
    stdio: "ignore",
    env: { ...process.env, OTEL_TRACES_EXPORTER: "none" },
  });
  const forget = onExit(() => child.kill("SIGKILL"));
  await untilAnswering(host, certificate, child);
  return {
    host,
    dockerConfig,
    alsoCalled: (other) => loggedInAt(host, other),
    stop: async () => {
      forget();
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
  };
}

function configuration(folder: string, addr: string, { certFile, keyFile }: Certificate): object {
  return {
    version: 0.1,
    log: { level: "error", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, "data") }, delete: { enabled: true } },
    http: { addr, tls: { certificate: certFile, key: keyFile }, secret: "of a test" },
    auth: { htpasswd: { realm: "test", path: join(folder, "htpasswd") } },
  };
}

async function untilAnswering(host: string, certificate: Certificate, child: ChildProcess): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`registry ended with ${child.exitCode}`);
    const up = await new Promise<boolean>((resolve) => {
      const asked = request(`https://${host}/v2/`, { ca: certificate.cert }, (response) => {
        response.resume();
        resolve(response.statusCode === 401);
      });
      asked.on("error", () => {
        resolve(false);
      });
      asked.end();
    });
    if (up) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
