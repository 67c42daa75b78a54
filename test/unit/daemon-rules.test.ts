import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { libraryCall } from "../support/guests/library-call.ts";

/** Published ports of running containers against rules as kernels list them. The real ones are in test/guest/effective.test.ts. */
const root = mkdtempSync(join(tmpdir(), "rules-"));
after(() => {
  rmSync(root, { recursive: true });
});

interface Machine {
  /** Lines of docker inspect: port, port of the host, address of the host, name, addresses of IPv6. */
  readonly published?: readonly string[];
  readonly filter?: string;
  readonly nat?: string;
  readonly filter6?: string;
  readonly nat6?: string;
  readonly nft?: string;
  readonly nft6?: string;
  readonly daemon?: Readonly<Record<string, unknown>>;
  readonly version?: string;
}

/** What the check finds missing; empty when nothing is. */
function gone(machine: Machine): string {
  const { published = [], daemon = {}, version = "29.0.0" } = machine;
  const place = mkdtempSync(join(root, "machine-"));
  const program = (name: string, lines: string): void => {
    writeFileSync(join(place, name), `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
  };
  const prints = (text = ""): string => `cat <<'END'\n${text}\nEND`;
  program(
    "docker",
    `case $1 in ps) ${published.length > 0 ? "echo id" : ":"} ;; *)\n${prints(published.join("\n"))}\n;; esac`,
  );
  for (const [name, filter, nat] of [
    ["iptables", machine.filter, machine.nat],
    ["ip6tables", machine.filter6, machine.nat6],
  ] as const)
    program(name, `case "$*" in *nat*)\n${prints(nat)}\n;; *)\n${prints(filter)}\n;; esac`);
  const table = (text: string | undefined): string => (text === undefined ? "exit 1" : prints(text));
  program("nft", `case "$*" in *ip6*)\n${table(machine.nft6)}\n;; *)\n${table(machine.nft)}\n;; esac`);
  program("sleep", ":");
  const loaded = Object.entries(daemon).map(
    ([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`,
  );
  writeFileSync(join(place, "loaded"), `{\n${loaded.join(",\n")}\n}\n`);
  const lines = `SEALIFT_DOCKER=${place}/docker DAEMON_LOADED=${place}/loaded\nrules_gone ${version}`;
  return libraryCall(place, lines).replace(/^0 /, "").trimEnd();
}

const forward = "-P FORWARD DROP\n-A FORWARD -j DOCKER-USER\n-A FORWARD -j DOCKER-FORWARD";
const toDocker = "-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER";
const web = "80/tcp|8080|0.0.0.0|/web|";
const webNat = "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80";
const webFilter = "-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT";
const complete: Machine = {
  published: [web],
  filter: `${forward}\n${webFilter}\n-A DOCKER ! -i docker0 -o docker0 -j DROP`,
  nat: `${toDocker}\n${webNat}`,
};
const lost = "no rule forwards or accepts published ports: ";

const six = "80/tcp|8080|::|/web|fd00::2 ";
const forwardSix = "-A FORWARD -j DOCKER-USER";
const sixNat =
  "-A DOCKER ! -s fe80::/10 ! -i br-1 -p tcp -m tcp --dport 8080 -j DNAT --to-destination [fd00::2]:80";
const sixFilter = "-A DOCKER -d fd00::2/128 ! -i br-1 -o br-1 -p tcp -m tcp --dport 80 -j ACCEPT";
const both: Machine = {
  ...complete,
  published: [web, six],
  filter6: `${forwardSix}\n${sixFilter}`,
  nat6: `${toDocker}\n${sixNat}`,
};
const nft = `table ip docker-bridges {
	chain nat-prerouting-and-output {
		iifname != "docker0" tcp dport 8080 counter packets 0 bytes 0 dnat to 172.17.0.2:80 comment "DNAT"
	}
}`;
const nftables = { "firewall-backend": "nftables" };

