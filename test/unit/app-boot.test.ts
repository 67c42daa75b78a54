/** The first start of an application after a boot: which of the containers that the engine has started have to wait for others. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { library } from "../support/fixtures/example-host.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sealift-boot-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/**
 * Runs the script of the host with a docker that prints these lines of ps; what else it is asked to do. As the engine, it lists what it has
 * stopped as running until it has written that to disk, and answers an inspection afterwards.
 */
function boot(...lines: readonly string[]): string {
  const asked = join(folder, "asked");
  writeFileSync(asked, "");
  writeFileSync(join(folder, "ps"), lines.map((line) => `${line}\n`).join(""));
  writeFileSync(
    join(folder, "docker"),
    `#!/bin/sh
case $1 in
  ps) cat ${folder}/ps ;;
  stop) echo "$*" >>${asked} ;;
  inspect)
    shift
    for name in "$@"; do sed -i "/^$name /d" ${folder}/ps; done
    ;;
esac
`,
    { mode: 0o755 },
  );
  writeFileSync(
    join(folder, "boot"),
    execFileSync("sh", { input: `${library.text}\napp_boot_script\n`, encoding: "utf8" }),
  );
  execFileSync("sh", [join(folder, "boot"), join(folder, "docker"), "shop", join(folder, "run", "started")]);
  return readFileSync(asked, "utf8");
}

test("after a power cut, containers that the engine has started before what they wait for are stopped, once", () => {
  const all = [
    "shop-database-1  Up 2 seconds (health: starting)",
    "shop-web-1 waits Up 2 seconds (health: starting)",
    "shop-worker-1 waits Restarting (1) 1 second ago",
    "shop-proxy-1 waits Up 2 seconds",
    "shop-ready-1 waits Up 2 seconds (healthy)",
  ];
  assert.equal(boot(...all), "stop shop-web-1 shop-worker-1 shop-proxy-1\n");
  assert.doesNotMatch(readFileSync(join(folder, "ps"), "utf8"), /web|worker|proxy/, "compose starts them");
  assert.ok(existsSync(join(folder, "run", "started")));
  assert.equal(boot(...all), "", "later starts of the unit leave running containers alone");
});

test("after an orderly shutdown nothing runs, and nothing is stopped", () => {
  assert.equal(boot(), "");
  assert.ok(existsSync(join(folder, "run", "started")));
});
