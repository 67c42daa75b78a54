/** The registry that feeds a site: as it is written, and as one host sees it. */

/** `registry` of the site file. It names hosts that run it, or an external one. */
export interface RegistryFile {
  readonly name?: string;
  readonly version?: string;
  readonly hosts?: readonly { readonly name: string; readonly address?: string }[];
  readonly mount?: string;
  readonly keep?: number;
  readonly caSha256?: readonly string[];
  readonly port?: number;
  readonly writerPort?: number;
  readonly writerNetworks?: readonly string[];
  readonly sources?: readonly string[];
  readonly external?: {
    readonly url: string;
    readonly ca?: string;
    readonly path?: string;
    readonly allowedHosts?: readonly string[];
  };
}

/** Who vouches for a registry. */
export interface Authority {
  /** IPv4 address of the registry host that has made it; absent: the site file names it. */
  readonly address?: string;
  /** Each certificate as base64 of its DER: the CA's, and that of the next one once there is one. Clients trust both. */
  readonly certificates: readonly string[];
  /** The site names their hashes, so that they may take the place of others. @default false */
  readonly named?: boolean;
}

/** What every host of the site knows of the registry. */
export interface RegistrySpec {
  /** The DNS name that clients use. */
  readonly name: string;
  /** TCP port of the readers. */
  readonly port: number;
  /** What stands before every repository: empty, or a path that ends with a slash. */
  readonly prefix: string;
  /** IP addresses behind the name, in the order in which hosts try them; empty where DNS alone knows. */
  readonly addresses: readonly string[];
  /** `name:port` of other hosts that it may lead to, for a token or for its bytes. @default none */
  readonly allowedHosts?: readonly string[];
  /** Registries whose image names work unchanged. */
  readonly sources: readonly string[];
  /** Whether the host's engine can be led elsewhere name by name, or knows a mirror of Docker Hub and nothing else. */
  readonly follows: "names" | "mirror";
  /** A person wrote them. */
  readonly sourcesWritten: boolean;
  /**
   * Who vouches for the registry: these hosts, each with a CA of its own, or a PEM file; neither: the system's own CAs. `sha256` are
   * fingerprints of the only CAs of those hosts that are believed; absent: any that can vouch for the registry and for nothing else.
   */
  readonly trust: {
    readonly hosts: readonly string[];
    readonly file?: string;
    readonly sha256?: readonly string[];
  };
  /** Present on the hosts that run it. */
  readonly serves?: ServedRegistry;
}

/** What a host that runs the registry needs to know. */
export interface ServedRegistry {
  readonly version: string;
  /** Mount point of the volume that holds the registry's files. */
  readonly mount: string;
  /** The host's own address among the registry's. */
  readonly address: string;
  /** TCP port of the writer. */
  readonly writerPort: number;
  /** Networks in CIDR form that reach the writer besides its own host. @default none */
  readonly writerNetworks?: readonly string[];
  /** Address of the site's first registry, out of which this one fills itself; undefined on the first, which is sent the bundle. */
  readonly feeder?: string;
  /** How many bundles stay, the one in use among them; undefined: all. */
  readonly keep?: number;
}

/** Where most public images come from; none of these names leaves the site any more. */
export const usualSources = ["docker.io", "ghcr.io", "quay.io", "registry.k8s.io"] as const;

/** The defaults of stacks/site.schema.json; a test holds the two together. */
export const registryPorts = { port: 5000, writerPort: 5001 } as const;

/**
 * The registry as one host sees it; incomplete values are empty until the rules have run.
 * @param hosts of the site, for their addresses and racks. A registry in the host's own rack is asked before others.
 */
export function registryOf(
  file: RegistryFile | undefined,
  hosts: readonly { readonly name: string; readonly address: string; readonly rack?: string }[],
  host: string,
  follows: RegistrySpec["follows"],
): RegistrySpec | undefined {
  if (file === undefined) return undefined;
  const common = {
    sources: file.sources ?? (follows === "mirror" ? ["docker.io"] : usualSources),
    sourcesWritten: file.sources !== undefined,
    follows,
  };
  if (file.external !== undefined) return { ...externalOf(file.external), ...common };
  const { port = registryPorts.port, writerPort = registryPorts.writerPort } = file;
  const rackOf = (name: string): string | undefined => hosts.find((one) => one.name === name)?.rack;
  const served = (file.hosts ?? []).map(({ name, address }) => ({
    name,
    address: address ?? hosts.find((one) => one.name === name)?.address ?? "",
    near: rackOf(name) !== undefined && rackOf(name) === rackOf(host),
  }));
  const [feeder] = served;
  const own = served.find(({ name }) => name === host);
  const nearFirst = served.toSorted((a, b) => Number(b.near) - Number(a.near));
  return {
    name: file.name ?? "",
    port,
    prefix: "",
    addresses: nearFirst.map(({ address }) => address),
    ...common,
    trust: {
      hosts: served.map(({ name }) => name),
      ...(file.caSha256 === undefined
        ? {}
        : { sha256: file.caSha256.map((one) => one.replaceAll(":", "").toLowerCase()) }),
    },
    ...(own === undefined
      ? {}
      : {
          serves: {
            version: file.version ?? "",
            mount: file.mount ?? "",
            address: own.address,
            writerPort,
            ...(file.writerNetworks === undefined ? {} : { writerNetworks: file.writerNetworks }),
            ...(feeder === undefined || feeder === own ? {} : { feeder: feeder.address }),
            ...(file.keep === undefined ? {} : { keep: file.keep }),
          },
        }),
  };
}

function externalOf({
  url,
  ca,
  path,
  allowedHosts,
}: NonNullable<RegistryFile["external"]>): Omit<RegistrySpec, "sources" | "sourcesWritten" | "follows"> {
  const [, name = "", port = "443"] = /^https:\/\/([^:/]+)(?::(\d+))?\/?$/.exec(url) ?? [];
  return {
    name,
    port: Number(port),
    prefix: path === undefined ? "" : `${path}/`,
    addresses: [],
    ...(allowedHosts === undefined
      ? {}
      : { allowedHosts: allowedHosts.map((one) => (one.includes(":") ? one : `${one}:443`)) }),
    trust: { hosts: [], ...(ca === undefined ? {} : { file: ca }) },
  };
}
