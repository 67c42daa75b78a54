/** Whether an engine pulls and runs every kind of image that a bundle carries. */
import assert from "node:assert/strict";
import type { Guest } from "../../lab/guest.ts";
import type { ImageKind } from "../../lab/bundle/image-kinds.ts";
import { placedName } from "../../../modules/core/image-name.ts";
import { labUser } from "../../lab/pulumi/stack.ts";

/**
 * Pulls each under its own name and runs it; with the classic store, what is of another registry than Docker Hub under the name of the site's
 * registry.
 *
 * @param classic `name:port` of the site's registry on a host with the classic store; absent: the host has the containerd store.
 */
export async function runsKinds(guest: Guest, kinds: readonly ImageKind[], classic?: string): Promise<void> {
  const names = kinds.map(({ kind, name }) => {
    const other = classic !== undefined && !name.startsWith("docker.io/");
    return { kind, name: other ? `${classic}/${placedName(name)}` : name };
  });
  const lines = names.map(
    ({ kind, name }) =>
      `printf '%s ' ${kind}; timeout 120 docker run --rm ${name} 2>&1 | tail -n 1; docker rmi -f ${name} >/dev/null 2>&1`,
  );
  const { stdout } = await guest.exec(lines.join("\n"), { login: labUser });
  assert.deepEqual(
    stdout.trim().split("\n"),
    kinds.map(({ kind }) => `${kind} ${kind}`),
  );
}
