/** Rules of the registry: where it runs, what it is reached by, and what the engines of its clients can do with it. */
import { isIPv4 } from "node:net";
import { overlap, parseCidr, type Cidr } from "../address.ts";
import type { Problem } from "../errors.ts";
import type { Path } from "../locate.ts";
import type { MergedHost, SiteFile } from "../merge.ts";
import { mountOf, mountsOf } from "../mounts.ts";
import { registryPorts, type RegistryFile } from "../registry.ts";
import { shown } from "../shown.ts";
import { duplicates, type Say } from "./say.ts";

export function registryProblems(file: SiteFile, hosts: readonly MergedHost[], say: Say): readonly Problem[] {
  const { registry } = file;
  if (registry === undefined) return [];
  return [
    ...(registry.external === undefined
      ? ownProblems(registry, hosts, say)
      : externalProblems(registry, say)),
    ...clientProblems(file, registry, hosts, say),
  ];
}

const at = (...path: Path): Path => ["registry", ...path];

/** A registry that hosts of the site run. */
function ownProblems(registry: RegistryFile, hosts: readonly MergedHost[], say: Say): Problem[] {
  const wanted = ["name", "version", "hosts", "mount"] as const;
  const missing = wanted.filter((key) => registry[key] === undefined);
  const { port = registryPorts.port, writerPort = registryPorts.writerPort } = registry;
  return [
    ...missing.map((key) =>
      say(at(key), "E_KEY_MISSING", "nothing", `the key "${key}", or external`, `add ${key}: to registry`),
    ),
    ...(port === writerPort
      ? [
          say(
            at("writerPort"),
            "E_CONFLICT",
            String(writerPort),
            "another port than the reader's",
            "change one",
          ),
        ]
      : []),
    ...writerNetworkProblems(registry, say),
    ...versionProblems(registry, say),
    ...duplicates(registry.hosts ?? [], at("hosts"), "name", say),
    ...(registry.hosts ?? []).flatMap((_, index) => hostProblems(registry, index, hosts, say)),
  ];
}

/** Loopback addresses, which are no network that could be let in; nor are they kept out by a network of everybody. */
const loopback = ["127.0.0.0/8", "::1/128"].map(parseCidr).filter((one): one is Cidr => one !== undefined);

function writerNetworkProblems({ writerNetworks = [] }: RegistryFile, say: Say): Problem[] {
  return writerNetworks.flatMap((text, index) => {
    const network = parseCidr(text);
    const problem = (expected: string, todo: string): Problem[] => [
      say(at("writerNetworks", index), "E_VALUE", shown(text), expected, todo),
    ];
    if (network === undefined || network.value !== network.first)
      return problem(
        "a network in CIDR form, with no bit set behind its prefix",
        "write it like 10.20.0.0/16, or one address like 10.20.0.9/32",
      );
    if (loopback.some((one) => overlap(one, network)))
      return problem(
        "a network without the host's own loopback addresses: not everybody, and not 127.0.0.0/8",
        "name the networks of those who push; the host itself always reaches its writer",
      );
    return [];
  });
}

/** Before 3.1.1 a tag could be deleted though deleting was off. */
function versionProblems({ version }: RegistryFile, say: Say): Problem[] {
  const [major = 0, minor = 0, patch = 0] = (version ?? "3.1.1").split(".").map(Number);
  if (major > 3 || (major === 3 && (minor > 1 || (minor === 1 && patch >= 1)))) return [];
  return [say(at("version"), "E_VALUE", shown(version), "3.1.1 or later", "carry a newer one in the bundle")];
}

function hostProblems(
  { hosts: served = [], mount }: RegistryFile,
  index: number,
  hosts: readonly MergedHost[],
  say: Say,
): Problem[] {
  const { name, address } = served[index] ?? { name: "" };
  const host = hosts.find((one) => one.name === name);
  if (host === undefined) {
    const names = hosts.map((one) => one.name).join(", ");
    return [
      say(
        at("hosts", index, "name"),
        "E_VALUE",
        shown(name),
        `a host of this site (${names})`,
        "name one of these",
      ),
    ];
  }
  const reached = address ?? host.address;
  const todo = "write address: with the one that the other hosts reach";
  return [
    ...(isIPv4(reached)
      ? []
      : [say(at("hosts", index, "address"), "E_VALUE", shown(reached), "an IPv4 address", todo)]),
    ...(mount === undefined ? [] : mountProblems(mount, host, say)),
  ];
}

