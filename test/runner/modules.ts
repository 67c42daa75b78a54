/** Which test files belong to which module: `npm test -- users` runs all of them, whatever part they are in. */
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { checkout } from "../lab/cache.ts";

interface Group {
  readonly name: string;
  /** Words that stand for it in the name of a file. */
  readonly words?: readonly string[];
  /** Files that bear another name, without `.test.ts`; or a folder with its last slash. */
  readonly also: readonly string[];
}

/**
 * A file belongs to each group whose name is a word of its own (`users`, `users-access`, `site-users`), and to each that names it
 * here. `core` is what all modules stand on; `equipment` the lab itself; `whole` what provisions a site with everything in it.
 */
const named: readonly Group[] = [
  { name: "preflight", words: ["adoption"], also: ["plan", "doctor"] },
  { name: "volumes", words: ["existing", "storage"], also: ["plan"] },
  { name: "users", also: ["plan", "removed-user-processes"] },
  { name: "engine", words: ["adopt"], also: ["plan", "effective"] },
  { name: "daemon", also: ["plan", "docker-bench", "effective"] },
  { name: "registry", words: ["channel", "arrival", "arriving"], also: ["cosign"] },
  { name: "swarm", also: [] },
  { name: "trust", words: ["ca"], also: ["registry"] },
  { name: "receipt", also: [] },
  {
    name: "apps",
    also: ["app-boot", "app-data", "app-databases", "app-gate", "app-inspect", "app-status", "release"],
  },
  { name: "backup", words: ["backups", "restore", "store", "stores"], also: ["app-data", "data-status"] },
  {
    name: "environments",
    also: [
      "check",
      "config-size",
      "inventory",
      "twins",
      "coverage",
      "init",
      "outputs-guide",
      "promotion",
      "renamed",
      "sealift-command",
      "site-layers",
      "stack-file",
      "state-guide",
    ],
  },
  { name: "rollout", also: ["app-gate", "doctor", "groups", "program", "refusal", "waves"] },
  {
    name: "bundle",
    words: ["zstd"],
    also: [
      "test/bundle/",
      "carry-it-across",
      "coverage",
      "cosign",
      "image-signature",
      "lab-bundle",
      "docker-config",
      "image-content",
      "lock-check",
      "old-lock",
      "shipped-lock",
    ],
  },
  {
    name: "core",
    words: ["site", "host", "effective"],
    also: [
      "logins",
      "apart",
      "code-frame",
      "drift",
      "endpoint",
      "errors",
      "heap-growth",
      "hostile-values",
      "in-order",
      "interrupted",
      "jump-fleet",
      "jump-host",
      "login-problem",
      "long-texts",
      "operator",
      "outputs",
      "planted-secrets",
      "process",
      "process-group",
      "quote",
      "report",
      "run-sh",
      "sent-copy",
      "stack-traces",
      "units",
      "visible",
      "write-atomically",
    ],
  },
  {
    name: "equipment",
    words: ["container", "guest"],
    also: [
      "bootstrap",
      "debian-sources",
      "download",
      "guest",
      "lab-images",
      "lab-machine",
      "cloud-init-disk",
      "silent-port",
      "stages",
      "undo",
      "tool-archive",
      "test/lab/",
    ],
  },
  {
    name: "repository",
    also: [
      "installed-packages",
      "line-source-map",
      "new-repository",
      "upgrade",
      "own-repository",
      "policy",
      "sealift-tarball",
      "architecture",
      "error-codes",
      "examples",
      "language",
      "links",
      "new-phase",
      "reference-pages",
      "runner",
      "version",
    ],
  },
  { name: "whole", also: ["each-fact", "faults", "line", "logs", "older-state", "refusal"] },
];

/** A folder of modules/ that nobody has named above is a group of its own name. */
const folders = readdirSync(join(checkout, "modules"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !named.some(({ name }) => name === entry.name))
  .map(({ name }): Group => ({ name, also: [] }));
const groups = [...named, ...folders];

/** What belongs to none of them. */
const rest = "rest";

/** The names that may be asked for. */
export const moduleNames: readonly string[] = [...groups.map(({ name }) => name), rest];

/** @param path of a test file, from the root of the checkout. */
export function modulesOf(path: string): readonly string[] {
  const name = basename(path, ".test.ts");
  const words = name.split("-");
  const found = groups
    .filter(
      (group) =>
        [group.name, ...(group.words ?? [])].some((one) => words.includes(one)) ||
        group.also.some((one) => (one.endsWith("/") ? path.startsWith(one) : one === name)),
    )
    .map((group) => group.name);
  return found.length === 0 ? [rest] : found;
}
