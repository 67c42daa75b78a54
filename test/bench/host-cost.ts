/** What a run costs, on the operator's side and on a host. */
import { relative } from "node:path";
import { checkout } from "../lab/cache.ts";
import type { Guest } from "../lab/guest.ts";
import type { SiteUnderTest } from "../support/guests/site-under-test.ts";
import { measured, middle, type Run } from "./measured.ts";
import { probeHost } from "./probe-host.ts";

export interface Cost {
  readonly seconds: number;
  /** Seconds of processor time on the operator's side, of all processes, and on the host. */
  readonly operator: number;
  readonly host: number;
  readonly connections: number;
  readonly megabytes: number;
}

/** Pulumi as a person has it, without what the lab itself sets for speed. */
export function pulumiAsAPerson(site: SiteUnderTest, [verb = "", ...args]: readonly string[]): Promise<Run> {
  const bare = ["-u", "NODE_COMPILE_CACHE", "-u", "PULUMI_CONFIG_PASSPHRASE"];
  return measured({
    program: "env",
    // Its output is printed if it fails.
    args: [
      ...bare,
      "sh",
      "-c",
      'exec pulumi "$@" >&2',
      "sh",
      verb,
      "--stack",
      relative("stacks", site.file).replace(/^Pulumi\.|\.yaml$/g, ""),
      "--non-interactive",
      "--color",
      "never",
      ...args,
    ],
    env: site.env,
    cwd: checkout,
  });
}

/** Runs it, and looks at the host before and afterwards. */
export async function costOf(guest: Guest, work: () => Promise<Run>): Promise<Cost> {
  const before = await probeHost(guest);
  const { seconds, cpuSeconds } = await work();
  const after = await probeHost(guest);
  return {
    seconds,
    operator: cpuSeconds,
    host: after.cpuSeconds - before.cpuSeconds,
    // The second probe is a login of its own.
    connections: after.connections - before.connections - 1,
    megabytes: (after.receivedBytes - before.receivedBytes) / 1e6,
  };
}

export function medians(costs: readonly Cost[]): Cost {
  const of = (pick: (cost: Cost) => number): number => middle(costs.map(pick));
  return {
    seconds: of(({ seconds }) => seconds),
    operator: of(({ operator }) => operator),
    host: of(({ host }) => host),
    connections: of(({ connections }) => connections),
    megabytes: of(({ megabytes }) => megabytes),
  };
}

/** As a table has them. */
export function figures({ seconds, operator, host, connections, megabytes }: Cost): string[] {
  return [
    seconds.toFixed(1),
    operator.toFixed(1),
    host.toFixed(1),
    String(connections),
    megabytes.toFixed(2),
  ];
}
