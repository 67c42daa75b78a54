/**
 * Where the text of an environment's site is: in its own file `<env>.site.yaml`, which Pulumi neither writes nor deletes; or, in
 * older checkouts, in the stack file below `sealift:site`. docs/decisions/0022 gives the reasons.
 */
import { readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { refuse, type Problem } from "../errors.ts";
import { subject } from "../shown.ts";
import type { ValueOrigins } from "./layers/layered-values.ts";
import { isObject, type Values } from "./layers/values.ts";
import { operatorPlaces, type Locate, type Path } from "../document/locate.ts";
import { operatorYaml } from "../document/parse-yaml.ts";

export interface SiteText {
  /** Path of the site file, relative to the checkout. */
  readonly file: string;
  /** The site as written there, with the stack's secrets; undefined when there is none. */
  readonly value: unknown;
}

/** Stands for the file of a site that a program has written. */
export const programSite = "site";

/** A place in such a site: `site.hosts[1].address`. */
export const programPlace: Locate = (path, key) => {
  const full = key === undefined ? path : [...path, key];
  return full.length === 0 ? programSite : `${programSite}.${subject(full)}`;
};

/** The part of a site that stays in the stack file when the site has its own file. */
export const secretsKey = "passwordHashes";

/**
 * @param configured the value of `sealift:site` in the stack's configuration; undefined when it has none.
 * @param folder of the environments: stackConfigDir of Pulumi.yaml.
 * @throws {SealiftError} E_YAML and E_TYPE when the file is not a YAML map; E_CONFLICT when the stack file has more of the site
 * than its secrets; E_SECRET_PLAIN for secrets in the site file.
 */
export function siteText(environment: string, configured: unknown, folder = "stacks"): SiteText {
  const stackFile = stackFileOf(environment, folder);
  const file = siteFileOf(environment, folder);
  const text = textOf(file);
  if (text === undefined) return { file: stackFile, value: configured };
  const written = operatorYaml(text, file) ?? {};
  const place = operatorPlaces(file, text, []);
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

/** The site file, which only people edit. */
export function siteFileOf(environment: string, folder = "stacks"): string {
  return `${folder}/${environment}.site.yaml`;
}

/** The environment of a file: `Pulumi.prod.yaml` and `prod.site.yaml` belong to `prod`. */
export function environmentOfName(name: string): string | undefined {
  return /^Pulumi\.(.+)\.yaml$/.exec(name)?.[1] ?? /^(.+)\.site\.yaml$/.exec(name)?.[1];
}

/**
 * Locations and texts of a site. Problems of a secret are reported in the stack file, which has it.
 *
 * @param file as `siteText` returns it.
 */
export function placesOf(file: string): { readonly place: Locate; readonly texts: readonly string[] } {
  if (file === programSite) return { place: programPlace, texts: [] };
  const text = textOf(file) ?? "";
  const name = basename(file);
  const inStack = ["config", "sealift:site"];
  if (name.startsWith("Pulumi.") || !name.endsWith(".site.yaml"))
    return { place: operatorPlaces(file, text, inStack), texts: [text] };
  const stackFile = stackFileOf(environmentOfName(name) ?? "", dirname(file));
  const stackText = textOf(stackFile) ?? "";
  const own = operatorPlaces(file, text, []);
  const stack = operatorPlaces(stackFile, stackText, inStack);
  const isSecret = (path: Path, key?: string): boolean => (path[0] ?? key) === secretsKey;
  return {
    place: (path, key) => (isSecret(path, key) ? stack : own)(path, key),
    texts: [text, stackText],
  };
}

/**
 * Gives each user the hash that `passwordHashes` has for the name, wherever the user is written.
 *
 * @param origins gets the origin of each hash.
 * @param place of the whole.
 */
export function withPasswordHashes(value: unknown, origins: ValueOrigins, place: Locate): unknown {
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
    found: "no keys",
    expected: "a map with the keys of a site: bundle, hosts and others",
    fix: "use stacks/example.site.yaml as a template",
  };
}

function plainSecrets(where: string): Problem {
  return {
    where,
    code: "E_SECRET_PLAIN",
    subject: secretsKey,
    found: "hashes in clear text",
    expected: "no secrets in this file, because it is under version control",
    fix: `remove them, choose new passwords, and set each hash with pulumi config set --secret --path 'sealift:site.${secretsKey}.<user>'`,
  };
}

/** Sealift does not merge two texts of one site. */
function writtenTwice(configured: unknown, stackFile: string, file: string): readonly Problem[] {
  if (configured === undefined) return [];
  const place = operatorPlaces(stackFile, textOf(stackFile) ?? "", ["config", "sealift:site"]);
  const keys = isObject(configured) ? Object.keys(configured).filter((key) => key !== secretsKey) : [""];
  return keys.map((key) => ({
    where: key === "" ? place([]) : place([], key),
    code: "E_CONFLICT" as const,
    subject: key === "" ? "sealift:site" : key,
    found: `a part of the site, in addition to ${file}`,
    expected: `the site only in ${file}, and here only ${secretsKey}`,
    fix: `move it to ${file}; for a password hash, run pulumi config set --secret --path 'sealift:site.${secretsKey}.<user>'`,
  }));
}
