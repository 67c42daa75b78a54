/** A network segment of two guests' own, as a rack has one: they reach each other and nothing else over it. */
import { join } from "node:path";
import { guestFolder } from "./guest-record.ts";
import type { Guest } from "./guest.ts";
import { extraDisksAtMost, machineKind } from "./machine-kind.ts";
import { withMonitor } from "./machine.ts";

export interface Joined {
  readonly guest: Guest;
  /** IPv4 address with its prefix: `10.9.0.1/24`. */
  readonly address: string;
}

/**
 * Plugs a network card into each of two running guests and gives it its address. QEMU hands frames from one to the other over
 * unix sockets in their folders, so that nothing else hears them. A guest that is started anew has to join anew.
 */
export async function joinSegment(one: Joined, other: Joined): Promise<void> {
  await Promise.all([join_(one, other), join_(other, one)]);
}

/** Name of the card in a guest. */
export const segmentCard = "segment";

async function join_({ guest, address }: Joined, peer: Joined): Promise<void> {
  // Within the subnet the last number is a guest's own.
  const mac = `52:54:00:09:00:${(Number(/\.(\d+)\//.exec(address)?.[1]) % 256).toString(16).padStart(2, "0")}`;
  const place = machineKind().extraDiskPlace(extraDisksAtMost - 1);
  const socket = "segment.sock";
  await withMonitor(guestFolder(guest.name), async (monitor) => {
    await monitor.execute("netdev_add", {
      type: "dgram",
      id: "segment",
      // QEMU runs in the guest's folder: a whole path may be longer than a socket's may be.
      local: { type: "unix", path: socket },
      remote: { type: "unix", path: join("..", peer.guest.name, socket) },
    });
    await monitor.execute("device_add", {
      driver: "virtio-net-pci",
      id: "nic-segment",
      netdev: "segment",
      mac,
      romfile: "",
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
