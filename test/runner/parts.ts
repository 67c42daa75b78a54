/** What `npm test` consists of, in one list. */
import type { Need } from "../lab/needed-packages.ts";

/** What is made once before the first test that uses it. `machines`: all kinds that the tests of the run start. */
export type Preparation = "tools" | "bundle" | "machines";

export interface Part {
  readonly name: string;
  /** A program of this machine or of node_modules, with its arguments; it passes when it ends with 0. */
  readonly command?: readonly string[];
  /** Folders of test files, from the root of the checkout. */
  readonly folders?: readonly string[];
  /** Distribution packages without which it cannot run. */
  readonly packages: readonly Need[];
  readonly after: readonly Preparation[];
  /** Its tests start machines of the lab. */
  readonly machines?: true;
  /** Has to be asked for by name. */
  readonly long?: true;
}

const all: readonly Preparation[] = ["tools", "bundle", "machines"];
const lab: readonly Need[] = ["guest", "image", "ssh", "bundle"];

/** In the order in which the summary names them. */
export const parts: readonly Part[] = [
  {
    name: "format",
    command: ["prettier", "--check", "--log-level", "warn", "."],
    packages: [],
    after: [],
  },
  { name: "lint", command: ["eslint", "."], packages: [], after: [] },
  { name: "types", command: ["tsc", "-p", "."], packages: [], after: [] },
  { name: "shell", command: ["shellcheck", "-s", "dash"], packages: ["lint"], after: [] },
  { name: "unit", folders: ["test/unit"], packages: [], after: [] },
  { name: "golden", folders: ["test/golden"], packages: [], after: [] },
  { name: "component", folders: ["test/component"], packages: ["bundle", "sshd"], after: ["tools"] },
  {
    name: "tools",
    folders: ["test/bundle", "test/tools"],
    packages: ["bundle", "ssh", "sshd", "seed", "page", "state"],
    after: ["tools"],
  },
  {
    name: "conformance",
    folders: ["test/lab/command-plugin"],
    packages: ["ssh", "sshd"],
    after: ["tools"],
  },
  { name: "guests", folders: ["test/e2e", "test/guest"], packages: lab, after: all, machines: true },
  // To have it in every run, remove `long: true`.
  { name: "long", folders: ["test/long"], packages: lab, after: all, machines: true, long: true },
];
