/** Names of images that hosts have to find in the bundle. */
import { isImageReference, readImageName } from "../image-name.ts";
import type { SiteFile } from "../merge.ts";
import type { Problem } from "../errors.ts";
import { shown } from "../shown.ts";
import { type Say, written } from "./say.ts";

export function imageProblems(file: SiteFile, say: Say): Problem[] {
  return written(file, "images").flatMap(([path, images]) =>
    images.flatMap((image, at): Problem[] => {
      const read = readImageName(image);
      if (!isImageReference(read)) return [say([...path, at], "E_VALUE", read.got, read.expected, read.todo)];
      if (read.digest === undefined) return [];
      const expected = "a full name with registry and tag: the digest is the lock's to say";
      return [say([...path, at], "E_VALUE", shown(image), expected, `write ${read.name}`)];
    }),
  );
}
