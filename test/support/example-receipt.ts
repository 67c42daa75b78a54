/** A receipt of one host as tests have it: a fact that changed, one that does not hold, a warning, one that was not said. */
import type { Probe } from "../../modules/core/probe.ts";
import { hostReceipt, type Receipt } from "../../modules/receipt/receipt.ts";
import { certificates } from "../../modules/registry/steps.ts";
import type { SurveyedHost } from "../../modules/survey.ts";
import { exampleArchive, exampleHost, examplePhases } from "./example-host.ts";

const phases = examplePhases();
const steps = Object.values(phases).flatMap((phase) => phase.steps);

/** What a look says when these facts do not hold, are warnings, or are not said. */
export function look(
  wrong: readonly string[],
  warned: readonly string[] = [],
  unsaid: readonly string[] = [],
): Probe {
  const fill = "10737418240 2147483648";
  const status = (code: string): "drift" | "warn" | "ok" =>
    wrong.includes(code) ? "drift" : warned.includes(code) ? "warn" : "ok";
  const facts = steps
    .filter(({ code }) => !unsaid.includes(code))
    .map(({ code, fact }) => ({
      status: status(code),
      code,
      fact,
      found: status(code) === "ok" ? "" : "<b>something else</b>\u001b[31m",
    }));
  const volumes = exampleHost().volumes.logical.map(({ mount }) => ({
    status: "drift" as const,
    code: `receipt.fill.${mount}`,
    fact: "",
    found: fill,
  }));
  const ends = certificates.map(({ path }) => ({
    status: "drift" as const,
    code: `receipt.ends.${path}`,
    fact: "",
    found: "Nov 21 18:00:00 2027 GMT",
  }));
  return {
    kind: "reached",
    report: {
      steps: [...facts, ...volumes, ...ends],
      values: { "receipt.installed": `/opt/docker/1/bin/dockerd ${"cd".repeat(32)} /opt/x no-hash` },
      mark: { machine: "62ff67b1", journalLines: 9 },
    },
  };
}

/** A host as it was seen before the run. */
export function host(before: Probe): SurveyedHost {
  return {
    spec: exampleHost(),
    files: { archive: exampleArchive, plugins: [] },
    deliveries: [],
    spares: [],
    seeds: [],
    phases,
    probe: before,
    warnings: [],
  };
}

/** Codes of facts: changed, not holding, a warning, not said. */
export const [first = "", second = "", third = "", fourth = ""] = phases.users.steps.map(({ code }) => code);

export function receipt(more: Partial<Receipt> = {}): Receipt {
  return {
    format: 3,
    site: "prod",
    number: 1,
    previous: null,
    began: "2026-11-21T18:00:00.000Z",
    ended: "2026-11-21T18:05:00.000Z",
    bundle: { serial: 7, lockSha256: "ab".repeat(32), signers: ["team@office", "second@office"] },
    run: {
      user: "ops",
      machine: "desk",
      sealift: "0.1.0",
      checkout: { commit: "12".repeat(20), changed: false },
    },
    warnings: [],
    hosts: [hostReceipt(host(look([first, second])), look([second], [third], [fourth]))],
    ...more,
  };
}
