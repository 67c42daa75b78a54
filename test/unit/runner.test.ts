import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { checkout } from "../lab/cache.ts";
import { files, preparationsOf, select, testFiles } from "../runner/jobs.ts";
import { filesWithSeveral, laneOf } from "../runner/machines.ts";
import { moduleNames, modulesOf } from "../runner/modules.ts";
import { parts } from "../runner/parts.ts";
import { childSeconds, measureProcessors } from "../runner/processor-time.ts";
import { type Job, nicenessOf, type Capacity, capacityOf, runJobs, startable } from "../runner/schedule.ts";
import { rememberedSeconds, rememberSeconds } from "../runner/seconds.ts";
import { type Done, summary } from "../runner/summary.ts";

const seconds = (): number => 1;
const names = (...words: readonly string[]): readonly string[] =>
  select(words, seconds).jobs.map(({ name }) => name);

test("every test file is in a part, once, and belongs to a module or to the rest", () => {
  assert.deepEqual(testFiles().toSorted(), files("test", ".test.ts"));
  for (const file of testFiles()) assert.ok(modulesOf(file).length > 0, file);
  assert.deepEqual(modulesOf("test/unit/nothing-known.test.ts"), ["rest"]);
  assert.deepEqual(modulesOf("test/guest/users-access.test.ts"), ["users"]);
  assert.deepEqual(modulesOf("test/bundle/push.test.ts"), ["bundle"]);
  const left = testFiles().filter((file) => modulesOf(file).includes("rest"));
  assert.ok(left.length < testFiles().length / 10, `name some in test/runner/modules.ts: ${left.join(" ")}`);
});

test("every module of the product can be selected, and every file with several machines exists", () => {
  for (const folder of ["preflight", "volumes", "users", "engine", "daemon", "registry", "trust", "receipt"])
    assert.ok(moduleNames.includes(folder), folder);
  assert.equal(new Set(moduleNames).size, moduleNames.length);
  for (const file of filesWithSeveral) assert.ok(existsSync(join(checkout, file)), file);
});

test("a module selects its tests in all parts, and no name is both a part and a module", () => {
  const users = names("users");
  for (const name of ["unit/site-users", "golden/users", "guest/users", "guest/users-access", "e2e/users"]) {
    assert.ok(users.includes(`test/${name}.test.ts`), name);
  }
  assert.ok(!users.includes("test/guest/volumes.test.ts"));
  assert.ok(!users.includes("lint"));
  assert.deepEqual(
    parts.filter(({ name }) => moduleNames.includes(name)),
    [],
  );
});

test("parts are added to each other; a part and a module select that part of the module; a file selects itself", () => {
  assert.ok(names("golden", "unit").includes("test/golden/users.test.ts"));
  assert.ok(names("golden", "unit").includes("test/unit/quote.test.ts"));
  assert.deepEqual(names("golden", "users").toSorted(), [
    "test/golden/plan.test.ts",
    "test/golden/users.test.ts",
  ]);
  assert.deepEqual(names("test/unit/quote.test.ts"), ["test/unit/quote.test.ts"]);
  assert.deepEqual(select(["unit", "nothing", "test/unit/no.test.ts"], seconds).unknown, [
    "nothing",
    "test/unit/no.test.ts",
  ]);
});

test("a plain run has everything except long tests, and says so; a named part includes what it needs", () => {
  const plain = select([], seconds);
  assert.deepEqual(plain.leftOut, ["long"]);
  assert.ok(plain.jobs.every(({ part }) => part.long !== true));
  assert.deepEqual(preparationsOf(plain.jobs), ["tools", "bundle", "image", "container", "vm"]);
  assert.deepEqual(preparationsOf(select(["unit"], seconds).jobs), []);
  assert.deepEqual(preparationsOf(select(["tools"], seconds).jobs), ["tools"]);
  assert.deepEqual(preparationsOf(select(["test/guest/apart.test.ts"], seconds).jobs), [
    "tools",
    "bundle",
    "image",
    "container",
  ]);
  assert.ok(names("long").length > 0);
});

