/** Breaks facts of a provisioned host manually, one at a time: each is found alone, and corrected. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { probeSite, loadSite } from "../../../modules/rollout/probe-site.ts";
import type { HostPhases } from "../../../modules/rollout/phases.ts";
import type { MachineNeed } from "../../lab/machine-choice.ts";
import { startProvisionedSite } from "./provisioned-site.ts";
import { shellOn, type ShellFunctions } from "./shell-functions.ts";
import type { SiteUnderTest } from "./site-under-test.ts";

export interface Breakage {
  readonly command: string;
  /** Facts that cannot hold either while this one does not. */
  readonly also?: readonly string[];
}

export interface EachFact {
  /** Of the guest. */
  readonly name: string;
  readonly machine: MachineNeed;
  /** The phases whose facts have to be in one of the two lists. */
  readonly of: readonly ("volumes" | "users" | "engine" | "daemon")[];
  /** By the code of the fact: what a hand does on the host as root. */
  readonly breakages: Readonly<Record<string, Breakage>>;
  /** What no hand breaks without loss, and where it is tried instead. */
  readonly elsewhere: Readonly<Record<string, string>>;
}

export function breakEachFact({ name, machine, of, breakages, elsewhere }: EachFact): void {
  describe(`each fact of ${of.join(", ")}, broken by hand`, () => {
    let site: SiteUnderTest;
    let on: ShellFunctions;
    let phases: HostPhases;
    before(async () => {
      site = await startProvisionedSite(name, machine);
      process.env["SSH_AUTH_SOCK"] = site.env["SSH_AUTH_SOCK"];
      on = await shellOn(site.guest);
      phases = (await failingFacts()).phases;
    });
    after(() => site.end());

    /** The same probe as that of preview and up. */
    async function failingFacts(): Promise<{ phases: HostPhases; wrong: readonly string[] }> {
      const { hosts } = await probeSite(await loadSite(await site.value(), site.file));
      const [host] = hosts;
      assert.ok(host?.planned);
      const { planned, probe } = host;
      assert.equal(probe.kind, "reached", JSON.stringify(probe));
      const own = probe.report.steps.filter(({ code }) => !code.startsWith("preflight."));
      return {
        phases: planned.phases,
        wrong: own.filter(({ status }) => status !== "ok").map(({ code }) => code),
      };
    }

    test("every fact of the site is in one of the two lists", () => {
      const codes = of.flatMap((phase) => phases[phase].steps.map(({ code }) => code));
      assert.deepEqual([...Object.keys(breakages), ...Object.keys(elsewhere)].toSorted(), codes.toSorted());
    });

    test("none differs on a host that was provisioned", async () => {
      assert.deepEqual((await failingFacts()).wrong, []);
    });

    for (const [code, { command, also = [] }] of Object.entries(breakages)) {
      test(code, async () => {
        await on.root(`{ ${command}; } >/dev/null 2>&1`);
        const { wrong } = await failingFacts();
        const named = wrong.filter((one) => !also.includes(one));
        assert.deepEqual(named, [code]);
        const { volumes, users, engine, daemon } = phases;
        const steps = [volumes, users, engine, daemon].flatMap((phase) => phase.steps);
        const report = await on.run("apply", steps);
        const changed = report.steps.filter(({ status }) => status === "changed").map((step) => step.code);
        assert.deepEqual(
          changed.filter((one) => !also.includes(one)),
          [code],
          report.text,
        );
        assert.ok(report.revision, report.text);
      });
    }

    test("after all of them nothing differs", async () => {
      assert.deepEqual((await failingFacts()).wrong, []);
    });

    test("what has to travel again is sent by up", async () => {
      await on.root("rm /var/lib/sealift/blobs/* && rm -r ~ops/.sealift");
      const { exitCode, output } = await site.pulumi("up", "--yes", "--skip-preview");
      assert.equal(exitCode, 0, output);
      assert.deepEqual((await failingFacts()).wrong, []);
    });
  });
}
