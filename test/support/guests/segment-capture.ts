/** What passes a guest's card on the segment, captured by QEMU, outside of all guests. */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { guestFolder } from "../../lab/guest-record.ts";
import type { Guest } from "../../lab/guest.ts";
import { withMonitor } from "../../lab/vm/machine.ts";

/** IPv4 packets since the start, by what they are. */
export interface Captured {
  /** IP protocol 50. */
  readonly esp: number;
  /** To the data path port of UDP, not encrypted. */
  readonly vxlan: number;
  /** Bytes of IP of the largest packet of the two. */
  readonly largest: number;
  /** Destinations outside of the segment, each once. */
  readonly elsewhere: readonly string[];
}

const file = "segment.pcap";
const filter = "capture";

/** @param vxlanPort of UDP. @returns ends the capture. */
export async function captureSegment({ name }: Guest, vxlanPort: number): Promise<() => Promise<Captured>> {
  const folder = guestFolder(name);
  rmSync(join(folder, file), { force: true });
  await withMonitor(folder, async (monitor) => {
    const options = { id: filter, netdev: "segment", file, maxlen: 64 };
    await monitor.execute("object-add", { "qom-type": "filter-dump", ...options });
  });
  return async () => {
    await withMonitor(folder, async (monitor) => {
      await monitor.execute("object-del", { id: filter });
    });
    return counted(readFileSync(join(folder, file)), vxlanPort);
  };
}

/** A file of pcap(5) with Ethernet frames, as QEMU writes it: little-endian. */
function counted(pcap: Buffer, vxlanPort: number): Captured {
  const elsewhere = new Set<string>();
  let [esp, vxlan, largest] = [0, 0, 0];
  for (let at = 24; at + 16 <= pcap.length; at += 16 + pcap.readUInt32LE(at + 8)) {
    const frame = pcap.subarray(at + 16, at + 16 + pcap.readUInt32LE(at + 8));
    if (frame.length < 34 || frame.readUInt16BE(12) !== 0x0800) continue;
    const ip = frame.subarray(14);
    const to = [...ip.subarray(16, 20)].join(".");
    if (!to.startsWith("10.9.0.")) elsewhere.add(to);
    const isEsp = ip[9] === 50;
    const isVxlan = ip[9] === 17 && ip.readUInt16BE(((ip[0] ?? 0) & 15) * 4 + 2) === vxlanPort;
    if (isEsp) esp += 1;
    if (isVxlan) vxlan += 1;
    if (isEsp || isVxlan) largest = Math.max(largest, ip.readUInt16BE(2));
  }
  return { esp, vxlan, largest, elsewhere: [...elsewhere] };
}
