/** Whether a lock holds everything that any environment asks for: before anything is built, carried or looked at. */
import { hostImageProblem } from "../offline-bundle/image-platforms.ts";
import type { Lock } from "../offline-bundle/lock-file.ts";
import { type Problem, SealiftError } from "./core/errors.ts";
import type { Composed } from "./core/layers/compose.ts";
import { completeSite, composeSite } from "./core/site.ts";
import { stackFileOf } from "./core/site-text.ts";
import type { HostSpec } from "./core/site-spec.ts";
import { linesIn } from "./lines.ts";
import { ownEnvironments, readStackFile } from "./stack-file.ts";

export interface Coverage {
  /** The files that were read; one without a site asks for nothing. */
  readonly files: readonly string[];
  /** Hosts of all files together. */
  readonly hosts: number;
  /** E_BUNDLE_COVERAGE for what no pin answers, and everything that is wrong in the files themselves. */
  readonly problems: readonly Problem[];
}

/**
 * Reads every environment of a folder, but no examples beside a site's own, and looks each reference up in the lock. Needs no host,
 * no bundle and no network.
 *
 * @param folder where the environments are.
 */
export function coverageOf(lock: Lock, folder = "stacks"): Coverage {
  const names = ownEnvironments(folder);
  const none: readonly Problem[] = names.length > 0 ? [] : [noStacks(folder)];
  const all = names.map((name) => coverageOfFile(lock, name, folder));
  return {
    files: all.map(({ file }) => file),
    hosts: all.reduce((sum, { hosts }) => sum + hosts, 0),
    problems: [...none, ...all.flatMap(({ problems }) => problems)],
  };
}

/** Something of the bundle that a host asks for. */
interface Reference {
  /** The option that names it: `engine.version`. */
  readonly option: string;
  readonly where: string;
  /** What it is called in the lock. */
  readonly kind: "engine" | "binary";
  readonly name: string;
  readonly version: string;
  readonly platform: string;
  readonly host: string;
}

function coverageOfFile(
  lock: Lock,
  environment: string,
  folder: string,
): { readonly file: string; readonly hosts: number; readonly problems: readonly Problem[] } {
  const path = stackFileOf(environment, folder);
  try {
    const { file, value } = readStackFile(environment, folder);
    if (value === undefined) return { file, hosts: 0, problems: [] };
    const composed = composeSite(value, file);
    const { hosts } = completeSite(composed, linesIn(lock));
    const references = hosts.flatMap((host, at) => referencesOf(host, at, composed));
    const images = hosts.flatMap((host) => imagesMissing(host, file, lock));
    return { file, hosts: hosts.length, problems: [...missing(references, lock), ...images] };
  } catch (error) {
    if (!(error instanceof SealiftError)) throw error;
    return { file: path, hosts: 0, problems: error.problems };
  }
}

const options = [
  { key: "version", kind: "engine", name: "docker" },
  { key: "compose", kind: "binary", name: "compose" },
  { key: "buildx", kind: "binary", name: "buildx" },
] as const;

function referencesOf(host: HostSpec, at: number, { value, origins }: Composed): Reference[] {
  const own = (value as { readonly hosts: readonly Partial<Pick<HostSpec, "engine" | "images">>[] }).hosts[
    at
  ];
  return options.flatMap(({ key, kind, name }) => {
    const version = host.engine[key];
    if (version === undefined) return [];
    const path = own?.engine?.[key] === undefined ? [] : ["hosts", at];
    const where = origins.locate([...path, "engine", key]);
    const platform = `linux/${host.architecture}`;
    return { option: `engine.${key}`, where, kind, name, version, platform, host: host.name };
  });
}

/** Hosts that ask for the same by the same line are told together. */
function missing(references: readonly Reference[], lock: Lock): readonly Problem[] {
  const absent = references.filter((one) => !lock.files.some((file) => answers(file, one)));
  const groups = Map.groupBy(absent, ({ where, option, platform }) => `${where} ${option} ${platform}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [uncovered(first, group.map(({ host }) => host).join(", "), lock)];
  });
}

function answers(file: Lock["files"][number], { kind, name, version, platform }: Reference): boolean {
  // An engine is one whatever a team has called it.
  const named = kind === "engine" || file.name === name;
  return named && file.kind === kind && file.version === version && file.platform === platform;
}

function uncovered(reference: Reference, hosts: string, lock: Lock): Problem {
  const { where, option, kind, name, version, platform } = reference;
  const held = lock.files
    .filter((file) => file.kind === kind && (kind === "engine" || file.name === name))
    .map((file) => `${file.version} (${file.platform})`);
  return {
    where,
    code: "E_BUNDLE_COVERAGE",
    subject: `${hosts} ${option}`,
    got: `${name} ${version} for ${platform}`,
    expected: `a pin of the lock: ${held.join(", ") || `it holds no ${name}`}`,
    todo: "add it to bundle.yaml and run sealift bundle lock, or name one that is pinned",
  };
}

function imagesMissing({ name, images, architecture }: HostSpec, where: string, lock: Lock): Problem[] {
  return images.flatMap((image) =>
    hostImageProblem(image, `linux/${architecture}`, lock.images, {
      where,
      subject: `${name} images`,
      code: "E_BUNDLE_COVERAGE",
      holder: "a pin of the lock",
      todo: "add it to bundle.yaml and run sealift bundle lock, or name one that is pinned",
    }),
  );
}

function noStacks(folder: string): Problem {
  return {
    where: folder,
    code: "E_SITE_MISSING",
    subject: "Pulumi.*.yaml, *.site.yaml",
    got: "no environment",
    expected: "the folder of the environments",
    todo: "name it: --stacks <folder>; run this in the checkout",
  };
}
