/** A reporter of node:test that writes what the runner counts: one JSON document with the totals of a file. */
import type { TestEvent } from "node:test/reporters";

export interface Totals {
  readonly passed: number;
  readonly failed: number;
  /** Tests that were not run, with the reason that they give. */
  readonly skipped: readonly string[];
}

export default async function* totals(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const skipped: string[] = [];
  for await (const { type, data } of events) {
    if (type === "test:pass" && data.skip !== undefined) {
      skipped.push(typeof data.skip === "string" ? `${data.name}: ${data.skip}` : data.name);
    }
    if (type === "test:summary") {
      const { tests, passed, skipped: left, todo } = data.counts;
      const result: Totals = { passed, failed: tests - passed - left - todo, skipped };
      yield `${JSON.stringify(result)}\n`;
    }
  }
}
