import assert from "node:assert/strict";
import { before, test } from "node:test";
import { quote } from "../../modules/core/quote.ts";
import { parseReport } from "../../modules/core/host/report.ts";
import { startFunctions, type ShellFunctions } from "../support/guests/shell-functions.ts";
import { container } from "../lab/machine-choice.ts";
import { undoAfter } from "../support/process/undo.ts";

/** Data root and image store: on folders as an engine leaves them. */
let on: ShellFunctions;
const undo = undoAfter();
before(async () => {
  on = await startFunctions("engine-store", container());
  undo(() => on.end());
  await on.root("mkdir -p /var/lib/sealift");
});

const root = "/srv/docker";
const layer = `${root}/image/overlay2/layerdb/sha256/abc`;
const snapshot = `${root}/containerd/daemon/io.containerd.snapshotter.v1.overlayfs/snapshots/7`;
/** What is written down, what lies on the disk, what the site asks for; what is said. */
const stores: readonly [
  noted: string,
  there: string,
  expected: string,
  check: RegExp,
  guard: RegExp | undefined,
][] = [
  ["", "", "classic", /^not recorded; the host holds no images$/, undefined],
  [
    "",
    layer,
    "classic",
    /^not recorded; the host holds images or containers of the classic store$/,
    undefined,
  ],
  [
    "",
    layer,
    "containerd",
    /^not recorded/,
    /^E_IMAGE_STORE the host holds .* of the classic store, but the site asks for the containerd store; fix: set storage-driver: overlay2 under/,
  ],
  ["classic", layer, "classic", /^$/, undefined],
  ["classic", layer, "containerd", /^classic, /, /^E_IMAGE_STORE /],
  ["classic", "", "containerd", /^classic; the host holds no images$/, undefined],
  ["containerd", snapshot, "containerd", /^$/, undefined],
  [
    "containerd",
    snapshot,
    "classic",
    /^containerd, /,
    /^E_IMAGE_STORE .* of the containerd store, .*; fix: set features: \{containerd-snapshotter: true\}/,
  ],
  [
    "classic",
    snapshot,
    "classic",
    /^classic is recorded, but the host holds .* containerd store$/,
    /^E_IMAGE_STORE /,
  ],
  ["containerd", `${layer} ${snapshot}`, "containerd", /^$/, undefined],
  [
    "containerd",
    `${layer} ${snapshot}`,
    "classic",
    /^containerd, .* both stores$/,
    /^E_IMAGE_STORE .* the store recorded as in use is containerd/,
  ],
];
test("image store: decided by the record, the existing data and the site", async () => {
  // One login for all cases: under emulation it costs more than they do.
  const cases = stores.map(([noted, there, expected]) => {
    const step = ["step", "engine.store", "the store is right", "none", "engine_store", expected, root];
    const plan = `phase guest test 1\n${step.map(quote).join(" ")}\nend\n`;
    return `rm -rf ${root} /var/lib/sealift/image-store; mkdir -p ${root} ${there}
      ${noted === "" ? ":" : `echo ${noted} >/var/lib/sealift/image-store`}
      (run check <<'PLAN'\n${plan}PLAN\n)\n(run apply <<'PLAN'\n${plan}PLAN\n) || true
      echo "noted $(cat /var/lib/sealift/image-store 2>/dev/null)"; echo ---\n`;
  });
  const input = `. /run/sealift-library.sh\n${cases.join("")}`;
  const { stdout } = await on.guest.exec("sudo -n sh -s", { input });
  const reported = stdout.split("---\n");
  for (const [index, [noted, there, expected, check, guard]] of stores.entries()) {
    const name = `${noted || "nothing"} noted, "${there}" there, ${expected} expected: ${reported[index] ?? ""}`;
    const [checked, applied] = parseReport(reported[index] ?? "").steps;
    const right = check.source === "^$";
    assert.equal(checked?.status, guard !== undefined ? "refused" : right ? "ok" : "drift", name);
    assert.match(checked.found, guard ?? check, name);
    assert.equal(applied?.status, guard !== undefined ? "failed" : right ? "ok" : "changed", name);
    const now = /^noted (.*)$/m.exec(reported[index] ?? "")?.[1];
    assert.equal(now, guard === undefined ? expected : noted, name);
  }
});

test("only root can change the records", async () => {
  const written = [
    ["image-store", "engine_store", "classic", root],
    ["data-root", "engine_data_root", root],
  ] as const;
  await on.root(`rm -rf ${root} /var/lib/sealift/image-store /var/lib/sealift/data-root; mkdir -p ${root}`);
  for (const [file, name, ...args] of written) {
    assert.equal((await on.call(`apply_${name}`, ...args)).exitCode, 0);
    await on.root(`chmod 0666 /var/lib/sealift/${file}`);
    assert.match(
      (await on.call(`check_${name}`, ...args)).output,
      / has owner and mode root:root 666 instead of root:root 644$/,
    );
    assert.equal((await on.call(`apply_${name}`, ...args)).exitCode, 0);
    assert.equal((await on.call(`check_${name}`, ...args)).exitCode, 0);
    await on.root(`rm /var/lib/sealift/${file}`);
  }
});

test("data-root changes only if the old folder is empty", async () => {
  const guard = (): ReturnType<ShellFunctions["call"]> => on.call("guard_engine_data_root", "/new");
  await on.root(`rm -rf ${root}; mkdir -p ${root}/volumes/metadata; rm -f /var/lib/sealift/data-root`);
  assert.deepEqual(await on.call("check_engine_data_root", root), {
    exitCode: 1,
    output: "not recorded",
  });
  assert.equal((await on.call("apply_engine_data_root", root)).exitCode, 0);
  assert.equal((await on.call("check_engine_data_root", root)).exitCode, 0);
  assert.equal((await guard()).exitCode, 0);
  for (const thing of [`${root}/containers/abc`, `${root}/volumes/mine/_data`, layer, snapshot]) {
    await on.root(`mkdir -p ${thing}`);
    const { exitCode, output } = await guard();
    assert.equal(exitCode, 1);
    assert.match(
      output,
      /^E_DATA_ROOT data-root was \/srv\/docker, which holds images, containers or volumes; fix: set data-root back to \/srv\/docker in/,
    );
    await on.root(`rmdir ${thing}`);
  }
  // The remedy can be followed: what was moved is found in its new place.
  await on.root(`mkdir -p ${root}/containers/abc && mv ${root} /new`);
  assert.equal((await guard()).exitCode, 0);
  await on.root("rm -r /new");
  assert.match(
    (await guard()).output,
    /^E_DATA_ROOT data-root was \/srv\/docker, which no longer exists; its volume may not be mounted; fix: mount it, or remove/,
  );
  assert.equal((await on.call("apply_engine_data_root", "/new")).exitCode, 1);
});
