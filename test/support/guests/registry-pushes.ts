/** Small images and lists for a registry in a guest, pushed by the library's own function. */
import assert from "node:assert/strict";
import {
  blobPath,
  mount,
  pinned,
  registryName,
  sha256Of,
  type RegistryInGuest,
} from "./registry-in-guest.ts";

export const manifestType = "application/vnd.oci.image.manifest.v1+json";
export const listType = "application/vnd.oci.image.index.v1+json";

/** @returns sha256 of the manifest. */
export async function pushImage(
  guest: RegistryInGuest,
  repository: string,
  tag: string,
  ...layers: readonly string[]
): Promise<string> {
  const blobs = ["{}", ...layers];
  const sha256s: string[] = [];
  for (const blob of blobs) sha256s.push(await guest.arrive(blob));
  const [config, ...rest] = sha256s.map((sha256, at) => ({
    mediaType: "application/octet-stream",
    digest: `sha256:${sha256}`,
    size: blobs[at]?.length,
  }));
  const manifest = { schemaVersion: 2, mediaType: manifestType, config, layers: rest };
  return push(guest, [repository, tag, manifestType], JSON.stringify(manifest), blobs.map(pinned));
}

/** A list of one image that is in the repository. @returns its sha256. */
export async function pushList(
  guest: RegistryInGuest,
  repository: string,
  tag: string,
  part: string,
): Promise<string> {
  const size = Number(await guest.on.root(`stat -c %s ${blobPath(part)}`));
  const manifests = [{ mediaType: manifestType, digest: `sha256:${part}`, size }];
  const list = { schemaVersion: 2, mediaType: listType, manifests };
  return push(guest, [repository, tag, listType], JSON.stringify(list), []);
}

async function push(
  guest: RegistryInGuest,
  what: readonly [repository: string, tag: string, type: string],
  text: string,
  blobs: readonly string[],
): Promise<string> {
  const sha256 = await guest.arrive(text);
  const names = [mount, registryName, "5001", ...what, pinned(text), ...blobs] as const;
  const call = ["apply_registry_manifest", ...names] as const;
  const { exitCode, output } = await guest.on.call(...call);
  assert.equal(exitCode, 0, output);
  return sha256;
}

/** A manifest with one layer, as a call of the step; it has arrived and its layer has not, unless somebody sees to that. */
export async function manifestOf(
  on: RegistryInGuest,
  repository: string,
  bytes: Buffer,
): Promise<readonly [name: string, ...args: string[]]> {
  const type = "application/vnd.oci.image.manifest.v1+json";
  const layer = sha256Of(bytes);
  const config = await on.arrive("{}");
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: type,
    config: { mediaType: "application/vnd.oci.empty.v1+json", digest: `sha256:${config}`, size: 2 },
    layers: [{ mediaType: "application/octet-stream", digest: `sha256:${layer}`, size: bytes.length }],
  });
  await on.arrive(manifest);
  const names = [mount, registryName, "5001", repository, "1", type];
  return ["registry_manifest", ...names, pinned(manifest), `${config}:2`, pinned(bytes)];
}
