import { CommanderError } from "commander";
import { type ErrorCode, SealiftError } from "../modules/core/errors.ts";

/** Exit codes of `sealift`, after sysexits.h where it has a word for it; a script can tell the kinds of failure apart. */
export const exitCodes: readonly (readonly [number, string])[] = [
  [0, "done, or all is well"],
  [1, "unexpected: please report it"],
  [2, "the command line is wrong, or Node is too old"],
  [65, "bad content: a file, pin, lock or bundle is not what it must be"],
  [66, "missing input: no bundle, no lock, no site"],
  [69, "unreachable: a download, a program or a host could not be had"],
  [73, "no room: a disk has too little free space"],
  [77, "not allowed: unsigned, or the signature, key, serial or login is refused"],
  [78, "a host is not fit: a check of doctor fails on it"],
];

/** The exit code for an error; of several problems the gravest kind counts: signature, content, input, room, network. */
export function exitCode(error: unknown): number {
  // Asking for --help or --version ends in an error of commander's too, with exit code 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (!(error instanceof SealiftError)) return 1;
  const codes = error.problems.map(({ code }) => kindOf(code));
  return [77, 65, 66, 73, 69].find((code) => codes.includes(code)) ?? 1;
}

function kindOf(code: ErrorCode): number {
  switch (code) {
    case "E_BUNDLE_UNSIGNED":
    case "E_BUNDLE_SIGNATURE":
    case "E_IMAGE_SIGNATURE":
    case "E_PIN_SIGNATURE":
    case "E_PIN_ORIGIN":
    case "E_BUNDLE_SERIAL":
    case "E_BUNDLE_EXPIRED":
    case "E_SIGNING_KEY":
    case "E_RECEIPT":
    case "E_LOGIN":
      return 77;
    case "E_BUNDLE_MISSING":
    case "E_BUNDLE_BASE":
    case "E_LOCK_MISSING":
    case "E_SITE_MISSING":
      return 66;
    case "E_SPACE":
      return 73;
    case "E_DOWNLOAD":
    case "E_REGISTRY":
    case "E_TOOL":
    case "E_HOST_UNREACHABLE":
      return 69;
    default:
      return 65;
  }
}
