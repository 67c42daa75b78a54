/** Calls of the library's shell about a mount, where the kernel and systemd say what a test wants them to say. */
import { execFileSync } from "node:child_process";
import { library } from "./example-host.ts";

/** A mount of others as the kernel and systemd tell of it. What is not given is as on a host where all is well. */
export interface Mounted {
  /** Absent: nothing is mounted. */
  readonly type?: string;
  /** Options of the mount, and of the file system. */
  readonly options?: string;
  readonly super?: string;
  /** What `systemctl show` says of the mount unit. */
  readonly shown?: Readonly<Record<string, string>>;
  /** What `systemctl is-enabled` says of it. */
  readonly enabled?: string;
  /** What `systemctl show` says of whatever triggers it. */
  readonly trigger?: Readonly<Record<string, string>>;
  /** The unit's What=. */
  readonly what?: string;
  /** When the mounted directory was made, in seconds since 1970; 0 is what stat(1) says where it is not known. */
  readonly birth?: number;
  readonly xfsInfo?: string;
}

const fstab = {
  LoadState: "loaded",
  FragmentPath: "/run/systemd/generator/proc.mount",
  SourcePath: "/etc/fstab",
  NeedDaemonReload: "no",
  WantedBy: "",
  RequiredBy: "local-fs.target docker.service",
  TriggeredBy: "",
};

/** Calls a function of the library where mounts, systemd and xfs_info are what the test says. */
export function callWhere(
  words: string,
  mounted: Mounted,
): { readonly status: number; readonly said: string } {
  const { options = "rw,relatime", super: fileSystem = "rw" } = mounted;
  const {
    type,
    shown = {},
    trigger = {},
    what = "/proc",
    enabled = "generated",
    birth = 0,
    xfsInfo = "",
  } = mounted;
  const lines = (record: Readonly<Record<string, string>>): string =>
    Object.entries(record)
      .map(([key, value]) => `${key}=${value}`)
      .join("\n");
  const stubs = [
    `mount_look() { if [ "$1" = /var/log/journal ]; then return 1; fi; ${type === undefined ? "return 1" : `seen_root=/ seen_type=${type} seen_device=0:0 seen_source=/dev/sdx1 seen_options=,${options}, seen_super=,${fileSystem},`}; }`,
    'timeout() { shift; "$@"; }',
    `stat() { if [ "$1" = --format ]; then echo ${birth}; else command stat "$@"; fi; }`,
    `xfs_info() { echo '${xfsInfo}'; }`,
    "systemctl() { case $* in",
    `cat*) printf '%s\\n' '[Mount]' 'What=${what}' 'Where=/proc' ;;`,
    `is-enabled*) echo ${enabled} ;;`,
    `*.automount) printf '%s\\n' '${Object.values(trigger).join("\n")}' ;;`,
    `*) printf '%s\\n' '${lines({ ...fstab, ...shown })}' ;;`,
    "esac; }",
  ].join("\n");
  const script = `${library.text}\n${stubs}\nattempt ${words}\nprintf '%s' "$attempt_output"\nexit "$attempt_status"\n`;
  try {
    return { status: 0, said: execFileSync("sh", { input: script, encoding: "utf8" }) };
  } catch (error) {
    const { status, stdout } = error as { status: number; stdout: string };
    return { status, said: stdout };
  }
}
