/** A registry in a guest, put there by the library's own functions, with files for it to hold. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { createGzip } from "node:zlib";
import { pack } from "tar-stream";
import type { Archive } from "../../../modules/core/host/blob.ts";
import type { Step } from "../../../modules/core/host/step.ts";
import { registrySteps } from "../../../modules/registry/steps.ts";
import { container } from "../../lab/machine-choice.ts";
import { ensureTools } from "../../lab/tools/ensure-tools.ts";
import { startFunctions, type ShellFunctions } from "./shell-functions.ts";

export interface RegistryInGuest {
  readonly on: ShellFunctions;
  readonly archive: Archive;
  readonly steps: readonly Step[];
  /** A step's call, by what stands behind `registry.` in its code. */
  readonly call: (what: string) => Step["call"];
  /** The steps where the site lets these networks reach the writer. */
  readonly openTo: (...writerNetworks: readonly string[]) => readonly Step[];
  /** `curl <words>` as root with the CA and the name; what it prints. */
  readonly curl: (words: string) => Promise<string>;
  /** Puts bytes where the bundle's arrive; their sha256. */
  readonly arrive: (bytes: string | Buffer) => Promise<string>;
}

export const registryName = "registry.site";
export const registryAddress = "10.0.2.15";
export const mount = "/registry";
const logicalVolume = `pvcreate -q /dev/vdb && vgcreate -q vg0 /dev/vdb && lvcreate -q -l 60%VG -n registry vg0 && mkfs.xfs -q /dev/vg0/registry && mkdir -p ${mount} && mount /dev/vg0/registry ${mount}`;

/**
 * A pristine guest with a file system for the registry, and the registry's archive in the login's home. On a virtual machine it is
 * a logical volume, with room for a snapshot of it.
 */
export async function startRegistryGuest(name: string, machine = container(mount)): Promise<RegistryInGuest> {
  const on = await startFunctions(name, machine);
  if (machine.kind === "vm") await on.root(logicalVolume);
  const { archive, bytes } = await registryArchive();
  const lands = `.sealift/blobs/${archive.sha256}`;
  const { exitCode } = await on.guest.exec(`mkdir -p .sealift/blobs && cat >${lands}`, { input: bytes });
  assert.equal(exitCode, 0);
  const serves = { version: archive.version, mount, address: registryAddress, writerPort: 5001 };
  const stepsOf = (more: { readonly writerNetworks?: readonly string[] }): readonly Step[] => {
    const registry = { name: registryName, port: 5000, serves: { ...serves, ...more } };
    return registrySteps({ host: name, sshUser: on.guest.login, registry, archive });
  };
  const steps = stepsOf({});
  return {
    on,
    archive,
    steps,
    openTo: (...writerNetworks) => stepsOf({ writerNetworks }),
    call: (what) => {
      const step = steps.find(({ code }) => code === `registry.${what}`);
      assert.ok(step, what);
      return step.call;
    },
    curl: (words) =>
      on.root(
        `curl -sS --cacert /etc/sealift/registry/ca.crt --resolve ${registryName}:5000:127.0.0.1 --resolve ${registryName}:5001:127.0.0.1 ${words}`,
      ),
    arrive: async (input) => {
      const sha256 = sha256Of(input);
      await on.guest.exec(`cat >${mount}/arriving/${sha256}`, { input });
      return sha256;
    },
  };
}

/** The same with every fact of it made true. It ends at once when one of them does not become so. */
export async function startConvergedRegistry(
  name: string,
  machine = container(mount),
): Promise<RegistryInGuest> {
  const guest = await startRegistryGuest(name, machine);
  try {
    const { revision, text } = await guest.on.run("apply", guest.steps);
    assert.ok(revision, text);
    return guest;
  } catch (error) {
    await guest.on.end();
    throw error;
  }
}

/** Where Distribution keeps these bytes (registry/storage/paths.go, 3.1.2). */
export function blobPath(sha256: string): string {
  return `${mount}/storage/docker/registry/v2/blobs/sha256/${sha256.slice(0, 2)}/${sha256}/data`;
}

/** Bytes as a call of the library pins them. */
export function pinned(bytes: string | Buffer): string {
  return `${sha256Of(bytes)}:${Buffer.byteLength(bytes)}`;
}

export function sha256Of(bytes: string | Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The lab's registry as its release has it: one program in a gzipped tar. */
export async function registryArchive(): Promise<{ archive: Archive; bytes: Buffer }> {
  const { registry, installed } = await ensureTools();
  const version = installed.find((tool) => tool.name === "registry")?.version ?? "";
  const program = await readFile(registry);
  const tar = pack();
  tar.entry({ name: "registry", mode: 0o755, mtime: new Date(0) }, program);
  tar.finalize();
  const bytes = await buffer(tar.pipe(createGzip({ level: 1 })));
  const members = [{ path: "registry", sha256: sha256Of(program) }];
  return { archive: { version, sha256: sha256Of(bytes), bytes: bytes.length, path: "", members }, bytes };
}
