/** Whether the members of a swarm reach each other: by packets that all of them send at the same time, before any of them joins. */
import { randomBytes } from "node:crypto";
import { isIPv4 } from "node:net";
import type { Problem } from "../core/errors.ts";
import type { Library } from "../core/host/library.ts";
import { probe, type Probe, type Reach } from "../core/host/probe.ts";
import type { Phase } from "../core/host/step.ts";
import type { HostSpec } from "../core/site/site-spec.ts";
import type { SwarmSpec } from "../core/site/swarm.ts";

const pathsCode = "swarm-paths.heard";

/** The largest IP packets between the hosts of a swarm, in bytes. */
export interface PacketSizes {
  /** VXLAN: the ingress network, and networks that are not encrypted. */
  readonly vxlan: number;
  /** ESP; 0 if no network is encrypted. */
  readonly esp: number;
}

/** Bytes around the packet of a container: IP 20, UDP 8, VXLAN 8, Ethernet 14 (RFC 7348, 5). */
const vxlanBytes = 50;

/** SPI 4, sequence number 4, initialization vector 8, pad length 1, next header 1, check value 8 (RFC 4303, 2; RFC 4106, 3). */
const espBytes = 26;

/**
 * The MTU of a network is that of the hosts: the engine reduces it for containers by 50 bytes, for an encrypted network by 26 more, and
 * then to a multiple of 4, so that ESP needs no padding (maxMTU in libnetwork/drivers/overlay/encryption.go of moby, 26.1.5 and 28.5.2).
 */
export function packetSizes({ ingress, networks }: Pick<SwarmSpec, "ingress" | "networks">): PacketSizes {
  const plain = networks.filter(({ encrypted }) => !encrypted).map(({ mtu }) => mtu);
  const encrypted = networks.filter((one) => one.encrypted).map(({ mtu }) => espPacket(mtu));
  return { vxlan: Math.max(ingress.mtu, ...plain), esp: Math.max(0, ...encrypted) };
}

function espPacket(mtu: number): number {
  const around = vxlanBytes + espBytes;
  return mtu - ((mtu - around) % 4);
}

/** What a host has heard of a peer. */
interface Heard {
  readonly managers: boolean;
  readonly nodesTcp: boolean;
  readonly nodesUdp: boolean;
  /** Bytes of the largest packet; 0: none. */
  readonly vxlan: number;
  readonly esp: number;
  /** Whether its own connections to ports of the peer were accepted. */
  readonly connected: { readonly managers: boolean; readonly nodesTcp: boolean };
  /** The address that packets come from, where it is not that of the peer. */
  readonly from: string | undefined;
}

/** What a host reports. */
export interface PathReport {
  readonly ranMs: number;
  /** The program that has a port of the swarm, by port: `7946/udp`. */
  readonly programs: ReadonlyMap<string, string>;
  /** By the index of the peer in {@link SwarmSpec.members}. */
  readonly heard: ReadonlyMap<number, Heard>;
}

/** The same with the time on the operator's clock at which it came, in milliseconds. */
export type TimedPathReport = PathReport & { readonly endMs: number };

const peerWord = /^peer=(\d{1,3}):([01]):([01]):([01]):(\d{1,5}):(\d{1,5}):([01]):([01]):(-|[0-9.]{7,15})$/;

/**
 * The line of value_swarm_paths.
 *
 * @returns undefined when it is none, or not about exactly the peers of `self`; `address`: the host does not have its address.
 */
