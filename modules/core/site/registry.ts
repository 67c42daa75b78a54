/** The registry of a site: as it is written, and as one host sees it. */

/** `registry` of the site file: the hosts that run it, or an external registry. */
export interface RegistryFile {
  readonly name?: string;
  readonly version?: string;
  readonly hosts?: readonly { readonly name: string; readonly address?: string }[];
  readonly mount?: string;
  readonly retainBundles?: number;
  readonly caSha256?: readonly string[];
  readonly port?: number;
  readonly writerPort?: number;
  readonly writerNetworks?: readonly string[];
  readonly mirroredRegistries?: readonly string[];
  readonly external?: {
    readonly url: string;
    readonly ca?: string;
    readonly path?: string;
    readonly allowedHosts?: readonly string[];
  };
}

/** The CAs that certify a registry. */
export interface CaBundle {
  /** IPv4 address of the registry host that has created it; absent: the site file lists it. */
  readonly address?: string;
  /** Each certificate as base64 of its DER: the CA's, and that of the next CA once it exists. Clients trust both. */
  readonly certificates: readonly string[];
  /** The site lists their hashes, so that they may replace others. @default false */
  readonly named?: boolean;
}

/** What every host of the site knows about the registry. */
export interface RegistrySpec {
  /** The DNS name that clients use. */
  readonly name: string;
  /** TCP port of the readers. */
  readonly port: number;
  /** Prefix of every repository: empty, or a path that ends with a slash. */
  readonly prefix: string;
  /** IP addresses of the name, in the order in which hosts try them; empty where only DNS knows them. */
  readonly addresses: readonly string[];
  /** `name:port` of other hosts to which it may redirect, for a token or for blobs. @default none */
  readonly allowedHosts?: readonly string[];
  /** Registries whose image names work unchanged. */
  readonly mirroredRegistries: readonly string[];
  /** Whether the host's engine supports redirects for each registry, or only a mirror of Docker Hub. */
  readonly follows: "names" | "mirror";
  /** The site file lists them. */
  readonly explicitMirrors: boolean;
  /**
   * The CAs that certify the registry: those of these hosts, each with its own CA, or those in a PEM file; neither: the system's
   * own CAs. `sha256` are fingerprints of the only trusted CAs of those hosts; absent: any CA that can certify the registry and
   * nothing else.
   */
  readonly trust: {
    readonly hosts: readonly string[];
    readonly file?: string;
    readonly sha256?: readonly string[];
  };
  /** Present on the hosts that run it. */
  readonly serves?: ServedRegistry;
}

/** What a registry host needs to know. */
export interface ServedRegistry {
  readonly version: string;
  /** Mount point of the volume with the registry's files. */
  readonly mount: string;
  /** The host's own address among the registry's. */
  readonly address: string;
  /** TCP port of the writer. */
  readonly writerPort: number;
  /** Networks in CIDR notation from which the writer is reachable, in addition to its own host. @default none */
  readonly writerNetworks?: readonly string[];
  /** Address of the site's first registry, from which this one copies; undefined on the first, which is sent the bundle. */
  readonly upstreamRegistry?: string;
  /** How many bundles are retained, the current one included; undefined: all. */
  readonly retainBundles?: number;
}

/** The registries of most public images; pulls from these names never leave the site. */
export const defaultMirroredRegistries = ["docker.io", "ghcr.io", "quay.io", "registry.k8s.io"] as const;

/** The defaults of stacks/site.schema.json; a test keeps them in step. */
export const registryPorts = { port: 5000, writerPort: 5001 } as const;

/**
 * The registry as one host sees it; incomplete values are empty until the rules have run.
 *
 * @param hosts of the site, for their addresses and racks. A registry in the host's own rack is tried first.
 */
export function registryOf(
  file: RegistryFile | undefined,
  hosts: readonly { readonly name: string; readonly address: string; readonly rack?: string }[],
  host: string,
  follows: RegistrySpec["follows"],
): RegistrySpec | undefined {
  if (file === undefined) return undefined;
  const common = {
    mirroredRegistries:
      file.mirroredRegistries ?? (follows === "mirror" ? ["docker.io"] : defaultMirroredRegistries),
    explicitMirrors: file.mirroredRegistries !== undefined,
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
  const [first] = served;
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
            ...(first === undefined || first === own ? {} : { upstreamRegistry: first.address }),
            ...(file.retainBundles === undefined ? {} : { retainBundles: file.retainBundles }),
          },
        }),
  };
}

function externalOf({
  url,
  ca,
  path,
  allowedHosts,
}: NonNullable<RegistryFile["external"]>): Omit<
  RegistrySpec,
  "mirroredRegistries" | "explicitMirrors" | "follows"
> {
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
