/**
 * A release: one version of an application with the values and secrets of a site, as it lies on a host. Pure.
 *
 * The override holds what differs between a run by hand and a run by Sealift: where mounted files lie, and a label that changes with
 * everything that a service is made of. Compose compares only the definition of a service with the running container, so that without
 * the label a changed config file would not take effect (docker/compose#11900).
 */
import { createHash } from "node:crypto";
import { basename } from "node:path";
import { dataBindsOf } from "../core/host/app-data.ts";
import type { HostApp } from "../core/host/blob.ts";
import type { ComposeService } from "../core/host/compose-project.ts";
import type { AppSpec } from "../core/site/site-spec.ts";

export interface AppRelease {
  /** `2.4.0-5f3a90c1`: another one when anything of it differs. */
  readonly id: string;
  /** Text of sealift.override.yaml, one line. */
  readonly override: string;
  /** Lines of values.env. */
  readonly values: readonly string[];
  /** Files that services mount: sha256, path below the folder of mounted files, path in the project. */
  readonly mounted: readonly MountedFile[];
  /** By the name of the service: the value of its label. */
  readonly signatures: ReadonlyMap<string, string>;
}

export interface MountedFile {
  readonly sha256: string;
  readonly to: string;
  readonly from: string;
}

/** Label of every container that Sealift starts. */
const label = "io.sealift.service";
const unlessStopped = "unless-stopped";

/** Label of a service with data, `service=path`: the host finds there where a release had it. */
const dataLabel = "io.sealift.data";

/**
 * @param folder of the application on the host.
 * @param secrets where the content of each file secret lies on the host, by the name of the secret.
 */
export function releaseOf(
  spec: AppSpec,
  app: HostApp,
  folder: string,
  secrets: Readonly<Record<string, string>> = {},
): AppRelease {
  const { version, values = {}, data = {} } = spec;
  const { project, archive, images } = app;
  const folders = dataBindsOf(project, spec);
  const mounted = new Map<string, MountedFile>();
  const configs = project.configs ?? {};
  const content = new Map(Object.entries(configs).map(([name, path]) => [name, place(path)]));
  const dotEnv = archive.members.find(({ path }) => path === ".env")?.sha256 ?? "";
  const signatures = new Map<string, string>();
  const services = project.services.map((service) => {
    const binds = (service.binds ?? []).map((bind) => ({ ...bind, source: place(bind.source) }));
    const envFiles = (service.envFiles ?? []).map(place);
    const kept = folders.get(service.name) ?? [];
    const signature = digest(
      service.config,
      ...images.filter(({ name }) => name === service.image).map(({ sha256 }) => sha256),
      ...[...binds.map(({ source }) => source), ...envFiles],
      ...(service.configs ?? []).map((name) => content.get(name) ?? name),
      ...(service.secrets ?? []).map((name) => secrets[name] ?? name),
      ...valuesOf(service),
      // Only of services with data: the containers of all others stay as they are.
      ...kept.map(({ source, target }) => `data ${source}:${target}`),
      ...(service.restart === undefined ? [] : [`restart ${service.restart}`]),
    );
    signatures.set(service.name, signature);
    const own = data[service.name];
    const labels = {
      [label]: signature,
      ...(own === undefined ? {} : { [dataLabel]: `${service.name}=${own.path}` }),
    };
    return [service.name, overrideOf(service, labels, [...binds, ...kept], envFiles)] as const;
  });
  const override = flow({
    services: Object.fromEntries(services),
    ...fileSection("configs", Object.fromEntries(content)),
    ...fileSection("secrets", secrets),
  });
  const lines = Object.entries(values)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${dotenv(value)}`);
  return {
    id: `${version}-${digest(archive.sha256, override, ...lines).slice(0, 8)}`,
    ...{ override, values: lines, mounted: [...mounted.values()], signatures },
  };

  /** @returns where a file or folder of the project lies for services that mount it. */
  function place(path: string): string {
    const inside = path === "." ? "" : `${path}/`;
    const files = archive.members.filter((one) => one.path === path || one.path.startsWith(inside));
    const [first] = files;
    const single = first?.path === path;
    const name = path === "." ? "project" : basename(path);
    // With its name: equal content under another name must not take the place of what an earlier release mounts.
    const key = createHash("sha256")
      .update([name, ...files.map((one) => `${one.sha256}  ${one.path.slice(inside.length)}`)].join("\n"))
      .digest("hex");
    const top = `${key}/${name}`;
    for (const { path: from, sha256 } of files) {
      const to = single ? top : `${top}/${from.slice(inside.length)}`;
      mounted.set(to, { sha256, to, from });
    }
    return `${folder}/files/${top}`;
  }

  /** Of the variables that a service uses; a project's own defaults are in its .env file. */
  function valuesOf({ variables = [] }: ComposeService): readonly string[] {
    if (variables.length === 0) return [];
    return [dotEnv, ...variables.map((name) => `${name}=${values[name] ?? ""}`)];
  }
}

function overrideOf(
  { image, restart }: ComposeService,
  labels: Readonly<Record<string, string>>,
  binds: readonly { readonly source: string; readonly target: string; readonly readOnly?: boolean }[],
  envFiles: readonly string[],
): object {
  return {
    image,
    labels,
    // The engine would start such a container at boot although the unit has stopped it.
    ...(restart === "always" ? { restart: unlessStopped } : {}),
    ...(restart === "any" ? { deploy: { restart_policy: { condition: unlessStopped } } } : {}),
    ...(binds.length === 0
      ? {}
      : {
          volumes: binds.map(({ source, target, readOnly = true }) => ({
            type: "bind",
            ...{ source, target },
            // What a container wrote into a file of the project would be lost with the next release. A folder of data is never made by
            // the engine: it would be an empty one, where a volume is not mounted.
            ...(readOnly ? { read_only: true } : { bind: { create_host_path: false } }),
          })),
        }),
    ...(envFiles.length === 0 ? {} : { env_file: new Replaced(envFiles) }),
  };
}

function fileSection(key: string, files: Readonly<Record<string, string>>): object {
  const entries = Object.entries(files).map(([name, file]) => [name, { file }] as const);
  return entries.length === 0 ? {} : { [key]: Object.fromEntries(entries) };
}

/** A list that takes the place of the one in the Compose file, where lists are appended otherwise (compose-spec, 13-merge.md). */
class Replaced {
  readonly list: readonly string[];
  constructor(list: readonly string[]) {
    this.list = list;
  }
}

/** YAML in flow style: JSON, but for the tag. */
function flow(value: unknown): string {
  if (value instanceof Replaced) return `!override ${JSON.stringify(value.list)}`;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${flow(one)}`);
  return `{${entries.join(", ")}}`;
}

/** In single quotes nothing is replaced; a value with a quote or a backslash stands in double quotes (compose-go dotenv). */
function dotenv(value: string): string {
  if (!/['\\]/.test(value)) return `'${value}'`;
  return `"${value.replaceAll(/["\\$]/g, (one) => `\\${one}`)}"`;
}

/** 16 hex digits. */
function digest(...parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}
