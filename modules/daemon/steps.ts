/** daemon.json and the daemon, as facts. */
import { containersSlice } from "../core/profiles.ts";
import type { ContainerLimitsSpec, DaemonSpec } from "../core/site-spec.ts";
import type { Step } from "../core/step.ts";
import { readBack } from "./read-back.ts";
import { sortedJson } from "./sorted-json.ts";

/**
 * @param version engine version that has to answer.
 * @param limits ceiling of all containers together; absent: the host has none.
 */
export function daemonSteps(
  daemon: DaemonSpec,
  version: string,
  limits: ContainerLimitsSpec | undefined,
): readonly Step[] {
  return [
    ...(limits === undefined ? [] : [sliceStep(limits)]),
    {
      code: "daemon.file",
      fact: "daemon.json is as the site says",
      effect: "containers-stop",
      call: ["daemon_file", ...daemonEntries(daemon)],
    },
    {
      code: "daemon.running",
      fact: `engine ${version} runs with this daemon.json`,
      effect: "containers-stop",
      call: ["daemon_running", version, ...readBack(daemon)],
    },
    {
      code: "daemon.containers",
      fact: "what ran before the last switch of the engine runs, and the engine knows of all that runs",
      effect: "none",
      call: ["engine_containers"],
    },
  ];
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
