/** A guest with a stack of its own, for one test file: started, provisioned, and gone without a trace. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { relative } from "node:path";
import { parse } from "yaml";
import { startAgent, type Agent } from "../../lab/agent.ts";
import { checkout } from "../../lab/cache.ts";
import type { EngineChoice } from "../../lab/bundle/engine.ts";
import { removeGuest, startGuest, type Guest } from "../../lab/guest.ts";
import { container, type MachineNeed } from "../../lab/machine-choice.ts";
import { prepareLab, type Lab } from "../../lab/prepare.ts";
import { pulumiEnv } from "../../lab/pulumi/pulumi-env.ts";
import { freshStack, pulumi, type PulumiRun } from "../../lab/pulumi/pulumi.ts";
import { labSite, removeStackFile, stackFile, writeStack, type LabSite } from "../../lab/pulumi/stack.ts";

export interface SiteUnderTest {
  readonly lab: Lab;
  /** Changes when the guest was started again. */
  guest: Guest;
  readonly env: Readonly<Record<string, string>>;
  /** The stack file, relative to the checkout. */
  readonly file: string;
  /** What stands in it below `sealift:site`. */
  readonly value: () => Promise<unknown>;
  /** A command line on the host that has to end with 0; its output. The login is the guest's own unless it is named. */
  readonly onHost: (command: string, login?: string, input?: string | Buffer) => Promise<string>;
  /** Rewrites the stack file with a change to the lab's site. */
  readonly write: (change?: (site: LabSite) => void) => Promise<void>;
  /** `pulumi <args> --stack <the test's>`. */
  readonly pulumi: (...args: readonly string[]) => Promise<PulumiRun>;
  /** `pulumi up`, of which `started` hears the process id. */
  readonly up: (started?: (pid: number) => void) => Promise<PulumiRun>;
  /** Everything goes; with `keep the guest` its disks and saved states stay. */
  readonly end: (how?: "keep the guest") => Promise<void>;
}

/** A container with file systems where the lab's site has its volumes on a blank disk. */
export const siteMachine = container("/svc", "/logs", "/data");

/**
 * @param machine what the test needs: `vm(<why>)` with a blank disk, or {@link siteMachine}.
 * @param engines those of the bundle: one (default), or all of the lab.
 */
export async function startSite(
  name: string,
  machine: MachineNeed,
  engines: EngineChoice = "one",
): Promise<SiteUnderTest> {
  const lab = await prepareLab(engines);
  await removeGuest(name);
  return siteOn(await startGuest({ name, machine }), lab);
}

/** The same with a guest that runs already. */
export async function siteOn(guest: Guest, lab: Lab): Promise<SiteUnderTest> {
  const { name } = guest;
  const agent: Agent = await startAgent(guest.identityFile);
  const env = { ...pulumiEnv(), SSH_AUTH_SOCK: agent.socket };
  const stack = `lab-${name}`;
  const site: SiteUnderTest = {
    lab,
    guest,
    env,
    file: relative(checkout, stackFile(stack)),
    value: async () => {
      const { config } = parse(await readFile(stackFile(stack), "utf8")) as {
        config: Record<string, unknown>;
      };
      return config["sealift:site"];
    },
    onHost: async (command, login = site.guest.login, input = "") => {
      const { stdout, stderr, exitCode } = await site.guest.exec(command, { login, input });
      assert.equal(exitCode, 0, `${command}: ${stderr}`);
      return stdout;
    },
    write: async (change = () => undefined) => {
      const text = await labSite([site.guest], lab.bundle);
      change(text);
      await writeStack(stack, text);
    },
    pulumi: (verb = "", ...args) => pulumi([verb, "--stack", stack, ...args], { env }),
    up: (started = () => undefined) =>
      pulumi(["up", "--yes", "--skip-preview", "--stack", stack], { env, started }),
    end: async (how) => {
      await pulumi(["stack", "rm", "--yes", "--force", stack], { env });
      await removeStackFile(stack);
      await site.guest.stop();
      if (how === undefined) await removeGuest(name);
      await agent.stop();
    },
  };
  await site.write();
  await freshStack(stack, env);
  return site;
}
