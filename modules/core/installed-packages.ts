/** Checks of the npm packages of the repository that a program or command runs in: Sealift as pinned, and one copy of Pulumi. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Problem } from "./errors.ts";

/** package.json of this Sealift, a package or a checkout. */
const own = fileURLToPath(new URL("../../package.json", import.meta.url));

/** @param repository the team's repository; one without npm packages has no problems. */
export function installationProblems(repository: string): readonly Problem[] {
  return [...versionProblems(repository, own), ...copyProblems(repository, own)];
}

interface Lock {
  readonly packages?: Readonly<Record<string, { readonly version?: string; readonly integrity?: string }>>;
}

/**
 * npm records what it has installed in node_modules/.package-lock.json (npm 7 and later, package-lock-json(5), Hidden Lockfiles).
 * @param sealift package.json of the Sealift that runs.
 */
export function versionProblems(repository: string, sealift: string): readonly Problem[] {
  const pinned = entryOf(join(repository, "package-lock.json"));
  if (pinned?.version === undefined) return [];
  const { version } = JSON.parse(readFileSync(sealift, "utf8")) as { version: string };
  const installed = entryOf(join(repository, "node_modules", ".package-lock.json"));
  const differs =
    pinned.integrity !== undefined &&
    installed?.integrity !== undefined &&
    pinned.integrity !== installed.integrity;
  if (version === pinned.version && !differs) return [];
  return [
    {
      where: join(repository, "package-lock.json"),
      code: "E_TOOLKIT_VERSION",
      subject: "sealift",
      found: version === pinned.version ? `another package of version ${version}` : version,
      expected: `${pinned.version}, as pinned`,
      fix: "run npm ci",
    },
  ];
}

function entryOf(file: string): { readonly version?: string; readonly integrity?: string } | undefined {
  try {
    return (JSON.parse(readFileSync(file, "utf8")) as Lock).packages?.["node_modules/sealift"];
  } catch {
    // npm itself reports a lock that it cannot read.
    return undefined;
  }
}

/** Pulumi keeps its state per copy of its package: resources of one copy do not exist for the other. */
export function copyProblems(repository: string, sealift: string): readonly Problem[] {
  return ["@pulumi/pulumi", "@pulumi/command"].flatMap((name) => {
    const mine = copyFrom(sealift, name);
    const others = [copyFrom(join(repository, "package.json"), name)];
    if (name === "@pulumi/pulumi" && mine !== undefined) {
      const command = copyFrom(sealift, "@pulumi/command");
      if (command !== undefined) others.push(copyFrom(command.path, name));
    }
    const other = others.find((one) => one !== undefined && one.path !== mine?.path);
    if (mine === undefined || other === undefined) return [];
    return [
      {
        where: other.path,
        code: "E_PULUMI_COPIES" as const,
        subject: name,
        found: `version ${other.version}, beside version ${mine.version} in ${mine.path}`,
        expected: `one copy, version ${mine.version}`,
        fix: `pin ${name} to ${mine.version} in package.json and run npm install`,
      },
    ];
  });
}

/** The copy of a package that a file would import. */
function copyFrom(
  file: string,
  name: string,
): { readonly path: string; readonly version: string } | undefined {
  try {
    const path = createRequire(file).resolve(`${name}/package.json`);
    const { version } = JSON.parse(readFileSync(path, "utf8")) as { version: string };
    return { path, version };
  } catch {
    return undefined;
  }
}
