/** daemon.json and the daemon, as facts. */
import type { DaemonSpec } from "../core/site.ts";
import type { Step } from "../core/step.ts";

/** @param version engine version that has to answer. */
export function daemonSteps(daemon: DaemonSpec, version: string): readonly Step[] {
  return [
    {
      code: "daemon.file",
      fact: "daemon.json is as the site says",
      effect: "restart",
      call: ["daemon_file", ...daemonEntries(daemon)],
    },
    {
      code: "daemon.running",
      fact: `engine ${version} runs with this daemon.json`,
      effect: "restart",
      call: [
        "daemon_running",
        version,
        daemon["data-root"],
        shown(daemon["log-driver"]),
        // What docker info says of the containerd store.
        shown(daemon["storage-driver"] ?? "overlayfs"),
      ],
    },
    {
      code: "daemon.containers",
      fact: "what ran before the last switch of the engine runs, and the engine knows of all that runs",
      effect: "none",
      call: ["engine_containers"],
    },
  ];
}

/** JSON members in the order of their keys, one an argument: a changed key is one changed word in the plan. */
export function daemonEntries(daemon: DaemonSpec): readonly string[] {
  return Object.keys(daemon)
    .toSorted()
    .map((key) => `${JSON.stringify(key)}: ${sortedJson(daemon[key])}`);
}

function sortedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${sortedJson(member)}`).join(",")}}`;
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
