/** The paths between three members of a swarm, by real packets on a segment: what is closed is found, and nothing else. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import type { SwarmSpec } from "../../modules/core/site/swarm.ts";
import { swarmPaths, type PathFindings, type PathHost } from "../../modules/swarm/paths.ts";
import { startAgent } from "../lab/agent.ts";
import { joinSegment, segmentCard } from "../lab/guest-segment.ts";
import { container } from "../lab/machine-choice.ts";
import { library } from "../support/fixtures/example-host.ts";
import { startEngine, type EngineInGuest } from "../support/guests/engine-in-guest.ts";
import { startFunctions, type ShellFunctions } from "../support/guests/shell-functions.ts";
import { undoAfter } from "../support/process/undo.ts";

const names = ["node-a", "node-b", "node-c"] as const;
const all: ShellFunctions[] = [];
let engine: EngineInGuest;
const undo = undoAfter();
before(async () => {
  engine = await startEngine("paths-node-a");
  undo(() => engine.end());
  all.push(engine.on);
  for (const name of names.slice(1)) {
    const on = await startFunctions(`paths-${name}`, container());
    undo(() => on.end());
    all.push(on);
  }
  const [a, b, c] = all.map(({ guest }, at) => ({ guest, address: `10.9.0.${at + 1}/24` }));
  assert.ok(a && b && c);
  await joinSegment(a, b, c);
  const agent = await startAgent(a.guest.identityFile);
  undo(() => agent.stop());
  process.env["SSH_AUTH_SOCK"] = agent.socket;
});

const swarm: SwarmSpec = {
  name: "plant-1",
  self: "node-a",
  members: names.map((host, at) => ({
    ...{ host, address: `10.9.0.${at + 1}`, labels: {}, availability: "active" },
    role: host === "node-a" ? "manager" : "worker",
  })),
  addressPool: { base: "172.29.0.0/16", size: 24 },
  ingress: { mtu: 1500 },
  dataPathPort: 4789,
  certificateExpiry: "8760h",
  networks: [{ name: "shop", encrypted: true, attachable: false, mtu: 1500 }],
  removed: [],
};

function hosts(of: SwarmSpec = swarm): readonly PathHost[] {
  return all.map(({ guest }, at) => ({
    ...{ name: names[at] ?? "", address: guest.address, port: guest.port, sshUser: guest.login },
    hostKey: guest.hostKey,
    swarm: { ...of, self: names[at] ?? "" },
  }));
}

const root = (name: (typeof names)[number], command: string): Promise<string> => {
  const on = all[names.indexOf(name)];
  assert.ok(on);
  return on.root(command);
};
const paths = (of: readonly PathHost[] = hosts()): Promise<PathFindings> => swarmPaths(of, library);
/** What is found while this has been done on a host, which is undone afterwards. */
async function foundWith(name: (typeof names)[number], done: string, undone: string): Promise<string[]> {
  await root(name, done);
  try {
    const { problems, warnings } = await paths();
    assert.deepEqual(warnings, []);
    return problems.map(({ where, code, subject, found, fix }) => {
      assert.equal(code, "E_SWARM_PATH");
      assert.ok(fix);
      return `${where} ${subject}: ${found}`;
    });
  } finally {
    await root(name, undone);
  }
}
const dropped = (name: (typeof names)[number], rule: string): Promise<string[]> =>
  foundWith(name, `iptables -w -A INPUT ${rule} -j DROP`, `iptables -w -D INPUT ${rule} -j DROP`);
/** A program of this name that has these ports of an address. */
const listens = (program: string, address: string, ...ports: readonly string[]): string => {
  const sockets = ports.map((port) => {
    const [number = "", protocol = ""] = port.split("/");
    const kind = protocol === "tcp" ? "SOCK_STREAM" : "SOCK_DGRAM";
    // systemd would replace variables.
    const name = `S${number}${protocol}`;
    return `socket(${name}, PF_INET, ${kind}, 0); bind(${name}, sockaddr_in(${number}, inet_aton("${address}"))) or die; ${protocol === "tcp" ? `listen(${name}, 9);` : ""}`;
  });
  return `cp /usr/bin/perl /usr/local/bin/${program}; systemd-run -q --unit=listens /usr/local/bin/${program} -MSocket -e '${sockets.join(" ")} sleep 600'; timeout 20 sh -c 'until ss -Hltun | grep -q :7946; do sleep 0.1; done'`;
};
const listensNoMore = "systemctl stop listens; systemctl reset-failed listens 2>/dev/null; true";

async function nothingIsLeft(): Promise<void> {
  for (const name of names) {
    assert.equal(await root(name, "pgrep -f '[s]ealift-swarm-paths' || true"), "", name);
    assert.equal(await root(name, "ss -Hltunw | grep -E ':(2377|7946|4789|50) ' || true"), "", name);
  }
}

