/** Tells on stderr what is being done, once it takes longer than two seconds. */
export interface ProgressLine {
  readonly report: (text: string, fraction?: number) => void;
  readonly end: () => void;
}

/** Before this nobody wonders. */
const quietMs = 2_000;
/** On a terminal one line is written over and over; in a log each is a line of its own, so they come seldom. */
const intervalMs = { terminal: 200, log: 10_000 };

export function progressLine(): ProgressLine {
  const terminal = process.stderr.isTTY;
  const start = Date.now();
  let last = start + quietMs - intervalMs[terminal ? "terminal" : "log"];
  let shown = false;
  return {
    report: (text, fraction) => {
      const now = Date.now();
      if (now - last < intervalMs[terminal ? "terminal" : "log"]) return;
      last = now;
      shown = true;
      const percent = fraction === undefined ? "" : `${Math.floor(fraction * 100)}% `;
      const line = `${Math.round((now - start) / 1000)} s  ${percent}${text}`;
      process.stderr.write(terminal ? `\r\x1b[K${line}` : `${line}\n`);
    },
    end: () => {
      if (terminal && shown) process.stderr.write("\r\x1b[K");
    },
  };
}
