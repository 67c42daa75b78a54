import assert from "node:assert/strict";
import { test } from "node:test";
import { SealiftError } from "../../modules/core/errors.ts";
import { inParallel } from "../../offline-bundle/io/parallel.ts";

test("results and problems come in the order of the items, whichever ends first", async () => {
  const release = new Map<number, () => void>();
  const work = async (item: number): Promise<number> => {
    const mine = new Promise<void>((resolve) => release.set(item, resolve));
    // The last to begin lets the one before it end, after it has ended itself.
    if (item === 4) release.get(3)?.();
    else await mine;
    release.get(item - 2)?.();
    release.get(item - 1)?.();
    if (item % 2 === 0) return item;
    const problem = { code: "E_VALUE", subject: String(item), found: "", expected: "", fix: "" } as const;
    throw new SealiftError([{ where: "here", ...problem }]);
  };
  const { values, problems } = await inParallel([1, 2, 3, 4], 4, work);
  assert.deepEqual(values, [2, 4]);
  assert.deepEqual(
    problems.map(({ subject }) => subject),
    ["1", "3"],
  );
});
