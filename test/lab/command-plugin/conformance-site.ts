/** What each conformance test works with: a plugin, a real ssh server and an engine that keeps the log lines. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { startSshd, type Sshd } from "../../support/servers/sshd.ts";
import type { PluginClient } from "./plugin-client.ts";
import { startPlugin } from "./plugin-process.ts";
import { official, pluginCommand } from "./plugin-under-test.ts";
import { archiveSignature, assetSignature, signatureKey, type Properties } from "./properties.ts";
import { startRecordingEngine, type RecordingEngine } from "./recording-engine.ts";

export interface ConformanceSite {
  readonly plugin: PluginClient;
  readonly sshd: Sshd;
  readonly engine: RecordingEngine;
  /** Logs into the server by key; gives up at the first failed attempt. */
  readonly connection: Properties;
  /** Inputs as they leave the plugin's check, as the engine hands them to create and update. */
  command(inputs: Properties): Promise<Properties>;
  copy(inputs: Properties): Promise<Properties>;
  /** Another process of the same plugin, for tests that end it. */
  another(): Promise<PluginClient>;
  stop(): Promise<void>;
}

export async function startConformanceSite(): Promise<ConformanceSite> {
  console.log(`plugin under test: ${official ? "official" : "stand-in"} (${pluginCommand.join(" ")})`);
  const [sshd, engine] = await Promise.all([startSshd(), startRecordingEngine()]);
  const started: PluginClient[] = [];
  const another = async (): Promise<PluginClient> => {
    // Whatever agent the person has is none of a test's business.
    const client = await startPlugin(pluginCommand, engine.address, { SSH_AUTH_SOCK: "" });
    started.push(client);
    await client.configure();
    return client;
  };
  const plugin = await another();
  const { host, port, user, privateKey, hostKey } = sshd;
  const connection = { host, port, user, privateKey, hostKey, dialErrorLimit: 0 };

  const checked = async (type: string, inputs: Properties): Promise<Properties> => {
    const answer = await plugin.check(type, { connection, ...inputs });
    if (answer.failures.length > 0) throw new Error(answer.failures.join("\n"));
    return answer.inputs;
  };
  return {
    plugin,
    sshd,
    engine,
    connection,
    command: (inputs) => checked("Command", inputs),
    copy: (inputs) => checked("CopyToRemote", inputs),
    another,
    stop: async () => {
      await Promise.all(started.map((client) => client.stop()));
      engine.stop();
      await sshd.stop();
    },
  };
}

/** A file as the engine describes it: path and hash, never the bytes. */
export function fileAsset(path: string): Properties {
  return { [signatureKey]: assetSignature, path, hash: sha256(readFileSync(path)) };
}

export function stringAsset(text: string): Properties {
  return { [signatureKey]: assetSignature, text, hash: sha256(text) };
}

/** @param content stands for the hash of all that is in the archive */
export function fileArchive(path: string, content: string): Properties {
  return { [signatureKey]: archiveSignature, path, hash: sha256(content) };
}

function sha256(content: string | Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
