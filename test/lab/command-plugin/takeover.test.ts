/**
 * The state that a plugin leaves, under the real Pulumi CLI: it is what the official plugin 1.2.1 is recorded to store
 * (stored-state.json), and each plugin goes on with the other's state without a change.
 * SEALIFT_PULUMI names the CLI; SEALIFT_COMMAND_PLUGIN, if set, the official plugin to take turns with.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { startSshd } from "../../support/servers/sshd.ts";
import { makeStack } from "./pulumi-stack.ts";
import { storedState } from "./stored-state.ts";

const pulumi = process.env["SEALIFT_PULUMI"] ?? "";
const officialBinary = process.env["SEALIFT_COMMAND_PLUGIN"] ?? "";

type Plugin = "stand-in" | "official";
const others: Readonly<Record<Plugin, readonly Plugin[]>> =
  officialBinary === ""
    ? { "stand-in": [], official: [] }
    : { "stand-in": ["official"], official: ["stand-in"] };
const firsts: readonly Plugin[] = officialBinary === "" ? ["stand-in"] : ["stand-in", "official"];

if (pulumi === "") console.log("not run: the takeover of a state, for SEALIFT_PULUMI names no Pulumi CLI");
else
  for (const first of firsts)
    test(`a state made by the ${first} plugin is as recorded${others[first].map((other) => `, and the ${other} one goes on with it`).join("")}`, async () => {
      const recorded: unknown = JSON.parse(
        await readFile(join(import.meta.dirname, "stored-state.json"), "utf8"),
      );
      const sshd = await startSshd();
      const stack = await makeStack(pulumi, sshd);
      const use = (plugin: Plugin) => stack.install(plugin === "official" ? officialBinary : undefined);
      const stored = async () =>
        storedState(await stack.run("one", "stack", "export", "--show-secrets"), sshd);
      const changesNothing = async (text: string) => {
        const opened = sshd.connections();
        await stack.run(text, "preview", "--expect-no-changes");
        await stack.run(text, "up", "--yes", "--skip-preview", "--expect-no-changes");
        assert.equal(sshd.connections(), opened);
      };
      try {
        await use(first);
        await stack.run("one", "stack", "init", "takeover");
        await stack.run("one", "up", "--yes");
        await changesNothing("one");
        assert.deepEqual(await stored(), recorded);
        for (const other of others[first]) {
          await use(other);
          await changesNothing("one");
          assert.deepEqual(await stored(), recorded);
          await stack.run("two", "up", "--yes", "--skip-preview");
          await use(first);
          await changesNothing("two");
          await stack.run("one", "up", "--yes", "--skip-preview");
          assert.deepEqual(await stored(), recorded);
          await use(other);
        }
        await stack.run("one", "destroy", "--yes", "--skip-preview");
        assert.deepEqual(await stored(), {});
      } finally {
        await stack.remove();
        await sshd.stop();
      }
    });
