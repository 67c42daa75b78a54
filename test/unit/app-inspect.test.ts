/** What the shell reads from the engine about the containers of an application, and what it repeats of what compose says. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { library } from "../support/fixtures/example-host.ts";

function sh(commands: string): string {
  return execFileSync("sh", { input: `${library.text}\n${commands}\n`, encoding: "utf8" });
}

/** A line of docker ps: its labels are JSON. */
function line(
  [service, hash, image, signature, compose]: readonly string[],
  ...rest: readonly string[]
): string {
  const labels = [service, hash, image, signature, compose].map((one) => JSON.stringify(one ?? ""));
  return ["container", ...labels, ...rest].join("\t");
}

function lines(...given: readonly string[]): readonly string[] {
  return sh(`app_container_lines <<'END'\n${given.join("\n")}\nEND`)
    .split("\n")
    .slice(0, -1);
}

const plain = ["web", "ab12", "sha256:cd34", "ef56", "5.5.0"];
const running = ["shop-web-1", "docker.io/library/web:1", "running", "Up 2 hours (healthy)"];

test("a container is a line with its labels, name, image and state", () => {
  assert.deepEqual(lines(line(plain, ...running)), [
    "container web -ab12 shop-web-1 sha256:cd34 -ef56 -5.5.0 docker.io/library/web:1 running Up 2 hours (healthy)",
  ]);
  assert.deepEqual(lines(line([], ...running)), [
    "container ? - shop-web-1 ? - - docker.io/library/web:1 running Up 2 hours (healthy)",
  ]);
});

test("a label with a line end, a blank, a tab or a quote equals nothing, and moves no other field", () => {
  for (const odd of [
    "web\ncontainer ghost -1 shop-ghost-1 x -1 -5 y running Up",
    "web -1 shop-ghost-1",
    "a\tb",
    'a"b',
    "a\\b",
    "ä",
  ])
    for (const at of plain.keys()) {
      const found = lines(line(plain.with(at, odd), ...running));
      assert.equal(found.length, 1, JSON.stringify(odd));
      const words = found[0]?.split(" ") ?? [];
      assert.equal([words[1], words[2], words[4], words[5], words[6]][at]?.replace("-", ""), "?");
      assert.deepEqual(words.slice(7), [
        "docker.io/library/web:1",
        "running",
        "Up",
        "2",
        "hours",
        "(healthy)",
      ]);
    }
});

test("what is no line of this format is left out: a warning of docker, one field more or less", () => {
  assert.deepEqual(
    lines(
      "WARNING: Error loading config file",
      "container web -1 shop-web-1 x -1 -5 y running Up",
      `${line(plain, ...running)}\tmore`,
      line(plain, ...running.slice(1)),
    ),
    [],
  );
});

test("the reason of a failed update has no secret of the application: compose repeats what hooks and the engine say", () => {
  const folder = mkdtempSync(join(tmpdir(), "sealift-inspect-"));
  mkdirSync(join(folder, "secrets", "shop"), { recursive: true });
  mkdirSync(join(folder, "state"));
  writeFileSync(join(folder, "secrets", "shop", "db_password.0a1b2c3d"), "not-to-be-guessed\n");
  const said = sh(`
APP_SECRETS=${folder}/secrets
APP_INSPECTED=${folder}/state
app_inspect() { app_seen=; }
app_watch_start() { :; }
app_watch_end() { :; }
app_restarts() { :; }
app_current() { echo 1.0.0-00000000; }
app_start() { echo "post_start: login as shop:not-to-be-guessed failed in $3"; return 1; }
apply_app_service /svc/apps/shop shop 1.1.0-11111111 web run 1 sig image 1 1 rollback || true`);
  rmSync(folder, { recursive: true });
  assert.match(
    said,
    /^E_APP_UPDATE release 1\.1\.0-11111111 of shop is not healthy: post_start: login as shop:\*\*\* failed in 1\.1\.0-11111111; release 1\.0\.0-00000000 does not run either: post_start: login as shop:\*\*\* failed in 1\.0\.0-00000000; fix: /,
  );
  assert.doesNotMatch(said, /not-to-be-guessed/);
});
