/** What `sealift --version` prints. */
import { commandVersion } from "../modules/core/operator.ts";
import { bundleFormat } from "../offline-bundle/io/inside.ts";
import manifest from "../package.json" with { type: "json" };

/** The first word of the first line is the version, for scripts; the other lines are what it is compatible with. */
export function versionText(): string {
  const { version, dependencies } = manifest;
  return [
    version,
    `bundle format ${bundleFormat}`,
    `Pulumi ${dependencies["@pulumi/pulumi"]}, @pulumi/command plugin ${commandVersion}`,
    `Node.js ${process.versions.node}`,
  ].join("\n");
}
