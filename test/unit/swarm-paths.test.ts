import assert from "node:assert/strict";
import { test } from "node:test";
import type { Probe } from "../../modules/core/host/probe.ts";
import type { StepStatus } from "../../modules/core/host/report.ts";
import type { SwarmSpec } from "../../modules/core/site/swarm.ts";
import {
  packetSizes,
  parsePaths,
  type PathHost,
  pathProblems,
  type PathReport,
  type TimedPathReport,
  unprovenMembers,
} from "../../modules/swarm/paths.ts";

interface ProbedMember {
  readonly spec: PathHost;
  readonly probe: Probe;
}

const member = (host: string, address: string, role: "manager" | "worker"): SwarmSpec["members"][number] => ({
  ...{ host, address, role },
  availability: "active",
  labels: {},
});
const swarm: SwarmSpec = {
  name: "plant-1",
  self: "node-a",
  members: [
    member("node-a", "10.50.0.1", "manager"),
    member("node-b", "10.50.0.2", "worker"),
    member("node-c", "10.50.0.3", "worker"),
  ],
  addressPool: { base: "172.29.0.0/16", size: 24 },
  ingress: { mtu: 1500 },
  dataPathPort: 4789,
  certificateExpiry: "8760h",
  networks: [{ name: "shop", encrypted: true, attachable: false, mtu: 1500 }],
  removed: [],
};
const open = "1:1:1:1500:1500:1:1:-";
/** What each host prints: about the two others, in their order. */
const reports = (...lines: readonly (readonly string[])[]): ReadonlyMap<number, TimedPathReport> =>
  new Map(
    lines.map((words, self) => {
      const report = parsePaths(["ran=10000", ...words].join(" "), swarm.members, self);
      assert.ok(typeof report === "object", words.join(" "));
      return [self, { ...report, endMs: 20_000 }];
    }),
  );
const all = [
  [`peer=1:${open}`, `peer=2:${open}`],
  [`peer=0:0:1:1:1500:1500:1:1:-`, `peer=2:0:1:1:1500:1500:0:1:-`],
  [`peer=0:0:1:1:1500:1500:1:1:-`, `peer=1:0:1:1:1500:1500:0:1:-`],
] as const;
/** The report of one host differs. */
const but = (self: number, ...words: readonly string[]): ReadonlyMap<number, TimedPathReport> =>
  reports(...all.map((usual, index) => (index === self ? words : usual)));
const found = (of: ReadonlyMap<number, TimedPathReport>): readonly string[] =>
  pathProblems(swarm, of, 10_000).map((one) => {
    assert.equal(one.code, "E_SWARM_PATH");
    return `${one.where} ${one.subject}: ${one.found}`;
  });

test("the packet sizes of a swarm are those of its networks; ESP is filled up to a multiple of 4", () => {
  const sizes = (mtu: number): number =>
    packetSizes({ ...swarm, networks: [{ name: "shop", encrypted: true, attachable: false, mtu }] }).esp;
  assert.deepEqual([1500, 1330, 1331, 1332].map(sizes), [1500, 1328, 1328, 1332]);
  assert.deepEqual(packetSizes({ ingress: { mtu: 1400 }, networks: [] }), { vxlan: 1400, esp: 0 });
  const plain = { name: "shop", encrypted: false, attachable: false, mtu: 9000 };
  assert.deepEqual(packetSizes({ ingress: { mtu: 1400 }, networks: [plain] }), { vxlan: 9000, esp: 0 });
});

test("no finding when everything arrives", () => {
  assert.deepEqual(found(reports(...all)), []);
});

test("one port of one direction is found in that direction, with what to open", () => {
  const [problem, ...more] = pathProblems(
    swarm,
    but(1, "peer=0:0:1:0:1500:1500:1:1:-", "peer=2:0:1:1:1500:1500:0:1:-"),
    10_000,
  );
  assert.deepEqual(more, []);
  assert.deepEqual(problem, {
    where: "node-b",
    code: "E_SWARM_PATH",
    subject: "node-a 7946/udp",
    found: "nothing arrives from node-a",
    expected: "packets from every member, at 10.50.0.2",
    fix: "open 7946/udp both ways in the firewall of this host, of node-a and between them",
  });
  assert.deepEqual(found(but(0, "peer=1:0:1:1:1500:0:1:1:-", `peer=2:1:1:1:0:1500:1:1:-`)), [
    "node-a node-b 2377/tcp: nothing arrives from node-b",
    "node-a node-c 4789/udp: nothing arrives from node-c",
    "node-a node-b ESP (IP protocol 50): nothing arrives from node-b",
  ]);
});

