/** Credentials in the Docker configuration file (docs.docker.com/reference/cli/docker/login), as `docker login` stores them. */
import { homedir } from "node:os";
import { join } from "node:path";
import { SealiftError } from "../../modules/core/errors.ts";
import { runProgram, TooMuchOutput } from "../../modules/core/process.ts";
import { isRecord, jsonOf } from "../io/json.ts";
import { limits } from "../io/limits.ts";
import { readRegular, UnusableFile } from "../io/regular-file.ts";

/**
 * The value of the `Authorization` header for a host (`files.example.com:8443`), undefined when there are no credentials for it.
 * Hosts are matched as docker does it: regardless of the case of a key, its scheme, its path, or the port 443 of https. The
 * credential store is asked about every host without a helper of its own (docker/cli, cli/config/configfile/file.go); for a host
 * without a login, a store that cannot be run is treated as empty.
 *
 * @throws {SealiftError} E_TOOL when the credential helper that is named for a host, or has its login, cannot be run or fails;
 * E_VALUE when the file is not JSON. Neither message shows the content of the file.
 */
export async function authorization(host: string): Promise<string | undefined> {
  const config = await readConfig();
  const registry = hostOf(host);
  const [helper] = valuesOf(config["credHelpers"], registry);
  if (typeof helper?.value === "string") return askHelper(helper.value, helper.key);
  const logins = valuesOf(config["auths"], registry);
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

/** The credentials of an entry: user and password, or a token that replaces both and is sent as it is. */
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

/** The entries for a host; an entry whose key is exactly the host comes first. */
function valuesOf(
  values: unknown,
  host: string,
): readonly { readonly key: string; readonly value: unknown }[] {
  return Object.entries(record(values))
    .filter(([key]) => hostOf(key) === host)
    .map(([key, value]) => ({ key, value }))
    .sort((a, b) => Number(b.key === host) - Number(a.key === host));
}

/** user:password in base64; line ends are ignored, and anything else would inject a header. @throws {SealiftError} E_VALUE */
function base64(auth: string): string {
  const text = auth.replaceAll(/[\r\n]/g, "");
  if (/^[\w+/=-]+$/.test(text)) return text;
  throw noLogins("auth is not valid base64");
}

/** RFC 6750, 2.1. @throws {SealiftError} E_VALUE */
function bearer(token: string): string {
  if (/^[\w.~+/-]+=*$/.test(token)) return `Bearer ${token}`;
  throw noLogins("the token has characters that are not allowed in a header");
}

/** Keys are written as a host or as a URL. */
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
  // docker treats an empty file and null as an empty configuration.
  const value = text.toString().trim() === "" ? null : jsonOf(text);
  if (value === null) return {};
  if (isRecord(value)) return value;
  throw noLogins("the content is not a JSON object");
}

function noLogins(found: string): SealiftError {
  const [expected, fix] = ["the docker config file", "correct the file, or log in again"];
  return new SealiftError([
    { where: configFile(), code: "E_VALUE", subject: "logins", found, expected, fix },
  ]);
}

/** `docker-credential-<name> get`: the host goes to standard input, JSON comes back. */
async function askHelper(name: string, server: string): Promise<string | undefined> {
  // A suffix of a program name, not a path.
  if (!/^[A-Za-z0-9._-]+$/.test(name)) throw noLogins("the credential helper is not a program name");
  const program = `docker-credential-${name}`;
  const { exitCode, stdout } = await runProgram(program, ["get"], {
    input: `${server}\n`,
    timeoutMs: helperTimeoutMs,
    maxOutput: limits.login,
  }).catch((error: unknown) => {
    const found = error instanceof TooMuchOutput ? error.message : "no such program";
    throw helperFailed(program, server, found);
  });
  if (exitCode !== 0) {
    // The message that the protocol defines for: no login for this server.
    if (/credentials not found/i.test(stdout.toString())) return undefined;
    throw helperFailed(program, server, `exit code ${exitCode}`);
  }
  const answer = jsonOf(stdout);
  if (!isRecord(answer)) throw helperFailed(program, server, "the response is not JSON");
  const { Username, Secret } = answer;
  if (typeof Username !== "string" || Username === "") return undefined;
  // The user name that the protocol defines for a token instead of a password.
  if (Username === "<token>") return typeof Secret === "string" && Secret !== "" ? bearer(Secret) : undefined;
  return basic(Username, typeof Secret === "string" ? Secret : "");
}

/** A helper may prompt for a password; one that waits in vain must end. */
const helperTimeoutMs = 60_000;

function helperFailed(program: string, server: string, found: string): SealiftError {
  const expected = `the login of ${server}`;
  const fix = "install the helper, or log in with docker login or oras login";
  return new SealiftError([{ where: configFile(), code: "E_TOOL", subject: program, found, expected, fix }]);
}
