/** How an operation is ended early: by the CLI's cancel and by the resource's own timeout. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, watch } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { startConformanceSite } from "./conformance-site.ts";
import { counting } from "./counting-server.ts";
import { officialDiffers } from "./known-differences.ts";
import type { Properties } from "./properties.ts";

const site = await startConformanceSite();
const { plugin, sshd, connection } = site;
after(() => site.stop());

const command = (over: Properties, create = "echo in") =>
  site.command({ connection: { ...connection, ...over }, create });

describe("cancel", () => {
  test("stops connecting", async () => {
    const closing = await counting((socket) => socket.destroy());
    const other = await site.another();
    const dialling = other.create("Command", await command({ port: closing.port, dialErrorLimit: -1 }));
    const failed = assert.rejects(dialling, { code: 1, details: "context canceled" });
    await once(closing.server, "connection");
    await other.cancel();
    await failed;
    closing.server.close();
  });

  test("the resource's own timeout stops connecting", async () => {
    const closing = await counting((socket) => socket.destroy());
    const inputs = await command({ port: closing.port, dialErrorLimit: -1 });
    const details = "context deadline exceeded";
    await assert.rejects(plugin.create("Command", inputs, { timeoutSeconds: 1 }), { code: 4, details });
    closing.server.close();
  });

  test("stops a running command", async () => {
    const other = await site.another();
    const [started, release] = [join(sshd.directory, "started"), join(sshd.directory, "release")];
    const wait = `touch ${started}; while [ -e ${started} ] && [ ! -e ${release} ]; do sleep 0.05; done; echo released`;
    const running = other.create("Command", await command({}, wait));
    running.catch(() => undefined);
    await appears(started);
    await other.cancel();
    if (officialDiffers("cancelRunning")) {
      await writeFile(release, "");
      assert.equal((await running).state["stdout"], "released");
    } else {
      await assert.rejects(running, { code: 1, details: "context canceled" });
      await writeFile(release, "");
    }
  });
});

/** Waits until a file of the server's folder is there. */
async function appears(path: string): Promise<void> {
  const watcher = watch(sshd.directory);
  const changed = once(watcher, "change");
  if (!existsSync(path)) await changed;
  watcher.close();
  if (!existsSync(path)) await appears(path);
}
