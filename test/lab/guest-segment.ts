/** A network segment of some guests' own, as a rack has one: they reach each other and nothing else over it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { Socket } from "node:net";
import { join } from "node:path";
import { asRoot } from "./as-root.ts";
import { checkout } from "./cache.ts";
import { guestFolder } from "./guest-record.ts";
import { restartGuest, type Guest } from "./guest.ts";
import { extraDisksAtMost, machineKind } from "./machine-kind.ts";
import { withMonitor } from "./vm/machine.ts";

export interface Joined {
  readonly guest: Guest;
  /** IPv4 address with its prefix: `10.9.0.1/24`. */
  readonly address: string;
}

export interface Segment {
  /** From now on each boot waits for the card, before programs that need the network: an engine without the address of its swarm gives up. */
  readonly waitAtBoot: () => Promise<void>;
  /**
   * Starts a guest of the segment again after a power cut, with its card from the beginning.
   *
   * @param aheadSec its clock is so many seconds ahead. Only for a virtual machine.
   */
  readonly restart: (name: string, aheadSec?: number) => Promise<Guest>;
}

/**
 * Plugs a network card into each of some running guests of one kind and gives it its address. It lasts as long as this process; a
 * guest that is restarted otherwise than by the segment has to join again.
 */
export async function joinSegment(first: Joined, ...others: readonly Joined[]): Promise<Segment> {
  const all = [first, ...others];
  const vms = all.every(({ guest }) => guest.kind === "vm");
  const wireAgain = vms ? undefined : await wireContainers(all);
  if (vms) await wireVms(all);
  await Promise.all(all.map(setUpCard));
  return {
    waitAtBoot: async () => {
      await Promise.all(all.map(waitForCard));
    },
    restart: async (name, aheadSec = 0) => {
      const at = all.findIndex(({ guest }) => guest.name === name);
      const one = all[at];
      if (one === undefined) throw new Error(`${name} is not on the segment`);
      const powerOn = wireAgain === undefined ? { qemu: segmentArguments(all, one), aheadSec } : {};
      const [guest] = await Promise.all([restartGuest(name, "off", { powerOn }), wireAgain?.(at)]);
      return guest;
    },
  };
}

/**
 * QEMU of the first one is the switch: it has a hub, and hands frames to each other guest over unix sockets in their folders, so that
 * nothing else hears them.
 */
async function wireVms(all: readonly Joined[]): Promise<void> {
  await Promise.all(
    all.map((one) =>
      withMonitor(guestFolder(one.guest.name), async (monitor) => {
        for (const netdev of netdevs(all, one)) await monitor.execute("netdev_add", netdev);
        await monitor.execute("device_add", card(one));
      }),
    ),
  );
}

/** The same as arguments of QEMU. */
function segmentArguments(all: readonly Joined[], one: Joined): readonly string[] {
  return [
    ...netdevs(all, one).flatMap((netdev) => ["-netdev", JSON.stringify(netdev)]),
    ...["-device", JSON.stringify(card(one))],
  ];
}

/** Name of the card in a guest. */
export const segmentCard = "segment";

function netdevs(all: readonly Joined[], one: Joined): readonly Record<string, unknown>[] {
  const [first, ...others] = all.map(({ guest }) => guest.name);
  const own = one.guest.name;
  if (first === undefined) return [];
  if (own !== first) return [line("segment", "segment.sock", first, `segment-${own}.sock`)];
  return [
    ...others.flatMap((other) => [
      line(`to-${other}`, `segment-${other}.sock`, other, "segment.sock"),
      { type: "hubport", id: `port-${other}`, hubid: 0, netdev: `to-${other}` },
    ]),
    { type: "hubport", id: "segment", hubid: 0 },
  ];
}

/** A line to another guest; QEMU runs in the guest's folder: a whole path may be longer than a socket's may be. */
function line(id: string, own: string, peer: string, its: string): Record<string, unknown> {
  return {
    ...{ type: "dgram", id },
    local: { type: "unix", path: own },
    remote: { type: "unix", path: join("..", peer, its) },
  };
}

function card(one: Joined): Record<string, unknown> {
  return {
    ...{ driver: "virtio-net-pci", id: "nic-segment", netdev: "segment", mac: macOf(one), romfile: "" },
    ...machineKind().extraDiskPlace(extraDisksAtMost - 1),
  };
}

/**
 * A bridge in a network namespace of its own, which ends with this process.
 *
 * @returns wires one of them again, while it starts.
 */
async function wireContainers(all: readonly Joined[]): Promise<(at: number) => Promise<void>> {
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
  return async (at) => {
    child.stdin.write(`${at}\n`);
    await Promise.race([once(child.stdout, "data"), ended]);
  };
}

/** Within the subnet the last number is a guest's own. */
function macOf({ address }: Joined): string {
  const last = Number(/\.(\d+)\//.exec(address)?.[1]) % 256;
  return `52:54:00:09:00:${last.toString(16).padStart(2, "0")}`;
}

/** The card by its name and with its address, now and after a boot. */
async function setUpCard(one: Joined): Promise<void> {
  const { guest, address } = one;
  const mac = macOf(one);
  const link = `[Match]\\nMACAddress=${mac}\\n\\n[Link]\\nName=${segmentCard}\\n`;
  const network = `[Match]\\nMACAddress=${mac}\\n\\n[Network]\\nAddress=${address}\\nLinkLocalAddressing=no\\nIPv6AcceptRA=no\\n`;
  // Else networkd of a virtual machine takes them out of their bridges.
  const others = `[Match]\\nName=veth*\\n\\n[Link]\\nUnmanaged=yes\\n`;
  // Its name is written down as well, for a boot; a card that is up already keeps the one that it has.
  const { exitCode, stderr } = await guest.exec(
    `sudo -n sh -c '
      printf "${link}" >/etc/systemd/network/10-segment.link
      printf "${network}" >/etc/systemd/network/10-segment.network
      printf "${others}" >/etc/systemd/network/05-containers.network
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

async function waitForCard({ guest, address }: Joined): Promise<void> {
  const unit = `[Unit]
Before=network-online.target
[Service]
Type=oneshot
ExecStart=timeout 300 sh -c "until ip -4 addr show dev ${segmentCard} | grep -q ${address}; do sleep 0.1; done"
`;
  const { exitCode, stderr } = await guest.exec(
    `sudo -n sh -c 'cat >/etc/systemd/system/lab-segment.service
      mkdir -p /etc/systemd/system/network-online.target.wants
      ln -sf /etc/systemd/system/lab-segment.service /etc/systemd/system/network-online.target.wants/'`,
    { input: unit },
  );
  if (exitCode !== 0) throw new Error(`${guest.name}: ${stderr}`);
}
