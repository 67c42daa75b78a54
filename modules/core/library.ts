/** The library: run.sh and the shell of every phase in one file, named by its sha256. */
import { createHash, randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const modules = fileURLToPath(new URL("..", import.meta.url));
const checkout = fileURLToPath(new URL("../..", import.meta.url));

export interface Library {
  readonly text: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** The present library. The order is fixed, so that equal sources give equal bytes. */
export function readLibrary(): Library {
  const files = [
    "core/run.sh",
    "core/files.sh",
    "core/as-user.sh",
    "core/systemd.sh",
    "core/found-words.sh",
    "core/data-root.sh",
    "core/processes.sh",
    "core/frozen.sh",
    "core/host-lock.sh",
    "core/apart.sh",
    "core/delivery.sh",
    "core/curl.sh",
    "core/ca-shape.sh",
    "core/gate.sh",
    "core/mounts.sh",
    "core/engine-data.sh",
    "core/survey.sh",
    ...phaseFiles(),
    "core/main.sh",
  ];
  const text = files.map((file) => readFileSync(join(modules, file), "utf8")).join("\n");
  return { text, sha256: createHash("sha256").update(text).digest("hex"), bytes: Buffer.byteLength(text) };
}

/**
 * Puts the library where Pulumi can take it from, once a run, and says where.
 * @returns a path relative to the checkout: the state has to mean the same on another machine.
 */
export function writeLibrary(library: Library): string {
  const path = written.get(library) ?? write(library);
  written.set(library, path);
  return path;
}

const written = new WeakMap<Library, string>();

function write({ text, sha256 }: Library): string {
  const folder = join(checkout, ".cache", "library");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${sha256}.sh`);
  // Renamed into place, because preview and update may write at the same time as another stack's.
  const part = `${path}.${randomUUID()}`;
  writeFileSync(part, text, { flag: "wx" });
  renameSync(part, path);
  return relative(checkout, path);
}

/** Where the library arrives, relative to the login's home. */
export function libraryPath(sha256: string): string {
  return `.sealift/${sha256}.sh`;
}

function phaseFiles(): string[] {
  return readdirSync(modules, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== "core")
    .map(({ name }) => name)
    .toSorted()
    .flatMap((phase) =>
      readdirSync(join(modules, phase))
        .filter((file) => file.endsWith(".sh"))
        .toSorted()
        .map((file) => join(phase, file)),
    );
}
