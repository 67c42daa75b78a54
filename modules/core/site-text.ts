/**
 * Where the text of an environment's site lies: in a file of its own, `<env>.site.yaml`, which Pulumi neither writes nor deletes; or, as
 * in checkouts that are older, in the stack's own file below `sealift:site`. docs/decisions/0022 says why.
 */
import { readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { refuse, type Problem } from "./errors.ts";
import type { Origins } from "./layers/traced.ts";
import { isObject, type Values } from "./layers/values.ts";
import { locate, type Locate, type Path } from "./locate.ts";
import { yamlValue } from "./yaml-text.ts";

export interface SiteText {
  /** Path of the file that a person writes the site in, relative to the checkout. */
  readonly file: string;
  /** The site as it is written there, with the stack's secrets; undefined when there is none. */
  readonly value: unknown;
}

/** What the stack's file holds of a site whose text lies in a file of its own. */
export const secretsKey = "passwordHashes";

/**
 * @param configured the value of `sealift:site` in the stack's configuration; undefined when it has none.
 * @param folder where the environments are: stackConfigDir of Pulumi.yaml.
 * @throws {SealiftError} E_YAML and E_TYPE when the file is no map of YAML; E_CONFLICT for what the stack's file says of the site besides its
 * secrets; E_SECRET_PLAIN for secrets in the site's file.
 */
export function siteText(environment: string, configured: unknown, folder = "stacks"): SiteText {
  const stackFile = stackFileOf(environment, folder);
  const file = siteFileOf(environment, folder);
  const text = textOf(file);
  if (text === undefined) return { file: stackFile, value: configured };
  const written = yamlValue(text, file) ?? {};
  const place = locate(file, text, []);
  if (!isObject(written)) refuse([noMap(place([]))]);
  const site = written as Values;
  refuse([
    ...(Object.hasOwn(site, secretsKey) ? [plainSecrets(place([], secretsKey))] : []),
    ...writtenTwice(configured, stackFile, file),
  ]);
  const secrets = isObject(configured) ? configured[secretsKey] : undefined;
  return { file, value: secrets === undefined ? site : { ...site, [secretsKey]: secrets } };
}

/** Pulumi's own file of a stack. */
export function stackFileOf(environment: string, folder = "stacks"): string {
  return `${folder}/Pulumi.${environment}.yaml`;
}

/** The file that only people write. */
export function siteFileOf(environment: string, folder = "stacks"): string {
  return `${folder}/${environment}.site.yaml`;
}

/** The environment that a file of this name is of: `Pulumi.prod.yaml` and `prod.site.yaml` are of `prod`. */
export function environmentOfName(name: string): string | undefined {
  return /^Pulumi\.(.+)\.yaml$/.exec(name)?.[1] ?? /^(.+)\.site\.yaml$/.exec(name)?.[1];
}

/**
 * Places and texts of a site. What is wrong with a secret is shown in the stack's file, where it stands.
 * @param file as `siteText` gives it.
 */
export function placesOf(file: string): { readonly place: Locate; readonly texts: readonly string[] } {
  const text = textOf(file) ?? "";
  const name = basename(file);
  const inStack = ["config", "sealift:site"];
  if (name.startsWith("Pulumi.") || !name.endsWith(".site.yaml"))
    return { place: locate(file, text, inStack), texts: [text] };
  const stackFile = stackFileOf(environmentOfName(name) ?? "", dirname(file));
  const stackText = textOf(stackFile) ?? "";
  const own = locate(file, text, []);
  const stack = locate(stackFile, stackText, inStack);
  const isSecret = (path: Path, key?: string): boolean => (path[0] ?? key) === secretsKey;
  return {
    place: (path, key) => (isSecret(path, key) ? stack : own)(path, key),
    texts: [text, stackText],
  };
}

/**
 * Gives each user the hash that `passwordHashes` has for their name, wherever the user is written.
 * @param origins told where each hash came from. @param place of the whole.
 */
export function withPasswordHashes(value: unknown, origins: Origins, place: Locate): unknown {
  if (!isObject(value) || !isObject(value[secretsKey])) return value;
  const hashes = value[secretsKey];
  const given = (users: unknown, at: Path): unknown =>
    Array.isArray(users)
      ? users.map((user: unknown, index) => {
          if (!isObject(user) || typeof user["name"] !== "string" || !Object.hasOwn(hashes, user["name"]))
            return user;
          if (Object.hasOwn(user, "passwordHash")) return user;
          const { name } = user;
          origins.set([...at, index, "passwordHash"], { place, path: [secretsKey, name], what: "site" });
          return { ...user, passwordHash: hashes[name] };
        })
      : users;
  const section = (values: Values, at: Path): Values =>
    Object.hasOwn(values, "users") ? { ...values, users: given(values["users"], [...at, "users"]) } : values;
  const { hosts } = value;
  return {
    ...section(value, []),
    ...(Array.isArray(hosts)
      ? {
          hosts: hosts.map((host: unknown, index) =>
            isObject(host) ? section(host, ["hosts", index]) : host,
          ),
        }
      : {}),
  };
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function noMap(where: string): Problem {
  return {
    where,
    code: "E_TYPE",
    subject: "the site",
    got: "no keys",
    expected: "the keys of a site: bundle, hosts and what they share",
    todo: "write it like stacks/example.site.yaml",
  };
}

function plainSecrets(where: string): Problem {
  return {
    where,
    code: "E_SECRET_PLAIN",
    subject: secretsKey,
    got: "hashes in clear text",
    expected: "none in this file: it goes into version control as it is",
    todo: `remove them, make new passwords, and give each hash to pulumi config set --secret --path 'sealift:site.${secretsKey}.<user>'`,
  };
}

/** Two texts of one site would have to be merged by a person. */
function writtenTwice(configured: unknown, stackFile: string, file: string): readonly Problem[] {
  if (configured === undefined) return [];
  const place = locate(stackFile, textOf(stackFile) ?? "", ["config", "sealift:site"]);
  const keys = isObject(configured) ? Object.keys(configured).filter((key) => key !== secretsKey) : [""];
  return keys.map((key) => ({
    where: key === "" ? place([]) : place([], key),
    code: "E_CONFLICT" as const,
    subject: key === "" ? "sealift:site" : key,
    got: `a part of the site beside ${file}`,
    expected: `the site's text in ${file} alone; here only ${secretsKey}`,
    todo: `move it to ${file}; a password's hash: pulumi config set --secret --path 'sealift:site.${secretsKey}.<user>'`,
  }));
}
