/** Runs every verb once over a bundle with two large blobs, each measured: from the lock to the registry. */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BundleInventory } from "../../offline-bundle/archive/delta.ts";
import { readLock } from "../../offline-bundle/spec/lock-file.ts";
import { ensureSigningKey } from "../lab/bundle/signing-key.ts";
import { startRegistry } from "../support/servers/registry-process.ts";
import { wishes } from "./bundle-material.ts";
import { serveLargeFiles } from "./large-files.ts";
import { measured, type Run } from "./measured.ts";
import { verbCommand } from "./sealift-verb.ts";
import type { Signed } from "./verify-speed.ts";

/** The bundle is built; everything else large is removed as soon as it is not needed. */
export interface EveryVerb extends Signed {
  readonly folder: string;
  readonly runs: ReadonlyMap<string, Run>;
}

/** @param folder is created again. @param blobBytes length of each large blob. */
export async function everyVerb(folder: string, blobBytes: number): Promise<EveryVerb> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const at = (name: string): string => join(folder, name);
  const runs = new Map<string, Run>();
  const server = await serveLargeFiles(folder);
  const run = async (what: string, ...args: readonly string[]): Promise<void> => {
    const { env, ...command } = verbCommand(...args);
    const more = { SEALIFT_CACHE: at("cache"), NODE_EXTRA_CA_CERTS: server.certFile };
    runs.set(what, await measured({ ...command, env: { ...env, ...more } }));
  };
  const files = ["a", "b"].map(
    (name) => ({ name, version: "1", kind: "binary", url: server.url(name, blobBytes) }) as const,
  );
  await writeFile(at("bundle.yaml"), wishes(files));
  const { file: key, allowedSigners } = await ensureSigningKey(at("key"));
  const pins = ["--file", at("bundle.yaml"), "--lock", at("bundle.lock.yaml")];
  const trust = ["--allowed-signers", allowedSigners];
  const [bundle, carried] = [at("bundle"), at("bundle.tar.zst")];
  try {
    // A first run compiles what later ones find compiled.
    await run("start alone", "lock", "--help");
    await run("start alone", "lock", "--help");
    await run("lock (downloads)", "lock", ...pins);
    await rm(at("cache/bundle-files"), { recursive: true });
    await run("fetch (downloads)", "fetch", ...pins);
    await run("build", "build", bundle, ...pins, "--key", key);
  } finally {
    await server.stop();
  }
  await rm(at("cache/bundle-files"), { recursive: true });
  await run("verify", "verify", bundle, ...trust);
  await run("inspect", "inspect", bundle, ...trust);
  await run("inventory", "inventory", bundle, "-o", at("have.json"));
  await run("sbom", "sbom", bundle, "-o", at("bom.json"));
  await run("diff", "diff", bundle, bundle);
  await run("export-runbook", "export-runbook", bundle, ...trust);
  await run("sign", "sign", bundle, "--key", key, ...trust);
  await run("accept", "accept", bundle, ...trust);
  await run("pack, in parts", "pack", bundle, carried, "--split", "400MiB");
  await run("verify, carried", "verify", `${carried}.001`, ...trust);
  await run("unpack", "unpack", `${carried}.001`, at("unpacked"), ...trust);
  for (const name of await readdir(folder)) if (/\.tar\.zst\.\d+$/.test(name)) await rm(at(name));
  await allButOne(at("have.json"), at("bundle.lock.yaml"));
  await run("pack, a delta", "pack", bundle, carried, "--exclude-inventory", at("have.json"));
  await run("unpack, on a base", "unpack", carried, at("on-base"), "--base", at("unpacked"), ...trust);
  for (const name of ["on-base", "unpacked", "bundle.tar.zst"]) await rm(at(name), { recursive: true });
  await withRegistry(at("registry"), async (place, access) => {
    await run("push", "push", bundle, place, ...trust, ...access);
    await run("push again", "push", bundle, place, ...trust, ...access);
    await run("inventory, registry", "inventory", place, ...access);
  });
  return { folder, directory: bundle, allowedSigners, runs };
}

/** The air-gapped side has everything except one of the large blobs. */
async function allButOne(inventoryFile: string, lockFile: string): Promise<void> {
  const inventory = JSON.parse(await readFile(inventoryFile, "utf8")) as BundleInventory;
  const lacking = (await readLock(lockFile)).files[0]?.sha256;
  const digests = inventory.digests.filter((sha256) => sha256 !== lacking);
  await writeFile(inventoryFile, JSON.stringify({ ...inventory, digests }));
}

async function withRegistry(
  folder: string,
  work: (place: string, access: readonly string[]) => Promise<void>,
): Promise<void> {
  const registry = await startRegistry(folder, { tls: true });
  try {
    await work(`${registry.address}/site`, ["--ca-file", registry.caFile ?? ""]);
  } finally {
    await registry.stop();
    await rm(folder, { recursive: true });
  }
}
