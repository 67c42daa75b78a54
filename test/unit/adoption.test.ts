import assert from "node:assert/strict";
import { test } from "node:test";
import { adoption } from "../../modules/preflight/adoption.ts";

const held = "E_DATA_ROOT /var/lib/docker has containers: 2, volumes: 1, images: 3 (engine 26.1.5)";

test("the remedy on a host is a list of commands that can be typed as printed", () => {
  assert.deepEqual(adoption(`${held}; fix: - docker.io docker-cli`), {
    found: "/var/lib/docker has containers: 2, volumes: 1, images: 3 (engine 26.1.5)",
    fix:
      "to keep them, follow docs/guide/adopt-a-docker-host.md: on the host `sudo systemctl disable --now docker.socket docker.service containerd.service`, " +
      "`sudo apt-get remove docker.io docker-cli` (never purge, which may delete them); " +
      "add `engine: { adopt: { from: /var/lib/docker, version: 26.1.5 } }` to the host in the site, then `pulumi up`; or remove what is no longer needed",
  });
});

test("with live-restore the engine releases its containers first; removed packages are not stopped, because the service may be Sealift's", () => {
  assert.match(
    adoption(`${held}; fix: live-restore docker-ce`)?.fix ?? "",
    /set live-restore to false .*reload docker`, `sudo systemctl disable/,
  );
  assert.doesNotMatch(adoption(`${held}; fix: -`)?.fix ?? "", /systemctl|apt-get/);
});

test("data of a snap is copied before the snap is removed; what a removed snap has left is adopted where it is", () => {
  const root = "/var/snap/docker/common/var-lib-docker";
  const ofSnap = held.replace("/var/lib/docker", root).replace("26.1.5", "<version>");
  assert.match(adoption(`${ofSnap}; fix: - snap:docker`)?.fix ?? "", /: the section on snap; or remove/);
  assert.equal(
    adoption(`${ofSnap}; fix: -`)?.fix,
    "to keep them, follow docs/guide/adopt-a-docker-host.md: " +
      `add \`engine: { adopt: { from: ${root}, version: <version> } }\` to the host in the site, then \`pulumi up\`; or remove what is no longer needed`,
  );
});

test("words of a host in another form become no command", () => {
  for (const words of [
    `${held}; fix: - docker.io; rm -rf /`,
    `${held}; fix: - $(reboot)`,
    `${held}; fix: - docker.io\`reboot\``,
    `${held.replace("/var/lib/docker", "/var/lib/`x`")}; fix: -`,
    `${held.replace("26.1.5", "1 && reboot")}; fix: -`,
    "something else",
  ])
    assert.equal(adoption(words), undefined, words);
});
