/**
 * A fleet after its first up, in the time of one host: the first host is provisioned, and the others become copies of it. A run that expects no
 * changes proves that each copy is what an up of its own makes.
 */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cachePath } from "../lab/cache.ts";
import type { SimulatedFleet } from "./simulated-fleet.ts";

interface Copy {
  readonly name: string;
  readonly port: number;
  readonly hostKey: string;
}

/** The others are copied on their side and in the state. */
export async function provisionByCopy(fleet: SimulatedFleet): Promise<void> {
  const [first, ...others] = fleet.hosts;
  if (first === undefined) throw new Error("a fleet without a host");
  const named = others.map((host, index) => ({ ...host, name: `sim-${index + 2}` }));
  await provisionFirst(fleet);
  await copyState(fleet, named);
  for (const other of named) {
    cpSync(first.home, other.home, { recursive: true });
    const facts = join(other.home, "facts");
    writeFileSync(facts, copied(readFileSync(facts, "utf8"), fleet, other));
  }
  fleet.describe(fleet.site.hosts);
}

/** sim-2 has this port plus 2, and so on: below those that a system gives out. */
const basePort = 20_000;

/**
 * The others exist only in the state: a probe of them is answered by the record of one of the first host. For more hosts than a machine has room for.
 *
 * @param fleet of one host. @param count of hosts in the site.
 * @returns the environment of all runs from here on.
 */
export async function provisionByReplay(
  fleet: SimulatedFleet,
  count: number,
): Promise<Readonly<Record<string, string>>> {
  const [first] = fleet.hosts;
  if (first === undefined) throw new Error("a fleet without a host");
  const record = cachePath("bench", `replayed-${process.pid}`);
  rmSync(record, { force: true });
  const env = {
    PATH: `${join(import.meta.dirname, "replayed-host")}:${fleet.env["PATH"] ?? ""}`,
    SEALIFT_BENCH_RECORD: record,
    SEALIFT_BENCH_FIRST: String(first.port),
    SEALIFT_BENCH_BASE: String(basePort),
  };
  await provisionFirst(fleet);
  await run(fleet, ["preview", "--suppress-outputs", "--expect-no-changes"], env);
  const others = Array.from({ length: count - 1 }, (_, index) => ({
    name: `sim-${index + 2}`,
    port: basePort + index + 2,
    hostKey: first.hostKey,
  }));
  await copyState(fleet, others);
  const [host] = fleet.site.hosts;
  const described = others.map(({ name, port }) => ({
    ...host,
    ...{ name, port, volumes: { disks: [{ id: `/dev/disk/by-id/${name}` }] } },
  }));
  fleet.describe([host ?? {}, ...described]);
  return env;
}

async function provisionFirst(fleet: SimulatedFleet): Promise<void> {
  fleet.describe(fleet.site.hosts.slice(0, 1));
  await run(fleet, ["up", "--yes", "--skip-preview", "--suppress-outputs"]);
}

async function copyState(fleet: SimulatedFleet, others: readonly Copy[]): Promise<void> {
  const file = cachePath("bench", `copied-${process.pid}.json`);
  mkdirSync(dirname(file), { recursive: true });
  await run(fleet, ["stack", "export", "--show-secrets", "--file", file]);
  const state = JSON.parse(readFileSync(file, "utf8")) as { deployment: { resources: { urn: string }[] } };
  const { resources } = state.deployment;
  const ofFirst = JSON.stringify(resources.filter(({ urn }) => /::sim-1(-[a-z0-9-]+)?$/.test(urn)));
  for (const other of others)
    resources.push(...(JSON.parse(copied(ofFirst, fleet, other)) as typeof resources));
  writeFileSync(file, JSON.stringify(state), { mode: 0o600 });
  await run(fleet, ["stack", "import", "--file", file]);
  rmSync(file);
}

function copied(text: string, { hosts: [first] }: SimulatedFleet, { name, port, hostKey }: Copy): string {
  return text
    .replace(/\bsim-1\b/g, name)
    .replaceAll(String(first?.port), String(port))
    .replaceAll(first?.hostKey ?? "", hostKey);
}

async function run(
  fleet: SimulatedFleet,
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
): Promise<void> {
  const { exitCode, output } = await fleet.pulumi(args, undefined, env);
  if (exitCode !== 0) throw new Error(`pulumi ${args.join(" ")}: ${output}`);
}
