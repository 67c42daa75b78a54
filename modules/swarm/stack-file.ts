/** From the project of the lock, and what a site says of it, to the file that docker stack deploy reads. Pure. */
import { createHash } from "node:crypto";
import { basename } from "node:path";
import type { HostApp, HostImage, HostSecret } from "../core/host/blob.ts";
import type { ProjectBind, StackObject } from "../core/host/compose-project.ts";
import { placedName } from "../core/image-name.ts";
import { endpoint } from "../core/endpoint.ts";
import type { RegistrySpec } from "../core/site/registry.ts";
import type { StackSpec } from "../core/site/site-spec.ts";
import { secretPath } from "../core/host/blob.ts";

export interface StackRelease {
  /** `2.4.0-5f3a90c1`: another one when anything of it differs. */
  readonly id: string;
  /** The stack file: JSON, one line. */
  readonly text: string;
  /** In the order of the lock. */
  readonly services: readonly StackService[];
  /** Files of the project, as configs of the swarm. */
  readonly configs: readonly { readonly name: string; readonly sha256: string; readonly path: string }[];
  /** Secrets of the swarm, and where a manager has each decrypted. */
  readonly secrets: readonly { readonly name: string; readonly path: string }[];
  /** Networks of the stack by the name in the project, each with what its label says. */
  readonly networks: readonly { readonly name: string; readonly signature: string }[];
}

export interface StackService {
  readonly name: string;
  /** Value of its label: another one when anything of the service differs. */
  readonly signature: string;
  /** As the engine writes it in the specification of a service. */
  readonly image: string;
  readonly mode: "replicated" | "global";
  readonly replicas: number;
  /** Seconds for which a task has to go on after its start. */
  readonly monitor: number;
}

type Registry = Pick<RegistrySpec, "name" | "port" | "prefix">;

/** Label of every service and of every network that Sealift deploys. */
const serviceLabel = "io.sealift.service";
const networkLabel = "io.sealift.network";
/** Longest name of a config or secret in a swarm. */
const maxName = 64;

