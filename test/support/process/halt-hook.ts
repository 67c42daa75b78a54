/**
 * Loaded into a program before its own code (`node --import`): tells each step by which it changes files or starts another program
 * and stops dead before the one that the test has named, so that it can be killed exactly there. See halted-process.ts.
 */
import child from "node:child_process";
import fs, { type WriteStream } from "node:fs";
import promises, { type FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { relative } from "node:path";
import { isMainThread } from "node:worker_threads";

export interface Halt {
  /** Steps on files outside this folder are not reported. */
  readonly under: string;
  /** Subfolders that do not count. */
  readonly without: readonly string[];
  /** The number of the step, from 0, or its words, for the so many-th time; undefined: runs to its end. */
  readonly before: number | { readonly step: string; readonly time: number } | undefined;
}

/** The file descriptor on which steps are reported, one per line. */
export const reportDescriptor = 3;

export const variable = "SEALIFT_TEST_HALT";

type Any = (...args: unknown[]) => unknown;

const given = process.env[variable];
if (given !== undefined && isMainThread) hook(JSON.parse(given) as Halt);

function hook({ under, without, before }: Halt): void {
  let count = 0;
  let same = 0;
  const report = fs.writeSync;
  const step = (what: string): void => {
    if (typeof before === "object" && before.step === what) same += 1;
    const halts =
      typeof before === "object" ? before.step === what && same === before.time : before === count;
    report(reportDescriptor, `${halts ? "halts" : "goes on"}\t${what}\n`);
    count += 1;
    // For ever, and nothing else of this program goes on either.
    if (halts) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  };
  const named = (path: unknown): string | undefined => {
    const below = relative(under, String(path));
    const outside = below.startsWith("..") || below === "" || !String(path).startsWith("/");
    return outside || without.some((folder) => below.startsWith(folder)) ? undefined : below;
  };
  const onPath = (verb: string, path: unknown): void => {
    const name = named(path);
    if (name !== undefined) step(`${verb} ${name}`);
  };

  /** The last path that a function is given is the one that it changes. */
  const changing = ["mkdir", "rename", "writeFile", "copyFile", "link", "rm", "truncate"] as const;
  const paths = { mkdir: 0, rename: 1, writeFile: 0, copyFile: 1, link: 1, rm: 0, truncate: 0 } as const;
  for (const name of changing) {
    const original = promises[name] as Any;
    replace(promises, name, (...args) => {
      onPath(name, args[paths[name]]);
      return original(...args);
    });
  }
  const open = promises.open as Any;
  replace(promises, "open", async (...args) => {
    const handle = (await open(...args)) as FileHandle;
    if (named(args[0]) === undefined) return handle;
    for (const name of ["write", "writev", "writeFile", "truncate"] as const) {
      const original = (handle[name] as Any).bind(handle);
      replace(handle, name, (...rest) => {
        onPath("write", args[0]);
        return original(...rest);
      });
    }
    return handle;
  });
  const createWriteStream = fs.createWriteStream as Any;
  replace(fs, "createWriteStream", (...args) => {
    const stream = createWriteStream(...args) as WriteStream;
    for (const name of ["_write", "_writev"] as const) {
      const original = (stream[name] as Any).bind(stream);
      replace(stream, name, (...rest) => {
        onPath("write", args[0]);
        return original(...rest);
      });
    }
    return stream;
  });
  const spawn = child.spawn as Any;
  replace(child, "spawn", (...args) => {
    step(`run ${String(args[0])}`);
    return spawn(...args);
  });
  syncBuiltinESMExports();
}

function replace(of: object, name: string, by: Any): void {
  Object.defineProperty(of, name, { value: by, configurable: true, writable: true });
}
