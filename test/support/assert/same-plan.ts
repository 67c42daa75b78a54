/** Compares plan texts with those in test/golden. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { planText } from "../../../modules/core/host/step.ts";
import type { HostPhases } from "../../../modules/rollout/phases.ts";
import { checkout } from "../../lab/cache.ts";
import { library } from "../fixtures/example-host.ts";

/** The plan texts of these phases are those of plan-NAME.txt. UPDATE_GOLDEN=1 records them again. */
export function assertSamePlan(
  name: string,
  host: string,
  found: HostPhases,
  ...expected: readonly (keyof HostPhases)[]
): void {
  const text = expected
    .flatMap((key) => found[key] ?? [])
    .map((phase) => planText(host, phase, { serial: 7 }))
    .join("")
    .replaceAll(library.sha256, "<library sha256>")
    .replace(`delivered ${library.bytes} `, "delivered <library bytes> ");
  const file = join(checkout, "test", "golden", `plan-${name}.txt`);
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, text);
  assert.equal(text, readFileSync(file, "utf8"));
}
