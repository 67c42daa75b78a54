/** Hosts are columns, checks are rows. Checks that pass on all hosts share one row. */
import { count } from "./columns.ts";
import { worst, type HostDiagnosis, type Verdict } from "../../modules/rollout/diagnosis.ts";
import { groups } from "../../modules/preflight/check.ts";
import type { TextOptions } from "./paint.ts";

interface Cell {
  readonly text: string;
  readonly verdict: Verdict;
}

interface Row {
  readonly title: string;
  /** One for each host. */
  readonly cells: readonly Cell[];
}

const gap = 2;
const blank: Cell = { text: "-", verdict: "pass" };

/** As many hosts side by side as fit the width; the others in further tables. */
export function doctorTable(hosts: readonly HostDiagnosis[], { width, paint }: TextOptions): string {
  const rows = [...checkRows(hosts), ...factRows(hosts)];
  const first = Math.max(...rows.map(({ title }) => title.length));
  const columns = hosts.map(({ name }, at) =>
    Math.max(name.length, ...rows.map(({ cells }) => cells[at]?.text.length ?? 0)),
  );
  return blocks(columns, width - first)
    .map((block) => {
      const line = (title: string, cells: readonly Cell[]): string =>
        [title.padEnd(first), ...block.map((at) => painted(cells[at] ?? blank, columns[at] ?? 0))]
          .join(" ".repeat(gap))
          .trimEnd();
      const painted = ({ text, verdict }: Cell, size: number): string =>
        (verdict === "pass" ? text : paint(verdict, text)) + " ".repeat(size - text.length);
      const head = hosts.map(({ name }): Cell => ({ text: name, verdict: "pass" }));
      return [line("", head), ...rows.map(({ title, cells }) => line(title, cells))].join("\n");
    })
    .join("\n\n");
}

/** Column indexes in blocks that fit; a column that is too wide by itself is a block of its own. */
function blocks(columns: readonly number[], width: number): number[][] {
  const all: number[][] = [];
  let left = 0;
  for (const [at, size] of columns.entries()) {
    if (all.length === 0 || size + gap > left) {
      all.push([]);
      left = width;
    }
    all.at(-1)?.push(at);
    left -= size + gap;
  }
  return all;
}

function checkRows(hosts: readonly HostDiagnosis[]): Row[] {
  const rows = groups.map((group): Row => ({
    title: group,
    cells: hosts.map((host) => checkCell(host, [group])),
  }));
  const well = groups.filter(
    (_group, at) => rows[at]?.cells.every(({ verdict }) => verdict === "pass") === true,
  );
  const shown = rows.filter(({ title }) => !well.some((group) => group === title));
  const rest = well.length === groups.length ? "host checks" : "all other host checks";
  return [
    ...(hosts.every(({ reached }) => reached) ? [] : [{ title: "reachable", cells: hosts.map(reachedCell) }]),
    ...shown,
    ...(well.length === 0 ? [] : [{ title: rest, cells: hosts.map((host) => checkCell(host, well)) }]),
  ];
}

function reachedCell({ reached }: HostDiagnosis): Cell {
  return reached ? cell("pass") : cell("fail");
}

function checkCell({ checks }: HostDiagnosis, names: readonly string[]): Cell {
  const verdicts = checks.filter(({ group }) => names.includes(group)).map(({ verdict }) => verdict);
  return verdicts.length === 0 ? blank : cell(worst(verdicts));
}

function cell(verdict: Verdict): Cell {
  return { text: verdict === "fail" ? "FAIL" : verdict, verdict };
}

/**
 * What pulumi up would change: one row for each phase, and one for all phases that hold everywhere. A pending change is not a
 * failed check.
 */
function factRows(hosts: readonly HostDiagnosis[]): Row[] {
  const names = [...new Set(hosts.flatMap(({ phases }) => phases.map(({ name }) => name)))];
  const holds = (name: string): boolean =>
    hosts.every(({ phases }) => phases.every((phase) => phase.name !== name || phase.hold === phase.facts));
  const well = names.filter(holds);
  const shown = names.filter((name) => !holds(name));
  return [
    ...shown.map((name): Row => ({
      title: name,
      cells: hosts.map((host) => factCell(host, [name])),
    })),
    ...(well.length === 0
      ? []
      : [
          {
            title: shown.length === 0 ? "facts of all phases" : "facts of all other phases",
            cells: hosts.map((host) => factCell(host, well)),
          },
        ]),
  ];
}

/** A phase in which a guard refuses a change fails; a pending change does not fail. */
function factCell({ phases, findings }: HostDiagnosis, names: readonly string[]): Cell {
  const mine = phases.filter(({ name }) => names.includes(name));
  if (mine.length === 0) return blank;
  const facts = mine.reduce((sum, phase) => sum + phase.facts, 0);
  const hold = mine.reduce((sum, phase) => sum + phase.hold, 0);
  const refused = findings.some(
    ({ verdict, subject }) => verdict === "fail" && names.includes(subject.split(".")[0] ?? ""),
  );
  const changes = mine.reduce((sum, phase) => sum + phase.differ.length, 0);
  const held = hold === facts ? `${facts} hold` : `${hold} of ${facts} hold`;
  const text = changes > 0 ? count(changes, "change") : held;
  return { text: `${text}${refused ? " FAIL" : ""}`, verdict: refused ? "fail" : "pass" };
}
