/**
 * What a person sees while things are prepared. On a terminal a live list with elapsed time; otherwise plain lines: start,
 * progress at most every ten seconds, end. While it runs, stdout belongs to it: a stage tells things through `report`, and
 * whatever has to be asked is asked before.
 */
import { writeSync } from "node:fs";
import { Listr } from "listr2";
import { onExit } from "./on-exit.ts";
import { type StageView, liveView, plainView } from "./stage-view.ts";

/** Says what a stage does right now, and how far it is: 0 to 1, if that is known. */
export type Report = (text: string, fraction?: number) => void;

export interface Stage {
  /** What is true when the stage is done: "the guest image is there". */
  readonly title: string;
  /** The reason why there is nothing to do ("already there"), asked when it is the stage's turn. */
  readonly skip?: () => string | undefined | Promise<string | undefined>;
  /** A returned text is shown behind the title: "from cache", "built in the lab". */
  readonly run: (report: Report) => Promise<unknown>;
}

export interface StageTime {
  readonly title: string;
  readonly seconds: number;
  /** Why nothing had to be done, or what the stage said about itself. */
  readonly note?: string;
}

/**
 * Runs the stages one after the other, or all at once with `concurrent`; stops at the first that fails.
 *
 * @returns the seconds of each stage, in the order of the stages.
 * @throws whatever the failing stage throws.
 */
export async function runStages(
  stages: readonly Stage[],
  options: { readonly concurrent?: boolean } = {},
): Promise<readonly StageTime[]> {
  const live = process.stdout.isTTY && !process.env["CI"] && process.env["TERM"] !== "dumb";
  const times = new Map<Stage, StageTime>();
  const list = new Listr(
    stages.map((stage, index) => ({
      title: stage.title,
      task: async (_context: unknown, task) => {
        const label = `[${String(index + 1).padStart(String(stages.length).length)}/${stages.length}]`;
        times.set(stage, await runStage(stage, live ? liveView(task) : plainView(label)));
      },
    })),
    {
      concurrent: options.concurrent ?? false,
      renderer: live ? "default" : "silent",
      // The error itself goes to the caller, who prints it once and in full.
      rendererOptions: { showErrorMessage: false, collapseErrors: false, formatOutput: "truncate" },
      // Ending on a signal is the caller's: it has guests and processes to stop.
      registerSignalListeners: false,
    },
  );
  const forget = onExit(() => {
    if (live) writeSync(1, showCursor);
  });
  try {
    await list.run();
  } finally {
    forget();
  }
  return stages.flatMap((stage) => times.get(stage) ?? []);
}

/** Written past listr2, which holds process.stdout while it draws. */
const showCursor = "\x1b[?25h";

async function runStage(stage: Stage, view: StageView): Promise<StageTime> {
  const start = performance.now();
  const seconds = (): number => (performance.now() - start) / 1000;
  const skipped = await stage.skip?.();
  if (skipped !== undefined) {
    view.skip(stage.title, skipped);
    return { title: stage.title, seconds: seconds(), note: skipped };
  }
  view.start(stage.title);
  let now: { text: string; fraction?: number } = { text: "" };
  const tick = setInterval(() => {
    view.progress(seconds(), now.text, now.fraction);
  }, 1000);
  try {
    const note = await stage.run((text, fraction) => {
      now = fraction === undefined ? { text } : { text, fraction };
      view.progress(seconds(), text, fraction);
    });
    const time = { title: stage.title, seconds: seconds() };
    const reported = typeof note === "string" ? note : undefined;
    view.done(stage.title, time.seconds, reported);
    return reported === undefined ? time : { ...time, note: reported };
  } catch (error) {
    view.failed(stage.title, seconds());
    throw error;
  } finally {
    clearInterval(tick);
  }
}