/** A volume of its own, so that neither images of the engine nor logs can fill it. */
function mountProblems(mount: string, { name, volumes, daemon }: MergedHost, say: Say): Problem[] {
  const mounts = mountsOf(volumes);
  const volume = mounts.find((one) => one.mount === mount);
  if (volume === undefined) {
    const expected = `a mount of ${name} that the site names (${mounts.map((one) => one.mount).join(", ")})`;
    return [
      say(at("mount"), "E_VALUE", shown(mount), expected, "name one of these, or add a volume to the host"),
    ];
  }
  const root = daemon["data-root"];
  if (root === undefined || mountOf(root, mounts) !== volume) return [];
  const expected = `another volume than the one of data-root (${root}) of ${name}`;
  return [say(at("mount"), "E_CONFLICT", shown(mount), expected, "add a volume for the registry")];
}

function externalProblems(registry: RegistryFile, say: Say): Problem[] {
  const own = (
    ["name", "version", "hosts", "mount", "keep", "caSha256", "port", "writerPort", "writerNetworks"] as const
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
    ...(URL.canParse(url) ? [] : [say(...port)]),
    ...allowedHosts.flatMap((host, index) =>
      URL.canParse(`https://${host}`)
        ? []
        : [
            say(
              at("external", "allowedHosts", index),
              "E_VALUE",
              shown(host),
              "a port up to 65535",
              "correct the port",
            ),
          ],
    ),
    ...own.map((key) =>
      say(
        at(key),
        "E_CONFLICT",
        shown(registry[key]),
        "only sources beside external: nobody installs a registry that is there already",
        `remove ${key}, or remove external`,
      ),
    ),
  ];
}

/** What each engine can do with the registry. */
function clientProblems(
  file: SiteFile,
  registry: RegistryFile,
  hosts: readonly MergedHost[],
  say: Say,
): Problem[] {
  const mirrored = hosts.findIndex(
    (_, index) => (file.hosts[index]?.daemon ?? file.daemon)?.["registry-mirrors"] !== undefined,
  );
  const mirror = hosts.find((host) => host.registry?.follows === "mirror")?.name;
  const others = (registry.sources ?? []).filter((source) => source !== "docker.io");
  const path = registry.external?.path;
  const itself = hosts.flatMap(({ registry: own }) => (own === undefined ? [] : [`${own.name}:${own.port}`]));
  const own = (registry.sources ?? []).find((source) => itself.includes(source));
  const todo = `set daemon.features: { containerd-snapshotter: true } for ${mirror ?? ""}, with an engine from 28.5 on`;
  return [
    ...(mirrored < 0
      ? []
      : [
          say(
            ["hosts", mirrored, "daemon", "registry-mirrors"],
            "E_CONFLICT",
            "mirrors beside the site's registry",
            "nothing: the registry of the site is the only one",
            "remove it",
          ),
        ]),
    ...(own === undefined
      ? []
      : [
          say(
            at("sources"),
            "E_CONFLICT",
            shown(own),
            "other registries than the site's own",
            "take it out: images below this name come from there as they are",
          ),
        ]),
    ...(mirror === undefined || others.length === 0
      ? []
      : [
          say(
            at("sources"),
            "E_CONFLICT",
            shown(others),
            `docker.io alone where a host (${mirror}) has the classic image store or an engine before 28.5, which follow no other name`,
            `${todo}, or take them out and have people write <registry>/${others[0] ?? ""}/…`,
          ),
        ]),
    ...(mirror === undefined || path === undefined
      ? []
      : [
          say(
            at("external", "path"),
            "E_CONFLICT",
            shown(path),
            `no path where a host (${mirror}) has the classic image store or an engine before 28.5, whose mirror has to be a root`,
            todo,
          ),
        ]),
  ];
}
