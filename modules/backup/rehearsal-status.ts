/** What a host says about the last rehearsal of a restore. Pure. */
import { visible } from "../core/visible.ts";
import { wordsOf } from "./status-words.ts";

export interface RehearsalStatus {
  /** Name of the host whose application it was. */
  readonly of: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly result: "good" | "failed";
  readonly seconds?: number;
  /** When the backup was made that was restored. */
  readonly backup?: string;
  readonly bytes?: number;
  /** When one last succeeded. */
  readonly good?: string;
  /** What the data has answered, or what went wrong. */
  readonly answer: string;
}

const longestAnswer = 600;

/** Untrusted input from the host. @param value as rehearsal.sh writes it. @returns undefined without a rehearsal. */
export function parseRehearsalStatus(value: string): RehearsalStatus | undefined {
  const cut = value.indexOf("answer=");
  const words = wordsOf(cut < 0 ? value : value.slice(0, cut));
  const result = (["good", "failed"] as const).find((one) => one === words.text("result"));
  const of = words.text("of") ?? "";
  const at = words.time("time");
  if (result === undefined || at === undefined || !/^[A-Za-z0-9.-]{1,100}$/.test(of)) return undefined;
  const [seconds, bytes] = [words.number("seconds"), words.number("bytes")];
  const [backup, good] = [words.time("backup"), words.time("good")];
  return {
    ...{ of, at, result },
    ...(seconds === undefined ? {} : { seconds }),
    ...(backup === undefined ? {} : { backup }),
    ...(bytes === undefined ? {} : { bytes }),
    ...(good === undefined ? {} : { good }),
    answer: cut < 0 ? "" : visible(value.slice(cut + "answer=".length, cut + longestAnswer)),
  };
}
