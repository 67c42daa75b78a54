import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { type LockCoverage, lockCoverage } from "../../modules/environments/lock-coverage.ts";
import { type Lock, readLock } from "../../offline-bundle/spec/lock-file.ts";
import { cachePath, checkout } from "../lab/cache.ts";
import { copyShippedStacks } from "../support/fixtures/shipped-stacks.ts";
import { changed, exampleText } from "../support/fixtures/site-text.ts";
import { undoAfter } from "../support/process/undo.ts";

let folder: string;
let lock: Lock;
const undo = undoAfter();
before(async () => {
  await mkdir(cachePath("test"), { recursive: true });
  folder = await mkdtemp(cachePath("test", "stacks-"));
  undo(() => rm(folder, { recursive: true }));
  lock = await readLock(join(checkout, "offline-bundle", "bundle.lock.yaml"));
});

test("the shipped lock has everything that the shipped environments use", async () => {
  const stacks = join(folder, "shipped");
  await copyShippedStacks(stacks);
  const { problems, hosts, files } = lockCoverage(lock, stacks);
  assert.deepEqual(problems, []);
  assert.ok(hosts >= 2 && files.some((file) => file.endsWith("example.site.yaml")));
});

test("the shipped examples use nothing besides what a site's own environments use", async () => {
  const stacks = join(folder, "own");
  await copyShippedStacks(stacks);
  const own = changed("version: 28.5.2", "version: 29.7.2");
  await writeFile(join(stacks, "Pulumi.prod.yaml"), own);
  const engines = lock.files.filter(({ version }) => version !== "28.5.2" && version !== "29.8.1");
  const { problems, files } = lockCoverage({ ...lock, files: engines }, stacks);
  assert.deepEqual(problems.map(formatProblem), []);
  assert.deepEqual(files, [join(stacks, "Pulumi.prod.yaml")]);
});

test("a version without a pin is reported at its line, with the hosts that use it and the available versions", async () => {
  const { problems } = await coverageOfText(changed("version: 28.5.2", "version: 28.5.3"));
  assert.deepEqual(problems.map(formatProblem), [
    `${file()}:20:16: E_NOT_IN_LOCK node-a, node-b engine.version: found: docker 28.5.3 for linux/amd64; expected: a pin of the lock: 28.5.2 (linux/amd64), 28.5.2 (linux/arm64), 29.7.2 (linux/amd64), 29.7.2 (linux/arm64), 29.8.1 (linux/amd64), 29.8.1 (linux/arm64); fix: add it to bundle.yaml and run sealift bundle lock, or choose a pinned version`,
  ]);
});

test("age without a pin is reported where an application has secrets", async () => {
  const key = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
  const apps = `    secrets: { age: 1.3.1, recoveryKey: ${key} }\n    apps:\n      - { name: shop, version: 2.4.0, hosts: [node-a], secrets: { db: secrets/shop-db.age } }\n`;
  const text = changed("      version: 28.5.2", "      version: 28.5.2\n      compose: 5.5.1")
    .replace("    hosts:\n", `${apps}    hosts:\n`)
    .replace("storage-driver: overlay2", "features: { containerd-snapshotter: true }");
  const { problems } = await coverageOfText(text);
  assert.match(
    problems.map(formatProblem).join("\n"),
    /yaml:\d+:21: E_NOT_IN_LOCK node-a secrets\.age: found: age 1\.3\.1 for linux\/amd64; expected: a pin of the lock: none for age; /,
  );
});

test("restic and rest-server without a pin are reported at their lines, with the hosts that need them", async () => {
  const key = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
  const backups = `    secrets: { age: 1.3.1, recoveryKey: ${key} }
    backups:
      restic: 0.19.1
      restServer: 0.14.0
      password: secrets/restic.age
      store: { host: node-b, mount: /data }
    apps:
      - name: shop
        version: 2.4.0
        hosts: [node-a]
        data: { db: { path: /data/shop-db } }
        backup: { at: "02:30", stop: true }
`;
  const text = changed("      version: 28.5.2", "      version: 28.5.2\n      compose: 5.5.1")
    .replace("    hosts:\n", `${backups}    hosts:\n`)
    .replace("storage-driver: overlay2", "features: { containerd-snapshotter: true }");
  const found = (await coverageOfText(text)).problems
    .map(formatProblem)
    .filter((one) => one.includes("backups."));
  const [first, second, ...others] = found;
  assert.match(
    first ?? "",
    /yaml:\d+:15: E_NOT_IN_LOCK node-a, node-b backups\.restic: found: restic 0\.19\.1 for /,
  );
  assert.match(
    second ?? "",
    /yaml:\d+:19: E_NOT_IN_LOCK node-b backups\.restServer: found: rest-server 0\.14\.0 for /,
  );
  assert.deepEqual(others, []);
});

