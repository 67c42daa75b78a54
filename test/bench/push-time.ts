/** A push into a registry, the same push again, and the questions alone that it asks. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { inside, parseBundleManifest } from "../../offline-bundle/oci/layout.ts";
import { startRegistry } from "../support/servers/registry-process.ts";
import { table } from "../support/process/table.ts";
import { inSeconds, times } from "./figures.ts";
import { measured, type Run, sideBySide } from "./measured.ts";
import { verb } from "./sealift-verb.ts";
import type { Signed } from "./verify-speed.ts";

const runs = 5;

/** @param folder for the registry. @returns lines to print. */
export async function pushTime({ directory, allowedSigners }: Signed, folder: string): Promise<string> {
  const registry = await startRegistry(join(folder, "registry"), { tls: true });
  try {
    const ca = registry.caFile ?? "";
    const site = `${registry.address}/site`;
    const push = (): Promise<Run> =>
      verb("push", directory, site, "--allowed-signers", allowedSigners, "--ca-file", ca);
    const first = await push();
    const { manifests } = parseBundleManifest(await readFile(join(directory, inside.manifest)), directory);
    const urls = manifests.map(({ ref }) => {
      const [, repository = "", tag = ""] = /^(.*):([^:]+)$/.exec(ref) ?? [];
      return `https://${registry.address}/v2/site/${repository}/manifests/${tag}`;
    });
    const accept = [
      "-H",
      "Accept: application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json",
    ];
    const curl = { program: "curl", args: ["-fsS", "--cacert", ca, ...accept, "--head", ...urls] };
    const { again, verify, heads } = await sideBySide(runs, {
      again: push,
      verify: () => verb("verify", directory, "--allowed-signers", allowedSigners),
      heads: () => measured(curl),
    });
    const row = (what: string, run: Run): string[] => [
      what,
      inSeconds(run),
      times(run.seconds / heads.seconds),
    ];
    return [
      `push of ${urls.length} tags into a registry on loopback with TLS, medians of ${runs} (the first: once):`,
      table([
        ["what", "time", "of bare curl"],
        row("first push", first),
        row("push with nothing to send", again),
        row("of that: verify alone", verify),
        row(`curl --head of ${urls.length} tags, one connection`, heads),
      ]),
    ].join("\n");
  } finally {
    await registry.stop();
  }
}
