import type { LockCoverage } from "../../modules/environments/lock-coverage.ts";
import { count } from "../output/columns.ts";

/** One row of a result: the environments whose needs the lock covers. */
export function coverageRow({ hosts, files }: LockCoverage): readonly [string, string] {
  return ["stacks", `the lock covers ${count(hosts, "host")} of ${files.join(", ")}`];
}
