// Loaded before anything else, in plain JavaScript: an older Node would stop at the first .ts file with a stack trace.
import module from "node:module";
import { join } from "node:path";

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `${process.execPath}: E_NODE_VERSION node: got ${process.versions.node}; expected 22.18 or newer, which runs TypeScript as it is; ` +
      "put a newer Node first on the PATH, or this checkout's own: PATH=$PWD/node_modules/.bin:$PATH\n",
  );
  process.exit(1);
}
// What was compiled once is kept. Not in a folder for temporary files, where somebody else could have put something.
process.env.NODE_COMPILE_CACHE ??= join(
  process.env.SEALIFT_CACHE ?? join(import.meta.dirname, "..", "..", ".cache"),
  "compile",
);
module.enableCompileCache(process.env.NODE_COMPILE_CACHE);
