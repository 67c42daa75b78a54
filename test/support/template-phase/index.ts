/** The phase of one host; modules/rollout/phases.ts lists it. */
import type { Phase } from "../../../modules/core/host/step.ts";
import { templateSteps, type TemplateSpec } from "./steps.ts";

/** Pure. */
export function templatePhase(spec: TemplateSpec): Phase {
  return { name: "template", steps: templateSteps(spec) };
}
