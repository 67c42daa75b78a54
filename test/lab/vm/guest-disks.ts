/** Disks of a running guest: all go through QEMU's monitor, so that they can have any size and come at any time. */
import { join } from "node:path";
import { runProcess } from "../../support/process/run-process.ts";
import type { ExtraDisk } from "../guest-handle.ts";
import { type MachineKind, extraDisksAtMost } from "../machine-kind.ts";
import { withMonitor } from "./machine.ts";
import { type Disk, blockNode, diskDevice } from "./qemu.ts";

const bytesPerGiB = 1024 ** 3;

/** Plugs blank disks in. @throws {Error} when there are too many, or in QEMU's words. */
export async function addDisks(
  folder: string,
  kind: MachineKind,
  expected: readonly ExtraDisk[],
): Promise<readonly Disk[]> {
  if (expected.length > extraDisksAtMost)
    throw new Error(`a guest takes at most ${extraDisksAtMost} extra disks`);
  const disks = expected.map(({ serial, blockBytes = 512 }, index): Disk => {
    const id = `extra${index}`;
    const disk = {
      id,
      file: `${id}.qcow2`,
      format: "qcow2",
      blockBytes,
      ...kind.extraDiskPlace(index),
    } as const;
    return serial === undefined ? disk : { ...disk, serial };
  });
  for (const [index, disk] of disks.entries()) {
    await createQcow2([join(folder, disk.file), `${expected[index]?.sizeGiB ?? 0}G`]);
    await withMonitor(folder, async (monitor) => {
      await monitor.execute("blockdev-add", blockNode(disk));
      await monitor.execute("device_add", diskDevice(disk));
    });
  }
  return disks;
}

/** Makes the data disk larger; the guest sees it at once. @throws {Error} in QEMU's words. */
export async function growDataDisk(folder: string, sizeGiB: number): Promise<void> {
  await withMonitor(folder, async (monitor) => {
    await monitor.execute("block_resize", { "node-name": "data", size: sizeGiB * bytesPerGiB });
  });
}

/** Makes a qcow2 file: the arguments of `qemu-img create -f qcow2` (QEMU 10.0). @throws {Error} in its words. */
export async function createQcow2(args: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await runProcess("qemu-img", ["create", "-q", "-f", "qcow2", ...args]);
  if (exitCode !== 0) throw new Error(`qemu-img create ${args.join(" ")}: ${stderr}`);
}
