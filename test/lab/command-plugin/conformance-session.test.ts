/** What a Command's command gets from its inputs, and what becomes of what it says. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { startConformanceSite } from "./conformance-site.ts";
import { secret, type Properties } from "./properties.ts";

const site = await startConformanceSite();
const { plugin, sshd, engine } = site;
after(() => site.stop());

const create = async (inputs: Properties) => plugin.create("Command", await site.command(inputs));

describe("the input of a command", () => {
  test("is stdin, completely; without one it ends at once", async () => {
    const stdin = "é\n".repeat(100_000);
    const { state } = await create({ create: "wc -c; cat >/dev/null", stdin, logging: "none" });
    assert.equal(state["stdout"], "300000");
    assert.equal((await create({ create: "cat; echo end" })).state["stdout"], "end");
  });

  test("a short stdin may stay unread; a long one that does not fit the ssh window fails the command", async () => {
    const { state } = await create({ create: "exec <&-; echo early", stdin: "x".repeat(10_000) });
    assert.equal(state["stdout"], "early");
    const long = create({ create: "exec <&-; echo early", stdin: "x".repeat(5_000_000), logging: "none" });
    await assert.rejects(long, { code: 2, details: 'EOF: running "exec <&-; echo early":\nearly\n' });
  });

  test("has environment variables, as far as AcceptEnv allows", async () => {
    const environment = { SEALIFT_TEST_A: "it's $HOME", SEALIFT_TEST_B: secret("b") };
    const { state } = await create({ create: 'echo "$SEALIFT_TEST_A $SEALIFT_TEST_B"', environment });
    assert.equal(state["stdout"], "it's $HOME b");
    assert.deepEqual(state["environment"], environment);
  });

  test("a variable that the server refuses is an error, and the command does not run", async () => {
    const marker = `${sshd.directory}/ran`;
    const refused = create({ create: `touch ${marker}`, environment: { REFUSED: "1" } });
    await assert.rejects(refused, {
      code: 2,
      details: 'could not set environment variable "REFUSED": ssh: setenv failed',
    });
    assert.ok(engine.lines.some((line) => line.startsWith("ERROR Unable to set 'REFUSED'")));
    assert.equal((await create({ create: `test ! -e ${marker} && echo absent` })).state["stdout"], "absent");
  });
});

describe("the output of a command", () => {
  test("with an exit status other than 0 fails with the command and all its output", async () => {
    const command = "echo 'o\"ut'\necho err >&2; exit 3";
    await assert.rejects(create({ create: command }), (error: { code: number; details: string }) => {
      assert.equal(error.code, 2);
      const head = 'Process exited with status 3: running "echo \'o\\"ut\'\\necho err >&2; exit 3":\n';
      assert.ok(error.details.startsWith(head), error.details);
      // Two streams: which comes first is not said.
      assert.deepEqual(error.details.slice(head.length).trim().split("\n").sort(), ["err", 'o"ut']);
      return true;
    });
  });

  test("with a signal fails by its name", async () => {
    await assert.rejects(create({ create: "kill -TERM $$" }), {
      details: 'Process exited with status 143 from signal TERM: running "kill -TERM $$":\n',
    });
  });

  test("shows its lines on the screen unless logging says otherwise", async () => {
    await create({ create: "echo seen-out; echo seen-err >&2" });
    await create({ create: "echo hidden-out; echo hidden-err >&2", logging: "none" });
    await create({ create: "echo half-out; echo half-err >&2", logging: "stderr" });
    const shown = engine.lines.filter((line) => /(seen|hidden|half)-/.test(line)).sort();
    assert.deepEqual(shown, ["status INFO half-err", "status INFO seen-err", "status INFO seen-out"]);
  });

  test("may have a line of 200,000 bytes if logging is off", async () => {
    const { state } = await create({ create: "head -c 200000 /dev/zero | tr '\\0' x", logging: "none" });
    assert.equal(state["stdout"], "x".repeat(200_000));
  });
});
