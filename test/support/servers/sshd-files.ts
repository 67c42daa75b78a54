/** What an sshd of a test is made of: keys and configuration in a folder of its own, and nothing of the machine's. */
import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { $ } from "zx/core";
import { cachePath } from "../../lab/cache.ts";

export interface SshdOptions {
  /** Patterns of the environment variables that a client may set. */
  readonly acceptEnv?: string;
  /** More of sshd_config(5), or other words than usual. */
  readonly options?: Readonly<Record<string, string>>;
  /** Precedes PATH of the session. */
  readonly path?: string;
  /** File with the private key that may log in, its public half beside it; absent: one of its own. */
  readonly clientKeyFile?: string;
}

export interface SshdFiles {
  readonly directory: string;
  readonly configFile: string;
  readonly logFile: string;
  /** Where a login and a relative path over SFTP start. */
  readonly home: string;
  readonly user: string;
  /** The public key as one line: type and key. */
  readonly hostKey: string;
  readonly clientKeyFile: string;
}

/** The folder is the caller's to remove. */
export async function makeSshdFiles({
  acceptEnv = "SEALIFT_TEST_* PULUMI_COMMAND_*",
  options = {},
  clientKeyFile,
  path,
}: SshdOptions): Promise<SshdFiles> {
  await mkdir(cachePath("tmp"), { recursive: true });
  const directory = await mkdtemp(cachePath("tmp", "sshd-"));
  const { username: user, uid } = userInfo();
  const home = join(directory, "home");
  const configFile = join(directory, "sshd_config");
  await mkdir(home);
  const hostKey = await makeKey(directory, "host_key");
  const clientKey =
    clientKeyFile === undefined
      ? await makeKey(directory, "client_key")
      : (await readFile(`${clientKeyFile}.pub`, "utf8")).trim();
  await writeFile(join(directory, "authorized_keys"), `${clientKey}\n`);
  const all = { ...usual(directory, home, acceptEnv, await needsPam(user, uid), path), ...options };
  const lines = Object.entries(all).map(([key, value]) => `${key} ${value}\n`);
  await writeFile(configFile, lines.join(""));
  // As root, sshd insists on this folder, which its own service makes at each start of the machine.
  if (uid === 0) await mkdir("/run/sshd", { recursive: true, mode: 0o755 });
  return {
    directory,
    configFile,
    logFile: join(directory, "sshd.log"),
    home,
    user,
    hostKey,
    clientKeyFile: clientKeyFile ?? join(directory, "client_key"),
  };
}

/** Makes an ed25519 key pair; the public half as `type key`. */
async function makeKey(directory: string, name: string): Promise<string> {
  const file = join(directory, name);
  await $`ssh-keygen -q -t ed25519 -N ${""} -C ${name} -f ${file}`;
  const line = await readFile(`${file}.pub`, "utf8");
  return line.trim().split(" ").slice(0, 2).join(" ");
}

function usual(
  directory: string,
  home: string,
  acceptEnv: string,
  pam: boolean,
  path: string | undefined,
): Record<string, string> {
  return {
    HostKey: join(directory, "host_key"),
    AuthorizedKeysFile: join(directory, "authorized_keys"),
    // The folder may sit below one that others can write, such as a shared cache.
    StrictModes: "no",
    PubkeyAuthentication: "yes",
    PasswordAuthentication: "no",
    KbdInteractiveAuthentication: "no",
    PermitRootLogin: "prohibit-password",
    UsePAM: pam ? "yes" : "no",
    AcceptEnv: acceptEnv,
    PrintMotd: "no",
    LogLevel: "VERBOSE",
    // OpenSSH before 9.9 prefers this exchange, which costs each end 50 ms of a processor at every login.
    KexAlgorithms: "-sntrup761x25519*",
    PidFile: "none",
    // Keeps the person's own shell start-up files out of the tests.
    SetEnv: `HOME=${home}${path === undefined ? "" : ` PATH=${path}:/usr/local/bin:/usr/bin:/bin`}`,
    Subsystem: `sftp internal-sftp -d ${home}`,
  };
}

/** Without PAM, sshd refuses an account whose password is locked with `!`, even by key. */
async function needsPam(user: string, uid: number): Promise<boolean> {
  if (uid !== 0) return false;
  const shadow = await readFile("/etc/shadow", "utf8").catch(() => "");
  return shadow.split("\n").some((line) => line.startsWith(`${user}:!`));
}
