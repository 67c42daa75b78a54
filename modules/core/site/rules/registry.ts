/** Rules for the registry: its hosts, its address, and the capabilities of its clients' engines. */
import { isIPv4 } from "node:net";
import { endpoint } from "../../endpoint.ts";
import { overlap, parseCidr, type Cidr } from "../address.ts";
import type { Problem } from "../../errors.ts";
import type { Path } from "../../document/locate.ts";
import type { MergedHost, SiteFile } from "../merge.ts";
import { mountOf, mountsOf } from "../mounts.ts";
import { registryPorts, type RegistryFile } from "../registry.ts";
import { shown } from "../../shown.ts";
import { duplicates, type ProblemBuilder } from "./problem-builder.ts";

export function registryProblems(
  file: SiteFile,
  hosts: readonly MergedHost[],
  problemAt: ProblemBuilder,
): readonly Problem[] {
  const { registry } = file;
  if (registry === undefined) return [];
  return [
    ...(registry.external === undefined
      ? ownProblems(registry, hosts, problemAt)
      : externalProblems(registry, problemAt)),
    ...clientProblems(file, registry, hosts, problemAt),
  ];
}

const at = (...path: Path): Path => ["registry", ...path];

/** A registry that hosts of the site run. */
function ownProblems(
  registry: RegistryFile,
  hosts: readonly MergedHost[],
  problemAt: ProblemBuilder,
): Problem[] {
  const required = ["name", "version", "hosts", "mount"] as const;
  const missing = required.filter((key) => registry[key] === undefined);
  const { port = registryPorts.port, writerPort = registryPorts.writerPort } = registry;
  return [
    ...missing.map((key) =>
      problemAt(
        at(key),
        "E_KEY_MISSING",
        "nothing",
        `the key "${key}", or external`,
        `add ${key}: to registry`,
      ),
    ),
    ...(port === writerPort
      ? [
          problemAt(
            at("writerPort"),
            "E_CONFLICT",
            String(writerPort),
            "a port other than that of the reader",
            "change one of the two",
          ),
        ]
      : []),
    ...writerNetworkProblems(registry, problemAt),
    ...versionProblems(registry, problemAt),
    ...duplicates(registry.hosts ?? [], at("hosts"), "name", problemAt),
    ...(registry.hosts ?? []).flatMap((_, index) => hostProblems(registry, index, hosts, problemAt)),
  ];
}

/** Loopback addresses. They cannot be allowed as a network, and a network that contains them is too large. */
const loopback = ["127.0.0.0/8", "::1/128"].map(parseCidr).filter((one): one is Cidr => one !== undefined);

function writerNetworkProblems({ writerNetworks = [] }: RegistryFile, problemAt: ProblemBuilder): Problem[] {
  return writerNetworks.flatMap((text, index) => {
    const network = parseCidr(text);
    const problem = (expected: string, fix: string): Problem[] => [
      problemAt(at("writerNetworks", index), "E_VALUE", shown(text), expected, fix),
    ];
    if (network === undefined || network.value !== network.first)
      return problem(
        "a network in CIDR notation without host bits",
        "write it like 10.20.0.0/16, or like 10.20.0.9/32 for one address",
      );
    if (loopback.some((one) => overlap(one, network)))
      return problem(
        "a network that does not contain loopback addresses, such as 127.0.0.0/8 or 0.0.0.0/0",
        "list the networks from which bundles are pushed; the host itself always reaches its writer",
      );
    return [];
  });
}

/** Before 3.1.1 a tag could be deleted although deletion was disabled. */
function versionProblems({ version }: RegistryFile, problemAt: ProblemBuilder): Problem[] {
  const [major = 0, minor = 0, patch = 0] = (version ?? "3.1.1").split(".").map(Number);
  if (major > 3 || (major === 3 && (minor > 1 || (minor === 1 && patch >= 1)))) return [];
  return [
    problemAt(
      at("version"),
      "E_VALUE",
      shown(version),
      "3.1.1 or later",
      "choose a newer version and add it to the bundle",
    ),
  ];
}

function hostProblems(
  { hosts: served = [], mount }: RegistryFile,
  index: number,
  hosts: readonly MergedHost[],
  problemAt: ProblemBuilder,
): Problem[] {
  const { name, address } = served[index] ?? { name: "" };
  const host = hosts.find((one) => one.name === name);
  if (host === undefined) {
    const names = hosts.map((one) => one.name).join(", ");
    return [
      problemAt(
        at("hosts", index, "name"),
        "E_VALUE",
        shown(name),
        `a host of this site (${names})`,
        "choose one of these",
      ),
    ];
  }
  const reached = address ?? host.address;
  const fix = "set address: to an IPv4 address that the other hosts can reach";
  return [
    ...(isIPv4(reached)
      ? []
      : [problemAt(at("hosts", index, "address"), "E_VALUE", shown(reached), "an IPv4 address", fix)]),
    ...(mount === undefined ? [] : mountProblems(mount, host, problemAt)),
  ];
}

