/** The programs that an operator's machine needs, as archives of the shape that their publishers give them. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { checkout } from "../../lab/cache.ts";
import { binDir } from "../../lab/tools/places.ts";

/** Writes node.tar.gz, pulumi.tar.gz and plugin.tar.gz into a folder. The plugin is the stand-in, with the packages that it imports. */
export function packOperatorPrograms(folder: string): void {
  const stage = join(folder, "stage");
  const at = (...path: readonly string[]): string => join(stage, ...path);
  for (const path of ["node/bin", "node/lib/node_modules", "pulumi", "plugin/checkout/node_modules"])
    mkdirSync(at(path), { recursive: true });

  cpSync(realpathSync(process.execPath), at("node/bin/node"));
  cpSync(npmFolder(), at("node/lib/node_modules/npm"), { recursive: true, dereference: true });
  for (const name of ["npm", "npx"])
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, at("node/bin", name));

  const pulumi = dirname(realpathSync(join(binDir, "pulumi")));
  for (const name of readdirSync(pulumi).filter((one) => one.startsWith("pulumi")))
    cpSync(join(pulumi, name), at("pulumi", name));

  const launcher = '#!/bin/sh\nexec node "${0%/*}/checkout/test/lab/command-plugin/main.ts" "$@"\n';
  writeFileSync(at("plugin/pulumi-resource-command"), launcher, { mode: 0o755 });
  writeFileSync(at("plugin/checkout/package.json"), '{ "type": "module" }\n');
  for (const path of ["modules", "test/lab", "test/support/process"])
    cpSync(join(checkout, path), at("plugin/checkout", path), { recursive: true });
  for (const name of standInPackages)
    cpSync(join(checkout, "node_modules", name), at("plugin/checkout/node_modules", name), {
      recursive: true,
    });

  for (const [name, wrapped] of [
    ["node", true],
    ["pulumi", true],
    ["plugin", false],
  ] as const)
    execFileSync("tar", [
      ...["--use-compress-program", "gzip -1", "-cf", join(folder, `${name}.tar.gz`)],
      ...(wrapped ? ["-C", stage, name] : ["-C", at(name), ...readdirSync(at(name))]),
    ]);
  rmSync(stage, { recursive: true });
}

/** What test/lab/command-plugin imports, directly and through others. */
const standInPackages = [
  "@grpc/grpc-js",
  "@grpc/proto-loader",
  "@js-sdsl/ordered-map",
  "@protobufjs",
  "@pulumi/pulumi/proto",
  "@pulumi/pulumi/package.json",
  "asn1",
  "bcrypt-pbkdf",
  "google-protobuf",
  "lodash.camelcase",
  "long",
  "protobufjs",
  "safer-buffer",
  "ssh2",
  "tweetnacl",
];

/** npm as the archive of Node.js contains it: the folder of the npm that this machine uses. */
function npmFolder(): string {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter))
    try {
      return dirname(dirname(realpathSync(join(folder, "npm"))));
    } catch {
      // Not in this folder.
    }
  throw new Error("npm is not on the PATH");
}
