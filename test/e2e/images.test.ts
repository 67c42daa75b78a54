/**
 * The images of a site on a host: sent over ssh and loaded while the site has no registry, pulled by digest once it has one. The digest is
 * that of the lock either way, for a manifest and for an index of which the host gets only its own platform.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { inside } from "../../offline-bundle/io/inside.ts";
import { readLock } from "../../offline-bundle/spec/lock-file.ts";
import { imageElsewhere } from "../lab/bundle/bundle.ts";
import { portedSource } from "../lab/bundle/image-kinds.ts";
import { labUser, type LabSite } from "../lab/pulumi/stack.ts";
import { siteMachine, startSite, type SiteUnderTest } from "../support/guests/site-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";

const hello = "docker.io/library/hello:1";
const index = "docker.io/kinds/index:1";
const ported = `${portedSource}/team/app:1`;
const all = [hello, imageElsewhere, index, ported];

describe("images of a site", () => {
  let site: SiteUnderTest;
  /** Of the lock, by name. */
  let digests: ReadonlyMap<string, string>;
  const undo = undoAfter();
  before(async () => {
    site = await startSite("images", siteMachine, "registry");
    undo(() => site.end());
    const { images } = await readLock(join(site.lab.bundle.directory, inside.lock));
    digests = new Map(images.map(({ name, digest }) => [name, digest]));
  });

  const write = (
    images: readonly string[],
    change: (text: LabSite) => void = () => undefined,
  ): Promise<void> =>
    site.write((text) => {
      text.images = images;
      text.daemon["features"] = { "containerd-snapshotter": true };
      Reflect.deleteProperty(text.daemon, "storage-driver");
      change(text);
    });
  const docker = (command: string): Promise<string> => site.onHost(`docker ${command}`, labUser);
  const digestOf = async (name: string): Promise<string> =>
    (await docker(`image inspect --format '{{json .RepoDigests}}' ${name}`)).trim();
  const up = async (...more: string[]): Promise<string> => {
    const { exitCode, output } = await site.pulumi("up", "--yes", "--skip-preview", ...more);
    assert.equal(exitCode, 0, output);
    return output;
  };
  const preview = async (): Promise<string> => {
    const { exitCode, output } = await site.pulumi("preview");
    assert.equal(exitCode, 0, output);
    return output;
  };
  const held = async (): Promise<void> => {
    for (const name of all)
      assert.match(await digestOf(name), new RegExp(`@${digests.get(name) ?? ""}"`), name);
  };

  test("with the classic store and without a registry: refused before anything is changed", async () => {
    await site.write((text) => {
      text.images = all;
    });
    const { exitCode, output } = await site.pulumi("preview");
    assert.notEqual(exitCode, 0, output);
    assert.match(
      output,
      /E_IMAGE_LOAD images: found: .* \(images\); expected: .*moby#43570\); fix: add registry: to the site, or replace/,
    );
    assert.equal(await site.onHost("ls -A .sealift 2>/dev/null || true"), "");
  });

  test("one run, and every image is there with the digest of the lock and runs without a network", async () => {
    await write(all);
    assert.match(
      await preview(),
      /images\.docker\.io\/library\/hello:1: found: absent: there is no engine yet; /,
    );
    await up();
    await held();
    assert.equal(await docker(`run --rm --pull never --network none ${hello} echo loaded`), "loaded\n");
    assert.equal(await docker(`run --rm --pull never --network none ${index}`), "index\n");
    assert.equal(await docker(`run --rm --pull never --network none ${ported}`), "ported\n");
    assert.equal(await site.onHost("ls .sealift/blobs"), "", "the blobs have been moved");
  });

  test("a second run changes nothing", async () => {
    await up("--expect-no-changes");
  });

  test("a removed image and a moved tag are drift, by name; the repair needs no transfer and stops no container", async () => {
    await docker(`run --detach --name kept --network none ${imageElsewhere} sleep 1000`);
    await docker(`rmi -f ${hello}`);
    await docker(`tag ${index} ${imageElsewhere}`);
    const found = await preview();
    const impact = "expected: image .* is present with digest sha256:.* of the lock; impact: none";
    assert.match(found, new RegExp(`images\\.${hello}: found: absent; ${impact}`));
    assert.match(
      found,
      new RegExp(
        `images\\.${imageElsewhere}: found: another image has this name: ${digests.get(index) ?? ""}; ${impact}`,
      ),
    );
    assert.doesNotMatch(found, /images\.docker\.io\/kinds\/index:1: found/);
    const { length } = (await up()).match(/CopyToRemote/g) ?? [];
    assert.equal(length, 0);
    await held();
    assert.equal(await docker("inspect --format '{{.State.Running}} {{.RestartCount}}' kept"), "true 0\n");
    await docker("rm -f kept");
    await up("--expect-no-changes");
  });

  test("once the site has a registry, the same images are pulled from there by digest, and from nowhere else", async () => {
    await write(all, (text) => {
      const hosts = [{ name: "images", address: "10.0.2.15" }];
      const mirroredRegistries = ["docker.io"];
      text.registry = {
        ...{ name: "registry.site", version: site.lab.bundle.registry, mount: "/svc", hosts },
        mirroredRegistries,
      };
    });
    await up();
    await held();
    await docker(`rmi -f ${all.join(" ")}`);
    const found = await preview();
    for (const name of all) assert.match(found, new RegExp(`images\\.${name}: found: absent; `));
    await up();
    await held();
    assert.match(await digestOf(imageElsewhere), /"registry\.site:5000\/ghcr\.io\/team\/hello@/);
    assert.equal(
      await docker(`run --rm --pull never --network none ${imageElsewhere} echo pulled`),
      "pulled\n",
    );
    await up("--expect-no-changes");
  });
});