test("the longest is first", () => {
  const { jobs } = select(["unit"], (name) => (name === "test/unit/waves.test.ts" ? 9 : 1));
  assert.equal(jobs[0]?.name, "test/unit/waves.test.ts");
});

test("a file that needs a virtual machine is in their lane, and all are if nothing else is selected", () => {
  assert.equal(laneOf('startGuest({ name, machine: vm("power") })', false), "vm");
  assert.equal(laneOf("startGuest({ name, machine: container() })", false), "container");
  assert.equal(laneOf("startSite(name)", false), "container");
  assert.equal(laneOf("startSite(name)", true), "vm");
});

const job = (name: string, lane: Job["lane"], memory = 1, ...after: string[]): Job => ({
  name,
  lane,
  memory,
  after,
});
const capacity = (more: Partial<Capacity["lanes"]> = {}, memory = 100): Capacity => ({
  lanes: { prepare: 1, local: 2, vm: 2, container: 2, ...more },
  memory,
});
const started = (...args: Parameters<typeof startable>): readonly string[] =>
  startable(...args).map(({ name }) => name);

test("containers take the places of virtual machines when none of these waits any more", () => {
  const names = ["c1", "c2", "c3", "c4", "c5", "c6"];
  const containers = names.map((name) => job(name, "container"));
  const { vm, container } = capacity().lanes;
  const one = job("v", "vm");
  assert.equal(started(containers, [], new Set(), capacity()).length, Math.min(6, vm + container));
  assert.equal(started(containers, [one], new Set(), capacity()).length, Math.min(6, vm + container - 1));
  const late = job("late", "vm", 1, "image");
  assert.equal(started([...containers, late], [one], new Set(), capacity()).length, container);
});
test("each lane has its own slots, and nothing starts before what it needs is ready", () => {
  const waiting = [
    job("v1", "vm", 1, "image"),
    job("l1", "local"),
    job("l2", "local"),
    job("l3", "local"),
    job("c1", "container"),
    job("image", "prepare"),
  ];
  assert.deepEqual(started(waiting, [], new Set(), capacity()), ["l1", "l2", "c1", "image"]);
  assert.deepEqual(started(waiting.slice(0, 4), waiting.slice(1, 3), new Set(["image"]), capacity()), ["v1"]);
});

test("memory limits what runs in parallel; what needs more than there is runs alone", () => {
  const [big, small, other] = [job("big", "vm", 5), job("small", "vm", 1), job("other", "local", 1)];
  assert.deepEqual(started([big, small, other], [job("x", "container", 4)], new Set(), capacity({}, 6)), [
    "other",
  ]);
  assert.deepEqual(started([big, small], [], new Set(), capacity({}, 4)), ["big"]);
});

test("two cores run three virtual machines and two containers; little memory runs fewer", () => {
  assert.deepEqual(capacityOf(2, 16, true).lanes, { prepare: 1, vm: 3, container: 2, local: 1 });
  assert.equal(capacityOf(2, 16, false).lanes.local, 3);
  assert.equal(capacityOf(1, 1, true).memory, 1);
});

test("the longest on virtual machines goes first on the processors, where there is one", () => {
  const [long, short, local] = [job("long", "vm"), job("short", "vm"), job("local", "local")];
  const prepares = job("image", "prepare");
  const jobs = [prepares, local, long, short];
  assert.deepEqual(
    jobs.map((one) => nicenessOf(one, jobs)),
    [0, 3, 0, 3],
  );
  assert.equal(nicenessOf(local, [prepares, local]), 0);
});

test("CPU time is split into this run with all its children, other programs, and idle", () => {
  const stat = "12 (a) name) S 1 2 3 0 -1 4194560 1 2 3 4 11 22 150 75 20 0 1 0 99";
  assert.equal(childSeconds(stat), 2.25);
  const used = measureProcessors();
  const { own, others, available } = used();
  assert.ok(own >= 0 && others >= 0 && available >= 0, JSON.stringify({ own, others, available }));
  const { text } = summary([], [], [], false, { own: 90, others: 30, available: 240 });
  assert.match(
    text,
    /^The processors: 38 % this run \(1 min 30 s of one\), 13 % other programs, the rest idle\.$/m,
  );
});

