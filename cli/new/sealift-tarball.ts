/** The package that this Sealift was installed from: a team's repository installs the same bytes. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { extract, type Extract } from "tar-stream";
import { SealiftError } from "../../modules/core/errors.ts";
import manifest from "../../package.json" with { type: "json" };

export interface SealiftTarball {
  readonly file: string;
  readonly bytes: Buffer;
  /** Subresource integrity, as in package-lock.json. */
  readonly integrity: string;
  /** package.json of the package. */
  readonly manifest: SealiftManifest;
}

export interface SealiftManifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly engines: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
}

/** Root of the package or of the checkout. */
export const toolkit = fileURLToPath(new URL("../..", import.meta.url));

/**
 * The tarball that npm installed this package from: npm records it in node_modules/.package-lock.json.
 * @throws {SealiftError} E_VALUE when it was installed in another way.
 */
export async function installedTarball(): Promise<string> {
  const modules = dirname(toolkit.replace(/\/$/, ""));
  const lock = await readFile(join(modules, ".package-lock.json"), "utf8").catch(() => "{}");
  const { packages = {} } = JSON.parse(lock) as {
    packages?: Readonly<Record<string, { readonly resolved?: string }>>;
  };
  const resolved =
    basename(modules) === "node_modules" ? packages["node_modules/sealift"]?.resolved : undefined;
  if (resolved?.startsWith("file:") !== true)
    throw refusal("--package", resolved ?? "no record of the file that this Sealift was installed from");
  return resolve(dirname(modules), resolved.slice("file:".length));
}

/** @throws {SealiftError} E_VALUE when it is not a package of Sealift; E_TOOLKIT_VERSION when it is one of another version. */
export async function readTarball(file: string): Promise<SealiftTarball> {
  const bytes = await readFile(file).catch((error: unknown) => {
    throw refusal(file, error instanceof Error ? error.message : String(error));
  });
  const found = await manifestIn(bytes).catch((error: unknown) => {
    throw refusal(file, error instanceof Error ? error.message : String(error));
  });
  if (found?.name !== manifest.name)
    throw refusal(file, found === undefined ? "no package.json" : found.name);
  if (found.version !== manifest.version)
    throw new SealiftError([
      {
        where: file,
        code: "E_TOOLKIT_VERSION",
        subject: "sealift",
        found: found.version,
        expected: `${manifest.version}, the version of this command`,
        fix: `run the command of that version: npx --package ${file} sealift new <folder>`,
      },
    ]);
  return {
    file,
    bytes,
    integrity: `sha512-${createHash("sha512").update(bytes).digest("base64")}`,
    manifest: found,
  };
}

async function manifestIn(bytes: Buffer): Promise<SealiftManifest | undefined> {
  for await (const entry of packageEntries(bytes)) {
    if (entry.header.name === "package/package.json") return JSON.parse(await text(entry)) as SealiftManifest;
    entry.resume();
  }
  return undefined;
}

/** The entries of a package. @throws {Error} when it is damaged, or unpacks to more than 32 MiB. */
export function packageEntries(bytes: Buffer): Extract {
  return Readable.from([gunzipSync(bytes, { maxOutputLength: mostBytes })]).pipe(extract());
}

/** Ten times the package of today. */
const mostBytes = 32 * 1024 * 1024;

function refusal(where: string, found: string): SealiftError {
  return new SealiftError([
    {
      where,
      code: "E_VALUE",
      subject: "package",
      found,
      expected: `the file sealift-${manifest.version}.tgz`,
      fix: "name it: --package <tarball>; npm run package in a checkout of Sealift writes it",
    },
  ]);
}
