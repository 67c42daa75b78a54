import { createHash } from "node:crypto";
import { readFile, readdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { runProcess } from "../../support/process/run-process.ts";
import type { Report } from "../../support/process/stages.ts";
import { cachePath, checkout } from "../cache.ts";
import { ensureIdentity } from "../identity.ts";
import { buildImage, imageProblem } from "./image-build.ts";
import { withLock } from "../lock.ts";
import { machineKind } from "../machine-kind.ts";

/** A disk that guests start from; it is never written to. */
export interface Image {
  /** Names its content: another content, another id. */
  readonly id: string;
  /** What a person calls it. */
  readonly title: string;
  readonly disk: string;
  readonly format: string;
  /** What the guest sees as the disk's size, where that is not of our making. */
  readonly bytes?: number;
  /** Kernel and initrd to boot directly; without them the disk boots by its own boot loader and takes a NoCloud seed. */
  readonly direct?: { readonly kernel: string; readonly initrd: string };
}

const suite = "trixie";
const packagesOf = (architecture: string): string[] => [
  `linux-image-cloud-${architecture}`,
  ..."initramfs-tools zstd systemd-sysv dbus udev kmod procps iproute2 openssh-server sudo".split(" "),
  ..."lvm2 xfsprogs e2fsprogs iptables nftables curl ca-certificates xz-utils libseccomp2".split(" "),
];

/**
 * The image that the lab's guests start from: Debian 13, built once into the cache with mmdebstrap(1), or the one that env
 * SEALIFT_LAB_IMAGE names (a qcow2 or raw cloud image, relative to the checkout if not absolute). A change of anything that
 * goes into the image builds a new one; a half-built one is never used.
 *
 * @throws {E_LAB_IMAGE} when the given file is not there or cannot be read, or the build fails.
 * @throws {E_DEBIAN_SOURCES} when no Debian archive is known.
 */
export async function ensureImage(report: Report): Promise<Image> {
  const given = process.env["SEALIFT_LAB_IMAGE"];
  if (given !== undefined && given !== "") return await givenImage(resolve(checkout, given));
  return builtImage(report);
}

/**
 * The image that is built here, which containers start from as well.
 *
 * @throws {E_LAB_IMAGE} when the build fails.
 * @throws {E_DEBIAN_SOURCES} when no Debian archive is known.
 */
export async function builtImage(report: Report): Promise<Image> {
  const { architecture } = machineKind();
  const identity = await ensureIdentity();
  const packages = packagesOf(architecture);
  const key = await inputsKey([architecture, ...packages, identity.publicKey, identity.hostKey]);
  const folder = cachePath("lab", "images", `${suite}-${key}`);
  const image: Image = {
    id: `${suite}-${key}`,
    title: `Debian 13 (${suite}, ${architecture})`,
    disk: join(folder, "disk.raw"),
    format: "raw",
    direct: { kernel: join(folder, "kernel"), initrd: join(folder, "initrd") },
  };
  if (await there(image.disk)) return image;
  await withLock(
    "image",
    () => {
      report("waiting for another run that builds it");
    },
    async () => {
      if (!(await there(image.disk)))
        await buildImage(folder, { suite, architecture, packages, identity }, report);
    },
  );
  return image;
}

/** The part of `qemu-img info --output=json` that counts here (QEMU 10.0). */
interface Info {
  readonly format: string;
  readonly "virtual-size": number;
}

async function givenImage(disk: string): Promise<Image> {
  const info = await runProcess("qemu-img", ["info", "--output=json", disk]);
  const found = info.exitCode === 0 ? (JSON.parse(info.stdout) as Info) : undefined;
  if (found === undefined) {
    const found = info.stderr.trim();
    throw imageProblem(
      "SEALIFT_LAB_IMAGE",
      found,
      "a readable qcow2 or raw disk image",
      "name an image that is there",
    );
  }
  const { size, mtimeMs } = await stat(disk);
  const id = createHash("sha256")
    .update(JSON.stringify([disk, size, mtimeMs]))
    .digest("hex")
    .slice(0, 12);
  return { id: `given-${id}`, title: disk, disk, format: found.format, bytes: found["virtual-size"] };
}

async function inputsKey(inputs: readonly string[]): Promise<string> {
  const here = join(checkout, "test", "lab", "vm");
  const hooks = (await readdir(join(here, "image-hooks"))).sort().map((name) => join("image-hooks", name));
  const hash = createHash("sha256").update(JSON.stringify([suite, ...inputs]));
  for (const file of ["image-build.sh", ...hooks]) hash.update(file).update(await readFile(join(here, file)));
  return hash.digest("hex").slice(0, 12);
}

async function there(file: string): Promise<boolean> {
  return await stat(file).then(
    () => true,
    () => false,
  );
}
