/** What a pair of shell functions has to do on a guest, in one word each. A call is the name of the pair and its arguments. */
import assert from "node:assert/strict";
import type { ShellFunctions } from "./shell-functions.ts";

type Call = readonly [name: string, ...args: string[]];

export interface ShellFacts {
  /** The check says yes, and nothing else. */
  readonly holds: (...call: Call) => Promise<void>;
  /** The check says no, and this: the whole finding as text, or a pattern. */
  readonly finds: (finding: string | RegExp, ...call: Call) => Promise<void>;
  /** The apply succeeds, and the check says yes after it. */
  readonly applies: (...call: Call) => Promise<void>;
  /** The guard says no in these words, and so does the apply behind it. */
  readonly refuses: (words: RegExp, ...call: Call) => Promise<void>;
  /** The guard says nothing. */
  readonly allows: (...call: Call) => Promise<void>;
}

/** @param on asked for at each call: it is there only after `before`. */
export function shellFacts(on: () => ShellFunctions): ShellFacts {
  const call = (kind: string, [name, ...args]: Call): ReturnType<ShellFunctions["call"]> =>
    on().call(`${kind}_${name}`, ...args);
  const holds = async (...words: Call): Promise<void> => {
    assert.deepEqual(await call("check", words), { exitCode: 0, output: "" });
  };
  return {
    holds,
    finds: async (finding, ...words) => {
      const { exitCode, output } = await call("check", words);
      assert.equal(exitCode, 1, output);
      if (typeof finding === "string") assert.equal(output, finding);
      else assert.match(output, finding);
    },
    applies: async (...words) => {
      const { exitCode, output } = await call("apply", words);
      assert.equal(exitCode, 0, output);
      await holds(...words);
    },
    refuses: async (finding, ...words) => {
      for (const kind of ["guard", "apply"]) {
        const { exitCode, output } = await call(kind, words);
        assert.equal(exitCode, 1, output);
        assert.match(output, finding);
      }
    },
    allows: async (...words) => {
      assert.deepEqual(await call("guard", words), { exitCode: 0, output: "" });
    },
  };
}
