/** How a connection is made: whom it trusts, how it logs in, how often it tries. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { promisify } from "node:util";
import ssh2 from "ssh2";
import { onExit } from "../../support/process/on-exit.ts";
import { startConformanceSite } from "./conformance-site.ts";
import { counting } from "./counting-server.ts";
import { officialDiffers } from "./known-differences.ts";
import type { Properties } from "./properties.ts";

const site = await startConformanceSite();
const { plugin, sshd, engine, connection } = site;
after(() => site.stop());

const command = (over: Properties, create = "echo in") =>
  site.command({ connection: { ...connection, ...over }, create });
const create = async (over: Properties) => plugin.create("Command", await command(over));
const without = (name: string) =>
  Object.fromEntries(Object.entries(connection).filter(([key]) => key !== name));

describe("the host key", () => {
  const other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKz0sCJ4Oz1EpoWEGl3sr0MsZkLr5VxyaXsH0yFwl0aA";

  test("that does not match is refused before any login", async () => {
    const logged = (await sshd.log()).length;
    await assert.rejects(create({ hostKey: other }), {
      code: 2,
      details: "after 0 failed attempts: ssh: handshake failed: ssh: host key mismatch",
    });
    assert.doesNotMatch((await sshd.log()).slice(logged), /Accepted/);
  });

  test("of a type that the server does not have is refused", async () => {
    const ecdsa =
      "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9nkt5" +
      "YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg=";
    await assert.rejects(
      create({ hostKey: ecdsa }),
      /after 0 failed attempts: ssh: handshake failed: .*no .*host key/,
    );
  });

  test("that cannot be read is refused without a connection", async () => {
    const before = sshd.connections();
    await assert.rejects(create({ hostKey: "nonsense" }), {
      details: "failed to parse host key: ssh: no key found",
    });
    assert.equal(sshd.connections(), before);
  });

  test("may have a comment", async () => {
    assert.equal((await create({ hostKey: `${sshd.hostKey} root@host` })).state["stdout"], "in");
  });

  test("left out means that any is accepted", async () => {
    const inputs = await site.command({ connection: without("hostKey"), create: "echo in" });
    assert.equal((await plugin.create("Command", inputs)).state["stdout"], "in");
  });
});

describe("the login", () => {
  test("with a key that cannot be read fails at once", async () => {
    const before = sshd.connections();
    await assert.rejects(create({ privateKey: "nonsense" }), /ssh: no key found/);
    assert.equal(sshd.connections(), before);
  });

  test("that the server refuses is tried again, like any failure", async () => {
    const before = sshd.connections();
    const refused = create({ user: "nobody-by-that-name", dialErrorLimit: 1 });
    await assert.rejects(refused, /^Error: 2 UNKNOWN: after 1 failed attempts: .*unable to authenticate/);
    assert.equal(sshd.connections() - before, 2);
  });

  test("with an agent works without a key; a key comes before the agent; a dead agent fails both", async () => {
    const agentSocketPath = join(sshd.directory, "agent");
    const agent = spawn("ssh-agent", ["-D", "-a", agentSocketPath], { stdio: ["ignore", "pipe", "inherit"] });
    const forget = onExit(() => agent.kill());
    await once(agent.stdout, "data");
    await promisify(execFile)("ssh-add", ["-q", sshd.privateKeyFile], {
      env: { SSH_AUTH_SOCK: agentSocketPath },
    });
    const keyless = { ...without("privateKey"), agentSocketPath };
    const inputs = await site.command({ connection: keyless, create: "echo by agent" });
    try {
      assert.equal((await plugin.create("Command", inputs)).state["stdout"], "by agent");
      assert.equal((await create({ agentSocketPath })).state["stdout"], "in");
    } finally {
      agent.kill();
      await once(agent, "exit");
      forget();
    }
    const dead = join(sshd.directory, "no-agent");
    await assert.rejects(create({ agentSocketPath: dead }), {
      details: `dial unix ${dead}: connect: no such file or directory`,
    });
  });
});

describe("connecting", () => {
  test("tolerates as many failures as dialErrorLimit says, and shows them", async () => {
    const closing = await counting((socket) => socket.destroy());
    const failed = create({ port: closing.port, dialErrorLimit: 2 });
    await assert.rejects(failed, /^Error: 2 UNKNOWN: after 2 failed attempts: /);
    assert.equal(closing.connections(), 3);
    closing.server.close();
    const shown = engine.lines.filter((line) => line.includes("/2 failed"));
    assert.deepEqual(shown, [
      "status INFO Dial 1/2 failed: retrying",
      "status INFO Dial 2/2 failed: retrying",
    ]);
  });

  test("to a port on which nobody listens names it", async () => {
    const { port, server } = await counting(() => undefined);
    server.close();
    await once(server, "close");
    const details = `after 0 failed attempts: dial tcp 127.0.0.1:${port}: connect: connection refused`;
    await assert.rejects(create({ port }), { details });
  });

  test("to a server that sends nothing takes no longer than perDialTimeout", async () => {
    const silent = await counting((socket) => socket.resume());
    const failed = assert.rejects(
      create({ port: silent.port, perDialTimeout: 1 }),
      /after 0 failed attempts: /,
    );
    if (officialDiffers("silentServer")) {
      const [socket] = (await once(silent.server, "connection")) as [Socket];
      socket.destroy();
    }
    await failed;
    silent.server.close();
  });

  test("to a server that goes away after the handshake fails, and does not wait for the answer to its login", async () => {
    const key = ssh2.utils.generateKeyPairSync("ed25519");
    const server = new ssh2.Server({ hostKeys: [key.private] });
    const front = await counting((socket) => {
      server.once("connection", (client) => {
        client.on("authentication", () => socket.end());
      });
      server.injectSocket(socket);
    });
    const failed = create({ hostKey: key.public, port: front.port });
    await assert.rejects(failed, /after 0 failed attempts: /);
    front.server.close();
  });

  test("goes through a proxy, and names it on failure", async () => {
    const before = sshd.connections();
    assert.equal((await create({ proxy: connection })).state["stdout"], "in");
    assert.equal(sshd.connections() - before, 2);
    const dead = await counting(() => undefined);
    dead.server.close();
    await once(dead.server, "close");
    const details = `proxy: after 0 failed attempts: dial tcp 127.0.0.1:${dead.port}: connect: connection refused`;
    await assert.rejects(create({ proxy: { ...connection, port: dead.port } }), { details });
  });
});
