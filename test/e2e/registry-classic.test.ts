/**
 * The classic image store knows one way to a registry of the site: as a mirror of Docker Hub. One host that runs the registry and
 * is its client.
 */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { imageElsewhere } from "../lab/bundle.ts";
import { labUser } from "../lab/stack.ts";
import { siteMachine, startSite, type SiteUnderTest } from "../support/site-under-test.ts";
import { undoAfter } from "../support/undo.ts";

describe("a site with the classic image store and a registry", () => {
  let site: SiteUnderTest;
  const undo = undoAfter();
  before(async () => {
    site = await startSite("classic", siteMachine, "registry");
    undo(() => site.end());
    await write({});
  });

  const write = (more: object): Promise<void> =>
    site.write((text) => {
      const { engines, registry: version } = site.lab.bundle;
      text.engine.version = engines.at(-1)?.version ?? "";
      const hosts = [{ name: "classic", address: "10.0.2.15" }];
      text.registry = { name: "registry.site", version, mount: "/svc", hosts, ...more };
    });

  test("names of other registries than Docker Hub would lead outside: refused before anything is changed", async () => {
    const { exitCode, output } = await site.pulumi("preview");
    assert.notEqual(exitCode, 0, output);
    assert.match(output, /E_CONFLICT registry\.sources: got images of ghcr\.io in the bundle/);
    assert.equal(await site.onHost("ls -A .sealift /opt/registry 2>/dev/null || true"), "");
  });

  test("when the site says that people write the registry's own name, up makes it", async () => {
    await write({ sources: ["docker.io"] });
    const { exitCode, output } = await site.pulumi("up", "--yes", "--skip-preview");
    assert.equal(exitCode, 0, output);
    const info = await site.onHost(
      "docker info --format '{{.ServerVersion}} {{.Driver}} {{.RegistryConfig.Mirrors}}'",
      labUser,
    );
    assert.match(info, /^28\.5\.\S+ overlay2 \[https:\/\/registry\.site:5000\/\]\n$/);
  });

  test("an unchanged name of Docker Hub comes through the mirror", async () => {
    const image = site.lab.bundle.image.replace("docker.io/library/", "");
    assert.equal(await site.onHost(`docker run --rm ${image} echo mirrored`, labUser), "mirrored\n");
  });

  test("one of another registry comes under the registry's own name", async () => {
    const image = `registry.site:5000/${imageElsewhere}`;
    assert.equal(await site.onHost(`docker run --rm ${image} echo named`, labUser), "named\n");
  });

  test("a second run changes nothing", async () => {
    const { exitCode, output } = await site.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes");
    assert.equal(exitCode, 0, output);
  });
});
