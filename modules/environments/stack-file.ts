/** The site of an environment, read without Pulumi. Values that Pulumi has encrypted are not decrypted. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { sizeProblems } from "./config-size.ts";
import { SealiftError, type Problem } from "../core/errors.ts";
import { environmentOfName, siteFileOf, siteText, stackFileOf } from "../core/site/site-text.ts";
import { operatorYaml } from "../core/document/parse-yaml.ts";

export interface StackFile {
  /** The path of the site file, relative to the checkout. */
  readonly file: string;
  /** The site as written, with `closedSecret` for secrets; undefined when there is none. */
  readonly value: unknown;
  /** The paths of its secrets, as a person would write them: `users[0].passwordHash`. */
  readonly unread: readonly string[];
  /** Problems of the stack file as a whole: E_CONFIG_TOO_LARGE. */
  readonly problems: readonly Problem[];
}

/** Placeholder for an encrypted secret: it passes the schema, and steps that need it must not be checked. */
export const closedSecret = "$6$closed.secret.of.the.stack";

/**
 * @param folder of the environments: stackConfigDir of Pulumi.yaml.
 * @throws {SealiftError} E_SITE_MISSING when there is no such environment, E_YAML when it is not YAML.
 */
export function readStackFile(environment: string, folder = "stacks"): StackFile {
  const file = stackFileOf(environment, folder);
  const text = readText(file, environment, folder);
  const { config: written } = (operatorYaml(text, file) ?? {}) as { config?: Record<string, unknown> | null };
  // An empty `config:` is null in YAML.
  const config = written ?? {};
  const unread: string[] = [];
  return {
    ...siteText(environment, open(config["sealift:site"], "", unread), folder),
    unread,
    problems: sizeProblems(config, file),
  };
}

/** Pulumi writes a secret as an object with the single key `secure` (Pulumi 3.259, config of a stack). */
function open(value: unknown, place: string, unread: string[]): unknown {
  if (isSecret(value)) {
    unread.push(place.replace(/^\./, "") || "sealift:site");
    return closedSecret;
  }
  if (Array.isArray(value)) return value.map((item, at) => open(item, `${place}[${at}]`, unread));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, open(member, `${place}.${key}`, unread)]),
  );
}

function isSecret(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const [entry, ...more] = Object.entries(value);
  return more.length === 0 && entry?.[0] === "secure" && typeof entry[1] === "string";
}

function readText(file: string, environment: string, folder: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // Pulumi creates its own file with the stack; the site file may be older.
    if (existsSync(siteFileOf(environment, folder))) return "";
    throw new SealiftError([missing(file, environment, folder)]);
  }
}

function missing(file: string, environment: string, folder: string): Problem {
  return {
    where: file,
    code: "E_SITE_MISSING",
    subject: environment,
    found: "no such file",
    expected: `an environment of this checkout: ${environments(folder).join(", ") || "none defined"}`,
    fix: `choose one of these, or create stacks/${environment}.site.yaml with sealift init; run the command in the checkout`,
  };
}

/** Names of all environments of a checkout. @param folder stackConfigDir of Pulumi.yaml. */
export function environments(folder = "stacks"): string[] {
  try {
    return [...new Set(readdirSync(folder).flatMap((name) => environmentOfName(name) ?? []))].toSorted();
  } catch {
    return [];
  }
}

/**
 * The environments to use when none is given: all but the examples, `example` and `example-…`; the examples where there are no
 * others, as in a fresh checkout.
 */
export function ownEnvironments(folder = "stacks"): string[] {
  const all = environments(folder);
  const own = all.filter((name) => !/^example(-|$)/.test(name));
  return own.length > 0 ? own : all;
}

/** The problem of a stack file without a site, such as that of another project. */
export function siteMissing(file: string): Problem {
  const keys = configKeys(file);
  return {
    where: file,
    code: "E_SITE_MISSING",
    subject: "sealift:site",
    found: keys.length === 0 ? "nothing" : `the keys ${keys.join(", ")}`,
    expected: "a site, in this file or in <env>.site.yaml",
    fix:
      keys.length === 0
        ? "create <env>.site.yaml in the same folder: run sealift init, or copy stacks/example.site.yaml"
        : "check whether this stack belongs to another project; in a stack file, the site is the value of sealift:site",
  };
}

function configKeys(file: string): string[] {
  try {
    const { config } = (operatorYaml(readFileSync(file, "utf8"), file) ?? {}) as { config?: object };
    return Object.keys(config ?? {});
  } catch {
    return [];
  }
}
