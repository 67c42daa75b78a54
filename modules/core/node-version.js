// Loaded before anything else, in plain JavaScript: an older Node would stop at the first .ts file with a stack trace.
import { existsSync } from "node:fs";
import module from "node:module";
import { join } from "node:path";

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  // Sealift's own checkout has one; a team's repository uses that of the machine.
  const own = existsSync("node_modules/.bin/node") ? ", for example PATH=$PWD/node_modules/.bin:$PATH" : "";
  process.stderr.write(
    `${process.execPath}: E_NODE_VERSION node: found: ${process.versions.node}; expected: 22.18 or newer, which runs TypeScript as it is; ` +
      `fix: put a newer Node.js first on the PATH${own}\n`,
  );
  process.exit(1);
}
// What was compiled once is kept. Not in a folder for temporary files, where somebody else could have put something.
process.env.NODE_COMPILE_CACHE ??= join(
  process.env.SEALIFT_CACHE ?? join(import.meta.dirname, "..", "..", ".cache"),
  "compile",
);
module.enableCompileCache(process.env.NODE_COMPILE_CACHE);
