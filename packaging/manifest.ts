/** package.json of the package. Pure. */
import manifest from "../package.json" with { type: "json" };
import policy from "../policy/package.json" with { type: "json" };

export interface PackageManifest {
  readonly version: string;
  readonly bin: { readonly sealift: string };
}

/**
 * What a team's repository needs of package.json. Node.js is the team's own, so the package brings none; development tools stay out.
 * Types and program have one entry: nothing else of the package is its interface.
 */
export function packageManifest(): PackageManifest {
  const { name, version, description, license, type, bin, dependencies } = manifest;
  return {
    ...{ name, version, description, license, type, bin },
    exports: {
      ".": { types: "./modules/sealift.d.ts", default: "./modules/sealift.js" },
      "./node-version": "./modules/core/node-version.js",
      "./package.json": "./package.json",
    },
    engines: { node: ">=22.18" },
    dependencies,
  } as PackageManifest;
}

/** package.json of the policy pack: that of policy/, with its compiled entry and the versions of this commit. */
export function policyManifest(): Pick<typeof policy, "name" | "version" | "main"> {
  const { version, dependencies } = manifest;
  const pulumi = { "@pulumi/pulumi": dependencies["@pulumi/pulumi"] };
  return {
    ...policy,
    version,
    main: policy.main.replace(/\.ts$/, ".js"),
    dependencies: { ...policy.dependencies, ...pulumi },
  } as Pick<typeof policy, "name" | "version" | "main">;
}
