/** The answer to a diff call. */
import provider from "@pulumi/pulumi/proto/provider_pb.js";
import type { Change } from "./diff.ts";

export function diffMessage(changes: ReadonlyMap<string, Change>): provider.DiffResponse {
  const { DIFF_NONE, DIFF_SOME } = provider.DiffResponse.DiffChanges;
  const paths = [...changes.keys()];
  const replacing = paths.filter((path) => changes.get(path)?.endsWith("_REPLACE"));
  const message = new provider.DiffResponse()
    .setChanges(paths.length === 0 ? DIFF_NONE : DIFF_SOME)
    .setDiffsList(heads(paths))
    .setReplacesList(heads(replacing))
    .setHasdetaileddiff(true);
  for (const [path, change] of changes)
    message
      .getDetaileddiffMap()
      .set(path, new provider.PropertyDiff().setKind(provider.PropertyDiff.Kind[change]).setInputdiff(false));
  return message;
}

/** The top-level properties of paths, each once. */
function heads(paths: readonly string[]): string[] {
  return [...new Set(paths.map((path) => path.split(/[.[]/, 1)[0] ?? path))];
}
