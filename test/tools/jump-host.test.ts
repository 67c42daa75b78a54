/** Probes through a jump host, with two real sshd: the path, both pinned keys, and the report when it is blocked. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { mkdtemp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { probe, type Probe, type Reach } from "../../modules/core/host/probe.ts";
import { fingerprintOf, shownKey } from "../../modules/environments/host-keys.ts";
import { startAgent, type Agent } from "../lab/agent.ts";
import { checkout } from "../lab/cache.ts";
import { library } from "../support/fixtures/example-host.ts";
import { runProcess, type ProcessResult } from "../support/process/run-process.ts";
import { sudoFor } from "../support/guests/sudo-for.ts";
import { startSshd, type Sshd } from "../support/servers/sshd.ts";
import { startListeningSshd } from "../support/servers/listening-sshd.ts";
import { silentPort } from "../support/servers/silent-port.ts";
import { undoAfter } from "../support/process/undo.ts";

const strange = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKz0sCJ4Oz1EpoWEGl3sr0MsZkLr5VxyaXsH0yFwl0aA";
const phase = {
  name: "gate",
  steps: [{ code: "gate.command", fact: "it runs", effect: "none", call: ["gate_command", "true"] }],
} as const;

let jump: Sshd;
let host: Sshd;
let agent: Agent;
const undo = undoAfter();
before(async () => {
  jump = await startSshd();
  undo(() => jump.stop());
  host = await startSshd({ clientKeyFile: jump.privateKeyFile, ...sudoFor() });
  undo(() => host.stop());
  agent = await startAgent(jump.privateKeyFile);
  undo(() => agent.stop());
  process.env["SSH_AUTH_SOCK"] = agent.socket;
});

const end = ({ host: address, port, user: sshUser, hostKey }: Sshd): NonNullable<Reach["jumpHost"]> => ({
  address,
  port,
  sshUser,
  hostKey,
});
const probeVia = (
  over: Partial<Reach> = {},
  way: Partial<NonNullable<Reach["jumpHost"]>> = {},
): Promise<Probe> =>
  probe({ name: "node-a", ...end(host), jumpHost: { ...end(jump), ...way }, ...over }, [phase], library);
const reported = (result: Probe): string =>
  result.kind === "reached" ? "reached" : `${result.kind} ${result.problem.code} ${result.problem.subject}`;
/** Connections that the jump host and the host got while this was done. */
async function counted<T>(work: () => Promise<T>): Promise<[T, number, number]> {
  const before = [jump.connections(), host.connections()] as const;
  const result = await work();
  return [result, jump.connections() - before[0], host.connections() - before[1]];
}

test("a probe goes through the jump host: one login at each", async () => {
  const [result, atJump, atHost] = await counted(probeVia);
  assert.equal(reported(result), "reached");
  assert.deepEqual([atJump, atHost], [1, 1]);
  assert.equal(result.kind === "reached" && result.report.steps[0]?.status, "ok");
});

test("a jump host with another key is refused with a code of its own, and no host behind it is asked", async () => {
  const [result, , atHost] = await counted(() => probeVia({}, { hostKey: strange }));
  assert.equal(reported(result), `refused E_JUMP_HOST_KEY jump ${jump.user}@127.0.0.1:${jump.port}`);
  assert.equal(atHost, 0);
  assert.doesNotMatch(await jump.log(), /Accepted publickey[^]*Accepted publickey/);
});

test("a host with another key behind the right jump host is refused as without one", async () => {
  const way = `through 127.0.0.1:${jump.port}`;
  const [result] = await counted(() => probeVia({ hostKey: strange }));
  assert.equal(reported(result), `refused E_HOST_KEY ${host.user}@127.0.0.1:${host.port} ${way}`);
});

test("a login that the jump host rejects is reported as the jump host's", async () => {
  const [result, , atHost] = await counted(() => probeVia({}, { sshUser: "nobody-by-that-name" }));
  assert.equal(reported(result), `refused E_JUMP_HOST_LOGIN jump nobody-by-that-name@127.0.0.1:${jump.port}`);
  assert.equal(atHost, 0);
});

