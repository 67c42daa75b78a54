/** The shell of the library in a guest, one function or one plan at a time, without Pulumi in between. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { quote } from "../../../modules/core/quote.ts";
import { parseReport, type HostReport } from "../../../modules/core/host/report.ts";
import { planText, type Step } from "../../../modules/core/host/step.ts";
import { removeGuest, restartGuest, startGuest, type Guest, type GuestOptions } from "../../lab/guest.ts";
import type { MachineNeed } from "../../lab/machine-choice.ts";
import { type ExecResult, type SshTarget, sshArguments, sshExec } from "../../lab/ssh.ts";
import { library } from "../fixtures/example-host.ts";
import { onExit } from "../process/on-exit.ts";

export interface Called {
  readonly exitCode: number;
  /** Standard output and error, as run.sh sees them. */
  readonly output: string;
}

export interface ShellFunctions {
  /** Changes when the guest was started again. */
  guest: Guest;
  /** Calls one function as run.sh does: `set -e`, one output stream, no input. */
  readonly call: (name: string, ...args: readonly string[]) => Promise<Called>;
  /** Runs a plan of these steps as a probe (check) or as a Command (apply) does. */
  readonly run: (
    mode: "check" | "apply",
    steps: readonly Step[],
  ) => Promise<HostReport & { readonly text: string }>;
  /** A command line as root that has to end with 0; its output. */
  readonly root: (command: string) => Promise<string>;
  /** Cuts the power and starts the guest again. */
  readonly cutPower: () => Promise<void>;
  /** Cuts the power. */
  readonly powerOff: () => Promise<void>;
  /** What somebody else has started again. */
  readonly startedAgain: (guest: Guest) => Promise<void>;
  readonly end: () => Promise<void>;
}

const path = "/run/sealift-library.sh";

/** A pristine guest of this name, on the machine that it needs, with the library on it. */
export async function startFunctions(
  name: string,
  machine: MachineNeed,
  options: Partial<GuestOptions> = {},
): Promise<ShellFunctions> {
  await removeGuest(name);
  return shellOn(await startGuest({ ...options, name, machine }));
}

/**
 * The same on a guest that runs already. All of it goes over one login, which under emulation is most of what a short call
 * costs; what depends on a fresh login asks `guest.exec`.
 */
export async function shellOn(guest: Guest): Promise<ShellFunctions> {
  let login = openLogin(guest.ssh);
  const exec = (command: string, input?: string): Promise<ExecResult> =>
    sshExec({ ...functions.guest.ssh, controlPath: login.controlPath }, command, input);
  const functions: ShellFunctions = {
    guest,
    call: async (called, ...args) => {
      const input = `. ${path}\nmkdir -p "$SEALIFT_STATE"\nset -u\nattempt ${[called, ...args].map(quote).join(" ")}\nprintf '%s' "$attempt_output"\nexit "$attempt_status"\n`;
      const { stdout, stderr, exitCode } = await exec("sudo -n sh -s", input);
      return { exitCode, output: stdout + stderr };
    },
    run: async (mode, steps) => {
      const plan = planText(guest.name, { name: "test", steps }, { serial: 1 });
      const input = `. ${path}\nrun ${mode} <<'SEALIFT_PLAN'\n${plan}SEALIFT_PLAN\n`;
      const { stdout, stderr } = await exec("sudo -n sh -s", input);
      return { ...parseReport(stdout), text: stdout + stderr };
    },
    root: async (command) => {
      const { stdout, stderr, exitCode } = await exec(`sudo -n sh -c ${quote(command)}`);
      assert.equal(exitCode, 0, `${command}: ${stderr}`);
      return stdout;
    },
    cutPower: async () => {
      await functions.powerOff();
      await functions.startedAgain(await restartGuest(guest.name, "off"));
    },
    powerOff: async () => {
      login.close();
      await functions.guest.kill();
    },
    startedAgain: async (again) => {
      functions.guest = again;
      login = openLogin(again.ssh);
      await putLibrary(again);
    },
    end: async () => {
      login.close();
      await functions.guest.stop();
      await removeGuest(guest.name);
    },
  };
  await putLibrary(guest);
  return functions;
}

async function putLibrary(guest: Guest): Promise<void> {
  await guest.exec(`sudo -n tee ${path}`, { input: library.text });
}

interface Login {
  readonly controlPath: string;
  readonly close: () => void;
}

/** A connection that others share: ControlMaster of ssh_config(5). */
function openLogin(to: SshTarget): Login {
  const folder = mkdtempSync(join(tmpdir(), "sealift-ssh-"));
  const controlPath = join(folder, "login");
  const child = spawn("ssh", ["-M", "-N", ...sshArguments({ ...to, controlPath })], { stdio: "ignore" });
  const close = (): void => {
    child.kill();
    rmSync(folder, { recursive: true, force: true });
  };
  const forget = onExit(close);
  child.unref();
  return {
    controlPath,
    close: () => {
      forget();
      close();
    },
  };
}
