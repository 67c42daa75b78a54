/** Engine 29 built from tagged Go modules, with Debian's docker, docker-init and runc. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Report } from "../../support/process/stages.ts";
import { cachePath, checkout } from "../cache.ts";
import { engineDebs, takePrograms } from "./debian-engine.ts";
import type { ChosenEngine } from "./engine.ts";
import { packEngine } from "./engine-tarball.ts";
import type { Deb } from "../packages/packages.ts";
import { builtOnce } from "../tools/built-program.ts";
import { builtVersions, engineModules } from "../tools/engine-modules.ts";
import { goBuild } from "../tools/go-build.ts";

/** What Debian gives: the CLI cannot be built as a module, and runc would need a C compiler. */
const fromDebian = ["docker", "docker-init", "runc"] as const;

/**
 * The two engines of {@link builtVersions}. Built once: the programs are kept under a name made of everything that goes in.
 *
 * @throws {E_TOOL} when Go is missing or a build fails. @throws {E_PACKAGES} @throws {E_DEBIAN_SOURCES}
 */
export async function builtEngines(report: Report): Promise<readonly ChosenEngine[]> {
  const all = await engineDebs("sid", report);
  const debs = all.filter(({ name }) => ["docker-cli", "runc", "tini"].includes(name));
  const recipe = recipeOf(debs);
  const folder = cachePath("tools", `engine-29-${recipe.slice(0, 8)}`);
  await builtOnce(folder, report, async (part) => {
    for (const module of engineModules) await goBuild(module, part, report);
    await takePrograms(debs, fromDebian, part);
  });
  return builtVersions.map((version) => ({
    engine: { origin: "built from Go modules", version, sha256: [recipe] },
    pack: async (target) => {
      report(`packing engine ${version}`);
      const at = (program: string): string => join(folder, program);
      const paths = {
        containerd: at("containerd"),
        "containerd-shim-runc-v2": at("containerd-shim-runc-v2"),
        ctr: at("ctr"),
        docker: at("docker"),
        "docker-init": at("docker-init"),
        "docker-proxy": at("docker-proxy"),
        dockerd: at(`dockerd-${version}`),
        runc: at("runc"),
      };
      await packEngine(paths, target);
    },
  }));
}

function recipeOf(debs: readonly Deb[]): string {
  const recipe = createHash("sha256").update(
    JSON.stringify([engineModules, debs.map(({ sha256 }) => sha256)]),
  );
  for (const name of new Set(engineModules.map((module) => module.folder)))
    recipe.update(readFileSync(join(checkout, "test", "lab", "tools", name, "go.sum")));
  return recipe.digest("hex");
}
