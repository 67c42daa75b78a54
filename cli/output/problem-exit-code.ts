/** The exit code of problems. It is apart from the command line, so that it needs no npm package. */
import type { ErrorCode, Problem } from "../../modules/core/errors.ts";

/** With several problems the most severe kind decides: signature, content, input, disk space, network. */
export function problemExitCode(problems: readonly Pick<Problem, "code">[]): number {
  const codes = problems.map(({ code }) => kindOf(code));
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
    case "E_NO_SPACE":
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
