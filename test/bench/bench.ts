/**
 * `npm run bench`: every figure that this project holds itself to, each beside something bare in the same run.
 * `npm run bench -- host` and `npm run bench -- bundle` run one of the two.
 */
import { formatProblem, SealiftError } from "../../modules/core/errors.ts";
import { bundleBench } from "./bundle-bench.ts";
import { hostBench } from "./host-bench.ts";

const benches: Readonly<Record<string, () => Promise<void>>> = { host: hostBench, bundle: bundleBench };

async function main(): Promise<void> {
  const asked = process.argv.slice(2);
  const unknown = asked.filter((name) => benches[name] === undefined);
  if (unknown.length > 0) {
    console.error(`no such benchmark: ${unknown.join(", ")}; there are ${Object.keys(benches).join(", ")}`);
    process.exitCode = 2;
    return;
  }
  for (const [name, bench] of Object.entries(benches))
    if (asked.length === 0 || asked.includes(name)) await bench();
}

try {
  await main();
} catch (error) {
  console.error(error instanceof SealiftError ? error.problems.map(formatProblem).join("\n") : error);
  process.exitCode = 1;
}
