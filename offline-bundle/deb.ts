/** What a Debian package says of itself (deb(5)): an ar archive whose second member is a tar with the control file. */
import { type ChildProcess, spawn } from "node:child_process";
import { createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { Duplex } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { type Problem, SealiftError } from "../modules/core/errors.ts";
import { archiveProblem } from "./archive-problem.ts";
import { readTar } from "./read-tar.ts";
import { label, type WantedFile } from "./want.ts";

/** The fields that say which package it is, as they stand in the control file. */
export interface DebControl {
  readonly Package: string;
  readonly Version: string;
  readonly Architecture: string;
}

/** @throws {SealiftError} E_ARCHIVE when it is no package; E_TOOL when it needs `xz` and there is none. */
export async function readDeb(path: string): Promise<DebControl> {
  const { name, start, bytes } = await controlMember(path);
  const packed = createReadStream(path, { start, end: start + bytes - 1 });
  const unpack = await unpackerOf(name, path);
  const rules = { links: true, most: mostControlBytes, keep: "control" };
  const { kept } = await readTar(path, packed, unpack, rules);
  if (kept === undefined) throw archiveProblem(path, "no control file", "a Debian package");
  const lines = kept.toString().split("\n");
  const field = (wanted: string): string => {
    const start = `${wanted}:`.toLowerCase();
    const line = lines.find((one) => one.slice(0, start.length).toLowerCase() === start) ?? "";
    return line.slice(start.length).trim();
  };
  return {
    Package: field("Package"),
    Version: field("Version"),
    Architecture: field("Architecture"),
  };
}

/** Where a package is another one than bundle.yaml says: E_PIN, one a field. */
export async function debProblems(file: WantedFile, path: string): Promise<readonly Problem[]> {
  const control = await readDeb(path);
  const wanted: DebControl = {
    Package: file.package ?? file.name,
    Version: file.version,
    Architecture: file.platform === "any" ? "all" : file.platform.replace("linux/", ""),
  };
  return (["Package", "Version", "Architecture"] as const)
    .filter((field) => control[field] !== wanted[field])
    .map((field) => ({
      where: file.url,
      code: "E_PIN",
      subject: `${label(file)} ${field}`,
      got: control[field],
      expected: `${wanted[field]}, as bundle.yaml says`,
      todo: "correct the entry of bundle.yaml: it names another package than its url",
    }));
}

/** A control file has a few kilobytes, and scripts stand beside it. */
const mostControlBytes = 64 * 1024 * 1024;
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
      throw archiveProblem(path, "no ar archive", "a Debian package");
    const { size } = await file.stat();
    const members: ArMember[] = [];
    for (let at = magic.length; at < size && members.length < 4;) {
      const member = await memberAt(file, at);
      if (member === undefined || member.start + member.bytes > size)
        throw archiveProblem(path, `a package that ends at byte ${size}`, "a whole Debian package");
      members.push(member);
      at = member.start + member.bytes + (member.bytes % 2);
    }
    const [first, control, data] = members;
    if (
      first?.name !== "debian-binary" ||
      control?.name.startsWith("control.tar") !== true ||
      data?.name.startsWith("data.tar") !== true
    ) {
      const got = members.map(({ name }) => name).join(", ");
      throw archiveProblem(path, got === "" ? "nothing" : got, "debian-binary, control.tar.*, data.tar.*");
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
      throw archiveProblem(path, name, "control.tar, packed with gz, xz or zst");
  }
}

/** Node has no xz of its own. */
async function xz(): Promise<Duplex> {
  const child = spawn("xz", ["--decompress", "--stdout", "--memlimit-decompress=256MiB"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  await started(child);
  // It may refuse before it has read all; then what comes out is no tar, and that is told.
  child.stdin.on("error", () => undefined);
  return Duplex.from({ writable: child.stdin, readable: child.stdout });
}

function started(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (error) => {
      const expected = "the program xz on the PATH: this package is packed with it";
      const todo = "install the package xz-utils";
      const subject = "xz";
      reject(
        new SealiftError([
          { where: "this machine", code: "E_TOOL", subject, got: error.message, expected, todo },
        ]),
      );
    });
  });
}
