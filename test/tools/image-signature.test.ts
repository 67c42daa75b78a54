/** Signatures of images as cosign stores them in a real registry: found, verified, and distinguished from what only looks like one. */
import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { buildBundle } from "../../offline-bundle/build.ts";
import { fetchImage } from "../../offline-bundle/fetching/fetch-image.ts";
import { oras } from "../../offline-bundle/oci/oras.ts";
import { writeScratchImage } from "../lab/bundle/scratch-image.ts";
import { type AuthRegistry, authRegistry } from "../support/servers/auth-registry.ts";
import { codesOf, assertRefused } from "../support/assert/assert-refusal.ts";
import { type SourcesUnderTest, sourcesUnderTest } from "../support/fixtures/sources-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";

let site: SourcesUnderTest;
let registry: AuthRegistry;
const team = generateKeyPairSync("ec", { namedCurve: "P-256" });
const untrusted = generateKeyPairSync("ec", { namedCurve: "P-256" });
const edwards = generateKeyPairSync("ed25519");

const undo = undoAfter();
before(async () => {
  site = await sourcesUnderTest();
  undo(() => site.remove());
  registry = await authRegistry(join(site.folder, "registry"), site.certificate);
  undo(() => registry.stop());
  process.env["DOCKER_CONFIG"] = registry.dockerConfig;
  for (const [name, { publicKey }] of Object.entries({ team, edwards }))
    await writeFile(join(site.folder, `${name}.pub`), publicKey.export({ type: "spki", format: "pem" }));
  await writeFile(join(site.folder, "no.pub"), "not a key\n");
});
after(() => {
  delete process.env["DOCKER_CONFIG"];
});

/** An image of its own in the registry. @returns its digest. */
async function image(name: string): Promise<string> {
  await writeFile(join(site.folder, "tool"), `${name}\n`);
  await writeScratchImage(join(site.folder, "tool"), "amd64", "1", join(site.folder, `image-${name}`));
  const target = `${registry.host}/acme/${name}:1`;
  await oras(["copy", "--no-tty", "--from-oci-layout"], [`image-${name}:1`, target], site.folder);
  return oras(["resolve"], [target], site.folder);
}
const requireSigned = (name: string, cosign: string): Promise<void> =>
  site.spec({ images: [{ name: `${registry.host}/acme/${name}:1`, cosign }] });

const hashOf = (key: KeyObject): string | null => (key.asymmetricKeyType === "ed25519" ? null : "sha256");

/** As `cosign sign` up to 2.x, and 3.x when asked to: a tag beside the image. The payload ends in a line end, as other signers write it. */
async function signBeside(
  name: string,
  digest: string,
  key: KeyObject,
  named = digest,
  altered = "",
  repository = name,
  type = "cosign container image signature",
): Promise<void> {
  const payload = JSON.stringify({
    critical: {
      identity: { "docker-reference": `${registry.host}/acme/${repository}` },
      image: { "docker-manifest-digest": named },
      type,
    },
    optional: null,
  });
  await writeFile(join(site.folder, "payload"), `${payload}${altered}\n`);
  const signature = sign(hashOf(key), Buffer.from(`${payload}\n`), key).toString("base64");
  const annotations = { payload: { "dev.cosignproject.cosign/signature": signature } };
  await writeFile(join(site.folder, "annotations.json"), JSON.stringify(annotations));
  const tag = `${registry.host}/acme/${name}:${digest.replace(":", "-")}.sig`;
  const mediaType = "application/vnd.dev.cosign.simplesigning.v1+json";
  await oras(
    ["push", "--no-tty", "--annotation-file", "annotations.json"],
    [tag, `payload:${mediaType}`],
    site.folder,
  );
}

