import assert from "node:assert/strict";
import { before, test } from "node:test";
import { restartGuest } from "../lab/guest.ts";
import { vm } from "../lab/machine-choice.ts";
import { shellOn, startFunctions, type ShellFunctions } from "../support/shell-functions.ts";
import { undoAfter } from "../support/undo.ts";
import { changes, drifts, stepsOf } from "../support/volumes-under-test.ts";

/** The journal on its volume after a power cut, and where it goes when the volume does not come. */
let on: ShellFunctions;
const undo = undoAfter();
before(async () => {
  on = await startFunctions("volumes-journal-boot", vm("boot"));
  undo(() => on.end());
  assert.equal((await changes(on, steps)).at(-1), "volumes.journal: changed");
});

const steps = stepsOf({
  logical: [{ name: "logs", size: "1GiB", filesystem: "ext4", mount: "/logs" }],
  journal: { mount: "/logs", maxUse: "16MiB" },
});

test("after a power cut the journal of the new boot is on the volume, too", async () => {
  await on.root("logger --tag last 'before the cut' && journalctl --sync && sync");
  await on.guest.kill();
  on = await shellOn(await restartGuest("volumes-journal-boot", "off"));
  assert.deepEqual(await drifts(on, steps), []);
  assert.match(await on.root("journalctl -D /logs/journal -b -1 -t last -o cat"), /before the cut/);
  assert.match(await on.root("journalctl -D /logs/journal -b -o cat -k | head -n 1"), /Linux version/);
});

test("a boot without the volume leaves the journal in memory and the root disk as it is", async () => {
  await on.root("cd /etc/systemd/system && rm logs.mount && ln -s /dev/null logs.mount && sync");
  await on.guest.kill();
  on = await shellOn(await restartGuest("volumes-journal-boot", "off"));
  await on.root("logger --tag lost 'no volume' && journalctl --sync");
  assert.equal(await on.root("ls -A /var/log/journal"), "");
  assert.match(await on.root("journalctl -D /run/log/journal -t lost -o cat"), /no volume/);
});
