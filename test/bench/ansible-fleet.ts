/** The same hosts in the hands of Ansible: as many facts, each a line in a file of the host's home, by its own module. */
import { writeFileSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { $ } from "zx/core";
import { cachePath } from "../lab/cache.ts";
import type { ListeningSshd } from "../support/servers/listening-sshd.ts";

/** How many hosts Sealift probes at once (modules/rollout/probe-site.ts); Ansible's default is 5. */
const forks = 32;

export interface AnsibleFleet {
  /** Runs the play. @throws {Error} with what it printed, when it fails. */
  readonly play: (started: (pid: number) => void) => Promise<void>;
  readonly end: () => Promise<void>;
}

/** @param facts how many tasks the play has. */
export async function ansibleFleet(
  hosts: readonly ListeningSshd[],
  identityFile: string,
  facts: number,
): Promise<AnsibleFleet> {
  await mkdir(cachePath("tmp"), { recursive: true });
  const folder = await mkdtemp(cachePath("tmp", "ansible-"));
  const inventory = hosts.map(
    ({ port, user, home }, index) =>
      `sim-${index + 1} ansible_host=127.0.0.1 ansible_port=${port} ansible_user=${user} home=${home}`,
  );
  writeFileSync(join(folder, "hosts"), `${inventory.join("\n")}\n`);
  writeFileSync(
    join(folder, "known_hosts"),
    hosts.map(({ port, hostKey }) => `[127.0.0.1]:${port} ${hostKey}\n`).join(""),
  );
  const tasks = Array.from(
    { length: facts },
    (_, index) =>
      `    - ansible.builtin.lineinfile: { path: "{{ home }}/ansible", line: fact ${index}, create: true }`,
  );
  const play = ["- hosts: all", "  gather_facts: false", "  tasks:", ...tasks, ""];
  writeFileSync(join(folder, "play.yaml"), play.join("\n"));
  const ssh = `-o UserKnownHostsFile=${join(folder, "known_hosts")} -o ControlMaster=auto -o ControlPersist=60s`;
  writeFileSync(
    join(folder, "ansible.cfg"),
    `[defaults]\nforks = ${forks}\nprivate_key_file = ${identityFile}\ninterpreter_python = /usr/bin/python3\n` +
      `[ssh_connection]\npipelining = true\nssh_args = ${ssh}\ncontrol_path_dir = ${join(folder, "cp")}\n`,
  );
  return {
    play: async (started) => {
      const run = $({ cwd: folder, nothrow: true, quiet: true })`ansible-playbook -i hosts play.yaml`;
      if (run.pid !== undefined) started(run.pid);
      const { exitCode, stdout, stderr } = await run;
      if (exitCode !== 0) throw new Error(stdout + stderr);
    },
    end: () => rm(folder, { recursive: true, force: true }),
  };
}