export function parsePaths(
  text: string,
  members: SwarmSpec["members"],
  self: number,
): PathReport | "address" | undefined {
  if (text === "fault=address") return "address";
  const [first = "", ...words] = text.split(" ");
  const [, ran] = /^ran=(\d{1,6})$/.exec(first) ?? [];
  const programs = new Map<string, string>();
  const heard = new Map<number, Heard>();
  for (const word of words) {
    const [, port, program] = /^port=(\d{1,5}\/(?:tcp|udp)):([A-Za-z0-9._+-]{1,40})$/.exec(word) ?? [];
    if (port !== undefined && program !== undefined) programs.set(port, program);
    else {
      const peer = peerWord.exec(word);
      const index = Number(peer?.[1]);
      if (peer === null || index === self || heard.has(index) || members[index] === undefined)
        return undefined;
      const [, , managers, nodesTcp, nodesUdp, vxlan, esp, toManagers, toNodes, from = "-"] = peer;
      if (from !== "-" && !isIPv4(from)) return undefined;
      heard.set(index, {
        managers: managers === "1",
        nodesTcp: nodesTcp === "1",
        nodesUdp: nodesUdp === "1",
        vxlan: Number(vxlan),
        esp: Number(esp),
        connected: { managers: toManagers === "1", nodesTcp: toNodes === "1" },
        from: from === "-" ? undefined : from,
      });
    }
  }
  if (ran === undefined || heard.size !== members.length - 1) return undefined;
  return { ranMs: Number(ran), programs, heard };
}

/** One way of packets between members: what must arrive, and what the receiver has heard of it. */
interface Way {
  readonly port: string;
  /** Only managers listen. */
  readonly managersOnly?: true;
  /** undefined: the receiver cannot tell, because another program has the port. */
  readonly arrives: (receiver: PathReport, of: Heard, sender: Heard) => boolean | undefined;
}

const managersPort = "2377/tcp";
const nodesTcpPort = "7946/tcp";
const nodesUdpPort = "7946/udp";
const esp = "ESP (IP protocol 50)";

function waysOf(swarm: SwarmSpec): readonly Way[] {
  const tcp =
    (port: string, test: "managers" | "nodesTcp"): Way["arrives"] =>
    ({ programs }, of, sender) => {
      const program = programs.get(port);
      if (program === undefined) return of[test];
      return program === engine ? sender.connected[test] : undefined;
    };
  return [
    { port: managersPort, managersOnly: true, arrives: tcp(managersPort, "managers") },
    { port: nodesTcpPort, arrives: tcp(nodesTcpPort, "nodesTcp") },
    { port: nodesUdpPort, arrives: (_, of) => of.nodesUdp },
    { port: dataPort(swarm), arrives: (_, of) => of.vxlan > 0 },
    ...(packetSizes(swarm).esp === 0
      ? []
      : [{ port: esp, arrives: (_: PathReport, of: Heard) => of.esp > 0 }]),
  ];
}

/** A member's own engine; whose swarm it is in is a fact of the phase swarm. */
const engine = "dockerd";

function dataPort({ dataPathPort }: SwarmSpec): string {
  return `${dataPathPort}/udp`;
}

/** Two hosts that ran together for at least this share of the time limit could hear each other. */
const togetherShare = 0.5;

interface Pair {
  readonly receiver: number;
  readonly sender: number;
  /** Of the receiver, about the sender. */
  readonly of: Heard;
  readonly missing: readonly string[];
  /** Something is missing, or arrives in small packets only. */
  readonly incomplete: boolean;
  /** Whether both ran at the same time for long enough to hear each other. */
  readonly together: boolean;
}

const packetKinds = ["vxlan", "esp"] as const;

function isTooSmall(of: Heard, kind: keyof PacketSizes, needs: PacketSizes): boolean {
  return of[kind] > 0 && of[kind] < needs[kind];
}

/** @param reports by the index of the member; an absent one could not be probed. */
function pairsOf(
  swarm: SwarmSpec,
  reports: ReadonlyMap<number, TimedPathReport>,
  limitMs: number,
): readonly Pair[] {
  const ways = waysOf(swarm);
  const needs = packetSizes(swarm);
  return [...reports].flatMap(([receiver, report]) =>
    [...reports].flatMap(([sender, other]): Pair[] => {
      const of = report.heard.get(sender);
      const back = other.heard.get(receiver);
      if (of === undefined || back === undefined) return [];
      const missing = ways
        .filter(({ managersOnly }) => managersOnly !== true || swarm.members[receiver]?.role === "manager")
        .filter(({ arrives }) => arrives(report, of, back) === false)
        .map(({ port }) => port);
      const end = Math.min(report.endMs, other.endMs);
      const start = Math.max(report.endMs - report.ranMs, other.endMs - other.ranMs);
      // An engine listens all the time.
      const engines = missing.length > 0 && missing.every((port) => report.programs.get(port) === engine);
      const together = engines || end - start >= togetherShare * limitMs;
      const small = packetKinds.some((kind) => isTooSmall(of, kind, needs));
      return [{ receiver, sender, of, missing, incomplete: missing.length > 0 || small, together }];
    }),
  );
}

