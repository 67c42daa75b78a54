/** Looks through a jump host, with two real sshd: the way, both pinned keys, and what is told when it is closed. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { mkdtemp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { probe, type Probe, type Reach } from "../../modules/core/probe.ts";
import { fingerprintOf, shownKey } from "../../modules/host-keys.ts";
import { startAgent, type Agent } from "../lab/agent.ts";
import { checkout } from "../lab/cache.ts";
import { library } from "../support/example-host.ts";
import { runProcess, type ProcessResult } from "../support/run-process.ts";
import { sudoFor } from "../support/sudo-for.ts";
import { startSshd, type Sshd } from "../support/sshd.ts";
import { startListeningSshd } from "../support/listening-sshd.ts";
import { silentPort } from "../support/silent-port.ts";
import { undoAfter } from "../support/undo.ts";

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

const end = ({ host: address, port, user: login, hostKey }: Sshd): NonNullable<Reach["jump"]> => ({
  address,
  port,
  login,
  hostKey,
});
const look = (over: Partial<Reach> = {}, way: Partial<NonNullable<Reach["jump"]>> = {}): Promise<Probe> =>
  probe({ name: "node-a", ...end(host), jump: { ...end(jump), ...way }, ...over }, [phase], library);
const told = (seen: Probe): string =>
  seen.kind === "reached" ? "reached" : `${seen.kind} ${seen.problem.code} ${seen.problem.subject}`;
/** Connections that the jump host and the host got while this was done. */
async function counted<T>(work: () => Promise<T>): Promise<[T, number, number]> {
  const before = [jump.connections(), host.connections()] as const;
  const result = await work();
  return [result, jump.connections() - before[0], host.connections() - before[1]];
}

test("a look goes through the jump host: one login at each", async () => {
  const [seen, atJump, atHost] = await counted(look);
  assert.equal(told(seen), "reached");
  assert.deepEqual([atJump, atHost], [1, 1]);
  assert.equal(seen.kind === "reached" && seen.report.steps[0]?.status, "ok");
});

test("a jump host with another key is refused with a code of its own, and nobody behind it is asked", async () => {
  const [seen, , atHost] = await counted(() => look({}, { hostKey: strange }));
  assert.equal(told(seen), `refused E_JUMP_KEY jump ${jump.user}@127.0.0.1:${jump.port}`);
  assert.equal(atHost, 0);
  assert.doesNotMatch(await jump.log(), /Accepted publickey[^]*Accepted publickey/);
});

test("a host with another key behind the right jump host is refused as without one", async () => {
  const way = `through 127.0.0.1:${jump.port}`;
  const [seen] = await counted(() => look({ hostKey: strange }));
  assert.equal(told(seen), `refused E_HOST_KEY ${host.user}@127.0.0.1:${host.port} ${way}`);
});

test("a login that the jump host does not take is told as its own", async () => {
  const [seen, , atHost] = await counted(() => look({}, { login: "nobody-by-that-name" }));
  assert.equal(told(seen), `refused E_JUMP_LOGIN jump nobody-by-that-name@127.0.0.1:${jump.port}`);
  assert.equal(atHost, 0);
});

test("a jump host on whose port nobody listens is unreachable, and so is a host behind one that is there", async () => {
  const gone = await startSshd();
  await gone.stop();
  const [closed, , atHost] = await counted(() => look({}, { port: gone.port }));
  assert.equal(told(closed), `unreachable E_JUMP_UNREACHABLE jump ${jump.user}@127.0.0.1:${gone.port}`);
  assert.equal(atHost, 0);
  const behind = await look({ port: gone.port });
  assert.match(told(behind), /^unreachable E_HOST_UNREACHABLE .* through /);
  assert.match(behind.kind === "reached" ? "" : behind.problem.got, /refused|forwarding failed/i);
});

test("a jump host that forwards nothing is told with what to set", async () => {
  const closed = await startSshd({
    clientKeyFile: jump.privateKeyFile,
    options: { AllowTcpForwarding: "no" },
  });
  const [seen, , atHost] = await counted(() => look({}, end(closed)));
  await closed.stop();
  assert.equal(told(seen), `refused E_JUMP_FORWARD jump ${jump.user}@127.0.0.1:${closed.port}`);
  assert.equal(atHost, 0);
});

test("the key of a host that nobody knows is shown through the jump host, and nobody logs in there", async () => {
  const [shown] = await counted(() => shownKey(host.host, host.port, end(jump)));
  assert.equal(shown.key, host.hostKey.split(" ").slice(0, 2).join(" "));
  assert.doesNotMatch(await host.log(), /Accepted publickey for nobody/);
  for (const [way, code] of [
    [{ hostKey: strange }, "E_JUMP_KEY"],
    [{ login: "nobody-by-that-name" }, "E_JUMP_LOGIN"],
  ] as const)
    await assert.rejects(shownKey(host.host, host.port, { ...end(jump), ...way }), new RegExp(code));
  await assert.rejects(shownKey(host.host, await silentPort(), end(jump)), /E_HOST_UNREACHABLE/);
});

test("sealift init asks through the jump host, and believes no key that nobody has compared", async () => {
  const folder = await mkdtemp(join(jump.directory, "init-"));
  const init = (...words: string[]): Promise<ProcessResult> =>
    runProcess(
      process.execPath,
      [
        join(checkout, "cli", "sealift.js"),
        ...["init", "dev", "--login", host.user, "--jump", `${jump.user}@${jump.host}:${jump.port}`],
        ...["--host", `node-a=${host.host}:${host.port}`, ...words],
      ],
      { cwd: folder },
    );
  const known = [jump, host].map(({ hostKey }) => fingerprintOf(hostKey));
  const first = await init();
  assert.match(first.stderr, /jump host 127\.0\.0\.1: E_HOST_KEY .*nobody has compared/);
  const second = await init("--host-key", known[0] ?? "");
  assert.match(second.stderr, /node-a: E_HOST_KEY .*nobody has compared/);
  const third = await init(...known.flatMap((one) => ["--host-key", one]));
  assert.equal(third.exitCode, 0, third.stderr);
  const text = await readFile(join(folder, "stacks", "dev.site.yaml"), "utf8");
  assert.match(
    text,
    new RegExp(`jump:\n +address: 127\\.0\\.0\\.1\n +port: ${jump.port}\n +login: ${jump.user}`),
  );
  assert.match(text, /- name: node-a\n/);
});

test("a folder with spaces, quotes and percent signs in its name does not open another way", async () => {
  const { TMPDIR: old } = process.env;
  process.env["TMPDIR"] = `${jump.directory}/it's 100%h`;
  mkdirSync(process.env["TMPDIR"]);
  try {
    assert.equal(told(await look()), "reached");
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
  test(`twenty looks ${what} whose sshd takes three at a time all come about`, async () => {
    const door = await startListeningSshd({
      clientKeyFile: jump.privateKeyFile,
      options: narrow,
      ...sudoFor(),
    });
    const here = { address: door.host, port: door.port, login: door.user, hostKey: door.hostKey };
    const seen = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        behind
          ? look({ name: `node-${index}` }, here)
          : probe({ name: `node-${index}`, ...here }, [phase], library),
      ),
    );
    const log = door.log();
    await door.stop();
    assert.deepEqual([...new Set(seen.map(told))], ["reached"]);
    assert.equal(log.match(/Accepted publickey/g)?.length, 20);
  });
