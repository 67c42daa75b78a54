/** Plays of Ansible on guests of the lab, measured, each over connections of its own. */
import { readdirSync, readFileSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Guest } from "../lab/guest.ts";
import { sshArguments } from "../lab/ssh.ts";
import { measured, type Run } from "./measured.ts";

/** A run, and how many tasks said that they changed something, or would. */
export interface Play extends Run {
  readonly changed: number;
}

export interface AnsibleHosts {
  /** Runs the play over connections of its own. @throws {Error} with what it printed, when it fails. */
  readonly play: (...args: readonly string[]) => Promise<Play>;
  readonly end: () => Promise<void>;
}

interface Playbook {
  /** Path of the file. */
  readonly playbook: string;
  readonly vars: object;
  /** How many hosts are worked on at a time. */
  readonly forks: number;
  /** A folder of its own, which goes with the hosts. */
  readonly folder: string;
  /** The command, without its arguments, and what its environment needs. Default: the machine's own. */
  readonly command?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export async function ansiblePlays(
  guests: readonly Guest[],
  { playbook, vars, forks, folder, command = ["ansible-playbook"], env = {} }: Playbook,
): Promise<AnsibleHosts> {
  await writeFile(join(folder, "vars.json"), JSON.stringify(vars));
  await writeFile(join(folder, "hosts"), guests.map((guest) => `${inventoryLine(guest)}\n`).join(""));
  await writeFile(
    join(folder, "ansible.cfg"),
    `[defaults]\nforks = ${forks}\ninterpreter_python = /usr/bin/python3\n` +
      `[ssh_connection]\npipelining = true\nssh_args = -o ControlMaster=auto -o ControlPersist=60s\n` +
      `control_path_dir = ${join(folder, "cp")}\n`,
  );
  const log = join(folder, "log");
  return {
    play: async (...args) => {
      const play = [...command, "-i", "hosts", "-e", "@vars.json", ...args, playbook];
      const start = performance.now();
      const run = await measured({
        program: "sh",
        args: ["-c", 'log=$1; shift; exec "$@" >"$log" 2>&1', "sh", log, ...play],
        env: { ANSIBLE_NOCOLOR: "1", ...env },
        cwd: folder,
      }).catch(async (error: unknown) => {
        throw new Error(await readFile(log, "utf8"), { cause: error });
      });
      const seconds = (performance.now() - start) / 1000;
      const changed = (await readFile(log, "utf8")).matchAll(/ changed=(\d+) /g);
      return {
        ...run,
        seconds,
        cpuSeconds: run.cpuSeconds + endMasters(folder),
        changed: [...changed].reduce((sum, [, count]) => sum + Number(count), 0),
      };
    },
    end: () => rm(folder, { recursive: true, force: true }),
  };
}

function inventoryLine({ name, address, port, login, ssh, identityFile }: Guest): string {
  const options = sshArguments(ssh).filter((word, index, all) =>
    all[index - 1] === "-o" ? /^(HostKeyAlias|UserKnownHostsFile|GlobalKnownHostsFile)=/.test(word) : false,
  );
  const words = options.map((option) => `-o ${option}`).join(" ");
  return (
    `${name} ansible_host=${address} ansible_port=${port} ansible_user=${login} ` +
    `ansible_ssh_private_key_file=${identityFile} ansible_ssh_common_args='${words}'`
  );
}

/**
 * Ends the connections that a play has left open for 60 s, so that the next one begins as on another day.
 *
 * @returns the seconds of processor time that they have cost, which no parent has waited for. proc(5): stat has it in ticks of 10 ms.
 */
function endMasters(folder: string): number {
  let ticks = 0;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    if (!read(`/proc/${pid}/cmdline`).startsWith(`ssh: ${folder}`)) continue;
    const words = read(`/proc/${pid}/stat`).split(") ").at(-1)?.split(" ") ?? [];
    ticks += words.slice(11, 13).reduce((sum, word) => sum + Number(word), 0);
    process.kill(Number(pid));
  }
  return ticks / 100;
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
