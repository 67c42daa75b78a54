/** A Command's life: create, update, delete, their previews, and what the state keeps. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { startSshd } from "../../support/servers/sshd.ts";
import { startConformanceSite } from "./conformance-site.ts";
import { secret, unknown, type Properties } from "./properties.ts";

const site = await startConformanceSite();
const { plugin, sshd, engine } = site;
after(() => site.stop());

const create = async (inputs: Properties) => plugin.create("Command", await site.command(inputs));

/** Says how many connections an act has opened. */
async function connectionsOf(act: () => Promise<unknown>): Promise<number> {
  const before = sshd.connections();
  await act();
  return sshd.connections() - before;
}

describe("create", () => {
  test("runs `create`; the state is the inputs and the output", async () => {
    const inputs = await site.command({ create: "echo out; echo err >&2" });
    const { id, state } = await plugin.create("Command", inputs);
    assert.match(id, /^subject[0-9a-f]{8}$/);
    assert.deepEqual(state, { ...inputs, stdout: "out", stderr: "err" });
  });

  test("trims one newline, not two", async () => {
    const { state } = await create({ create: "printf 'a\\n\\n'; printf 'b\\n\\n\\n' >&2" });
    assert.deepEqual([state["stdout"], state["stderr"]], ["a\n", "b\n\n"]);
  });

  test("without `create` does not even connect", async () => {
    const opened = await connectionsOf(async () => {
      const { state } = await create({ delete: "true" });
      assert.deepEqual([state["stdout"], state["stderr"]], ["", ""]);
    });
    assert.equal(opened, 0);
  });
});

describe("update", () => {
  test("runs `update`", async () => {
    const before = await create({ create: "echo created", update: "echo updated" });
    const inputs = await site.command({ create: "echo created", update: "echo updated again" });
    const { state } = await plugin.update("Command", before, inputs);
    assert.deepEqual(state, { ...inputs, stdout: "updated again", stderr: "" });
  });

  test("without `update` runs `create`", async () => {
    const before = await create({ create: "echo one" });
    const after = await plugin.update("Command", before, await site.command({ create: "echo two" }));
    assert.equal(after.state["stdout"], "two");
  });

  test("with neither keeps the last output", async () => {
    const before = await create({ create: "echo one" });
    const opened = await connectionsOf(async () => {
      const after = await plugin.update("Command", before, await site.command({ delete: "true" }));
      assert.equal(after.state["stdout"], "one");
    });
    assert.equal(opened, 0);
  });

  test("passes on the last output", async () => {
    const before = await create({ create: "echo out; echo err >&2" });
    const printOutputs = 'echo "[$PULUMI_COMMAND_STDOUT][$PULUMI_COMMAND_STDERR]"';
    const reported = await plugin.update("Command", before, await site.command({ create: printOutputs }));
    assert.equal(reported.state["stdout"], "[out][err]");
    const silent = await site.command({ create: printOutputs, addPreviousOutputInEnv: false });
    assert.equal((await plugin.update("Command", before, silent)).state["stdout"], "[][]");
  });

  test("continues if the server refuses the last output, and warns", async () => {
    const strict = await startSshd({ acceptEnv: "NOTHING" });
    try {
      const { host, port, user, privateKey, hostKey } = strict;
      const connection = { host, port, user, privateKey, hostKey, dialErrorLimit: 0 };
      const before = await create({ create: "echo out" });
      const after = await plugin.update(
        "Command",
        before,
        await site.command({ connection, create: "echo on" }),
      );
      assert.equal(after.state["stdout"], "on");
      assert.ok(
        engine.lines.some((line) => line.startsWith("WARNING Unable to set 'PULUMI_COMMAND_STDOUT'")),
      );
    } finally {
      await strict.stop();
    }
  });
});

describe("delete", () => {
  test("runs `delete` over the connection in the state", async () => {
    const before = await create({ create: "true", delete: "echo gone; exit 4" });
    await assert.rejects(plugin.delete("Command", before), /status 4/);
    const elsewhere = { ...before, inputs: await site.command({ connection: { host: "other.invalid" } }) };
    const opened = await connectionsOf(() => assert.rejects(plugin.delete("Command", elsewhere), /status 4/));
    assert.equal(opened, 1);
  });

  test("without `delete` does not even connect", async () => {
    const before = await create({ create: "true" });
    assert.equal(await connectionsOf(() => plugin.delete("Command", before)), 0);
  });
});

describe("preview", () => {
  test("of a create runs nothing; the output is unknown", async () => {
    const inputs = await site.command({ create: "echo a", stdin: unknown, triggers: [unknown] });
    const opened = await connectionsOf(async () => {
      const { state } = await plugin.create("Command", inputs, { preview: true });
      assert.deepEqual(state, { ...inputs, stdout: unknown, stderr: unknown });
    });
    assert.equal(opened, 0);
  });

  test("of an update: unknown if an input changes, known if none does", async () => {
    const before = await create({ create: "echo a", stdin: secret("s") });
    const preview = (inputs: Properties) => plugin.update("Command", before, inputs, { preview: true });
    const opened = await connectionsOf(async () => {
      assert.deepEqual((await preview(before.inputs)).state, before.state);
      const changed = { ...before.inputs, create: "echo b" };
      assert.deepEqual((await preview(changed)).state, { ...changed, stdout: unknown, stderr: unknown });
    });
    assert.equal(opened, 0);
  });
});

test("a secret reaches the command in clear and the state as a secret", async () => {
  const { state } = await create({
    create: secret("cat >/dev/null; echo $((20 + 22))"),
    stdin: secret("hidden"),
  });
  assert.equal(state["stdout"], "42");
  assert.deepEqual(state["stdin"], secret("hidden"));
  assert.deepEqual(state["create"], secret("cat >/dev/null; echo $((20 + 22))"));
});

test("refresh answers with what the state has", async () => {
  const before = await create({ create: "echo a" });
  assert.deepEqual(await plugin.read("Command", before), before);
});
