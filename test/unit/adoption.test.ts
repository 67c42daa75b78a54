import assert from "node:assert/strict";
import { test } from "node:test";
import { adoption } from "../../modules/preflight/adoption.ts";

const held = "E_DATA_ROOT /var/lib/docker has containers: 2, volumes: 1, images: 3 (engine 26.1.5)";

test("what is to be done on a host is said as commands that are typed as they stand", () => {
  assert.deepEqual(adoption(`${held}; - docker.io docker-cli`), {
    got: "/var/lib/docker has containers: 2, volumes: 1, images: 3 (engine 26.1.5)",
    todo:
      "to keep them go by docs/guide/adopt-a-docker-host.md: on the host `sudo systemctl disable --now docker.socket docker.service containerd.service`, " +
      "`sudo apt-get remove docker.io docker-cli` (never purge, which may delete them); " +
      "add `engine: { adopt: { from: /var/lib/docker, version: 26.1.5 } }` to the host in the site, then `pulumi up`; or remove what nobody needs",
  });
});

test("with live-restore the engine lets go of its containers first; what is removed already is not stopped, for it may be ours", () => {
  assert.match(
    adoption(`${held}; live-restore docker-ce`)?.todo ?? "",
    /set live-restore to false .*reload docker`, `sudo systemctl disable/,
  );
  assert.doesNotMatch(adoption(`${held}; -`)?.todo ?? "", /systemctl|apt-get/);
  assert.match(
    adoption(held.replace("/var/lib/docker", "/var/snap/docker/common/var-lib-docker") + "; -")?.todo ?? "",
    /snap/,
  );
});

test("a host's words that have another form become no command", () => {
  for (const words of [
    `${held}; - docker.io; rm -rf /`,
    `${held}; - $(reboot)`,
    `${held}; - docker.io\`reboot\``,
    `${held.replace("/var/lib/docker", "/var/lib/`x`")}; -`,
    `${held.replace("26.1.5", "1 && reboot")}; -`,
    "something else",
  ])
    assert.equal(adoption(words), undefined, words);
});
