/** Errors that a person can act on: where, subject, found, expected, fix. All problems of a file at once. */
import { visible } from "./visible.ts";

/** The closed set of codes. A code is a contract: it never changes its meaning. */
export const errorCodes = [
  // site file
  "E_SITE_MISSING",
  "E_CONFIG_TOO_LARGE",
  "E_YAML",
  "E_KEY_UNKNOWN",
  "E_KEY_MISSING",
  "E_KEY_REFUSED",
  "E_KEY_VERSION",
  "E_CONFLICT",
  "E_NETWORK_OVERLAP",
  "E_SECRET",
  "E_TYPE",
  "E_VALUE",
  "E_UNIT",
  "E_DUPLICATE",
  "E_UID_RANGE",
  "E_GROUP_UNKNOWN",
  "E_SECRET_PLAIN",
  "E_DISK_NAME",
  "E_RENAMED",
  "E_OUTPUT",
  "E_CLASS_UNKNOWN",
  "E_CLASS_CYCLE",
  "E_TEAM_UNKNOWN",
  "E_ENGINE_NOT_IN_BUNDLE",
  "E_PLUGIN_NOT_IN_BUNDLE",
  "E_IMAGE_NOT_IN_BUNDLE",
  "E_REGISTRY_NOT_IN_BUNDLE",
  "E_IMAGE_LOAD",
  "E_APP_NOT_IN_BUNDLE",
  "E_APP_RIGHTS",
  "E_APP_PATH",
  "E_APP_DATA",
  "E_APP_PORT",
  "E_AGE_NOT_IN_BUNDLE",
  "E_BACKUP_NOT_IN_BUNDLE",
  "E_STORE_CERTIFICATE",
  "E_DATA_MOVED",
  "E_DATABASE_MAJOR",
  "E_BACKUP",
  "E_RESTORE",
  "E_SWARM_MEMBER",
  "E_SWARM_QUORUM",
  "E_SWARM_LOCKED",
  "E_SWARM_PATH",
  "E_SWARM_POOL",
  "E_SWARM_NODE",
  "E_SWARM_NETWORK",
  "E_SECRET_FILE",
  "E_SECRET_RECIPIENT",
  // the operator's own machine
  "E_NODE_VERSION",
  "E_PLUGIN_VERSION",
  "E_TOOLKIT_VERSION",
  "E_PULUMI_COPIES",
  "E_PACKAGES",
  "E_DEBIAN_SOURCES",
  "E_TOOL",
  "E_LAB_IMAGE",
  "E_LAB_GUEST",
  // bundle
  "E_LOCK_MISSING",
  "E_LOCK_STALE",
  "E_PACKAGE_LOCK",
  "E_APP_COMPOSE",
  "E_APP_FILES",
  "E_APP_REMOTE",
  "E_APP_BUILD",
  "E_APP_PULL",
  "E_APP_IMAGE",
  "E_APP_SECRET",
  "E_APP_MOUNT",
  "E_APP_SERVICE",
  "E_APP_HEALTHCHECK",
  "E_APP_LIMITS",
  "E_APP_ONE_SHOT",
  "E_APP_EXECUTABLE",
  "E_APP_STACK",
  "E_APP_STACK_ORDER",
  "E_BUNDLE_MISSING",
  "E_BUNDLE_UNSIGNED",
  "E_BUNDLE_SIGNATURE",
  "E_BUNDLE_DIGEST",
  "E_BUNDLE_INCOMPLETE",
  "E_BUNDLE_SERIAL",
  "E_BUNDLE_EXPIRED",
  "E_BUNDLE_PLATFORM",
  "E_BUNDLE_PART",
  "E_BUNDLE_BASE",
  "E_BUNDLE_REBUILD",
  "E_NOT_IN_LOCK",
  "E_ARCHIVE",
  "E_DOWNLOAD",
  "E_DOWNLOAD_SHA256",
  "E_PIN_MISMATCH",
  "E_PIN_SOURCES",
  "E_PIN_SIGNATURE",
  "E_PIN_ORIGIN",
  "E_IMAGE",
  "E_IMAGE_SIGNATURE",
  "E_TAG_MOVED",
  "E_REGISTRY",
  "E_SIGNING_KEY",
  // host
  "E_HOST_UNREACHABLE",
  "E_HOST_KEY",
  "E_LOGIN",
  "E_JUMP_HOST_UNREACHABLE",
  "E_JUMP_HOST_KEY",
  "E_JUMP_HOST_LOGIN",
  "E_JUMP_HOST_FORWARD",
  "E_LOGIN_ALGORITHM",
  "E_LOGIN_KEYS",
  "E_LOGIN_FACTOR",
  "E_LOGIN_ACCOUNT",
  "E_LOGIN_EXPIRED",
  "E_LOGIN_PASSWORD",
  "E_LOGIN_NOW",
  "E_LOGIN_SESSIONS",
  "E_LOGIN_SHELL",
  "E_LOGIN_OUTPUT",
  "E_LOGIN_HOME",
  "E_SFTP",
  "E_SUDO",
  "E_SUDO_MISSING",
  "E_SUDO_TTY",
  "E_SUDO_ORDER",
  "E_SUDO_COMMAND",
  "E_SUDO_FILE",
  "E_SUDO_EXEC",
  "E_SUDO_ROOT",
  "E_SUDO_SETUID",
  "E_SUDO_ACCOUNT",
  "E_MACHINE_ID",
  "E_PROBE",
  "E_AGENT",
  "E_OS",
  "E_ARCH",
  "E_HOST_TOOLS",
  "E_DISK_ABSENT",
  "E_DISK_IN_USE",
  "E_DISK_TOO_SMALL",
  "E_DISK_SERIAL",
  "E_DISK_PATHS",
  "E_VOLUME_GROUP",
  "E_VOLUME_SPACE",
  "E_VOLUME_KIND",
  "E_SHRINK",
  "E_FILESYSTEM",
  "E_MOUNT_POINT",
  "E_MOUNT_ABSENT",
  "E_MOUNT_BOOT",
  "E_MOUNT_SPACE",
  "E_UNMANAGED_ENGINE",
  "E_MEMORY",
  "E_HOSTNAME",
  "E_CLOCK",
  "E_KERNEL",
  "E_CGROUP",
  "E_IPTABLES",
  "E_DAEMON_NEEDS",
  "E_APPARMOR",
  "E_SELINUX",
  "E_SYSCTL",
  "E_PORT",
  "E_MTU",
  "E_ADDRESS_POOL",
  "E_RESOLVER",
  "E_FIREWALL",
  "E_NO_SPACE",
  "E_MOUNT_OPTIONS",
  "E_UID_TAKEN",
  "E_ACCOUNT_FILES",
  "E_GID_TAKEN",
  "E_HOME",
  "E_LOCKOUT",
  "E_UNMANAGED_MEMBERS",
  "E_SSHD",
  "E_IMAGE_STORE",
  "E_DATA_ROOT",
  "E_UPGRADE_PATH",
  // a host whose state makes a step impossible: reported by the guard beside the dangerous operation
  "E_LIMIT_IN_USE",
  "E_APP_FOLDER",
  "E_VOLUME_RECREATE",
  "E_APP_UPDATE",
  "E_REGISTRY_NAME",
  "E_REGISTRY_CA",
  "E_SECRET_DECRYPT",
  "E_UNMANAGED_UNIT",
  "E_NETWORK_FILTER",
  "E_REFUSED",
  "E_HOST_LOCKED",
  "E_LIBRARY_CHECKSUM",
  "E_PLAN_TRUNCATED",
  "E_RUN_LOST",
  "E_STEP_FAILED",
  "E_GATE",
  "E_FACT",
  "E_RECEIPT",
] as const;
export type ErrorCode = (typeof errorCodes)[number];

export interface Problem {
  /** `file:line:column`, or `host phase`. */
  readonly where: string;
  readonly code: ErrorCode;
  /** The subject of the problem, in the words of the site file: `hosts[0].address`. */
  readonly subject: string;
  readonly found: string;
  readonly expected: string;
  /** What to do next, in the imperative. */
  readonly fix: string;
}

/**
 * One line: `<where>: <CODE> <subject>: found: <value>; expected: <rule>; fix: <what to do>`. Quoted text is escaped, so that it
 * stays one line and cannot move the cursor.
 */
export function formatProblem({ where, code, subject, found, expected, fix }: Problem): string {
  return visible(`${where}: ${code} ${subject}: found: ${found}; expected: ${expected}; fix: ${fix}`);
}

/** Carries all problems, so that one run reports every one of them. */
export class SealiftError extends Error {
  override readonly name = "SealiftError";
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join("\n"));
    this.problems = problems;
  }
}

/** Throws when there are problems. @throws {SealiftError} with all of them. */
export function refuse(problems: readonly Problem[]): void {
  if (problems.length > 0) throw new SealiftError(problems);
}
