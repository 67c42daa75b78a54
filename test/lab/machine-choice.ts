/** Which of the lab's two kinds of machines a test asks for, and why. docs/decisions/0018-two-kinds-of-lab-machines.md */
import { accessSync, constants } from "node:fs";
import type { Report } from "../support/process/stages.ts";
import { chooseAccelerator } from "./vm/accelerator.ts";
import { ensureImage } from "./vm/image.ts";
import { machineKind } from "./machine-kind.ts";

export type GuestKind = "vm" | "container";

/**
 * What only a kernel of its own can prove: LVM and device-mapper; disks by their names; modules and sysctls; the order of a boot; a
 * power cut; limits of control groups; the clock; AppArmor; the lab's virtual machines themselves; a module's whole life, which
 * each has once on a virtual machine.
 */
export type VmReason =
  "lvm" | "disks" | "kernel" | "boot" | "power" | "limits" | "clock" | "apparmor" | "swarm" | "lab" | "life";

export interface MachineNeed {
  readonly kind: GuestKind;
  readonly because?: VmReason;
  /**
   * Mount points of file systems (xfs, 8 GiB) that are there before Sealift comes. The first is on the data disk where a virtual
   * machine has to stand in.
   */
  readonly mounts: readonly string[];
}

/** A virtual machine with blank disks. */
export function vm(because: VmReason): MachineNeed {
  return { kind: "vm", because, mounts: [] };
}

/** A system container, with file systems at these mount points. @default /data alone */
export function container(...mounts: readonly string[]): MachineNeed {
  return { kind: "container", mounts: mounts.length === 0 ? ["/data"] : mounts };
}

/**
 * The kind that a machine really gets: what it needs; a virtual machine where KVM runs them at full speed, where
 * SEALIFT_LAB_MACHINES=vm asks for them, and where SEALIFT_LAB_IMAGE brings an image of its own.
 */
export async function kindFor(need: MachineNeed, report: Report): Promise<GuestKind> {
  const choice = process.env["SEALIFT_LAB_MACHINES"] ?? "";
  if (!["", "vm", "container"].includes(choice)) {
    throw new Error(`SEALIFT_LAB_MACHINES is ${choice}; it can be vm or container, or unset`);
  }
  if (need.kind === "vm" || choice === "vm") return "vm";
  if (choice === "container") return "container";
  if ((process.env["SEALIFT_LAB_IMAGE"] ?? "") !== "") return "vm";
  return (await hasKvm(report)) ? "vm" : "container";
}

async function hasKvm(report: Report): Promise<boolean> {
  try {
    accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
  } catch {
    return false;
  }
  const { name } = await chooseAccelerator(machineKind(), await ensureImage(report), report);
  return name === "kvm";
}
