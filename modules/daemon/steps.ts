/** daemon.json and the daemon, as facts. */
import { containersSlice } from "../core/profiles.ts";
import type { ContainerLimitsSpec, DaemonSpec } from "../core/site-spec.ts";
import type { Step } from "../core/step.ts";
import { canonicalDaemon } from "./canonical.ts";
import { readBack } from "./read-back.ts";
import { sortedJson } from "./sorted-json.ts";

/**
 * @param version engine version that has to answer.
 * @param limits ceiling of all containers together; absent: the host has none.
 * @param tokenAuthorities CAs that count for a registry's token server, each as base64 of its DER. Default none.
 */
export function daemonSteps(
  written: DaemonSpec,
  version: string,
  limits: ContainerLimitsSpec | undefined,
  tokenAuthorities: readonly string[] = [],
): readonly Step[] {
  const daemon = canonicalDaemon(written);
  return [
    ...(limits === undefined ? [] : [sliceStep(limits)]),
    {
      code: "daemon.authorities",
      fact:
        tokenAuthorities.length === 0
          ? "dockerd has no CAs of its own beside those of certs.d"
          : "dockerd has the CAs of registry.external.ca for token servers, and no others of its own beside those of certs.d",
      effect: "containers-stop",
      call: ["token_ca", ...tokenAuthorities],
    },
    {
      code: "daemon.file",
      fact: "daemon.json is as the site says",
      effect: "containers-stop",
      call: ["daemon_file", ...daemonEntries(daemon)],
    },
    {
      code: "daemon.running",
      fact: `engine ${version} runs as its unit says, with this daemon.json`,
      effect: "containers-stop",
      call: ["daemon_running", version, ...readBack(daemon)],
    },
    {
      code: "daemon.listeners",
      fact: "the engine answers on /run/docker.sock alone, for root and group docker, and on no network",
      effect: "containers-stop",
      call: ["daemon_listeners", ...figures(daemon)],
    },
    {
      code: "daemon.containers",
      fact: "what ran before the last switch of the engine runs, and the engine knows of all that runs",
      effect: "none",
      call: ["engine_containers"],
    },
  ];
}

/** Where the site has the engine show figures: `metrics-addr`, and on loopback `network-diagnostic-port` (moby 29, diagnostic server). */
function figures(daemon: DaemonSpec): readonly string[] {
  const { "metrics-addr": metrics, "network-diagnostic-port": port } = daemon;
  return [
    ...(typeof metrics === "string" ? listening(metrics) : []),
    ...(typeof port === "number" ? [`127.0.0.1:${port}`] : []),
  ];
}

/** What the kernel may show for an address that Go listens on. */
function listening(address: string): readonly string[] {
  // Go listens for this one on both kinds of addresses.
  if (address.startsWith("0.0.0.0:")) return [address, address.replace("0.0.0.0", "[::]")];
  // The first of the two that the host's own names have.
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
      // systemd.resource-control(5): K, M, G, T are powers of 1024; a processor is 100%.
      memory?.replace(/iB$/, "") ?? "-",
      typeof cpus === "number" ? String(Math.round(cpus * 100)) : (cpus ?? "-"),
      tasks === undefined ? "-" : String(tasks),
    ],
  };
}

/** JSON members in the order of their keys, one an argument: a changed key is one changed word in the plan. */
export function daemonEntries(daemon: DaemonSpec): readonly string[] {
  return Object.keys(daemon)
    .toSorted()
    .map((key) => `${JSON.stringify(key)}: ${sortedJson(daemon[key])}`);
}
