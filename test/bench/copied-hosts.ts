/**
 * A fleet after its first up, in the time of one host: the first host is provisioned, and the others become copies of it, on their side and in the
 * state. A run that expects no changes proves that each copy is what an up of its own makes.
 */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cachePath } from "../lab/cache.ts";
import type { SimulatedFleet } from "./simulated-fleet.ts";

export async function provisionByCopy(fleet: SimulatedFleet): Promise<void> {
  const [first, ...others] = fleet.hosts;
  if (first === undefined) throw new Error("a fleet without a host");
  fleet.describe(1);
  await run(fleet, "up", "--yes", "--skip-preview", "--suppress-outputs");
  const file = cachePath("bench", `copied-${process.pid}.json`);
  mkdirSync(dirname(file), { recursive: true });
  await run(fleet, "stack", "export", "--show-secrets", "--file", file);
  const state = JSON.parse(readFileSync(file, "utf8")) as { deployment: { resources: { urn: string }[] } };
  const { resources } = state.deployment;
  const ofFirst = JSON.stringify(resources.filter(({ urn }) => /::sim-1(-[a-z0-9-]+)?$/.test(urn)));
  for (const [index, other] of others.entries()) {
    const copied = (text: string): string =>
      text
        .replace(/\bsim-1\b/g, `sim-${index + 2}`)
        .replaceAll(String(first.port), String(other.port))
        .replaceAll(first.hostKey, other.hostKey);
    resources.push(...(JSON.parse(copied(ofFirst)) as typeof resources));
    cpSync(first.home, other.home, { recursive: true });
    const facts = join(other.home, "facts");
    writeFileSync(facts, copied(readFileSync(facts, "utf8")));
  }
  writeFileSync(file, JSON.stringify(state), { mode: 0o600 });
  await run(fleet, "stack", "import", "--file", file);
  rmSync(file);
  fleet.describe(fleet.hosts.length);
}

async function run(fleet: SimulatedFleet, ...args: readonly string[]): Promise<void> {
  const { exitCode, output } = await fleet.pulumi(args);
  if (exitCode !== 0) throw new Error(`pulumi ${args.join(" ")}: ${output}`);
}
