/**
 * `npm run cuts -- [--count <n>] [--machine vm|container] [--phase apps]`: power cuts in the middle of runs, each placed by what has
 * happened on the machine and not by the clock. It prints a table and ends with 1 when anything was lost or a later run failed. With
 * `--phase apps` they are cuts in updates of an application, otherwise in the phases before.
 * A container is cut at native speed, without a boot of a kernel and without LVM.
 */
import { parseArgs } from "node:util";
import { removeGuest, restartGuest } from "../lab/guest.ts";
import { vm } from "../lab/machine-choice.ts";
import type { LabSite } from "../lab/pulumi/stack.ts";
import { siteMachine, startSite, type SiteUnderTest } from "../support/guests/site-under-test.ts";
import { table } from "../support/process/table.ts";
import { hasNext, runUntil } from "./cut-run.ts";
import { type Cut, cutsOfLife, type Done, lostOf, tally } from "./plan.ts";
import { liveThroughUpdates } from "./updates.ts";

const name = "cuts";
const { values } = parseArgs({
  options: {
    count: { type: "string", default: "12" },
    machine: { type: "string", default: "vm" },
    phase: { type: "string", default: "" },
  },
});
const count = Number(values.count);
const need = values.machine === "container" ? siteMachine : vm("power");

const done: Done[] = [];
// Each life reaches most of its places; the bound ends a lab in which none is ever reached.
if (values.phase === "apps") await liveThroughUpdates(need, count, done);
else
  for (let life = 0; done.length < count && life < count; life++)
    await liveThrough(life, count - done.length);
console.log(table([["phase", "place", "cuts", "facts lost", "runs that did not go on"], ...tally(done)]));
if (done.some(({ lost }) => lost.length > 0)) process.exitCode = 1;

/** From a bare machine through its first run and through a change of everything, with a cut at every place of the plan. */
async function liveThrough(life: number, most: number): Promise<void> {
  const site = await startSite(name, need);
  try {
    const cuts = cutsOfLife(life, need.kind).slice(0, most);
    for (const cut of cuts) {
      await site.write(cut.site === "first" ? undefined : changed);
      const reported = await runUntilCut(site, cut);
      if (reported === undefined) console.log(`${cut.phase}, ${cut.at}: the run ended before; not counted`);
      site.guest = await restartGuest(name, "off");
      await site.write(cut.site === "first" ? undefined : changed);
      // What starts at boot has started, or failed.
      await site.guest.exec("sudo -n timeout 600 systemctl is-system-running --wait");
      const { output } = await site.pulumi("preview");
      const lost = lostOf(output, reported ?? []);
      // The next cut is made in the run that goes on; the last one of a site is followed by a whole run.
      const finalBoot = cut.last || cut === cuts.at(-1);
      const next = !finalBoot || (await hasNext(site)) ? "goes on" : "failed";
      if (reported === undefined) continue;
      done.push({ ...cut, lost, next });
      const words = lost.length === 0 ? "nothing lost" : `lost: ${lost.join(", ")}`;
      console.log(
        `${done.length}: ${cut.phase}, ${cut.at}: ${words}; ${reported.length} facts reported; next up ${next}`,
      );
    }
  } catch (error) {
    // Shown before the end of the site can fail and hide it.
    console.error(error);
    throw error;
  } finally {
    await site.end();
    await removeGuest(name);
  }
}

/** A user leaves, another comes, the data volume grows, the daemon restarts. */
function changed(text: LabSite): void {
  text.users[0] = { ...text.users[0], name: "other", uid: 1501 };
  for (const volume of text.volumes.logicalVolumes ?? [])
    if (volume["name"] === "data") volume["size"] = "5GiB";
  text.daemon["log-opts"] = { "max-size": "30m", "max-file": "4" };
}

/**
 * Cuts the power when it is time.
 *
 * @returns codes of the facts that runs on the host had reported as changed by then; undefined when the run ended before its time came.
 */
async function runUntilCut(
  site: SiteUnderTest,
  { phase, line }: Cut,
): Promise<readonly string[] | undefined> {
  // The runs that have ended are those whose result is there: all that they have changed counts as reported.
  const script = `mkdir -p /run/sealift/apply
    old=$(cat /var/lib/sealift/journal 2>/dev/null | grep -c " changed ${phase} ")
    while :; do
      now=$(cat /var/lib/sealift/journal 2>/dev/null | grep -c " changed ${phase} ")
      for report in /run/sealift/apply/*/report; do
        if [ -e "\${report%/*}/result" ] && grep -q "	${phase}\\." "$report"; then ended=yes; fi
      done
      ${line === undefined ? "" : `if [ $((now - old)) -ge ${line} ]; then break; fi`}
      if [ -n "\${ended-}" ]; then break; fi
      sleep 0.02
    done
    for report in /run/sealift/apply/*/report; do
      if [ -e "\${report%/*}/result" ]; then sed -n 's/^changed	\\([^	]*\\)	.*/\\1/p' "$report"; fi
    done`;
  return runUntil(site, script);
}
