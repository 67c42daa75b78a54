/** A registry in a guest that Sealift did not put there: another Distribution with TLS, and tokens from a server beside it. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkout } from "../../lab/cache.ts";
import { guestFolder } from "../../lab/guest-record.ts";
import type { Guest } from "../../lab/guest.ts";
import { sshArguments } from "../../lab/ssh.ts";
import { ensureTools } from "../../lab/tools/ensure-tools.ts";
import { onExit } from "../process/on-exit.ts";
import { waitForLine } from "../process/wait-for-line.ts";
import { startTcpProxy } from "./tcp-proxy.ts";

export interface ForeignRegistry {
  /** Its name in the guest, and its port there and on the operator's loopback. */
  readonly name: string;
  readonly port: number;
  /** `name:port` of its token server. */
  readonly tokens: string;
  /** The CA, on the operator's side. */
  readonly caFile: string;
  /** Who may write. */
  readonly login: { readonly username: string; readonly password: string };
  readonly end: () => void;
}

const folder = "/srv/foreign";
const login = { username: "robot", password: "only-for-tests" };

/** Its bytes lie on the guest's root disk. The name is in /etc/hosts, where a site has a name server. */
export async function startForeignRegistry(guest: Guest, name = "harbor.corp"): Promise<ForeignRegistry> {
  // The names of both hold their ports of this machine's loopback from now on; in the guest nobody else has them.
  const ways = await mkdtemp(join(tmpdir(), "sealift-foreign-"));
  const sockets = [join(ways, "registry"), join(ways, "tokens")] as const;
  const proxies = await Promise.all(sockets.map((socket) => startTcpProxy(socket)));
  const [port = 0, tokenPort = 0] = proxies.map((proxy) => proxy.port);
  const put = async (file: string, input: string | Buffer): Promise<void> => {
    const { exitCode, stderr } = await guest.exec(`sudo -n tee ${folder}/${file} >/dev/null`, { input });
    assert.equal(exitCode, 0, stderr);
  };
  const root = async (command: string): Promise<string> => {
    const { stdout, stderr, exitCode } = await guest.exec(`sudo -n sh -ec '${command}'`);
    assert.equal(exitCode, 0, stderr);
    return stdout;
  };
  await root(`mkdir -p ${folder} && echo "127.0.0.1 ${name}" >>/etc/hosts`);
  await put("registry", await readFile((await ensureTools()).registry));
  await put(
    "token-server.py",
    await readFile(join(checkout, "test", "support", "servers", "token-server.py")),
  );
  await put("config.yml", JSON.stringify(configuration(port, tokenPort)));
  const fresh = "openssl req -x509 -newkey rsa:2048 -nodes -days 2";
  const leaf = `-subj /CN=${name} -addext subjectAltName=DNS:${name},IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE`;
  await root(
    `cd ${folder} && chmod 755 registry
    ${fresh} -subj "/CN=corp CA" -keyout ca.key -out ca.crt 2>/dev/null
    ${fresh} -CA ca.crt -CAkey ca.key ${leaf} -keyout tls.key -out tls.crt 2>/dev/null
    ${fresh} -subj /CN=tokens -keyout token.key -out token.crt 2>/dev/null
    systemd-run --quiet --unit foreign-tokens -p WorkingDirectory=${folder} python3 token-server.py ${tokenPort} tls.crt tls.key token.crt token.key store ${login.username}:${login.password}
    systemd-run --quiet --unit foreign-registry --setenv OTEL_TRACES_EXPORTER=none ${folder}/registry serve ${folder}/config.yml
    for one in ${port} ${tokenPort}; do timeout 60 sh -c "until ss -Hltn | grep -q 127.0.0.1:$one; do sleep 0.2; done"; done`,
  );
  const caFile = join(guestFolder(guest.name), "foreign-ca.crt");
  await writeFile(caFile, await root(`cat ${folder}/ca.crt`));
  const ports = [port, tokenPort].flatMap((one, at) => ["-L", `${sockets[at] ?? ""}:127.0.0.1:${one}`]);
  const flags = ["-N", "-o", "ExitOnForwardFailure=yes", "-o", "PermitLocalCommand=yes"];
  // ssh runs it once both ways are open (ssh_config(5), LocalCommand).
  const tunnel = spawn(
    "ssh",
    [...flags, "-o", "LocalCommand=echo open", ...ports, ...sshArguments(guest.ssh)],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const forget = onExit(() => tunnel.kill());
  await waitForLine(tunnel, tunnel.stdout, /^open$/);
  return {
    name,
    port,
    tokens: `127.0.0.1:${tokenPort}`,
    caFile,
    login,
    end: () => {
      forget();
      tunnel.kill();
      for (const proxy of proxies) proxy.end();
      rmSync(ways, { recursive: true });
    },
  };
}

/** JSON is YAML. The realm is reached by the same words from the guest and through the tunnel. */
function configuration(port: number, tokenPort: number): object {
  const token = {
    realm: `https://127.0.0.1:${tokenPort}/token`,
    service: "store",
    issuer: "tests",
    rootcertbundle: `${folder}/token.crt`,
  };
  return {
    version: 0.1,
    log: { level: "info" },
    storage: { filesystem: { rootdirectory: `${folder}/data` } },
    http: { addr: `127.0.0.1:${port}`, tls: { certificate: `${folder}/tls.crt`, key: `${folder}/tls.key` } },
    auth: { token },
  };
}
