import type { RuleResource } from "./rule.ts";

/** Reads the output `receipt` of every `sealift:core:Host`: the directory that the site's receipts are written to. */
export function hostsWithoutReceipts(
  resources: readonly Pick<RuleResource, "type" | "name" | "urn" | "props">[],
): readonly { readonly urn: string; readonly violation: string }[] {
  return resources
    .filter(({ type, props }) => type === "sealift:core:Host" && !isDirectory(props["receipt"]))
    .map(({ urn, name }) => ({
      urn,
      violation: `${name} has no receipt directory; set receipt.directory in the site file`,
    }));
}

function isDirectory(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}
