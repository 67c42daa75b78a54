/** What an error shows of an application's own output: not its secrets. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { library } from "../support/fixtures/example-host.ts";

function sh(commands: string): string {
  return execFileSync("sh", { input: `${library.text}\n${commands}\n`, encoding: "utf8" });
}

describe("output of an application", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "sealift-redact-"));
    const secrets: Readonly<Record<string, string>> = {
      "password.11111111": "s3cr.t[&\\x]\n",
      "longer.11111111": "s3cr.t[&\\x]-and-more",
      "windows.11111111": "carriage\r\n",
      "short.11111111": "admin",
      "lines.11111111": "first line\nsecond line\n",
      "empty.11111111": "",
      "unicode.11111111": "schlüssel",
    };
    mkdirSync(join(folder, "none"));
    // An engine makes one where it misses a file.
    mkdirSync(join(folder, "shop", "folder.11111111"), { recursive: true });
    for (const [name, text] of Object.entries(secrets)) writeFileSync(join(folder, "shop", name), text);
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });
  const shown = (text: string, app = "shop"): string =>
    sh(`redact_contents ${join(folder, app)} <<'END'\n${text}\nEND`).replace(/\n$/, "");

  const cases: readonly [what: string, said: string, shown: string][] = [
    [
      "a secret, each time",
      String.raw`url db://a:s3cr.t[&\x]@b s3cr.t[&\x]s3cr.t[&\x]`,
      "url db://a:***@b ******",
    ],
    ["one that another begins with", String.raw`s3cr.t[&\x]-and-more.`, "***."],
    ["its characters stand for themselves", "s3cr_t[&x] s3crtt", "s3cr_t[&x] s3crtt"],
    ["a line end of Windows", "a carriage!", "a ***!"],
    ["letters of more than a byte", "der schlüssel fehlt", "der *** fehlt"],
    ["short ones, several lines and empty files are left", "admin: first line", "admin: first line"],
    ["lines stay lines", "a\n\n  b carriage\nc", "a\n\n  b ***\nc"],
  ];
  for (const [what, said, expected] of cases)
    test(`three stars: ${what}`, () => {
      assert.equal(shown(said), expected);
    });

  test("without secrets nothing is changed", () => {
    for (const app of ["none", "absent"]) assert.equal(shown("a carriage", app), "a carriage");
  });

  test("the text of a secret is an argument of no program", () => {
    const traced = sh(
      `awk() { for one in "$@"; do echo "arg $one"; done; }\nredact_contents ${join(folder, "shop")} </dev/null`,
    );
    assert.match(traced, /^arg \S+\/shop\/password\.11111111$/m);
    assert.doesNotMatch(traced, /s3cr|carriage|schl/);
  });

  test("what an application that is not well says goes through this: its health check and its log", () => {
    const docker = join(folder, "docker");
    writeFileSync(
      docker,
      `#!/bin/sh\ncase "$*" in logs*) echo "connecting with carriage" ;; *Health.Log*) echo "bad carriage" ;; esac\n`,
      { mode: 0o755 },
    );
    const stubs = `SEALIFT_DOCKER=${docker}\napp_restarts() { echo "web-1 running unhealthy restarts=0"; }\n`;
    const filter = `redact_contents() { echo "folder $1"; sed 's/carriage/***/'; }\n`;
    assert.deepEqual(sh(`${stubs}${filter}app_troubles shop`).trimEnd().split("\n"), [
      "folder /run/sealift/secrets/shop",
      "web-1: running, health unhealthy, restarts=0",
      "web-1: health check: bad ***",
      "web-1: log: connecting with ***",
    ]);
  });
});
