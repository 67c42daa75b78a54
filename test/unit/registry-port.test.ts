/** Which process counts as the registry itself on its ports, by the output of ss(8). */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { library } from "../support/fixtures/example-host.ts";

/** The refusal when the unit's process is `main` and ss prints these lines for the reader's port. */
function refusal(main: number, ...lines: string[]): string {
  const input = `${library.text}
set -u
systemctl() { echo ${main}; }
ss() { case $2 in *:5443) cat /dev/fd/9 ;; esac; }
guard_registry_running 3.1.1 reg.example 5443 5444 9<<'LINES' || true
${lines.join("\n")}
LINES
`;
  return execFileSync("sh", { input, encoding: "utf8", stdio: ["pipe", "pipe", "inherit"] });
}
const line = (users: string): string => `LISTEN 0 4096 *:5443 *:* users:(${users})`;

test("the registry's own process has its port", () => {
  assert.equal(refusal(7, line('("registry",pid=7,fd=3)')), "");
  assert.equal(refusal(7, ""), "");
  assert.match(refusal(7, line('("nc",pid=70,fd=3)')), /^E_PORT port 5443 is taken by nc, pid 70; /);
});

test("a process does not count as the registry by its name, nor by a forged line", () => {
  for (const name of ["pid=0,", 'x",pid=0,fd=1', '",pid=0,'])
    assert.match(
      refusal(0, line(`("${name}",pid=70,fd=3)`)),
      /^E_PORT port 5443 is taken by .*, pid 70; /,
      name,
    );
  assert.match(
    refusal(7, line('("registry",pid=7,fd=3)'), line('("nc",pid=70,fd=3)')),
    /^E_PORT port 5443 is taken by nc, pid 70; /,
  );
  assert.match(refusal(0, "LISTEN 0 4096 *:5443 *:*"), /^E_PORT port 5443 is taken by somebody; /);
});
