import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runProcess } from "../../support/process/run-process.ts";
import type { Report } from "../../support/process/stages.ts";
import { cachePath, checkout } from "../cache.ts";
import { findProgram } from "../packages/find-program.ts";
import { toolProblem } from "./tool-problem.ts";
import type { GoModule } from "./tools.ts";

/**
 * Builds a tool from its tagged Go module: go.sum beside go.mod fixes every byte of source, and `-mod=readonly` refuses
 * anything else. Go's own caches are used as they are: another checkout on this machine compiles only what is new, and
 * `go clean -cache -modcache` gives the disk back.
 *
 * @throws {E_TOOL} when Go is missing or too old, or when the build fails.
 */
export async function goBuild(module: GoModule, folder: string, report: Report): Promise<void> {
  const source = sourceOf(module);
  const go = await findGo(source, module.program);
  const env = {
    CGO_ENABLED: "0",
    GOFLAGS: "-mod=readonly -buildvcs=false -trimpath",
    GOTOOLCHAIN: "auto",
    GOWORK: "off",
  };
  mkdirSync(folder, { recursive: true });
  const log = cachePath("log", `go-${module.folder}.log`);
  const run = async (args: readonly string[], onLine: (line: string) => boolean): Promise<string> => {
    const result = await runProcess(go, args, { cwd: source, env, log, onLine });
    if (result.exitCode === 0) return result.stdout;
    const tail = result.stderr.split("\n").slice(-4).join(" | ");
    const fix = `read ${log}; the build needs a Go module proxy and 4 GB of disk`;
    throw toolProblem(
      module.program,
      `go ${args[0] ?? ""}: exit ${result.exitCode}: ${tail}`,
      "a build",
      fix,
    );
  };
  let modules = 0;
  report(`fetches the Go modules of ${module.program}`);
  const stale = "{{if .Stale}}{{.ImportPath}}{{end}}";
  const listed = await run(["list", "-deps", "-f", stale, ...module.flags, module.package], (line) => {
    if (!line.startsWith("go: downloading")) return false;
    report(`fetches the Go modules of ${module.program}: ${++modules}`);
    return true;
  });
  const total = listed.split("\n").filter((line) => line !== "").length;
  let compiled = 0;
  report(`compiles ${module.program}: ${total} packages`, 0);
  const output = ["-o", join(folder, module.program)];
  await run(["build", "-v", ...output, ...module.flags, module.package], (line) => {
    if (!/^[\w.-]+(\/[\w.~-]+)*$/.test(line)) return false;
    compiled = Math.min(compiled + 1, total);
    const last = compiled === total ? ", links" : "";
    report(`compiles ${module.program}: ${compiled} of ${total} packages${last}`, compiled / total);
    return true;
  });
}

/** Where its go.mod and go.sum are. */
export function sourceOf({ folder, below = join("test", "lab", "tools") }: GoModule): string {
  return join(checkout, below, folder);
}

/** From 1.21 on, Go gets the toolchain that go.mod asks for by itself (GOTOOLCHAIN=auto). */
const selfRenewing = 21;

async function findGo(source: string, program: string): Promise<string> {
  const needed = /^go (\S+)$/m.exec(readFileSync(join(source, "go.mod"), "utf8"))?.[1] ?? "";
  const fix = `install Go ${needed} (any from 1.${selfRenewing} on fetches it), or let this machine reach github.com`;
  const go = findProgram("go");
  if (go === undefined) throw toolProblem(program, "no `go`, and no official archive", `Go ${needed}`, fix);
  const { stdout } = await runProcess(go, ["env", "GOVERSION"], { env: { GOTOOLCHAIN: "local" } });
  const minor = Number(/^go1\.(\d+)/.exec(stdout.trim())?.[1] ?? 0);
  if (minor < selfRenewing) throw toolProblem(program, stdout.trim(), `Go ${needed}`, fix);
  return go;
}
