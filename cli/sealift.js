#!/usr/bin/env node
import { existsSync } from "node:fs";
import module from "node:module";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import v8 from "node:v8";

// Plain JavaScript, so that a Node that cannot run TypeScript says so in one line instead of a stack trace.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  const own = existsSync("node_modules/.bin/node") ? ", or run this with node_modules/.bin/node" : "";
  process.stderr.write(
    `sealift: E_NODE_VERSION node: found: ${process.versions.node}; expected: 22.18 or newer; fix: install it${own}\n`,
  );
  process.exit(2);
}
// Whoever reads only the beginning has what they wanted. 128 + SIGPIPE, as a shell tells of a program that this signal ends.
for (const stream of [process.stdout, process.stderr])
  stream.on("error", (error) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(141);
  });
// What was compiled once is kept: half the time to start, and a third of the memory. Not in a folder for temporary files,
// where somebody else could have put something. The variable is for threads, which look nowhere else.
process.env.NODE_COMPILE_CACHE ??= join(
  process.env.SEALIFT_CACHE ?? join(import.meta.dirname, "..", ".cache"),
  "compile",
);
module.enableCompileCache(process.env.NODE_COMPILE_CACHE);
// Bundles are packed and unpacked on threads of libuv, which has four for files and everything, unless the number is set before the
// first file is read on one.
process.env.UV_THREADPOOL_SIZE ??= String(Math.max(4, Math.min(availableParallelism(), 8) + 2));
// Whole bundles stream through: their pieces are to go as soon as a megabyte of objects has come together, not sixteen. It
// takes up to 40 MB off the most memory of a verb.
v8.setFlagsFromString("--semi-space-growth-factor=1");
// The garbage of a download is few objects with many bytes: 40 MB of them, on a slow disk, before a megabyte of objects is full.
v8.setFlagsFromString("--minor-gc-task-trigger=20");
await import("./main.ts");
