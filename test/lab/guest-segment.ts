/** A network segment of some guests' own, as a rack has one: they reach each other and nothing else over it. */
import { join } from "node:path";
import { guestFolder } from "./guest-record.ts";
import type { Guest } from "./guest.ts";
import { extraDisksAtMost, machineKind } from "./machine-kind.ts";
import { withMonitor } from "./machine.ts";
import type { Monitor } from "./monitor.ts";

export interface Joined {
  readonly guest: Guest;
  /** IPv4 address with its prefix: `10.9.0.1/24`. */
  readonly address: string;
}

/**
 * Plugs a network card into each of some running guests and gives it its address. QEMU of the first one is the switch: it has a hub,
 * and hands frames to each other guest over unix sockets in their folders, so that nothing else hears them. A guest that is started
 * anew has to join anew.
 */
export async function joinSegment(first: Joined, ...others: readonly Joined[]): Promise<void> {
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

/** @param wire makes the netdev of the name "segment". */
async function plugIn({ guest, address }: Joined, wire: (monitor: Monitor) => Promise<void>): Promise<void> {
  // Within the subnet the last number is a guest's own.
  const mac = `52:54:00:09:00:${(Number(/\.(\d+)\//.exec(address)?.[1]) % 256).toString(16).padStart(2, "0")}`;
  const place = machineKind().extraDiskPlace(extraDisksAtMost - 1);
  await withMonitor(guestFolder(guest.name), async (monitor) => {
    await wire(monitor);
    await monitor.execute("device_add", {
      ...{ driver: "virtio-net-pci", id: "nic-segment", netdev: "segment", mac, romfile: "" },
      ...place,
    });
  });
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
