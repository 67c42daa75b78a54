/** The real cosign signs images in a real registry, in each way that it has; its owner's key is all that is needed to believe it. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { oras } from "../../offline-bundle/oci/oras.ts";
import { writeScratchImage } from "../lab/bundle/scratch-image.ts";
import { builtProgram } from "../lab/tools/built-program.ts";
import { useTools } from "../lab/tools/ensure-tools.ts";
import { type AuthRegistry, authRegistry } from "../support/servers/auth-registry.ts";
import { assertRefused } from "../support/assert/assert-refusal.ts";
import { runProcess } from "../support/process/run-process.ts";
import { type SourcesUnderTest, sourcesUnderTest } from "../support/fixtures/sources-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";

let program: string;
let site: SourcesUnderTest;
let registry: AuthRegistry;

const undo = undoAfter();
before(async () => {
  await useTools();
  program = await builtProgram({
    folder: "cosign",
    package: "github.com/sigstore/cosign/v3/cmd/cosign",
    flags: ["-ldflags", "-s -w"],
    program: "cosign",
  });
  site = await sourcesUnderTest();
  undo(() => site.remove());
  registry = await authRegistry(join(site.folder, "registry"), site.certificate);
  undo(() => registry.stop());
  process.env["DOCKER_CONFIG"] = registry.dockerConfig;
  await cosign("generate-key-pair");
  await cosign("generate-key-pair", "--output-key-prefix", "stranger");
});
after(() => {
  delete process.env["DOCKER_CONFIG"];
});

async function cosign(...args: readonly string[]): Promise<void> {
  // Its own folder for what it keeps, and nothing of the person's.
  const env = { COSIGN_PASSWORD: "only for this test", HOME: site.folder };
  const { exitCode, stderr } = await runProcess(program, args, { cwd: site.folder, env });
  assert.equal(exitCode, 0, stderr);
}

/** Without a log and without a time from outside: nobody is asked but the registry. */
const alone = ["--yes", "--use-signing-config=false", "--tlog-upload=false"];

for (const [name, flags] of [
  ["referrer", []],
  ["tag", ["--new-bundle-format=false"]],
] as const) {
  test(`a signature of cosign of a ${name} is accepted with the key of its owner, and with no other`, async () => {
    const image = `${registry.host}/acme/${name}:1`;
    await writeFile(join(site.folder, "tool"), `${name}\n`);
    await writeScratchImage(join(site.folder, "tool"), "amd64", "1", join(site.folder, name));
    await oras(["copy", "--no-tty", "--from-oci-layout"], [`${name}:1`, image], site.folder);
    const digest = await oras(["resolve"], [image], site.folder);
    const sign = (key: string): Promise<void> =>
      cosign("sign", ...alone, ...flags, "--key", key, `${registry.host}/acme/${name}@${digest}`);
    await site.spec({ images: [{ name: image, cosign: "cosign.pub" }] });
    await sign("stranger.key");
    const [problem] = await assertRefused(site.lock());
    assert.equal(`${problem?.code} ${problem?.found}`, "E_IMAGE_SIGNATURE one signature, by another key");
    await sign("cosign.key");
    const [pin] = (await site.lock()).lock.images;
    assert.equal(pin?.digest, digest);
    assert.match(pin.signedBy ?? "", /^sha256:[0-9a-f]{64}$/);
    await site.fetch();
  });
}
