/** The backup of a registry that the guide describes, made from a snapshot of its volume and restored. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";
import { vm } from "../lab/machine-choice.ts";
import {
  blobPath,
  mount,
  registryName,
  startConvergedRegistry,
  type RegistryInGuest,
} from "../support/guests/registry-in-guest.ts";
import { manifestType, pushImage } from "../support/guests/registry-pushes.ts";
import { undoAfter } from "../support/process/undo.ts";

let guest: RegistryInGuest;
const root = (command: string): Promise<string> => guest.on.root(command);
const storage = `${mount}/storage/docker/registry/v2`;
/** sha256 of the manifest. */
let theirs = "";

const undo = undoAfter();
before(async () => {
  guest = await startConvergedRegistry("registry-copy", vm("lvm"));
  undo(() => guest.on.end());
  const shipped = await pushImage(guest, "files/a", "1", "a layer", "of a bundle");
  assert.equal(
    (await guest.on.call("apply_registry_bundle", mount, "1", `files/a ${shipped} 1`)).exitCode,
    0,
  );
  theirs = await pushImage(guest, "team/thing", "1", "a thing of theirs");
});

/** What the reader answers for a manifest. */
const status = (repository: string, reference: string): Promise<string> =>
  guest.curl(
    `-o /dev/null -w '%{http_code}' -H 'Accept: ${manifestType}' https://${registryName}:5000/v2/${repository}/manifests/${reference}`,
  );

const guide = readFileSync(new URL("../../docs/guide/registry.md", import.meta.url), "utf8");
const commands = (name: string): string => {
  const [, text = ""] = new RegExp(`<!-- guest: ${name} -->\\n\\n\`\`\`sh\\n([^]*?)\`\`\``).exec(guide) ?? [];
  assert.notEqual(text, "");
  return text;
};
const asWritten = async (name: string): Promise<void> => {
  const { stderr, exitCode } = await guest.on.guest.exec("sh -es", { input: commands(name) });
  assert.equal(exitCode, 0, stderr);
};

test("a backup contains everything, is made while the registry runs, and can be restored", async () => {
  await root("mkdir -p /media/disk");
  const bundles = await root(`ls ${mount}/bundles`);
  await asWritten("backup");
  await root("test ! -e /dev/vg0/registry-copy && ! findmnt /run/registry-copy");
  assert.equal(await status("team/thing", "1"), "200");
  await root(`rm -r ${storage}/repositories/team ${blobPath(theirs)} ${mount}/bundles`);
  assert.equal(await status("team/thing", "1"), "404");
  await pushImage(guest, "files/after", "1", "pushed after the copy");
  await asWritten("restore");
  await root(
    "timeout 120 sh -c 'until ss -Hltn | grep -q :5000 && ss -Hltn | grep -q :5001; do sleep 0.5; done'",
  );
  for (const repository of ["team/thing", "files/after", "files/a"])
    assert.equal(await status(repository, "1"), "200", repository);
  assert.equal(await root(`ls ${mount}/bundles`), bundles);
  const { revision, text } = await guest.on.run("check", guest.steps);
  assert.ok(revision, text);
  assert.doesNotMatch(text, /^drift/m);
});
