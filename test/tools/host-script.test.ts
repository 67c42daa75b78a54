/** A script of a host is started as root over one ssh connection to a real sshd, with exactly its own arguments. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { hostScriptCommand } from "../../modules/core/host/host-command.ts";
import { type Reach, runHostScript } from "../../modules/core/host/probe.ts";
import { startAgent } from "../lab/agent.ts";
import { sudoFor } from "../support/guests/sudo-for.ts";
import { runProcess } from "../support/process/run-process.ts";
import { undoAfter } from "../support/process/undo.ts";
import { startSshd } from "../support/servers/sshd.ts";

let host: Reach;
const undo = undoAfter();
before(async () => {
  const sshd = await startSshd(sudoFor());
  undo(() => sshd.stop());
  const agent = await startAgent(sshd.privateKeyFile);
  undo(() => agent.stop());
  process.env["SSH_AUTH_SOCK"] = agent.socket;
  const { host: address, port, user: sshUser, hostKey } = sshd;
  host = { name: "node-a", address, port, sshUser, hostKey };
});

test("a host without the script says so, and its lines arrive one by one", async () => {
  const lines: string[] = [];
  const ended = await runHostScript(host, "backup/restore", ["--list", "shop"], (line) => lines.push(line));
  const line = "found: no /opt/sealift/backup/restore";
  assert.deepEqual(ended, { kind: "ended", exitCode: 78, stdout: `${line}\n`, stderr: "" });
  assert.deepEqual(lines, [line]);
});

test("a host that shows another key is refused", async () => {
  const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKz0sCJ4Oz1EpoWEGl3sr0MsZkLr5VxyaXsH0yFwl0aA";
  const ended = await runHostScript({ ...host, hostKey }, "backup/restore", []);
  assert.equal(ended.kind === "ended" ? "" : ended.problem.code, "E_HOST_KEY");
});

test("the script gets its own arguments and nothing else, and its exit code is the result", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sealift-script-"));
  undo(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, "backup"));
  await writeFile(join(folder, "backup", "restore"), `for each; do echo "<$each>"; done; exit 3\n`);
  const args = ["shop", "--from", "2026-11-28 02:40", "it's; $(id) *"];
  const command = hostScriptCommand("backup/restore", args).replaceAll("/opt/sealift", folder);
  const { path = "" } = sudoFor();
  const env = { PATH: `${path}:${process.env["PATH"] ?? ""}`, SSH_CONNECTION: "1.2.3.4 5 6.7.8.9 22" };
  const { exitCode, stdout } = await runProcess("sh", ["-c", command], { env });
  assert.equal(stdout, ["in", ...args.map((arg) => `<${arg}>`)].join("\n"));
  assert.equal(exitCode, 3);
});
