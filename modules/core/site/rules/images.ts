/** Rules for the names of images that the bundle must have for a host. */
import { isImageReference, readImageName } from "../../image-name.ts";
import type { SiteFile } from "../merge.ts";
import type { Problem } from "../../errors.ts";
import { shown } from "../../shown.ts";
import { type ProblemBuilder, written } from "./problem-builder.ts";

export function imageProblems(file: SiteFile, problemAt: ProblemBuilder): Problem[] {
  return written(file, "images").flatMap(([path, images]) =>
    images.flatMap((image, at): Problem[] => {
      const read = readImageName(image);
      if (!isImageReference(read))
        return [problemAt([...path, at], "E_VALUE", read.found, read.expected, read.fix)];
      if (read.digest === undefined) return [];
      const expected = "a full name with registry and tag, without a digest: the lock pins the digest";
      return [problemAt([...path, at], "E_VALUE", shown(image), expected, `write ${read.name}`)];
    }),
  );
}
