import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import ts from "typescript";
import { checkout } from "../lab/cache.ts";
import { siteTypes } from "../support/docs/site-types.ts";

/** Each line that ends with a number has an error of this code, and no other line has one. */
const program = `
import * as pulumi from "@pulumi/pulumi";
import { provisionSite, type Host, type ProvisionedSite, type Site } from "./modules/sealift.ts";

const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0m4vL0J5dF9r0tKxA2yD3b7fJ0g6wQxq1m0R5cS1Ab";
const ops = "ops";
const address: pulumi.Output<string> = pulumi.output("10.20.0.12");
const good: Host = { name: "node-a", address: "10.20.0.11", sshUser: ops, hostKey };
const made: Host = { name: "node-b", address, sshUser: ops, hostKey: Promise.resolve(hostKey) };
const bundle = { directory: "bundle", allowedSigners: "stacks/allowed_signers" };
const misspelt: Host = {
  ...good,
  adress: "10.20.0.11", // 2561
};
const noKey: Host = { name: "node-c", address, sshUser: ops }; // 2741
const numbers: Site = {
  bundle,
  engine: {
    version: 28.5, // 2322
  },
  hosts: [good, made],
};
const lateName: Host = {
  name: address, // 2322
  address,
  sshUser: ops,
  hostKey,
};
const profile: Site = {
  bundle,
  daemonProfile: "strict", // 2322
  hosts: [],
};
const daemon: Site = {
  bundle,
  daemon: {
    "data-root": "/data/docker",
    "icc": "no", // 2322
  },
  hosts: [],
};
const listener: Site["daemon"] = {
  "data-root": "/data/docker",
  "hosts": ["tcp://0.0.0.0:2375"], // 2353
};
const secret: Site = { bundle, passwordHashes: { deploy: new pulumi.Config().requireSecret("hash") }, hosts: [good] };
const waves: Site = { bundle, rollout: { waves: [1, "10%"] }, hosts: [good] };
const one: Promise<ProvisionedSite> = provisionSite();
const two: Promise<ProvisionedSite> = provisionSite(secret, { dependsOn: [] });
void provisionSite({ hosts: [good] }); // 2345
void provisionSite("prod"); // 2345
const { hosts, registry } = await one;
const context: pulumi.Output<string> | undefined = hosts["node-a"]?.outputs.contexts.apply((all) => all[ops] ?? "");
const facts: pulumi.Output<number> | undefined = hosts["node-a"]?.outputs.facts.hold;
const url: string | undefined = registry?.url; // 2322
export { misspelt, noKey, numbers, lateName, profile, daemon, listener, waves, two, context, facts, url };
`;

/** What the compiler has against a program in the checkout: `line: code`. */
function errorsIn(text: string): readonly string[] {
  const file = join(checkout, "program.ts");
  const { config } = ts.readConfigFile(join(checkout, "tsconfig.json"), (path) => ts.sys.readFile(path)) as {
    config: { compilerOptions: object };
  };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, checkout);
  const host = ts.createCompilerHost(options);
  const compiled = ts.createProgram([file], options, {
    ...host,
    fileExists: (path) => path === file || host.fileExists(path),
    readFile: (path) => (path === file ? text : host.readFile(path)),
    getSourceFile: (path, version, ...more) =>
      path === file ? ts.createSourceFile(path, text, version) : host.getSourceFile(path, version, ...more),
  });
  const source = compiled.getSourceFile(file);
  assert.ok(source);
  return ts.getPreEmitDiagnostics(compiled, source).map(({ code, start = 0 }) => {
    const { line } = source.getLineAndCharacterOfPosition(start);
    return `${line + 1}: ${code}`;
  });
}

test("a wrong use of the library is an error of the compiler in its own line, and a right one is none", () => {
  const expected = program
    .split("\n")
    .flatMap((line, index) =>
      [...line.matchAll(/\/\/ (\d+)$/g)].map(([, code = ""]) => `${index + 1}: ${code}`),
    );
  assert.deepEqual(errorsIn(program), expected);
});

test("the program of docs/guide/library.md compiles beside a machine and a firewall", () => {
  const guide = readFileSync(join(checkout, "docs", "guide", "library.md"), "utf8");
  const [, text = ""] = /```ts\n([^]*?)```/.exec(guide) ?? [];
  const around = `import type { Output, Resource } from "@pulumi/pulumi";
declare const machine: { readonly address: Output<string>; readonly hostKey: Output<string> };
declare const firewall: Resource;
`;
  assert.deepEqual(errorsIn(around + text.replace('"sealift"', '"./modules/sealift.ts"')), []);
});

test("a schema that has no type in TypeScript is refused by its path", async () => {
  const properties = { odd: { description: "Odd.", type: "null" } };
  await assert.rejects(siteTypes({ type: "object", properties }), /site\.odd: no TypeScript type/);
});

test("an inner end of a comment stays inside of it", async () => {
  const properties = { odd: { description: "As in /etc/*/x.", type: "string" } };
  assert.match(await siteTypes({ type: "object", properties }), /As in \/etc\/\*\u200b\/x\. \*\//);
});
