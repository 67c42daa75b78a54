/** From the words after `npm test --` to what is to be run. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { checkout } from "../lab/cache.ts";
import { laneOf, memoryOf, type Lane } from "./machines.ts";
import { moduleNames, modulesOf } from "./modules.ts";
import { allPreparations, parts, type Part, type Preparation } from "./parts.ts";
import type { Job } from "./schedule.ts";
import type { Seconds } from "./seconds.ts";

/** A test file or a check. */
export interface PartJob extends Job {
  readonly part: Part;
  readonly lane: Lane;
  /** A file of tests, from the root of the checkout; undefined for a check, which is the part's command. */
  readonly file?: string;
}

export interface Selection {
  /** Longest first. */
  readonly jobs: readonly PartJob[];
  /** What was not asked for and a plain run leaves out: names of parts. */
  readonly leftOut: readonly string[];
  /** The words that name nothing. */
  readonly unknown: readonly string[];
}

/** The word that prepares the lab and tests nothing. */
export const labWord = "lab";

/**
 * Words are names of parts, of modules or paths of test files. Parts are added to each other, and so are modules; a part and a
 * module together are that part of that module. None: everything but what is long.
 */
export function select(words: readonly string[], seconds: Seconds): Selection {
  const named = words.filter((word) => word !== labWord);
  const partWords = named.filter((word) => parts.some(({ name }) => name === word));
  const moduleWords = named.filter((word) => moduleNames.includes(word));
  const paths = named.filter((word) => word.endsWith(".test.ts") && existsSync(join(checkout, word)));
  const jobs = parts
    .flatMap((part) => jobsOf(part))
    .filter(({ part, file }) => {
      if (words.length === 0) return part.long !== true;
      if (file !== undefined && paths.includes(file)) return true;
      if (partWords.length === 0 && moduleWords.length === 0) return false;
      const inPart = partWords.length === 0 || partWords.includes(part.name);
      const inModule =
        moduleWords.length === 0 ||
        (file !== undefined && modulesOf(file).some((name) => moduleWords.includes(name)));
      return inPart && inModule;
    });
  return {
    jobs: jobs.toSorted((a, b) => seconds(b.name) - seconds(a.name)),
    leftOut: words.length === 0 ? parts.filter(({ long }) => long === true).map(({ name }) => name) : [],
    unknown: named.filter((word) => ![...partWords, ...moduleWords, ...paths].includes(word)),
  };
}

/** All of them, whatever was asked for. */
export function testFiles(): readonly string[] {
  return parts.flatMap(({ folders = [] }) => folders.flatMap((folder) => files(folder, ".test.ts")));
}

/** What has to be made before these jobs, in its order. */
export function preparationsOf(jobs: readonly Job[]): readonly Preparation[] {
  return allPreparations.filter((each) => jobs.some(({ after }) => after.includes(each)));
}

/** The files of the checkout with this ending, below a folder of it. */
export function files(folder: string, ending: string): string[] {
  const passed = new Set(["node_modules", ".cache", ".git"]);
  const walk = (path: string): string[] =>
    readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
      if (entry.isDirectory()) return passed.has(entry.name) ? [] : walk(join(path, entry.name));
      return entry.name.endsWith(ending) ? [relative(checkout, join(path, entry.name))] : [];
    });
  const path = join(checkout, folder);
  return existsSync(path) ? walk(path).toSorted() : [];
}

const madeFor: Readonly<Record<Lane, readonly Preparation[]>> = {
  local: [],
  container: ["image", "container"],
  vm: ["image", "vm"],
};

function jobsOf(part: Part): PartJob[] {
  const { after, name, folders = [], command } = part;
  if (command !== undefined) return [{ part, name, lane: "local", after, memory: 1 }];
  return folders.flatMap((folder) =>
    files(folder, ".test.ts").map((file): PartJob => {
      const text = readFileSync(join(checkout, file), "utf8");
      const lane = part.machines === true ? laneOf(text) : ("local" as const);
      return {
        part,
        name: file,
        file,
        lane,
        after: [...after, ...madeFor[lane]],
        memory: memoryOf(file, lane),
      };
    }),
  );
}
