/** A run whose host loses its power, and the run after it. */
import type { SiteUnderTest } from "../support/guests/site-under-test.ts";

/**
 * Cuts the power when a script on the host ends.
 *
 * @param script as root; it prints the codes of the facts that count as reported, one a line.
 * @returns these codes; undefined when the run ended before its time came.
 */
export async function runUntil(site: SiteUnderTest, script: string): Promise<readonly string[] | undefined> {
  const watching = site.guest.exec("sudo -n sh -s", { input: script });
  const run = site.up();
  const first = await Promise.race([watching, run.then(() => undefined)]);
  await site.guest.kill();
  await run;
  return first === undefined ? undefined : first.stdout.split("\n").filter((code) => code !== "");
}

/** Whether the next run converges, and the one after it finds nothing to do. */
export async function hasNext(site: SiteUnderTest): Promise<boolean> {
  const { exitCode, output } = await site.up();
  if (exitCode !== 0) console.log(output);
  const again = await site.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes");
  if (again.exitCode !== 0) console.log(again.output);
  const converged = exitCode === 0 && again.exitCode === 0;
  // A run that fails counts even after a cut that does not.
  if (!converged) process.exitCode = 1;
  return converged;
}
