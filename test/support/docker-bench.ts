/**
 * The checks of docker-bench-security (which follows the CIS Docker Benchmark 1.6.0) that this toolkit is answerable for, in
 * words and commands of our own: each looks at what the bench looks at.
 */
import { readFileSync } from "node:fs";
import { parse } from "yaml";

interface BenchCheck {
  readonly id: string;
  readonly title: string;
  /** A command line as root on the host. Absent: nothing looks, and `reason` says why. */
  readonly look?: string;
  /** Regular expression that the look's output has to match. */
  readonly expected?: string;
  readonly reason?: string;
}

const benchChecks = parse(
  readFileSync(new URL("docker-bench.yaml", import.meta.url), "utf8"),
) as readonly BenchCheck[];

/** All looks as one shell script. */
export function benchScript(): string {
  return benchChecks
    .flatMap(({ id, look }) => (look === undefined ? [] : [`echo '== ${id}'`, `{ ${look}; } 2>&1`]))
    .join("\n");
}

export type BenchResults = ReadonlyMap<string, "pass" | "warn">;

/** Reads what the script printed. */
export function benchResults(output: string): BenchResults {
  const found = new Map(
    output
      .split(/^== /m)
      .slice(1)
      .map((part): [string, string] => {
        const end = part.indexOf("\n");
        return [part.slice(0, end), part.slice(end + 1).trim()];
      }),
  );
  return new Map(
    benchChecks.flatMap(({ id, expected }): [string, "pass" | "warn"][] => {
      const text = found.get(id);
      if (text === undefined || expected === undefined) return [];
      return [[id, new RegExp(expected).test(text) ? "pass" : "warn"]];
    }),
  );
}

/** The page of the documentation, for the results of each profile. */
export function benchPage(results: Readonly<Record<string, BenchResults>>): string {
  const profiles = Object.keys(results);
  const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const looked = benchChecks.filter(({ reason }) => reason === undefined);
  return [
    "# docker-bench-security",
    "",
    "The checks of docker-bench-security (CIS Docker Benchmark 1.6.0) that Sealift is answerable for, by what the bench looks at, as",
    "found on a host of the lab whose data-root is a mount point, once with each `daemonProfile` and nothing else written. A test",
    "compares this page with a host; `UPDATE_DOCS=1` writes it anew.",
    "",
    row(["check", "true when", ...profiles]),
    row(["---", "---", ...profiles.map(() => "---")]),
    ...looked.map(({ id, title }) =>
      row([id, title, ...profiles.map((name) => results[name]?.get(id) ?? "?")]),
    ),
    "",
    "Warnings that stay with cis, and why:",
    "",
    "- 2.1: a rootless daemon is another installation, with other paths and limits.",
    "- 2.9: `userns-remap` is left to the site: it needs the classic image store and hides what is there already.",
    "- 2.12: `authorization-plugins` is left to the site: a plugin that does not answer stops the daemon.",
    "",
    "With `containerLimits`, 2.10 warns: the slice with the ceilings is not the default cgroup. 1.1.1 is true when `data-root` is the",
    "mount point of a volume or of an existing mount, and not a folder below one.",
    "",
    "Not looked at:",
    "",
    ...benchChecks.flatMap(({ id, title, reason }) =>
      reason === undefined ? [] : [`- ${id}, ${title}: ${reason}.`],
    ),
    "",
  ].join("\n");
}