test("a port that is closed to all members is one finding, and so is a host that hears nothing at all", () => {
  assert.deepEqual(found(but(2, "peer=0:0:0:1:1500:1500:1:1:-", "peer=1:0:0:1:1500:1500:0:1:-")), [
    "node-c node-a, node-b 7946/tcp: nothing arrives from any of 2 members",
  ]);
  assert.deepEqual(found(but(2, "peer=0:0:0:0:0:0:0:0:-", "peer=1:0:0:0:0:0:0:0:-")), [
    "node-c node-a, node-b 7946/tcp, 7946/udp, 4789/udp, ESP (IP protocol 50): nothing arrives from any of 2 members",
  ]);
});

test("a path with smaller packets is found with its numbers, and with the mtu to write: the smallest of all", () => {
  const problems = pathProblems(
    swarm,
    reports(
      ["peer=1:1:1:1:1400:1400:1:1:-", `peer=2:${open}`],
      ["peer=0:0:1:1:1450:1500:1:1:-", "peer=2:0:1:1:1500:1500:0:1:-"],
      all[2],
    ),
    10_000,
  );
  assert.deepEqual(
    problems.map(({ where, subject, found, expected, fix }) => [where, subject, found, expected, fix]),
    [
      [
        "node-a",
        "node-b packet size (4789/udp)",
        "packets of 1400 bytes arrive, larger ones do not",
        "packets of 1500 bytes, from the mtu of ingress",
        "write mtu: 1400 for ingress in swarm, or let the network between the hosts carry 1500 bytes",
      ],
      [
        "node-a",
        "node-b packet size (ESP (IP protocol 50))",
        "packets of 1400 bytes arrive, larger ones do not",
        "packets of 1500 bytes, from the mtu of shop",
        "write mtu: 1400 for shop in swarm, or let the network between the hosts carry 1500 bytes",
      ],
      [
        "node-b",
        "node-a packet size (4789/udp)",
        "packets of 1450 bytes arrive, larger ones do not",
        "packets of 1500 bytes, from the mtu of ingress",
        "write mtu: 1400 for ingress in swarm, or let the network between the hosts carry 1500 bytes",
      ],
    ],
  );
});

test("a port with another program is a finding of its own; with the engine, an accepted connection proves it", () => {
  const usual = [...all[0]];
  assert.deepEqual(
    found(
      but(0, "port=7946/tcp:nginx", "port=4789/udp:kernel", "peer=1:1:0:1:1500:1500:1:1:-", usual[1] ?? ""),
    ),
    ["node-a 7946/tcp: taken by nginx", "node-a 4789/udp: taken by a VXLAN interface of the kernel"],
  );
  const engine = ["port=2377/tcp:dockerd", "port=7946/tcp:dockerd", "port=7946/udp:dockerd"];
  const heardNoTcp = ["peer=1:0:0:1:1500:1500:1:1:-", "peer=2:0:0:1:1500:1500:1:1:-"];
  assert.deepEqual(found(but(0, ...engine, ...heardNoTcp)), []);
  const refused = ["peer=0:0:1:1:1500:1500:0:1:-", "peer=2:0:1:1:1500:1500:0:1:-"];
  const closed = new Map(reports([...engine, ...heardNoTcp], refused, all[2]));
  const early = closed.get(0);
  assert.ok(early);
  // The manager itself has heard everything, and ends.
  for (const endMs of [20_000, 11_500])
    assert.deepEqual(found(closed.set(0, { ...early, endMs })), [
      "node-a node-b 2377/tcp: nothing arrives from node-b",
    ]);
});