const rows: readonly (readonly [what: string, machine: Machine, found: string])[] = [
  ["nothing published", { filter: forward, nat: toDocker }, ""],
  ["a port that is led and let through", complete, ""],
  ["a port that nothing leads to", { ...complete, nat: toDocker }, `${lost}0.0.0.0:8080/tcp of web`],
  ["a port that nothing lets through", { ...complete, filter: forward }, `${lost}0.0.0.0:8080/tcp of web`],
  [
    "a port that leads to another port of the container",
    { ...complete, published: ["8080/tcp|8080|0.0.0.0|/web|"] },
    `${lost}0.0.0.0:8080/tcp of web`,
  ],
  [
    "the same number of the other protocol",
    { ...complete, published: ["80/udp|8080|0.0.0.0|/web|"] },
    `${lost}0.0.0.0:8080/udp of web`,
  ],
  [
    "a network that is open as a whole",
    { ...complete, filter: `${forward}\n-A DOCKER ! -i br-1 -o br-1 -j ACCEPT` },
    "",
  ],
  [
    "a flushed filter",
    { ...complete, filter: "-P FORWARD DROP" },
    "FORWARD of iptables -t filter does not jump to DOCKER-USER",
  ],
  [
    "a flushed nat",
    { ...complete, nat: "-P PREROUTING ACCEPT" },
    "PREROUTING of iptables -t nat does not jump to DOCKER",
  ],
  [
    "the engine's own chain is left alone by FORWARD",
    { ...complete, filter: `-N DOCKER-FORWARD\n-A FORWARD -j DOCKER-USER\n${webFilter}`, version: "28.5.2" },
    "FORWARD of iptables -t filter does not jump to DOCKER-FORWARD",
  ],
  [
    "a chain that a later engine has left",
    { ...complete, filter: `-N DOCKER-FORWARD\n-A FORWARD -j DOCKER-USER\n${webFilter}`, version: "26.1.5" },
    "",
  ],
  ["an engine that makes no rules", { daemon: { iptables: false }, published: [web] }, ""],
  ["no docker0 and nothing published", { daemon: { bridge: "none" }, filter: forward }, ""],
  [
    "no docker0, and a port of another network",
    { daemon: { bridge: "none" }, filter: forward, published: [web] },
    "PREROUTING of iptables -t nat does not jump to DOCKER",
  ],
  ["IPv6 in both", both, ""],
  ["IPv6 that nothing leads to", { ...both, nat6: toDocker }, `${lost}[::]:8080/tcp of web`],
  [
    "IPv6 flushed",
    { ...both, nat6: "", filter6: "" },
    "FORWARD of ip6tables -t filter does not jump to DOCKER-USER",
  ],
  ["IPv6 of an engine before 27", { ...complete, published: [web, six], version: "26.1.5" }, ""],
  [
    "IPv6 of an engine before 27 that was told to",
    { ...both, nat6: toDocker, version: "26.1.5", daemon: { ip6tables: true } },
    `${lost}[::]:8080/tcp of web`,
  ],
  [
    "IPv6 of an engine that was told not to",
    { ...complete, published: [web, six], daemon: { ip6tables: false } },
    "",
  ],
  [
    "IPv6 for a container without an address of it",
    { ...complete, published: [web, "80/tcp|8080|::|/web|invalid IP "] },
    "",
  ],
  [
    "a routed network, without a port of the host",
    { ...complete, published: [web, "80/tcp||::|/web|fd00::2 "] },
    "",
  ],
  ["nftables", { daemon: nftables, published: [web], nft }, ""],
  ["nftables, flushed", { daemon: nftables, published: [web] }, "nftables has no table ip docker-bridges"],
  [
    "nftables without the port",
    { daemon: nftables, published: [web], nft: "table ip docker-bridges {\n}" },
    `${lost}0.0.0.0:8080/tcp of web`,
  ],
  [
    "nftables with IPv6 without the port",
    { daemon: nftables, published: [web, six], nft, nft6: "table ip6 docker-bridges {\n}" },
    `${lost}[::]:8080/tcp of web`,
  ],
  [
    "six ports that are lost",
    { ...complete, published: [1, 2, 3, 4, 5, 6].map((port) => `80/tcp|${port}|127.0.0.1|/web|`) },
    `${lost}127.0.0.1:1/tcp of web, 127.0.0.1:2/tcp of web, 127.0.0.1:3/tcp of web, 127.0.0.1:4/tcp of web and 2 more`,
  ],
];
for (const [what, machine, found] of rows) {
  test(`packet filter rules: ${what}`, () => {
    assert.equal(gone(machine), found);
  });
}
