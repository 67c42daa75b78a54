/** CNCF Distribution on loopback with TLS and a login, as a team's own registry has them. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Certificate } from "./loopback-certificate.ts";
import { serveRegistry } from "./serve-registry.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

export interface AuthRegistry {
  /** `127.0.0.1:<port>`, the same as long as this process runs. */
  readonly host: string;
  /** The way to it, which is where it has its name. */
  readonly proxy: TcpProxy;
  /** A folder for DOCKER_CONFIG with the login of this registry. */
  readonly dockerConfig: string;
  /** It dies; its name leads nowhere. */
  readonly die: () => Promise<void>;
  /** Under the same name, with what it had. */
  readonly startAgain: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** User and password; the hash of it is bcrypt's, of the least cost. */
const login = "ann:open sesame";
const htpasswd = "ann:$2b$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW\n";

/** Starts `registry` from the PATH, with everything it keeps in `folder`. */
export async function authRegistry(folder: string, certificate: Certificate): Promise<AuthRegistry> {
  const dockerConfig = join(folder, "docker");
  await mkdir(dockerConfig, { recursive: true });
  await writeFile(join(folder, "htpasswd"), htpasswd);
  const config = join(folder, "config.yml");
  await writeFile(config, JSON.stringify(configuration(folder, certificate)));
  const serve = (): ReturnType<typeof serveRegistry> => serveRegistry(config, join(folder, "log"));
  let serving = await serve();
  const proxy = await startTcpProxy(serving.port);
  const host = `127.0.0.1:${proxy.port}`;
  const auth = Buffer.from(login).toString("base64");
  await writeFile(join(dockerConfig, "config.json"), JSON.stringify({ auths: { [host]: { auth } } }));
  return {
    host,
    proxy,
    dockerConfig,
    die: () => serving.end("SIGKILL"),
    startAgain: async () => {
      serving = await serve();
      proxy.redirect(serving.port);
    },
    stop: async () => {
      proxy.end();
      await serving.end("SIGKILL");
    },
  };
}

function configuration(folder: string, { certFile, keyFile }: Certificate): object {
  return {
    version: 0.1,
    log: { level: "info", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, "data") }, delete: { enabled: true } },
    http: {
      addr: "127.0.0.1:0",
      tls: { certificate: certFile, key: keyFile },
      secret: "of a test",
    },
    auth: { htpasswd: { realm: "test", path: join(folder, "htpasswd") } },
  };
}