/** @param app with a definition as a stack. @param secrets of the application on a manager. */
export function stackReleaseOf(
  spec: StackSpec,
  app: HostApp,
  secrets: readonly HostSecret[],
  registry: Registry | undefined,
): StackRelease {
  const { project, archive, images } = app;
  const { services = {}, networks = {}, volumes = {}, defaults = {} } = project.stack ?? {};
  const values = { ...defaults, ...spec.values };
  const configs = new Map<string, { readonly sha256: string; readonly path: string }>();
  const swarmSecrets = new Map<string, string>();
  // Every project has one, whether its Compose file says so or not.
  const allNetworks = { default: {}, ...networks };
  const ownNetworks = Object.entries(allNetworks).map(([name, network]) => ownNetwork(name, network));
  const rendered = project.services.map((service) => {
    const image = images.find(({ name }) => name === service.image);
    const definition = filled(services[service.name] ?? {}, values) as StackObject;
    const { ports } = definition;
    const deploy = recordOf(definition["deploy"]);
    const mode = deploy["mode"] === "global" ? "global" : "replicated";
    const others = Object.entries(deploy).filter(([key]) => key !== "replicas");
    const replicas = service.replicas ?? 1;
    const used = [
      ...usedConfigs(definition["configs"]),
      ...(service.binds ?? []).flatMap((bind) => boundConfigs(bind)),
    ];
    const usedSecrets = secretsOf(definition["secrets"]);
    const reference = image === undefined ? service.image : stackImage(image, registry);
    const body = {
      ...definition,
      ...(Array.isArray(ports) ? { ports: ports.map(numbered) } : {}),
      image: reference,
      ...(used.length === 0 ? {} : { configs: used }),
      ...(usedSecrets.length === 0 ? {} : { secrets: usedSecrets }),
      deploy: {
        ...Object.fromEntries(others),
        ...(mode === "replicated" ? { replicas } : {}),
        ...updateOf(spec, deploy),
      },
    };
    const signature = digest(body);
    const labels = { ...recordOf(deploy["labels"]), [serviceLabel]: signature };
    const monitor = secondsOf(body.deploy.update_config["monitor"]);
    const own: StackService = {
      ...{ name: service.name, signature, image: familiar(reference), mode, replicas, monitor },
    };
    return { own, body: { ...body, deploy: { ...body.deploy, labels } } };
  });
  const text = JSON.stringify({
    version: "3.12",
    services: Object.fromEntries(rendered.map(({ own, body }) => [own.name, body])),
    networks: Object.fromEntries(ownNetworks.map(({ name, body }) => [name, body])),
    ...section("volumes", filled(volumes, values) as StackObject),
    ...section("configs", externals(configs.keys())),
    ...section("secrets", externals(swarmSecrets.keys())),
  });
  return {
    id: `${spec.version}-${createHash("sha256").update(text).digest("hex").slice(0, 8)}`,
    text,
    services: rendered.map(({ own }) => own),
    configs: [...configs].map(([name, { sha256, path }]) => ({ name, sha256, path })),
    secrets: [...swarmSecrets].map(([name, path]) => ({ name, path })),
    networks: ownNetworks.flatMap(({ name, signature }) =>
      signature === undefined ? [] : [{ name, signature }],
    ),
  };

  function ownNetwork(
    name: string,
    network: StackObject,
  ): { name: string; body: StackObject; signature?: string } {
    const body = filled(network, values) as StackObject;
    // Another one made it.
    if (body["external"] !== undefined || body["name"] !== undefined) return { name, body };
    const signature = digest(body);
    return {
      name,
      signature,
      body: { ...body, labels: { ...recordOf(body["labels"]), [networkLabel]: signature } },
    };
  }

  /** @returns the name in the swarm of a file of the project. */
  function configOf(path: string): string {
    const sha256 = archive.members.find((one) => one.path === path)?.sha256 ?? "";
    const name = swarmName(spec.name, basename(path), sha256);
    configs.set(name, { sha256, path });
    return name;
  }

  function usedConfigs(list: unknown): readonly StackObject[] {
    return listOf(list).flatMap((one) => {
      const { source, ...rest } = one;
      const path = project.configs?.[String(source)];
      // Compose mounts it at the root, by its name in the project.
      return path === undefined ? [] : [{ target: `/${String(source)}`, ...rest, source: configOf(path) }];
    });
  }

  /** A file of the project, or each file of a folder of it. */
  function boundConfigs({ source, target }: ProjectBind): readonly StackObject[] {
    const inside = source === "." ? "" : `${source}/`;
    return archive.members
      .filter(({ path }) => path === source || path.startsWith(inside))
      .map(({ path }) => ({
        source: configOf(path),
        target: path === source ? target : `${target.replace(/\/$/, "")}/${path.slice(inside.length)}`,
      }));
  }

  function secretsOf(list: unknown): readonly StackObject[] {
    return listOf(list).flatMap((one) => {
      const { source, ...rest } = one;
      const secret = secrets.find(({ app: of, name }) => of === spec.name && name === source);
      if (secret === undefined) return [];
      const [uid = "0", gid = "0"] = secret.owner.split(":");
      const name = swarmName(spec.name, secret.name, secret.sha256);
      swarmSecrets.set(name, secretPath(secret));
      const mode = Number.parseInt(secret.mode, 8);
      return [{ target: secret.name, ...{ uid, gid, mode }, ...rest, source: name }];
    });
  }
}

/**
 * Without a registry an engine has loaded the image, and knows it by its name and the digest of the lock; with one it has pulled it by the
 * name of the registry, also into the classic store, which keeps the digest of a pull. With either it asks nobody before a task starts.
 */
