/** What `npm test` consists of, in one list. */
import type { Need } from "../lab/packages/needed-packages.ts";

/**
 * What is made once before the first test that uses it: the tools; the lab's bundle; the image of all machines; that this machine
 * can run containers of it; a virtual machine of it that has booted once.
 */
export const allPreparations = ["tools", "bundle", "image", "container", "vm"] as const;
export type Preparation = (typeof allPreparations)[number];

export interface Part {
  readonly name: string;
  /** A program of this machine or of node_modules, with its arguments; it passes when it ends with 0. */
  readonly command?: readonly string[];
  /** Folders of test files, from the root of the checkout. */
  readonly folders?: readonly string[];
  /** Distribution packages without which it cannot run. */
  readonly packages: readonly Need[];
  readonly after: readonly Preparation[];
  /** Its tests start machines of the lab, so that they come after what those are made of, too. */
  readonly machines?: true;
  /** Has to be asked for by name. */
  readonly long?: true;
}

const lab: readonly Need[] = ["guest", "container", "image", "ssh", "bundle"];

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
    packages: ["bundle", "ssh", "sshd", "cloud-init", "page", "state"],
    after: ["tools"],
  },
  {
    name: "conformance",
    folders: ["test/lab/command-plugin"],
    packages: ["ssh", "sshd"],
    after: ["tools"],
  },
  {
    name: "guests",
    folders: ["test/e2e", "test/guest"],
    packages: lab,
    after: ["tools", "bundle"],
    machines: true,
  },
  // cosign is built from its Go module, which takes minutes where no cache has it.
  {
    name: "long",
    folders: ["test/long"],
    packages: lab,
    after: ["tools", "bundle"],
    machines: true,
    long: true,
  },
];
