/**
 * `npm test`: every check and every test of the project, as many beside each other as this machine carries. Nothing is skipped in
 * silence: what cannot run on this machine is named at the end, and a run in CI fails of it.
 *
 * `npm test -- unit golden` runs only the named parts, `npm test -- users` all tests of a module, `npm test -- unit users` the unit
 * tests of one, `npm test -- test/unit/quote.test.ts` a file, `npm test -- lab` only prepares the lab. Each brings what it needs.
 */
import { availableParallelism } from "node:os";
import { delimiter, join } from "node:path";
import { formatProblem, SealiftError } from "../modules/core/errors.ts";
import { ensurePackages } from "./lab/packages/packages.ts";
import { binDir } from "./lab/tools/places.ts";
import { runProgram, type Outcome, type Program } from "./runner/job-process.ts";
import { files, labWord, type PartJob, preparationsOf, select } from "./runner/jobs.ts";
import { moduleNames } from "./runner/modules.ts";
import { allPreparations, parts, type Preparation } from "./runner/parts.ts";
import { measureProcessors } from "./runner/processor-time.ts";
import { type Job, nicenessOf, capacityOf, runJobs } from "./runner/schedule.ts";
import { rememberedSeconds, rememberSeconds } from "./runner/seconds.ts";
import { type Done, type NotRun, summary } from "./runner/summary.ts";
import { inSeconds } from "./support/process/stage-view.ts";

interface PreparationJob extends Job {
  readonly lane: "prepare";
  readonly name: Preparation;
}

const limitMinutes = { prepare: 120, local: 15, container: 30, vm: 90 } as const;

async function main(words: readonly string[]): Promise<boolean> {
  const { jobs: selected, leftOut, unknown } = select(words, rememberedSeconds());
  if (unknown.length > 0) {
    const names = [...parts.map(({ name }) => name), labWord, ...moduleNames];
    console.error(`no such part or module: ${unknown.join(", ")}; there are ${names.join(", ")}`);
    return false;
  }
  const used = measureProcessors();
  const { jobs, notRun } = await withPackages(selected);
  const preparations = words.includes(labWord) ? allPreparations : preparationsOf(jobs);
  const done = await runAll([...preparations.map(preparationJob), ...jobs], notRun);
  rememberSeconds(
    new Map(done.flatMap(({ name, outcome }) => (outcome.failed > 0 ? [] : [[name, outcome.seconds]]))),
  );
  const { text, good } = summary(done, notRun, leftOut, process.env["CI"] !== undefined, used());
  console.log(`\n${text}`);
  return good;
}

/** The packages that the asked-for needs are there, or what needs them is kept out. */
async function withPackages(selected: readonly PartJob[]): Promise<{ jobs: PartJob[]; notRun: NotRun[] }> {
  const notRun: NotRun[] = [];
  const lacking = new Set<string>();
  for (const part of parts.filter((each) => selected.some((job) => job.part === each))) {
    if (part.packages.length === 0) continue;
    const why = await ensurePackages(...part.packages).then(() => undefined, inOneLine);
    if (why === undefined) continue;
    lacking.add(part.name);
    notRun.push({ name: `the part ${part.name}`, part: part.name, why });
  }
  return { jobs: selected.filter(({ part }) => !lacking.has(part.name)), notRun };
}

function preparationJob(name: Preparation): PreparationJob {
  const before: Partial<Record<Preparation, Preparation>> = { bundle: "tools", vm: "image" };
  return { name, lane: "prepare", after: [before[name] ?? []].flat(), memory: 1 };
}

async function runAll(jobs: readonly (PartJob | PreparationJob)[], notRun: NotRun[]): Promise<Done[]> {
  const done: Done[] = [];
  const start = performance.now();
  const since = (): number => (performance.now() - start) / 1000;
  const machines = jobs.some(({ lane }) => lane === "vm" || lane === "container");
  const capacity = capacityOf(availableParallelism(), process.availableMemory() / 1024 ** 3, machines);
  const running = new Set<string>();
  const stillRunning = setInterval(() => {
    if (running.size > 0)
      console.log(`${inSeconds(since()).padStart(12)}  still running: ${[...running].join(", ")}`);
  }, 60_000);
  await runJobs(
    jobs,
    capacity,
    async (job) => {
      const started = since();
      // A preparation reports its progress itself.
      if ("part" in job) running.add(job.name);
      const outcome = await runProgram({ ...programOf(job), niceness: nicenessOf(job, jobs) });
      running.delete(job.name);
      stillRunning.refresh();
      // A preparation is no test; one that fails has to be seen in the count.
      const counted = "part" in job ? outcome : { ...outcome, passed: 0 };
      done.push({ name: job.name, part: partOf(job), started, outcome: counted });
      console.log(line(job, outcome));
      return outcome.failed === 0;
    },
    (job, by) => notRun.push({ name: job.name, part: partOf(job), why: `${by} could not be prepared` }),
  );
  clearInterval(stillRunning);
  return done;
}

function programOf(job: PartJob | PreparationJob): Program {
  const { name, lane } = job;
  const common = { name, env: {}, limitMinutes: limitMinutes[lane] };
  if (!("part" in job)) {
    const command = [process.execPath, "test/runner/prepare.ts", name] as const;
    return { ...common, command, counted: false, shown: true };
  }
  const { part, file } = job;
  if (file !== undefined) {
    return { ...common, command: [process.execPath, file], env: toolsOf(part.after), counted: true };
  }
  const [program = "", ...args] = part.command ?? [];
  const more = part.name === "shell" ? files(".", ".sh") : [];
  return { ...common, command: [program, ...args, ...more], counted: false };
}

/** A test that needs no tool gets none, so that one that does shows. */
function toolsOf(after: readonly Preparation[]): Record<string, string> {
  if (!after.includes("tools")) return {};
  return {
    PATH: [binDir, process.env["PATH"] ?? ""].join(delimiter),
    SEALIFT_PULUMI: join(binDir, "pulumi"),
  };
}

function partOf(job: PartJob | PreparationJob): string {
  return "part" in job ? job.part.name : labWord;
}

function line(job: PartJob | PreparationJob, { passed, failed, seconds, output }: Outcome): string {
  const counted = "part" in job && job.file !== undefined ? `  ${passed} passed` : "";
  const head = `${inSeconds(seconds).padStart(12)}  ${job.name}${counted}`;
  return failed === 0 ? head : `${head}, ${failed} FAILED\n${output.replaceAll(/^/gm, "  | ")}`;
}

function inOneLine(error: unknown): string {
  return error instanceof SealiftError ? error.problems.map(formatProblem).join("; ") : String(error);
}

process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1;
