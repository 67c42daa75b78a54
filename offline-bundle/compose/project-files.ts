/** The files of a Compose project, and their tar: the same bytes on every machine. */
import { createHash } from "node:crypto";
import { lstat, mkdir, readdir, realpath, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import { pack } from "tar-stream";
import { type Problem, refuse, SealiftError } from "../../modules/core/errors.ts";
import { limits } from "../io/limits.ts";
import { printable } from "../io/printable.ts";
import { otherKind, readRegular } from "../io/regular-file.ts";
import { composePath } from "../spec/app-url.ts";
import type { Member } from "../upstream/members.ts";

/** Where a project lies on this machine. */
export interface ProjectPlace {
  /** Absolute path of its folder, without links. */
  readonly folder: string;
  /** Name of the Compose file in it. */
  readonly file: string;
  /** The folder as bundle.yaml leads to it, for messages. */
  readonly shown: string;
}

/** A file of a project. */
export interface ProjectFile {
  /** Relative to the folder of the Compose file. */
  readonly path: string;
  readonly content: Buffer;
  readonly executable: boolean;
}

/** @throws {SealiftError} E_APP_FILES: there is no such file, or a link leads out of the repository. */
export async function projectPlace(url: string, bundleFile: string): Promise<ProjectPlace> {
  const path = composePath(url) ?? "";
  const shown = join(dirname(bundleFile), path);
  const root = dirname(dirname(resolve(bundleFile)));
  try {
    const [real, base] = [await realpath(shown), await realpath(root)];
    if (!real.startsWith(base.endsWith(sep) ? base : `${base}${sep}`))
      throw new Error("a link that leads out of the repository");
    const [folder, file] = [dirname(real), real.slice(dirname(real).length + 1)];
    return { folder, file, shown: dirname(shown) };
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    throw new SealiftError([
      {
        where: bundleFile,
        code: "E_APP_FILES",
        subject: printable(path),
        found,
        expected: "a Compose file in the repository of bundle.yaml",
        fix: "correct apps[].compose in bundle.yaml, or add the folder of this version",
      },
    ]);
  }
}

/**
 * All regular files below the folder of a project, sorted by path. `.git` is none of them.
 *
 * @throws {SealiftError} E_APP_FILES for links and other kinds of files, names that a lock cannot have, and too many bytes.
 */
export async function projectFiles({ folder, shown }: ProjectPlace): Promise<readonly ProjectFile[]> {
  const problems: Problem[] = [];
  const files: ProjectFile[] = [];
  let bytes = 0;
  const problem = (path: string, found: string, expected: string, fix: string): void => {
    problems.push({ where: shown, code: "E_APP_FILES", subject: printable(path), found, expected, fix });
  };
  const visit = async (path: string): Promise<void> => {
    if (path === ".git" || problems.length >= maxReported) return;
    const absolute = join(folder, path);
    const found = await lstat(absolute);
    if (path !== "" && (path.length > maxPath || !memberPath.test(path))) {
      problem(
        path,
        "a name that a lock cannot have",
        `at most ${maxPath} printable characters, and no part that begins with a dash`,
        "rename it",
      );
      return;
    }
    if (!/^[A-Za-z0-9._/@+-]*$/.test(path)) {
      problem(
        path,
        "a name with other characters than letters, digits and ._/@+-",
        "names that the shell of a host does not split or expand",
        "rename it",
      );
      return;
    }
    if (found.isDirectory()) {
      for (const name of (await readdir(absolute)).sort())
        await visit(path === "" ? name : `${path}/${name}`);
      return;
    }
    const kind = otherKind(found);
    bytes += found.size;
    if (kind !== undefined) {
      problem(
        path,
        kind,
        "regular files and folders: each file is pinned by its bytes",
        "replace it by a file, or move it out of the folder of the Compose file",
      );
      return;
    }
    if (bytes > limits.project || files.length >= limits.projectFiles) {
      problem(
        path,
        `more than ${limits.project} bytes or ${limits.projectFiles} files`,
        "Compose files and configuration",
        "move data into an image or a volume, and sources out of the folder of the Compose file",
      );
      return;
    }
    const content = await readRegular(absolute, limits.project, "refuse");
    files.push({ path, content, executable: (found.mode & 0o111) !== 0 });
  };
  await visit("");
  refuse(problems);
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

const maxReported = 100;
const maxPath = 200;
/** As in the schema of the lock. */
const memberPath = /^(?!(.*\/)?(-|\.{1,2}(\/|$)))[^/\p{C}\p{Zl}\p{Zp}][^\p{C}\p{Zl}\p{Zp}]*$/u;

/** Writes the files into a folder. */
export async function copyProject(files: readonly ProjectFile[], folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const { path, content } of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content, { flag: "wx" });
  }
}

/** The path in the project of an absolute path; undefined when it is elsewhere. */
export function pathInProject(absolute: string, folder: string): string | undefined {
  const path = relative(folder, absolute);
  return path === ".." || path.startsWith(`..${sep}`) ? undefined : path;
}

/** What the lock records of each file. */
export function membersOfProject(files: readonly ProjectFile[]): readonly Member[] {
  return files.map(({ path, content }) => ({
    path,
    bytes: content.length,
    sha256: createHash("sha256").update(content).digest("hex"),
  }));
}

/** An uncompressed tar (POSIX pax): regular files in the given order, mode 0644, owner 0, time 0. */
export async function projectTar(files: readonly ProjectFile[]): Promise<Buffer> {
  const tar = pack();
  const owner = { mode: 0o644, uid: 0, gid: 0, uname: "", gname: "", mtime: new Date(0) };
  for (const { path, content } of files) tar.entry({ name: path, size: content.length, ...owner }, content);
  tar.finalize();
  const pieces: Buffer[] = [];
  for await (const piece of tar) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}
