/**
 * `npm run bench -- apps [--projects <n>] [--runs <n>]`: Compose projects that already run as they should, run once more: by Sealift, by
 * Ansible's community.docker.docker_compose_v2, and by a person who types `docker compose up -d` for each. On two machines of one kind, in
 * turn, in one run. The figures are this machine's; the ratios hold elsewhere.
 */
import { mkdir, mkdtemp } from "node:fs/promises";
import { loadavg } from "node:os";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { cachePath, checkout } from "../lab/cache.ts";
import { removeGuest, startGuest } from "../lab/guest.ts";
import { ensurePackages } from "../lab/packages/packages.ts";
import type { LabSite } from "../lab/pulumi/stack.ts";
import { sshArguments } from "../lab/ssh.ts";
import { bundleSmallApps, smallCompose } from "../support/fixtures/small-apps.ts";
import { siteMachine, siteOn, startSite, type SiteUnderTest } from "../support/guests/site-under-test.ts";
import { table } from "../support/process/table.ts";
import { ansibleWithCollections } from "./ansible-collections.ts";
import { ansiblePlays } from "./ansible-plays.ts";
import { costOf, figures, medians, pulumiAsAPerson, type Cost } from "./host-cost.ts";
import { measured, type Run } from "./measured.ts";

const servicesEach = 2;

export async function appsBench(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { projects: { type: "string", default: "10" }, runs: { type: "string", default: "3" } },
  });
  const names = Array.from({ length: Number(values.projects) }, (_, at) => `project${String(at + 1)}`);
  await ensurePackages("bench", "fleet");
  const own = await startSite("bench-apps", siteMachine, "apps");
  const ends: (() => Promise<unknown>)[] = [() => own.end()];
  try {
    const textOf = (name: string): string => smallCompose(name, own.lab.bundle.image, servicesEach);
    const apps = Object.fromEntries(names.map((name) => [name, { "1.0.0": textOf(name) }]));
    const bundle = await bundleSmallApps(own.lab.bundle, apps);
    ends.push(() => bundle.end());
    const write = (site: SiteUnderTest, apps: readonly string[]): Promise<void> =>
      site.write((file: LabSite) => {
        file.daemon["features"] = { "containerd-snapshotter": true };
        Reflect.deleteProperty(file.daemon, "storage-driver");
        Object.assign(file.engine, { compose: own.lab.bundle.plugins.compose });
        file.bundle["directory"] = relative(checkout, bundle.directory);
        file.images = [own.lab.bundle.image];
        Object.assign(file, {
          apps: apps.map((name) => ({ name, version: "1.0.0", update: { monitor: "0s" } })),
        });
      });
    // The same host: engine, plugin and image, and no project yet.
    const name = "bench-compose";
    await removeGuest(name);
    const other = await siteOn(await startGuest({ name, machine: siteMachine }), own.lab);
    ends.push(() => other.end());
    await write(other, []);
    await succeeds(other);
    await write(own, names);
    await succeeds(own);
    const ansible = await ansibleWithCollections();
    await mkdir(cachePath("tmp"), { recursive: true });
    const plays = await ansiblePlays([other.guest], {
      ...{ playbook: join(import.meta.dirname, "ansible", "projects.yaml"), forks: 1, ...ansible },
      vars: { projects: names.map((one) => ({ name: one, text: textOf(one) })) },
      folder: await mkdtemp(cachePath("tmp", "ansible-")),
    });
    ends.push(() => plays.end());
    await plays.play();
    const each = names.map(
      (one) => `docker compose -p ${one} -f /srv/projects/${one}/compose.yaml up -d --pull never`,
    );
    const byHand = `sudo -n sh -ec '${each.join("; ")}'`;
    const ways: readonly (readonly [string, SiteUnderTest, () => Promise<Run>])[] = [
      [
        "Sealift, up",
        own,
        () => pulumiAsAPerson(own, ["up", "--yes", "--skip-preview", "--expect-no-changes"]),
      ],
      ["Sealift, preview", own, () => pulumiAsAPerson(own, ["preview", "--expect-no-changes"])],
      [
        "Ansible",
        other,
        async () => {
          const done = await plays.play();
          if (done.changed > 0)
            throw new Error(`Ansible says changed=${done.changed}, and nothing was to change`);
          return done;
        },
      ],
      [
        "by hand",
        other,
        () => measured({ program: "ssh", args: [...sshArguments(other.guest.ssh), byHand] }),
      ],
    ];
    const containers = "docker ps --quiet --no-trunc | sort";
    const before = await Promise.all([own, other].map((site) => site.onHost(`sudo -n ${containers}`)));
    const costs = new Map<string, Cost[]>(ways.map(([what]) => [what, []]));
    for (let run = 0; run < Number(values.runs); run++)
      for (const [what, site, work] of ways) costs.get(what)?.push(await costOf(site.guest, work));
    const after = await Promise.all([own, other].map((site) => site.onHost(`sudo -n ${containers}`)));
    if (
      before.join() !== after.join() ||
      before.some((one) => one.trim().split("\n").length !== names.length * servicesEach)
    )
      throw new Error("a run has replaced containers, or some do not run");
    console.log(
      `\n${names.length} projects with ${servicesEach} services each, nothing to change; median of ${values.runs}`,
    );
    console.log(
      `Machine: ${own.guest.kind}; load average ${(loadavg()[0] ?? 0).toFixed(1)}; engine ${own.lab.bundle.engineVersion}, compose ${own.lab.bundle.plugins.compose ?? ""}; ${ansible.version}\n`,
    );
    const sealift = medians(costs.get("Sealift, up") ?? []);
    const rows = ways.map(([what]) => {
      const cost = medians(costs.get(what) ?? []);
      const ratios = [
        cost.seconds / sealift.seconds,
        cost.operator / sealift.operator,
        cost.host / sealift.host,
      ];
      return [what, ...figures(cost), ...ratios.map((ratio) => ratio.toFixed(2))];
    });
    const head = ["by", "seconds", "CPU s, operator", "CPU s, host", "logins", "MB to the host"];
    console.log(table([[...head, "to Sealift, up: wall time", "operator", "host"], ...rows]));
  } finally {
    for (const end of ends.toReversed()) await end();
  }
}

async function succeeds(site: SiteUnderTest): Promise<void> {
  const { exitCode, output } = await site.up();
  if (exitCode !== 0) throw new Error(output);
}
