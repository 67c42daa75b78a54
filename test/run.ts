/**
 * `npm test`: every check of the project, in the order in which a failure is cheapest. Nothing is skipped in silence:
 * what cannot run on this machine is named at the end, and a run in CI fails of it.
 *
 * `npm test -- unit golden` runs only the named parts; `npm test -- lab long` those that a plain run leaves out, which its last
 * lines say.
 */
import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { $ } from "zx";
import { formatProblem, SealiftError } from "../modules/core/errors.ts";
import { checkout } from "./lab/cache.ts";
import { ensurePackages } from "./lab/packages.ts";
import { prepareLab } from "./lab/prepare.ts";
import { onExit } from "./support/on-exit.ts";
import { inSeconds } from "./support/stage-view.ts";
import { table } from "./support/table.ts";

interface Part {
  readonly name: string;
  readonly run: () => Promise<boolean>;
  /** Too long for every run: it has to be asked for by name. */
  readonly long?: true;
}

const parts: readonly Part[] = [
  { name: "format", run: () => tool("prettier", ["--check", "--log-level", "warn", "."]) },
  { name: "lint", run: () => tool("eslint", ["."]) },
  { name: "types", run: () => tool("tsc", ["-p", "."]) },
  { name: "shell", run: () => tool("shellcheck", ["-s", "dash", ...files(".", ".sh")]) },
  // The lab comes first: bundles are made with the oras that it brings.
  {
    name: "lab",
    run: async () => {
      // All engines now, on all cores: later the tests on guests would wait for whoever builds them. The conformance suite tries
      // the plugin with the real CLI, too.
      process.env["SEALIFT_PULUMI"] = (await prepareLab("all")).tools.pulumi;
      return true;
    },
  },
  { name: "unit", run: () => tests(2, "test/unit") },
  { name: "golden", run: () => tests(1, "test/golden") },
  { name: "component", run: () => tests(1, "test/component") },
  { name: "conformance", run: () => tests(1, "test/lab/command-plugin") },
  // Whole provisionings first, because they take longest; then the shell of the phases, function by function. While one guest
  // waits for Pulumi, another has its processor.
  { name: "guests", run: () => tests(guestsAtOnce, "test/e2e", "test/guest") },
  { name: "long", long: true, run: () => tests(1, "test/long") },
];

/** For two processors under emulation; 1.5 GB of memory each. */
const guestsAtOnce = 3;

async function main(): Promise<boolean> {
  const asked = process.argv.slice(2);
  const unknown = asked.filter((name) => !parts.some((part) => part.name === name));
  if (unknown.length > 0) {
    console.error(
      `no such part: ${unknown.join(", ")}; there are ${parts.map(({ name }) => name).join(", ")}`,
    );
    return false;
  }
  await ensurePackages();
  await ensurePackages("page", "state");
  const wanted = ({ name, long }: Part): boolean =>
    asked.length === 0 ? long !== true : asked.includes(name);
  const rows: string[][] = [];
  for (const { name, run } of parts.filter(wanted)) {
    console.log(`\n== ${name}`);
    const start = performance.now();
    const passed = await run().catch(told);
    rows.push([name, passed ? "passed" : "FAILED", inSeconds((performance.now() - start) / 1000)]);
  }
  console.log(`\n${table(rows)}\n`);
  const left = parts.filter((part) => asked.length === 0 && !wanted(part)).map(({ name }) => name);
  if (left.length > 0) console.log(`left out, by name only: npm test -- lab ${left.join(" ")}`);
  const failed = rows.filter(([, result]) => result === "FAILED").length;
  console.log(`parts: ${rows.length - failed} passed, ${failed} failed`);
  return failed === 0;
}

function told(error: unknown): false {
  console.error(error instanceof SealiftError ? error.problems.map(formatProblem).join("\n") : error);
  return false;
}

function tests(atOnce: number, ...folders: readonly string[]): Promise<boolean> {
  const all = folders.flatMap((folder) => files(folder, ".test.ts"));
  return tool(process.execPath, ["--test", `--test-concurrency=${atOnce}`, ...all]);
}

/** Runs a program with its output on the screen. @returns whether it ended with 0. */
async function tool(program: string, args: readonly string[]): Promise<boolean> {
  const child = $({
    cwd: checkout,
    stdio: ["ignore", "inherit", "inherit"],
    nothrow: true,
  })`${program} ${args}`;
  const forget = onExit(() => void child.kill());
  const { exitCode } = await child;
  forget();
  return exitCode === 0;
}

function files(folder: string, ending: string): string[] {
  const passed = new Set(["node_modules", ".cache", ".git"]);
  const walk = (path: string): string[] =>
    readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
      if (entry.isDirectory()) return passed.has(entry.name) ? [] : walk(join(path, entry.name));
      return entry.name.endsWith(ending) ? [relative(checkout, join(path, entry.name))] : [];
    });
  return walk(join(checkout, folder)).toSorted();
}

process.exitCode = (await main()) ? 0 : 1;
