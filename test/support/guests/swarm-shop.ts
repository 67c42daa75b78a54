/** A site of three hosts on a segment whose swarm runs the shop of the examples, for one test file. */
import assert from "node:assert/strict";
import { startAgent } from "../../lab/agent.ts";
import { startJoined } from "../../lab/demo/segment-site.ts";
import { swarmShopSite } from "../../lab/demo/swarm-site.ts";
import { removeGuest, type Guest } from "../../lab/guest.ts";
import { container } from "../../lab/machine-choice.ts";
import { prepareLab } from "../../lab/prepare.ts";
import { pulumiEnv } from "../../lab/pulumi/pulumi-env.ts";
import { freshStack, pulumi, type PulumiRun } from "../../lab/pulumi/pulumi.ts";
import { removeStackFile, writeStack } from "../../lab/pulumi/stack.ts";
import { useTools } from "../../lab/tools/ensure-tools.ts";
import { makeAppSecrets } from "./app-secrets.ts";
import { shopPassword } from "./shop-site.ts";

export interface SwarmShop {
  readonly env: Readonly<Record<string, string>>;
  readonly guest: (name: string) => Guest;
  /** Writes the site with this version of the shop. */
  readonly write: (version: string) => Promise<void>;
  readonly pulumi: (...args: readonly string[]) => Promise<PulumiRun>;
  /** `pulumi up`, which has to end with 0; its output. */
  readonly up: (...more: readonly string[]) => Promise<string>;
  /** As root on a host; has to end with 0. */
  readonly on: (name: string, command: string) => Promise<string>;
  /** What the shop answers on a host, once it does. */
  readonly visit: (name: string, path?: string) => Promise<string>;
  /** Starts a host again that was killed; the site has to be written then, because its port is another one. */
  readonly restart: (name: string) => Promise<void>;
  readonly end: () => Promise<void>;
}

export async function startSwarmShop(stack: string, names: readonly string[]): Promise<SwarmShop> {
  const lab = await prepareLab("apps");
  await useTools();
  const { guests: started, segment } = await startJoined(names, container("/data"));
  await segment.waitAtBoot();
  let guests = started;
  const agent = await startAgent(guests[0]?.identityFile ?? "");
  const env = { ...pulumiEnv(), SSH_AUTH_SOCK: agent.socket };
  const secrets = await makeAppSecrets(stack);
  const { recoveryKey } = secrets;
  const secret = await secrets.seal("db", shopPassword, guests);
  const guest = (name: string): Guest => {
    const found = guests.find((one) => one.name === name);
    assert.ok(found, name);
    return found;
  };
  const exec = async (name: string, command: string): Promise<string> => {
    const { stdout, stderr, exitCode } = await guest(name).exec(command);
    assert.equal(exitCode, 0, `${command}: ${stderr}`);
    return stdout.trim();
  };
  const run = (verb = "", ...args: readonly string[]): Promise<PulumiRun> =>
    pulumi([verb, "--stack", stack, ...args], { env });
  const write = async (version: string): Promise<void> =>
    writeStack(stack, await swarmShopSite(guests, lab.bundle, { version, recoveryKey, secret }));
  await write("1.0.0");
  await freshStack(stack, env);
  return {
    ...{ env, guest, write, pulumi: run },
    up: async (...more) => {
      const { exitCode, output } = await run("up", "--yes", "--skip-preview", ...more);
      assert.equal(exitCode, 0, output);
      return output;
    },
    on: (name, command) => exec(name, `sudo -n ${command}`),
    visit: (name, path = "") =>
      exec(name, `curl -fsS --retry 30 --retry-delay 1 --retry-all-errors http://127.0.0.1:8080/${path}`),
    restart: async (name) => {
      const back = await segment.restart(name);
      guests = guests.map((one) => (one.name === name ? back : one));
    },
    end: async () => {
      await pulumi(["stack", "rm", "--yes", "--force", stack], { env });
      await removeStackFile(stack);
      for (const name of names) await removeGuest(name);
      await secrets.end();
      await agent.stop();
    },
  };
}
