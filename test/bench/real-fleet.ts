/**
 * A fleet of real hosts from bare to the next engine, in the hands of Sealift and then in those of Ansible, with equal forks: each host a
 * machine of the lab with its own systemd, sshd and dockerd, and during the upgrade with a container that has to run on.
 */
import { readFile } from "node:fs/promises";
import { loadSite } from "../../modules/rollout/probe-site.ts";
import { checkout } from "../lab/cache.ts";
import { addressOf, startSegment } from "../lab/demo/segment-site.ts";
import { removeGuest, startGuest, type Guest } from "../lab/guest.ts";
import { imageArchive } from "../lab/bundle/image-archive.ts";
import { prepareLab, type Lab } from "../lab/prepare.ts";
import { labSite, labUser, writeStack } from "../lab/pulumi/stack.ts";
import { siteMachine, siteOn, type SiteUnderTest } from "../support/guests/site-under-test.ts";
import { table } from "../support/process/table.ts";
import { ansibleHosts, writtenFiles } from "./ansible-host.ts";
import { probeHost } from "./probe-host.ts";
import { measured, type Run } from "./measured.ts";

interface Cost {
  readonly what: string;
  readonly seconds: number;
  /** Seconds of processor time on the operator's side, and of all hosts together. */
  readonly operator: number;
  readonly hosts: number;
}

interface Fleet {
  readonly guests: readonly Guest[];
  readonly end: () => Promise<void>;
}

/** The first host alone, then all others. */
const waves = [1, "100%"] as const;

/** @param forks how many hosts each of the two works on at a time. */
export async function realFleet(count: number, forks: number): Promise<void> {
  const lab = await prepareLab("all");
  const engines = lab.bundle.engines.filter(({ origin }) => origin === "built from Go modules");
  const [first, next] = engines;
  if (first === undefined || next === undefined)
    throw new Error("the lab's bundle has no two engines of one line");
  console.log(`\n${count} hosts, ${forks} at a time; engine ${first.version}, then ${next.version}`);
  const { costs: own, archives } = await withSealift(lab, count, forks, [first.version, next.version]);
  const its = await withAnsible(lab, count, forks, archives);
  const rows = [["what", "by", "seconds", "CPU s, operator", "CPU s, hosts", "Ansible / Sealift"]];
  for (const [index, cost] of own.entries()) {
    const other = its[index];
    rows.push([cost.what, "Sealift", ...figures(cost), ""]);
    if (other !== undefined)
      rows.push(["", "Ansible", ...figures(other), (other.seconds / cost.seconds).toFixed(1)]);
  }
  console.log(`\n${table(rows)}`);
}

/**
 * Hosts as members of one swarm, three of them managers, beside as many hosts without one, in one run: what membership adds to each run.
 *
 * @param count four at least: the others are workers.
 */
export async function swarmFleet(count: number, forks: number): Promise<void> {
  const lab = await prepareLab("all");
  const [first, next] = lab.bundle.engines.filter(({ origin }) => origin === "built from Go modules");
  if (first === undefined || next === undefined)
    throw new Error("the lab's bundle has no two engines of one line");
  const versions = [first.version, next.version] as const;
  console.log(`\n${count} hosts, ${forks} at a time; engine ${first.version}, then ${next.version}`);
  const alone = await segmentRuns(lab, { count, forks, versions, swarm: false });
  const members = await segmentRuns(lab, { count, forks, versions, swarm: true });
  const rows = [["what", "hosts", "seconds", "CPU s, operator", "CPU s, hosts", "swarm / without"]];
  for (const [index, cost] of members.entries()) {
    const without = alone[index];
    if (without !== undefined) rows.push([cost.what, "without a swarm", ...figures(without), ""]);
    const ratio = without === undefined ? "" : (cost.seconds / without.seconds).toFixed(1);
    rows.push([without === undefined ? cost.what : "", "one swarm", ...figures(cost), ratio]);
  }
  console.log(`\n${table(rows)}`);
}

interface SegmentRuns {
  readonly count: number;
  readonly forks: number;
  readonly versions: readonly [first: string, next: string];
  readonly swarm: boolean;
}

