/** `sealift new <folder>`: writes the repository of a site, with Sealift and every package pinned by hash. */
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { Command } from "commander";
import { refuse, SealiftError, type Problem } from "../modules/core/errors.ts";
import { installedTarball, readTarball } from "./new/sealift-tarball.ts";
import { repositoryFiles } from "./new/repository-files.ts";
import { print } from "./output/print.ts";

export function newCommand(): Command {
  return new Command("new")
    .description("Write a repository for a site: package.json, Pulumi program, an example environment, CI")
    .argument("<folder>", "a new or empty folder; its name becomes the name of the Pulumi project")
    .option(
      "--package <tarball>",
      "the package of this Sealift, sealift-<version>.tgz (default: the one it was installed from)",
    )
    .addHelpText("after", examples)
    .action(async (folder: string, flags: { readonly package?: string }) => {
      const name = basename(resolve(folder));
      refuse([...nameProblems(name), ...(await contentProblems(folder))]);
      const tarball = await readTarball(flags.package ?? (await installedTarball()));
      for (const [path, content] of await repositoryFiles(name, tarball)) {
        await mkdir(dirname(join(folder, path)), { recursive: true });
        await writeFile(join(folder, path), content, { flag: "wx" });
      }
      print(`wrote ${folder}; next: cd ${folder} && npm ci && npm run check; README.md lists the next steps`);
    });
}

/** The rule for the name of a Pulumi project (Pulumi 3.259, `pulumi new`). */
function nameProblems(name: string): readonly Problem[] {
  if (/^[A-Za-z0-9_.-]{1,100}$/.test(name)) return [];
  const expected = "at most 100 letters, digits, hyphens, underscores and dots: it names the Pulumi project";
  return [problem(name, "the folder's name", name, expected, "choose another name")];
}

async function contentProblems(folder: string): Promise<readonly Problem[]> {
  const found = await readdir(folder).then(
    (names) => (names.length === 0 ? undefined : names.toSorted().slice(0, 3).join(", ")),
    (error: unknown) => {
      if (error instanceof Error && "code" in error) {
        if (error.code === "ENOENT") return undefined;
        if (error.code === "ENOTDIR") return "a file";
      }
      throw new SealiftError([
        problem(folder, "folder", String(error), "a folder that can be read", "check the path"),
      ]);
    },
  );
  if (found === undefined) return [];
  return [problem(folder, "folder", found, "a new or empty folder", "choose another folder")];
}

function problem(where: string, subject: string, found: string, expected: string, fix: string): Problem {
  return { where, code: "E_VALUE", subject, found, expected, fix };
}

const examples = `
The repository pins Sealift and all other npm packages by their hash, so npm ci installs exactly them. It is also a template for Pulumi:
pulumi new <folder> copies it.

Examples:
  $ npx --package ./sealift-0.1.0.tgz sealift new my-site
  $ npx sealift new my-site --package /media/carry/sealift-0.1.0.tgz`;
