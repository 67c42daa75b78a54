/** Power cuts in updates of a small application with data in a volume: what runs after the boot, and after the run that goes on. */
import { relative } from "node:path";
import { stringify } from "yaml";
import { checkout } from "../lab/cache.ts";
import { removeGuest, restartGuest } from "../lab/guest.ts";
import type { MachineNeed } from "../lab/machine-choice.ts";
import { bundleSmallApps, type SmallApps } from "../support/fixtures/small-apps.ts";
import { startSite, type SiteUnderTest } from "../support/guests/site-under-test.ts";
import { hasNext, runUntil } from "./cut-run.ts";
import { cutOfUpdate, type Done, lostOf, type UpdateCut, updatePlaces } from "./plan.ts";

const name = "cuts-update";
const app = "counter";
const versions = ["1.0.0", "1.1.0"] as const;
const containers = [`${app}-web-1`, `${app}-worker-1`];

/** So many cuts, each in an update from one of the two versions to the other. @param done gets each of them. */
export async function liveThroughUpdates(need: MachineNeed, count: number, done: Done[]): Promise<void> {
  const site = await startSite(name, need, "apps");
  const { image } = site.lab.bundle;
  const projects = Object.fromEntries(versions.map((version) => [version, compose(image, version)]));
  const bundle = await bundleSmallApps(site.lab.bundle, { [app]: projects });
  try {
    await write(site, bundle, versions[0]);
    const { exitCode, output } = await site.up();
    if (exitCode !== 0) throw new Error(output);
    for (let at = 0; at < count; at++) done.push(await cutOne(site, bundle, at, done.length + 1));
  } catch (error) {
    // Shown before the end of the site can fail and hide it.
    console.error(error);
    throw error;
  } finally {
    await site.end();
    await removeGuest(name);
    await bundle.end();
  }
}

async function cutOne(site: SiteUnderTest, bundle: SmallApps, at: number, number: number): Promise<Done> {
  const version = versions[(at + 1) % 2] ?? versions[0];
  const cut = cutOfUpdate(Math.random);
  const line = `entry ${number}`;
  await site.onHost(`sudo -n docker exec ${app}-web-1 sh -c 'echo ${line} >>/data/kept' && sudo -n sync`);
  await write(site, bundle, version);
  const reported = (await runUntil(site, watch(cut, version))) ?? [];
  site.guest = await restartGuest(name, "off");
  await write(site, bundle, version);
  const lost = [...(await afterBoot(site, line))];
  lost.push(...lostOf((await site.pulumi("preview")).output, reported));
  const next = (await hasNext(site)) ? "goes on" : "failed";
  lost.push(...(await afterRun(site, version, line)));
  const words = lost.length === 0 ? "nothing lost" : `lost: ${lost.join(", ")}`;
  const when = `${cut.at}, ${cut.seconds.toFixed(1)} s later`;
  console.log(`${number}: apps, ${when}: ${words}; ${reported.length} facts reported; next up ${next}`);
  return { ...cut, lost, next };
}

/** Whatever starts at boot starts without an operator: the application runs, in one of its versions, and has its data. */
async function afterBoot(site: SiteUnderTest, line: string): Promise<readonly string[]> {
  await site.guest.exec("sudo -n timeout 600 systemctl is-system-running --wait");
  // Health checks start over with the containers.
  const all = containers.map(
    (one) => `docker inspect --format '{{.State.Health.Status}}' ${one} | grep -qx healthy`,
  );
  const well = `timeout 300 sh -c "until ${all.join(" && ")}; do sleep 1; done"`;
  const { exitCode } = await site.guest.exec("sudo -n sh -s", { input: well });
  return [...(exitCode === 0 ? [] : ["the application after the boot"]), ...(await withoutData(site, line))];
}

/** The application runs in the wanted version, and nothing else is left of the update. */
async function afterRun(site: SiteUnderTest, version: string, line: string): Promise<readonly string[]> {
  const script = `docker ps --all --format '{{.Names}}' | sort
    docker exec ${app}-web-1 sh -c 'echo $RELEASE'
    docker volume ls --format '{{.Name}}'
    ls -A /svc/apps/${app}/releases | grep -v '^1' || true`;
  const { stdout } = await site.guest.exec("sudo -n sh -s", { input: script });
  const expected = [...containers, version, `${app}_data`].join("\n");
  return [
    ...(stdout.trim() === expected
      ? []
      : [`what is left of the update (${stdout.trim().split("\n").join(", ")})`]),
    ...(await withoutData(site, line)),
  ];
}

async function withoutData(site: SiteUnderTest, line: string): Promise<readonly string[]> {
  const file = `/data/docker/volumes/${app}_data/_data/kept`;
  const { exitCode } = await site.guest.exec(`sudo -n grep -qx '${line}' ${file}`);
  return exitCode === 0 ? [] : ["the data of the volume"];
}

/** Waits for the place of the cut, and prints the facts of runs that have ended by then. */
function watch({ line, seconds }: UpdateCut, version: string): string {
  const [, place] = updatePlaces[(line ?? 0) - 1] ?? [];
  return `app=/svc/apps/${app} run=/run/sealift/apps/${app} release=${version} start=/run/cut-start
    mkdir -p /run/sealift/apply
    : >"$start"
    ended() {
      for report in /run/sealift/apply/*/report; do
        if [ "$report" -nt "$start" ] && [ -e "\${report%/*}/result" ] && grep -q "	apps\\." "$report"; then return 0; fi
      done
      return 1
    }
    until ended; do
      ${place === undefined ? "" : `if { ${place}; } >/dev/null 2>&1; then sleep ${seconds.toFixed(2)} && break; fi`}
      sleep 0.02
    done
    for report in /run/sealift/apply/*/report; do
      if [ "$report" -nt "$start" ] && [ -e "\${report%/*}/result" ]; then sed -n 's/^changed	\\([^	]*\\)	.*/\\1/p' "$report"; fi
    done`;
}

function write(site: SiteUnderTest, bundle: SmallApps, version: string): Promise<void> {
  return site.write((text) => {
    text.daemon["features"] = { "containerd-snapshotter": true };
    Reflect.deleteProperty(text.daemon, "storage-driver");
    Object.assign(text.engine, { compose: site.lab.bundle.plugins.compose });
    text.bundle["directory"] = relative(checkout, bundle.directory);
    Object.assign(text, { apps: [{ name: app, version, update: { monitor: "4s", timeout: "5m" } }] });
  });
}

/** Two services, of which one waits for the other; the version is in their environment, so that an update replaces both. */
function compose(image: string, version: string): string {
  const service = {
    ...{ image, init: true, restart: "unless-stopped", stop_grace_period: "5s" },
    ...{ command: ["sleep", "1000000"], environment: { RELEASE: version } },
    healthcheck: {
      test: ["CMD", "sh", "-c", ":"],
      interval: "5s",
      timeout: "30s",
      start_period: "60s",
      start_interval: "2s",
    },
  };
  return stringify(
    {
      services: {
        web: { ...service, volumes: ["data:/data"] },
        worker: { ...service, depends_on: { web: { condition: "service_healthy" } } },
      },
      volumes: { data: {} },
    },
    { aliasDuplicateObjects: false },
  );
}
