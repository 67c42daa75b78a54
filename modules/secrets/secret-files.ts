/** The files of a site's secrets in the checkout: encrypted, read when a plan is made. */
import { lstatSync, readFileSync } from "node:fs";
import type { HostFiles, HostSecret } from "../core/host/blob.ts";
import type { Problem } from "../core/errors.ts";
import type { Composed } from "../core/site/layers/compose.ts";
import type { HostSpec } from "../core/site/site-spec.ts";
import { maxSecretBytes } from "./age-file.ts";
import { recipientProblems, secretFiles, secretPlace, type SecretFile } from "./recipients.ts";

/** @returns undefined when there is no regular file, or a larger one than a secret can be. */
export function readSecretFile(file: string): Buffer | undefined {
  const found = lstatSync(file, { throwIfNoEntry: false });
  return found?.isFile() === true && found.size <= maxSecretBytes ? readFileSync(file) : undefined;
}

/** The secrets of a site as files. */
export interface SiteSecrets {
  readonly problems: readonly Problem[];
  /** The same files of a host, with its secrets. */
  readonly withSecrets: (files: HostFiles, host: Pick<HostSpec, "name">) => HostFiles;
}

/**
 * Reads the secrets of all hosts, once each.
 *
 * @param siteFile for messages.
 * @param composed the values of the site, and where each is set.
 * @param unknown names of hosts whose keys this run does not know: what they need is compared by the run that knows them. Default none.
 */
export function readSecrets(
  hosts: readonly (Pick<HostSpec, "name" | "hostKey" | "apps"> &
    Partial<Pick<HostSpec, "backup" | "store" | "rehearsals" | "stacks" | "swarm">>)[],
  siteFile: string,
  composed: Composed,
  unknown: ReadonlySet<string> = new Set(),
): SiteSecrets {
  const files = secretFiles(hosts, readSecretFile);
  const byHost = Map.groupBy(files.flatMap(usesOf), ({ host }) => host);
  return {
    problems: recipientProblems(files.filter(isComparable), siteFile, secretPlace(composed)),
    withSecrets: (one, { name }) => {
      const secrets = byHost.get(name)?.map(({ secret }) => secret);
      return secrets === undefined ? one : { ...one, secrets };
    },
  };

  function isComparable({ state, uses }: SecretFile): boolean {
    return state.kind !== "read" || !uses.some(({ host }) => unknown.has(host.name));
  }
}

function usesOf({ file, uses, state }: SecretFile): readonly { host: string; secret: HostSecret }[] {
  if (state.kind !== "read") return [];
  const { sha256, bytes } = state;
  return uses.map(({ host, app, name, spec: { owner = "0:0", mode = "0400" } }) => ({
    host: host.name,
    secret: { app, name, owner, mode, sha256, bytes, path: file },
  }));
}
