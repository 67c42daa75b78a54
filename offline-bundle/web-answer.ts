/** What a server says of its answer before the first byte of it. */
import { type Patience, retryAfter } from "./patience.ts";
import { type Answer, Refusal } from "./web-request.ts";

/** The server asks to be left alone for a while. */
export class Busy extends Error {
  readonly waitMs: number;
  constructor(text: string, waitMs: number) {
    super(text);
    this.waitMs = waitMs;
  }
}

/** First byte of a part that was asked for (RFC 9110, 14.4). */
export function startOf(answer: Answer): number | undefined {
  const start = /^bytes (\d+)-/.exec(answer.header("content-range") ?? "")?.[1];
  return start === undefined ? undefined : Number(start);
}

export function lengthHeader(answer: Answer): number | undefined {
  const length = answer.header("content-length");
  return length === undefined || answer.header("content-encoding") !== undefined ? undefined : Number(length);
}

export function refusalOf(answer: Answer, patience: Patience): Error {
  const { status } = answer;
  if (status < 500 && ![408, 425, 429].includes(status)) return new Refusal(`HTTP status ${status}`);
  const wait = retryAfter(answer.header("retry-after"));
  if (wait === undefined) return new Error(`HTTP status ${status}`);
  const text = `HTTP status ${status}, to be asked again in ${Math.ceil(wait / 1_000)} s`;
  return wait > patience.longestRetryAfterMs ? new Refusal(text) : new Busy(text, wait);
}
