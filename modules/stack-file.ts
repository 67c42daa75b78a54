/** The site of an environment, read without Pulumi. Values that Pulumi has encrypted stay closed. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { sizeProblems } from "./config-size.ts";
import { SealiftError, type Problem } from "./core/errors.ts";
import { environmentOfName, siteFileOf, siteText, stackFileOf } from "./core/site-text.ts";
import { yamlValue } from "./core/yaml-text.ts";

export interface StackFile {
  /** The path of the file that the site is written in, relative to the checkout. */
  readonly file: string;
  /** The site as it is written, with `closedSecret` for what is secret; undefined when there is none. */
  readonly value: unknown;
  /** The places of the secrets in it, as a person would write them: `users[0].passwordHash`. */
  readonly unread: readonly string[];
  /** What is wrong with the stack's file as a whole: E_SITE_SIZE. */
  readonly problems: readonly Problem[];
}

/** Stands for a secret that nobody has opened: it passes the schema, and no step that needs it may be looked at. */
export const closedSecret = "$6$closed.secret.of.the.stack";

/**
 * @param folder where the environments are: stackConfigDir of Pulumi.yaml.
 * @throws {SealiftError} E_SITE_MISSING when there is no such environment, E_YAML when it is no YAML.
 */
export function readStackFile(environment: string, folder = "stacks"): StackFile {
  const file = stackFileOf(environment, folder);
  const text = readText(file, environment, folder);
  const { config: written } = (yamlValue(text, file) ?? {}) as { config?: Record<string, unknown> | null };
  // YAML's null is what `config:` with nothing below it says.
  const config = written ?? {};
  const unread: string[] = [];
  return {
    ...siteText(environment, open(config["sealift:site"], "", unread), folder),
    unread,
    problems: sizeProblems(config, file),
  };
}

/** Pulumi writes a secret as an object with the one key `secure` (Pulumi 3.259, config of a stack). */
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
    // Pulumi makes its own file with the stack; the site's text may be older.
    if (existsSync(siteFileOf(environment, folder))) return "";
    throw new SealiftError([missing(file, environment, folder)]);
  }
}

function missing(file: string, environment: string, folder: string): Problem {
  return {
    where: file,
    code: "E_SITE_MISSING",
    subject: environment,
    got: "no such file",
    expected: `an environment of this checkout: ${environments(folder).join(", ") || "there is none"}`,
    todo: `name one of these, or write stacks/${environment}.site.yaml with sealift init; run this in the checkout`,
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
 * The environments that are meant when nobody names one: all but those that are there to be copied, `example` and `example-…`; these
 * themselves where there are no others, as in a fresh checkout.
 */
export function ownEnvironments(folder = "stacks"): string[] {
  const all = environments(folder);
  const own = all.filter((name) => !/^example(-|$)/.test(name));
  return own.length > 0 ? own : all;
}

/** What is told of a stack file without a site, as that of another project is. */
export function siteMissing(file: string): Problem {
  const keys = configKeys(file);
  return {
    where: file,
    code: "E_SITE_MISSING",
    subject: "sealift:site",
    got: keys.length === 0 ? "nothing" : `the keys ${keys.join(", ")}`,
    expected: "a site, here or in <env>.site.yaml",
    todo:
      keys.length === 0
        ? "write <env>.site.yaml beside it: sealift init, or a copy of stacks/example.site.yaml"
        : "see whether this is the stack of another project; a site's file has all of it below sealift:site",
  };
}

function configKeys(file: string): string[] {
  try {
    const { config } = (yamlValue(readFileSync(file, "utf8"), file) ?? {}) as { config?: object };
    return Object.keys(config ?? {});
  } catch {
    return [];
  }
}
