/**
 * The checks of docker-bench-security (which follows the CIS Docker Benchmark 1.6.0) that this toolkit is answerable for, in
 * words and commands of our own: each examines what the bench examines.
 */
import { readFileSync } from "node:fs";
import { parse } from "yaml";

interface BenchCheck {
  readonly id: string;
  readonly title: string;
  /** A command line that runs as root on the host. Absent: not checked, and `reason` says why. */
  readonly command?: string;
  /** Regular expression that the output must match. */
  readonly expected?: string;
  readonly reason?: string;
}

const benchChecks = parse(
  readFileSync(new URL("docker-bench.yaml", import.meta.url), "utf8"),
) as readonly BenchCheck[];

/** All checks as one shell script. */
export function benchScript(): string {
  return benchChecks
    .flatMap(({ id, command }) => (command === undefined ? [] : [`echo '== ${id}'`, `{ ${command}; } 2>&1`]))
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
  const examined = benchChecks.filter(({ reason }) => reason === undefined);
  return [
    "# docker-bench-security",
    "",
    "The checks of docker-bench-security (CIS Docker Benchmark 1.6.0) that concern Sealift. The results are those of a host of the lab",
    "with each `daemonProfile`. Its data-root is a mount point, and its site sets no other key of daemon.json. A test compares this page",
    "with a host; `UPDATE_DOCS=1` writes it again.",
    "",
    row(["check", "true when", ...profiles]),
    row(["---", "---", ...profiles.map(() => "---")]),
    ...examined.map(({ id, title }) =>
      row([id, title, ...profiles.map((name) => results[name]?.get(id) ?? "?")]),
    ),
    "",
    "Warnings that remain with the profile cis, and their reasons:",
    "",
    "- 2.1: a rootless daemon is a different kind of installation, with other paths and limits.",
    "- 2.9: the site decides on `userns-remap`, which needs the classic image store and hides existing images and containers.",
    "- 2.12: the site decides on `authorization-plugins`, because a plugin that does not answer stops the daemon.",
    "",
    "With `containerLimits`, 2.10 warns: the slice with the limits is not the default cgroup. 1.1.1 is true if `data-root` is the",
    "mount point of a volume or of an existing mount, and not a folder below one.",
    "",
    "Not checked:",
    "",
    ...benchChecks.flatMap(({ id, title, reason }) =>
      reason === undefined ? [] : [`- ${id}, ${title}: ${reason}.`],
    ),
    "",
  ].join("\n");
}
