import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";

const module = new URL("../../modules/core/process-group.ts", import.meta.url).href;

/** The process signals itself at a place where an event of the loop cannot come between: as if it had come while a program was started. */
const at = {
  "while a program is being started": "listen(); process.kill(process.pid, 'SIGTERM'); endsWithUs(2 ** 30);",
  "while the last program is being forgotten":
    "const group = endsWithUs(2 ** 30); process.kill(process.pid, 'SIGTERM'); group.forget();",
} as const;

for (const [when, code] of Object.entries(at))
  test(`a signal that comes ${when} ends this process too`, { timeout: 10_000 }, async () => {
    const script = `import { endsWithUs, listen } from ${JSON.stringify(module)}; void listen; ${code} setInterval(() => undefined, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
      stdio: "inherit",
      timeout: 30_000,
      killSignal: "SIGKILL",
    });
    assert.deepEqual(await once(child, "exit"), [null, "SIGTERM"]);
  });