export function stackImage({ name, sha256 }: HostImage, registry: Registry | undefined): string {
  const repository = (text: string): string => text.replace(/:[^:/]*$/, "");
  if (registry === undefined) return `${repository(name)}@sha256:${sha256}`;
  const { name: host, port, prefix } = registry;
  return `${endpoint(host, port)}/${prefix}${repository(placedName(name))}@sha256:${sha256}`;
}

/** The client shortens names of Docker Hub (distribution/reference, FamiliarString). */
function familiar(reference: string): string {
  return reference.replace(/^docker\.io\/(library\/(?=[^/]+$))?/, "");
}

/** The site's words for an update take the place of the project's. */
function updateOf(
  { update }: StackSpec,
  deploy: StackObject,
): StackObject & { readonly update_config: StackObject } {
  const { order, parallelism, delay, monitor, failure_action } = update;
  const own = recordOf(deploy["update_config"]);
  const config: StackObject = {
    parallelism: 1,
    failure_action: "rollback",
    monitor: "30s",
    ...own,
    ...(order === undefined ? {} : { order }),
    ...(parallelism === undefined ? {} : { parallelism }),
    ...(delay === undefined ? {} : { delay }),
    ...(monitor === undefined ? {} : { monitor }),
    ...(failure_action === undefined ? {} : { failure_action }),
  };
  const back = {
    ...("order" in config ? { order: config["order"] } : {}),
    ...recordOf(deploy["rollback_config"]),
  };
  return { update_config: config, ...(Object.keys(back).length === 0 ? {} : { rollback_config: back }) };
}

/** Seconds of a duration as Compose writes it, `1m30s`; 0 of anything else, which docker stack deploy refuses. */
function secondsOf(duration: unknown): number {
  const form = /^(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?(?:(\d{1,6})ms)?$/;
  const [, h = 0, m = 0, s = 0, ms = 0] = form.exec(String(duration)) ?? [];
  return Number(h) * 3600 + Number(m) * 60 + Number(s) + Math.ceil(Number(ms) / 1000);
}

/** `shop_nginx.conf-0123456789ab` */
function swarmName(app: string, file: string, sha256: string): string {
  const ending = `-${sha256.slice(0, 12)}`;
  const start = `${app}_${file.replaceAll(/[^A-Za-z0-9_.-]/g, "_")}`;
  return `${start.slice(0, maxName - ending.length)}${ending}`;
}

function externals(names: Iterable<string>): StackObject {
  return Object.fromEntries([...names].map((name) => [name, { external: true, name }]));
}

function section(key: string, entries: StackObject): StackObject {
  return Object.keys(entries).length === 0 ? {} : { [key]: entries };
}

/** With the values of its variables in all texts; the dollar signs of values are not read again. */
function filled(value: unknown, values: Readonly<Record<string, string>>): unknown {
  if (typeof value === "string")
    return value.replaceAll(
      /\$\$|\$\{(\w+)(?:(:?)-([^{}]*))?\}|\$(\w+)/g,
      (
        all,
        braced: string | undefined,
        colon: string | undefined,
        fallback: string | undefined,
        bare: string | undefined,
      ) => {
        if (all === "$$") return "$$";
        const found = values[braced ?? bare ?? ""];
        const unset = found === undefined || (found === "" && colon === ":");
        return (unset ? (fallback ?? "") : found).replaceAll("$", "$$$$");
      },
    );
  if (Array.isArray(value)) return value.map((one) => filled(one, values));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, filled(one, values)]));
}

/** docker stack deploy takes the published port of the long notation as a number only, and replaces variables itself in the short one. */
function numbered(port: unknown): unknown {
  const { published } = recordOf(port);
  if (typeof published !== "string" || !/^\d{1,5}$/.test(published)) return port;
  return { ...recordOf(port), published: Number(published) };
}

function recordOf(value: unknown): StackObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as StackObject) : {};
}

function listOf(value: unknown): readonly StackObject[] {
  return Array.isArray(value) ? value.map(recordOf) : [];
}

/** 16 hex digits. */
function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);
}
