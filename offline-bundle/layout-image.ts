/** Which manifest of an OCI layout on this machine an image of bundle.yaml is: layouts of docker save, buildx, skopeo, podman and oras. */
import { lstat, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Problem, SealiftError } from "../modules/core/errors.ts";
import { fullImageName } from "../modules/core/image-name.ts";
import { inside } from "./inside.ts";
import { localLayout, locateUrl } from "./local-source.ts";
import { type Descriptor, NoManifest, readIndex, refName } from "./manifests.ts";
import { tagOf } from "./oci-reference.ts";
import { printable } from "./printable.ts";
import { UnusableFile } from "./regular-file.ts";
import type { WantedImage } from "./want.ts";

/**
 * The real path of the layout.
 *
 * @throws {SealiftError} E_VALUE when it leads out of the folder of bundle.yaml, or is a file or another folder; E_DOWNLOAD when it is
 * not there.
 */
export async function imageLayout(
  image: Pick<WantedImage, "name" | "from" | "where">,
  bundleFile: string,
): Promise<string | undefined> {
  const { from } = image;
  if (from === undefined) return undefined;
  const say = (code: Problem["code"], got: string, todo: string): SealiftError =>
    problemOf(image, code, `${printable(from)}: ${got}`, expected, todo);
  try {
    const layout = await localLayout(from, bundleFile);
    if ((await stat(layout)).isFile())
      throw say(
        "E_VALUE",
        "a file",
        "unpack it into a folder of its own (tar -x -f <file> -C <folder>), and name that",
      );
    for (const name of [inside.marker, inside.index])
      if ((await lstat(join(layout, name)).catch(() => undefined)) === undefined)
        throw say(
          "E_VALUE",
          `a folder without ${name}`,
          "write it with docker save of Docker 25 or later, unpacked; docker buildx build --output type=oci,tar=false; or skopeo copy <image> oci:<folder>",
        );
    return layout;
  } catch (error) {
    if (error instanceof SealiftError) throw error;
    const got =
      error instanceof Error && "code" in error && error.code === "ENOENT" ? "no such folder" : String(error);
    throw say(
      "E_DOWNLOAD",
      got,
      `put the layout there (${locateUrl(from, bundleFile).pathname}), or correct from: in bundle.yaml`,
    );
  }
}

const expected = "the folder of an OCI image layout";

/**
 * The digest of the image in its layout: by its full name, by its tag where the layout has no more of a name, or as the only one.
 *
 * @throws {SealiftError} E_DOWNLOAD when the layout has other names, or several of them.
 */
export async function digestInLayout(image: WantedImage, layout: string): Promise<string> {
  if (image.digest !== undefined) return image.digest;
  const all = await manifestsOf(image, layout);
  const tag = tagOf(image.name);
  const found = all.filter(({ full, short }) => full === image.name || (full === undefined && short === tag));
  const [only] = all;
  const nameless = all.length === 1 && only?.full === undefined && only?.short === undefined;
  const digests = [...new Set((nameless ? all : found).map(({ digest }) => digest))];
  const [digest] = digests;
  if (digest !== undefined && digests.length === 1) return digest;
  const names = all.map(({ full, short }) => printable(full ?? short ?? "one without a name"));
  const shown = [...new Set(names)].slice(0, mostShown).join(", ");
  const got =
    digests.length > 1
      ? `${digests.length} images of this name`
      : `a layout that names ${shown === "" ? "nothing" : shown}`;
  throw problemOf(
    image,
    "E_DOWNLOAD",
    got,
    `${image.name} in ${printable(layout)}`,
    "correct the name or from: in bundle.yaml, or name its manifest: <name>:<tag>@sha256:…",
  );
}

const mostShown = 20;

interface LayoutEntry {
  readonly digest: string;
  /** As Docker spells it out. */
  readonly full: string | undefined;
  /** What is no full name: a tag alone. */
  readonly short: string | undefined;
}

async function manifestsOf(image: WantedImage, layout: string): Promise<readonly LayoutEntry[]> {
  try {
    return ((await readIndex(layout)).manifests ?? []).map(entryOf);
  } catch (error) {
    if (!(error instanceof NoManifest || error instanceof UnusableFile)) throw error;
    throw problemOf(
      image,
      "E_VALUE",
      `${inside.index} of ${printable(layout)}: ${error.message}`,
      "an OCI image index",
      "write the layout again",
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
  { name, where }: Pick<WantedImage, "name" | "where">,
  code: Problem["code"],
  got: string,
  wanted: string,
  todo: string,
): SealiftError {
  return new SealiftError([{ where: where ?? name, code, subject: name, got, expected: wanted, todo }]);
}
