import { createHash } from "node:crypto";
import { chmod, mkdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { SealiftError } from "../../../modules/core/errors.ts";
import type { Report } from "../../support/process/stages.ts";
import { type Accelerator, chooseAccelerator } from "./accelerator.ts";
import { cachePath, checkout } from "../cache.ts";
import { createQcow2 } from "./guest-disks.ts";
import { freePort } from "../free-port.ts";
import { type Identity, ensureIdentity } from "../identity.ts";
import { type Image, ensureImage } from "./image.ts";
import { withLock } from "../lock.ts";
import { type MachineKind, machineKind } from "../machine-kind.ts";
import { killMachine, quitMachine, runsIn, startMachine, withMonitor } from "./machine.ts";
import { type Disk, type Machine, consoleLog, qemuArguments } from "./qemu.ts";
import { labCloudInit, writeCloudInitDisk } from "./cloud-init.ts";
import { type SshTarget, sshExec, waitForSsh } from "../ssh.ts";

/** The saved, booted machine of which every pristine guest is a copy. */
export interface BaseVm {
  readonly folder: string;
  /** Changes with the image, QEMU, the accelerator and the machine's devices: states of another key cannot be restored. */
  readonly key: string;
  readonly image: Image;
  readonly accelerator: Accelerator;
  readonly kind: MachineKind;
  readonly identity: Identity;
  /** Its disks; their files are in `folder`. */
  readonly disks: readonly Disk[];
}

/** The state that every pristine guest starts from. */
export const bootedState = "ready";
export const login = "ops";
export const dataSerial = "lab-data";
export const dataGiB = 8;
/** A cloud image grows to this, unless it is larger; the image built here is as large. */
const rootBytes = 8 * 1024 ** 3;
/** A cloud image under emulation on a busy machine takes minutes. */
const firstBootTimeoutMs = 15 * 60 * 1000;

/**
 * Boots the image once, waits until the system is idle, and saves it as {@link bootedState}, with the blank data disk in place.
 *
 * @throws {E_LAB_GUEST} if the guest does not boot; its console is in the named file.
 */
export async function ensureBaseVm(report: Report): Promise<BaseVm> {
  const image = await ensureImage(report);
  const kind = machineKind();
  const accelerator = await chooseAccelerator(kind, image, report);
  const identity = await ensureIdentity();
  const disks = baseVmDisks(kind, image);
  const shape = qemuArguments({ kind, accelerator: accelerator.name, disks, port: 0 });
  const inputs = JSON.stringify([
    image.id,
    accelerator.key,
    shape,
    dataGiB,
    identity.hostKey,
    identity.publicKey,
  ]);
  const key = createHash("sha256").update(inputs).digest("hex").slice(0, 12);
  const base = { folder: cachePath("lab", "golden", key), key, image, accelerator, kind, identity, disks };
  if (await there(base.folder)) return base;
  await withLock(
    "golden",
    () => {
      report("waiting for another run that boots it");
    },
    async () => {
      if (!(await there(base.folder))) await bootOnce(base, report);
    },
  );
  return base;
}

/** How the machine of this base VM is started. */
export function baseVmMachine(base: BaseVm, port: number, extra: readonly Disk[] = []): Machine {
  const { kind, accelerator, disks, image } = base;
  const machine = { kind, accelerator: accelerator.name, disks: [...disks, ...extra], port };
  return image.direct === undefined ? machine : { ...machine, direct: image.direct };
}

/** How ssh reaches it. */
export function sshTarget(identity: Identity, port: number): SshTarget {
  return { port, login, identityFile: identity.identityFile, knownHostsFile: identity.knownHostsFile };
}

function baseVmDisks(kind: MachineKind, image: Image): Disk[] {
  const bus = kind.rootBus;
  return [
    { id: "root", file: "root.qcow2", format: "qcow2", bus, addr: "0x4" },
    { id: "data", file: "data.qcow2", format: "qcow2", bus, addr: "0x5", serial: dataSerial },
    ...(image.direct === undefined
      ? [{ id: "seed", file: "seed.img", format: "raw", bus, addr: "0x7", readOnly: true } as const]
      : []),
  ];
}

async function bootOnce(base: BaseVm, report: Report): Promise<void> {
  const { image, identity } = base;
  const part = `${base.folder}.part`;
  await rm(part, { recursive: true, force: true });
  await mkdir(part, { recursive: true });
  const backing = ["-b", image.disk, "-F", image.format];
  await createQcow2([...backing, join(part, "root.qcow2"), String(Math.max(rootBytes, image.bytes ?? 0))]);
  await createQcow2([join(part, "data.qcow2"), `${dataGiB}G`]);
  if (image.direct === undefined) {
    await writeCloudInitDisk(await labCloudInit(login, identity), join(part, "seed.img"));
    await chmod(join(part, "seed.img"), 0o600);
  }
  const port = await freePort();
  report(`booting ${image.title} for the first time (${base.accelerator.name})`);
  const pid = await startMachine(baseVmMachine(base, port), part);
  try {
    if (!(await waitForSsh(port, firstBootTimeoutMs, () => runsIn(part, pid))))
      throw await noBoot(part, base);
    report("waiting until nothing more starts by itself");
    const waitIdle = await readFile(join(checkout, "test", "lab", "vm", "wait-idle.sh"), "utf8");
    const idle = await sshExec(sshTarget(identity, port), "sh -s", waitIdle);
    if (idle.exitCode !== 0) throw await noBoot(part, base, idle.stderr.trim());
    report("saving the booted guest");
    await withMonitor(part, (monitor) => monitor.human(`savevm ${bootedState}`));
    await quitMachine(part, pid);
  } finally {
    await killMachine(part, pid);
  }
  await rename(part, base.folder);
}

async function noBoot(folder: string, base: BaseVm, found?: string): Promise<SealiftError> {
  const log = cachePath("log", consoleLog);
  await mkdir(cachePath("log"), { recursive: true });
  await rename(join(folder, consoleLog), log).catch(() => undefined);
  return new SealiftError([
    {
      where: "lab",
      code: "E_LAB_GUEST",
      subject: base.image.title,
      found: found ?? `no sshd within ${firstBootTimeoutMs / 60_000} minutes`,
      expected: `a guest on which ${login} can log in`,
      fix: `read ${log}`,
    },
  ]);
}

async function there(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
