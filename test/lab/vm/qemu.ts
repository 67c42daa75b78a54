import type { MachineKind } from "../machine-kind.ts";

/** A disk of a guest; file names are relative to the guest's folder, in which QEMU runs. */
export interface Disk {
  /** QEMU's name of it: "root", "data", "extra0". */
  readonly id: string;
  readonly file: string;
  readonly format: "qcow2" | "raw";
  readonly bus: string;
  /** PCI slot: explicit, so that the guest always sees the same disk first. */
  readonly addr: string;
  /** Appears in the guest as /dev/disk/by-id/virtio-<serial>. At most 20 characters. */
  readonly serial?: string;
  readonly readOnly?: boolean;
  /** Of its logical and physical blocks. Default 512. */
  readonly blockBytes?: number;
}

export interface Machine {
  readonly kind: MachineKind;
  readonly accelerator: "kvm" | "tcg";
  readonly disks: readonly Disk[];
  /** Port on 127.0.0.1 that leads to the guest's sshd. */
  readonly port: number;
  /** Kernel and initrd taken out of the image; without them the disk's own boot loader runs. */
  readonly direct?: { readonly kernel: string; readonly initrd: string };
  /** Starts from this saved state and not from power-on. */
  readonly state?: string;
  /** More arguments: what it has from power-on. */
  readonly more?: readonly string[];
}

export const processors = 2;
export const memoryMiB = 1536;
/** Names of what QEMU makes in the guest's folder. */
export const monitorSocket = "monitor.sock";
export const consoleLog = "console.log";

/**
 * QEMU's arguments for a machine, in the words of qemu(1) 10.0. The network has no way out: `restrict=on` lets nothing
 * pass but the one forwarded port.
 */
export function qemuArguments(machine: Machine): string[] {
  const { kind, accelerator, direct, state } = machine;
  return [
    ...["-nodefaults", "-display", "none", "-machine", kind.machine],
    ...(accelerator === "kvm"
      ? ["-accel", "kvm", "-cpu", "host"]
      : // Threads of their own for emulated processors take 40 % more processor time: they wait for one another.
        ["-accel", "tcg,thread=single", "-cpu", kind.emulated]),
    ...["-smp", String(processors), "-m", String(memoryMiB)],
    ...(direct === undefined ? firmware(kind) : directBoot(kind, direct)),
    ...["-netdev", `user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:${machine.port}-:22`],
    // Without its boot ROM: nothing boots from the network, and no package has to bring the ROM.
    ...["-device", "virtio-net-pci,netdev=net,addr=0x3,romfile="],
    ...["-device", "virtio-rng-pci,addr=0x6"],
    ...kind.devices.flatMap((device) => ["-device", device]),
    ...machine.disks.flatMap((disk) => [
      "-blockdev",
      JSON.stringify(blockNode(disk)),
      "-device",
      JSON.stringify(diskDevice(disk)),
    ]),
    ...["-chardev", `file,id=console,path=${consoleLog},append=on`, "-serial", "chardev:console"],
    ...["-qmp", `unix:${monitorSocket},server=on,wait=off`],
    ...(machine.more ?? []),
    ...(state === undefined ? [] : ["-loadvm", state]),
  ];
}

/** A disk's file as QMP's blockdev-add and -blockdev take it. */
export function blockNode(disk: Disk): Record<string, unknown> {
  const readOnly = disk.readOnly ?? false;
  return {
    driver: disk.format,
    "node-name": disk.id,
    "read-only": readOnly,
    discard: "unmap",
    // A lab's disk may be lost with the machine, so it need not wait for the machine's own disk.
    cache: { "no-flush": true },
    file: { driver: "file", filename: disk.file, "read-only": readOnly, discard: "unmap" },
  };
}

/** A disk as the guest sees it, for QMP's device_add and -device. */
export function diskDevice(disk: Disk): Record<string, unknown> {
  return {
    driver: "virtio-blk-pci",
    id: `disk-${disk.id}`,
    drive: disk.id,
    bus: disk.bus,
    addr: disk.addr,
    ...(disk.serial === undefined ? {} : { serial: disk.serial }),
    ...(disk.blockBytes === 4096 ? { logical_block_size: 4096, physical_block_size: 4096 } : {}),
  };
}

/** Page table isolation flushes QEMU's own translations at every system call, which an emulated guest need not pay for. */
function directBoot(kind: MachineKind, { kernel, initrd }: { kernel: string; initrd: string }): string[] {
  return [
    "-kernel",
    kernel,
    "-initrd",
    initrd,
    "-append",
    `root=LABEL=root rw quiet mitigations=off console=${kind.console}`,
  ];
}

function firmware(kind: MachineKind): string[] {
  return kind.firmware === undefined ? [] : ["-bios", kind.firmware];
}