/**
 * What does not arrive where. Pure.
 *
 * @param reports by the index of the member; an absent one could not be probed.
 * @param limitMs how long each host waited for its peers.
 */
export function pathProblems(
  swarm: SwarmSpec,
  reports: ReadonlyMap<number, TimedPathReport>,
  limitMs: number,
): readonly Problem[] {
  const pairs = pairsOf(swarm, reports, limitMs);
  return [...reports].flatMap(([index, report]) => {
    const own = pairs.filter(({ receiver }) => receiver === index);
    return [
      ...portProblems(swarm, index, report),
      ...apartProblems(swarm, index, own),
      ...missingProblems(swarm, index, own),
      ...translationProblems(swarm, own),
      ...sizeProblems(swarm, index, own, pairs),
    ];
  });
}

function portProblems(swarm: SwarmSpec, index: number, { programs }: PathReport): Problem[] {
  return [...programs].flatMap(([port, program]) => {
    if (program === engine) return [];
    const kernel = program === "kernel";
    const other = port === dataPort(swarm) ? ", or choose another dataPathPort for the swarm" : "";
    return [
      problem(swarm, index, {
        subject: port,
        found: kernel ? "taken by a VXLAN interface of the kernel" : `taken by ${program}`,
        expected: "free: the engine listens there",
        fix: `${kernel ? "remove the interface" : `stop ${program}, or let it listen on another port`}${other}`,
      }),
    ];
  });
}

function apartProblems(swarm: SwarmSpec, index: number, own: readonly Pair[]): Problem[] {
  const apart = own.filter(isApart).map(({ sender }) => sender);
  if (apart.length === 0) return [];
  return [
    problem(swarm, index, {
      subject: namesOf(swarm, apart),
      found: "their logins were too far apart: packets did not meet",
      expected: "hosts that are probed at the same time",
      fix: "run it again when the hosts and the network are less busy",
    }),
  ];
}

function isApart({ incomplete, together }: Pair): boolean {
  return incomplete && !together;
}

/** One problem for each port, and one for the peers of which nothing at all arrives. */
function missingProblems(swarm: SwarmSpec, index: number, own: readonly Pair[]): Problem[] {
  const manager = swarm.members[index]?.role === "manager";
  const ports = waysOf(swarm)
    .filter(({ managersOnly }) => manager || managersOnly !== true)
    .map(({ port }) => port);
  const missing = own.filter((pair) => pair.missing.length > 0 && pair.together);
  const silent = missing.filter((pair) => pair.missing.length === ports.length);
  const groups = new Map([
    [ports.join(", "), silent],
    ...ports.map(
      (port) => [port, missing.filter((one) => !silent.includes(one) && one.missing.includes(port))] as const,
    ),
  ]);
  return [...groups].flatMap(([port, from]) => {
    if (from.length === 0) return [];
    const senders = namesOf(
      swarm,
      from.map(({ sender }) => sender),
    );
    const all = from.length > 1 && from.length === own.length;
    const here = addressed(swarm, index);
    return [
      problem(swarm, index, {
        subject: `${senders} ${port}`,
        found: `nothing arrives from ${all ? `any of ${from.length} members` : senders}`,
        expected: `packets from every member, at ${here}`,
        fix: `open ${port} both ways in the firewall of this host, of ${all ? "the members" : senders} and between them`,
      }),
    ];
  });
}

