/** Logins of the docker config file (docs.docker.com/reference/cli/docker/login), as `docker login` leaves them. */
import { homedir } from "node:os";
import { join } from "node:path";
import { SealiftError } from "../modules/core/errors.ts";
import { isRecord, jsonOf } from "./json.ts";
import { limits } from "./limits.ts";
import { runProgram, TooMuchOutput } from "./program.ts";
import { readRegular, UnusableFile } from "./regular-file.ts";

/**
 * The value of an `Authorization` header for a host (`files.example.com:8443`), undefined when there is no login for it. A
 * host that has an entry of its own only: no helper is asked about hosts that nobody has logged in to.
 *
 * @throws {SealiftError} E_TOOL when the credential helper that is named cannot be run or fails; E_VALUE when the file is no
 * JSON. Neither says what was in it.
 */
export async function authorization(host: string): Promise<string | undefined> {
  const config = await readConfig();
  const helper = own(record(config["credHelpers"]), host);
  if (typeof helper === "string") return askHelper(helper, host);
  const logins = record(config["auths"]);
  const key = Object.keys(logins).find((one) => hostOf(one) === host);
  if (key === undefined) return undefined;
  const { auth, username, password } = record(logins[key]);
  if (typeof auth === "string" && auth !== "") return `Basic ${base64(auth)}`;
  if (typeof username === "string" && typeof password === "string") return basic(username, password);
  const store = config["credsStore"];
  return typeof store === "string" ? askHelper(store, key) : undefined;
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

function own(values: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(values, key) ? values[key] : undefined;
}

/** user:password in base64; anything else in it would be another header. @throws {SealiftError} E_VALUE */
function base64(auth: string): string {
  if (/^[\w+/=-]+$/.test(auth)) return auth;
  throw noLogins("an auth that is no base64");
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

async function readConfig(): Promise<Readonly<Record<string, unknown>>> {
  const text = await readRegular(configFile(), limits.login, "follow").catch((error: unknown) => {
    if (error instanceof UnusableFile) throw noLogins(error.message);
    return Buffer.from("{}");
  });
  const value = jsonOf(text);
  if (isRecord(value)) return value;
  throw noLogins("a text that is no JSON object");
}

function noLogins(got: string): SealiftError {
  const [expected, todo] = ["the docker config file", "correct it, or log in again"];
  return new SealiftError([{ where: configFile(), code: "E_VALUE", subject: "logins", got, expected, todo }]);
}

/** `docker-credential-<name> get`: the host goes in on standard input, JSON comes out. */
async function askHelper(name: string, server: string): Promise<string | undefined> {
  // It is the end of a program's name, and no path.
  if (!/^[A-Za-z0-9._-]+$/.test(name)) throw noLogins("a credential helper that is no name");
  const program = `docker-credential-${name}`;
  const { exitCode, stdout } = await runProgram(program, ["get"], {
    input: `${server}\n`,
    timeoutMs: helperTimeoutMs,
    most: limits.login,
  }).catch((error: unknown) => {
    const got = error instanceof TooMuchOutput ? error.message : "no such program";
    throw helperFailed(program, server, got);
  });
  if (exitCode !== 0) {
    // The words of the protocol for: no login for this one.
    if (/credentials not found/i.test(stdout.toString())) return undefined;
    throw helperFailed(program, server, `exit code ${exitCode}`);
  }
  const answer = jsonOf(stdout);
  if (!isRecord(answer)) throw helperFailed(program, server, "an answer that is no JSON");
  const { Username, Secret } = answer;
  // A token of a registry's own login is no password.
  if (typeof Username !== "string" || Username === "" || Username === "<token>") return undefined;
  return basic(Username, typeof Secret === "string" ? Secret : "");
}

/** A helper may ask a person for a password; one that waits for nobody must end. */
const helperTimeoutMs = 60_000;

function helperFailed(program: string, server: string, got: string): SealiftError {
  const expected = `the login of ${server}`;
  const todo = "install the helper, or log in with docker login or oras login";
  return new SealiftError([{ where: configFile(), code: "E_TOOL", subject: program, got, expected, todo }]);
}
