import { inSeconds } from "../../support/process/stage-view.ts";
import { runStages } from "../../support/process/stages.ts";
import { findGuest, removeGuest, startGuest, type Guest } from "../guest.ts";
import type { MachineNeed } from "../machine-choice.ts";
import type { Row } from "./demo-output.ts";

/** A new guest in place of an earlier one of this name. */
export async function pristineGuest(name: string, rows: Row[], machine: MachineNeed): Promise<Guest> {
  const running = await findGuest(name);
  if (running !== undefined) await running.stop();
  await removeGuest(name);
  let guest: Guest | undefined;
  const times = await runStages([
    {
      title: "a new test host runs",
      run: async (report) => {
        guest = await startGuest({ name, machine, report });
      },
    },
  ]);
  rows.push(...times.map(({ title, seconds }): Row => [title, inSeconds(seconds)]));
  if (guest === undefined) throw new Error("no guest");
  return guest;
}
