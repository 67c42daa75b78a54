/** What the shell reads from the engine's answers about an image. What is done about it is tested on hosts. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { library } from "../support/fixtures/example-host.ts";

const pinned = "ab".repeat(32);
const other = "cd".repeat(32);

function matches(status: number, answer: string): string {
  const script = `${library.text}\nattempt image_matches ${status} '${answer}' ${pinned}\nprintf '%s %s' "$attempt_status" "$attempt_output"\n`;
  return execFileSync("sh", { input: script, encoding: "utf8" });
}

const cases: readonly [what: string, status: number, answer: string, found: string][] = [
  [
    "the containerd store: the id is the digest",
    0,
    `sha256:${pinned} library/hello@sha256:${pinned} linux/amd64`,
    "0 ",
  ],
  [
    "the classic store: the digest of the pull is beside the id",
    0,
    `sha256:${other} registry.site:5000/docker.io/library/hello@sha256:${pinned} linux/amd64`,
    "0 ",
  ],
  [
    "several digests",
    0,
    `sha256:${other} a/b@sha256:${other} c:5000/d@sha256:${pinned} e/f@sha256:${other} linux/arm64`,
    "0 ",
  ],
  [
    "another image under the name",
    0,
    `sha256:${other} library/hello@sha256:${other} linux/amd64`,
    `1 another image has this name: sha256:${other}`,
  ],
  [
    "the classic store without a digest: loaded or built on the host",
    0,
    `sha256:${other} linux/amd64`,
    `1 another image has this name: sha256:${other}`,
  ],
  [
    "a digest that only begins like the one of the lock",
    0,
    `sha256:${other} library/hello@sha256:${pinned}00 linux/amd64`,
    `1 another image has this name: sha256:${other}`,
  ],
  [
    "an index without the content for this platform",
    0,
    `sha256:${pinned} library/hello@sha256:${pinned} /`,
    "1 the content for the platform of this host is missing",
  ],
  [
    "no image, in the words of engine 29",
    1,
    "\nError response from daemon: No such image: hello:1",
    "1 absent",
  ],
  ["no image, in the words of an older client", 1, "\nError: No such image: hello:1", "1 absent"],
  [
    "no daemon",
    1,
    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
    "1 the engine does not answer: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
  ],
  ["a daemon that hangs", 124, "", "1 the engine does not answer in time"],
];
for (const [what, status, answer, found] of cases)
  test(`docker image inspect: ${what}`, () => {
    assert.equal(matches(status, answer), found);
  });

test("on a host without an engine, an image is absent", () => {
  const script = `${library.text}\nSEALIFT_DOCKER=/nonexistent/docker\nattempt check_image_pulled a:1 ${pinned} r/a\nprintf '%s %s' "$attempt_status" "$attempt_output"\n`;
  assert.equal(execFileSync("sh", { input: script, encoding: "utf8" }), "1 absent: there is no engine yet");
});

test("in a probe that found a fault of the engine, an image waits for seconds only", () => {
  const limit = (differ: string): string => {
    const stubs =
      'SEALIFT_DOCKER=/bin/true\npath_is_safe() { :; }\ntimeout() { echo "limit $1"; return 1; }\n';
    const script = `${library.text}\n${stubs}run_differ='${differ}'\nattempt check_image_loaded a:1 ${pinned}\nprintf '%s' "$attempt_output"\n`;
    return execFileSync("sh", { input: script, encoding: "utf8" });
  };
  assert.match(limit(""), /limit 60$/);
  assert.match(limit(" engine.files daemon.running"), /limit 5$/);
});
