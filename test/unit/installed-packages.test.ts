/** The npm packages of a repository: one copy of Pulumi, and Sealift as package-lock.json pins it. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import {
  copyProblems,
  installationProblems,
  versionProblems,
} from "../../modules/core/installed-packages.ts";
import { checkout } from "../lab/cache.ts";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "installed-")));
after(() => {
  rmSync(folder, { recursive: true });
});

/** A repository with these packages, by their paths. */
function repository(name: string, packages: Readonly<Record<string, string>>): string {
  const root = join(folder, name);
  for (const [path, version] of Object.entries(packages)) {
    const file = join(root, path, "package.json");
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify({ version }));
  }
  return root;
}
const sealift = (root: string): string => join(root, "node_modules/sealift/package.json");
const single = {
  "node_modules/sealift": "0.1.0",
  "node_modules/@pulumi/pulumi": "3.259.0",
  "node_modules/@pulumi/command": "1.2.1",
};

test("one copy of each package of Pulumi is no problem, even behind a link", () => {
  const root = repository("single", single);
  assert.deepEqual(copyProblems(root, sealift(root)), []);
  const linked = repository("linked", { "node_modules/sealift": "0.1.0" });
  symlinkSync(join(root, "node_modules/@pulumi"), join(linked, "node_modules/@pulumi"));
  assert.deepEqual(copyProblems(linked, sealift(linked)), []);
});

test("a second copy, of the program or of the command package, is named with what to pin", () => {
  const own = "node_modules/sealift/node_modules/@pulumi/pulumi";
  const nested = repository("nested", {
    ...single,
    "node_modules/@pulumi/pulumi": "3.200.0",
    [own]: "3.259.0",
  });
  assert.deepEqual(copyProblems(nested, sealift(nested)).map(formatProblem), [
    `${nested}/node_modules/@pulumi/pulumi/package.json: E_PULUMI_COPIES @pulumi/pulumi: found: version 3.200.0, beside version 3.259.0 in ` +
      `${nested}/${own}/package.json; expected: one copy, version 3.259.0; fix: pin @pulumi/pulumi to 3.259.0 in package.json and run npm install`,
  ]);
  const command = repository("command", {
    ...single,
    "node_modules/@pulumi/command/node_modules/@pulumi/pulumi": "3.0.0",
  });
  assert.match(
    copyProblems(command, sealift(command)).map(formatProblem).join(),
    /found: version 3\.0\.0, beside/,
  );
});

test("another version of Sealift, or another package of the version, than the lock pins is named", () => {
  const root = repository("pinned", single);
  const lock = (file: string, version: string, integrity?: string): void => {
    writeFileSync(
      join(root, file),
      JSON.stringify({ packages: { "node_modules/sealift": { version, integrity } } }),
    );
  };
  assert.deepEqual(versionProblems(root, sealift(root)), []);
  lock("package-lock.json", "0.1.0", "sha512-a");
  lock("node_modules/.package-lock.json", "0.1.0", "sha512-a");
  assert.deepEqual(versionProblems(root, sealift(root)), []);
  lock("node_modules/.package-lock.json", "0.1.0", "sha512-b");
  assert.match(versionProblems(root, sealift(root))[0]?.found ?? "", /^another package of version 0\.1\.0$/);
  lock("package-lock.json", "0.2.0", "sha512-a");
  assert.deepEqual(versionProblems(root, sealift(root)).map(formatProblem), [
    `${root}/package-lock.json: E_TOOLKIT_VERSION sealift: found: 0.1.0; expected: 0.2.0, as pinned; fix: run npm ci`,
  ]);
});

test("the checkout of Sealift itself has none of these problems", () => {
  assert.deepEqual(installationProblems(checkout), []);
});
