import type { Coverage } from "../../modules/coverage.ts";
import { count } from "../columns.ts";

/** One line of a result: which environments have all that they ask for. */
export function coverageRow({ hosts, files }: Coverage): readonly [string, string] {
  return ["stacks", `all that ${count(hosts, "host")} of ${files.join(", ")} ask for is pinned`];
}
