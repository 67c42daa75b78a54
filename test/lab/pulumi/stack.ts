/** The lab's stack files: a site as a person would write it, for guests that were just started. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { stringify } from "yaml";
import { siteFileOf } from "../../../modules/core/site/site-text.ts";
import type { LabBundle } from "../bundle/bundle.ts";
import { checkout } from "../cache.ts";
import { openFilesOf } from "../container/open-files.ts";
import type { Guest } from "../guest.ts";

/** The person in the docker group of every lab host. */
export const labUser = "deploy";

export interface LabSite {
  readonly bundle: Record<string, string>;
  engine: { version: string };
  users: Record<string, unknown>[];
  volumes: {
    group?: string;
    logicalVolumes?: Record<string, string>[];
    existing?: Record<string, string>[];
  };
  daemon: Record<string, unknown>;
  registry?: Record<string, unknown>;
  images?: readonly string[];
  hosts: Record<string, unknown>[];
}

/**
 * The site that the lab provisions; tests change it before they write it. Guests with blank disks get volumes, guests with file
 * systems of their own keep these.
 */
export async function labSite(guests: readonly Guest[], bundle: LabBundle): Promise<LabSite> {
  const mounts = guests[0]?.mounts ?? [];
  const blank = mounts.length === 0;
  const publicKey = (await readFile(`${guests[0]?.identityFile ?? ""}.pub`, "utf8")).trim();
  return {
    bundle: {
      directory: relative(checkout, bundle.directory),
      allowedSigners: relative(checkout, bundle.allowedSigners),
    },
    engine: { version: bundle.engineVersion },
    users: [{ name: labUser, uid: 1500, authorizedKeys: [publicKey] }],
    volumes: blank ? ownVolumes() : { existing: mounts.map((mount) => ({ mount, filesystem: "xfs" })) },
    daemon: {
      "data-root": "/data/docker",
      "log-driver": "local",
      "log-opts": { "max-size": "20m", "max-file": "5" },
      "storage-driver": "overlay2",
      ...(guests[0] === undefined ? {} : openFilesOf(guests[0])),
    },
    hosts: guests.map(({ name, address, port, login, hostKey, diskId }) => ({
      name,
      address,
      port,
      sshUser: login,
      hostKey,
      architecture: process.arch === "arm64" ? "arm64" : "amd64",
      ...(blank ? { volumes: { disks: [{ id: diskId }] } } : {}),
    })),
  };
}

/** What Sealift makes of a blank disk. */
function ownVolumes(): LabSite["volumes"] {
  return {
    group: "vg0",
    logicalVolumes: [
      { name: "svc", size: "1GiB", filesystem: "ext4", mount: "/svc" },
      { name: "logs", size: "1GiB", filesystem: "ext4", mount: "/logs" },
      { name: "data", size: "4GiB", filesystem: "xfs", mount: "/data" },
    ],
  };
}

/** Changes the size of the volume at /data. */
export function resizeData(size: string): (site: LabSite) => void {
  return ({ volumes }) => {
    const data = volumes.logicalVolumes?.find(({ name }) => name === "data");
    if (data === undefined) throw new Error("this site has no volume of its own at /data");
    data["size"] = size;
  };
}

/** Path of a lab stack's file. Git ignores them: ports and host keys are new on every machine. */
export function stackFile(stack: string): string {
  return join(checkout, "stacks", `Pulumi.${stack}.yaml`);
}

/** Writes the file; what Pulumi keeps in it (the salt of the passphrase) stays. */
export async function writeStack(stack: string, site: LabSite): Promise<void> {
  const old = await readFile(stackFile(stack), "utf8").catch(() => "");
  const salt = /^encryptionsalt: .*$/m.exec(old)?.[0];
  const head = "# Written by the lab for the guests it started; it is overwritten.\n";
  const text = stringify({ config: { "sealift:site": site } }, { lineWidth: 0 });
  await writeFile(stackFile(stack), head + (salt === undefined ? "" : `${salt}\n`) + text);
}

/** With the file that `sealift init` has written. */
export async function removeStackFile(stack: string): Promise<void> {
  await rm(stackFile(stack), { force: true });
  await rm(join(checkout, siteFileOf(stack)), { force: true });
}
