/** How one stage is shown: live on a terminal, or as plain lines. */
export interface StageView {
  skip(title: string, reason: string): void;
  start(title: string): void;
  progress(seconds: number, text: string, fraction?: number): void;
  done(title: string, seconds: number, note?: string): void;
  failed(title: string, seconds: number): void;
}

/** What liveView uses of listr2's task wrapper (11.4). */
interface LiveTask {
  title: unknown;
  output: unknown;
  skip(message: string): void;
}

/** Draws on listr2's task. */
export function liveView(task: LiveTask): StageView {
  return {
    skip: (title, reason) => {
      task.skip(`${title}: ${reason}`);
    },
    start: () => undefined,
    progress: (seconds, text, fraction) => {
      task.output = howFar(Math.round(seconds), text, fraction);
    },
    done: (title, seconds, note) => {
      task.title = `${title} (${inSeconds(seconds)}${note === undefined ? "" : `, ${note}`})`;
    },
    failed: (title, seconds) => {
      task.title = `${title}: failed after ${inSeconds(seconds)}`;
    },
  };
}

/** Lines for a log: progress at most every ten seconds, and none for what is over before that. */
export function plainView(label: string, print: (line: string) => void = console.log): StageView {
  const progressEverySeconds = 10;
  let reported = 0;
  return {
    skip: (title, reason) => {
      print(`${label} ${title}: ${reason}`);
    },
    start: (title) => {
      print(`${label} ${title} ...`);
    },
    progress: (seconds, text, fraction) => {
      if (seconds - reported < progressEverySeconds) return;
      reported = seconds;
      print(`${label}   ${howFar(Math.round(seconds), text, fraction)}`);
    },
    done: (_title, seconds, note) => {
      print(`${label}   done in ${inSeconds(seconds)}${note === undefined ? "" : `: ${note}`}`);
    },
    failed: (_title, seconds) => {
      print(`${label}   failed after ${inSeconds(seconds)}`);
    },
  };
}

/** "12.3 s", "2 min 5 s". */
export function inSeconds(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
}

function howFar(seconds: number, text: string, fraction?: number): string {
  const elapsed = seconds < 60 ? `${seconds} s` : inSeconds(seconds);
  const percent = fraction === undefined ? [] : [`${Math.round(fraction * 100)} %`];
  return [elapsed, ...percent, ...(text === "" ? [] : [text])].join("  ");
}
