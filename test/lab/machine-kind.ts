/** What the lab's virtual machines are made of on this processor. Pure figures; qemu.ts turns them into a command line. */

export interface MachineKind {
  readonly binary: string;
  /** QEMU's machine type. */
  readonly machine: string;
  /** Name of the bus that the fixed devices sit on. */
  readonly rootBus: string;
  /** Processor under emulation. */
  readonly emulated: string;
  /** Kernel name of the first serial port. */
  readonly console: string;
  /** Debian's name of the architecture. */
  readonly architecture: "amd64" | "arm64";
  /** Devices that only this machine has. */
  readonly devices: readonly string[];
  /** Firmware for images that boot by their own boot loader; without it, the machine's default. */
  readonly firmware?: string;
  /** Where disks are plugged in while the guest runs: `bus` and `addr` of the nth. */
  readonly extraDiskPlace: (index: number) => { readonly bus: string; readonly addr: string };
}

/** The machine for this process's own architecture. @throws {Error} on anything but x64 and arm64. */
export function machineKind(architecture: string = process.arch): MachineKind {
  if (architecture === "x64") return amd64;
  if (architecture === "arm64") return arm64;
  throw new Error(`the lab has no machine for ${architecture}; it runs on x64 and arm64`);
}

const amd64: MachineKind = {
  binary: "qemu-system-x86_64",
  // i440fx: its root bus takes disks while the guest runs.
  machine: "pc",
  rootBus: "pci.0",
  // 2.7 s faster to boot than `max` (QEMU 10.0.2, TCG); with the three, sha256sum takes a third and AES a tenth of the time.
  emulated: "Nehalem,+sha-ni,+aes,+pclmulqdq",
  console: "ttyS0",
  architecture: "amd64",
  // Restored twins would otherwise draw the same random numbers.
  devices: ["vmgenid,guid=auto"],
  extraDiskPlace: (index) => ({ bus: "pci.0", addr: `0x${(firstExtraSlot + index).toString(16)}` }),
};

const firstExtraSlot = 0x10;

/** Extra disks that fit: pcie-root-port devices on virt, slots 0x10 to 0x13 on pc. */
export const extraDisksAtMost = 4;

const arm64: MachineKind = {
  binary: "qemu-system-aarch64",
  machine: "virt",
  rootBus: "pcie.0",
  emulated: "max",
  console: "ttyAMA0",
  architecture: "arm64",
  devices: [0, 1, 2, 3].map(
    (port) =>
      `pcie-root-port,id=port${port},chassis=${port + 1},addr=0x${(firstExtraSlot + port).toString(16)}`,
  ),
  // Debian and Ubuntu: package qemu-efi-aarch64.
  firmware: "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd",
  extraDiskPlace: (index) => ({ bus: `port${index}`, addr: "0x0" }),
};
