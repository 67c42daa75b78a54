/** The documented example as values: a host, and an engine made up for it. */
import type { Archive, HostFiles } from "../../modules/core/blob.ts";
import { readLibrary } from "../../modules/core/library.ts";
import type { Sending } from "../../modules/core/sending.ts";
import type { HostSpec } from "../../modules/core/site-spec.ts";
import { phasesOf, type HostPhases, type SiteFacts } from "../../modules/phases.ts";
import { exampleText, siteOf } from "./site-text.ts";

export const exampleArchive: Archive = {
  version: "28.5.2",
  sha256: "ab".repeat(32),
  bytes: 77_000_000,
  path: "index.ts",
  members: ["docker", "dockerd", "runc"].map((name) => ({ path: `docker/${name}`, sha256: "cd".repeat(32) })),
};

export const exampleFiles: HostFiles = {
  archive: exampleArchive,
  plugins: [
    { name: "compose", version: "5.5.1", sha256: "ef".repeat(32), bytes: 64_000_000, path: "index.ts" },
  ],
};

/** Its bytes are nowhere: nothing is copied. */
export const exampleSending: Sending = {
  path: ({ sha256 }) => Promise.resolve(`.cache/sent/example/${sha256}`),
  sent: () => Promise.resolve(),
};

export const library = readLibrary();

export function exampleHost(): HostSpec {
  const [host] = siteOf(exampleText).hosts;
  if (host === undefined) throw new Error("the example has no host");
  return host;
}

/** A site without a registry, at a fixed time. */
export const exampleFacts: SiteFacts = {
  library,
  clock: 1_800_000_000,
  content: { manifests: [], blobs: [] },
  bundle: { serial: 1 },
  mirrors: true,
  authorities: [],
};

export function examplePhases(): HostPhases {
  return phasesOf(exampleHost(), exampleFiles, exampleFacts);
}
