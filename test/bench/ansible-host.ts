/** A host in the hands of Ansible: the facts of test/bench/ansible/host.yaml, with what they are about taken from Sealift's own host. */
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Archive } from "../../modules/core/host/blob.ts";
import { cachePath } from "../lab/cache.ts";
import type { Guest } from "../lab/guest.ts";
import { sshArguments } from "../lab/ssh.ts";
import { measured, type Run } from "./measured.ts";

/** What Sealift writes on a host whose text the playbook takes from there. */
export const writtenFiles = [
  "/etc/containerd/config.toml",
  "/etc/docker/daemon.json",
  "/etc/systemd/system/containerd.service",
  "/etc/systemd/system/containerd.service.d/sealift.conf",
  "/etc/systemd/system/docker.service",
  "/etc/systemd/system/docker.service.d/sealift.conf",
  "/etc/systemd/system/docker.socket",
] as const;

export interface AnsibleOptions {
  readonly archive: Archive;
  /** The public key that lets the user in. */
  readonly key: string;
  /** The text of each of {@link writtenFiles}. */
  readonly written: ReadonlyMap<string, string>;
  /** How many hosts are worked on at a time. */
  readonly forks: number;
  /** How many hosts before how many: Ansible's `serial`. Default: all at once. */
  readonly waves?: readonly (number | string)[];
}

/** A run, and how many tasks said that they changed something, or would. */
export interface Play extends Run {
  readonly changed: number;
}

export interface AnsibleHosts {
  /** Runs the play over connections of its own. @throws {Error} with what it printed, when it fails. */
  readonly play: (...args: readonly string[]) => Promise<Play>;
  readonly end: () => Promise<void>;
}

export async function ansibleHosts(
  guests: readonly Guest[],
  { archive, key, written, forks, waves = ["100%"] }: AnsibleOptions,
): Promise<AnsibleHosts> {
  await mkdir(cachePath("tmp"), { recursive: true });
  const folder = await mkdtemp(cachePath("tmp", "ansible-"));
  const files = join(folder, "files");
  for (const [path, text] of written) {
    await mkdir(join(files, dirname(path)), { recursive: true });
    await writeFile(join(files, path), text);
  }
  const names = archive.members.map(({ path }) => basename(path));
  const vars = {
    engine: archive.version,
    archive: archive.path,
    archive_sha256: archive.sha256,
    programs: archive.members.map(({ path, sha256 }) => `${sha256}  ${basename(path)}\n`).join(""),
    members: names.toSorted().join("\n"),
    key,
    files,
    waves,
  };
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
      const playbook = join(import.meta.dirname, "ansible", "host.yaml");
      const play = ["ansible-playbook", "-i", "hosts", "-e", "@vars.json", ...args, playbook];
      const start = performance.now();
      const run = await measured({
        program: "sh",
        args: ["-c", 'log=$1; shift; exec "$@" >"$log" 2>&1', "sh", log, ...play],
        env: { ANSIBLE_NOCOLOR: "1" },
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
