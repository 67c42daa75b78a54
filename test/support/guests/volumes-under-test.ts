/** Volumes of a guest, described as in a site, checked and created by the library's shell. */
import type { VolumesSpec } from "../../../modules/core/site/site-spec.ts";
import type { Step } from "../../../modules/core/host/step.ts";
import type { StepReport } from "../../../modules/core/host/report.ts";
import { volumeSteps } from "../../../modules/volumes/steps.ts";
import type { ShellFunctions } from "./shell-functions.ts";

/** The lab's data disk, and what a second disk of a test is called. */
export const firstDisk = "/dev/disk/by-id/virtio-lab-data";
export const secondDisk = "/dev/disk/by-id/virtio-lab-more";

export function stepsOf(
  volumes: Partial<VolumesSpec> & Pick<VolumesSpec, "logicalVolumes">,
): readonly Step[] {
  return volumeSteps({
    users: [],
    daemon: { "data-root": "/data/docker" },
    volumes: {
      group: "vg0",
      ...(volumes.logicalVolumes.length === 0 ? {} : { disks: [{ id: firstDisk }] }),
      ...volumes,
    },
  });
}

/** `code: status` of all steps, or with `found` where that says something: `code: drift no such volume`. */
export function reported(steps: readonly StepReport[]): readonly string[] {
  return steps.map(({ code, status, found }) =>
    status === "ok" || status === "changed" ? `${code}: ${status}` : `${code}: ${status} ${found}`,
  );
}

/** Applies the steps; what it says of those that were not so before. */
export async function changes(on: ShellFunctions, steps: readonly Step[]): Promise<readonly string[]> {
  const report = await on.run("apply", steps);
  if (report.revision === undefined) return [report.text];
  return reported(report.steps.filter(({ status }) => status !== "ok"));
}

/** Looks at the steps; what it says of those that do not hold. */
export async function drifts(on: ShellFunctions, steps: readonly Step[]): Promise<readonly string[]> {
  const report = await on.run("check", steps);
  if (report.revision === undefined) return [report.text];
  return reported(report.steps.filter(({ status }) => status !== "ok"));
}
