/** Selects the manifest of an image in a local OCI layout: layouts of docker save, buildx, skopeo, podman and oras. */
import { lstat, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Problem, SealiftError } from "../../modules/core/errors.ts";
import { fullImageName } from "../../modules/core/image-name.ts";
import { inside } from "../io/inside.ts";
import { localLayout, locateUrl } from "../spec/local-source.ts";
import { type Descriptor, NoManifest, readIndex, refName } from "../oci/manifests.ts";
import { tagOf } from "../spec/oci-reference.ts";
import { printable } from "../io/printable.ts";
import { UnusableFile } from "../io/regular-file.ts";
import type { ImageSpec } from "../spec/bundle-spec.ts";

/**
 * The real path of the layout.
 *
 * @throws {SealiftError} E_VALUE when it leads out of the folder of bundle.yaml, or is a file or another folder; E_DOWNLOAD when
 * it does not exist.
 */
export async function imageLayout(
  image: Pick<ImageSpec, "name" | "from" | "where">,
  bundleFile: string,
): Promise<string | undefined> {
  const { from } = image;
  if (from === undefined) return undefined;
  const failure = (code: Problem["code"], found: string, fix: string): SealiftError =>
    problemOf(image, code, `${printable(from)}: ${found}`, expected, fix);
  try {
    const layout = await localLayout(from, bundleFile);
    if ((await stat(layout)).isFile())
      throw failure(
        "E_VALUE",
        "a file",
        "unpack it into a separate folder (tar -x -f <file> -C <folder>) and set from: to that folder",
      );
    for (const name of [inside.marker, inside.index])
      if ((await lstat(join(layout, name)).catch(() => undefined)) === undefined)
        throw failure(
          "E_VALUE",
          `the folder has no ${name}`,
          "create it with docker save (Docker 25 or later, then unpack it), docker buildx build --output type=oci,tar=false, or skopeo copy <image> oci:<folder>",
        );
    return layout;
  } catch (error) {
    if (error instanceof SealiftError) throw error;
    const found =
      error instanceof Error && "code" in error && error.code === "ENOENT" ? "no such folder" : String(error);
    throw failure(
      "E_DOWNLOAD",
      found,
      `put the layout there (${locateUrl(from, bundleFile).pathname}), or correct from: in bundle.yaml`,
    );
  }
}

const expected = "the folder of an OCI image layout";

/**
 * The digest of the image in its layout: by its full name, by its tag where the layout stores only tags, or as the only image.
 *
 * @throws {SealiftError} E_DOWNLOAD when the layout has other names, or several images of this name.
 */
export async function digestInLayout(image: ImageSpec, layout: string): Promise<string> {
  if (image.digest !== undefined) return image.digest;
  const all = await manifestsOf(image, layout);
  const tag = tagOf(image.name);
  const matching = all.filter(
    ({ full, short }) => full === image.name || (full === undefined && short === tag),
  );
  const [only] = all;
  const nameless = all.length === 1 && only?.full === undefined && only?.short === undefined;
  const digests = [...new Set((nameless ? all : matching).map(({ digest }) => digest))];
  const [digest] = digests;
  if (digest !== undefined && digests.length === 1) return digest;
  const names = all.map(({ full, short }) => printable(full ?? short ?? "an image without a name"));
  const shown = [...new Set(names)].slice(0, maxShown).join(", ");
  const found =
    digests.length > 1
      ? `${digests.length} images of this name`
      : `a layout with ${shown === "" ? "no image" : shown}`;
  throw problemOf(
    image,
    "E_DOWNLOAD",
    found,
    `${image.name} in ${printable(layout)}`,
    "correct name: or from: in bundle.yaml, or select the manifest: <name>:<tag>@sha256:…",
  );
}

const maxShown = 20;

interface LayoutEntry {
  readonly digest: string;
  /** As Docker expands it. */
  readonly full: string | undefined;
  /** A short name: a tag alone. */
  readonly short: string | undefined;
}

async function manifestsOf(image: ImageSpec, layout: string): Promise<readonly LayoutEntry[]> {
  try {
    return ((await readIndex(layout)).manifests ?? []).map(entryOf);
  } catch (error) {
    if (!(error instanceof NoManifest || error instanceof UnusableFile)) throw error;
    throw problemOf(
      image,
      "E_VALUE",
      `${inside.index} of ${printable(layout)}: ${error.message}`,
      "an OCI image index",
      "create the layout again",
    );
  }
}

/** containerd and docker save write the full name beside the tag (containerd, images/archive/exporter.go). */
function entryOf({ digest, annotations = {} }: Descriptor): LayoutEntry {
  const own = annotations["io.containerd.image.name"];
  const ref = annotations[refName];
  const name = own ?? (ref !== undefined && /[/:]/.test(ref) ? ref : undefined);
  return {
    digest,
    full: name === undefined ? undefined : fullImageName(name),
    short: name === undefined ? ref : undefined,
  };
}

function problemOf(
  { name, where }: Pick<ImageSpec, "name" | "where">,
  code: Problem["code"],
  found: string,
  expected: string,
  fix: string,
): SealiftError {
  return new SealiftError([{ where: where ?? name, code, subject: name, found, expected, fix }]);
}