function translationProblems(swarm: SwarmSpec, own: readonly Pair[]): Problem[] {
  return own.flatMap(({ receiver, sender, of: { from } }) =>
    from === undefined
      ? []
      : [
          problem(swarm, receiver, {
            subject: namesOf(swarm, [sender]),
            found: `its packets arrive from ${from}`,
            expected: `from ${swarm.members[sender]?.address ?? ""}: an overlay network does not work through address translation`,
            fix: "remove the translation between the hosts, or correct swarm.addresses in the site file",
          }),
        ],
  );
}

function sizeProblems(
  swarm: SwarmSpec,
  index: number,
  own: readonly Pair[],
  all: readonly Pair[],
): Problem[] {
  const needs = packetSizes(swarm);
  return packetKinds.flatMap((kind) => {
    const tooSmall = ({ of, together }: Pair): boolean => together && isTooSmall(of, kind, needs);
    const from = own.filter(tooSmall);
    if (from.length === 0) return [];
    const carried = Math.min(...from.map(({ of }) => of[kind]));
    // A network has one MTU on all hosts.
    const least = Math.min(...all.filter(tooSmall).map(({ of }) => of[kind]));
    const names = [
      ...(kind === "vxlan" && swarm.ingress.mtu > least ? ["ingress"] : []),
      ...swarm.networks
        .filter(({ encrypted, mtu }) => encrypted === (kind === "esp") && mtu > least)
        .map(({ name }) => name),
    ];
    return [
      problem(swarm, index, {
        subject: `${namesOf(
          swarm,
          from.map(({ sender }) => sender),
        )} packet size (${kind === "vxlan" ? dataPort(swarm) : esp})`,
        found: `packets of ${carried} bytes arrive, larger ones do not`,
        expected: `packets of ${needs[kind]} bytes, from the mtu of ${names.join(", ")}`,
        fix: `write mtu: ${least} for ${names.join(", ")} in swarm, or let the network between the hosts carry ${needs[kind]} bytes`,
      }),
    ];
  });
}

function problem(swarm: SwarmSpec, index: number, rest: Omit<Problem, "where" | "code">): Problem {
  return { where: swarm.members[index]?.host ?? "", code: "E_SWARM_PATH", ...rest };
}

function addressed(swarm: SwarmSpec, index: number): string {
  return swarm.members[index]?.address ?? "";
}

/** As many names as fit on a line. */
const longestList = 5;

function namesOf({ members }: SwarmSpec, indexes: readonly number[]): string {
  const names = indexes.map((index) => members[index]?.host ?? "");
  const rest = names.length - longestList;
  return [...names.slice(0, longestList), ...(rest > 0 ? [`${rest} more`] : [])].join(", ");
}

/** A member, and how it is reached. */
export type PathHost = Reach & Pick<HostSpec, "swarm">;

/**
 * The members to probe: those that were reached, if one of them is not in the swarm yet, or a network of the site is absent. Pure.
 *
 * @param hosts of the site, after the probe of their facts.
 */
export function unprovenMembers<T extends PathHost>(
  hosts: readonly { readonly spec: T; readonly probe: Probe }[],
): readonly T[] {
  const members = hosts.flatMap(({ spec, probe: answer }) =>
    spec.swarm !== undefined && answer.kind === "reached" ? [{ spec, steps: answer.report.steps }] : [],
  );
  const unproven = members.some(
    ({ steps }) =>
      !steps.some(({ code, status }) => code === "swarm.member" && status === "ok") ||
      steps.some(({ code, status }) => code.startsWith("cluster.network.") && status !== "ok"),
  );
  return unproven ? members.map(({ spec }) => spec) : [];
}

export interface PathFindings {
  readonly problems: readonly Problem[];
  /** Members whose paths could not be proven. */
  readonly warnings: readonly Problem[];
}

/** A login over a jump host waits for others, so the more hosts there are, the further apart they begin. */
function limitSec(members: number): number {
  return 10 + Math.floor(members / 5);
}