test("a jump host on whose port nobody listens is unreachable, and so is a host behind a running one", async () => {
  const gone = await startSshd();
  await gone.stop();
  const [closed, , atHost] = await counted(() => probeVia({}, { port: gone.port }));
  assert.equal(
    reported(closed),
    `unreachable E_JUMP_HOST_UNREACHABLE jump ${jump.user}@127.0.0.1:${gone.port}`,
  );
  assert.equal(atHost, 0);
  const behind = await probeVia({ port: gone.port });
  assert.match(reported(behind), /^unreachable E_HOST_UNREACHABLE .* through /);
  assert.match(behind.kind === "reached" ? "" : behind.problem.found, /refused|forwarding failed/i);
});

test("a jump host without forwarding is reported with the setting to change", async () => {
  const closed = await startSshd({
    clientKeyFile: jump.privateKeyFile,
    options: { AllowTcpForwarding: "no" },
  });
  const [result, , atHost] = await counted(() => probeVia({}, end(closed)));
  await closed.stop();
  assert.equal(reported(result), `refused E_JUMP_HOST_FORWARD jump ${jump.user}@127.0.0.1:${closed.port}`);
  assert.equal(atHost, 0);
});

test("the key of an unknown host is shown through the jump host, without a login there", async () => {
  const [shown] = await counted(() => shownKey(host.host, host.port, end(jump)));
  assert.equal(shown.key, host.hostKey.split(" ").slice(0, 2).join(" "));
  assert.doesNotMatch(await host.log(), /Accepted publickey for nobody/);
  for (const [way, code] of [
    [{ hostKey: strange }, "E_JUMP_HOST_KEY"],
    [{ sshUser: "nobody-by-that-name" }, "E_JUMP_HOST_LOGIN"],
  ] as const)
    await assert.rejects(shownKey(host.host, host.port, { ...end(jump), ...way }), new RegExp(code));
  await assert.rejects(shownKey(host.host, await silentPort(), end(jump)), /E_HOST_UNREACHABLE/);
});

test("sealift init asks through the jump host, and trusts no key that nobody has compared", async () => {
  const folder = await mkdtemp(join(jump.directory, "init-"));
  const init = (...words: string[]): Promise<ProcessResult> =>
    runProcess(
      process.execPath,
      [
        join(checkout, "cli", "sealift.js"),
        ...["init", "dev", "--ssh-user", host.user, "--jump-host", `${jump.user}@${jump.host}:${jump.port}`],
        ...["--host", `node-a=${host.host}:${host.port}`, ...words],
      ],
      { cwd: folder },
    );
  const known = [jump, host].map(({ hostKey }) => fingerprintOf(hostKey));
  const first = await init();
  assert.match(first.stderr, /jump host 127\.0\.0\.1: E_HOST_KEY .*, not verified/);
  const second = await init("--host-key", known[0] ?? "");
  assert.match(second.stderr, /node-a: E_HOST_KEY .*, not verified/);
  const third = await init(...known.flatMap((one) => ["--host-key", one]));
  assert.equal(third.exitCode, 0, third.stderr);
  const text = await readFile(join(folder, "stacks", "dev.site.yaml"), "utf8");
  assert.match(
    text,
    new RegExp(`jumpHost:\n +address: 127\\.0\\.0\\.1\n +port: ${jump.port}\n +sshUser: ${jump.user}`),
  );
  assert.match(text, /- name: node-a\n/);
});

test("a folder with spaces, quotes and percent signs in its name does not open another way", async () => {
  const { TMPDIR: old } = process.env;
  process.env["TMPDIR"] = `${jump.directory}/it's 100%h`;
  mkdirSync(process.env["TMPDIR"]);
  try {
    assert.equal(reported(await probeVia()), "reached");
  } finally {
    if (old === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = old;
  }
});

/** MaxStartups: from the fourth on that has not logged in yet, everybody is turned away. */
const narrow = { MaxStartups: "3:100:3" };

for (const [what, behind] of [
  ["behind a jump host", true],
  ["behind one address", false],
] as const)
  test(`twenty probes ${what} whose sshd takes three at a time all succeed`, async () => {
    const door = await startListeningSshd({
      clientKeyFile: jump.privateKeyFile,
      options: narrow,
      ...sudoFor(),
    });
    const here = { address: door.host, port: door.port, sshUser: door.user, hostKey: door.hostKey };
    const result = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        behind
          ? probeVia({ name: `node-${index}` }, here)
          : probe({ name: `node-${index}`, ...here }, [phase], library),
      ),
    );
    const log = door.log();
    await door.stop();
    assert.deepEqual([...new Set(result.map(reported))], ["reached"]);
    assert.equal(log.match(/Accepted publickey/g)?.length, 20);
  });
