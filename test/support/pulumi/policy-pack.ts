/** The policy pack as `npm run package` makes it, unpacked where the lab's Pulumi CLI can start it. */
import { mkdirSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { policyFiles } from "../../../packaging/package-files.ts";
import { checkout } from "../../lab/cache.ts";

export interface PolicyPackFolder {
  /** For --policy-pack. */
  readonly folder: string;
  /** For the CLI. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * The official language host starts a policy pack itself. That of the lab is older and cannot; the CLI then starts
 * `pulumi-analyzer-policy-<runtime>`, as it does for every runtime without a language host (pulumi 3.259,
 * sdk/go/common/resource/plugin/analyzer_plugin.go, NewPolicyAnalyzer). So this copy has a runtime of another name.
 *
 * @param above folder to write into; its node_modules has the policy SDK.
 * @param path PATH of the CLI.
 */
export function writePolicyPack(above: string, path: string): PolicyPackFolder {
  const [folder, bin] = [join(above, "policy-pack"), join(above, "policy-bin")];
  for (const { path: name, text } of policyFiles()) {
    const file = join(folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, name === "PulumiPolicy.yaml" ? text.replace("name: nodejs", "name: lab") : text);
  }
  mkdirSync(bin);
  const start = join(checkout, "node_modules", "@pulumi", "pulumi", "cmd", "run-policy-pack");
  const script = `#!/bin/sh\nexec "${process.execPath}" "${start}" "$@"\n`;
  writeFileSync(join(bin, "pulumi-analyzer-policy-lab"), script, { mode: 0o755 });
  return {
    folder,
    env: { PATH: [bin, path].join(delimiter), PULUMI_IGNORE_AMBIENT_PLUGINS: "false" },
  };
}
