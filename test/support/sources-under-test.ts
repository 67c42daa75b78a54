/** A folder with a bundle.yaml whose sources are servers on loopback that this process and its children trust. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import type { Problem } from "../../modules/core/errors.ts";
import { type FetchResult, fetchBundle } from "../../offline-bundle/fetch.ts";
import { type LockOptions, type LockResult, lockBundle } from "../../offline-bundle/lock.ts";
import { usualPatience } from "../../offline-bundle/patience.ts";
import { cachePath, checkout } from "../lab/cache.ts";
import { type Certificate, loopbackCertificate, trust } from "./loopback-certificate.ts";
import { type ProcessResult, runProcess } from "./run-process.ts";

export interface SourcesUnderTest {
  readonly folder: string;
  readonly store: string;
  readonly bundleFile: string;
  readonly lockFile: string;
  readonly certificate: Certificate;
  /** What was told of places that failed where another one had the bytes. */
  readonly warnings: Problem[];
  /** Writes bundle.yaml, for linux/amd64 unless it says otherwise. */
  readonly want: (bundle: object) => Promise<void>;
  readonly lock: (options?: Partial<LockOptions>) => Promise<LockResult>;
  readonly fetch: () => Promise<FetchResult>;
  /** The command as typed: `sealift bundle <args> --file … --lock …`. */
  readonly sealift: (
    args: readonly string[],
    env?: Readonly<Record<string, string>>,
  ) => Promise<ProcessResult>;
  readonly remove: () => Promise<void>;
}

export async function sourcesUnderTest(): Promise<SourcesUnderTest> {
  await mkdir(cachePath("test"), { recursive: true });
  const folder = await mkdtemp(cachePath("test", "sources-"));
  const certificate = await loopbackCertificate(folder);
  trust(certificate);
  // oras is a program of Go, which looks here.
  process.env["SSL_CERT_FILE"] = certificate.certFile;
  const files = { bundleFile: join(folder, "bundle.yaml"), lockFile: join(folder, "bundle.lock.yaml") };
  const store = join(folder, "cache", "bundle-files");
  const warnings: Problem[] = [];
  const common = {
    ...files,
    store,
    warn: (problem: Problem) => warnings.push(problem),
    patience: { ...usualPatience, attempts: 2, backoffMs: 1 },
  };
  return {
    ...{ folder, store, ...files, certificate, warnings },
    want: (bundle) =>
      writeFile(
        files.bundleFile,
        stringify({ platforms: ["linux/amd64"], minOrigin: "unverified", ...bundle }),
      ),
    lock: (options = {}) => lockBundle({ ...common, ...options }),
    fetch: () => fetchBundle(common),
    sealift: (args, env = {}) =>
      runProcess(
        process.execPath,
        [
          ...[join(checkout, "cli", "sealift.js"), "bundle", ...args],
          ...["--file", files.bundleFile, "--lock", files.lockFile],
        ],
        {
          env: {
            SEALIFT_CACHE: join(folder, "cache"),
            NODE_EXTRA_CA_CERTS: certificate.certFile,
            ...env,
          },
        },
      ),
    remove: async () => {
      delete process.env["SSL_CERT_FILE"];
      await rm(folder, { recursive: true });
    },
  };
}

/** An entry of bundle.yaml for one program. */
export function program(name: string, url: string, more: object = {}): object {
  return { name, kind: "binary", versions: ["1.0"], licence: "Apache-2.0", url, ...more };
}
