/** Stores of backups in guests, put there by the library's own functions, and a client with restic; without Pulumi in between. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Archive, uploadPath } from "../../../modules/core/host/blob.ts";
import type { Step } from "../../../modules/core/host/step.ts";
import { backupsOf, type BackupsFile } from "../../../modules/core/site/backups.ts";
import type { StoreCertificates } from "../../../modules/backup/certificates.ts";
import { storeSteps } from "../../../modules/backup/store-steps.ts";
import { packTool, type PackedTool, toolTarball } from "../../lab/bundle/tool-tarball.ts";
import { joinSegment } from "../../lab/guest-segment.ts";
import { container } from "../../lab/machine-choice.ts";
import { ensureTools } from "../../lab/tools/ensure-tools.ts";
import { binDir } from "../../lab/tools/places.ts";
import { startFunctions, type ShellFunctions } from "./shell-functions.ts";

export interface StoresInGuests {
  /** The store, the host of its copies, and a client, which is a host of the site and has restic. */
  readonly store: StoreInGuest;
  readonly copy: StoreInGuest;
  readonly client: ShellFunctions;
  readonly end: () => Promise<void>;
}

export interface StoreInGuest {
  readonly name: string;
  readonly address: string;
  readonly on: ShellFunctions;
  /** Its steps, when these certificates of other stores are known. */
  readonly steps: (certificates?: StoreCertificates) => readonly Step[];
}

/** Mount of the store and of its copy. */
export const storeMount = "/backup";
/** The decrypted passwords, by host. */
export const passwordFile = (host: string): string => `/run/sealift/secrets/_backup/restic-${host}.0a0b0c0d`;

/** @param name names of the guests begin with it. */
export async function startStores(name: string): Promise<StoresInGuests> {
  await ensureTools();
  const folder = await mkdtemp(join(tmpdir(), "sealift-store-"));
  const archives = {
    restic: await archiveOf("restic", folder),
    restServer: await archiveOf("rest-server", folder),
  };
  const started: ShellFunctions[] = [];
  const end = async (): Promise<void> => {
    await Promise.all(started.map((on) => on.end()));
    await rm(folder, { recursive: true });
  };
  const names = ["store-a", "store-b", "node-a"];
  try {
    for (const one of names) started.push(await startFunctions(`${name}-${one}`, container(storeMount)));
    const [first, second, client] = started as [ShellFunctions, ShellFunctions, ShellFunctions];
    await joinSegment(
      { guest: first.guest, address: "10.9.0.1/24" },
      { guest: second.guest, address: "10.9.0.2/24" },
      { guest: client.guest, address: "10.9.0.3/24" },
    );
    const file: BackupsFile = {
      ...{ restic: archives.restic.version, restServer: archives.restServer.version },
      password: "secrets/{host}.age",
      store: { host: "store-a", mount: storeMount, keep: { daily: 3 } },
      copies: [{ host: "store-b", mount: storeMount }],
    };
    const hosts = ["store-a", "store-b", "node-a", "node-b"].map((host, at) => ({
      ...{ name: host, address: `10.9.0.${at + 1}`, backed: host.startsWith("node") },
    }));
    const passwords = new Map(hosts.map((host) => [`secrets/${host.name}.age`, passwordFile(host.name)]));
    for (const on of [first, second, client])
      await on.root(
        `install -d -m 0700 /run/sealift/secrets /run/sealift/secrets/_backup; umask 277; ${hosts.map((host) => `printf 'site password of ${host.name}\\n\\n' >${passwordFile(host.name)}`).join("; ")}`,
      );
    const make = async (host: string, on: ShellFunctions): Promise<StoreInGuest> => {
      for (const archive of Object.values(archives)) await deliver(on, archive);
      const { store } = backupsOf(file, hosts, host);
      assert.ok(store);
      return {
        ...{ name: host, address: store.address, on },
        steps: (certificates = new Map()) => storeSteps({ store, ...archives, passwords, certificates }),
      };
    };
    const input = await readFile(join(binDir, "restic"));
    await client.guest.exec("sudo -n tee /usr/local/bin/restic >/dev/null", { input });
    await client.root("chmod 0755 /usr/local/bin/restic");
    return { store: await make("store-a", first), copy: await make("store-b", second), client, end };
  } catch (error) {
    await end();
    throw error;
  }
}

async function deliver(on: ShellFunctions, archive: Archive): Promise<void> {
  const arrives = uploadPath(archive.sha256);
  const input = await readFile(archive.path);
  const { exitCode } = await on.guest.exec(`mkdir -p .sealift/blobs && cat >${arrives}`, { input });
  assert.equal(exitCode, 0);
}

async function archiveOf(name: PackedTool, folder: string): Promise<Archive> {
  const tarball = toolTarball(name);
  const path = join(folder, tarball.file);
  const inside = await packTool(tarball, path);
  const bytes = await readFile(path);
  const program = await readFile(join(binDir, name));
  const members = [{ path: `${inside}${name}`, sha256: sha256Of(program) }];
  return { version: tarball.version, sha256: sha256Of(bytes), bytes: bytes.length, path, members };
}

function sha256Of(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
