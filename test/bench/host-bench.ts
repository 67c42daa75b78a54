/**
 * `npm run bench -- host [--runs <n>] [--alone]`: one host from bare to repaired, in the hands of Sealift and in those of Ansible, on
 * two machines of one kind, in turn, in one run. The figures are this machine's; compare the ratios.
 */
import { readFile } from "node:fs/promises";
import { loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { $ } from "zx/core";
import { diagnose } from "../../modules/rollout/doctor.ts";
import { loadSite } from "../../modules/rollout/probe-site.ts";
import { cachePath, checkout } from "../lab/cache.ts";
import { removeGuest, startGuest, type Guest } from "../lab/guest.ts";
import { ensurePackages } from "../lab/packages/packages.ts";
import { siteMachine, siteOn, startSite, type SiteUnderTest } from "../support/guests/site-under-test.ts";
import { table } from "../support/process/table.ts";
import { ansibleHosts, writtenFiles } from "./ansible-host.ts";
import type { AnsibleHosts } from "./ansible-plays.ts";
import { emptyProgram } from "./empty-program.ts";
import { costOf, figures, medians, pulumiAsAPerson, type Cost } from "./host-cost.ts";
import { middle } from "./measured.ts";

interface Situation {
  readonly what: string;
  /** How often; the medians count. */
  readonly runs: number;
  /** What is done to a host before each run. */
  readonly before?: string;
  readonly sealift: readonly string[];
  readonly ansible: readonly string[];
  /** How many tasks Ansible may say that it changes: none at all, or some. */
  readonly changes: "none" | "some";
}

/** A person in a hurry: another log driver, with the daemon restarted, and a user out of the group. */
const drift =
  `sudo sed -i 's/"log-driver": "local"/"log-driver": "json-file"/' /etc/docker/daemon.json && ` +
  "sudo systemctl restart docker.service && sudo gpasswd --delete deploy docker";

export async function hostBench(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: "string", default: "3" },
      alone: { type: "boolean", default: false },
    },
  });
  await ensurePackages("bench", ...(values.alone ? [] : (["fleet"] as const)));
  const site = await startSite("bench", siteMachine);
  try {
    const { tools, bundle } = site.lab;
    console.log(`\nCommand plugin: ${tools.commandPlugin.kind}; engine: ${bundle.origin}`);
    console.log(`Machine: ${site.guest.kind}; load average ${(loadavg()[0] ?? 0).toFixed(1)}\n`);
    const unit = await median(5, () => site.guest.exec("sudo -n true"));
    if (values.alone) await allSituations(site, undefined, Number(values.runs));
    else await compareWithAnsible(site, Number(values.runs));
    const state = await stateBytes(site);
    console.log(`\nssh round trip with sudo: ${unit.toFixed(2)} s (median of 5)`);
    console.log(
      `empty Pulumi program, up without changes: ${(await empty(site)).toFixed(2)} s (median of 5)`,
    );
    console.log(`state: ${(state / 1024).toFixed(1)} KiB per host`);
    console.log(
      `program start: ${(await programStart()).toFixed(2)} s (median of 5), bare node: ${(await bareNode()).toFixed(2)} s`,
    );
  } finally {
    await site.end();
  }
}

async function compareWithAnsible(site: SiteUnderTest, runs: number): Promise<void> {
  const name = "bench-ansible";
  await removeGuest(name);
  const other = await siteOn(await startGuest({ name, machine: siteMachine }), site.lab);
  try {
    await other.onHost("python3 --version");
    let ansible: AnsibleHosts | undefined;
    const start = async (): Promise<AnsibleHosts> => (ansible ??= await ansibleFor(site, other.guest));
    try {
      await allSituations(site, { guest: other.guest, start }, runs);
      await sealiftAgrees(other, "bench-ansible");
    } finally {
      await ansible?.end();
    }
  } finally {
    await other.end();
  }
}

interface ComparedTo {
  readonly guest: Guest;
  /** Only when Sealift has written its host's files: the playbook takes their text from there. */
  readonly start: () => Promise<AnsibleHosts>;
}