test("what depends on a failure is named, not run", async () => {
  const ran: string[] = [];
  const barred: string[] = [];
  const jobs = [
    job("image", "prepare"),
    job("v", "vm", 1, "image"),
    job("w", "vm", 1, "v"),
    job("l", "local"),
  ];
  await runJobs(
    jobs,
    capacity(),
    ({ name }) => Promise.resolve(ran.push(name) > 0 && name !== "image"),
    ({ name }, by) => barred.push(`${name} after ${by}`),
  );
  assert.deepEqual(ran, ["image", "l"]);
  assert.deepEqual(barred, ["v after image", "w after v"]);
});

test("a file that was never measured has a place in the order, and a file named for it exists", () => {
  const text = readFileSync(join(checkout, "test/runner/seconds.ts"), "utf8");
  const named = [...text.matchAll(/\["(test\/[^"]+\.test\.ts)", \d+\]/g)].map(([, file = ""]) => file);
  assert.ok(named.length > 5);
  for (const file of named) assert.ok(existsSync(join(checkout, file)), file);
});

test("durations are remembered beside those of earlier runs", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "sealift-seconds-"));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  const file = join(folder, "seconds.json");
  assert.ok(
    rememberedSeconds(file)("test/e2e/line.test.ts") > rememberedSeconds(file)("test/unit/x.test.ts"),
  );
  rememberSeconds(new Map([["a", 5]]), file);
  rememberSeconds(new Map([["b", 7]]), file);
  assert.deepEqual(
    ["a", "b"].map((name) => rememberedSeconds(file)(name)),
    [5, 7],
  );
  writeFileSync(file, "{");
  assert.equal(rememberedSeconds(file)("test/unit/x.test.ts"), 3);
});

test("the last line counts tests; what could not run is named, and fails a run in CI", () => {
  const outcome = {
    passed: 3,
    failed: 0,
    skipped: ["t: no kvm"],
    seconds: 2,
    processorSeconds: 1,
    output: "",
  };
  const done: readonly Done[] = [
    { name: "a.test.ts", part: "unit", started: 0, outcome },
    { name: "lint", part: "lint", started: 1, outcome: { ...outcome, passed: 1, skipped: [] } },
  ];
  const notRun = [{ name: "b.test.ts", part: "guests", why: "image could not be prepared" }];
  const local = summary(done, notRun, ["long"], false);
  assert.ok(local.good);
  assert.match(local.text, /\n4 passed, 0 failed$/);
  assert.match(
    local.text,
    /Could not run[^]*b\.test\.ts: image could not be prepared\n {2}a\.test\.ts: t: no kvm/,
  );
  assert.match(local.text, /npm test -- long/);
  const ci = summary(done, notRun, [], true);
  assert.ok(!ci.good);
  assert.match(ci.text, /\n4 passed, 2 failed$/);
  const failed = [
    { name: "c.test.ts", part: "unit", started: 0, outcome: { ...outcome, passed: 0, failed: 2 } },
  ];
  assert.match(summary(failed, [], [], false).text, /npm test -- c\.test\.ts\n\n0 passed, 2 failed$/);
});

test("the end of a run repeats what each failed program printed of its failures", () => {
  const textOf = (output: string): string => {
    const outcome = { passed: 1, failed: 1, skipped: [], seconds: 2, processorSeconds: 1, output };
    return summary([{ name: "c.test.ts", part: "unit", started: 0, outcome }], [], [], false).text;
  };
  const counted = textOf("✔ first\n✖ second\n\n✖ failing tests:\n\n✖ second (2ms)\n  found 1");
  assert.match(counted, /npm test -- c\.test\.ts\n {2}\| ✖ second \(2ms\)\n {2}\| {3}found 1\n\n1 passed/);
  const lines = Array.from({ length: 40 }, (_, at) => `line ${at}`);
  assert.match(textOf(lines.join("\n")), /c\.test\.ts\n {2}\| line 10\n[^]*\| line 39\n\n1 passed/);
});
