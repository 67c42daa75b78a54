/** The parts of an `oci:` URL and of an image name: registry, repository, and tag or digest. */
import { type Mirrors, mirroredUrls } from "./mirrors.ts";

/** `oci:<registry>/<repository>:<tag>` or `oci:<registry>/<repository>@sha256:…`. */
export function isOci(url: string): boolean {
  return url.startsWith("oci:");
}

/** The reference in the form that oras takes. */
export function referenceOf(url: string): string {
  return url.replace(/^oci:/, "");
}

/** Registry and repository, without tag and digest. */
export function repositoryOf(reference: string): string {
  return reference.replace(/@sha256:[0-9a-f]{64}$/, "").replace(/:[^:/]*$/, "");
}

/** The tag of a reference, whatever digest follows it; undefined when it has none. */
export function tagOf(reference: string): string | undefined {
  return /:([^:/]*)$/.exec(reference.replace(/@sha256:[0-9a-f]{64}$/, ""))?.[1];
}

/** Whether the reference is a tag, which may move to another digest. */
export function isTag(reference: string): boolean {
  return !reference.includes("@sha256:");
}

/** The same reference at all sources that bundle.yaml names, in the order to try. */
export function referencesOf(reference: string, mirrors: Mirrors): readonly string[] {
  return mirroredUrls(`oci:${reference}`, mirrors).map(referenceOf);
}

/**
 * Whether a text is a full name with a tag, `registry[:port]/repository:tag`, as images and host files have it inside a bundle:
 * it begins with a letter or digit, so that no program takes it for an option.
 */
export function isReference(text: string): boolean {
  return text.length <= longest && reference.test(text);
}

const longest = 400;
const reference =
  /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)+:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
