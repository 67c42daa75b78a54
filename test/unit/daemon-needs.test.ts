import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { daemonNeeds } from "../../modules/preflight/daemon-needs.ts";
import { preflightSteps } from "../../modules/preflight/steps.ts";
import { exampleHost, library } from "../support/fixtures/example-host.ts";

const host = exampleHost();
const needsOf = (daemon: Readonly<Record<string, unknown>>): readonly string[] =>
  daemonNeeds({ ...host, daemon: { ...host.daemon, ...daemon } });

const needs: readonly [daemon: Readonly<Record<string, unknown>>, words: readonly string[]][] = [
  [{}, []],
  [{ bridge: "br0" }, ["bridge:br0"]],
  [{ bridge: "none" }, []],
  [{ "userns-remap": "default" }, []],
  [{ "userns-remap": "100000:100000" }, ["remap:100000:100000"]],
  [{ "userns-remap": host.users[0]?.name }, []],
  [{ "seccomp-profile": "builtin" }, []],
  [{ "seccomp-profile": "/etc/docker/seccomp.json" }, ["file:/etc/docker/seccomp.json"]],
  [{ "log-driver": "syslog", "log-opts": { "syslog-address": "unixgram:///dev/log" } }, ["file:/dev/log"]],
  [{ "default-runtime": "runc" }, []],
  [{ "default-runtime": "crun", runtimes: { crun: { path: "/usr/bin/crun" } } }, ["program:/usr/bin/crun"]],
  [{ "firewall-backend": "nftables" }, ["forwarding:4"]],
  [{ "firewall-backend": "nftables", ipv6: true }, ["forwarding:4", "forwarding:6"]],
  [{ "firewall-backend": "nftables", "ip-forward": false }, []],
  [{ "selinux-enabled": true }, ["selinux"]],
];
for (const [daemon, words] of needs) {
  test(`daemon.json with ${JSON.stringify(daemon)} needs ${words.join(", ") || "nothing"}`, () => {
    assert.deepEqual(needsOf(daemon), words);
  });
}

test("an engine that uses nft for its rules needs nft", () => {
  const commands = (daemon: Readonly<Record<string, unknown>>): readonly string[] =>
    preflightSteps({ ...host, daemon: { ...host.daemon, ...daemon } }, undefined, 0).find(
      ({ code }) => code === "preflight.commands",
    )?.call ?? [];
  assert.ok(!commands({}).includes("nft"));
  assert.ok(commands({ "firewall-backend": "nftables" }).includes("nft"));
});

const root = mkdtempSync(join(tmpdir(), "needs-"));
after(() => {
  rmSync(root, { recursive: true });
});

/** The finding of the check on a host with these files; empty if nothing is missing. */
function found(files: Readonly<Record<string, string>>, ...words: string[]): string {
  const place = mkdtempSync(join(root, "host-"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(place, path)), { recursive: true });
    writeFileSync(join(place, path), text, { mode: 0o755 });
  }
  const script = library.text
    .replace(/^umask[^]*?^run\(\)/m, "run()")
    .replace(/\nmain "\$@"\n?$|\ncase "\$1"[^]*$/, "\n");
  const call = `SEALIFT_ROOT=${place}\ncheck_daemon_needs ${words.map((word) => `'${word}'`).join(" ")} || true\n`;
  return execFileSync("sh", ["-s"], { input: script + call, encoding: "utf8" }).trim();
}

test("a host that has everything", () => {
  assert.equal(
    found(
      {
        "sys/class/net/br0/bridge/bridge_id": "",
        "etc/docker/seccomp.json": "{}",
        "usr/bin/crun": "",
        "proc/sys/net/ipv4/ip_forward": "1\n",
        "sys/fs/selinux/enforce": "0",
        "etc/subuid": "daemon:100000:65536\n",
        "etc/subgid": "1:100000:65536\n",
      },
      "bridge:br0",
      "file:/etc/docker/seccomp.json",
      "program:/usr/bin/crun",
      "program:sh",
      "forwarding:4",
      "selinux",
      "remap:daemon",
      "remap:1:1",
    ),
    "",
  );
});

test("on a host that has nothing, everything is reported at once", () => {
  assert.equal(
    found({}, "bridge:br0", "file:/x.json", "program:/x", "program:no-such", "forwarding:6", "selinux"),
    "bridge: no bridge br0, /x.json does not exist, default-runtime: no program /x, default-runtime: no program no-such on the PATH, " +
      "firewall-backend nftables: net.ipv6.conf.all.forwarding is 0, selinux-enabled: the kernel runs without SELinux",
  );
});

test("userns-remap with a uid that does not exist, and with a user without subordinate ids", () => {
  assert.equal(found({}, "remap:1000000:1000000"), "userns-remap: no user 1000000");
  assert.equal(
    found({ "etc/subuid": "daemonic:1:1\n" }, "remap:daemon:no-such"),
    "userns-remap: no group no-such, userns-remap: /etc/subuid has no line for daemon, userns-remap: /etc/subgid has no line for daemon",
  );
});
