/** Whether a lock has everything that the environments use: checked before a bundle is built, packed or verified. */
import { hostAppProblems } from "../../offline-bundle/locking/host-app-problems.ts";
import { hostImageProblem } from "../../offline-bundle/fetching/image-platforms.ts";
import type { Lock } from "../../offline-bundle/spec/lock-file.ts";
import { type Problem, SealiftError } from "../core/errors.ts";
import type { Composed } from "../core/site/layers/compose.ts";
import { completeSite, composeSite } from "../core/site/site.ts";
import { stackFileOf } from "../core/site/site-text.ts";
import { type HostSpec, needsAge } from "../core/site/site-spec.ts";
import { seriesResolver } from "./resolve-version.ts";
import { ownEnvironments, readStackFile } from "./stack-file.ts";

export interface LockCoverage {
  /** The files that were read; a file without a site uses nothing. */
  readonly files: readonly string[];
  /** Hosts of all files together. */
  readonly hosts: number;
  /** E_NOT_IN_LOCK for everything without a pin, and the problems of the files themselves. */
  readonly problems: readonly Problem[];
}

/**
 * Reads every environment of a folder, without the examples beside a site's own, and looks up each reference in the lock. Needs
 * no host, no bundle and no network.
 *
 * @param folder of the environments.
 */
export function lockCoverage(lock: Lock, folder = "stacks"): LockCoverage {
  const names = ownEnvironments(folder);
  const none: readonly Problem[] = names.length > 0 ? [] : [noStacks(folder)];
  const all = names.map((name) => coverageOfFile(lock, name, folder));
  return {
    files: all.map(({ file }) => file),
    hosts: all.reduce((sum, { hosts }) => sum + hosts, 0),
    problems: [...none, ...all.flatMap(({ problems }) => problems)],
  };
}

/** An item of the bundle that a host uses. */
interface Reference {
  /** The option that refers to it: `engine.version`. */
  readonly option: string;
  readonly where: string;
  /** Its name in the lock. */
  readonly kind: "engine" | "binary" | "archive";
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
    const { hosts } = completeSite(composed, seriesResolver(lock));
    const references = hosts.flatMap((host, at) => [
      ...referencesOf(host, at, composed),
      ...ageOf(host, composed),
      ...backupProgramsOf(host, composed),
    ]);
    const images = hosts.flatMap((host) => imagesMissing(host, file, lock));
    const apps = hosts.flatMap((host) => hostAppProblems(host, lock, (name) => placeOfApp(name, composed)));
    return { file, hosts: hosts.length, problems: [...missing(references, lock), ...images, ...apps] };
  } catch (error) {
    if (!(error instanceof SealiftError)) throw error;
    return { file: path, hosts: 0, problems: error.problems };
  }
}

function placeOfApp(name: string, { value, origins }: Composed): string {
  const { apps = [] } = value as { readonly apps?: readonly { readonly name: string }[] };
  return origins.locate(["apps", apps.findIndex((app) => app.name === name)]);
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

/** The program for secrets, on hosts that have some and on managers of a swarm that is locked. */
function ageOf(spec: HostSpec, { origins }: Pick<Composed, "origins">): Reference[] {
  const { name: host, architecture, secrets } = spec;
  if (secrets === undefined || !needsAge(spec)) return [];
  const where = origins.locate(["secrets", "age"]);
  const platform = `linux/${architecture}`;
  const { age: version } = secrets;
  return [{ option: "secrets.age", where, kind: "archive", name: "age", version, platform, host }];
}

/** restic and rest-server, on hosts that make or store backups. */
function backupProgramsOf(
  { name: host, architecture, backup, store }: HostSpec,
  { origins }: Pick<Composed, "origins">,
): Reference[] {
  const platform = `linux/${architecture}`;
  const programs = [
    ["restic", "restic", backup?.restic ?? store?.restic],
    ["rest-server", "restServer", store?.restServer],
  ] as const;
  return programs.flatMap(([name, key, version]) => {
    if (version === undefined) return [];
    const where = origins.locate(["backups", key]);
    return [{ option: `backups.${key}`, where, kind: "archive" as const, name, version, platform, host }];
  });
}

/** Hosts that use the same item through the same line are reported together. */
function missing(references: readonly Reference[], lock: Lock): readonly Problem[] {
  const absent = references.filter((one) => !lock.files.some((file) => answers(file, one)));
  const groups = Map.groupBy(absent, ({ where, option, platform }) => `${where} ${option} ${platform}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [uncovered(first, group.map(({ host }) => host).join(", "), lock)];
  });
}

function answers(file: Lock["files"][number], { kind, name, version, platform }: Reference): boolean {
  // Engines are matched by version, whatever name a team has given them.
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
    code: "E_NOT_IN_LOCK",
    subject: `${hosts} ${option}`,
    found: `${name} ${version} for ${platform}`,
    expected: `a pin of the lock: ${held.join(", ") || `none for ${name}`}`,
    fix: "add it to bundle.yaml and run sealift bundle lock, or choose a pinned version",
  };
}

function imagesMissing({ name, images, architecture }: HostSpec, where: string, lock: Lock): Problem[] {
  return images.flatMap((image) =>
    hostImageProblem(image, `linux/${architecture}`, lock.images, {
      where,
      subject: `${name} images`,
      code: "E_NOT_IN_LOCK",
      holder: "a pin of the lock",
      fix: "add it to bundle.yaml and run sealift bundle lock, or choose a pinned image",
    }),
  );
}

function noStacks(folder: string): Problem {
  return {
    where: folder,
    code: "E_SITE_MISSING",
    subject: "Pulumi.*.yaml, *.site.yaml",
    found: "no environment",
    expected: "a folder with environments",
    fix: "run the command in the checkout, or pass the folder: --stacks <folder>",
  };
}
