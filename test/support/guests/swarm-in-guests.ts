/** A swarm of engines on one segment, put together by plain `docker swarm`: for what Sealift then does with it. */
import assert from "node:assert/strict";
import { quote } from "../../../modules/core/quote.ts";
import { joinSegment } from "../../lab/guest-segment.ts";
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
 * @param init more options of `docker swarm init`.
 */
export async function startSwarm(name: string, init: readonly string[]): Promise<SwarmInGuests> {
  const started: SwarmNode[] = [];
  const end = async (): Promise<void> => {
    await Promise.all(started.map(({ engine }) => engine.end()));
  };
  try {
    for (const [at, host] of ["node-a", "node-b", "node-c"].entries()) {
      const engine = await startEngine(`${name}-${host}`);
      started.push({ host, address: `10.9.0.${at + 1}`, engine });
    }
    const [first, second, third] = started;
    assert.ok(first && second && third);
    const joined = started.map(({ address, engine }) => ({
      guest: engine.on.guest,
      address: `${address}/24`,
    }));
    await joinSegment(...(joined as [(typeof joined)[0], ...typeof joined]));
    await Promise.all(
      started.map(async ({ engine }) => {
        const { revision, text } = await engine.on.run("apply", engine.daemon({ "live-restore": false }));
        assert.ok(revision, text);
      }),
    );
    const words = ["swarm", "init", "--advertise-addr", first.address, ...init];
    await first.engine.docker(words.map(quote).join(" "));
    for (const node of [second, third]) await join(node, first);
    return { nodes: [first, second, third], join, end };
  } catch (error) {
    await end();
    throw error;
  }
}

async function join(node: SwarmNode, by: SwarmNode, role: "worker" | "manager" = "worker"): Promise<void> {
  const token = (await by.engine.docker(`swarm join-token -q ${role}`)).trim();
  await node.engine.docker(`swarm join --token ${token} --advertise-addr ${node.address} ${by.address}:2377`);
}