test("a host's own choice is reported at the host, and a plugin by its name", async () => {
  const own = changed(
    "        daemon:\n          labels",
    "        engine: { compose: 9.9.9, buildx: 0.37.1 }\n        daemon:\n          labels",
  );
  const { problems } = await coverageOfText(own);
  assert.equal(problems.length, 1);
  assert.match(
    problems.map(formatProblem).join(),
    /yaml:\d+:28: E_NOT_IN_LOCK node-b engine\.compose: found: compose 9\.9\.9 for/,
  );
});

test("a pin for another architecture does not count", async () => {
  const arm = changed(
    "        sshUser: ops\n        # ssh",
    "        sshUser: ops\n        architecture: arm64\n        # ssh",
  );
  assert.deepEqual((await coverageOfText(arm)).problems, []);
  const files = lock.files.filter(({ platform }) => platform === "linux/amd64");
  const { problems } = await coverageOfText(arm, { ...lock, files });
  assert.deepEqual(
    problems.map(({ subject, found }) => [subject, found]),
    [["node-a engine.version", "docker 28.5.2 for linux/arm64"]],
  );
});

test("an image that is not pinned, or not for the host's architecture, is reported", async () => {
  const name = "docker.io/library/hello:1";
  // Without a registry, images need the containerd store.
  const text = changed("\n    hosts:\n", `\n    images: [${name}]\n    hosts:\n`).replace(
    "storage-driver: overlay2",
    "features: { containerd-snapshotter: true }",
  );
  const pinned = (...platforms: string[]): Lock => ({
    ...lock,
    images: [{ name, digest: `sha256:${"a".repeat(64)}`, platforms, sources: ["computed-here"] }],
  });
  const reported = async (of: Lock): Promise<readonly string[]> =>
    (await coverageOfText(text, of)).problems.map((one) => formatProblem(one).replace(/^\S+ /, ""));
  assert.match(
    (await reported({ ...lock, images: [] }))[0] ?? "",
    /^E_NOT_IN_LOCK node-a images: found: docker\.io/,
  );
  assert.deepEqual(await reported(pinned("linux/arm64/v8")), [
    ...["node-a", "node-b"].map(
      (host) =>
        `E_BUNDLE_PLATFORM ${host} images: found: ${name} for linux/arm64/v8; expected: linux/amd64; fix: choose an image that supports this host's architecture, or remove it from the host`,
    ),
  ]);
  assert.deepEqual(await reported(pinned("linux/arm64", "linux/amd64/v1")), []);
  assert.equal((await reported(pinned("linux/amd64/v3"))).length, 2);
});

test("an unreadable file is reported beside the others; a file without a site uses nothing; a missing file is no typo", async () => {
  const wrong = changed("sshUser: ops", "sshUsr: ops");
  assert.ok((await coverageOfText(wrong)).problems.some(({ code }) => code === "E_KEY_UNKNOWN"));
  const { hosts, problems } = await coverageOfText("config:\n  other:key: 1\n");
  assert.deepEqual([hosts, problems], [0, []]);
  assert.deepEqual(
    lockCoverage(lock, join(folder, "nowhere")).problems.map(({ code }) => code),
    ["E_SITE_MISSING"],
  );
});

test("an encrypted secret hides nothing that matters here", async () => {
  const secret = "        passwordHash: { secure: AAABAA== }\n";
  const text = exampleText.replace("        uid: 1500\n", `        uid: 1500\n${secret}`);
  assert.notEqual(text, exampleText);
  assert.deepEqual((await coverageOfText(text)).problems, []);
});

function file(): string {
  return join(folder, "Pulumi.prod.yaml");
}

async function coverageOfText(text: string, of: Lock = lock): Promise<LockCoverage> {
  await writeFile(file(), text);
  return lockCoverage(of, folder);
}
