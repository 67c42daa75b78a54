/** What the shell finds of somebody who has left, in lists of processes that no honest host has. What is done about it is tried on guests. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { library } from "../support/example-host.ts";

const folder = mkdtempSync(join(tmpdir(), "sealift-leaver-"));
after(() => {
  rmSync(folder, { recursive: true });
});

/** A look at nobody (uid 65534), made by Sealift or adopted, where the kernel lists these processes, and had said this of them before. */
function look(
  cgroup: string,
  pids: readonly number[],
  said: string,
  then: string,
  kind: "made" | "adopted" = "made",
): string {
  const group = join(folder, cgroup);
  mkdirSync(group, { recursive: true });
  writeFileSync(join(group, "cgroup.procs"), pids.map((pid) => `${pid}\n`).join(""));
  writeFileSync(join(folder, "said"), said);
  const input = `${library.text}
set -eu
leaver_hierarchy() { leaver_root=${folder}; }
leaver_read() { cat ${folder}/said; }
LEAVERS_CLEARED=${folder}/cleared
leaver_look ${kind} nobody root
${then}
`;
  try {
    return execFileSync("sh", { input, encoding: "utf8", timeout: 60_000, killSignal: "SIGKILL" });
  } finally {
    rmSync(join(folder, cgroup.split("/")[0] ?? cgroup), { recursive: true });
  }
}
const status = (pid: number): string =>
  `/proc/${pid}/status:State:\tS (sleeping)\n/proc/${pid}/status:Threads:\t1\n/proc/${pid}/status:Uid:\t65534\t65534\t65534\t65534\n`;
const several = (count: number): number[] => Array.from({ length: count }, (_, index) => 5_000_000 + index);

test("a leaver with ten thousands of processes is looked at in a time that grows as they do", () => {
  const pids = several(24_000);
  const at = "user.slice/user-65534.slice";
  const said = pids.map((pid) => `${status(pid)}/proc/${pid}/cgroup:0::/${at}\n`).join("");
  const found = look(at, pids, said, 'echo "$leaver_running"; echo "$leaver_pids" | wc -w');
  assert.match(found, /^( \d+){16} and 23984 more\n24000\n$/);
});

test("processes that end before they can be read are a finding, in the leaver's slice and beside one of the leaver's", () => {
  const ended = " that end before they can be read|";
  const slice = "user.slice/user-65534.slice/x";
  const then = `echo "$leaver_running|$leaver_places"`;
  assert.equal(look(slice, several(15), "", then), "|\n");
  assert.equal(look(slice, several(64), "", then), `${ended}\n`);
  assert.equal(look(slice, [], "cut\n", then), `${ended}\n`, "a list that is not whole shows nothing");
  const atd = "system.slice/atd.service";
  assert.equal(look(atd, several(64), "", then), "|\n");
  const beside = `${status(7_000_000)}/proc/7000000/cgroup:0::/${atd}\n`;
  assert.equal(look(atd, several(64), beside, then), ` 7000000 and others${ended} /${atd}\n`);
});

test("in the session of another account the leaver's processes have a place, and a number of several accounts is nobody's", () => {
  const at = "user.slice/user-4242.slice/session-1.scope";
  const one = `${status(7_000_000)}/proc/7000000/cgroup:0::/${at}/x\n`;
  const then = `echo "$leaver_running|$leaver_places"`;
  assert.equal(look(at, [7_000_000], one, then), ` 7000000| /${at}\n`);
  assert.equal(look(at, several(64), "", then), "|\n", "a crowd alone is that account's own business");
  const beside = " 7000000 and others that end before they can be read";
  assert.equal(look(at, several(64), one, then), `${beside}| /${at}\n`);
  const odd = one.replace(at, "user.slice/user-4242.slice/a b*");
  assert.equal(look(at, [7_000_000], odd, then), " 7000000| /user.slice/user-4242.slice\n");
});

test("of an adopted one, what ends before it can be read is believed to be out of the group for a day after all of it stood still", () => {
  const at = "user.slice/user-65534.slice/x";
  const note = (seconds: number, gid = 0): string =>
    `mkdir -p ${folder}/cleared; read -r up _ </proc/uptime; echo "65534 ${gid} $((\${up%%.*} - ${seconds})) then" >${folder}/cleared/nobody
leaver_look adopted nobody root; echo "$leaver_running|$leaver_busy"`;
  const ended = " that end before they can be read|\n";
  assert.equal(look(at, several(64), "", 'echo "$leaver_running|$leaver_busy"', "adopted"), ended);
  assert.equal(look(at, several(64), "", note(10), "adopted"), "|then\n");
  assert.equal(look(at, several(64), "", note(86_400), "adopted"), ended);
  assert.equal(look(at, several(64), "", note(10, 1), "adopted"), ended, "of another group");
  const grouped = `${status(7_000_000).replace(/$/, "/proc/7000000/status:Gid:\t0\t0\t0\t0\n")}/proc/7000000/cgroup:0::/${at}\n`;
  assert.match(look(at, several(64), grouped, note(10), "adopted"), /^ 7000000 and others that end /);
});

test("a process with tens of thousands of groups makes no look slow, and a number that was cut off is no other one", () => {
  const at = "user.slice/user-65534.slice";
  const groups = Array.from({ length: 65_000 }, (_, index) => 100_000 + index).join(" ");
  const said = `${status(7_000_000)}/proc/7000000/status:Groups:\t0 ${groups} \n/proc/7000000/cgroup:0::/${at}\n`;
  const lines =
    'leaver_read() { printf "%s\\n" /proc/self/status | cut -c "1-$LEAVER_LINE"; }; echo "$leaver_running"';
  assert.equal(look(at, [7_000_000], said, lines, "adopted"), " 7000000\n");
  // The last of 8192 bytes fall into a number whose beginning is the group's.
  const cut = `${"1 ".repeat(4080)}65534123`;
  const other = `${status(7_000_000).replaceAll("65534", "1")}/proc/7000000/status:Groups:\t${cut.slice(0, 8140)}0\n/proc/7000000/cgroup:0::/${at}\n`;
  assert.equal(look(at, [7_000_000], other, 'echo "$leaver_running"', "adopted"), "\n");
});

for (const service of [
  "cron.service",
  "crond.service",
  "cronie.service",
  "cron-nobody-0.service",
  "system-getty.slice/getty@tty1.service",
  "system-serial\\x2dgetty.slice/serial-getty@ttyS0.service",
  "system-sshd\\x2dvsock.slice/sshd-vsock@1.service",
  "sshd-unix-local@1.service",
])
  test(`a process of ${service} is one of a login or a job`, () => {
    const at = `system.slice/${service}`;
    const said = `${status(7_000_000)}/proc/7000000/cgroup:0::/${at}\n`;
    assert.equal(look(at, [7_000_000], said, 'echo "$leaver_running|$leaver_units"'), " 7000000|\n");
  });

test("a number that is another process by now is not signalled", () => {
  const out = execFileSync("sh", {
    input: `${library.text}
set -eu
sleep 600 >/dev/null 2>&1 & pid=$!
leaver_pids=" 5000000 $pid" leaver_began=0
leaver_signal KILL
kill -0 "$pid" && echo lives
read -r text <"/proc/$pid/stat"
set -- \${text##*) }
shift 19
leaver_began=$1
leaver_signal KILL
wait "$pid" || echo "$?"
`,
    encoding: "utf8",
  });
  assert.equal(out, "lives\n137\n");
});
