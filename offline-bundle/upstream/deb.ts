/** The identity of a Debian package (deb(5)): an ar archive whose second member is a tar with the control file. */
import { createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { Duplex } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { SealiftError } from "../../modules/core/errors.ts";
import { programFilter } from "../../modules/core/process.ts";
import { archiveProblem, readTar } from "./read-tar.ts";

/** The fields that identify the package, as in the control file. */
export interface DebControl {
  readonly Package: string;
  readonly Version: string;
  readonly Architecture: string;
}

/** @throws {SealiftError} E_ARCHIVE when it is not a package; E_TOOL when it needs `xz` and there is none. */
export async function readDeb(path: string): Promise<DebControl> {
  const { name, start, bytes } = await controlMember(path);
  const packed = createReadStream(path, { start, end: start + bytes - 1 });
  const unpack = await unpackerOf(name, path);
  const rules = { links: true, most: maxControlBytes, keep: (path: string) => path === "control" };
  const { kept } = await readTar(path, packed, unpack, rules);
  if (kept === undefined) throw archiveProblem(path, "no control file", "a Debian package");
  const lines = kept.toString().split("\n");
  const field = (name: string): string => {
    const start = `${name}:`.toLowerCase();
    const line = lines.find((one) => one.slice(0, start.length).toLowerCase() === start) ?? "";
    return line.slice(start.length).trim();
  };
  return {
    Package: field("Package"),
    Version: field("Version"),
    Architecture: field("Architecture"),
  };
}

/** A control file has a few kilobytes, and there are scripts beside it. */
const maxControlBytes = 64 * 1024 * 1024;
const magic = "!<arch>\n";
const headerBytes = 60;

interface ArMember {
  readonly name: string;
  readonly start: number;
  readonly bytes: number;
}

async function controlMember(path: string): Promise<ArMember> {
  const file = await open(path);
  try {
    if ((await text(file, 0, magic.length)) !== magic)
      throw archiveProblem(path, "the file is not an ar archive", "a Debian package");
    const { size } = await file.stat();
    const members: ArMember[] = [];
    for (let at = magic.length; at < size && members.length < 4;) {
      const member = await memberAt(file, at);
      if (member === undefined || member.start + member.bytes > size)
        throw archiveProblem(path, `the package is truncated at byte ${size}`, "a complete Debian package");
      members.push(member);
      at = member.start + member.bytes + (member.bytes % 2);
    }
    const [first, control, data] = members;
    if (
      first?.name !== "debian-binary" ||
      control?.name.startsWith("control.tar") !== true ||
      data?.name.startsWith("data.tar") !== true
    ) {
      const found = members.map(({ name }) => name).join(", ");
      throw archiveProblem(
        path,
        found === "" ? "nothing" : found,
        "debian-binary, control.tar.*, data.tar.*",
      );
    }
    return control;
  } finally {
    await file.close();
  }
}

async function memberAt(file: FileHandle, at: number): Promise<ArMember | undefined> {
  const header = await text(file, at, headerBytes);
  const [, bytes] = /^([0-9]+) *`\n$/.exec(header.slice(48)) ?? [];
  if (bytes === undefined) return undefined;
  const name = header.slice(0, 16).trim().replace(/\/$/, "");
  return { name, start: at + headerBytes, bytes: Number(bytes) };
}

async function text(file: FileHandle, at: number, length: number): Promise<string> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
  return buffer.toString("latin1", 0, bytesRead);
}

async function unpackerOf(name: string, path: string): Promise<Duplex | undefined> {
  switch (name) {
    case "control.tar":
      return undefined;
    case "control.tar.gz":
      return createGunzip();
    case "control.tar.zst":
      return createZstdDecompress();
    case "control.tar.xz":
      return xz();
    default:
      throw archiveProblem(path, name, "control.tar, compressed with gz, xz or zst");
  }
}

/** Node has no xz of its own. When it fails, its output is not a complete tar, and that is reported. */
async function xz(): Promise<Duplex> {
  try {
    return await programFilter("xz", ["--decompress", "--stdout", "--memlimit-decompress=256MiB"]);
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    const expected = "xz on the PATH: this package is compressed with it";
    const fix = "install the package xz-utils";
    throw new SealiftError([{ where: "this machine", code: "E_TOOL", subject: "xz", found, expected, fix }]);
  }
}
