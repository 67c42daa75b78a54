/** The other tool that packs host files and images: a tool of the go.mod in zarf/, which fixes every byte of it. */
import { join } from "node:path";
import { builtProgram } from "../lab/tools/built-program.ts";
import type { Report } from "../support/process/stages.ts";

export const zarfVersion = "v0.84.0";

/** Path of the program, which is built in some minutes. @throws {E_TOOL} when Go is missing or the build fails. */
export function haveZarf(report: Report): Promise<string> {
  return builtProgram(
    {
      folder: "zarf",
      below: join("test", "bench"),
      package: "github.com/zarf-dev/zarf",
      // As its own Makefile builds it, without the versions of the tools inside it that are not run here.
      flags: ["-ldflags", `-s -w -X github.com/zarf-dev/zarf/src/config.CLIVersion=${zarfVersion}`],
      program: "zarf",
    },
    report,
  );
}
