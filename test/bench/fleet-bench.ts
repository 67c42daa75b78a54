/**
 * `npm run bench -- fleet [hosts…]`: real hosts first, 20 or as many as `--real <n>` says, `--forks <n>` at a time (10). Then 5 hosts as
 * members of a swarm, or as many as `--swarm <n>` says, beside as many that are not. Then what each more host costs on the operator's side:
 * simulated hosts on loopback, the real look, the real engine. 1, 10 and 100 unless other numbers are given; Ansible beside it up to 10, or
 * as many as `--ansible <n>` says. Numbers alone leave the real hosts out.
 * `--engine <MB>` makes the engine as long as a real one, which all hosts are sent; `--kex <algorithms>` is what they offer
 * of them; `--copied` provisions the first host and copies it, in place of a first up of all; `--replayed` does so only in the state, and answers each probe by the
 * record of one; `--preview` looks at bare hosts and sends nothing.
 */
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { ensurePackages } from "../lab/packages/packages.ts";
import { useTools } from "../lab/tools/ensure-tools.ts";
import { table } from "../support/process/table.ts";
import { ansibleFleet } from "./ansible-fleet.ts";
import { watchCost, type Cost, type CostWatch } from "./cost-of.ts";
import { realFleet, swarmFleet } from "./real-fleet.ts";
import { provisionByCopy, provisionByReplay } from "./copied-hosts.ts";
import { startFleet, type SimulatedFleet } from "./simulated-fleet.ts";

interface Measured extends Cost {
  readonly seconds: number;
  readonly connections: number;
}

export async function fleetBench(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ansible: { type: "string", default: "10" },
      engine: { type: "string", default: "0" },
      kex: { type: "string", default: "" },
      jump: { type: "boolean", default: false },
      preview: { type: "boolean", default: false },
      copied: { type: "boolean", default: false },
      replayed: { type: "boolean", default: false },
      real: { type: "string" },
      swarm: { type: "string" },
      forks: { type: "string", default: "10" },
    },
  });
  const real = Number(values.real ?? (positionals.length === 0 && values.swarm === undefined ? 20 : 0));
  if (real > 0) {
    await ensurePackages("bench", "fleet");
    await realFleet(real, Number(values.forks));
  }
  const members = Number(values.swarm ?? (positionals.length === 0 && values.real === undefined ? 5 : 0));
  if (members > 0) await swarmFleet(members, Number(values.forks));
  if ((values.real ?? values.swarm) !== undefined && positionals.length === 0) return;
  const counts = positionals.length === 0 ? [1, 10, 100] : positionals.map(Number);
  const beside = Number(values.ansible);
  await ensurePackages(...(beside > 0 ? (["fleet"] as const) : (["ssh", "sshd"] as const)));
  const { commandPlugin } = await useTools();
  const processors = navigator.hardwareConcurrency;
  console.log(`\nCommand plugin: ${commandPlugin.kind}; ${processors} CPUs, shared with the hosts`);
  const rows: string[][] = [
    [
      "hosts",
      "what",
      "seconds",
      "CPU seconds",
      "CPU seconds per host",
      "MB",
      "of it Sealift's program",
      "of it the Pulumi CLI",
      "connections per host",
      "KiB of state per host",
      "load",
    ],
  ];
  for (const count of counts) {
    const fleet = await startFleet(values.replayed ? 1 : count, {
      jump: values.jump,
      engineBytes: Number(values.engine) * 1e6,
      kex: values.kex,
    });
    try {
      const row = (
        what: string,
        { seconds, processorSeconds, bytes, largest, connections }: Measured,
        state?: number,
      ): void => {
        rows.push([
          String(count),
          what,
          seconds.toFixed(1),
          processorSeconds.toFixed(1),
          (processorSeconds / count).toFixed(2),
          (bytes / 1e6).toFixed(0),
          ((largest["node"] ?? 0) / 1e6).toFixed(0),
          ((largest["pulumi"] ?? 0) / 1e6).toFixed(0),
          (connections / count).toFixed(1),
          state === undefined ? "" : (state / 1024 / count).toFixed(1),
          (loadavg()[0] ?? 0).toFixed(1),
        ]);
        console.log(rows.at(-1)?.join("  "));
      };
      if (values.preview) {
        row("preview of bare hosts", await sealift(fleet, ["preview", "--suppress-outputs"]));
        continue;
      }
      const up = ["up", "--yes", "--skip-preview", "--suppress-outputs"] as const;
      let env: Readonly<Record<string, string>> = {};
      if (values.replayed) env = await provisionByReplay(fleet, count);
      else if (values.copied) await provisionByCopy(fleet);
      else row("first up", await sealift(fleet, [...up]), fleet.stateBytes());
      row(
        "up without changes",
        await sealift(fleet, [...up, "--expect-no-changes"], env),
        fleet.stateBytes(),
      );
      row("preview", await sealift(fleet, ["preview", "--suppress-outputs", "--expect-no-changes"], env));
      if (count > beside) continue;
      const ansible = await ansibleFleet(fleet.hosts, fleet.identityFile, fleet.facts());
      row("Ansible, first run", await measure(fleet, (started) => ansible.play(started)));
      row("Ansible, again", await measure(fleet, (started) => ansible.play(started)));
      await ansible.end();
    } finally {
      await fleet.end();
    }
  }
  console.log(`\n${table(rows)}`);
}

function sealift(
  fleet: SimulatedFleet,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Measured> {
  return measure(fleet, async (started) => {
    const { exitCode, output } = await fleet.pulumi(args, started, env);
    if (exitCode !== 0) throw new Error(output);
  });
}

async function measure(
  fleet: SimulatedFleet,
  work: (started: (pid: number) => void) => Promise<void>,
): Promise<Measured> {
  const before = fleet.connections();
  const start = performance.now();
  let cost: CostWatch | undefined;
  await work((pid) => {
    cost = watchCost(pid);
  });
  const seconds = (performance.now() - start) / 1000;
  const spent = cost?.end() ?? { bytes: 0, largest: {}, processorSeconds: 0 };
  return { ...spent, seconds, connections: fleet.connections() - before };
}
