/** Reads a Compose project for the lock: by the compose plugin, from a copy of exactly the files that the bundle will carry. */
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import type {
  ComposeProject,
  ComposeService,
  ProjectBind,
  StateMount,
} from "../../modules/core/host/compose-project.ts";
import { type Problem, refuse } from "../../modules/core/errors.ts";
import { visible } from "../../modules/core/visible.ts";
import { isRecord } from "../io/json.ts";
import { printable } from "../io/printable.ts";
import type { ImageSpec } from "../spec/bundle-spec.ts";
import { type ComposeModel, composeModel } from "./compose-plugin.ts";
import { type ComposeSources, composeSources } from "./compose-sources.ts";
import { pathsOfVolume, portsOf, rightsOf } from "./host-rights.ts";
import { entriesOf, hasVariable, listAt, recordAt, textAt } from "./model-values.ts";
import { completedServices, definitionOf } from "./service-definition.ts";
import { stackOf } from "./stack-definition.ts";
import {
  copyProject,
  pathInProject,
  type ProjectFile,
  projectFiles,
  type ProjectPlace,
} from "./project-files.ts";
import {
  environmentProblems,
  imageOf,
  serviceProblems,
  serviceWarnings,
  settingProblems,
  sharedProblems,
  volumeProblem,
} from "./service-rules.ts";

export interface ReadProject {
  /** What the bundle carries, sorted by path: without the files of secrets. */
  readonly files: readonly ProjectFile[];
  readonly project: ComposeProject;
  /** Of its services, each name and digest once. */
  readonly images: readonly ImageSpec[];
  /** What works, but not well. */
  readonly warnings: readonly Problem[];
}

/**
 * @param name of the application.
 * @param swarm a site may run it on its swarm.
 * @throws {SealiftError} E_TOOL; E_YAML; E_APP_COMPOSE when the plugin refuses the file; everything that cannot work on the air-gapped
 * side: E_APP_FILES, E_APP_REMOTE, E_APP_BUILD, E_APP_PULL, E_APP_IMAGE, E_APP_SECRET, E_APP_MOUNT, E_APP_SERVICE, E_APP_STACK.
 */
