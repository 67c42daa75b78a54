/** What goes when the site keeps only the last bundles, and all that does not. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import {
  blobPath,
  mount,
  registryName,
  startRegistryGuest,
  type RegistryInGuest,
} from "../support/registry-in-guest.ts";
import { listType, manifestType, pushImage, pushList } from "../support/registry-pushes.ts";
import { shellFacts } from "../support/shell-facts.ts";
import { undoAfter } from "../support/undo.ts";

const shared = "a layer of every version";

let guest: RegistryInGuest;
/** sha256 of manifests, by what they are called here. */
const made: Record<string, string> = {};
const { holds, finds, applies } = shellFacts(() => guest.on);
const root = (command: string): Promise<string> => guest.on.root(command);
const storage = `${mount}/storage/docker/registry/v2`;

const undo = undoAfter();
before(async () => {
  guest = await startRegistryGuest("registry-sweep");
  undo(() => guest.on.end());
  const { mark, text } = await guest.on.run("apply", guest.steps);
  assert.ok(mark, text);
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

const sweep = (keep: number, serial: number) =>
  ["registry_sweep", mount, String(keep), String(serial), registryName, "5000", "5001"] as const;

/** What the reader answers for a manifest. */
const status = (repository: string, reference: string): Promise<string> =>
  guest.curl(
    `-o /dev/null -w '%{http_code}' -H 'Accept: ${manifestType}, ${listType}' https://${registryName}:5000/v2/${repository}/manifests/${reference}`,
  );

describe("what earlier bundles brought", () => {
  test("stays as long as there are no more bundles than the site keeps", async () => {
    await holds(...sweep(3, 3));
    await finds(`${mount}/bundles/3 is absent or another`, "registry_bundle", mount, "3", "files/a x 1");
  });

  test("the bundle in use counts among those that stay, also when it is not the last", async () => {
    await finds(
      /^bundle 2 is before the last 2, and 1 manifests are of no other: files\/a:2\n?$/,
      ...sweep(2, 1),
    );
    await finds("bundle 2, 1 goes when bundle 4 is in, but for what both have", ...sweep(2, 4));
  });

  test("is told by name before it goes", async () => {
    await finds(
      /^bundle 2, 1 is before the last 1, and 5 manifests are of no other: files\/a:2, files\/b:1, files\/a:1, docker\.io\/library\/l:1-linux-amd64, …\n?$/,
      ...sweep(1, 3),
    );
  });

  test("nothing goes when nobody knows what the bundle in use brought", async () => {
    const { exitCode, output } = await guest.on.call("apply_registry_sweep", ...sweep(1, 4).slice(1));
    assert.equal(exitCode, 1);
    assert.match(
      output,
      /what bundle 4 brought is not written down in \/registry\/bundles: nothing is swept/,
    );
    assert.equal(await status("files/a", "2"), "200");
  });

  test("goes, cut off after the tags too; what stays is whole, and the writer is back", async () => {
    await root(`rm -r ${storage}/repositories/docker.io/library/l/_manifests/tags/1`);
    await applies(...sweep(1, 3));
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

  test("what somebody pushed, or has a tag of their own for, stays", async () => {
    assert.equal(await status("team/thing", "1"), "200");
    assert.equal(await status("files/b", "1"), "404");
    assert.equal(await status("files/b", "mine"), "200");
  });

  test("what was swept can be sent again", async () => {
    made["a-next"] = await pushImage(guest, "files/a", "2", shared, "the next a");
    assert.equal(await status("files/a", "2"), "200");
    await brought(4, "files/a a-new 1", "files/a a-next 2");
  });

  test("bytes that rot are found when what stays is read", async () => {
    const layer = (await root(`grep -rlF 'another first a' ${storage}/blobs --include=data`))
      .trim()
      .split("\n");
    const [file = ""] = layer;
    await root(`printf x | dd of=${file} conv=notrunc status=none`);
    const { exitCode, output } = await guest.on.call("apply_registry_sweep", ...sweep(1, 4).slice(1));
    assert.equal(exitCode, 1);
    assert.match(
      output,
      /sha256:\w{64} of files\/a, which stays, cannot be read as what it is \(.*\): move it away/,
    );
    await root(`rm ${file}`);
    made["a-new"] = await pushImage(guest, "files/a", "1", shared, "another first a");
    await applies(...sweep(1, 4));
  });
});
