import { spawn } from "node:child_process";
import { accessSync, constants, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import type { Image } from "./image.ts";
import type { MachineKind } from "../machine-kind.ts";
import type { Report } from "../../support/process/stages.ts";
import { runProcess } from "../../support/process/run-process.ts";
import { cachePath } from "../cache.ts";

export interface Accelerator {
  readonly name: "kvm" | "tcg";
  /** QEMU's version: "10.0.2". */
  readonly qemu: string;
  /** Changes whenever a saved state of one cannot be restored by the other. */
  readonly key: string;
}

/** A guest that KVM really runs says its line within this; one that it does not run says nothing for ever. */
const probeTimeoutMs = 20_000;

/**
 * KVM where it really works, otherwise emulation. A /dev/kvm can be there and yet run no stock kernel (nested, trimmed), so
 * the image's own kernel is booted once as a probe; the answer is kept until the machine restarts. Env
 * SEALIFT_LAB_ACCELERATOR=kvm|tcg decides without a probe.
 *
 * @throws {Error} when QEMU cannot be run.
 */
export async function chooseAccelerator(
  kind: MachineKind,
  image: Image,
  report: Report,
): Promise<Accelerator> {
  const qemu = await qemuVersion(kind);
  const name = given() ?? (mayUseKvm() && (await kvmWorks(kind, image, qemu, report)) ? "kvm" : "tcg");
  const processor = name === "kvm" ? (cpus()[0]?.model ?? "unknown") : kind.emulated;
  return { name, qemu, key: [name, qemu, kind.machine, processor].join(" ") };
}

function given(): "kvm" | "tcg" | undefined {
  const choice = process.env["SEALIFT_LAB_ACCELERATOR"];
  return choice === "kvm" || choice === "tcg" ? choice : undefined;
}

function mayUseKvm(): boolean {
  try {
    accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

async function kvmWorks(kind: MachineKind, image: Image, qemu: string, report: Report): Promise<boolean> {
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  const file = cachePath("lab", "kvm.json");
  const question = [boot, qemu, image.id].join(" ");
  try {
    const known = JSON.parse(readFileSync(file, "utf8")) as { question: string; works: boolean };
    if (known.question === question) return known.works;
  } catch {
    // Never asked before.
  }
  report("trying whether KVM really runs a guest");
  const works = await bootsWithKvm(kind, image);
  mkdirSync(cachePath("lab"), { recursive: true });
  writeFileSync(file, JSON.stringify({ question, works }));
  return works;
}

/** Boots the image, with its disk write-protected, until the kernel searches for its root or shows a login. */
async function bootsWithKvm(kind: MachineKind, image: Image): Promise<boolean> {
  const direct = image.direct;
  const what =
    direct === undefined
      ? ["-snapshot", ...(kind.firmware === undefined ? [] : ["-bios", kind.firmware]), "-hda", image.disk]
      : ["-kernel", direct.kernel, "-append", `console=${kind.console} panic=-1`];
  const child = spawn(
    "setpriv",
    [
      ...[
        "--pdeathsig",
        "KILL",
        kind.binary,
        "-nodefaults",
        "-display",
        "none",
        "-no-reboot",
        "-machine",
        kind.machine,
      ],
      ...["-accel", "kvm", "-cpu", "host", "-m", "512", "-serial", "stdio", ...what],
    ],
    { stdio: ["ignore", "pipe", "ignore"] },
  );
  let output = "";
  const sign = direct === undefined ? /Linux version|login:/ : /Unable to mount root fs/;
  const works = await new Promise<boolean>((resolve) => {
    const timer = setTimeout(resolve, probeTimeoutMs, false);
    child.stdout.on("data", (bytes: Buffer) => {
      output += bytes.toString("latin1");
      if (sign.test(output)) resolve(true);
    });
    const failed = (): void => {
      clearTimeout(timer);
      resolve(sign.test(output));
    };
    child.on("error", failed);
    child.on("close", failed);
  });
  child.kill("SIGKILL");
  return works;
}

async function qemuVersion(kind: MachineKind): Promise<string> {
  const { stdout, stderr, exitCode } = await runProcess(kind.binary, ["--version"]);
  const version = /version (\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  if (exitCode !== 0 || version === undefined)
    throw new Error(`${kind.binary} --version: ${stderr || stdout}`);
  return version;
}
