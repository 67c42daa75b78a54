/** Where things will be put, and under which numbers. */
import type { Check } from "./check.ts";

export const roomChecks = {
  space: {
    group: "room",
    level: "fail",
    error: "E_SPACE",
    looksAt:
      "free space and inodes for the engine (four times its archive) in /opt, its archive in /var/lib and in the login's home, 64 MiB in /tmp, 16 MiB in /etc; what is there already counts nothing",
    todo: "make room on that file system, or grow it",
  },
  mounts: {
    group: "room",
    level: "fail",
    error: "E_MOUNT_OPTIONS",
    looksAt: "mount options of /opt and /var/lib: no noexec, not read-only",
    todo: "take the option out of /etc/fstab or the mount unit, and mount -o remount it",
  },
  tmp: {
    group: "room",
    level: "warn",
    error: "E_MOUNT_OPTIONS",
    looksAt: "mount options of /tmp: no noexec, not read-only",
    todo: "remount it with exec, or know that installers and plugins that run from /tmp will fail",
  },
} as const satisfies Record<string, Check>;
