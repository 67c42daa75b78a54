/** The one reader of what run.sh prints. */

const statuses = ["ok", "drift", "changed", "failed"] as const;
export type StepStatus = (typeof statuses)[number];

export interface StepReport {
  readonly status: StepStatus;
  readonly code: string;
  readonly fact: string;
  /** What the check found; may be empty when the fact holds. */
  readonly found: string;
}

export interface Report {
  readonly steps: readonly StepReport[];
  /** Whether the run came to its end; a cut connection leaves it false. */
  readonly complete: boolean;
}

/** Reads `status TAB code TAB fact TAB found` lines and the closing `done`; other lines are for people. */
export function parseReport(text: string): Report {
  const lines = text.split("\n");
  return { steps: lines.flatMap(parseLine), complete: lines.includes("done") };
}

function parseLine(line: string): StepReport[] {
  const [status, code, fact, found] = line.split("\t");
  if (code === undefined || fact === undefined || found === undefined) return [];
  const known = statuses.find((one) => one === status);
  return known === undefined ? [] : [{ status: known, code, fact, found }];
}
