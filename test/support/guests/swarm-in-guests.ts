/** A swarm of engines on one segment, put together by plain `docker swarm`: for what Sealift then does with it. */
import assert from "node:assert/strict";
import { quote } from "../../../modules/core/quote.ts";
import { joinSegment, type Segment } from "../../lab/guest-segment.ts";
import { container, type MachineNeed } from "../../lab/machine-choice.ts";
import { startEngine, type EngineInGuest } from "./engine-in-guest.ts";

export interface SwarmNode {
  readonly host: string;
  readonly address: string;
  readonly engine: EngineInGuest;
}

export interface SwarmInGuests {
  readonly nodes: readonly [SwarmNode, SwarmNode, SwarmNode];
  /** Lets a node join as a worker. */
  readonly join: (node: SwarmNode, by: SwarmNode, role?: "worker" | "manager") => Promise<void>;
  readonly end: () => Promise<void>;
}

/**
 * Three engines; the first one has made a swarm, the others are its workers.
 *
 * @param name names of the guests begin with it.
 * @param init more options of `docker swarm init`. @param series of the engine; by default the lab's first.
 */
export async function startSwarm(
  name: string,
  init: readonly string[],
  series?: string,
): Promise<SwarmInGuests> {
  const { nodes, end } = await startNodes(name, ["node-a", "node-b", "node-c"], { series });
  try {
    const [first, second, third] = nodes;
    assert.ok(first && second && third);
    const words = ["swarm", "init", "--advertise-addr", first.address, ...init];
    await first.engine.docker(words.map(quote).join(" "));
    for (const node of [second, third]) await join(node, first);
    return { nodes: [first, second, third], join, end };
  } catch (error) {
    await end();
    throw error;
  }
}

export interface Nodes {
  readonly nodes: readonly SwarmNode[];
  readonly segment: Segment;
  readonly end: () => Promise<void>;
}

/**
 * Engines on one segment, each ready to become a member of a swarm.
 *
 * @param name names of the guests begin with it. @param entries more of daemon.json. @param series of the engine.
 */
export async function startNodes(
  name: string,
  hosts: readonly string[],
  {
    machine = container(),
    entries = {},
    series,
  }: {
    readonly machine?: MachineNeed;
    readonly entries?: Readonly<Record<string, unknown>>;
    readonly series?: string | undefined;
  } = {},
): Promise<Nodes> {
  const nodes: SwarmNode[] = [];
  const end = async (): Promise<void> => {
    await Promise.all(nodes.map(({ engine }) => engine.end()));
  };
  try {
    for (const [at, host] of hosts.entries()) {
      const engine = await startEngine(`${name}-${host}`, machine, series);
      nodes.push({ host, address: `10.9.0.${at + 1}`, engine });
    }
    const joined = nodes.map(({ address, engine }) => ({ guest: engine.on.guest, address: `${address}/24` }));
    const segment = await joinSegment(...(joined as [(typeof joined)[0], ...typeof joined]));
    await segment.waitAtBoot();
    await Promise.all(
      nodes.map(async ({ engine }) => {
        const { revision, text } = await engine.on.run(
          "apply",
          engine.daemon({ "live-restore": false, ...entries }),
        );
        assert.ok(revision, text);
      }),
    );
    return { nodes, segment, end };
  } catch (error) {
    await end();
    throw error;
  }
}

async function join(node: SwarmNode, by: SwarmNode, role: "worker" | "manager" = "worker"): Promise<void> {
  const token = (await by.engine.docker(`swarm join-token -q ${role}`)).trim();
  await node.engine.docker(`swarm join --token ${token} --advertise-addr ${node.address} ${by.address}:2377`);
}
