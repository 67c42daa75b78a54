/** What the members of one archive are called, and what they point to: nothing may land, or point, outside. */
import type { Header } from "tar-stream";

type Kind = "file" | "folder" | "link";

export class TarPaths {
  readonly #links: boolean;
  readonly #known = new Map<string, Kind>();

  /** @param links whether links that stay inside are accepted. */
  constructor(links: boolean) {
    this.#links = links;
  }

  isFile(path: string): boolean {
    return this.#known.get(path) === "file";
  }

  /**
   * Takes the next member in.
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
      throw new Unsafe(`a member ${shown}`, "paths inside the archive only");
    if (name.length > mostPath || unprintable.test(name))
      throw new Unsafe(`a member ${shown}`, `names of at most ${mostPath} printable characters`);
    if (kind !== "file" && size > 0) throw new Unsafe(`content of ${shown}`, "content of files only");
    if (kind !== "folder" && nameless.test(name))
      throw new Unsafe(`a member ${shown}`, "files and links with a name");
    if (kind === "link") this.#checkLink(header, parts);
    this.#place(path, parts, kind, shown);
    if (this.#known.size > mostMembers) throw new Unsafe("more members", `at most ${mostMembers}`);
    return path;
  }

  /** A path may come once, and only below folders. */
  #place(path: string, parts: readonly string[], kind: Kind, shown: string): void {
    for (let length = 1; length < parts.length; length++) {
      const parent = parts.slice(0, length).join("/");
      if ((this.#known.get(parent) ?? "folder") !== "folder")
        throw new Unsafe(`a member ${shown} below a file or link`, "members below folders");
      this.#known.set(parent, "folder");
    }
    const before = this.#known.get(path);
    if (before !== undefined && (before !== "folder" || kind !== "folder"))
      throw new Unsafe(`two members ${shown}`, "each path once");
    this.#known.set(path, kind);
  }

  #checkLink({ name, type, linkname }: Header, parts: readonly string[]): void {
    const target = linkname;
    const shown = `a link ${JSON.stringify(name.slice(0, 80))} to ${JSON.stringify(target.slice(0, 80))}`;
    if (!this.#links) throw new Unsafe(shown, "files and folders only: each installed byte is pinned");
    if (target.length > mostPath || unprintable.test(target) || target === "" || target.startsWith("/"))
      throw new Unsafe(shown, "a target inside the archive");
    const steps = target.split("/").filter((part) => part !== "" && part !== ".");
    if (type === "link") {
      if (!this.isFile(steps.join("/")) || nameless.test(target))
        throw new Unsafe(shown, "a hard link to a file that came before it");
      return;
    }
    // Up first, then down: a way up after a way down may lead through another link, and out.
    const up = steps.findIndex((part) => part !== "..");
    const climbs = up === -1 ? steps.length : up;
    if (climbs > parts.length - 1 || steps.slice(climbs).includes(".."))
      throw new Unsafe(shown, "a target inside the archive");
  }
}

/** What a member or the whole must not be; `message` says what it is. */
export class Unsafe extends Error {
  readonly expected: string;
  constructor(got: string, expected: string) {
    super(got);
    this.expected = expected;
  }
}

/** As long as Linux takes (PATH_MAX is 4096 with what it is unpacked below). */
const mostPath = 1024;
const mostMembers = 100_000;
/** Ends where a folder does: tar(1) makes no file of that. */
const nameless = /(^|\/)\.?$/;
const unprintable = /[\p{Cc}\u2028\u2029\uFFFD]/u;

function kindOf({ name, type }: Header): Kind {
  if (type === "file" || type === "contiguous-file") return "file";
  if (type === "directory") return "folder";
  if (type === "symlink" || type === "link") return "link";
  const got = `something else: ${type} ${JSON.stringify(name.slice(0, 80))}`;
  throw new Unsafe(got, "files, folders and links");
}
