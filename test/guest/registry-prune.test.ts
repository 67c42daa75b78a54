/** What is deleted when the site retains only the last bundles, and what is not. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import {
  blobPath,
  mount,
  registryName,
  startConvergedRegistry,
  type RegistryInGuest,
} from "../support/guests/registry-in-guest.ts";
import { listType, manifestType, pushImage, pushList } from "../support/guests/registry-pushes.ts";
import { shellFacts } from "../support/guests/shell-facts.ts";
import { undoAfter } from "../support/process/undo.ts";

const shared = "a layer of every version";

let guest: RegistryInGuest;
/** sha256 of manifests, by what they are called here. */
const made: Record<string, string> = {};
const { holds, finds, applies } = shellFacts(() => guest.on);
const root = (command: string): Promise<string> => guest.on.root(command);
const storage = `${mount}/storage/docker/registry/v2`;

const undo = undoAfter();
before(async () => {
  guest = await startConvergedRegistry("registry-prune");
  undo(() => guest.on.end());
  made["a-old"] = await pushImage(guest, "files/a", "1", shared, "the first a");
  made["b"] = await pushImage(guest, "files/b", "1", "b, as long as it is");
  made["part"] = await pushImage(guest, "docker.io/library/l", "1-linux-amd64", "a part of a list");
  made["list"] = await pushList(guest, "docker.io/library/l", "1", made["part"] ?? "");
  await brought(
    1,
    "files/a a-old 1",
    "files/b b 1",
    "docker.io/library/l part 1-linux-amd64",
    "docker.io/library/l list 1",
  );
  made["a-next"] = await pushImage(guest, "files/a", "2", shared, "the next a");
  await brought(2, "files/a a-next 2", "files/b b 1");
  // The tag of the first bundle leads elsewhere in the third.
  made["a-new"] = await pushImage(guest, "files/a", "1", shared, "another first a");
  await brought(3, "files/a a-new 1");
  // Pushed by somebody: one more tag for what a bundle brought, and something that none did.
  made["b"] = await pushImage(guest, "files/b", "mine", "b, as long as it is");
  made["theirs"] = await pushImage(guest, "team/thing", "1", "a thing of theirs");
});

/** @param lines `repository name tag` */
async function brought(serial: number, ...lines: string[]): Promise<void> {
  await applies("registry_bundle", mount, String(serial), ...lines.map(withDigest));
}

function withDigest(line: string): string {
  const [repository = "", name = "", tag = ""] = line.split(" ");
  return `${repository} ${made[name] ?? ""} ${tag}`;
}

const prune = (keep: number, serial: number) =>
  ["registry_prune", mount, String(keep), String(serial), registryName, "5000", "5001"] as const;

/** What the reader answers for a manifest. */
const status = (repository: string, reference: string): Promise<string> =>
  guest.curl(
    `-o /dev/null -w '%{http_code}' -H 'Accept: ${manifestType}, ${listType}' https://${registryName}:5000/v2/${repository}/manifests/${reference}`,
  );

describe("the contents of earlier bundles", () => {
  test("are kept as long as there are no more bundles than the site retains", async () => {
    await holds(...prune(3, 3));
    await finds(`${mount}/bundles/3 is missing or differs`, "registry_bundle", mount, "3", "files/a x 1");
  });

  test("the bundle in use counts as retained even if it is not the last", async () => {
    await finds(
      /^bundle 2 is older than the last 2, and 1 manifests are in no other: files\/a:2\n?$/,
      ...prune(2, 1),
    );
    await finds(
      "bundle 2, 1 will be removed once bundle 4 is in the registry, except for content that both share",
      ...prune(2, 4),
    );
  });

  test("are named before they are deleted", async () => {
    await finds(
      /^bundle 2, 1 is older than the last 1, and 5 manifests are in no other: files\/a:2, files\/b:1, files\/a:1, docker\.io\/library\/l:1-linux-amd64, …\n?$/,
      ...prune(1, 3),
    );
  });

  test("are not deleted if the contents of the bundle in use are unknown", async () => {
    const { exitCode, output } = await guest.on.call("apply_registry_prune", ...prune(1, 4).slice(1));
    assert.equal(exitCode, 1);
    assert.match(
      output,
      /the contents of bundle 4 are not recorded in \/registry\/bundles, so nothing was pruned/,
    );
    assert.equal(await status("files/a", "2"), "200");
  });

  test("are deleted even after an interruption between tags and blobs; the rest is complete, and the writer runs again", async () => {
    await root(`rm -r ${storage}/repositories/docker.io/library/l/_manifests/tags/1`);
    await applies(...prune(1, 3));
    for (const [repository, name] of [
      ["files/a", "a-old"],
      ["files/a", "a-next"],
      ["docker.io/library/l", "list"],
      ["docker.io/library/l", "part"],
    ] as const) {
      assert.equal(await status(repository, `sha256:${made[name] ?? ""}`), "404", name);
      await root(`test ! -e ${blobPath(made[name] ?? "")}`);
    }
    assert.equal(await status("files/a", "1"), "200");
    assert.equal(await status("files/a", `sha256:${made["a-new"] ?? ""}`), "200");
    assert.equal(await root(`ls ${mount}/bundles`), "3\n");
    assert.match(await guest.curl(`-o /dev/null -w '%{http_code}' https://${registryName}:5001/v2/`), /401/);
  });

  test("are kept if somebody else pushed or tagged them", async () => {
    assert.equal(await status("team/thing", "1"), "200");
    assert.equal(await status("files/b", "1"), "404");
    assert.equal(await status("files/b", "mine"), "200");
  });

  test("can be sent again after pruning", async () => {
    made["a-next"] = await pushImage(guest, "files/a", "2", shared, "the next a");
    assert.equal(await status("files/a", "2"), "200");
    await brought(4, "files/a a-new 1", "files/a a-next 2");
  });

  test("corruption is found when retained blobs are read", async () => {
    const layer = (await root(`grep -rlF 'another first a' ${storage}/blobs --include=data`))
      .trim()
      .split("\n");
    const [file = ""] = layer;
    await root(`printf x | dd of=${file} conv=notrunc status=none`);
    const { exitCode, output } = await guest.on.call("apply_registry_prune", ...prune(1, 4).slice(1));
    assert.equal(exitCode, 1);
    assert.match(
      output,
      /sha256:\w{64} of files\/a is still needed, but is missing or corrupt \(.*\): move the file to another directory/,
    );
    await root(`rm ${file}`);
    made["a-new"] = await pushImage(guest, "files/a", "1", shared, "another first a");
    await applies(...prune(1, 4));
  });
});
