import tseslint from "typescript-eslint";

/**
 * The import direction of the project, as a rule: index.ts and cli -> modules/<phase> -> modules/core;
 * cli -> offline-bundle -> modules/core; nothing imports index.ts or cli; nothing but a test imports test.
 */
const phases = ["preflight", "users", "volumes", "engine", "daemon", "registry", "trust"];
const forbid = (files, group, message) => ({
  files,
  rules: {
    "no-restricted-imports": ["error", { patterns: group.map((pattern) => ({ ...pattern, message })) }],
  },
});
const outward = { regex: "(^|/)(index\\.ts$|cli/|test/)" };
const anyPhase = { regex: `/(${phases.join("|")})/` };
const commandPackage = { group: ["@pulumi/command", "@pulumi/command/*"] };

export default tseslint.config(
  { ignores: ["node_modules", ".cache"] },
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
  // The commands and the lab talk to a person.
  { files: ["cli/**", "test/**"], rules: { "no-console": "off" } },
  forbid(
    ["modules/core/**"],
    [outward, anyPhase, commandPackage, { regex: "offline-bundle/" }],
    "modules/core stands on its own",
  ),
  {
    files: ["modules/core/converge.ts"],
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
    [outward, anyPhase, commandPackage],
    "offline-bundle imports modules/core only",
  ),
  forbid(["cli/**"], [{ regex: "(^|/)(index\\.ts$|test/)" }], "cli calls modules and offline-bundle"),
);
