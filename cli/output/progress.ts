import { visible } from "../../modules/core/visible.ts";
import { size } from "./columns.ts";

/** Reports progress on stderr once an operation takes longer than two seconds. */
export interface ProgressLine {
  readonly report: (text: string, fraction?: number) => void;
  /** The same for transfers: bytes of the total, speed, and remaining time. */
  readonly transfer: (text: string, done: number, total: number | undefined) => void;
  readonly end: () => void;
}

/** Shorter operations show no progress. */
const quietMs = 2_000;
/** On a terminal one line is overwritten; in a log each report is a new line, so they are rare. */
const intervalMs = { terminal: 200, log: 10_000 };

export function progressLine(): ProgressLine {
  const terminal = process.stderr.isTTY;
  const start = Date.now();
  const rate = movingRate();
  let last = start + quietMs - intervalMs[terminal ? "terminal" : "log"];
  let shown = false;
  const show = (words: () => string): void => {
    const now = Date.now();
    if (now - last < intervalMs[terminal ? "terminal" : "log"]) return;
    last = now;
    shown = true;
    const line = visible(`${Math.round((now - start) / 1000)} s  ${words()}`);
    process.stderr.write(terminal ? `\r\x1b[K${line}` : `${line}\n`);
  };
  return {
    report: (text, fraction) => {
      show(() => `${fraction === undefined ? "" : `${Math.floor(fraction * 100)}% `}${text}`);
    },
    transfer: (text, done, total) => {
      const now = Date.now();
      rate.add(now, done);
      show(() => `${transferText(done, total, rate.perSecond(now))}  ${text}`);
    },
    end: () => {
      if (terminal && shown) process.stderr.write("\r\x1b[K");
    },
  };
}

/** `34%  120.3 MB of 350.0 MB  8.1 MB/s  28 s left`, as far as it is known. */
export function transferText(done: number, total: number | undefined, perSecond: number): string {
  const knownTotal = total !== undefined && total > 0 ? total : undefined;
  return [
    ...(knownTotal === undefined ? [] : [`${Math.floor((done / knownTotal) * 100)}%`]),
    knownTotal === undefined ? size(done) : `${size(done)} of ${size(knownTotal)}`,
    ...(perSecond > 0 ? [`${size(Math.round(perSecond))}/s`] : []),
    ...(perSecond > 0 && knownTotal !== undefined
      ? [`${duration((knownTotal - done) / perSecond)} left`]
      : []),
  ].join("  ");
}

function duration(seconds: number): string {
  const rounded = Math.ceil(seconds);
  if (rounded < 60) return `${rounded} s`;
  if (rounded < 3600) return `${Math.floor(rounded / 60)} min ${rounded % 60} s`;
  return `${Math.floor(rounded / 3600)} h ${Math.floor((rounded % 3600) / 60)} min`;
}

/** Bytes per second over the last ten seconds: earlier speeds do not predict the remaining time. */
function movingRate(): {
  add: (now: number, done: number) => void;
  perSecond: (now: number) => number;
} {
  const windowMs = 10_000;
  const samples: { at: number; done: number }[] = [];
  return {
    add: (now, done) => {
      if (now - (samples.at(-1)?.at ?? 0) >= 250) samples.push({ at: now, done });
      while (now - (samples[0]?.at ?? now) > windowMs) samples.shift();
    },
    perSecond: (now) => {
      const [first, newest] = [samples[0], samples.at(-1)];
      if (first === undefined || newest === undefined || newest.at === first.at) return 0;
      return Math.max(((newest.done - first.done) / (now - first.at)) * 1_000, 0);
    },
  };
}