describe("the paths between the members of a swarm", () => {
  test("no finding when all of them are open, and nothing is left on the hosts", async () => {
    assert.deepEqual(await paths(), { problems: [], warnings: [] });
    await nothingIsLeft();
  });

  test("two runs at the same time do not disturb each other", async () => {
    const both = await Promise.all([paths(), paths()]);
    assert.deepEqual(both, [
      { problems: [], warnings: [] },
      { problems: [], warnings: [] },
    ]);
    await nothingIsLeft();
  });

  test("7946/udp that one host drops from another is found in that direction alone", async () => {
    assert.deepEqual(await dropped("node-b", "-p udp --dport 7946 -s 10.9.0.3"), [
      "node-b node-c 7946/udp: nothing arrives from node-c",
    ]);
    await nothingIsLeft();
  });

  test("a port that a host drops from everybody is one finding", async () => {
    assert.deepEqual(await dropped("node-c", "-p udp --dport 4789"), [
      "node-c node-a, node-b 4789/udp: nothing arrives from any of 2 members",
    ]);
    assert.deepEqual(await dropped("node-a", "-p tcp --dport 2377"), [
      "node-a node-b, node-c 2377/tcp: nothing arrives from any of 2 members",
    ]);
  });

  test("ESP that is dropped is found, although the kernel may have no support for it", async () => {
    assert.deepEqual(await dropped("node-b", "-p 50 -s 10.9.0.1"), [
      "node-b node-a ESP (IP protocol 50): nothing arrives from node-a",
    ]);
  });

  test("a path of 1400 bytes is found with its numbers", async () => {
    const size = (mtu: number): string => `ip link set ${segmentCard} mtu ${mtu}`;
    const arrive = "packets of 1400 bytes arrive, larger ones do not";
    const [udp, esp] = ["packet size (4789/udp)", "packet size (ESP (IP protocol 50))"];
    assert.deepEqual(await foundWith("node-b", size(1400), size(1500)), [
      `node-a node-b ${udp}: ${arrive}`,
      `node-a node-b ${esp}: ${arrive}`,
      `node-b node-a, node-c ${udp}: ${arrive}`,
      `node-b node-a, node-c ${esp}: ${arrive}`,
      `node-c node-b ${udp}: ${arrive}`,
      `node-c node-b ${esp}: ${arrive}`,
    ]);
  });

  test("a port that another program has is found with its name", async () => {
    assert.deepEqual(await foundWith("node-b", listens("gossip", "0.0.0.0", "7946/tcp"), listensNoMore), [
      "node-b 7946/tcp: taken by gossip",
    ]);
    const elsewhere = listens("gossip", "127.0.0.1", "7946/tcp", "7946/udp");
    assert.deepEqual(await foundWith("node-b", elsewhere, listensNoMore), []);
    const interface_ = `ip link add vx0 type vxlan id 42 dstport 4789 dev ${segmentCard}`;
    assert.deepEqual(await foundWith("node-c", `${interface_} && ip link set vx0 up`, "ip link del vx0"), [
      "node-c 4789/udp: taken by a VXLAN interface of the kernel",
    ]);
  });

  test("packets whose address is translated are found", async () => {
    const rule = "POSTROUTING -p udp --dport 4789 -d 10.9.0.1 -j SNAT --to-source 10.9.0.99";
    assert.deepEqual(
      await foundWith("node-c", `iptables -w -t nat -A ${rule}`, `iptables -w -t nat -D ${rule}`),
      ["node-a node-c: its packets arrive from 10.9.0.99"],
    );
  });

  test("an address that the host does not have is found, and a host that is not reached is named", async () => {
    const elsewhere = swarm.members.map((one) =>
      one.host === "node-b" ? { ...one, address: "10.9.0.77" } : one,
    );
    const [a, b] = hosts({ ...swarm, members: elsewhere });
    assert.ok(a && b);
    const { problems, warnings } = await paths([a, b]);
    assert.deepEqual(
      problems.map(({ where, code, subject, found }) => [where, code, subject, found]),
      [["node-b", "E_SWARM_PATH", "10.9.0.77", "no address of this host"]],
    );
    assert.deepEqual(
      warnings.map(({ where, found }) => [where, found]),
      [["node-c", "not proven: the host was not reached"]],
    );
    await nothingIsLeft();
  });

  test("where an engine is a manager already, all is proven beside it, and what is closed is found", async () => {
    const { revision, text } = await engine.on.run("apply", engine.daemon({ "live-restore": false }));
    assert.ok(revision, text);
    await engine.docker(
      "swarm init --advertise-addr 10.9.0.1 --listen-addr 10.9.0.1 --default-addr-pool 172.29.0.0/16",
    );
    await root("node-a", "timeout 60 sh -c 'until ss -Hlun | grep -q :4789; do sleep 0.2; done'");
    assert.deepEqual(await paths(), { problems: [], warnings: [] });
    assert.deepEqual(await dropped("node-a", "-p udp -m multiport --dports 7946,4789 -s 10.9.0.2"), [
      "node-a node-b 7946/udp: nothing arrives from node-b",
      "node-a node-b 4789/udp: nothing arrives from node-b",
    ]);
    assert.deepEqual(await dropped("node-a", "-p tcp --dport 2377 -s 10.9.0.2"), [
      "node-a node-b 2377/tcp: nothing arrives from node-b",
    ]);
  });
});
