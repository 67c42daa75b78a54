/** An environment's file, read without Pulumi. Values that Pulumi has encrypted stay closed. */
import { readdirSync, readFileSync } from "node:fs";
import { parseDocument } from "yaml";
import { SealiftError, type Problem } from "./core/errors.ts";

export interface StackFile {
  /** The path, relative to the checkout. */
  readonly file: string;
  /** The value of `sealift:site` without what is secret; undefined when there is none. */
  readonly value: unknown;
  /** The places of the secrets in it, as a person would write them: `users[0].passwordHash`. */
  readonly unread: readonly string[];
}

/**
 * @param folder where the environments are: stackConfigDir of Pulumi.yaml.
 * @throws {SealiftError} E_SITE_MISSING when there is no such environment, E_YAML when it is no YAML.
 */
export function readStackFile(environment: string, folder = "stacks"): StackFile {
  const file = `${folder}/Pulumi.${environment}.yaml`;
  const document = parseDocument(readText(file, environment, folder));
  const [error] = document.errors;
  if (error !== undefined) {
    const { line = 1, col = 1 } = error.linePos?.[0] ?? {};
    throw new SealiftError([
      {
        where: `${file}:${line}:${col}`,
        code: "E_YAML",
        subject: "the file",
        got: error.code,
        expected: "YAML 1.2",
        todo: "mend what stands at this place",
      },
    ]);
  }
  const { config } = (document.toJS() ?? {}) as { config?: Record<string, unknown> };
  const unread: string[] = [];
  return { file, value: open(config?.["sealift:site"], "", unread), unread };
}

/** Pulumi writes a secret as an object with the one key `secure` (Pulumi 3.259, config of a stack). */
function open(value: unknown, place: string, unread: string[]): unknown {
  if (isSecret(value)) {
    unread.push(place.replace(/^\./, "") || "sealift:site");
    return undefined;
  }
  if (Array.isArray(value)) {
    const items: unknown[] = value;
    return items.flatMap((item, at) => present(open(item, `${place}[${at}]`, unread)));
  }
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).flatMap(([key, member]) =>
    present(open(member, `${place}.${key}`, unread)).map((opened) => [key, opened] as const),
  );
  return Object.fromEntries(members);
}

function isSecret(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const [entry, ...more] = Object.entries(value);
  return more.length === 0 && entry?.[0] === "secure" && typeof entry[1] === "string";
}

function present(value: unknown): unknown[] {
  return value === undefined ? [] : [value];
}

function readText(file: string, environment: string, folder: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
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
    todo: "name one of these, or copy stacks/Pulumi.example.yaml; run this in the checkout",
  };
}

function environments(folder: string): string[] {
  try {
    return readdirSync(folder)
      .flatMap((name) => /^Pulumi\.(.+)\.yaml$/.exec(name)?.[1] ?? [])
      .toSorted();
  } catch {
    return [];
  }
}
