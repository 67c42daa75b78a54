import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { test } from "node:test";
import { silentPort } from "../support/servers/silent-port.ts";

test("a silent port refuses connections, and no other process can listen there", async () => {
  const port = await silentPort();
  for (let round = 0; round < 2; round += 1)
    await assert.rejects(once(connect(port, "127.0.0.1"), "connect"), { code: "ECONNREFUSED" });
  for (const host of ["127.0.0.1", "0.0.0.0"])
    await assert.rejects(once(createServer().listen(port, host), "listening"), { code: "EADDRINUSE" });
  assert.notEqual(await silentPort(), port);
});