async function segmentRuns(
  lab: Lab,
  { count, forks, versions, swarm }: SegmentRuns,
): Promise<readonly Cost[]> {
  const names = Array.from({ length: count }, (_, at) => `${swarm ? "member" : "alone"}-${at + 1}`);
  const guests = await startSegment(names, siteMachine);
  const [one] = guests;
  if (one === undefined) throw new Error("a fleet has one host at least");
  const site = await siteOn(one, lab);
  try {
    const write = async (version: string): Promise<void> => {
      const text = Object.assign(await labSite(guests, lab.bundle), swarm ? { swarm: swarmOf(names) } : {});
      text.engine.version = version;
      await writeStack(`lab-${one.name}`, text);
    };
    const costs: Cost[] = [];
    const measure = async (what: string, ...more: readonly string[]): Promise<void> => {
      costs.push(await costOf(what, guests, () => pulumiUp(site, forks, more)));
    };
    await write(versions[0]);
    await measure("first run, bare hosts");
    await measure("no change", "--expect-no-changes");
    await write(versions[1]);
    await measure("the next engine");
    if (swarm) {
      const drain = "docker node update --availability drain $(docker node ls -q -f role=worker | head -n 1)";
      await asUser(one, drain);
      await measure("a node drained by a person, repaired");
    }
    return costs;
  } finally {
    await site.end();
    for (const { name } of guests) await removeGuest(name);
  }
}

function swarmOf(names: readonly string[]): unknown {
  return {
    name: "fleet",
    managers: names.slice(0, 3),
    workers: { hosts: names.slice(3) },
    addresses: Object.fromEntries(names.map((name, at) => [name, addressOf(at)])),
    addressPool: { base: "172.29.0.0/16" },
    networks: [{ name: "shared" }],
  };
}

type Archives = readonly (Omit<Parameters<typeof ansibleHosts>[1], "forks"> & { readonly version: string })[];

async function withSealift(
  lab: Lab,
  count: number,
  forks: number,
  [first, next]: readonly [first: string, next: string],
): Promise<{ costs: readonly Cost[]; archives: Archives }> {
  const { guests, end } = await startHosts("fleet", count);
  const [one] = guests;
  if (one === undefined) throw new Error("a fleet has one host at least");
  const site = await siteOn(one, lab);
  try {
    const write = async (version: string): Promise<void> => {
      const text = await labSite(guests, lab.bundle);
      text.engine.version = version;
      await writeStack(`lab-${one.name}`, Object.assign(text, { rollout: { waves } }));
    };
    const up = (...more: readonly string[]): Promise<Run> => pulumiUp(site, forks, more);
    const archives: Archives[number][] = [];
    const costs: Cost[] = [];
    await write(first);
    costs.push(await costOf("first run, bare hosts", guests, () => up()));
    costs.push(await costOf("no change", guests, () => up("--expect-no-changes")));
    archives.push(await archiveOf(site));
    const before = await startCounters(guests, lab);
    await write(next);
    costs.push(await costOf("the next engine, containers running", guests, () => up()));
    await sameCounters(guests, before, next);
    archives.push(await archiveOf(site));
    return { costs, archives };
  } finally {
    await site.end();
    await end();
  }
}

async function withAnsible(
  lab: Lab,
  count: number,
  forks: number,
  archives: Archives,
): Promise<readonly Cost[]> {
  const [first, next] = archives;
  if (first === undefined || next === undefined) return [];
  const { guests, end } = await startHosts("fleet-ansible", count);
  try {
    const costs: Cost[] = [];
    const ansible = await ansibleHosts(guests, { ...first, forks, waves });
    costs.push(await costOf("first run", guests, () => ansible.play()));
    costs.push(
      await costOf("no change", guests, async () => {
        const run = await ansible.play();
        if (run.changed > 0) throw new Error(`Ansible says changed=${run.changed} where nothing is to do`);
        return run;
      }),
    );
    await ansible.end();
    const before = await startCounters(guests, lab);
    const after = await ansibleHosts(guests, { ...next, forks, waves });
    costs.push(await costOf("the next engine", guests, () => after.play()));
    await after.end();
    await sameCounters(guests, before, next.version);
    return costs;
  } finally {
    await end();
  }
}

