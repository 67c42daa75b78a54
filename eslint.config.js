import { readdirSync } from "node:fs";
import tseslint from "typescript-eslint";
import { superlinear } from "./test/support/assert/pattern-work.ts";

/**
 * The import direction of the project, as a rule: index.ts and cli -> modules/<phase> -> modules/core;
 * cli -> offline-bundle -> modules/core; nothing imports index.ts or cli; nothing but a test imports test.
 */
const others = ["core", "environments", "rollout", "receipt"];
const phases = readdirSync(new URL("modules", import.meta.url)).filter((name) => !others.includes(name));
const forbid = (files, group, message) => ({
  files,
  rules: {
    "no-restricted-imports": ["error", { patterns: group.map((pattern) => ({ ...pattern, message })) }],
  },
});
const outward = { regex: "^(\\.\\./)+index\\.ts$|(^|/)(cli|test)/" };
const anyPhase = { regex: `/(${phases.join("|")})/` };
const commandPackage = { group: ["@pulumi/command", "@pulumi/command/*"] };

/**
 * A pattern whose work grows faster than its text stands still for hours at a text that somebody has made for it. These two are given
 * words that were cut behind their last @, where what they look for is found at once.
 */
const cut = ["modules/core/site/text-problems.ts", "modules/core/visible.ts"];
const linearPattern = {
  meta: { schema: [] },
  create: (context) => ({
    "Literal[regex]": (node) => {
      const found = superlinear(node.regex.pattern);
      if (found !== undefined)
        context.report({ node, message: `this pattern's work grows faster than its text: ${found}` });
    },
  }),
};

export default tseslint.config(
  { ignores: ["node_modules", ".cache", "cli/new/template"] },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/explicit-module-boundary-types": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // node:test's test() returns a promise that the runner itself waits for.
      "@typescript-eslint/no-floating-promises": [
        "error",
        {
          allowForKnownSafeCalls: [
            { from: "package", package: "node:test", name: ["test", "describe", "it"] },
          ],
        },
      ],
      "no-console": "error",
    },
  },
  {
    files: ["modules/**", "offline-bundle/**", "cli/**", "index.ts"],
    ignores: cut,
    plugins: { sealift: { rules: { "linear-pattern": linearPattern } } },
    rules: { "sealift/linear-pattern": "error" },
  },
  // The commands and the lab talk to a person.
  { files: ["cli/**", "test/**"], rules: { "no-console": "off" } },
  forbid(
    ["modules/core/**"],
    [outward, anyPhase, commandPackage, { regex: "offline-bundle/" }],
    "modules/core stands on its own",
  ),
  {
    files: ["modules/core/pulumi/converge.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        { patterns: [outward, anyPhase].map((p) => ({ ...p, message: "modules/core stands on its own" })) },
      ],
    },
  },
  ...phases.map((phase) =>
    forbid(
      [`modules/${phase}/**`],
      [outward, commandPackage, { regex: `/(${phases.filter((other) => other !== phase).join("|")})/` }],
      "a phase imports modules/core only; converge.ts alone makes commands",
    ),
  ),
  forbid(
    ["offline-bundle/**"],
    // A folder of the bundle may have the name of a phase.
    [outward, { regex: `/modules/(${phases.join("|")})/` }, commandPackage],
    "offline-bundle imports modules/core only",
  ),
  forbid(
    ["cli/**"],
    [{ regex: "^(\\.\\./)+index\\.ts$|(^|/)test/" }],
    "cli calls modules and offline-bundle",
  ),
);