/** As `cosign sign` from 3.0 on: a statement in a DSSE envelope, as a referrer of the image. */
async function signReferring(
  name: string,
  digest: string,
  key: KeyObject,
  predicateType = "https://sigstore.dev/cosign/sign/v1",
): Promise<void> {
  const type = "application/vnd.dev.sigstore.bundle.v0.3+json";
  const payloadType = "application/vnd.in-toto+json";
  const subject = [{ digest: { sha256: digest.slice("sha256:".length) } }];
  const body = JSON.stringify({
    _type: "https://in-toto.io/Statement/v1",
    subject,
    predicateType,
    predicate: {},
  });
  const signed = `DSSEv1 ${payloadType.length} ${payloadType} ${body.length} ${body}`;
  const bundle = {
    mediaType: type,
    verificationMaterial: { publicKey: { hint: "" } },
    dsseEnvelope: {
      payload: Buffer.from(body).toString("base64"),
      payloadType,
      signatures: [{ sig: sign(hashOf(key), Buffer.from(signed), key).toString("base64"), keyid: "" }],
    },
  };
  await writeFile(join(site.folder, "bundle.json"), JSON.stringify(bundle));
  const subjectOf = `${registry.host}/acme/${name}@${digest}`;
  await oras(
    ["attach", "--no-tty", "--artifact-type", type],
    [subjectOf, `bundle.json:${type}`],
    site.folder,
  );
}

const finding = async (work: Promise<unknown>): Promise<string | undefined> => {
  const [problem] = await assertRefused(work);
  return `${problem?.code ?? ""} ${problem?.found ?? ""}`;
};

for (const [how, signs] of [
  ["a tag beside the image", signBeside],
  ["a referrer of the image", signReferring],
] as const) {
  const word = how.split(" ")[1] ?? "";
  test(`${how}: the key's owner has signed it, and the lock says so`, async () => {
    const digest = await image(word);
    await requireSigned(word, "team.pub");
    assert.equal(await finding(site.lock()), "E_IMAGE_SIGNATURE no signature in the registry");
    await signs(word, digest, untrusted.privateKey);
    assert.equal(await finding(site.lock()), "E_IMAGE_SIGNATURE one signature, by another key");
    await signs(word, digest, team.privateKey);
    const { lock } = await site.lock();
    assert.match(lock.images[0]?.signedBy ?? "", /^sha256:[0-9a-f]{64}$/);
    assert.equal((await site.lock()).changed, false);
    await site.fetch();
  });
}

test("a signature for another repository or tag passes as with cosign, and is reported every time", async () => {
  const digest = await image("spoken");
  const warningsOf = async (): Promise<readonly string[]> => {
    site.warnings.length = 0;
    await site.lock();
    return site.warnings.map(({ code, subject, found }) => `${code} ${subject}: ${found}`);
  };
  const as = (name: string): string =>
    `E_IMAGE_SIGNATURE docker-reference: a signature of this digest as ${registry.host}/acme/${name}`;
  await requireSigned("spoken", "team.pub");
  await signBeside("spoken", digest, team.privateKey, digest, "", "spoken:2");
  assert.deepEqual(await warningsOf(), [as("spoken:2")]);
  assert.deepEqual(await warningsOf(), [as("spoken:2")]);
  // Known by its digest under its right name: a registry that serves it under another name is reported nevertheless.
  await oras(
    ["copy", "--no-tty"],
    [`${registry.host}/acme/spoken:1`, `${registry.host}/acme/shown:1`],
    site.folder,
  );
  await signBeside("spoken", digest, team.privateKey, digest, "", "spoken:1");
  await signBeside("shown", digest, team.privateKey, digest, "", "spoken");
  await rm(join(site.store, "signed"), { recursive: true });
  assert.deepEqual(await warningsOf(), []);
  await requireSigned("shown", "team.pub");
  assert.deepEqual(await warningsOf(), [as("spoken")]);
});

test("an Ed25519 key signs as well", async () => {
  const digest = await image("edwards");
  await requireSigned("edwards", "edwards.pub");
  await signReferring("edwards", digest, edwards.privateKey);
  assert.ok((await site.lock()).lock.images[0]?.signedBy);
});

