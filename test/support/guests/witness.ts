/** A witness of what leaves a guest: it counts every packet for anywhere else than the guest itself, its segment and who looks after it. */
import assert from "node:assert/strict";
import type { Guest } from "../../lab/guest.ts";
import { segmentCard } from "../../lab/guest-segment.ts";

export interface Witness {
  /** How many packets have left, or would have, since the start. */
  readonly packets: () => Promise<number>;
}

/** Documentation only (RFC 5737): nobody has this address. */
const elsewhere = "192.0.2.1";

/**
 * Gives the guest a route to everywhere, which ends at the operator's side: without one, what a program wants to send is no packet
 * yet. Bridges of containers and the segment do not count, nor do answers to ssh and the kernel's own words to the network.
 */
export async function startWitness(guest: Guest): Promise<Witness> {
  const root = async (command: string, input = ""): Promise<string> => {
    const { stdout, stderr, exitCode } = await guest.exec(`sudo -n ${command}`, { input });
    assert.equal(exitCode, 0, stderr);
    return stdout;
  };
  const packets = async (): Promise<number> => {
    const [, count = ""] = /packets (\d+)/.exec(await root("nft list counter inet witness left")) ?? [];
    return Number(count);
  };
  await root("ip route replace default via 10.0.2.2");
  await root(
    "nft -f -",
    `table inet witness {
  counter left { }
  chain output {
    type filter hook output priority 0; policy accept;
    oifname { "lo", "docker0", "${segmentCard}" } accept
    oifname { "br-*", "docker_gwbridge", "veth*" } accept
    tcp sport 22 accept
    meta l4proto ipv6-icmp accept
    udp dport { 67, 547 } accept
    counter name left
  }
  chain forward {
    type filter hook forward priority 0; policy accept;
    oifname { "docker0", "${segmentCard}" } accept
    oifname { "br-*", "docker_gwbridge", "veth*" } accept
    counter name left
  }
}
`,
  );
  // It is no witness before it has seen something.
  await guest.exec(`curl -s -m 1 http://${elsewhere}/`);
  assert.ok((await packets()) > 0, "the witness sees nothing");
  await root("nft reset counter inet witness left");
  return { packets };
}