/** A separate volume, so that neither images of the engine nor logs can fill it. */
function mountProblems(
  mount: string,
  { name, volumes, daemon }: MergedHost,
  problemAt: ProblemBuilder,
): Problem[] {
  const mounts = mountsOf(volumes);
  const volume = mounts.find((one) => one.mount === mount);
  if (volume === undefined) {
    const expected = `a mount of ${name} in the site file (${mounts.map((one) => one.mount).join(", ")})`;
    return [
      problemAt(
        at("mount"),
        "E_VALUE",
        shown(mount),
        expected,
        "choose one of these, or add a volume to the host",
      ),
    ];
  }
  const root = daemon["data-root"];
  if (root === undefined || mountOf(root, mounts) !== volume) return [];
  const expected = `a volume other than that of data-root (${root}) on ${name}`;
  return [problemAt(at("mount"), "E_CONFLICT", shown(mount), expected, "add a volume for the registry")];
}

function externalProblems(registry: RegistryFile, problemAt: ProblemBuilder): Problem[] {
  const own = (
    [
      "name",
      "version",
      "hosts",
      "mount",
      "retainBundles",
      "caSha256",
      "port",
      "writerPort",
      "writerNetworks",
    ] as const
  ).filter((key) => registry[key] !== undefined);
  const { url = "", allowedHosts = [] } = registry.external ?? {};
  const port = [
    at("external", "url"),
    "E_VALUE",
    shown(url),
    "a port up to 65535",
    "correct the port",
  ] as const;
  return [
    ...(URL.canParse(url) ? [] : [problemAt(...port)]),
    ...allowedHosts.flatMap((host, index) =>
      URL.canParse(`https://${host}`)
        ? []
        : [
            problemAt(
              at("external", "allowedHosts", index),
              "E_VALUE",
              shown(host),
              "a port up to 65535",
              "correct the port",
            ),
          ],
    ),
    ...own.map((key) =>
      problemAt(
        at(key),
        "E_CONFLICT",
        shown(registry[key]),
        "only mirroredRegistries together with external: Sealift does not install an external registry",
        `remove ${key}, or remove external`,
      ),
    ),
  ];
}

/** Checks that the engine of each client can use the registry. */
function clientProblems(
  file: SiteFile,
  registry: RegistryFile,
  hosts: readonly MergedHost[],
  problemAt: ProblemBuilder,
): Problem[] {
  const mirrored = hosts.findIndex(
    (_, index) => (file.hosts[index]?.daemon ?? file.daemon)?.["registry-mirrors"] !== undefined,
  );
  const mirror = hosts.find((host) => host.registry?.follows === "mirror")?.name;
  const others = (registry.mirroredRegistries ?? []).filter((source) => source !== "docker.io");
  const path = registry.external?.path;
  const itself = hosts.flatMap(({ registry: own }) =>
    own === undefined ? [] : [endpoint(own.name, own.port)],
  );
  const own = (registry.mirroredRegistries ?? []).find((source) => itself.includes(source));
  const fix = `set daemon.features: { containerd-snapshotter: true } for ${mirror ?? ""}, with engine 28.5 or later`;
  return [
    ...(mirrored < 0
      ? []
      : [
          problemAt(
            ["hosts", mirrored, "daemon", "registry-mirrors"],
            "E_CONFLICT",
            "registry-mirrors together with the site's registry",
            "no registry-mirrors: the site's registry is the only one",
            "remove it",
          ),
        ]),
    ...(own === undefined
      ? []
      : [
          problemAt(
            at("mirroredRegistries"),
            "E_CONFLICT",
            shown(own),
            "registries other than the site's own",
            "remove it: images with this name are pulled from there without a mirror",
          ),
        ]),
    ...(mirror === undefined || others.length === 0
      ? []
      : [
          problemAt(
            at("mirroredRegistries"),
            "E_CONFLICT",
            shown(others),
            `only docker.io, because a host (${mirror}) has the classic image store or an engine before 28.5, which support a mirror of Docker Hub alone`,
            `${fix}, or remove them and pull <registry>/${others[0] ?? ""}/… by its full name`,
          ),
        ]),
    ...(mirror === undefined || path === undefined
      ? []
      : [
          problemAt(
            at("external", "path"),
            "E_CONFLICT",
            shown(path),
            `no path, because a host (${mirror}) has the classic image store or an engine before 28.5, which request /<path>/v2/…, while this registry serves /v2/<path>/…`,
            fix,
          ),
        ]),
  ];
}
