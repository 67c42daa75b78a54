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
  /** A code that has more than one line of a kind: no reader could say which of them counts. Absent when there is none. */
  readonly twice?: string;
}

/** Two certificates, the longest value, have some 1,700 characters; a fact has what the site names. */
const longestLine = 16_384;
/** The runner cuts a finding at so many characters. */
const longestFinding = 400;
/** A host has some hundred steps, and a thousand with a large bundle in its registry. */
const mostLines = 20_000;

/** What a host has printed is a stranger's word: lines that are too long, and those after too many, are none. */
function linesOf(text: string): readonly string[] {
  return text.split("\n", mostLines).filter((line) => line.length <= longestLine);
}

/** No control character is kept. A host with an earlier Sealift may show the login of a URL. */
function clean(text: string): string {
  return withoutLogins(text).replaceAll(/\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}/gu, "�");
}

/** Reads `status TAB code TAB fact TAB found [TAB effect]` lines, `value TAB code TAB value` lines and the closing `done <machine> <lines>`; others are for people. */
export function parseReport(text: string): Report {
  const lines = linesOf(text);
  const values = lines.flatMap(parseValue);
  const steps = lines.flatMap(parseLine);
  const twice = firstTwice(steps.map(({ code }) => code)) ?? firstTwice(values.map(([code]) => code));
  return {
    steps,
    ...(values.length === 0 ? {} : { values: Object.fromEntries(values) }),
    mark: lines.map(parseMark).find((mark) => mark !== undefined),
    ...(twice === undefined ? {} : { twice }),
  };
}

/** What a report says that an honest one does not, in words; undefined when it is one. @param asked codes of the steps that were sent. */
export function misbehaviour(
  { steps, values = {}, twice }: Report,
  asked: ReadonlySet<string>,
): string | undefined {
  if (twice !== undefined) return `a report that says ${quoted(twice)} twice`;
  const strange = [...steps.map(({ code }) => code), ...Object.keys(values)].find((code) => !asked.has(code));
  return strange === undefined ? undefined : `a report on ${quoted(strange)}, which nobody has asked for`;
}

function quoted(code: string): string {
  return JSON.stringify(code.slice(0, 100));
}

/** The first word that stands there for the second time. */
export function firstTwice(words: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return words.find((word) => seen.size === seen.add(word).size);
}

function parseMark(line: string): Mark | undefined {
  const match = /^done ([0-9a-f]{8}) (\d{1,15})$/.exec(line);
  return match === null ? undefined : { machine: match[1] ?? "", journalLines: Number(match[2]) };
}

function parseValue(line: string): [string, string][] {
  const [word, code, value] = line.split("\t");
  return word === "value" && code !== undefined && value !== undefined ? [[clean(code), clean(value)]] : [];
}

function parseLine(line: string): StepReport[] {
  const [status, code, fact, found, cost] = line.split("\t");
  if (code === undefined || fact === undefined || found === undefined) return [];
  const known = statuses.find((one) => one === status);
  const effect = effects.find((one) => one === cost);
  if (known === undefined) return [];
  return [
    {
      ...{
        status: known,
        code: clean(code),
        fact: clean(fact),
        found: clean(found).slice(0, longestFinding),
      },
      ...(effect === undefined ? {} : { effect }),
    },
  ];
}
