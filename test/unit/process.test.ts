import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import {
  IdleProgram,
  keptErrors,
  programFilter,
  runProgram,
  TooMuchOutput,
} from "../../modules/core/process.ts";

const sh = (script: string, ...args: readonly string[]): readonly string[] => ["-c", script, "sh", ...args];

test("a program gets its arguments as they are, its input, its folder and its environment", async () => {
  const script = `printf '%s|' "$@"; cat; printf '|%s|%s' "$PWD" "$WORD"; echo ' why ' >&2; exit 3`;
  const env = { ...process.env, WORD: "word" };
  const options = { input: "in", directory: "/", env };
  const { exitCode, signal, stdout, stderr } = await runProgram(
    "sh",
    sh(script, "$(id)", "-x", "a b"),
    options,
  );
  assert.deepEqual([exitCode, signal, stderr], [3, null, "why"]);
  assert.equal(stdout.toString(), "$(id)|-x|a b|in|/|word");
});

test("a program that does not exist is the error of the system; one that ignores its input is none", async () => {
  await assert.rejects(runProgram("/no/such/program", [], { input: "x" }), { code: "ENOENT" });
  const { exitCode } = await runProgram("true", [], { input: Buffer.alloc(1_000_000) });
  assert.equal(exitCode, 0);
});

test("too much output ends a program, on either stream, and what it printed before is kept", async () => {
  const killed = async (
    script: string,
    options: Parameters<typeof runProgram>[2],
  ): Promise<TooMuchOutput> => {
    const error: unknown = await runProgram("sh", sh(script), options).catch((error: unknown) => error);
    assert.ok(error instanceof TooMuchOutput, String(error));
    return error;
  };
  const out = await killed("echo why >&2; exec yes", { maxOutput: 1024 });
  assert.deepEqual([out.result.stdout.length, out.result.stderr], [1024, "why"]);
  assert.equal(out.message, "more than 1024 bytes from sh");
  const errors = await killed("echo out; exec yes >&2", { maxErrors: 1024 });
  assert.deepEqual([errors.result.stdout.toString(), errors.result.stderr.length], ["out\n", 1023]);
  const { exitCode, stderr } = await runProgram("sh", sh("head -c 1000000 /dev/zero >&2; exit 3"));
  assert.deepEqual([exitCode, stderr.length], [3, keptErrors]);
});

test("a program that prints nothing for too long is killed; output restarts the timer", async (context) => {
  await assert.rejects(runProgram("sh", sh("echo in; exec sleep 600"), { idleMs: 500 }), (error) => {
    assert.ok(error instanceof IdleProgram);
    assert.equal(error.message, "no output from sh for 0.5 s");
    assert.deepEqual([error.result.stdout.toString(), error.result.signal], ["in\n", "SIGKILL"]);
    return true;
  });
  // Each stream restarts the timer, without real time here. The mock timer of node:test has no refresh (Node 24).
  const refresh = context.mock.fn();
  const timers = context.mock.method(globalThis, "setTimeout", () => ({ refresh }));
  for (const script of ["echo out", "echo error >&2"]) await runProgram("sh", sh(script), { idleMs: 1 });
  timers.mock.restore();
  assert.equal(refresh.mock.callCount(), 2);
});

test("a time limit and an aborted signal kill a program; the signal kills its children too", async () => {
  const { signal, exitCode } = await runProgram("sleep", ["600"], { timeoutMs: 50 });
  assert.deepEqual([signal, exitCode], ["SIGKILL", 1]);
  const controller = new AbortController();
  const reason = new Error("enough");
  // The child keeps the pipe open: the call could not end if only the shell were killed.
  const run = runProgram("sh", sh("sleep 600 & echo begun; wait"), {
    until: controller.signal,
    onOutput: () => {
      controller.abort(reason);
    },
  });
  await assert.rejects(run, reason);
  await assert.rejects(runProgram("true", [], { until: controller.signal }), reason);
});

test("a filter passes bytes through a program, or is the error of the system", async () => {
  const stream = await programFilter("tr", ["a-z", "A-Z"]);
  stream.end("loud");
  assert.equal(await text(stream), "LOUD");
  await assert.rejects(programFilter("/no/such/program", []), { code: "ENOENT" });
});