test("a signature of another image, or of other content, does not count", async () => {
  const [one, other] = [await image("one"), await image("other")];
  await requireSigned("one", "team.pub");
  await signBeside("one", one, team.privateKey, other);
  assert.equal(await finding(site.lock()), `E_IMAGE_SIGNATURE a signature of ${other}`);
  await signBeside("one", one, team.privateKey, one, " ");
  assert.equal(await finding(site.lock()), "E_IMAGE_SIGNATURE one signature, by another key");
  await signBeside("one", one, team.privateKey, one, "", "one", "atomic container signature");
  assert.equal(await finding(site.lock()), "E_IMAGE_SIGNATURE a signature of nothing");
  await signBeside("one", one, untrusted.privateKey);
  await signReferring("one", one, team.privateKey, "https://slsa.dev/provenance/v1");
  assert.equal(await finding(site.lock()), "E_IMAGE_SIGNATURE a signature of nothing");
});

test("a pin made without a key is asked for its signature; without the key the lock mentions none", async () => {
  const digest = await image("later");
  await site.spec({ images: [{ name: `${registry.host}/acme/later:1` }] });
  await site.lock();
  await requireSigned("later", "team.pub");
  assert.deepEqual(await codesOf(site.fetch()), ["E_LOCK_STALE"]);
  await signReferring("later", digest, team.privateKey);
  assert.deepEqual(
    (await site.lock()).changes.map(({ change }) => change),
    ["filled"],
  );
  await site.spec({ images: [{ name: `${registry.host}/acme/later:1` }] });
  assert.equal((await site.lock()).lock.images[0]?.signedBy, undefined);
});

test("a manually written lock is checked for the image's signature before the image is fetched", async () => {
  const digest = await image("forged");
  await site.spec({ images: [{ name: `${registry.host}/acme/forged:1` }] });
  await site.lock();
  await requireSigned("forged", "team.pub");
  const der = team.publicKey.export({ type: "spki", format: "der" });
  const signedBy = `sha256:${createHash("sha256").update(der).digest("hex")}`;
  const text = await readFile(site.lockFile, "utf8");
  await writeFile(
    site.lockFile,
    text.replace(/( +)digest: .*/, (line, indent: string) => `${line}\n${indent}signedBy: ${signedBy}`),
  );
  const nobody = "E_IMAGE_SIGNATURE no signature in the registry";
  const build = (): Promise<unknown> => buildBundle({ ...site, directory: join(site.folder, "built") });
  assert.equal(await finding(site.lock({ check: true })), nobody);
  assert.equal(await finding(build()), nobody);
  assert.equal(await finding(site.fetch()), nobody);
  const layout = join(site.store, "images", digest.slice("sha256:".length));
  assert.equal(existsSync(layout), false, "nothing of it has come");
  // Nor is it believed because it came when nobody asked.
  await fetchImage({ name: `${registry.host}/acme/forged:1`, digest }, { store: site.store, mirrors: {} });
  assert.equal(await finding(build()), nobody);
  assert.equal(await finding(site.fetch()), nobody);
  await signBeside("forged", digest, team.privateKey);
  await site.fetch();
  // What was verified is noted: a build asks nobody.
  process.env["SSL_CERT_FILE"] = "/dev/null";
  try {
    await build();
  } finally {
    process.env["SSL_CERT_FILE"] = site.certificate.certFile;
  }
});

test("what is no public key, and a key for a layout on disk, are refused", async () => {
  await requireSigned("tag", "no.pub");
  assert.deepEqual(await codesOf(site.lock()), ["E_VALUE"]);
  await site.spec({
    images: [{ name: "docker.io/acme/tool:1", from: "file:image-one", cosign: "team.pub" }],
  });
  assert.deepEqual(await codesOf(site.lock()), ["E_CONFLICT"]);
});