async function startHosts(name: string, count: number): Promise<Fleet> {
  const guests: Guest[] = [];
  const end = async (): Promise<void> => {
    for (const guest of guests) {
      await guest.stop();
      await removeGuest(guest.name);
    }
  };
  try {
    for (let number = 1; number <= count; number += 1) {
      const one = `${name}-${number}`;
      await removeGuest(one);
      guests.push(await startGuest({ name: one, machine: siteMachine }));
    }
    return { guests, end };
  } catch (error) {
    await end();
    throw error;
  }
}

function pulumiUp(site: SiteUnderTest, forks: number, more: readonly string[]): Promise<Run> {
  const words = [
    "up",
    "--yes",
    "--skip-preview",
    "--non-interactive",
    "--color",
    "never",
    "--suppress-outputs",
  ];
  const stack = ["--stack", `lab-${site.guest.name}`, "--parallel", String(forks)];
  return measured({
    program: "sh",
    // Its output is printed if it fails.
    args: ["-c", 'exec pulumi "$@" >&2', "sh", ...words, ...stack, ...more],
    env: site.env,
    cwd: checkout,
  });
}

/** What the playbook takes from Sealift's own host, which is up by now. */
async function archiveOf(site: SiteUnderTest): Promise<Archives[number]> {
  const { hosts } = await loadSite(await site.value(), site.file);
  const archive = hosts[0]?.files?.archive;
  if (archive === undefined) throw new Error("the bundle has no engine for the fleet");
  const written = new Map<string, string>();
  for (const path of writtenFiles) written.set(path, await site.onHost(`sudo cat ${path}`));
  const key = (await readFile(`${site.guest.identityFile}.pub`, "utf8")).trim();
  return { archive, key, written, version: archive.version };
}

/** @returns of each host's container the process and its start. */
async function startCounters(guests: readonly Guest[], { bundle }: Lab): Promise<readonly string[]> {
  const image = await imageArchive(bundle);
  const words = `docker load >/dev/null && docker run --detach --name counter --restart always ${bundle.image} sh -c 'while :; do sleep 1; done' >/dev/null && ${life}`;
  const lives: string[] = [];
  for (const guest of guests) lives.push(await asUser(guest, words, image));
  return lives;
}

async function sameCounters(
  guests: readonly Guest[],
  before: readonly string[],
  version: string,
): Promise<void> {
  for (const [index, guest] of guests.entries()) {
    const now = await asUser(guest, `${life} && docker version --format '{{.Server.Version}}'`);
    const [counter, engine = ""] = now.split("\n");
    if (`${counter ?? ""}\n` !== before[index] || !engine.startsWith(version))
      throw new Error(`${guest.name}: was ${before[index] ?? ""}, is ${now}`);
  }
}

const life = "docker inspect counter --format '{{.State.Pid}} {{.State.StartedAt}} {{.RestartCount}}'";

async function asUser(guest: Guest, command: string, input: string | Buffer = ""): Promise<string> {
  const { stdout, stderr, exitCode } = await guest.exec(command, { login: labUser, input });
  if (exitCode !== 0) throw new Error(`${guest.name}: ${command}: ${stderr}`);
  return stdout;
}

async function costOf(what: string, guests: readonly Guest[], work: () => Promise<Run>): Promise<Cost> {
  const spent = async (): Promise<number> => {
    const probes = await Promise.all(guests.map(probeHost));
    return probes.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  };
  const before = await spent();
  const { seconds, cpuSeconds } = await work();
  const cost = { what, seconds, operator: cpuSeconds, hosts: (await spent()) - before };
  console.log([what, ...figures(cost)].join("  "));
  return cost;
}

function figures({ seconds, operator, hosts }: Cost): readonly string[] {
  return [seconds, operator, hosts].map((value) => value.toFixed(1));
}
