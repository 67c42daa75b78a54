/** How long each file took the last time it passed on this machine: the longest starts first. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { cachePath } from "../lab/cache.ts";

const file = cachePath("test-seconds.json");

/** Measured or, for a file that has not run yet, what its folder lets expect. */
export type Seconds = (name: string) => number;

/**
 * Where nothing was measured, as in a clean clone: only their order matters. The first that the name begins with. The figures are of a
 * whole run on two cores without KVM, beside other programs.
 */
const expected: readonly (readonly [string, number])[] = [
  ["test/long/swarm-killed.test.ts", 1200],
  ["test/long/swarm-data-plane.test.ts", 390],
  ["test/long/", 900],
  ["test/e2e/line.test.ts", 2700],
  ["test/guest/volumes-boot.test.ts", 900],
  ["test/guest/volumes.test.ts", 750],
  ["test/guest/daemon-limits.test.ts", 700],
  ["test/e2e/refusal-disks.test.ts", 550],
  ["test/e2e/registry.test.ts", 500],
  ["test/guest/volumes-refused.test.ts", 470],
  ["test/e2e/registry-external.test.ts", 420],
  ["test/e2e/engine-versions.test.ts", 420],
  ["test/guest/backup-snapshot.test.ts", 500],
  ["test/guest/backup-restore.test.ts", 450],
  ["test/guest/backup-client.test.ts", 370],
  ["test/e2e/from-the-bundle.test.ts", 320],
  ["test/e2e/own-repository.test.ts", 150],
  ["test/e2e/", 300],
  ["test/guest/users-effective.test.ts", 250],
  ["test/guest/backup-store.test.ts", 200],
  ["test/guest/logins.test.ts", 200],
  ["test/guest/apps-shop.test.ts", 170],
  ["test/guest/backup-rehearsal.test.ts", 150],
  ["test/guest/", 120],
  ["test/tools/lab-bundle.test.ts", 180],
  ["test/tools/own-repository.test.ts", 140],
  ["test/bundle/kill", 100],
  ["lint", 60],
  ["types", 30],
  ["format", 30],
  ["test/bundle/", 20],
  ["test/tools/", 20],
  ["test/component/", 20],
  ["test/unit/hostile-", 15],
];

/** Reads what was remembered; a file that cannot be read is as good as none. */
export function rememberedSeconds(path: string = file): Seconds {
  const measured = read(path);
  return (name) => measured.get(name) ?? expected.find(([beginning]) => name.startsWith(beginning))?.[1] ?? 3;
}

/** Adds what this run has measured to what earlier ones have. */
export function rememberSeconds(measured: ReadonlyMap<string, number>, path: string = file): void {
  const all = Object.fromEntries([...read(path), ...measured].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  mkdirSync(dirname(path), { recursive: true });
  // Two runs at once: the last one wins, and nobody reads half a file.
  const part = `${path}.${process.pid}.part`;
  writeFileSync(part, `${JSON.stringify(all, undefined, 2)}\n`);
  renameSync(part, path);
}

function read(path: string): Map<string, number> {
  if (!existsSync(path)) return new Map();
  try {
    const found: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof found !== "object" || found === null) return new Map();
    return new Map(
      Object.entries(found).filter((entry): entry is [string, number] => typeof entry[1] === "number"),
    );
  } catch {
    return new Map();
  }
}
