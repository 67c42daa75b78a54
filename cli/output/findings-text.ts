/** Findings as text: found, expected, fix; equal findings of several hosts are printed once. */
import { frameOf } from "../../modules/core/document/frames.ts";
import type { Problem } from "../../modules/core/errors.ts";
import { visible } from "../../modules/core/visible.ts";
import type { Finding, HostDiagnosis, Verdict } from "../../modules/rollout/diagnosis.ts";
import type { TextOptions } from "./paint.ts";

/** Failures first; each as a text of a few lines. */
export function findingsText(hosts: readonly HostDiagnosis[], options: TextOptions): string[] {
  const same = new Map<string, Finding[]>();
  for (const finding of hosts.flatMap(({ findings }) => findings)) {
    const { verdict, code, subject, found, fix } = finding;
    const key = [verdict, code, subject, found, fix].join("\n");
    same.set(key, [...(same.get(key) ?? []), finding]);
  }
  const all = [...same.values()].flatMap(([first, ...more]) =>
    first === undefined ? [] : [{ first, where: [first, ...more].map(({ where }) => where).join(", ") }],
  );
  return (["fail", "warn"] as const).flatMap((verdict) =>
    all
      .filter(({ first }) => first.verdict === verdict)
      .map(({ first, where }) => block(verdict, where, first, options)),
  );
}

/** A problem that does not belong to a host. */
export function problemText(
  problem: Problem,
  options: TextOptions,
  verdict: Exclude<Verdict, "pass"> = "fail",
): string {
  return block(verdict, problem.where, problem, options);
}

function block(verdict: Verdict, where: string, problem: Problem, { width, paint }: TextOptions): string {
  const { code, subject, found, expected, fix } = problem;
  const lines = (title: string, text: string): string[] =>
    wrap(visible(text), width - indent.length).map(
      (line, at) => (at === 0 ? title.padEnd(indent.length) : indent) + line,
    );
  const frame = frameOf({ where });
  const word = verdict === "fail" ? "FAIL" : verdict;
  return [
    `${paint(verdict, word)}  ${visible(`${where}: ${code} ${subject}`)}`,
    ...(frame === undefined ? [] : [frame]),
    ...lines("  found", found),
    ...lines("  expected", expected),
    ...lines("  fix", fix),
  ].join("\n");
}

const indent = " ".repeat(12);

/**
 * Wraps text. A word that is longer than the line is not split: it may be a path. Neither is text in backquotes, which is typed
 * as it is.
 */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.match(/(`[^`]*`|\S)+/g) ?? [""]) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
