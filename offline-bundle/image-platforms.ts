/** Which platforms an image has, in OCI's words, and whether an engine of one would run it. Pure. */
import type { Problem } from "../modules/core/errors.ts";
import type { LockedImage } from "./lock-file.ts";
import { printable } from "./printable.ts";
import type { Platform, WantedImage } from "./want.ts";

/** `linux/amd64`, `linux/arm/v7`: lower-case, as the lock has them (image-spec 1.1, image-index.md, "platform"). */
export function isPlatformName(text: string): boolean {
  return text.length <= 60 && /^[a-z0-9]+\/[a-z0-9]+(\/[a-z0-9.]+)?$/.test(text);
}

/**
 * Whether an engine on `wanted` takes one of these. The plain variants v1 of amd64 and v8 of arm64 are the same as none, and a later one
 * is not run without being asked for (containerd platforms, database.go and compare.go).
 */
export function hasPlatform(platforms: readonly string[], wanted: string): boolean {
  const plain = (one: string): string => one.replace(/^(linux\/amd64)\/v1$|^(linux\/arm64)\/v8$/, "$1$2");
  return platforms.some((one) => plain(one) === plain(wanted));
}

/** @returns E_BUNDLE_PLATFORM for each image that lacks a platform for which it is wanted. @param all the platforms of the bundle. */
export function imagePlatformProblems(
  wanted: readonly WantedImage[],
  locked: readonly LockedImage[],
  all: readonly Platform[],
  file: string,
): readonly Problem[] {
  return wanted.flatMap(({ name, platforms = all, where = file }): readonly Problem[] => {
    const pin = locked.find((one) => one.name === name);
    const absent = platforms.filter((one) => pin !== undefined && !hasPlatform(pin.platforms, one));
    if (pin === undefined || absent.length === 0) return [];
    const had = platforms.filter((one) => !absent.includes(one));
    const todo =
      had.length === 0
        ? "name an image that is made for it, or take it out of bundle.yaml"
        : `name an image that is made for it, or write platforms: [${had.join(", ")}] beside its name to want it for those alone`;
    const [got, expected] = [pin.platforms.map(printable).join(", "), absent.join(", ")];
    return [{ where, code: "E_BUNDLE_PLATFORM", subject: name, got, expected, todo }];
  });
}

/**
 * Why a host of this platform cannot have an image out of a lock; undefined when it can.
 *
 * @param code of one that is not in the lock at all. @param holder what is said to hold the images: `the bundle`.
 */
export function hostImageProblem(
  image: string,
  platform: Platform,
  images: readonly LockedImage[],
  {
    where,
    subject,
    code,
    holder,
    todo,
  }: Pick<Problem, "where" | "subject" | "code" | "todo"> & { holder: string },
): readonly Problem[] {
  const pin = images.find(({ name }) => name === image);
  if (pin === undefined) {
    const expected = `${holder}: ${images.map(({ name }) => name).join(", ") || "it holds none"}`;
    return [{ where, code, subject, got: image, expected, todo }];
  }
  if (hasPlatform(pin.platforms, platform)) return [];
  const got = `${image} for ${pin.platforms.join(", ")}`;
  const other = "name an image that is made for this host's architecture, or take it away from the host";
  return [{ where, code: "E_BUNDLE_PLATFORM", subject, got, expected: platform, todo: other }];
}
