/** What a host itself counts: what it has spent, and what came over its wire. */
import type { Guest } from "../lab/guest.ts";

export interface ProbedHost {
  /** Of all its processes since it began. */
  readonly cpuSeconds: number;
  /** Logins that sshd has accepted, including this probe. */
  readonly connections: number;
  readonly receivedBytes: number;
}

/**
 * Each look is a login of its own. cgroups(7): cpu.stat of the topmost control group that the host sees counts all its processes, with
 * the controller of processors and without; netdevice(7): /proc/net/dev has the bytes in the first field.
 */
export async function probeHost(guest: Guest): Promise<ProbedHost> {
  const { stdout, stderr } = await guest.exec(
    "awk '$1 == \"usage_usec\" { print $2 }' /sys/fs/cgroup/cpu.stat; " +
      "sudo journalctl -u ssh --no-pager -o cat | grep -c '^Accepted '; " +
      "awk '/^ *(e[a-z0-9]*|host0):/ { sub(/.*:/, \"\"); print $1 }' /proc/net/dev",
  );
  const [microseconds = NaN, connections = NaN, receivedBytes = NaN] = stdout.trim().split("\n").map(Number);
  if (Number.isNaN(receivedBytes)) throw new Error(`${guest.name} does not count: ${stdout}${stderr}`);
  return { cpuSeconds: microseconds / 1e6, connections, receivedBytes };
}
