/**
 * `npm run cuts -- [--count <n>]`: power cuts in the middle of runs on a virtual machine, each placed by what has happened there and not by
 * the clock. It prints a table and ends with 1 when anything was lost or did not go on.
 */
import { parseArgs } from "node:util";
import { removeGuest, restartGuest } from "../lab/guest.ts";
import { vm } from "../lab/machine-choice.ts";
import type { LabSite } from "../lab/stack.ts";
import { startSite, type SiteUnderTest } from "../support/site-under-test.ts";
import { table } from "../support/table.ts";
import { type Cut, cutsOfLife, lostOf, tally } from "./plan.ts";

const name = "cuts";
const { values } = parseArgs({ options: { count: { type: "string", default: "12" } } });
const count = Number(values.count);

interface Done extends Cut {
  /** Facts that the host had told before the cut and that do not hold after the boot. */
  readonly lost: readonly string[];
  /** What the run after the boot ended with. */
  readonly next: "goes on" | "failed";
}

const done: Done[] = [];
for (let life = 0; done.length < count; life++) await liveThrough(life, count - done.length);
console.log(table([["phase", "place", "cuts", "facts lost", "runs that did not go on"], ...tally(done)]));
if (done.some(({ lost, next }) => lost.length > 0 || next === "failed")) process.exitCode = 1;

/** From a bare machine through its first run and through a change of everything, with a cut at every place of the plan. */
async function liveThrough(life: number, most: number): Promise<void> {
  const site = await startSite(name, vm("power"));
  try {
    const cuts = cutsOfLife(life).slice(0, most);
    for (const cut of cuts) {
      await site.write(cut.site === "first" ? undefined : changed);
      const told = await runUntil(site, cut);
      site.guest = await restartGuest(name, "off");
      await site.write(cut.site === "first" ? undefined : changed);
      // What starts at boot has started, or failed.
      await site.guest.exec("sudo -n timeout 600 systemctl is-system-running --wait");
      const { output } = await site.pulumi("preview");
      const lost = lostOf(output, told);
      // The next cut is made in the run that goes on; the last one of a site is followed by a whole run.
      const whole = cut.last || cut === cuts.at(-1);
      const next = !whole || (await goesOn(site)) ? "goes on" : "failed";
      done.push({ ...cut, lost, next });
      const words = lost.length === 0 ? "nothing lost" : `lost: ${lost.join(", ")}`;
      console.log(
        `${done.length}: ${cut.phase}, ${cut.at}: ${words}; ${told.length} facts told; next up ${next}`,
      );
    }
  } finally {
    await site.end();
    await removeGuest(name);
  }
}

/** A user leaves, another comes, the data volume grows, the daemon restarts. */
function changed(text: LabSite): void {
  text.users[0] = { ...text.users[0], name: "other", uid: 1501 };
  for (const volume of text.volumes.logical ?? []) if (volume["name"] === "data") volume["size"] = "5GiB";
  text.daemon["log-opts"] = { "max-size": "30m", "max-file": "4" };
}

/** Pulls the plug when it is time. @returns codes of the facts that runs on the host had told as changed by then. */
async function runUntil(site: SiteUnderTest, { phase, line }: Cut): Promise<readonly string[]> {
  // The runs that have ended are those whose result lies there: all that they have changed counts as told.
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
  const watching = site.guest.exec("sudo -n sh -s", { input: script });
  const run = site.up();
  const first = await Promise.race([watching, run.then(() => undefined)]);
  await site.guest.kill();
  await run;
  return first === undefined ? [] : first.stdout.split("\n").filter((code) => code !== "");
}

async function goesOn(site: SiteUnderTest): Promise<boolean> {
  const { exitCode, output } = await site.up();
  if (exitCode !== 0) console.log(output);
  const again = await site.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes");
  if (again.exitCode !== 0) console.log(again.output);
  return exitCode === 0 && again.exitCode === 0;
}
