/** What a version of Sealift requires and knows, for a comparison with another version. */
import { readFileSync } from "node:fs";
import { bundleFormat } from "../../offline-bundle/io/inside.ts";
import { errorCodes } from "../core/errors.ts";
import type { Library } from "../core/host/library.ts";
import { commandVersion } from "../core/operator.ts";
import { renamedKeys } from "../core/site/renamed-keys.ts";
import { siteSchema } from "../core/site/schema.ts";
import { siteKeys, type SiteKeys } from "../core/site/site-keys.ts";

export interface Toolkit {
  readonly version: string;
  /** Version of the bundle format that it writes and reads. */
  readonly bundleFormat: number;
  /** The shell functions that every host receives. */
  readonly library: { readonly sha256: string; readonly bytes: number };
  readonly requires: {
    /** A range of versions of Node.js, as in package.json. */
    readonly node: string;
    /** Version of the Pulumi plugin `command`. */
    readonly commandPlugin: string;
    /** npm packages and their exact versions; @pulumi/pulumi is one of them. */
    readonly packages: Readonly<Record<string, string>>;
  };
  readonly errorCodes: readonly string[];
  readonly siteKeys: SiteKeys;
  /** Earlier names of keys, and the names that replace them. */
  readonly renamedKeys: Readonly<Record<string, readonly string[]>>;
}

/** This version. */
export function ownToolkit({ sha256, bytes }: Library): Toolkit {
  const file = new URL("../../package.json", import.meta.url);
  const { version, engines, dependencies } = JSON.parse(readFileSync(file, "utf8")) as {
    readonly version: string;
    readonly engines: { readonly node: string };
    readonly dependencies: Readonly<Record<string, string>>;
  };
  return {
    version,
    bundleFormat,
    library: { sha256, bytes },
    requires: { node: engines.node, commandPlugin: commandVersion, packages: dependencies },
    errorCodes,
    siteKeys: siteKeys({ ...siteSchema() }),
    renamedKeys,
  };
}