test("packets that come from another address are a finding", () => {
  assert.deepEqual(found(but(1, "peer=0:0:1:1:1500:1500:1:1:192.0.2.7", "peer=2:0:1:1:1500:1500:0:1:-")), [
    "node-b node-a: its packets arrive from 192.0.2.7",
  ]);
});

test("hosts that did not run at the same time prove nothing about a port, and that is said", () => {
  const late = new Map(but(1, "peer=0:0:1:0:1500:1500:1:1:-", "peer=2:0:1:1:1500:1500:0:1:-"));
  const report = late.get(0);
  assert.ok(report);
  late.set(0, { ...report, endMs: 28_000 });
  const apart = ["node-b node-a: their logins were too far apart: packets did not meet"];
  assert.deepEqual(found(late), apart);
  const small = new Map(but(1, "peer=0:0:1:1:1400:1500:1:1:-", "peer=2:0:1:1:1500:1500:0:1:-"));
  assert.deepEqual(found(small.set(0, { ...report, endMs: 28_000 })), apart);
});

test("a host that was not reached has no findings, and neither have its peers about it", () => {
  const two = new Map(but(1, "peer=0:0:1:1:1500:1500:1:1:-", "peer=2:0:0:0:0:0:0:0:-"));
  two.delete(2);
  assert.deepEqual(found(two), []);
});

test("what a host prints is parsed strictly", () => {
  const parse = (text: string): PathReport | "address" | undefined => parsePaths(text, swarm.members, 1);
  const [first, second] = all[1];
  assert.equal(parse("fault=address"), "address");
  assert.ok(typeof parse(`ran=1 port=7946/tcp:a.b ${first} ${second}`) === "object");
  for (const text of [
    "",
    "fault=raw",
    `${first} ${second}`,
    `ran=1 ${first}`,
    `ran=1 ${first} ${first}`,
    `ran=1 ${first} ${second} peer=3:${open}`,
    `ran=1 ${first} peer=1:${open}`,
    `ran=1 ${first} ${second} more`,
    `ran=1 port=7946/tcp:a\u001b[2J ${first} ${second}`,
    `ran=1 ${first} peer=2:0:1:1:999999:1500:0:1:-`,
    `ran=1 ${first} peer=2:0:1:1:1500:1500:0:1:999.1.1.1`,
    `ran=9999999 ${first} ${second}`,
  ])
    assert.equal(parse(text), undefined, text);
});

test("the paths are proven while a member has not joined, or a network is absent", () => {
  const host = (name: string, ...steps: readonly (readonly [string, StepStatus])[]): ProbedMember => ({
    spec: { name, address: "10.20.0.1", port: 22, sshUser: "ops", hostKey: "", swarm },
    probe: {
      kind: "reached",
      report: {
        steps: steps.map(([code, status]) => ({ code, status, fact: "", found: "" })),
        revision: undefined,
      },
    },
  });
  const silent: ProbedMember = {
    ...host("node-c"),
    probe: {
      kind: "unreachable",
      problem: { where: "", code: "E_HOST_UNREACHABLE", subject: "", found: "", expected: "", fix: "" },
    },
  };
  const unproven = (...hosts: readonly ProbedMember[]): readonly string[] =>
    unprovenMembers(hosts).map(({ name }) => name);
  const joined = ["swarm.member", "ok"] as const;
  const all = host("node-a", joined, ["cluster.network.shop", "ok"]);
  assert.deepEqual(unproven(all, host("node-b", joined), silent), []);
  assert.deepEqual(unproven(all, host("node-b", ["swarm.member", "drift"]), silent), ["node-a", "node-b"]);
  assert.deepEqual(unproven(all, host("node-b"), silent), ["node-a", "node-b"]);
  assert.deepEqual(
    unproven(host("node-a", joined, ["cluster.network.shop", "drift"]), host("node-b", joined)),
    ["node-a", "node-b"],
  );
  const outside = { name: "node-d", address: "10.20.0.4", port: 22, sshUser: "ops", hostKey: "" };
  assert.deepEqual(unproven(all, { ...host("node-d"), spec: outside }), []);
});