async function allSituations(
  site: SiteUnderTest,
  comparedTo: ComparedTo | undefined,
  runs: number,
): Promise<void> {
  const up = ["up", "--yes", "--skip-preview"] as const;
  const preview = { sealift: ["preview"], ansible: ["--check", "--diff"] };
  const situations: readonly Situation[] = [
    { what: "first converge of a bare host", runs: 1, sealift: up, ansible: [], changes: "some" },
    { what: "converge without changes", runs, sealift: up, ansible: [], changes: "none" },
    { what: "drift check, no drift", runs, ...preview, changes: "none" },
    { what: "drift check, two facts drifted", runs: 1, before: drift, ...preview, changes: "some" },
    { what: "repair of the two", runs: 1, sealift: up, ansible: [], changes: "some" },
  ];
  const rows: string[][] = [
    [
      "what",
      "by",
      "machine",
      "seconds",
      "CPU s, operator",
      "CPU s, host",
      "logins",
      "MB to the host",
      "Ansible / Sealift: wall time",
      "operator",
      "host",
    ],
  ];
  for (const { what, runs: times, before, sealift, ansible, changes } of situations) {
    const all: { sealift: Cost[]; ansible: Cost[] } = { sealift: [], ansible: [] };
    for (let run = 0; run < times; run += 1) {
      if (before !== undefined) await site.onHost(before);
      all.sealift.push(await costOf(site.guest, () => pulumiAsAPerson(site, sealift)));
      if (comparedTo === undefined) continue;
      const { play } = await comparedTo.start();
      if (before !== undefined) await must(comparedTo.guest, before);
      all.ansible.push(
        await costOf(comparedTo.guest, async () => {
          const done = await play(...ansible);
          if (done.changed > 0 !== (changes === "some"))
            throw new Error(`${what}: Ansible says changed=${done.changed}, and it should be ${changes}`);
          return done;
        }),
      );
    }
    const own = medians(all.sealift);
    rows.push([what, "Sealift", site.guest.kind, ...figures(own), "", "", ""]);
    console.log(rows.at(-1)?.join("  "));
    if (comparedTo === undefined) continue;
    const its = medians(all.ansible);
    const ratios = [its.seconds / own.seconds, its.operator / own.operator, its.host / own.host];
    const shown = ratios.map((ratio) => ratio.toFixed(1));
    rows.push([what, "Ansible", comparedTo.guest.kind, ...figures(its), ...shown]);
    console.log(rows.at(-1)?.join("  "));
  }
  console.log(`\n${table(rows)}`);
}

/** The playbook for a host like Sealift's own, which is up by now. */
async function ansibleFor(site: SiteUnderTest, guest: Guest): Promise<AnsibleHosts> {
  const { hosts } = await loadSite(await site.value(), site.file);
  const archive = hosts[0]?.files?.archive;
  if (archive === undefined) throw new Error("the bundle has no engine for the bench's host");
  const written = new Map<string, string>();
  for (const path of writtenFiles) written.set(path, await site.onHost(`sudo cat ${path}`));
  const key = (await readFile(`${site.guest.identityFile}.pub`, "utf8")).trim();
  return ansibleHosts([guest], { archive, key, written, forks: 1 });
}

/** That both have done the same work: each fact of Sealift's own holds on the host that Ansible has made. */
async function sealiftAgrees(other: SiteUnderTest, name: string): Promise<void> {
  process.env["SSH_AUTH_SOCK"] = other.env["SSH_AUTH_SOCK"];
  const { hosts } = await diagnose(`lab-${name}`, { deep: true, report: () => undefined });
  const phases = hosts.flatMap((host) => host.phases);
  const sum = (pick: (phase: (typeof phases)[number]) => number): number =>
    phases.reduce((total, phase) => total + pick(phase), 0);
  console.log(
    `\nOf the host that Ansible has made, Sealift finds ${sum(({ hold }) => hold)} of ${sum(({ facts }) => facts)} facts true`,
  );
  for (const line of phases.flatMap(({ differ }) => differ)) console.log(`  ${line}`);
  for (const { code, subject, found } of hosts.flatMap(({ findings }) => findings))
    console.log(`  ${code} ${subject}: ${found}`);
}

async function must(guest: Guest, command: string): Promise<void> {
  const { exitCode, stderr } = await guest.exec(command);
  if (exitCode !== 0) throw new Error(`${command}: ${stderr}`);
}

async function median(runs: number, work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const start = performance.now();
    await work();
    times.push((performance.now() - start) / 1000);
  }
  return middle(times);
}

async function stateBytes(site: SiteUnderTest): Promise<number> {
  const folder = (site.env["PULUMI_BACKEND_URL"] ?? "").replace("file://", "");
  return (await readFile(join(folder, ".pulumi", "stacks", "sealift", "lab-bench.json"))).length;
}

/** What is left when Sealift does nothing at all. */
async function empty(site: SiteUnderTest): Promise<number> {
  const program = await emptyProgram(site.env);
  try {
    return await median(5, program.up);
  } finally {
    await program.end();
  }
}

/** What every preview and up pays before anything else: Node, Pulumi's SDK, and this program's own modules. */
function programStart(): Promise<number> {
  const modules = ["./modules/rollout/plan-site.ts", "./modules/core/pulumi/converge.ts"]
    .map((path) => `import "${path}";`)
    .join("");
  return median(
    5,
    () => $({ cwd: checkout, quiet: true })`${process.execPath} --input-type=module -e ${modules}`,
  );
}

function bareNode(): Promise<number> {
  return median(5, () => $({ cwd: cachePath(), quiet: true })`${process.execPath} -e 0`);
}
