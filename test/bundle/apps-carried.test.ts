/** An application crosses like every other file: seen, compared, listed, pushed, and carried as a delta. */
import assert from "node:assert/strict";
import { chmod, readFile, utimes, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { before, beforeEach, test } from "node:test";
import { parse, stringify } from "yaml";
import { formatProblem } from "../../modules/core/errors.ts";
import type { ComposeProject } from "../../modules/core/host/compose-project.ts";
import { buildBundle } from "../../offline-bundle/build.ts";
import { fetchBundle } from "../../offline-bundle/fetch.ts";
import { inventoryOfBundle } from "../../offline-bundle/inventory.ts";
import { lockBundle } from "../../offline-bundle/lock.ts";
import { readContents } from "../../offline-bundle/oci/contents.ts";
import { oras } from "../../offline-bundle/oci/oras.ts";
import { packBundle } from "../../offline-bundle/pack.ts";
import { pushBundle } from "../../offline-bundle/push.ts";
import { rebuildAndCompare } from "../../offline-bundle/rebuild.ts";
import { cycloneDx } from "../../offline-bundle/sbom/cyclonedx.ts";
import { spdx } from "../../offline-bundle/sbom/spdx.ts";
import type { Lock } from "../../offline-bundle/spec/lock-file.ts";
import { digestOf } from "../../offline-bundle/io/digest.ts";
import { unpackBundle } from "../../offline-bundle/unpack.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import { assertRefused, codesOf } from "../support/assert/assert-refusal.ts";
import { type AppRepository, appRepository, shopProject } from "../support/fixtures/app-repository.ts";
import { done } from "../support/fixtures/bundle-verbs.ts";
import { composeLines, useComposePlugin } from "../support/fixtures/compose-plugin.ts";
import { cycloneDxSchema } from "../support/fixtures/cyclonedx-schema.ts";
import { tinyImage } from "../support/fixtures/tiny-bundle.ts";
import { runProcess } from "../support/process/run-process.ts";
import { undoAfter } from "../support/process/undo.ts";
import { startRegistry } from "../support/servers/registry-process.ts";

let repository: AppRepository;
const undo = undoAfter();
before(async () => {
  undo(await useComposePlugin());
  repository = await appRepository();
  undo(() => repository.remove());
});
beforeEach(() => repository.reset());

/** Locks and builds. @returns the bundle's folder. */
async function built(name: string): Promise<string> {
  await lockBundle(repository);
  const directory = repository.at(name);
  await buildBundle({ ...repository, directory });
  return directory;
}

async function nextVersion(): Promise<void> {
  const compose = (shopProject["compose.yaml"] ?? "").replace('"8080:80"', '"8081:80"');
  await repository.writeProject({ ...shopProject, "compose.yaml": compose }, "2.5.0");
  await repository.writeSpec(["2.4.0", "2.5.0"]);
}

test("both lines of compose read the same project", async () => {
  const lines = await composeLines();
  assert.ok(lines.length >= 2);
  const projects: ComposeProject[] = [];
  for (const line of lines) {
    const end = await useComposePlugin(line);
    try {
      await repository.reset();
      const { lock } = await lockBundle(repository);
      const { project } = lock.files[0] ?? {};
      assert.ok(project);
      const services = project.services.map((service) => ({ ...service, config: "" }));
      projects.push({ ...project, services });
    } finally {
      await end();
    }
  }
  const [first, ...others] = projects;
  for (const other of others) assert.deepEqual(other, first);
});

test("another line of compose leaves an existing lock as it is", async () => {
  const lines = await composeLines();
  await lockBundle(repository);
  for (const line of lines) {
    const end = await useComposePlugin(line);
    try {
      assert.equal((await lockBundle({ ...repository, check: true })).changed, false, line.version);
    } finally {
      await end();
    }
  }
});

test("the same files give the same bytes, whatever their times and modes", async () => {
  const { lock } = await lockBundle(repository);
  for (const path of Object.keys(shopProject)) {
    await chmod(repository.at("apps", "shop", "2.4.0", path), 0o600);
    await utimes(repository.at("apps", "shop", "2.4.0", path), 1, 1);
  }
  const again = await lockBundle({ ...repository, update: ["shop"] });
  assert.equal(again.lock.files[0]?.sha256, lock.files[0]?.sha256);
});

test("two versions with the same files are in one bundle", async () => {
  await repository.writeProject(shopProject, "2.5.0");
  await repository.writeSpec(["2.4.0", "2.5.0"]);
  const directory = await built("twice");
  const { lockFile, allowedSigners } = repository;
  const { lock } = await verifyBundle(directory, { lockFile, allowedSigners });
  assert.deepEqual(
    lock.files.filter(({ name }) => name === "shop").map(({ version }) => version),
    ["2.4.0", "2.5.0"],
  );
});

test("a build needs no compose plugin", async () => {
  await lockBundle(repository);
  const path = process.env["PATH"];
  process.env["PATH"] = dirname(process.execPath);
  try {
    const { bundleFile, lockFile, store } = repository;
    await buildBundle({ bundleFile, lockFile, store, directory: repository.at("bundle") });
  } finally {
    process.env["PATH"] = path;
  }
});

test("a second person builds the same bundle from the same repository", async () => {
  const compare = await built("theirs");
  const { files } = await rebuildAndCompare({ ...repository, compare });
  assert.ok(files > 8);
});

test("what somebody wrote into the lock is found", async () => {
  await lockBundle(repository);
  const lock = parse(await readFile(repository.lockFile, "utf8")) as Lock;
  const changed = (change: (file: Lock["files"][number]) => object): Promise<void> =>
    writeFile(repository.lockFile, stringify({ ...lock, files: lock.files.map(change) }));
  await changed((file) => ({
    ...file,
    project: { ...file.project, services: file.project?.services.map((one) => ({ ...one, ports: [] })) },
  }));
  assert.equal((await lockBundle({ ...repository, check: true })).changed, true, "a port is missing");
  await changed((file) => ({ ...file, members: file.members?.slice(1) }));
  assert.deepEqual(await codesOf(buildBundle({ ...repository, directory: repository.at("bundle") })), [
    "E_PIN_MISMATCH",
  ]);
});

test("inspect, diff and the SBOM show the application and its images", async () => {
  const first = await built("first");
  const shown = await done("inspect", first);
  assert.match(shown, /^shop +2\.4\.0 +any +app /m);
  assert.match(
    shown,
    /^shop +2\.4\.0 +web +docker\.io\/library\/hello:1 +8080\/tcp \$\{ADMIN:-9000\}\/tcp$/m,
  );
  await nextVersion();
  const second = await built("second");
  const difference = await done("diff", first, second);
  assert.match(difference, /added +shop 2\.5\.0 any +.*ports web 8081\/tcp/);
  assert.match(difference, /services web docker\.io\/library\/hello:1/);
  const contents = await readContents(second);
  const validate = await cycloneDxSchema();
  const bom = cycloneDx(contents, undefined) as { dependencies: object[] };
  assert.ok(validate(bom), JSON.stringify(validate.errors));
  assert.deepEqual(bom.dependencies.slice(1), [
    { ref: "shop 2.4.0 any", dependsOn: [tinyImage] },
    { ref: "shop 2.5.0 any", dependsOn: [tinyImage] },
  ]);
  const { relationships } = spdx(contents, undefined) as { relationships: { relationshipType: string }[] };
  assert.equal(relationships.filter(({ relationshipType }) => relationshipType === "DEPENDS_ON").length, 2);
});

test("a delta has the new version alone, and a registry serves it by the digest of the lock", async () => {
  const first = await built("first");
  const have = repository.at("inventory.json");
  await writeFile(have, JSON.stringify((await inventoryOfBundle(first)).inventory));
  await nextVersion();
  const second = await built("second");
  const file = repository.at("delta.tar.zst");
  await packBundle(second, { file, have });
  const directory = repository.at("merged");
  const trust = { allowedSigners: repository.allowedSigners };
  await unpackBundle(file, directory, { ...trust, base: first });
  const bundle = await verifyBundle(directory, trust);
  const app = bundle.app("shop", "2.5.0");
  assert.ok(app);
  assert.equal((await digestOf(app.path)).sha256, app.sha256);

  const registry = await startRegistry(repository.at("registry"), { tls: true });
  try {
    const { caFile = "" } = registry;
    await pushBundle(directory, registry.address, { ...trust, caFile });
    const to = repository.at("pulled.tar");
    const from = `${registry.address}/files/shop@sha256:${app.sha256}`;
    await oras(["blob", "fetch", "--ca-file", caFile, "--output", to], [from], repository.at());
    assert.equal((await digestOf(to)).sha256, app.sha256);
  } finally {
    await registry.stop();
  }
});

test("compose itself reads the application from a registry, with the digests of the lock", async () => {
  const service = { image: tinyImage, environment: { URL: "${URL:-none}" } };
  await repository.writeProject({ "compose.yaml": stringify({ services: { web: service } }) }, "3.0.0");
  const compose = stringify({ services: { web: { ...service, env_file: ["web.env"] } } });
  await repository.writeProject({ "compose.yaml": compose, "web.env": "LOG_LEVEL=info\n" }, "3.1.0");
  await repository.writeSpec(["3.0.0", "3.1.0"]);
  const directory = await built("bundle");
  const trust = { allowedSigners: repository.allowedSigners };
  const { lock } = await verifyBundle(directory, trust);
  const registry = await startRegistry(repository.at("registry"), { tls: true });
  const { caFile = "" } = registry;
  const plain = await startRegistry(repository.at("plain"), { storage: registry.storage });
  try {
    await pushBundle(directory, registry.address, { ...trust, caFile });
    for (const line of await composeLines()) {
      // Version 2 reads from registries on request only, from 127.0.0.1 without TLS, and no files of variables.
      const older = line.version.startsWith("2.");
      const { address } = older ? plain : registry;
      const end = await useComposePlugin(line);
      try {
        const home = repository.at(`home-${line.version}`);
        for (const version of older ? ["3.0.0"] : ["3.0.0", "3.1.0"]) {
          const { exitCode, stdout, stderr } = await runProcess(
            "docker-compose",
            [`--file=oci://${address}/apps/shop:${version}`, "config", "--format=json"],
            {
              env: {
                ...{ HOME: home, XDG_CACHE_HOME: home, COMPOSE_PROJECT_NAME: "shop" },
                ...{ SSL_CERT_FILE: caFile, COMPOSE_EXPERIMENTAL_OCI_REMOTE: "true" },
              },
            },
          );
          assert.equal(exitCode, 0, stderr);
          const { services } = JSON.parse(stdout) as { services: Record<string, object> };
          const { image, environment } = services["web"] as { image: string; environment: object };
          assert.equal(image, `${tinyImage}@${lock.images[0]?.digest ?? ""}`, line.version);
          const more = version === "3.1.0" ? { LOG_LEVEL: "info" } : {};
          assert.deepEqual(environment, { URL: "none", ...more }, line.version);
        }
      } finally {
        await end();
      }
    }
  } finally {
    await plain.stop();
    await registry.stop();
  }
});

test("an image that only a Compose file names comes from its registry, and must have every platform", async () => {
  const registry = await startRegistry(repository.at("registry"), { tls: true });
  const { caFile = "", address } = registry;
  process.env["SSL_CERT_FILE"] = caFile;
  try {
    const name = `${address}/team/hello:1`;
    const only = `${address}/team/amd64:1`;
    const layout = repository.at("offline-bundle", "image");
    for (const [from, to] of [
      [tinyImage, name],
      ["amd64", only],
    ] as const)
      await oras(["cp", "--from-oci-layout-path", layout, "--to-ca-file", caFile], [from, to], layout);
    await repository.writeProject(
      { "compose.yaml": stringify({ services: { web: { image: name } } }) },
      "3.0.0",
    );
    await repository.writeSpec(["3.0.0"]);
    const { lock } = await lockBundle(repository);
    assert.deepEqual(
      lock.images.map((image) => `${image.name} ${image.from ?? ""}`),
      [`${tinyImage} file:image`, `${name} `],
    );
    await fetchBundle(repository);
    const directory = repository.at("bundle");
    await buildBundle({ ...repository, directory });
    const bundle = await verifyBundle(directory, { allowedSigners: repository.allowedSigners });
    assert.equal(bundle.app("shop", "3.0.0")?.images[0]?.name, name);

    await repository.writeProject(
      { "compose.yaml": stringify({ services: { web: { image: only } } }) },
      "3.1.0",
    );
    await repository.writeSpec(["3.1.0"]);
    const [problem, ...others] = await assertRefused(lockBundle(repository));
    assert.match(
      problem === undefined ? "" : formatProblem(problem),
      /compose\.yaml:3:12: E_BUNDLE_PLATFORM .*linux\/amd64; expected: linux\/arm64/,
    );
    assert.deepEqual(others, []);
  } finally {
    delete process.env["SSL_CERT_FILE"];
    await registry.stop();
  }
});
