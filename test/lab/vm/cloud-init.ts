import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { SealiftError } from "../../../modules/core/errors.ts";
import { runProcess } from "../../support/process/run-process.ts";
import { cachePath } from "../cache.ts";
import type { Identity } from "../identity.ts";

/** The files that cloud-init reads, by name. */
export type CloudInitFiles = Readonly<Record<"user-data" | "meta-data", string>>;

/**
 * What a cloud image needs to become a lab guest: the user, its key, the pinned host key, no services that start by themselves.
 * Source: cloud-init 24, data source NoCloud, modules Users and Groups, SSH, Write Files, Runcmd.
 *
 * @param hostKeyText private host key, OpenSSH format.
 */
export function cloudInitFiles(
  login: string,
  identity: Pick<Identity, "publicKey" | "hostKey">,
  hostKeyText: string,
): CloudInitFiles {
  const user = {
    name: login,
    sudo: "ALL=(ALL:ALL) NOPASSWD: ALL",
    shell: "/bin/bash",
    lock_passwd: true,
    ssh_authorized_keys: [identity.publicKey],
  };
  const sshd = ["PermitRootLogin no", "PasswordAuthentication no", "MaxStartups 100:30:200", "UseDNS no"];
  const config = {
    hostname: "lab",
    manage_etc_hosts: "localhost",
    users: [user],
    disable_root: true,
    ssh_pwauth: false,
    ssh_deletekeys: true,
    ssh_genkeytypes: ["ed25519"],
    ssh_keys: { ed25519_private: hostKeyText, ed25519_public: identity.hostKey },
    package_update: false,
    package_upgrade: false,
    write_files: [{ path: "/etc/ssh/sshd_config.d/10-lab.conf", content: `${sshd.join("\n")}\n` }],
    runcmd: [
      [
        "systemctl",
        "mask",
        "--now",
        "apt-daily.timer",
        "apt-daily-upgrade.timer",
        "motd-news.timer",
        "fwupd-refresh.timer",
      ],
      ["systemctl", "mask", "--now", "unattended-upgrades.service", "snapd.service", "snapd.socket"],
      ["systemctl", "try-reload-or-restart", "ssh.service"],
    ],
  };
  const userData = `#cloud-config\n${stringify(config)}`;
  // cloud-init runs its once-per-instance parts again when this name changes.
  const instance = createHash("sha256").update(userData).digest("hex").slice(0, 12);
  return {
    "user-data": userData,
    "meta-data": stringify({ "instance-id": `lab-${instance}`, "local-hostname": "lab" }),
  };
}

/** Size of the disk: the smallest round one that mkfs.vfat accepts. */
const diskKiB = 1024;

/**
 * Writes the files as a small vfat disk labelled CIDATA, without mounting it: mkfs.vfat (dosfstools) and mcopy (mtools).
 *
 * @throws {E_LAB_IMAGE} if one of the two fails.
 */
export async function writeCloudInitDisk(content: CloudInitFiles, disk: string): Promise<void> {
  await mkdir(cachePath("lab"), { recursive: true });
  const folder = await mkdtemp(cachePath("lab", "seed-"));
  try {
    await rm(disk, { force: true });
    await run("mkfs.vfat", ["-C", "-n", "CIDATA", disk, String(diskKiB)]);
    for (const [name, text] of Object.entries(content)) {
      await writeFile(join(folder, name), text, { mode: 0o600 });
      await run("mcopy", ["-i", disk, join(folder, name), `::${name}`]);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The files for this lab's keys. */
export async function labCloudInit(login: string, identity: Identity): Promise<CloudInitFiles> {
  return cloudInitFiles(login, identity, await readFile(identity.hostKeyFile, "utf8"));
}

async function run(program: string, args: readonly string[]): Promise<void> {
  // dosfstools is in sbin, which the PATH of a user lacks.
  const env = { PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` };
  const { exitCode, stderr } = await runProcess(program, args, { env });
  if (exitCode === 0) return;
  throw new SealiftError([
    {
      where: "lab",
      code: "E_LAB_IMAGE",
      subject: "NoCloud disk",
      found: `${program}: exit ${exitCode}: ${stderr.trim()}`,
      expected: "a disk with user-data and meta-data",
      fix: "install dosfstools and mtools",
    },
  ]);
}
