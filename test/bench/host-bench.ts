/**
 * The figures of the whole line on one guest. They are this machine's, so each is also a ratio to a bare ssh round trip to
 * the same guest in the same run.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { $ } from "zx";
import { cachePath, checkout } from "../lab/cache.ts";
import { siteMachine, startSite, type SiteUnderTest } from "../support/site-under-test.ts";
import { table } from "../support/table.ts";

interface Traffic {
  readonly connections: number;
  readonly receivedBytes: number;
}

export async function hostBench(): Promise<void> {
  const site = await startSite("bench", siteMachine);
  try {
    console.log(
      `\nCommand plugin: ${site.lab.tools.commandPlugin.kind}; engine: ${site.lab.bundle.origin}\n`,
    );
    const unit = await median(5, () => site.guest.exec("sudo -n true"));
    const rows: string[][] = [["what", "seconds", "ssh round trips", "connections", "MB to the host"]];
    const measure = async (what: string, work: () => Promise<unknown>): Promise<void> => {
      const before = await traffic(site);
      const seconds = await timed(work);
      const after = await traffic(site);
      // The two looks at the traffic are connections of their own.
      const connections = after.connections - before.connections - 1;
      const megabytes = (after.receivedBytes - before.receivedBytes) / 1e6;
      rows.push([
        what,
        seconds.toFixed(1),
        (seconds / unit).toFixed(1),
        String(connections),
        megabytes.toFixed(2),
      ]);
    };
    const up = (): Promise<void> => must(site.pulumi("up", "--yes", "--skip-preview"));
    const preview = (): Promise<void> => must(site.pulumi("preview"));
    await measure("first up of a bare host", up);
    await measure("up with nothing to do", up);
    await measure("preview without drift", preview);
    await site.guest.exec(`sudo sed -i 's/"local"/"json-file"/' /etc/docker/daemon.json`);
    await measure("preview with drift", preview);
    await measure("up that repairs it", up);
    console.log(table(rows));
    const state = await stateBytes(site);
    console.log(`\nssh round trip with sudo: ${unit.toFixed(2)} s (median of 5)`);
    console.log(`state: ${(state / 1024).toFixed(1)} KiB per host (aim: at most 25)`);
    console.log(
      `program start: ${(await programStart()).toFixed(2)} s (median of 5), bare node: ${(await bareNode()).toFixed(2)} s`,
    );
  } finally {
    await site.end();
  }
}

async function must(run: ReturnType<SiteUnderTest["pulumi"]>): Promise<void> {
  const { exitCode, output } = await run;
  if (exitCode !== 0) throw new Error(output);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

async function median(runs: number, work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < runs; run++) times.push(await timed(work));
  return times.toSorted((left, right) => left - right)[Math.floor(runs / 2)] ?? 0;
}

/** Counted by the guest itself: what sshd accepted, what its network card received. */
async function traffic(site: SiteUnderTest): Promise<Traffic> {
  const count = "sudo journalctl -u ssh --no-pager -o cat | grep -c '^Accepted '";
  const { stdout } = await site.guest.exec(`${count}; cat /sys/class/net/e*/statistics/rx_bytes`);
  const [connections = 0, receivedBytes = 0] = stdout.split("\n").map(Number);
  return { connections, receivedBytes };
}

async function stateBytes(site: SiteUnderTest): Promise<number> {
  const folder = (site.env["PULUMI_BACKEND_URL"] ?? "").replace("file://", "");
  return (await readFile(join(folder, ".pulumi", "stacks", "sealift", "lab-bench.json"))).length;
}

/** What every preview and up pays before anything else: Node, Pulumi's SDK, and this program's own modules. */
function programStart(): Promise<number> {
  const modules = ["./modules/survey.ts", "./modules/core/converge.ts"]
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
