import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Candidate, wavesOf } from "../../modules/rollout/waves.ts";

function hosts(count: number, own: (index: number) => Partial<Candidate> = () => ({})): Candidate[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `h${index}`,
    changes: true,
    answers: true,
    ...own(index),
  }));
}

const sizes = (...words: Parameters<typeof wavesOf>): number[] =>
  wavesOf(...words).map(({ hosts: names }) => names.length);

test("one host first, then a tenth, then the rest", () => {
  assert.deepEqual(sizes(hosts(1)), [1]);
  assert.deepEqual(sizes(hosts(2)), [1, 1]);
  assert.deepEqual(sizes(hosts(12)), [1, 2, 9]);
  assert.deepEqual(sizes(hosts(100)), [1, 10, 89]);
});

test("the last size applies to all later waves, and no wave exceeds maxUnavailable", () => {
  assert.deepEqual(sizes(hosts(10), { waves: [2, 3] }), [2, 3, 3, 2]);
  assert.deepEqual(sizes(hosts(10), { waves: ["50%"] }), [5, 5]);
  assert.deepEqual(sizes(hosts(10), { waves: [1, "100%"], maxUnavailable: 4 }), [1, 4, 4, 1]);
  assert.deepEqual(sizes(hosts(10), { waves: ["100%"], maxUnavailable: "10%" }), Array(10).fill(1));
});

test("unchanged hosts come first and at once, so that a rollout continues where it stopped; unreachable ones come last", () => {
  const site = hosts(6, (index) => ({ changes: index > 2, answers: index !== 3 }));
  assert.deepEqual(
    wavesOf(site).map(({ kind, hosts: names }) => [kind, names]),
    [
      ["unchanged", ["h0", "h1", "h2"]],
      ["wave", ["h4"]],
      ["wave", ["h5"]],
      ["unreachable", ["h3"]],
    ],
  );
});

test("with perRack a wave stays within a rack", () => {
  const site = hosts(6, (index) => ({ rack: index % 2 === 0 ? "a" : "b" }));
  assert.deepEqual(
    wavesOf(site, { waves: ["100%"], perRack: true }).map((wave) => wave.hosts),
    [
      ["h0", "h2", "h4"],
      ["h1", "h3", "h5"],
    ],
  );
});

test("hosts that must never change together do not", () => {
  const site = hosts(4, (index) => (index < 2 ? { exclusionGroups: ["registry"] } : {}));
  assert.deepEqual(
    wavesOf(site, { waves: ["100%"] }).map((wave) => wave.hosts),
    [["h0", "h2", "h3"], ["h1"]],
  );
});

test("whatever the site says, every host is in exactly one wave, and every rule holds", () => {
  const size = fc.oneof(
    fc.integer({ min: 1, max: 9 }),
    fc.integer({ min: 1, max: 100 }).map((part) => `${part}%`),
  );
  const host = fc.record({
    rack: fc.constantFrom("a", "b", "c"),
    changes: fc.boolean(),
    answers: fc.boolean(),
    exclusionGroups: fc.uniqueArray(fc.constantFrom("registry", "manager")),
  });
  const site = fc.array(host, { maxLength: 40 });
  const rollout = fc.record(
    { waves: fc.array(size, { minLength: 1, maxLength: 4 }), maxUnavailable: size, perRack: fc.boolean() },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(site, rollout, (list, spec) => {
      const all = list.map((one, index) => ({ name: `h${index}`, ...one })) as unknown as Candidate[];
      const waves = wavesOf(all, spec);
      const named = waves.flatMap((wave) => wave.hosts);
      assert.deepEqual(named.toSorted(), all.map(({ name }) => name).toSorted());
      for (const wave of waves.filter(({ kind }) => kind === "wave")) {
        const members = all.filter(({ name }) => wave.hosts.includes(name));
        assert.ok(members.length > 0);
        if (typeof spec.maxUnavailable === "number") assert.ok(members.length <= spec.maxUnavailable);
        if (spec.perRack === true) assert.equal(new Set(members.map(({ rack }) => rack)).size, 1);
        const pairs = members.flatMap(({ exclusionGroups = [] }) => exclusionGroups);
        assert.equal(new Set(pairs).size, pairs.length);
      }
    }),
  );
});
