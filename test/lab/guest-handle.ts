/** What a running machine of the lab offers, whichever kind it is of. */
import type { Report } from "../support/process/stages.ts";
import type { GuestKind, MachineNeed } from "./machine-choice.ts";
import type { ExecResult, SshTarget } from "./ssh.ts";

export interface ExtraDisk {
  /** Default none: like a disk of VMware without disk.EnableUUID, it has a name in /dev/disk/by-path alone. */
  readonly serial?: string;
  readonly sizeGiB: number;
  /** Size of its logical and physical blocks: 512, or 4096 for a 4Kn disk. Default 512. */
  readonly blockBytes?: 512 | 4096;
}

export interface GuestOptions {
  /** Names its folder in the cache; one running guest a name. Lower-case letters, digits, dashes. */
  readonly name: string;
  /** `vm(<why>)` or `container()`. */
  readonly machine: MachineNeed;
  /** Size of the blank data disk, at least and by default 8 GiB. Only for a virtual machine. */
  readonly dataDisk?: { readonly sizeGiB: number };
  /** More blank disks, at most 4; one with a serial number is /dev/disk/by-id/virtio-<serial>. Only for a virtual machine. */
  readonly extraDisks?: readonly ExtraDisk[];
  /** true: it goes on when this process ends. Default false: it ends with this process, however that ends. */
  readonly detached?: boolean;
  /** Hears what is going on while the image is built and booted, on first use. */
  readonly report?: Report;
}

export interface ExecOptions {
  /** Default `ops`. */
  readonly login?: string;
  /** Default the lab's own key. */
  readonly identityFile?: string;
  /** What the command reads. */
  readonly input?: string | Buffer;
}

/** A running machine with no route out: its own systemd, sshd and sudo; a virtual machine has its own kernel as well. */
export interface Guest {
  readonly name: string;
  /** What it really is, whatever was asked for. */
  readonly kind: GuestKind;
  /** QEMU, or the process that runs the container. */
  readonly pid: number;
  /** Where its sshd is reached: always loopback. */
  readonly address: "127.0.0.1";
  readonly port: number;
  /** A login with sudo without a password. */
  readonly login: string;
  readonly identityFile: string;
  /** "ssh-ed25519 AAAA…" */
  readonly hostKey: string;
  /** How OpenSSH's client is called for this guest. */
  readonly ssh: SshTarget;
  /** File systems that are there before Sealift comes; none where there are blank disks. */
  readonly mounts: readonly string[];
  /** The blank disk of a virtual machine: /dev/disk/by-id/virtio-lab-data. */
  readonly diskId: string;
  readonly diskGiB: number;
  /** Runs a command line over ssh; an exit code is a result, not an error. */
  readonly exec: (command: string, options?: ExecOptions) => Promise<ExecResult>;
  /**
   * Saves it under a name; it goes on. A virtual machine is saved with its memory; a container powers off for it and is started
   * again, so a state of it begins with power-on.
   *
   * @throws {Error} in QEMU's words, or when the container does not power off.
   */
  readonly save: (state: string) => Promise<void>;
  /** Ends it; its disks go unless a state has been saved in them. */
  readonly stop: () => Promise<void>;
  /**
   * Cuts the power; its disks stay for `restartGuest(name, "off")`. What was not flushed to them is lost: a virtual machine loses its
   * memory, the file systems of a container are shut down without a flush of their journals.
   */
  readonly kill: () => Promise<void>;
}
