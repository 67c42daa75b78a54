/** How fast a bundle is verified, beside sha256sum over the same blobs on all cores. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { inside } from "../../offline-bundle/oci/layout.ts";
import { table } from "../support/process/table.ts";
import { inSeconds, megabytes, times } from "./figures.ts";
import { measured, sideBySide } from "./measured.ts";
import { verb } from "./sealift-verb.ts";

const runs = 7;

export interface Signed {
  readonly directory: string;
  readonly allowedSigners: string;
}

/** @returns lines to print. */
export async function verifySpeed(bundles: readonly Signed[]): Promise<string> {
  const rows: (readonly string[])[] = [];
  for (const bundle of bundles) rows.push(await compare(bundle));
  return [
    `verify of a directory beside sha256sum over its blobs on all cores (xargs -P), medians of ${runs}; aim: at least 0.9 of its speed:`,
    table([["blobs", "bytes", "sha256sum", "verify", "of its speed"], ...rows]),
    "verify has the start of node in it, the signature, the index, and every manifest.",
  ].join("\n");
}

async function compare({ directory, allowedSigners }: Signed): Promise<readonly string[]> {
  const blobs = join(directory, inside.blobs);
  const names = await readdir(blobs);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(blobs, name))).size));
  const total = sizes.reduce((sum, bytes) => sum + bytes, 0);
  // The largest first, as verify takes them: so no core is left alone with one at the end.
  const bare = 'ls -S | xargs -n 1 -P "$(nproc)" sha256sum > /dev/null';
  const { sums, verify } = await sideBySide(runs, {
    sums: () => measured({ program: "sh", args: ["-c", bare], cwd: blobs }),
    verify: () => verb("verify", directory, "--allowed-signers", allowedSigners),
  });
  const ratio = sums.seconds / verify.seconds;
  return [String(names.length), megabytes(total), inSeconds(sums), inSeconds(verify), times(ratio)];
}
