/** A real registry (CNCF Distribution) on the loopback interface, with or without TLS and a password. */
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { $ } from "zx/core";
import { serveRegistry } from "./serve-registry.ts";

export interface RegistryOptions {
  /** Serves https with a certificate of a CA made for it; otherwise plain http. */
  readonly tls?: boolean;
  /** Asks for {@link registryUser}; otherwise lets everybody in. */
  readonly auth?: boolean;
  /** Answers 405 to everything that writes. */
  readonly readonly?: boolean;
  /** Folder of what is stored; default `<folder>/storage`. Several registries may share one. */
  readonly storage?: string;
}

export interface RegistryProcess {
  /** `127.0.0.1:40123` */
  readonly address: string;
  readonly port: number;
  readonly storage: string;
  /** The certificate that clients have to trust; undefined without TLS. */
  readonly caFile: string | undefined;
  /** Everything that it has logged, one line a request among them. */
  readonly log: () => readonly string[];
  /** Ends it in its own time. */
  readonly stop: () => Promise<void>;
  /** Ends it as a power cut would. */
  readonly kill: () => Promise<void>;
}

/** The user of a registry with `auth`; the password is known to everybody and good for nothing else. */
export const registryUser = { name: "operator", password: "only-for-tests" } as const;

/** htpasswd knows bcrypt only; cost 4, because it is computed for every request. */
const htpasswd = "operator:$2y$04$sealiftsealiftsealift.g6cJOT.pBTCWkpMbWfEjwqkR2txUwvS\n";

/**
 * Starts a registry and waits until it listens, on a port of its own choice. Started again with the same folder it has the same
 * content, certificate and password; a name that has to stay is that of a wire in front of it.
 *
 * @param folder for its configuration and keys.
 * @throws {Error} with its log when it ends instead.
 */
export async function startRegistry(folder: string, options: RegistryOptions = {}): Promise<RegistryProcess> {
  const { tls = false, auth = false, storage = join(folder, "storage") } = options;
  await mkdir(folder, { recursive: true });
  if (tls) await ensureCertificate(folder);
  if (auth) await writeFile(join(folder, "htpasswd"), htpasswd);
  const own = await mkdtemp(join(folder, "registry-"));
  const [file, logFile] = [join(own, "config.json"), join(own, "log")];
  await writeFile(file, JSON.stringify(configuration(folder, storage, { ...options, tls, auth })));
  const { port, end } = await serveRegistry(file, logFile);
  return {
    address: `127.0.0.1:${port}`,
    port,
    storage,
    caFile: tls ? join(folder, "ca.crt") : undefined,
    log: () => readFileSync(logFile, "utf8").split("\n"),
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
  };
}

/** JSON is YAML. */
function configuration(folder: string, storage: string, options: RegistryOptions): object {
  const { tls, auth, readonly } = options;
  return {
    version: 0.1,
    log: { level: "info", accesslog: { disabled: false } },
    storage: {
      filesystem: { rootdirectory: storage },
      delete: { enabled: true },
      maintenance: { readonly: { enabled: readonly === true }, uploadpurging: { enabled: false } },
    },
    http: {
      addr: "127.0.0.1:0",
      ...(tls === true
        ? { tls: { certificate: join(folder, "tls.crt"), key: join(folder, "tls.key") } }
        : {}),
    },
    ...(auth === true ? { auth: { htpasswd: { realm: "test", path: join(folder, "htpasswd") } } } : {}),
  };
}

/** A CA, and a certificate for this machine that it has signed. */
async function ensureCertificate(folder: string): Promise<void> {
  if (existsSync(join(folder, "tls.crt"))) return;
  const inFolder = $({ cwd: folder });
  const fresh = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  await inFolder`openssl ${fresh} -days 2 -subj ${"/CN=registry test CA"} -keyout ca.key -out ca.crt`;
  const names = ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
  const kind = ["-addext", "basicConstraints=critical,CA:FALSE"];
  const leaf = [
    "-days",
    "1",
    "-subj",
    "/CN=registry",
    "-keyout",
    "tls.key",
    "-out",
    "tls.crt",
    ...names,
    ...kind,
  ];
  await inFolder`openssl ${fresh} -CA ca.crt -CAkey ca.key ${leaf}`;
}
