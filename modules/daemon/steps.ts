/** daemon.json and the daemon, as facts. */
import { containersSlice } from "../core/site/profiles.ts";
import type { ContainerLimitsSpec, DaemonSpec } from "../core/site/site-spec.ts";
import type { Step } from "../core/host/step.ts";
import { canonicalDaemon } from "./canonical.ts";
import { readBack } from "./read-back.ts";
import { sortedJson } from "./sorted-json.ts";

/**
 * @param version engine version that must be running.
 * @param limits limit of all containers together; absent: no limit.
 * @param tokenCas CAs that are trusted for a registry's token server, each as base64 of its DER. Default none.
 * @param swarmAddress of a member of a swarm. Default none.
 */
export function daemonSteps(
  written: DaemonSpec,
  version: string,
  limits: ContainerLimitsSpec | undefined,
  tokenCas: readonly string[] = [],
  swarmAddress?: string,
): readonly Step[] {
  const daemon = canonicalDaemon(written);
  return [
    ...(limits === undefined ? [] : [sliceStep(limits)]),
    {
      code: "daemon.token-ca",
      fact:
        tokenCas.length === 0
          ? "dockerd trusts no CAs of its own except those in certs.d"
          : "dockerd trusts the CAs of registry.external.ca for token servers, and no others of its own except those in certs.d",
      effect: "containers-stop",
      call: ["token_ca", ...tokenCas],
    },
    {
      code: "daemon.file",
      fact: "daemon.json matches the site",
      effect: "containers-stop",
      call: ["daemon_file", ...daemonEntries(daemon)],
    },
    {
      code: "daemon.running",
      fact: `engine ${version} runs as its unit defines, with this daemon.json`,
      effect: "containers-stop",
      call: ["daemon_running", version, ...readBack(daemon)],
    },
    {
      code: "daemon.listeners",
      fact: `the engine listens on /run/docker.sock alone, for root and group docker, and on no network${swarmAddress === undefined ? "" : " but for the swarm"}`,
      effect: "containers-stop",
      call: ["daemon_listeners", ...figures(daemon), ...swarmListeners(swarmAddress)],
    },
    {
      code: "daemon.containers",
      fact: "containers that ran before the last engine switch are running, and the engine knows every running container",
      effect: "none",
      call: ["engine_containers"],
    },
  ];
}

/**
 * Addresses on which the engine serves metrics: `metrics-addr`, and on loopback `network-diagnostic-port` (moby 29, diagnostic
 * server).
 */
function figures(daemon: DaemonSpec): readonly string[] {
  const { "metrics-addr": metrics, "network-diagnostic-port": port } = daemon;
  return [
    ...(typeof metrics === "string" ? listening(metrics) : []),
    ...(typeof port === "number" ? [`127.0.0.1:${port}`] : []),
  ];
}

/** Managers, and the gossip of all members: docs.docker.com/engine/swarm/swarm-tutorial, "Open protocols and ports between the hosts". */
function swarmListeners(address: string | undefined): readonly string[] {
  return address === undefined ? [] : [`${address}:2377`, `${address}:7946`, "published"];
}

/** How the kernel may show an address on which Go listens. */
function listening(address: string): readonly string[] {
  // Go listens for this one on IPv4 and IPv6.
  if (address.startsWith("0.0.0.0:")) return [address, address.replace("0.0.0.0", "[::]")];
  // The first address of the two that localhost has in /etc/hosts.
  if (address.startsWith("localhost:"))
    return [address.replace("localhost", "127.0.0.1"), address.replace("localhost", "[::1]")];
  return [address];
}

function sliceStep({ memory, cpus, tasks }: ContainerLimitsSpec): Step {
  const words = [
    memory === undefined ? [] : [`${memory} of memory`],
    cpus === undefined ? [] : [`${cpus} processors`],
    tasks === undefined ? [] : [`${tasks} tasks`],
  ];
  return {
    code: "daemon.limits",
    fact: `all containers together have at most ${words.flat().join(", ")} (${containersSlice})`,
    effect: "none",
    call: [
      "containers_slice",
      // systemd.resource-control(5): K, M, G, T are powers of 1024; one CPU is 100%.
      memory?.replace(/iB$/, "") ?? "-",
      typeof cpus === "number" ? String(Math.round(cpus * 100)) : (cpus ?? "-"),
      tasks === undefined ? "-" : String(tasks),
    ],
  };
}

/** JSON members sorted by key, one per argument: a changed key is one changed word in the plan. */
export function daemonEntries(daemon: DaemonSpec): readonly string[] {
  return Object.keys(daemon)
    .toSorted()
    .map((key) => `${JSON.stringify(key)}: ${sortedJson(daemon[key])}`);
}
