/** `npm run new-phase -- <name>`: a folder in modules/ to start a phase from. CONTRIBUTING.md says what to do with it. */
import { join, relative } from "node:path";
import { newPhase } from "../support/fixtures/new-phase.ts";
import { checkout } from "./cache.ts";

const [name = ""] = process.argv.slice(2);
try {
  for (const path of await newPhase(name, join(checkout, "modules"))) console.log(relative(checkout, path));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