export async function readProject(name: string, place: ProjectPlace, swarm = false): Promise<ReadProject> {
  const all = await projectFiles(place);
  const sources = composeSources(all, place.file, place.shown);
  refuse(sources.remote);
  const work = await realpath(await mkdtemp(join(tmpdir(), "sealift-app-")));
  try {
    // So deep that a path with several `..` is recognized as one.
    const folder = join(work, "a/b/c/d/e/project");
    await copyProject(all, folder);
    const model = await composeModel(name, folder, place.file, join(work, "home"));
    if (typeof model === "string") refuse([refusedByCompose(model, sources)]);
    else return projectOf(model, { name, swarm, all, place, sources, work, folder });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  throw new Error("unreachable");
}

function refusedByCompose(found: string, { locate }: ComposeSources): Problem {
  // The plugin names the value with which it found fault: `services.web.image`.
  const path = found
    .split(/[\s:]+/)
    .find((word) => /^(services|volumes|networks|configs|secrets)\./.test(word));
  return {
    where: locate(path?.split(".") ?? []),
    code: "E_APP_COMPOSE",
    subject: "docker compose config",
    found: visible(found.slice(0, maxShown)),
    expected: "a Compose file that the compose plugin accepts",
    fix: "correct the file; docker compose config -q in its folder prints the same message",
  };
}

/** Characters of the plugin's message. */
const maxShown = 400;

/** What the model was read from. */
interface Reading {
  readonly name: string;
  readonly swarm: boolean;
  readonly all: readonly ProjectFile[];
  readonly place: ProjectPlace;
  readonly sources: ComposeSources;
  /** Contains the copy; `~` and paths above the project lie in it. */
  readonly work: string;
  readonly folder: string;
}

function projectOf(model: ComposeModel, reading: Reading): ReadProject {
  const { name: app, swarm, all, place, sources, folder } = reading;
  const problems: Problem[] = [...sharedProblems(model, sources)];
  const volumes = recordAt(model, "volumes");
  const services = entriesOf(model["services"]);
  const secretFiles = new Map<string, string>();
  for (const [name, secret] of entriesOf(model["secrets"])) {
    const file = textAt(secret, "file");
    if (file === undefined) problems.push(otherSecret(name, sources.locate(["secrets", name])));
    else secretFiles.set(name, pathInProject(file, folder) ?? "");
  }
  const envFiles = services.flatMap(([name, service]) =>
    listAt(service, "env_file").map((one) => {
      const path = isRecord(one) ? textAt(one, "path") : String(one);
      const required = !isRecord(one) || one["required"] !== false;
      return { name, required, path: pathInProject(path ?? "", folder) };
    }),
  );
  const local = new Set(secretFiles.values());
  const files = all.filter(({ path }) => !local.has(path));
  const held = (path: string): boolean =>
    path === "" || files.some((file) => file.path === path || file.path.startsWith(`${path}/`));

  const configs: Record<string, string> = {};
  for (const [name, config] of entriesOf(model["configs"])) {
    const file = textAt(config, "file");
    if (file === undefined) continue;
    const path = pathInProject(file, folder);
    if (path === undefined || !held(path))
      problems.push(notInProject(file, reading, sources.locate(["configs", name]), `configs ${name}`));
    else configs[name] = path;
  }
  // Compose reads it for every project.
  const defaults = files.find(({ path }) => path === ".env");
  if (defaults !== undefined)
    problems.push(...environmentProblems("the file .env", defaults, join(place.shown, defaults.path)));
  for (const file of files)
    if (file.path.split("/").at(-1) === ".env" || sources.environments.includes(file.path))
      problems.push(...settingProblems(file, join(place.shown, file.path)));
  const completed = completedServices(services);
  for (const { name, path, required } of envFiles) {
    const file = files.find((one) => one.path === path);
    const where = sources.locate(["services", name], "env_file");
    if (file !== undefined)
      problems.push(...environmentProblems(`services.${name}.env_file`, file, join(place.shown, file.path)));
    // Compose on a host would read what this machine does not have.
    else if (required || path === undefined || hasVariable(path))
      problems.push(notInProject(path ?? "outside", reading, where, `services.${name}.env_file`));
  }
  const images = new Map<string, ImageSpec>();
  const read = swarm ? stackOf(app, model, files, folder, sources) : undefined;
  problems.push(...(read?.problems ?? []));
  const project: ComposeProject = {
    file: place.file,
    services: services.map(([name, service]): ComposeService => {
      problems.push(...serviceProblems(name, service, sources));
      const { image, problem } = imageOf(name, service, sources);
      if (problem !== undefined) problems.push(problem);
      if (image !== undefined) images.set(`${image.name} ${image.digest ?? ""}`, image);
      const { binds, hostPaths, mounts, refused } = mountsOf(name, service, volumes, reading, held);
      problems.push(...refused);
      const ports = portsOf(service);
      const environments = envFiles.flatMap(({ name: of, path }) =>
        of === name && path !== undefined && files.some((file) => file.path === path) ? [path] : [],
      );
      const needs = rightsOf(service, hostPaths, recordAt(model, "networks"));
      return {
        name,
        image: image?.name ?? "",
        ...(image?.digest === undefined ? {} : { digest: image.digest }),
        ...definitionOf(service, model, folder),
        ...(completed.has(name) ? { oneShot: true } : {}),
        ...(environments.length === 0 ? {} : { envFiles: environments }),
        ...(binds.length === 0 ? {} : { binds }),
        ...(hostPaths.length === 0 ? {} : { hostPaths }),
        mounts,
        ...(ports.length === 0 ? {} : { ports: ports.filter((port) => typeof port !== "string") }),
        ...(needs.length === 0 ? {} : { needs }),
      };
    }),
    ...(Object.keys(configs).length === 0 ? {} : { configs }),
    ...(secretFiles.size === 0 ? {} : { secrets: [...secretFiles.keys()] }),
    ...(read === undefined ? {} : { stack: read.stack }),
  };
  refuse(problems);
  return {
    files,
    project,
    images: [...images.values()],
    warnings: [...serviceWarnings(services, files, sources), ...(read?.warnings ?? [])],
  };
}

interface Mounts {
  readonly binds: readonly ProjectBind[];
  readonly hostPaths: readonly string[];
  readonly mounts: readonly StateMount[];
  readonly refused: readonly Problem[];
}

function mountsOf(
  name: string,
  service: ComposeModel,
  volumes: ComposeModel,
  reading: Reading,
  held: (path: string) => boolean,
): Mounts {
  const binds: ProjectBind[] = [];
  const hostPaths = new Set<string>();
  const mounts: StateMount[] = [];
  const refused: Problem[] = [];
  const where = reading.sources.locate(["services", name], "volumes");
  for (const volume of listAt(service, "volumes")) {
    if (!isRecord(volume)) continue;
    const [source = "", target = ""] = [textAt(volume, "source"), textAt(volume, "target")];
    const readOnly = volume["read_only"] === true;
    const problem = volumeProblem(name, volume, where);
    if (problem !== undefined) refused.push(problem);
    else if (volume["type"] === "volume") {
      for (const path of pathsOfVolume(recordAt(volumes, source))) hostPaths.add(hostPath(path));
      mounts.push({
        target,
        ...(source === "" ? {} : { volume: source }),
        ...(readOnly ? { readOnly } : {}),
      });
    } else if (volume["type"] === "bind") {
      const path = pathInProject(source, reading.folder);
      if (path === undefined && pathInProject(source, reading.work) === undefined) {
        hostPaths.add(hostPath(source));
        if (!readOnly) mounts.push({ target, source: hostPath(source) });
      } else if (path === undefined || !held(path))
        refused.push(notInProject(path ?? source, reading, where, `services.${name}.volumes`));
      else if (!readOnly) refused.push(writable(name, path, where));
      else binds.push({ source: path === "" ? "." : path, target, readOnly: true });
    }
  }
  return { binds, hostPaths: [...hostPaths].sort(), mounts, refused };
}

/** In one notation, so that a site allows it by one. */
function hostPath(path: string): string {
  return posix.resolve("/", path);
}

/** The host lays these files out by their content: what a container writes there would be lost, or be in the next release. */
function writable(service: string, path: string, where: string): Problem {
  return {
    where,
    code: "E_APP_MOUNT",
    subject: `services.${service}.volumes`,
    found: printable(`service ${service} may write to ./${path}`),
    expected: "a mount of project files that is read-only",
    fix: "add :ro, or use a named volume for data",
  };
}

function notInProject(path: string, { work, place }: Reading, where: string, subject: string): Problem {
  const outside = pathInProject(path, work);
  return {
    where,
    code: "E_APP_FILES",
    subject,
    found:
      outside === undefined || path === ""
        ? `${printable(path)}, which ${place.shown} does not have`
        : "a path above the folder of the Compose file, or in a home",
    expected: "files below the folder of the Compose file, which the bundle carries",
    fix: "add the file there; data that a service writes belongs into a named volume",
  };
}

function otherSecret(name: string, where: string): Problem {
  return {
    where,
    code: "E_APP_SECRET",
    subject: `secrets ${name}`,
    found: "a secret from an environment variable or from elsewhere",
    expected: "file: <path>, which the site replaces by the file that it decrypts",
    fix: `write file: ./secrets/${name}`,
  };
}
