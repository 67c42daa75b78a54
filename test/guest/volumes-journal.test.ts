import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { JournalSpec, VolumesSpec } from "../../modules/core/site/site-spec.ts";
import { container } from "../lab/machine-choice.ts";
import { startFunctions, type ShellFunctions } from "../support/guests/shell-functions.ts";
import { undoAfter } from "../support/process/undo.ts";
import { changes, drifts, stepsOf } from "../support/guests/volumes-under-test.ts";

/** The journal on a file system of its own: moved there and limited there. After a boot: volumes-boot.test.ts. */
let on: ShellFunctions;
const undo = undoAfter();
before(async () => {
  on = await startFunctions("volumes-journal", container("/logs"));
  undo(() => on.end());
});

const mib = 1024 ** 2;
const maxUse = 16;
const laidOut: Pick<VolumesSpec, "logicalVolumes" | "existing"> = {
  logicalVolumes: [],
  existing: [{ mount: "/logs" }],
};
const journal: JournalSpec = { mount: "/logs", maxUse: `${maxUse}MiB` };
const steps = stepsOf({ ...laidOut, journal });

const usedBytes = async (): Promise<number> =>
  Number((await on.root("df --output=used -B1 /logs")).split("\n")[1]);
test("where others can write, root creates no folder for the journal and no mount point", async () => {
  await on.root("chmod 1777 /logs");
  assert.equal(
    (await drifts(on, steps)).at(-1),
    "volumes.journal: refused E_MOUNT_POINT the journal would be stored in /logs/journal, but /logs is writable by others (mode 1777); fix: use a separate volume for the journal, without owner and mode",
  );
  await on.root("mkdir /run/elsewhere && runuser -u nobody -- ln -s /run/elsewhere /logs/theirs");
  const { exitCode, output } = await on.call("guard_mount", "vg0", "x", "/logs/theirs/x", "xfs", "nodev");
  assert.equal(exitCode, 1);
  assert.match(
    output,
    /^E_MOUNT_POINT \/logs\/theirs\/x is reached through a symbolic link and resolves to \/run\/elsewhere\/x; /,
  );
  await on.root("chmod 0755 /logs && rm /logs/theirs");
});

test("journald writes to the volume, and earlier entries are kept", async () => {
  await on.root("logger --tag old 'a line of before' && journalctl --sync");
  assert.equal(
    (await drifts(on, steps)).at(-1),
    "volumes.journal: drift /etc/systemd/journald.conf.d/sealift.conf is absent",
  );
  assert.equal((await changes(on, steps)).at(-1), "volumes.journal: changed");
  assert.deepEqual(await changes(on, steps), []);
  await on.root("logger --tag new 'a line of after' && journalctl --sync");
  assert.match(await on.root("journalctl -D /logs/journal -t new -o cat"), /a line of after/);
  assert.match(
    await on.root("journalctl -D /var/log/journal.before-sealift -t old -o cat"),
    /a line of before/,
  );
  assert.equal(await on.root(`ls /run/log/journal/$(cat /etc/machine-id) 2>/dev/null || true`), "");
});

test("a process that floods the journal cannot fill the volume", async () => {
  const before = await usedBytes();
  // 65 MiB that hardly compress, in lines that journald does not cut: journald.conf(5), LineMax.
  const flood = "head -c 48M /dev/urandom | base64 -w 3000 | tee /run/flood | systemd-cat -t flood";
  const written = Number(
    await on.root(`${flood} && journalctl --sync && stat -c %s /run/flood && rm /run/flood`),
  );
  assert.ok(written > 3 * maxUse * mib, `${written} bytes written`);
  const [lines = "", bytes = ""] = (await on.root("journalctl -D /logs/journal -t flood -o cat | wc -lc"))
    .trim()
    .split(/\s+/);
  assert.ok(Number(lines) > 0, "the flood arrived");
  const grown = (await usedBytes()) - before;
  console.log(`flood: ${written} bytes written, ${bytes} kept, the volume holds ${grown} more`);
  assert.ok(Number(bytes) > (maxUse * mib) / 4, `${bytes} bytes kept`);
  assert.ok(grown < maxUse * mib, `the volume holds ${grown} bytes more`);
});

test("each fact, broken manually, is found and corrected", async () => {
  const breakages: readonly [command: string, found: string][] = [
    [
      "sed -i s/16M/17M/ /etc/systemd/journald.conf.d/sealift.conf",
      "/etc/systemd/journald.conf.d/sealift.conf is altered",
    ],
    ["systemctl disable -q var-log-journal.mount", "var-log-journal.mount is not started at boot"],
    [
      "echo >>/etc/systemd/system/var-log-journal.mount",
      "/etc/systemd/system/var-log-journal.mount is altered",
    ],
    [
      "chmod 0666 /etc/systemd/journald.conf.d/sealift.conf",
      "/etc/systemd/journald.conf.d/sealift.conf has owner and mode root:root 666 instead of root:root 644",
    ],
    ["journalctl --relinquish-var && umount /var/log/journal", "/var/log/journal is not /logs/journal"],
    ["touch /var/lib/sealift/journald-restart", "journald has not loaded its limits yet"],
  ];
  for (const [command, found] of breakages) {
    await on.root(command);
    assert.deepEqual(await drifts(on, steps), [`volumes.journal: drift ${found}`]);
    assert.deepEqual(await changes(on, steps), ["volumes.journal: changed"], command);
  }
});

test("other limits take effect at once", async () => {
  const other = stepsOf({
    ...laidOut,
    journal: { ...journal, maxUse: "32MiB", keepFree: "100MiB", maxRetentionDays: 30 },
  });
  assert.deepEqual(await changes(on, other), ["volumes.journal: changed"]);
  assert.match(
    await on.root("cat /etc/systemd/journald.conf.d/sealift.conf"),
    /SystemMaxUse=32M\nSystemKeepFree=100M\nMaxRetentionSec=30day\n$/,
  );
  assert.match(
    await on.root("journalctl -b -u systemd-journald -o cat | grep 'System Journal' | tail -n 1"),
    /max 32M/,
  );
  assert.deepEqual(await changes(on, steps), ["volumes.journal: changed"]);
});

test("another mount at /var/log/journal is refused", async () => {
  await on.root(
    "journalctl --relinquish-var && umount /var/log/journal && mount -t tmpfs here /var/log/journal",
  );
  assert.match(
    (await drifts(on, steps)).join("\n"),
    /^volumes\.journal: refused E_MOUNT_POINT \/ of here is mounted at \/var\/log\/journal; fix: unmount/,
  );
  await on.root("umount /var/log/journal");
  assert.deepEqual(await changes(on, steps), ["volumes.journal: changed"]);
});
