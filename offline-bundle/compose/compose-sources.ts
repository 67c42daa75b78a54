/** The texts of a project's Compose files: what they include, and where a value of the model stands in them. */
import { dirname, isAbsolute, join, normalize } from "node:path";
import { operatorPlaces } from "../../modules/core/document/locate.ts";
import { operatorYaml } from "../../modules/core/document/parse-yaml.ts";
import type { Problem } from "../../modules/core/errors.ts";
import { isRecord } from "../io/json.ts";
import { printable } from "../io/printable.ts";
import type { ProjectFile } from "./project-files.ts";

/** Path of a value in the model: `services`, `web`, `image`. */
export type ModelPath = readonly (string | number)[];

export interface ComposeSources {
  /** `file:line:column` of a value, or of one of its keys, in the first file that has it. */
  readonly locate: (path: ModelPath, key?: string) => string;
  /** Paths of the files with which included projects are interpolated. */
  readonly environments: readonly string[];
  /** E_APP_REMOTE: what compose would fetch from a network. */
  readonly remote: readonly Problem[];
}

/**
 * @param main path of the Compose file in the project.
 * @param shown the folder of the project, for messages.
 * @throws {SealiftError} E_YAML
 */
export function composeSources(files: readonly ProjectFile[], main: string, shown: string): ComposeSources {
  const read: { readonly value: unknown; readonly place: ReturnType<typeof operatorPlaces> }[] = [];
  const remote: Problem[] = [];
  const environments: string[] = [];
  const queue = [main];
  for (const path of queue) {
    const file = files.find((one) => one.path === path);
    // Compose reports a file that does not exist.
    if (file === undefined) continue;
    const name = join(shown, path);
    const text = file.content.toString();
    const value = operatorYaml(text, name);
    const place = operatorPlaces(name, text, []);
    read.push({ value, place });
    environments.push(...environmentsOf(value).map((one) => normalize(join(dirname(path), one))));
    for (const { target, at } of referencesOf(value)) {
      if (isRemote(target)) remote.push(remoteProblem(target, place(at)));
      else {
        const next = normalize(join(dirname(path), target));
        if (!queue.includes(next)) queue.push(next);
      }
    }
  }
  return {
    ...{ remote, environments },
    locate: (path, key) => {
      const holder = read.find(({ value }) => has(value, path)) ?? read[0];
      return holder === undefined ? join(shown, main) : holder.place(path, key);
    },
  };
}

function has(value: unknown, path: ModelPath): boolean {
  let inner = value;
  for (const key of path) {
    if (typeof inner !== "object" || inner === null || !Object.hasOwn(inner, key)) return false;
    inner = (inner as Readonly<Record<string | number, unknown>>)[key];
  }
  return true;
}

/** Files that `include` and `extends` name (compose-spec, 14-include.md and 05-services.md). */
function referencesOf(value: unknown): readonly { readonly target: string; readonly at: ModelPath }[] {
  if (!isRecord(value)) return [];
  const list = Array.isArray(value["include"]) ? value["include"] : [];
  const included = list.flatMap((one: unknown, index) => {
    const at = ["include", index];
    if (typeof one === "string") return [{ target: one, at }];
    const path = isRecord(one) ? one["path"] : undefined;
    return [path].flat().flatMap((target) => (typeof target === "string" ? [{ target, at }] : []));
  });
  const services = isRecord(value["services"]) ? value["services"] : {};
  const extended = Object.entries(services).flatMap(([name, service]) => {
    const base = isRecord(service) ? service["extends"] : undefined;
    const target = isRecord(base) ? base["file"] : undefined;
    return typeof target === "string" ? [{ target, at: ["services", name, "extends"] }] : [];
  });
  return [...included, ...extended];
}

/** Files of `include[].env_file`. Beside an included file, compose reads .env. */
function environmentsOf(value: unknown): readonly string[] {
  const list: readonly unknown[] = isRecord(value) && Array.isArray(value["include"]) ? value["include"] : [];
  return list
    .flatMap((one): readonly unknown[] => (isRecord(one) ? [one["env_file"]].flat() : []))
    .filter((one) => typeof one === "string");
}

/** As compose recognizes resources of registries and git repositories, what looks like an address, and files of this machine alone. */
function isRemote(target: string): boolean {
  const [start = ""] = target.split("/");
  return isAbsolute(target) || start.includes(":") || start === "github.com" || /\.git(#|$)/.test(target);
}

function remoteProblem(target: string, where: string): Problem {
  return {
    where,
    code: "E_APP_REMOTE",
    subject: "include",
    found: printable(target),
    expected: "a file below the folder of the Compose file: the air-gapped side cannot fetch another one",
    fix: "copy the included project into the folder, and include it by its path",
  };
}