/** The second and last attempt, when logins were too far apart, takes as many times longer. */
const longer = 3;

/**
 * Probes the members of one swarm, all of them at the same time and read-only.
 *
 * @param hosts those of its members that can be reached.
 */
export async function swarmPaths(hosts: readonly PathHost[], library: Library): Promise<PathFindings> {
  const swarm = hosts.find((host) => host.swarm !== undefined)?.swarm;
  if (swarm === undefined) return { problems: [], warnings: [] };
  const limit = limitSec(swarm.members.length);
  const first = await probeOnce(swarm, hosts, library, limit);
  const apart = pairsOf(swarm, first.reports, limit * 1000).some(isApart);
  const last = apart ? await probeOnce(swarm, hosts, library, limit * longer) : first;
  return {
    problems: [...last.faults, ...pathProblems(swarm, last.reports, last.limitMs)],
    warnings: swarm.members.flatMap(({ host }, index) =>
      last.reports.has(index) || last.faults.some(({ where }) => where === host)
        ? []
        : [
            problem(swarm, index, {
              subject: "ports and packet size",
              found: "not proven: the host was not reached",
              expected: "packets from and to every other member",
              fix: "see why it is not reached, then run it again",
            }),
          ],
    ),
  };
}

interface Round {
  readonly reports: ReadonlyMap<number, TimedPathReport>;
  readonly faults: readonly Problem[];
  readonly limitMs: number;
}

async function probeOnce(
  swarm: SwarmSpec,
  hosts: readonly PathHost[],
  library: Library,
  limit: number,
): Promise<Round> {
  const nonce = randomBytes(16).toString("hex");
  const reports = new Map<number, TimedPathReport>();
  const faults: Problem[] = [];
  await Promise.all(
    hosts.map(async (host) => {
      const index = swarm.members.findIndex((member) => member.host === host.name);
      if (index === -1) return;
      const answer = await probe(host, [pathsPhase(swarm, index, nonce, limit)], library);
      const endMs = performance.now();
      if (answer.kind === "refused") faults.push(answer.problem);
      if (answer.kind !== "reached") return;
      const { steps, values = {} } = answer.report;
      const found = steps.find(({ status }) => status !== "ok")?.found;
      const report = parsePaths(values[pathsCode] ?? "", swarm.members, index);
      if (report === "address") faults.push(addressProblem(swarm, index));
      else if (found !== undefined || report === undefined) faults.push(unusableProblem(swarm, index, found));
      else reports.set(index, { ...report, endMs });
    }),
  );
  const inOrder = new Map([...reports].toSorted(([one], [other]) => one - other));
  return { reports: inOrder, faults, limitMs: limit * 1000 };
}

/** One nonce for all hosts of a run: packets of anybody else do not count. */
function pathsPhase(swarm: SwarmSpec, index: number, nonce: string, limit: number): Phase {
  const { vxlan, esp: largestEsp } = packetSizes(swarm);
  return {
    name: "swarm-paths",
    steps: [
      {
        code: pathsCode,
        fact: "the host hears the other members of the swarm",
        effect: "none",
        call: [
          "swarm_paths",
          nonce,
          ...[limit, index, swarm.dataPathPort, vxlan, largestEsp].map(String),
          ...swarm.members.map(({ address, role }) => `${address}/${role === "manager" ? "m" : "w"}`),
        ],
      },
    ],
  };
}

function addressProblem(swarm: SwarmSpec, index: number): Problem {
  return problem(swarm, index, {
    subject: addressed(swarm, index),
    found: "no address of this host",
    expected: "the address at which the other members reach it",
    fix: "enter one of its addresses in swarm.addresses of the site file, or give it this one",
  });
}

function unusableProblem(swarm: SwarmSpec, index: number, found: string | undefined): Problem {
  return problem(swarm, index, {
    subject: "ports and packet size",
    found: found ?? "an answer that cannot be understood",
    expected: "what the host hears of the other members",
    fix: "install perl-base, of which every Debian and Ubuntu has one; then run it again",
  });
}
