/** Which version a line like `28.5` stands for: the newest that the lock has. */
import type { Lock } from "../offline-bundle/lock-file.ts";
import { type Lines, newestOf, type Pinned } from "./core/layers/exact-versions.ts";

/** What the words of `engine` are called in the lock. */
const names: Readonly<Record<Pinned, string>> = { version: "docker", compose: "compose", buildx: "buildx" };

export function linesIn({ files }: Lock): Lines {
  return (what, line) =>
    newestOf(
      line,
      files.filter(({ name }) => name === names[what]).map(({ version }) => version),
    );
}
