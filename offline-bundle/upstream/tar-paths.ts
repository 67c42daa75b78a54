/** Names and link targets of the members of one archive: none may lead outside. */
import type { Header } from "tar-stream";

type Kind = "file" | "folder" | "link";

export class TarPaths {
  readonly #links: boolean;
  readonly #repeats: boolean;
  readonly #known = new Map<string, Kind>();

  /** @param links whether links that stay inside are accepted. @param repeats whether a later file may replace an earlier one. */
  constructor(links: boolean, repeats: boolean) {
    this.#links = links;
    this.#repeats = repeats;
  }

  isFile(path: string): boolean {
    return this.#known.get(path) === "file";
  }

  /**
   * Checks and records the next member.
   *
   * @returns its path without `./` and trailing slashes.
   * @throws {Unsafe}
   */
  add(header: Header): string {
    const { name, size } = header;
    const kind = kindOf(header);
    const parts = name.split("/").filter((part) => part !== "" && part !== ".");
    const path = parts.join("/");
    const shown = JSON.stringify(name.slice(0, 80));
    if (name.startsWith("/") || parts.includes(".."))
      throw new Unsafe(`a member ${shown}`, "only paths inside the archive");
    if (name.length > maxPath || unprintable.test(name))
      throw new Unsafe(`a member ${shown}`, `names of at most ${maxPath} printable characters`);
    if (kind !== "file" && size > 0) throw new Unsafe(`content of ${shown}`, "content only in regular files");
    if (kind !== "folder" && nameless.test(name))
      throw new Unsafe(`a member ${shown}`, "files and links with a name");
    if (kind === "link") this.#checkLink(header, parts);
    this.#place(path, parts, kind, shown);
    if (this.#known.size > maxMembers) throw new Unsafe("too many members", `at most ${maxMembers}`);
    return path;
  }

  /** A path may appear once, unless files may repeat, and only below folders. */
  #place(path: string, parts: readonly string[], kind: Kind, shown: string): void {
    for (let length = 1; length < parts.length; length++) {
      const parent = parts.slice(0, length).join("/");
      if ((this.#known.get(parent) ?? "folder") !== "folder")
        throw new Unsafe(`a member ${shown} below a file or link`, "members below folders");
      this.#known.set(parent, "folder");
    }
    const before = this.#known.get(path);
    const same = before === kind && (kind === "folder" || (kind === "file" && this.#repeats));
    if (before !== undefined && !same) throw new Unsafe(`two members named ${shown}`, "each path once");
    this.#known.set(path, kind);
  }

  #checkLink({ name, type, linkname }: Header, parts: readonly string[]): void {
    const target = linkname;
    const shown = `a link ${JSON.stringify(name.slice(0, 80))} to ${JSON.stringify(target.slice(0, 80))}`;
    if (!this.#links) throw new Unsafe(shown, "only files and folders: each installed byte is pinned");
    if (target.length > maxPath || unprintable.test(target) || target === "" || target.startsWith("/"))
      throw new Unsafe(shown, "a target inside the archive");
    const steps = target.split("/").filter((part) => part !== "" && part !== ".");
    if (type === "link") {
      if (!this.isFile(steps.join("/")) || nameless.test(target))
        throw new Unsafe(shown, "a hard link to a file that came before it");
      return;
    }
    // Up first, then down: going up after going down could lead through another link, and out.
    const up = steps.findIndex((part) => part !== "..");
    const climbs = up === -1 ? steps.length : up;
    if (climbs > parts.length - 1 || steps.slice(climbs).includes(".."))
      throw new Unsafe(shown, "a target inside the archive");
  }
}

/** An unsafe property of a member or of the archive; `message` describes it. */
export class Unsafe extends Error {
  readonly expected: string;
  constructor(found: string, expected: string) {
    super(found);
    this.expected = expected;
  }
}

/** Linux's limit (PATH_MAX is 4096, including the folder into which it is unpacked). */
const maxPath = 1024;
const maxMembers = 100_000;
/** Ends like a folder: tar(1) creates no file of this name. */
const nameless = /(^|\/)\.?$/;
const unprintable = /[\p{Cc}\u2028\u2029\uFFFD]/u;

function kindOf({ name, type }: Header): Kind {
  if (type === "file" || type === "contiguous-file") return "file";
  if (type === "directory") return "folder";
  if (type === "symlink" || type === "link") return "link";
  const found = `an unsupported type: ${type} ${JSON.stringify(name.slice(0, 80))}`;
  throw new Unsafe(found, "files, folders and links");
}
