/** What check and the calls around it answer. Same on the official plugin 1.2.1 and on the stand-in. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { fileArchive, fileAsset, startConformanceSite, stringAsset } from "./conformance-site.ts";
import { officialDiffers } from "./known-differences.ts";
import { secret, signatureKey, unknown, assetSignature } from "./properties.ts";

const site = await startConformanceSite();
const { plugin } = site;
after(() => site.stop());

/** What the official plugin fills into a connection that names the host only. */
const defaults = { port: 22, user: "root", dialErrorLimit: 10, perDialTimeout: 15 };

describe("the plugin as a process", () => {
  test("its standard output has the port and nothing else, also after work", async () => {
    await plugin.create("Command", await site.command({ create: "echo out; echo err >&2" }));
    assert.equal(plugin.stdout.length, 1);
    assert.match(plugin.stdout[0] ?? "", /^\d+$/);
  });

  test("it reports version 1.2.1", async () => {
    assert.equal(await plugin.version(), "1.2.1");
  });

  test("it accepts secrets", async () => {
    assert.equal((await plugin.configure()).getAcceptsecrets(), true);
    if (officialDiffers("handshake")) await assert.rejects(plugin.handshake(), { code: 12 });
    else assert.equal((await plugin.handshake()).getAcceptSecrets(), true);
  });

  test("it marks the provider's own state as the official plugin does", async () => {
    assert.deepEqual(await plugin.checkConfig({ version: "1.2.1" }), {
      version: "1.2.1",
      "__pulumi-go-provider-version": "1.2.0",
    });
  });

  test("an unknown type is answered with NOT_FOUND", async () => {
    await assert.rejects(plugin.create("Nothing", {}), {
      code: 5,
      details: "Resource 'remote:Nothing' not found",
    });
  });

  test("unusable inputs are answered with a status and a message", async () => {
    await assert.rejects(plugin.create("Command", { create: "true" }), { code: 2, details: /\S/ });
  });
});

describe("check of a Command", () => {
  test("fills in the connection's defaults and nothing else", async () => {
    const { inputs, failures } = await plugin.check("Command", { connection: { host: "h" }, create: "true" });
    assert.deepEqual(failures, []);
    assert.deepEqual(inputs, { connection: secret({ host: "h", ...defaults }), create: "true" });
  });

  test("fills in the proxy's defaults and marks its secrets", async () => {
    const given = { host: "h", password: "pw", proxy: { host: "p", privateKey: "key" } };
    const { inputs } = await plugin.check("Command", { connection: given });
    const proxy = { host: "p", ...defaults, privateKey: secret("key") };
    assert.deepEqual(inputs["connection"], secret({ host: "h", ...defaults, password: secret("pw"), proxy }));
  });

  test("keeps given values, including zeros and empty texts", async () => {
    const given = { host: "h", port: 0, user: "", dialErrorLimit: 0, perDialTimeout: 0, hostKey: "k" };
    const inputs = {
      connection: secret(given),
      stdin: secret("s"),
      environment: { A: secret("b"), C: "d" },
      triggers: ["a", 1, true],
      logging: "none",
      addPreviousOutputInEnv: false,
      update: "u",
      delete: "d",
    };
    assert.deepEqual(await plugin.check("Command", inputs), { inputs, failures: [] });
  });

  test("keeps unknown values", async () => {
    const given = { connection: { host: unknown, port: unknown }, stdin: unknown, triggers: [unknown] };
    const { inputs, failures } = await plugin.check("Command", given);
    assert.deepEqual(failures, []);
    const filled = secret({ ...defaults, host: unknown, port: unknown });
    assert.deepEqual(inputs, { connection: filled, stdin: unknown, triggers: [unknown] });
  });

  const wrong: [string, Parameters<typeof plugin.check>[1], string[]][] = [
    [
      "a missing connection",
      { create: "true" },
      ["connection: Missing required field 'connection' on 'remote.CommandInputs'"],
    ],
    [
      "a missing host",
      { connection: { user: "u" } },
      [
        "connection: An error occurred decoding 'CommandInputs.connection': 1 failures decoding:\n" +
          "\thost: Missing required field 'host' on 'remote.Connection'",
      ],
    ],
    [
      "fields that there are not",
      { connection: { host: "h", nosuch: "1" }, foo: 1 },
      [
        "connection: An error occurred decoding 'CommandInputs.connection': 1 failures decoding:\n" +
          "\tnosuch: Unrecognized field 'nosuch' on 'remote.Connection'",
        "foo: Unrecognized field 'foo' on 'remote.CommandInputs'",
      ],
    ],
    [
      "a wrong type",
      { connection: { host: "h" }, create: 1 },
      ["create: Field 'create' on 'remote.CommandInputs' must be a 'string'; got 'float64' instead"],
    ],
  ];
  for (const [what, inputs, failures] of wrong)
    test(`refuses ${what}`, async () => {
      const answer = await plugin.check("Command", inputs);
      assert.deepEqual(answer.failures, failures);
      if (inputs["connection"] !== undefined)
        assert.deepEqual(answer.inputs["connection"], secret(inputs["connection"]));
    });
});

describe("check of a CopyToRemote", () => {
  const check = (source: Parameters<typeof plugin.check>[1][string]) =>
    plugin.check("CopyToRemote", { connection: { host: "h" }, source, remotePath: "x", triggers: ["h"] });
  const filled = { connection: secret({ host: "h", ...defaults }), remotePath: "x", triggers: ["h"] };

  test("stores a file with its path and hash", async () => {
    const source = fileAsset(import.meta.filename);
    const inputs = { ...filled, source: { ...source, text: "", uri: "" } };
    assert.deepEqual(await check(source), { inputs, failures: [] });
  });

  test("stores a text with its hash", async () => {
    const source = stringAsset("text");
    const inputs = { ...filled, source: { ...source, path: "", uri: "" } };
    assert.deepEqual(await check(source), { inputs, failures: [] });
  });

  test("stores an archive with its path and hash", async () => {
    const source = fileArchive(import.meta.dirname, "any");
    const inputs = { ...filled, source: { ...source, assets: {}, uri: "" } };
    assert.deepEqual(await check(source), { inputs, failures: [] });
  });

  test("refuses a source from the network, and an unknown one", async () => {
    const remote = { [signatureKey]: assetSignature, uri: "http://127.0.0.1/", hash: "h" };
    const isNone = ["asset: either asset or archive must be set"];
    assert.deepEqual((await check(remote)).failures, [
      "asset: asset must be a path-based file asset or a text asset",
    ]);
    assert.deepEqual((await check(unknown)).failures, isNone);
    assert.deepEqual((await check("text")).failures, isNone);
  });
});
