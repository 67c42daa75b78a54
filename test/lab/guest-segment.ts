/** A network segment of some guests' own, as a rack has one: they reach each other and nothing else over it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { Socket } from "node:net";
import { join } from "node:path";
import { asRoot } from "./as-root.ts";
import { checkout } from "./cache.ts";
import { guestFolder } from "./guest-record.ts";
import type { Guest } from "./guest.ts";
import { extraDisksAtMost, machineKind } from "./machine-kind.ts";
import { withMonitor } from "./vm/machine.ts";
import type { Monitor } from "./vm/monitor.ts";

export interface Joined {
  readonly guest: Guest;
  /** IPv4 address with its prefix: `10.9.0.1/24`. */
  readonly address: string;
}

/**
 * Plugs a network card into each of some running guests of one kind and gives it its address. It lasts as long as this process; a
 * guest that is restarted has to join again.
 */
export async function joinSegment(first: Joined, ...others: readonly Joined[]): Promise<void> {
  const all = [first, ...others];
  if (all.every(({ guest }) => guest.kind === "vm")) await wireVms(first, others);
  else await wireContainers(all);
  await Promise.all(all.map(setUpCard));
}

/**
 * QEMU of the first one is the switch: it has a hub, and hands frames to each other guest over unix sockets in their folders, so that
 * nothing else hears them.
 */
async function wireVms(first: Joined, others: readonly Joined[]): Promise<void> {
  const hub = async (monitor: Monitor): Promise<void> => {
    for (const { guest } of others) {
      await line(monitor, `to-${guest.name}`, `segment-${guest.name}.sock`, guest, "segment.sock");
      await monitor.execute("netdev_add", {
        ...{ type: "hubport", id: `port-${guest.name}`, hubid: 0, netdev: `to-${guest.name}` },
      });
    }
    await monitor.execute("netdev_add", { type: "hubport", id: "segment", hubid: 0 });
  };
  await Promise.all([
    plugIn(first, hub),
    ...others.map((one) =>
      plugIn(one, (monitor) =>
        line(monitor, "segment", "segment.sock", first.guest, `segment-${one.guest.name}.sock`),
      ),
    ),
  ]);
}

/** Name of the card in a guest. */
export const segmentCard = "segment";

/** A line to another guest; QEMU runs in the guest's folder: a whole path may be longer than a socket's may be. */
async function line(monitor: Monitor, id: string, own: string, peer: Guest, its: string): Promise<void> {
  await monitor.execute("netdev_add", {
    ...{ type: "dgram", id },
    local: { type: "unix", path: own },
    remote: { type: "unix", path: join("..", peer.name, its) },
  });
}

/** A bridge in a network namespace of its own, which ends with this process. */
async function wireContainers(all: readonly Joined[]): Promise<void> {
  const script = join(checkout, "test", "lab", "container", "segment.sh");
  const ends = all.flatMap((one) => [guestFolder(one.guest.name), macOf(one)]);
  const [file, ...args] = asRoot(["sh", script, ...ends]);
  const child = spawn(file, args, { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "exit").then(([code]: unknown[]) => {
    throw new Error(`segment.sh ended with ${String(code)}`);
  });
  await Promise.race([once(child.stdout, "data"), ended]);
  ended.catch(() => undefined);
  child.unref();
  for (const stream of [child.stdin, child.stdout]) if (stream instanceof Socket) stream.unref();
}

/** Within the subnet the last number is a guest's own. */
function macOf({ address }: Joined): string {
  const last = Number(/\.(\d+)\//.exec(address)?.[1]) % 256;
  return `52:54:00:09:00:${last.toString(16).padStart(2, "0")}`;
}

/** @param wire makes the netdev of the name "segment". */
async function plugIn(one: Joined, wire: (monitor: Monitor) => Promise<void>): Promise<void> {
  const place = machineKind().extraDiskPlace(extraDisksAtMost - 1);
  await withMonitor(guestFolder(one.guest.name), async (monitor) => {
    await wire(monitor);
    await monitor.execute("device_add", {
      ...{ driver: "virtio-net-pci", id: "nic-segment", netdev: "segment", mac: macOf(one), romfile: "" },
      ...place,
    });
  });
}

/** The card by its name and with its address, now and after a boot. */
async function setUpCard(one: Joined): Promise<void> {
  const { guest, address } = one;
  const mac = macOf(one);
  const link = `[Match]\\nMACAddress=${mac}\\n\\n[Link]\\nName=${segmentCard}\\n`;
  const network = `[Match]\\nMACAddress=${mac}\\n\\n[Network]\\nAddress=${address}\\nLinkLocalAddressing=no\\nIPv6AcceptRA=no\\n`;
  // Its name is written down as well, for a boot; a card that is up already keeps the one that it has.
  const { exitCode, stderr } = await guest.exec(
    `sudo -n sh -c '
      printf "${link}" >/etc/systemd/network/10-segment.link
      printf "${network}" >/etc/systemd/network/10-segment.network
      networkctl reload
      for try in $(seq 100); do
        card=$(grep -l ${mac} /sys/class/net/*/address) && break; sleep 0.2
      done
      card=\${card%/address}; card=\${card##*/}
      if [ "$card" != ${segmentCard} ]; then ip link set "$card" down; ip link set "$card" name ${segmentCard}; fi
      ip link set ${segmentCard} up
      for try in $(seq 100); do
        ip -4 addr show dev ${segmentCard} | grep -q "${address}" && exit 0; sleep 0.2
      done
      exit 1'`,
  );
  if (exitCode !== 0) throw new Error(`${guest.name} did not join the segment: ${stderr}`);
}
