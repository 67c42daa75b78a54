import { join } from "node:path";
import { executable } from "../../../modules/core/executable.ts";

/** Absolute path of a program in PATH or in the sbin folders, which a user's PATH often leaves out. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(":"), "/usr/local/sbin", "/usr/sbin", "/sbin"];
  return folders
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find(executable);
}
