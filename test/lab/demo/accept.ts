import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import type { LabBundle } from "../bundle/bundle.ts";
import { cachePath, checkout } from "../cache.ts";
import { shownSealift } from "./demo-output.ts";

/**
 * The bundle with a list of accepted ones of the demo's own, which begins with it.
 * @param folder of the demo in the lab's cache; it is emptied.
 */
export async function shownAccept(bundle: LabBundle, folder: string): Promise<LabBundle> {
  const own = cachePath("lab", folder);
  rmSync(own, { recursive: true, force: true });
  mkdirSync(own, { recursive: true, mode: 0o700 });
  const allowedSigners = join(own, "allowed_signers");
  copyFileSync(bundle.allowedSigners, allowedSigners);
  console.log("\n== The bundle is accepted: older bundles are refused from now on");
  await shownSealift(
    ...["bundle", "accept", relative(checkout, bundle.directory)],
    ...["--allowed-signers", relative(checkout, allowedSigners)],
  );
  return { ...bundle, allowedSigners };
}
