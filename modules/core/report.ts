/** The one reader of what run.sh prints. */
import { effects, type Effect } from "./step.ts";
import { withoutLogins } from "./visible.ts";

const statuses = ["ok", "drift", "refused", "changed", "failed", "warn"] as const;
export type StepStatus = (typeof statuses)[number];

export interface StepReport {
  readonly status: StepStatus;
  readonly code: string;
  readonly fact: string;
  /** What the check found; may be empty when the fact holds. */
  readonly found: string;
  /** What applying the step would cost on this host now, as the host has worked it out; a drift has one. */
  readonly effect?: Effect;
}

/** Tells one drift from the next: it is new after every change and every installation of the host. */
export interface Mark {
  /** First eight digits of machine-id(5). */
  readonly machine: string;
  /** How many lines the host's journal has; 0 when Sealift has never changed anything there. */
  readonly journalLines: number;
}

export interface Report {
  readonly steps: readonly StepReport[];
  /** What steps know and other hosts need, by code; absent when no step has any. */
  readonly values?: Readonly<Record<string, string>>;
  /** The host's mark at the end of the run; a run that was cut off has none. */
  readonly mark: Mark | undefined;
}

/** The runner cuts a finding at 400 characters; a certificate, the longest value, has some 1,700. */
const longestLine = 16_384;
/** A host has some hundred steps, and a thousand with a large bundle in its registry. */
const mostLines = 20_000;

/**
 * What a host has printed is a stranger's word: lines that are too long, and those after too many, are none, and no control character
 * of a line is kept. One of an earlier Sealift may show the login of a URL.
 */
function linesOf(text: string): readonly string[] {
  return text
    .split("\n", mostLines)
    .filter((line) => line.length <= longestLine)
    .map((line) => withoutLogins(line).replaceAll(/[^\P{Cc}\t]|\p{Cf}|\p{Zl}|\p{Zp}/gu, "�"));
}

/** Reads `status TAB code TAB fact TAB found [TAB effect]` lines, `value TAB code TAB value` lines and the closing `done <machine> <lines>`; others are for people. */
export function parseReport(text: string): Report {
  const lines = linesOf(text);
  const values = lines.flatMap(parseValue);
  return {
    steps: lines.flatMap(parseLine),
    ...(values.length === 0 ? {} : { values: Object.fromEntries(values) }),
    mark: lines.map(parseMark).find((mark) => mark !== undefined),
  };
}

function parseMark(line: string): Mark | undefined {
  const match = /^done ([0-9a-f]{8}) (\d+)$/.exec(line);
  return match === null ? undefined : { machine: match[1] ?? "", journalLines: Number(match[2]) };
}

function parseValue(line: string): [string, string][] {
  const [word, code, value] = line.split("\t");
  return word === "value" && code !== undefined && value !== undefined ? [[code, value]] : [];
}

function parseLine(line: string): StepReport[] {
  const [status, code, fact, found, cost] = line.split("\t");
  if (code === undefined || fact === undefined || found === undefined) return [];
  const known = statuses.find((one) => one === status);
  const effect = effects.find((one) => one === cost);
  if (known === undefined) return [];
  return [{ status: known, code, fact, found, ...(effect === undefined ? {} : { effect }) }];
}
