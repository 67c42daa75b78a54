#!/usr/bin/env node
// Plain JavaScript, so that a Node that cannot run TypeScript says so in one line instead of a stack trace.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `sealift: E_NODE_VERSION node: got ${process.versions.node}; expected 22.18 or newer; install it, or run this with node_modules/.bin/node\n`,
  );
  process.exit(2);
}
await import("./main.ts");
