/**
 * `npm run bench`: every figure that this project holds itself to, each beside something bare in the same run.
 * `npm run bench -- host`, `-- bundle`, `-- registry`, `-- apps`, `-- backup` or `-- fleet [hosts…]` runs one of them.
 */
import { formatProblem, SealiftError } from "../../modules/core/errors.ts";
import { appsBench } from "./apps-bench.ts";
import { backupBench } from "./backup-bench.ts";
import { bundleBench } from "./bundle-bench.ts";
import { fleetBench } from "./fleet-bench.ts";
import { hostBench } from "./host-bench.ts";
import { registryBench } from "./registry-bench.ts";

const benches: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  host: hostBench,
  bundle: bundleBench,
  registry: registryBench,
  apps: appsBench,
  backup: backupBench,
  fleet: fleetBench,
};

async function main(): Promise<void> {
  const [asked, ...args] = process.argv.slice(2);
  if (asked !== undefined && benches[asked] === undefined) {
    console.error(`no such benchmark: ${asked}; there are ${Object.keys(benches).join(", ")}`);
    process.exitCode = 2;
    return;
  }
  for (const [name, bench] of Object.entries(benches))
    if (asked === undefined || asked === name) await bench(args);
}

try {
  await main();
} catch (error) {
  console.error(error instanceof SealiftError ? error.problems.map(formatProblem).join("\n") : error);
  process.exitCode = 1;
}
