/** Cost of a further host: served by the existing registry, or sent everything over ssh. */
import { startAgent } from "../lab/agent.ts";
import { type Guest, removeGuest } from "../lab/guest.ts";
import type { Lab } from "../lab/prepare.ts";
import { pulumiEnv } from "../lab/pulumi/pulumi-env.ts";
import { freshStack, pulumi } from "../lab/pulumi/pulumi.ts";
import { received, type Received } from "../lab/demo/segment-bytes.ts";
import { segmentSite, startSegment } from "../lab/demo/segment-site.ts";
import { type LabSite, removeStackFile, writeStack } from "../lab/pulumi/stack.ts";
import { container } from "../lab/machine-choice.ts";
import { table } from "../support/process/table.ts";
import { megabytes, times } from "./figures.ts";

const names = ["bench-store", "bench-fed", "bench-sent"] as const;
const stacks = { fed: "lab-bench-fed", sent: "lab-bench-sent" } as const;

/** @returns lines to print. */
export async function secondHost(lab: Lab): Promise<string> {
  const [store, fed, sent] = (await startSegment(names, container("/registry", "/data"))) as [
    Guest,
    Guest,
    Guest,
  ];
  const agent = await startAgent(store.identityFile);
  const env = { ...pulumiEnv(), SSH_AUTH_SOCK: agent.socket };
  const up = async (stack: string, site: LabSite): Promise<void> => {
    await writeStack(stack, site);
    const { exitCode, output } = await pulumi(["up", "--yes", "--skip-preview", "--stack", stack], { env });
    if (exitCode !== 0) throw new Error(output);
  };
  const cost = async (guest: Guest, work: () => Promise<void>): Promise<Cost> => {
    const before = await received(guest);
    const start = performance.now();
    await work();
    const seconds = (performance.now() - start) / 1000;
    const after = await received(guest);
    return {
      seconds,
      operator: after.operator - before.operator,
      segment: after.segment - before.segment,
    };
  };
  try {
    for (const stack of Object.values(stacks)) {
      await writeStack(stack, await segmentSite([store], lab.bundle, 1));
      await freshStack(stack, env);
    }
    await up(stacks.fed, await segmentSite([store], lab.bundle, 1));
    const channel = await cost(fed, async () =>
      up(stacks.fed, await segmentSite([store, fed], lab.bundle, 1)),
    );
    const ssh = await cost(sent, async () => {
      const site = await segmentSite([sent], lab.bundle, 0);
      delete site.registry;
      await up(stacks.sent, site);
    });
    return [
      "A further host, from bare to done, once each; bytes from its own interface counters:",
      table([
        ["how", "time", "of ssh", "from the operator", "from the registry"],
        row("fed by the registry", channel, ssh),
        row("sent over ssh", ssh, ssh),
      ]),
      "The run that feeds it has looked at the registry host as well.",
    ].join("\n");
  } finally {
    for (const stack of Object.values(stacks)) {
      await pulumi(["stack", "rm", "--yes", "--force", stack], { env });
      await removeStackFile(stack);
    }
    for (const name of names) await removeGuest(name);
    await agent.stop();
  }
}

interface Cost extends Received {
  readonly seconds: number;
}

function row(how: string, { seconds, operator, segment }: Cost, of: Cost): string[] {
  return [
    how,
    `${seconds.toFixed(0)} s`,
    times(seconds / of.seconds),
    megabytes(operator),
    megabytes(segment),
  ];
}
