/** The commands that follow a comparison of versions. */
import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { quote } from "../../modules/core/quote.ts";
import type { ToolkitUpgrade } from "../../modules/rollout/compare-toolkits.ts";

/** @param named the package as the operator named it. */
export function nextCommands(
  named: string,
  { requirements, environments, to }: ToolkitUpgrade,
): readonly string[] {
  const tarball = named.endsWith(".tgz") ? named : `./sealift-${to}.tgz`;
  const carried = existsSync("vendor") && tarball === named;
  const source = carried ? `./vendor/${basename(tarball)}` : tarball;
  const own = ownDependencies();
  const packages = requirements.flatMap(({ what, to: version }) =>
    Object.hasOwn(own, what) && version !== undefined ? [`${what}@${version}`] : [],
  );
  const install = ["npm", "install", "--save-exact", source, ...packages].map(quote).join(" ");
  return [
    ...(carried ? [["cp", tarball, "vendor/"].map(quote).join(" ")] : []),
    ...(Object.hasOwn(own, "sealift") ? [install] : []),
    "npx sealift check",
    ...environments.map(({ environment }) => `pulumi preview --stack ${quote(environment)}`),
  ];
}

/** The packages that the repository itself pins: of Pulumi's there must be one copy each. */
function ownDependencies(): Readonly<Record<string, string>> {
  try {
    const { dependencies = {} } = JSON.parse(readFileSync("package.json", "utf8")) as {
      dependencies?: Readonly<Record<string, string>>;
    };
    return dependencies;
  } catch {
    return {};
  }
}
