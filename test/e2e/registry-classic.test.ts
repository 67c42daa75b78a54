/**
 * The classic image store reaches a registry of the site in one way only: as a mirror of Docker Hub. One host runs the registry and is its
 * client.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { inside } from "../../offline-bundle/io/inside.ts";
import { readLock } from "../../offline-bundle/spec/lock-file.ts";
import { imageElsewhere } from "../lab/bundle/bundle.ts";
import { restartGuest } from "../lab/guest.ts";
import { imageKinds, portedSource } from "../lab/bundle/image-kinds.ts";
import { labUser } from "../lab/pulumi/stack.ts";
import { runsKinds } from "../support/guests/image-kinds.ts";
import { siteMachine, startSite, type SiteUnderTest } from "../support/guests/site-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";

describe("a site with the classic image store and a registry", () => {
  let site: SiteUnderTest;
  const undo = undoAfter();
  before(async () => {
    site = await startSite("classic", siteMachine, "registry");
    undo(() => site.end());
    await site.guest.save("bare");
    await write({});
  });

  const write = (more: object, images: readonly string[] = []): Promise<void> =>
    site.write((text) => {
      text.images = images;
      const { engines, registry: version } = site.lab.bundle;
      text.engine.version = engines.at(-1)?.version ?? "";
      const hosts = [{ name: "classic", address: "10.0.2.15" }];
      text.registry = { name: "registry.site", version, mount: "/svc", hosts, ...more };
    });

  test("names of registries other than Docker Hub would lead outside: refused before anything is changed", async () => {
    const { exitCode, output } = await site.pulumi("preview");
    assert.notEqual(exitCode, 0, output);
    assert.match(
      output,
      /E_CONFLICT registry\.mirroredRegistries: found: the bundle has images from ghcr\.io/,
    );
    assert.equal(await site.onHost("ls -A .sealift /opt/registry 2>/dev/null || true"), "");
  });

  test("once the site accepts the registry's own name, the run succeeds", async () => {
    await write({ mirroredRegistries: ["docker.io"] });
    const { exitCode, output } = await site.pulumi("up", "--yes", "--skip-preview");
    assert.equal(exitCode, 0, output);
    const info = await site.onHost(
      "docker info --format '{{.ServerVersion}} {{.Driver}} {{.RegistryConfig.Mirrors}}'",
      labUser,
    );
    assert.match(info, /^28\.5\.\S+ overlay2 \[https:\/\/registry\.site:5000\/\]\n$/);
  });

  test("an unchanged name of Docker Hub is pulled through the mirror", async () => {
    const image = site.lab.bundle.image.replace("docker.io/library/", "");
    assert.equal(await site.onHost(`docker run --rm ${image} echo mirrored`, labUser), "mirrored\n");
  });

  test("an image of every kind that this store supports runs, through the mirror and by the registry's own name", async () => {
    await runsKinds(site.guest, imageKinds, "registry.site:5000");
  });

  test("an image of another registry is pulled by the registry's own name", async () => {
    const image = `registry.site:5000/${imageElsewhere}`;
    assert.equal(await site.onHost(`docker run --rm ${image} echo named`, labUser), "named\n");
  });

  test("images of the site are held with the digest of the lock, whatever registry their names lead to", async () => {
    const lock = await readLock(join(site.lab.bundle.directory, inside.lock));
    const ported = `${portedSource}/team/app:1`;
    const images = [imageElsewhere, ported];
    await write({ mirroredRegistries: ["docker.io"] }, images);
    const held = async (): Promise<void> => {
      const { exitCode, output } = await site.pulumi("up", "--yes", "--skip-preview");
      assert.equal(exitCode, 0, output);
      for (const name of images) {
        const found = await site.onHost(`docker image inspect --format '{{.RepoDigests}}' ${name}`, labUser);
        const { digest } = lock.images.find((one) => one.name === name) ?? {};
        assert.ok(digest !== undefined && found.includes(`@${digest}`), `${name}: ${found}`);
      }
    };
    await held();
    await site.onHost(`docker tag ${ported} ${imageElsewhere} && docker rmi -f ${ported}`, labUser);
    const { output } = await site.pulumi("preview");
    assert.match(
      output,
      /images\.ghcr\.io\/team\/hello:2: found: another image has this name: sha256:\w{64}; .*; impact: none/,
    );
    assert.match(output, /images\.localhost:5077\/team\/app:1: found: absent; /);
    await held();
  });

  const unchanged = async (): Promise<void> => {
    const { exitCode, output } = await site.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes");
    assert.equal(exitCode, 0, output);
  };
  test("a second run changes nothing", unchanged);

  test("restored to before the first run: the registry is provisioned again, with another CA, and filled", async () => {
    await site.guest.kill();
    site.guest = await restartGuest("classic", "bare");
    await write({ mirroredRegistries: ["docker.io"] });
    const { exitCode, output } = await site.pulumi("up", "--yes", "--skip-preview");
    assert.equal(exitCode, 0, output);
    assert.match(output, / updated/);
    const image = `registry.site:5000/${imageElsewhere}`;
    assert.equal(await site.onHost(`docker run --rm ${image} echo named`, labUser), "named\n");
    await unchanged();
  });
});
