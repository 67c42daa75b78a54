/** What an `oci:` url and the name of an image say: registry and repository, and which manifest of it. */
import type { Mirrors } from "./mirrors.ts";
import { placesOf } from "./mirrors.ts";

/** `oci:<registry>/<repository>:<tag>` or `oci:<registry>/<repository>@sha256:…`. */
export function isOci(url: string): boolean {
  return url.startsWith("oci:");
}

/** The name that oras takes. */
export function referenceOf(url: string): string {
  return url.replace(/^oci:/, "");
}

/** Registry and repository, without tag and digest. */
export function repositoryOf(reference: string): string {
  return reference.replace(/@sha256:[0-9a-f]{64}$/, "").replace(/:[^:/]*$/, "");
}

/** Whether the reference is a tag, which may come to stand for something else. */
export function isTag(reference: string): boolean {
  return !reference.includes("@sha256:");
}

/** The same reference in all places that bundle.yaml names, in the order to try. */
export function referencesOf(reference: string, mirrors: Mirrors): readonly string[] {
  return placesOf(`oci:${reference}`, mirrors).map(referenceOf);
}
