/** Which platforms an image has, in OCI's notation, and whether an engine of a platform runs it. Pure. */
import type { Problem } from "../../modules/core/errors.ts";
import type { LockedImage } from "../spec/lock-file.ts";
import { printable } from "../io/printable.ts";
import type { Platform, ImageSpec } from "../spec/bundle-spec.ts";

/** `linux/amd64`, `linux/arm/v7`: lower-case, as the lock has them (image-spec 1.1, image-index.md, "platform"). */
export function isPlatformName(text: string): boolean {
  return text.length <= 60 && /^[a-z0-9]+\/[a-z0-9]+(\/[a-z0-9.]+)?$/.test(text);
}

/**
 * Whether an engine on `platform` accepts one of these. Variant v1 of amd64 and v8 of arm64 equal no variant; a later variant is
 * not selected by default (containerd platforms, database.go and compare.go).
 */
function hasPlatform(platforms: readonly string[], platform: string): boolean {
  const plain = (one: string): string => one.replace(/^(linux\/amd64)\/v1$|^(linux\/arm64)\/v8$/, "$1$2");
  return platforms.some((one) => plain(one) === plain(platform));
}

/** @returns E_BUNDLE_PLATFORM for each image that lacks a required platform. @param all the platforms of the bundle. */
export function imagePlatformProblems(
  requested: readonly ImageSpec[],
  locked: readonly LockedImage[],
  all: readonly Platform[],
  file: string,
): readonly Problem[] {
  return requested.flatMap(({ name, platforms = all, where = file }): readonly Problem[] => {
    const pin = locked.find((one) => one.name === name);
    const absent = platforms.filter((one) => pin !== undefined && !hasPlatform(pin.platforms, one));
    if (pin === undefined || absent.length === 0) return [];
    const supported = platforms.filter((one) => !absent.includes(one));
    const fix =
      supported.length === 0
        ? "choose an image that supports the platform, or remove the image from bundle.yaml"
        : `choose an image that supports the platform, or add platforms: [${supported.join(", ")}] to its entry to include only those`;
    const [found, expected] = [pin.platforms.map(printable).join(", "), absent.join(", ")];
    return [{ where, code: "E_BUNDLE_PLATFORM", subject: name, found, expected, fix }];
  });
}

/**
 * Why a host of this platform cannot get an image from a lock; undefined when it can.
 *
 * @param code of an image that is not in the lock at all.
 * @param holder what contains the images, for messages: `the bundle`.
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
    fix,
  }: Pick<Problem, "where" | "subject" | "code" | "fix"> & { holder: string },
): readonly Problem[] {
  const pin = images.find(({ name }) => name === image);
  if (pin === undefined) {
    const expected = `${holder}: ${images.map(({ name }) => name).join(", ") || "no images"}`;
    return [{ where, code, subject, found: image, expected, fix }];
  }
  if (hasPlatform(pin.platforms, platform)) return [];
  const found = `${image} for ${pin.platforms.join(", ")}`;
  const other = "choose an image that supports this host's architecture, or remove it from the host";
  return [{ where, code: "E_BUNDLE_PLATFORM", subject, found, expected: platform, fix: other }];
}
