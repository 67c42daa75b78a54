/** What `sealift --version` prints. */
import { commandVersion } from "../modules/core/operator.ts";
import { bundleFormat } from "../offline-bundle/inside.ts";
import manifest from "../package.json" with { type: "json" };

/** The version in the first word of the first line, for scripts; then what has to fit to it. */
export function versionText(): string {
  const { version, dependencies } = manifest;
  return [
    version,
    `bundle format ${bundleFormat}`,
    `Pulumi ${dependencies["@pulumi/pulumi"]}, @pulumi/command plugin ${commandVersion}`,
    `Node.js ${process.versions.node}`,
  ].join("\n");
}
