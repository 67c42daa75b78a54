/** The only parser of run.sh's output. */
import { effects, type Effect } from "./step.ts";
import { withoutLogins } from "../visible.ts";

const statuses = ["ok", "drift", "refused", "changed", "failed", "warn"] as const;
export type StepStatus = (typeof statuses)[number];

export interface StepReport {
  readonly status: StepStatus;
  readonly code: string;
  readonly fact: string;
  /** What the check found; may be empty when the fact holds. */
  readonly found: string;
  /** The impact of applying the step on this host now, as computed by the host; a drift has one. */
  readonly effect?: Effect;
}

/** Distinguishes one drift from the next: it changes with every change and every reinstallation of the host. */
export interface HostRevision {
  /** First eight digits of machine-id(5). */
  readonly machine: string;
  /** Number of lines of the host's journal; 0 when Sealift has never changed the host. */
  readonly journalLines: number;
}

export interface HostReport {
  readonly steps: readonly StepReport[];
  /** Values that other hosts need, by step code; absent when there are none. */
  readonly values?: Readonly<Record<string, string>>;
  /** The host's revision at the end of the run; an interrupted run has none. */
  readonly revision: HostRevision | undefined;
  /** A code with more than one line of a kind, which would be ambiguous. Absent when there is none. */
  readonly duplicateCode?: string;
}

/** Two certificates, the longest value, have about 1,700 characters; the text of a fact depends on the site. */
const longestLine = 16_384;
/** The runner truncates a finding to this many characters. */
const longestFinding = 400;
/** A host has about a hundred steps, and a thousand with a large bundle in its registry. */
const maxLines = 20_000;

/** The output of a host is untrusted: overlong lines and lines beyond the limit are ignored. */
function linesOf(text: string): readonly string[] {
  return text.split("\n", maxLines).filter((line) => line.length <= longestLine);
}

/** Removes control characters. A host with an earlier Sealift may show the credentials of a URL. */
function clean(text: string): string {
  return withoutLogins(text).replaceAll(/\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}/gu, "�");
}

/**
 * Parses `status TAB code TAB fact TAB found [TAB effect]` lines, `value TAB code TAB value` lines and the closing `done
 * <machine> <lines>`; other lines are for people.
 */
export function parseReport(text: string): HostReport {
  const lines = linesOf(text);
  const values = lines.flatMap(parseValue);
  const steps = lines.flatMap(parseLine);
  const duplicateCode =
    firstDuplicate(steps.map(({ code }) => code)) ?? firstDuplicate(values.map(([code]) => code));
  return {
    steps,
    ...(values.length === 0 ? {} : { values: Object.fromEntries(values) }),
    revision: lines.map(parseMark).find((mark) => mark !== undefined),
    ...(duplicateCode === undefined ? {} : { duplicateCode }),
  };
}

/** Why a report is not trustworthy, in words; undefined when it is. @param expected codes of the steps that were sent. */
export function reportFault(
  { steps, values = {}, duplicateCode }: HostReport,
  expected: ReadonlySet<string>,
): string | undefined {
  if (duplicateCode !== undefined) return `a report with two lines for ${quoted(duplicateCode)}`;
  const unexpected = [...steps.map(({ code }) => code), ...Object.keys(values)].find(
    (code) => !expected.has(code),
  );
  return unexpected === undefined
    ? undefined
    : `a report with a line for ${quoted(unexpected)}, which was not requested`;
}

function quoted(code: string): string {
  return JSON.stringify(code.slice(0, 100));
}

/** The first word that is repeated. */
export function firstDuplicate(words: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return words.find((word) => seen.size === seen.add(word).size);
}

function parseMark(line: string): HostRevision | undefined {
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
