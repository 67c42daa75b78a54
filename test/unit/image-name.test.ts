/** Names of images: accepted, or refused with a suggestion. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fullImageName, isImageReference, placedName, readImageName } from "../../modules/core/image-name.ts";

const digest = `sha256:${"0".repeat(64)}`;

test("full names are accepted as they are, and a digest is split off", () => {
  for (const name of [
    "docker.io/library/busybox:1.37",
    "docker.io/a/b/c_d__e-f--g.h:latest",
    "localhost/app:1",
    "localhost:5077/team/app:1",
    "registry.corp.example:5000/team/app:1",
    "10.0.0.5:5000/team/app:V1_x.y-z",
    "registry.k8s.io/pause:3.9",
  ]) {
    assert.deepEqual(readImageName(name), { name });
    assert.deepEqual(readImageName(`${name}@${digest}`), { name, digest });
  }
});

test("everything else is refused with the next thing to do", () => {
  for (const [name, fix] of [
    ["nginx:1.27", "write docker.io/library/nginx:1.27"],
    ["library/nginx:1.27", "write docker.io/library/nginx:1.27"],
    ["rancher/mirrored-pause:3.6", "write docker.io/rancher/mirrored-pause:3.6"],
    ["docker.io/nginx:1", "write docker.io/library/nginx:1"],
    ["index.docker.io/library/nginx:1", "write docker.io/library/nginx:1"],
    ["registry-1.docker.io/nginx:1", "write docker.io/library/nginx:1"],
    [`nginx:1@${digest}`, `write docker.io/library/nginx:1@${digest}`],
    ["quay.io/team/app", "add the tag: write quay.io/team/app:<tag>"],
    ["nginx", "add the tag: write docker.io/library/nginx:<tag>"],
    [`registry.k8s.io/pause@${digest}`, `add the tag: write registry.k8s.io/pause:<tag>@${digest}`],
    ["quay.io/Team/App:1", "write quay.io/team/app:1"],
    ["quay.io/a..b/c:1", "correct the name; example: docker.io/library/busybox:1.37"],
    ["quay.io/a___b:1", "correct the name; example: docker.io/library/busybox:1.37"],
    ["quay.io/-a:1", "correct the name; example: docker.io/library/busybox:1.37"],
    ["quay.io//a:1", "correct the name; example: docker.io/library/busybox:1.37"],
    ["quay.io/:1", "correct the name; example: docker.io/library/busybox:1.37"],
    ["my_registry:5000/app:1", "correct the name; example: docker.io/library/busybox:1.37"],
    ["https://quay.io/team/app:1", "correct the name; example: docker.io/library/busybox:1.37"],
    ["[fd00::5]:5000/team/app:1", "give the registry a DNS name and use it"],
    ["quay.io/app:1@sha512:ab", "correct the digest, or remove it"],
    ["quay.io/app:-1", "correct the tag"],
    [`quay.io/${"long/".repeat(60)}app:1`, "copy the image to a shorter name"],
  ] as const) {
    const read = readImageName(name);
    assert.ok(!isImageReference(read), name);
    assert.equal(read.fix, fix, name);
  }
});

test("Docker's short names in full", () => {
  assert.equal(fullImageName("nginx:1"), "docker.io/library/nginx:1");
  assert.equal(fullImageName("team/app:1"), "docker.io/team/app:1");
  assert.equal(fullImageName("localhost/app:1"), "localhost/app:1");
  assert.equal(fullImageName("registry.corp:5000/app"), "registry.corp:5000/app");
});

test("in the path of another registry a port follows an underscore, and nothing else changes", () => {
  assert.equal(placedName("registry.corp:5000/team/app:1"), "registry.corp_5000/team/app:1");
  assert.equal(placedName("registry.corp:5000"), "registry.corp_5000");
  assert.equal(placedName("docker.io/library/hello:1"), "docker.io/library/hello:1");
  assert.equal(placedName("files/docker:28.5.2-linux-amd64"), "files/docker:28.5.2-linux-amd64");
  assert.equal(placedName("localhost/app:5000"), "localhost/app:5000");
});
