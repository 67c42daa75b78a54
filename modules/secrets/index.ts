/** The secrets of a host's applications, as a phase. */
import { channelOf } from "../core/host/blob-step.ts";
import type { Blob, HostFiles } from "../core/host/blob.ts";
import type { Delivery } from "../core/host/delivery.ts";
import { uploadPath } from "../core/host/blob.ts";
import type { HostSpec } from "../core/site/site-spec.ts";
import { keepsUnlockKey } from "../core/site/swarm.ts";
import type { Phase } from "../core/host/step.ts";
import { secretsSteps, pruneSteps } from "./steps.ts";

/** Pure: the phase of one host; undefined when it does not need age. */
export function secretsPhase(
  { hostKey, registry, swarm }: Pick<HostSpec, "hostKey" | "registry" | "swarm">,
  { age, secrets = [] }: HostFiles,
): Phase | undefined {
  if (age === undefined || (secrets.length === 0 && !keepsUnlockKey(swarm))) return undefined;
  const channel = registry === undefined ? {} : { channel: channelOf(registry) };
  return { name: "secrets", steps: secretsSteps({ hostKey, age, secrets, ...channel }) };
}

/** Pure: what removes secrets that nothing uses; undefined when Sealift looks after no secrets in this site. */
export function prunePhase(
  { secrets: spec }: Pick<HostSpec, "secrets">,
  { secrets = [] }: HostFiles,
): Phase | undefined {
  return spec === undefined ? undefined : { name: "prune", steps: pruneSteps(secrets) };
}

/** The encrypted files of a host, each once. They are not in the bundle, so they always travel over ssh. */
export function secretDeliveries({ secrets = [] }: HostFiles): readonly Delivery[] {
  const blobs = new Map<string, Blob>(secrets.map((secret) => [secret.sha256, secret]));
  return [...blobs.values()].map(({ sha256, bytes, path }) => ({
    ...{ sha256, bytes, path },
    what: `secret-${sha256.slice(0, 12)}`,
    uploadPath: uploadPath(sha256),
    storePath: `/var/lib/sealift/secrets/${sha256}`,
  }));
}
