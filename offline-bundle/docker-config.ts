/** Logins of the docker config file (docs.docker.com/reference/cli/docker/login), as `docker login` leaves them. */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { SealiftError } from "../modules/core/errors.ts";

interface DockerConfig {
  readonly auths?: Readonly<Record<string, Login>>;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly credsStore?: string;
}

interface Login {
  /** user:password in base64. */
  readonly auth?: string;
  readonly username?: string;
  readonly password?: string;
}

/**
 * The value of an `Authorization` header for a host (`files.example.com:8443`), undefined when there is no login for it. A
 * host that has an entry of its own only: no helper is asked about hosts that nobody has logged in to.
 *
 * @throws {SealiftError} E_TOOL when the credential helper that is named cannot be run or fails; E_VALUE when the file is no
 * JSON. Neither says what was in it.
 */
export async function authorization(host: string): Promise<string | undefined> {
  const config = await readConfig();
  const helper = config.credHelpers?.[host];
  if (helper !== undefined) return askHelper(helper, host);
  const key = Object.keys(config.auths ?? {}).find((one) => hostOf(one) === host);
  if (key === undefined) return undefined;
  const { auth, username, password } = config.auths?.[key] ?? {};
  if (auth !== undefined && auth !== "") return `Basic ${auth}`;
  if (username !== undefined && password !== undefined) return basic(username, password);
  return config.credsStore === undefined ? undefined : askHelper(config.credsStore, key);
}

/** Keys are written as a host or as a url. */
function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}

function configFile(): string {
  return join(process.env["DOCKER_CONFIG"] ?? join(homedir(), ".docker"), "config.json");
}

async function readConfig(): Promise<DockerConfig> {
  const file = configFile();
  const text = await readFile(file, "utf8").catch(() => "{}");
  try {
    return JSON.parse(text) as DockerConfig;
  } catch {
    const [got, expected] = ["a text that is no JSON", "the docker config file"];
    throw new SealiftError([
      { where: file, code: "E_VALUE", subject: "logins", got, expected, todo: "correct it, or log in again" },
    ]);
  }
}

/** `docker-credential-<name> get`: the host goes in on standard input, JSON comes out. */
async function askHelper(name: string, server: string): Promise<string | undefined> {
  const program = `docker-credential-${name}`;
  const { exitCode, output } = await run(program, server);
  if (exitCode !== 0) {
    // The words of the protocol for: no login for this one.
    if (/credentials not found/i.test(output)) return undefined;
    throw helperFailed(program, server, `exit code ${exitCode}`);
  }
  try {
    const { Username = "", Secret = "" } = JSON.parse(output) as { Username?: string; Secret?: string };
    // A token of a registry's own login is no password.
    return Username === "" || Username === "<token>" ? undefined : basic(Username, Secret);
  } catch {
    throw helperFailed(program, server, "an answer that is no JSON");
  }
}

function run(program: string, input: string): Promise<{ exitCode: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ["get"], { stdio: ["pipe", "pipe", "ignore"], timeout: helperTimeoutMs });
    const output: Buffer[] = [];
    child.stdout.on("data", (data: Buffer) => output.push(data));
    // It may end before it has read all; its exit code tells.
    child.stdin.on("error", () => undefined);
    child.stdin.end(`${input}\n`);
    child.on("error", () => {
      reject(helperFailed(program, input, "no such program"));
    });
    child.on("close", (code) => {
      resolve({ exitCode: code ?? 1, output: Buffer.concat(output).toString() });
    });
  });
}

/** A helper may ask a person for a password; one that waits for nobody must end. */
const helperTimeoutMs = 60_000;

function helperFailed(program: string, server: string, got: string): SealiftError {
  const expected = `the login of ${server}`;
  const todo = "install the helper, or log in with docker login or oras login";
  return new SealiftError([{ where: configFile(), code: "E_TOOL", subject: program, got, expected, todo }]);
}
