import assert from "node:assert/strict";
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { createHash } from "node:crypto";
import type { Writable } from "node:stream";
import { before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { hostCommand } from "../../modules/core/host-command.ts";
import { quote } from "../../modules/core/quote.ts";
import { planText, type Step } from "../../modules/core/step.ts";
import { sshArguments } from "../lab/ssh.ts";
import { container } from "../lab/machine-choice.ts";
import { library } from "../support/example-host.ts";
import { startFunctions, type ShellFunctions } from "../support/shell-functions.ts";
import { undoAfter } from "../support/undo.ts";

/** An apply as a Command starts it, on a guest: cut off, met again, killed, sent in part. */
const pairs = `
SEALIFT_LOCK_WAIT_SEC=3
check_line() { grep -qxF "$1" /run/lines 2>/dev/null; }
apply_line() { while [ -e /run/hold ]; do sleep 0.2; done; echo "$1" >>/run/lines; }
`;
const text = library.text.replace("# The library's last words", `${pairs}# The library's last words`);
const sha256 = createHash("sha256").update(text).digest("hex");
const launch = hostCommand("login.sh", "launch.sh", "launch", sha256);

let on: ShellFunctions;
const undo = undoAfter();
before(async () => {
  on = await startFunctions("apart", container());
  undo(() => on.end());
  await on.guest.exec(`mkdir -p .sealift && cat >.sealift/${sha256}.sh`, { input: text });
});

const line = (words: string): Step => ({
  code: `t.${words}`,
  fact: `${words} is a line`,
  effect: "none",
  call: ["line", words],
});
const plan = (...words: string[]): string =>
  planText("node-a", { name: "t", steps: words.map(line) }, { serial: 7 });
const apply = (input: string): ReturnType<typeof on.guest.exec> => on.guest.exec(launch, { input });
/** The same over a connection that the test can cut. */
function start(input: string): ChildProcessByStdio<Writable, null, null> {
  const child = spawn("ssh", [...sshArguments(on.guest.ssh), "--", launch], {
    stdio: ["pipe", "ignore", "ignore"],
  });
  child.stdin.end(input);
  return child;
}
const lines = async (): Promise<string[]> => (await on.root("cat /run/lines")).trim().split("\n");
/** Until the guest says so; the bound is the test runner's. */
const until = async (command: string): Promise<void> => {
  while ((await on.guest.exec(`sudo -n sh -c ${quote(command)}`)).exitCode !== 0) await sleep(100);
};
const unit = "systemctl --plain --no-legend list-units 'sealift-*'";

test("a library with one other byte is not run, and goes, so that the next run sends it anew", async () => {
  const held = `.sealift/${sha256}.sh`;
  await on.guest.exec(
    `cp ${held} .sealift/right && sed -i '1s/^# /#_/' ${held} && ! cmp -s ${held} .sealift/right`,
  );
  const { exitCode, stdout } = await apply(plan("other"));
  assert.deepEqual([exitCode, stdout], [66, "E_LIBRARY run pulumi up again\n"]);
  assert.equal((await on.guest.exec(`test -e ${held} || test -e /run/lines`)).exitCode, 1);
  await on.guest.exec(`mv .sealift/right ${held}`);
});

test("a plan that arrived in part is not begun", async () => {
  const whole = plan("part");
  const { exitCode, stdout } = await apply(whole.slice(0, whole.lastIndexOf("part")));
  assert.equal(exitCode, 66);
  assert.match(stdout, /^E_PLAN the plan ends before its last line; run pulumi up again$/m);
  assert.equal((await on.guest.exec("test -e /run/lines")).exitCode, 1);
});

test("a connection that is cut neither ends the run nor lets it run twice", async () => {
  await on.root("touch /run/hold");
  const cut = start(plan("one", "two"));
  await until(`${unit} | grep -q running`);
  cut.kill("SIGKILL");
  // Who comes again while it works is attached to it, and gets its report.
  const again = apply(plan("one", "two"));
  await on.root("rm /run/hold");
  const { exitCode, stdout } = await again;
  assert.equal(exitCode, 0, stdout);
  assert.deepEqual(await lines(), ["one", "two"]);
  assert.match(stdout, /^(changed|ok)\tt\.one\t/m);
  assert.match((await apply(plan("one", "two"))).stdout, /^ok\tt\.one\t.*\nok\tt\.two\t/m);
  assert.deepEqual(await lines(), ["one", "two"]);
});

test("a run that is killed on the host is told, and the next one goes on where it stopped", async () => {
  await on.root("touch /run/hold");
  const lost = apply(plan("one", "three"));
  await until(`${unit} | grep -q running`);
  await on.root("systemctl kill --signal=KILL 'sealift-*.service'");
  const { exitCode, stdout } = await lost;
  assert.equal(exitCode, 70);
  assert.match(stdout, /^E_RUN_LOST the run on the host ended without a result; run pulumi up again/m);
  await on.root("rm /run/hold");
  assert.equal((await apply(plan("one", "three"))).exitCode, 0);
  assert.deepEqual(await lines(), ["one", "two", "three"]);
});

test("a second operator waits, then is told who works there and since when", async () => {
  await on.root("touch /run/hold");
  const first = apply(plan("four"));
  await until(`${unit} | grep -q running`);
  const { exitCode, stdout } = await apply(plan("five"));
  assert.equal(exitCode, 75, stdout);
  assert.match(
    stdout,
    /^E_HOST_LOCKED another run works on this host: (\S+ as )?login ops from [\d.]+ since \d{4}-.*Z; wait for it/m,
  );
  await on.root("rm /run/hold");
  assert.equal((await first).exitCode, 0);
  assert.equal((await apply(plan("five"))).exitCode, 0);
});

test("no plan stays behind: it may have held a secret", async () => {
  assert.equal(await on.root("find /run/sealift -name plan; stat -c %a /run/sealift/apply"), "700\n");
});
