/** Logins of the docker config file (docs.docker.com/reference/cli/docker/login), as `docker login` leaves them. */
import { homedir } from "node:os";
import { join } from "node:path";
import { SealiftError } from "../modules/core/errors.ts";
import { isRecord, jsonOf } from "./json.ts";
import { limits } from "./limits.ts";
import { runProgram, TooMuchOutput } from "./program.ts";
import { readRegular, UnusableFile } from "./regular-file.ts";

/**
 * The value of an `Authorization` header for a host (`files.example.com:8443`), undefined when there is no login for it. Hosts are found
 * as docker finds them: whatever the case of a key, its scheme, its path, or the port 443 of https. The store of all credentials is asked
 * about every host that has no helper of its own (docker/cli, cli/config/configfile/file.go); where nobody has logged in to a host, one
 * that cannot be run counts as one that knows nothing.
 *
 * @throws {SealiftError} E_TOOL when the credential helper that is named for a host, or has its login, cannot be run or fails; E_VALUE when
 * the file is no JSON. Neither says what was in it.
 */
export async function authorization(host: string): Promise<string | undefined> {
  const config = await readConfig();
  const wanted = hostOf(host);
  const [helper] = valuesOf(config["credHelpers"], wanted);
  if (typeof helper?.value === "string") return askHelper(helper.value, helper.key);
  const logins = valuesOf(config["auths"], wanted);
  for (const { value } of logins) {
    const own = loginOf(record(value));
    if (own !== undefined) return own;
  }
  const store = config["credsStore"];
  if (typeof store !== "string" || store === "") return undefined;
  const [known] = logins;
  if (known !== undefined) return askHelper(store, known.key);
  return askHelper(store, host).catch((error: unknown) => {
    if (error instanceof SealiftError && error.problems.every(({ code }) => code === "E_TOOL"))
      return undefined;
    throw error;
  });
}

/** The login of an entry: user and password, or a token that stands for both, which is shown as it is. */
function loginOf(entry: Readonly<Record<string, unknown>>): string | undefined {
  const { auth, username, password, identitytoken, registrytoken } = entry;
  if (typeof auth === "string" && auth.trim() !== "") return `Basic ${base64(auth)}`;
  if (typeof username === "string" && username !== "" && typeof password === "string")
    return basic(username, password);
  for (const token of [registrytoken, identitytoken])
    if (typeof token === "string" && token !== "") return bearer(token);
  return undefined;
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

/** The entries for a host; one whose key is the host as it is comes first. */
function valuesOf(
  values: unknown,
  host: string,
): readonly { readonly key: string; readonly value: unknown }[] {
  return Object.entries(record(values))
    .filter(([key]) => hostOf(key) === host)
    .map(([key, value]) => ({ key, value }))
    .sort((a, b) => Number(b.key === host) - Number(a.key === host));
}

/** user:password in base64, whose line ends count nothing; anything else in it would be another header. @throws {SealiftError} E_VALUE */
function base64(auth: string): string {
  const text = auth.replaceAll(/[\r\n]/g, "");
  if (/^[\w+/=-]+$/.test(text)) return text;
  throw noLogins("an auth that is no base64");
}

/** RFC 6750, 2.1. @throws {SealiftError} E_VALUE */
function bearer(token: string): string {
  if (/^[\w.~+/-]+=*$/.test(token)) return `Bearer ${token}`;
  throw noLogins("a token with other characters than a header may have");
}

/** Keys are written as a host or as a url. */
function hostOf(key: string): string {
  const [host = ""] = key.replace(/^https?:\/\//i, "").split("/", 1);
  return host.toLowerCase().replace(/:443$/, "");
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
  // To docker an empty file and null say nothing.
  const value = text.toString().trim() === "" ? null : jsonOf(text);
  if (value === null) return {};
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
  if (typeof Username !== "string" || Username === "") return undefined;
  // The word of the protocol for a token in the place of a password.
  if (Username === "<token>") return typeof Secret === "string" && Secret !== "" ? bearer(Secret) : undefined;
  return basic(Username, typeof Secret === "string" ? Secret : "");
}

/** A helper may ask a person for a password; one that waits for nobody must end. */
const helperTimeoutMs = 60_000;

function helperFailed(program: string, server: string, got: string): SealiftError {
  const expected = `the login of ${server}`;
  const todo = "install the helper, or log in with docker login or oras login";
  return new SealiftError([{ where: configFile(), code: "E_TOOL", subject: program, got, expected, todo }]);
}
