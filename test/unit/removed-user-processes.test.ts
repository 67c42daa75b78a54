/** What the shell finds of a removed user in process lists that no honest host has. What is done about it is tested on guests. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { library } from "../support/fixtures/example-host.ts";

const folder = mkdtempSync(join(tmpdir(), "sealift-leaver-"));
after(() => {
  rmSync(folder, { recursive: true });
});

/** A probe of the user nobody (uid 65534), created by Sealift or adopted, where the kernel lists these processes and had reported this before. */
function probe(
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
removed_hierarchy() { removed_root=${folder}; }
removed_read() { cat ${folder}/said; }
REMOVED_CLEARED=${folder}/cleared
removed_inspect ${kind} nobody root
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

test("searching tens of thousands of processes takes time in proportion to their number", () => {
  const pids = several(24_000);
  const at = "user.slice/user-65534.slice";
  const said = pids.map((pid) => `${status(pid)}/proc/${pid}/cgroup:0::/${at}\n`).join("");
  const found = probe(at, pids, said, 'echo "$removed_running"; echo "$removed_pids" | wc -w');
  assert.match(found, /^( \d+){16} and 23984 more\n24000\n$/);
});

test("short-lived processes are a finding, in the user's slice and beside a process of the user", () => {
  const ended = " that end before they can be read|";
  const slice = "user.slice/user-65534.slice/x";
  const then = `echo "$removed_running|$removed_places"`;
  assert.equal(probe(slice, several(15), "", then), "|\n");
  assert.equal(probe(slice, several(64), "", then), `${ended}\n`);
  assert.equal(probe(slice, [], "cut\n", then), `${ended}\n`, "a list that is not whole shows nothing");
  const atd = "system.slice/atd.service";
  assert.equal(probe(atd, several(64), "", then), "|\n");
  const beside = `${status(7_000_000)}/proc/7000000/cgroup:0::/${atd}\n`;
  assert.equal(probe(atd, several(64), beside, then), ` 7000000 and others${ended} /${atd}\n`);
});

test("in the session of another account the user's processes have a place, and an id of several accounts proves nothing", () => {
  const at = "user.slice/user-4242.slice/session-1.scope";
  const one = `${status(7_000_000)}/proc/7000000/cgroup:0::/${at}/x\n`;
  const then = `echo "$removed_running|$removed_places"`;
  assert.equal(probe(at, [7_000_000], one, then), ` 7000000| /${at}\n`);
  assert.equal(probe(at, several(64), "", then), "|\n", "a crowd alone is that account's own business");
  const beside = " 7000000 and others that end before they can be read";
  assert.equal(probe(at, several(64), one, then), `${beside}| /${at}\n`);
  const odd = one.replace(at, "user.slice/user-4242.slice/a b*");
  assert.equal(probe(at, [7_000_000], odd, then), " 7000000| /user.slice/user-4242.slice\n");
});

test("short-lived processes of an adopted user are trusted to be out of the group for a day after all of them were frozen", () => {
  const at = "user.slice/user-65534.slice/x";
  const note = (seconds: number, gid = 0): string =>
    `mkdir -p ${folder}/cleared; read -r up _ </proc/uptime; echo "65534 ${gid} $((\${up%%.*} - ${seconds})) then" >${folder}/cleared/nobody
removed_inspect adopted nobody root; echo "$removed_running|$removed_busy"`;
  const ended = " that end before they can be read|\n";
  assert.equal(probe(at, several(64), "", 'echo "$removed_running|$removed_busy"', "adopted"), ended);
  assert.equal(probe(at, several(64), "", note(10), "adopted"), "|then\n");
  assert.equal(probe(at, several(64), "", note(86_400), "adopted"), ended);
  assert.equal(probe(at, several(64), "", note(10, 1), "adopted"), ended, "of another group");
  const grouped = `${status(7_000_000).replace(/$/, "/proc/7000000/status:Gid:\t0\t0\t0\t0\n")}/proc/7000000/cgroup:0::/${at}\n`;
  assert.match(probe(at, several(64), grouped, note(10), "adopted"), /^ 7000000 and others that end /);
});

test("a process with tens of thousands of groups does not slow the search, and a truncated number is not another one", () => {
  const at = "user.slice/user-65534.slice";
  const groups = Array.from({ length: 65_000 }, (_, index) => 100_000 + index).join(" ");
  const said = `${status(7_000_000)}/proc/7000000/status:Groups:\t0 ${groups} \n/proc/7000000/cgroup:0::/${at}\n`;
  const lines =
    'removed_read() { printf "%s\\n" /proc/self/status | cut -c "1-$REMOVED_LINE_MAX"; }; echo "$removed_running"';
  assert.equal(probe(at, [7_000_000], said, lines, "adopted"), " 7000000\n");
  // The last of 8192 bytes fall into a number whose beginning is the group's.
  const cut = `${"1 ".repeat(4080)}65534123`;
  const other = `${status(7_000_000).replaceAll("65534", "1")}/proc/7000000/status:Groups:\t${cut.slice(0, 8140)}0\n/proc/7000000/cgroup:0::/${at}\n`;
  assert.equal(probe(at, [7_000_000], other, 'echo "$removed_running"', "adopted"), "\n");
});

test("other users' processes that are too many to be read in time are reported, and are no finding", () => {
  const at = "user.slice/user-4242.slice/session-1.scope";
  const then = 'echo "$removed_running|$removed_unread"';
  assert.equal(probe(at, [], "unread\n", then), "|yes\n");
  const own = `${status(7_000_000)}/proc/7000000/cgroup:0::/user.slice/user-65534.slice\nunread\n`;
  assert.equal(probe(at, [], own, then), " 7000000|yes\n");
  // It has ended between the two reads.
  assert.equal(probe(at, [], "/proc/7000000/cgroup:0::/user.slice/user-65534.slice\n", then), "|\n");
});

test("the status of processes in the user's slice is read first, then of services that start logins, of other services, and of sessions of others", () => {
  const read = execFileSync("sh", {
    input: `${library.text}
set -eu
removed_slice=/user.slice/user-9.slice removed_limit=60
removed_lines() {
  case $3 in
    */cgroup)
      printf '%s\\n' "/proc/1/cgroup:0::/user.slice/user-8.slice/session-1.scope" "/proc/2/cgroup:0::/system.slice/db.service" \\
        "/proc/3/cgroup:0::/system.slice/cron.service" "/proc/4/cgroup:0::/user.slice/user-9.slice/session-2.scope" \\
        "/proc/5/cgroup:0::/machine.slice/box.scope" "/proc/6/cgroup:0::/docker/any"
      ;;
    *) echo "$@" ;;
  esac
}
removed_read | grep -v cgroup
`,
    encoding: "utf8",
  });
  assert.equal(read, "cut 60 /proc/4/status\nunread 30 /proc/3/status /proc/2/status /proc/1/status\n");
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
  test(`a process of ${service} counts as one of a login or a job`, () => {
    const at = `system.slice/${service}`;
    const said = `${status(7_000_000)}/proc/7000000/cgroup:0::/${at}\n`;
    assert.equal(probe(at, [7_000_000], said, 'echo "$removed_running|$removed_units"'), " 7000000|\n");
  });

test("a pid that was reused is not signalled", () => {
  const out = execFileSync("sh", {
    input: `${library.text}
set -eu
sleep 600 >/dev/null 2>&1 & pid=$!
removed_pids=" 5000000 $pid" removed_began=0
removed_signal KILL
kill -0 "$pid" && echo lives
read -r text <"/proc/$pid/stat"
set -- \${text##*) }
shift 19
removed_began=$1
removed_signal KILL
wait "$pid" || echo "$?"
`,
    encoding: "utf8",
  });
  assert.equal(out, "lives\n137\n");
});
