/** The content of a registry on a real host, what it rejects, and an interrupted push. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import {
  mount,
  pinned,
  registryName,
  sha256Of,
  startConvergedRegistry,
  type RegistryInGuest,
} from "../support/guests/registry-in-guest.ts";
import { manifestOf } from "../support/guests/registry-pushes.ts";
import { shellFacts } from "../support/guests/shell-facts.ts";
import { undoAfter } from "../support/process/undo.ts";

let on: RegistryInGuest;
const undo = undoAfter();
before(async () => {
  on = await startConvergedRegistry("registry-content");
  undo(() => on.on.end());
});

const { finds, applies } = shellFacts(() => on.on);
const etc = "/etc/sealift/registry";
const root = (command: string): Promise<string> => on.on.root(command);

describe("the content of a registry", () => {
  test("a manifest is pushed completely through the writer, found when a part is lost, and pushed again", async () => {
    const config = await on.arrive("{}");
    const layer = await on.arrive("the bytes of a layer");
    const describe_ = (sha256: string, size: number, mediaType: string): object => ({
      mediaType,
      digest: `sha256:${sha256}`,
      size,
    });
    const type = "application/vnd.oci.image.manifest.v1+json";
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: type,
      artifactType: "application/vnd.sealift.file.v1",
      config: describe_(config, 2, "application/vnd.oci.empty.v1+json"),
      layers: [describe_(layer, 20, "application/octet-stream")],
    });
    await on.arrive(manifest);
    const call = (repository: string) =>
      [
        "registry_manifest",
        mount,
        registryName,
        "5001",
        repository,
        "1",
        type,
        pinned(manifest),
        `${config}:2`,
        `${layer}:20`,
      ] as const;
    await finds("no such tag", ...call("files/thing"));
    await applies(...call("files/thing"));
    assert.equal(await root(`ls ${mount}/arriving`), "", "what has arrived lies nowhere twice");
    const url = `https://${registryName}:5000/v2/files/thing/blobs/sha256:${layer}`;
    assert.equal(await on.curl(url), "the bytes of a layer");
    // The same bytes under another name need not be sent again.
    await applies(...call("docker.io/library/thing"));

    const data = `${mount}/storage/docker/registry/v2/blobs/sha256/${layer.slice(0, 2)}/${layer}/data`;
    await root(`rm ${data}`);
    await finds(`the blob sha256:${layer} is missing`, ...call("files/thing"));
    const { exitCode, output } = await on.on.call("apply_registry_manifest", ...call("files/thing").slice(1));
    assert.equal(exitCode, 1);
    assert.match(output, /did not arrive in \/registry\/arriving; run pulumi up to send it again/);
    await on.arrive("the bytes of a layer");
    await applies(...call("files/thing"));
    assert.equal(await on.curl(url), "the bytes of a layer");
  });

  test("a blob altered in place is found although its length is right, and a link is not followed", async () => {
    const bytes = Buffer.from("bytes of an image");
    const layer = await on.arrive(bytes);
    const call = await manifestOf(on, "files/altered", bytes);
    await applies(...call);
    const data = `${mount}/storage/docker/registry/v2/blobs/sha256/${layer.slice(0, 2)}/${layer}/data`;
    const owner = "runuser -u sealift-registry --";
    await root(`printf 'bytes of no image' | ${owner} tee ${data}`);
    await finds(`the blob sha256:${layer} is corrupt: its sha256 differs`, ...call);
    // The registry would report that it has the blob: it is removed and sent again.
    const { exitCode, output } = await on.on.call("apply_registry_manifest", ...call.slice(1));
    assert.equal(exitCode, 1);
    assert.match(output, /did not arrive in \/registry\/arriving; run pulumi up to send it again/);
    await on.arrive(bytes);
    await applies(...call);
    // A file that only root can read is neither read nor sent to the registry's user.
    await root(
      `umask 077; printf 'bytes of an image' >/run/of-root-alone; ${owner} ln -sf /run/of-root-alone ${data}`,
    );
    await finds(`the blob sha256:${layer} is missing`, ...call);
    await root(`${owner} rm ${data} && ${owner} mkfifo ${data}`);
    await finds(`the blob sha256:${layer} is missing`, ...call);
    await root(`${owner} rm ${data}`);
    await on.arrive(bytes);
    await applies(...call);
  });

  test("bytes that do not match their digest are not accepted", async () => {
    const expected = sha256Of("what was signed");
    await on.on.guest.exec(`echo otherwise >${mount}/arriving/${expected}`);
    const call = [
      "apply_registry_manifest",
      mount,
      registryName,
      "5001",
      "files/lie",
      "1",
      "any",
      `${expected}:10`,
      `${expected}:10`,
    ] as const;
    const { exitCode, output } = await on.on.call(...call);
    assert.equal(exitCode, 1);
    assert.match(
      output,
      /^the file that arrived as sha256:\w{64} has sha256 \w{64} and was removed; run pulumi up to/,
    );
    assert.equal(await root(`ls ${mount}/arriving`), "");
  });

  test("nobody can write to the reader, and nobody without the password to the writer", async () => {
    const push = (port: number, more = ""): Promise<string> =>
      on.curl(
        `-o /dev/null -w '%{http_code}' -X POST ${more} https://${registryName}:${port}/v2/files/x/blobs/uploads/`,
      );
    assert.equal(await push(5000), "405");
    assert.equal(await push(5000, `--netrc-file ${etc}/netrc`), "405");
    assert.equal(await push(5001), "401");
    await root(`umask 077; sed 's/password .*/password wrong/' ${etc}/netrc >/run/wrong`);
    assert.equal(await push(5001, "--netrc-file /run/wrong"), "401");
    assert.equal(await push(5001, `--netrc-file ${etc}/netrc`), "202");
  });

  test("a volume that fills up during a push is reported, and the next push completes once there is free space", async () => {
    const bytes = Buffer.alloc(8 * 2 ** 20, "full");
    await on.arrive(bytes);
    const call = await manifestOf(on, "files/late", bytes);
    await root(
      `fallocate -l $(($(df --output=avail -B 1 ${mount} | tail -n 1) - 4000000)) ${mount}/somebody-else`,
    );
    const { exitCode, output } = await on.on.call("apply_registry_manifest", ...call.slice(1));
    assert.notEqual(exitCode, 0, output);
    assert.match(output, /the writer refused sha256:\w{64} for files\/late: .*no space left on device/s);
    await root(`rm ${mount}/somebody-else`);
    await finds("no such tag", ...call);
    await applies(...call);
  });

  test("kill -9 of the registry during a push: the push fails with a report, and the next one completes", async () => {
    const bytes = Buffer.alloc(24 * 2 ** 20, "x");
    const layer = await on.arrive(bytes);
    const call = await manifestOf(on, "files/big", bytes);
    // As soon as a part of the layer is in the registry's uploads.
    const killer = root(
      `timeout 120 sh -c 'until find ${mount}/storage/docker/registry/v2/repositories/files/big/_uploads -name data -size +1M 2>/dev/null | grep -q .; do :; done'; kill -9 $(systemctl show -P MainPID sealift-registry-writer)`,
    );
    const [{ exitCode, output }] = await Promise.all([
      on.on.call("apply_registry_manifest", ...call.slice(1)),
      killer,
    ]);
    assert.notEqual(exitCode, 0, output);
    assert.match(output, /curl: \(\d+\)/);
    await finds("no such tag", ...call);
    await root("timeout 120 sh -c 'until ss -Hltn | grep -q :5001; do sleep 0.5; done'");
    await applies(...call);
    const url = `https://${registryName}:5000/v2/files/big/blobs/sha256:${layer}`;
    assert.equal((await on.curl(`${url} | sha256sum`)).split(" ")[0], layer);
  });
});
