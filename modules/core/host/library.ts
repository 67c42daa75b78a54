/** The library: run.sh and the shell of every phase in one file, named by its sha256. */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeAtomicallySync } from "../write-atomically.ts";

const modules = fileURLToPath(new URL("../..", import.meta.url));

export interface Library {
  readonly text: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** The current library. The order is fixed, so that equal sources give equal bytes. */
export function readLibrary(): Library {
  const files = [
    "core/host/run.sh",
    ...shellIn("core/host/lib"),
    "core/host/host-lock.sh",
    "core/host/detached-run.sh",
    "core/host/delivery.sh",
    "core/host/gate.sh",
    "core/host/inventory.sh",
    ...phaseFiles(),
    "core/host/entrypoint.sh",
  ];
  const text = files.map((file) => readFileSync(join(modules, file), "utf8")).join("\n");
  return { text, sha256: createHash("sha256").update(text).digest("hex"), bytes: Buffer.byteLength(text) };
}

/** The text as a host gets it, encoded once. */
export function libraryBytes(library: Library): Buffer {
  const bytes = encoded.get(library) ?? Buffer.from(library.text);
  encoded.set(library, bytes);
  return bytes;
}

const encoded = new WeakMap<Library, Buffer>();

/**
 * Writes the library where Pulumi can read it, once per run.
 *
 * @returns a path relative to the repository that Pulumi runs in: the state must be valid on another machine as well.
 */
export function writeLibrary(library: Library): string {
  const path = written.get(library) ?? write(library);
  written.set(library, path);
  return path;
}

const written = new WeakMap<Library, string>();

function write({ text, sha256 }: Library): string {
  const folder = join(".cache", "library");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${sha256}.sh`);
  // The run of another stack may write or read the same file at the same time.
  writeAtomicallySync(path, text);
  return path;
}

/** Where the library arrives, relative to the SSH user's home. */
export function libraryPath(sha256: string): string {
  return `.sealift/${sha256}.sh`;
}

function phaseFiles(): string[] {
  return readdirSync(modules, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== "core")
    .map(({ name }) => name)
    .toSorted()
    .flatMap(shellIn);
}

function shellIn(folder: string): string[] {
  return readdirSync(join(modules, folder))
    .filter((file) => file.endsWith(".sh"))
    .toSorted()
    .map((file) => join(folder, file));
}
