/** Free space and mount options of the places that Sealift writes to. */
import type { Check } from "./check.ts";

export const diskSpaceChecks = {
  space: {
    group: "space",
    level: "fail",
    error: "E_NO_SPACE",
    examines:
      "free space and inodes: for the engine in /opt (four times its archive), for its archive in /var/lib and in the SSH user's home, 64 MiB in /tmp, 16 MiB in /etc; files already on the host need no space",
    fix: "free up space on that file system, or grow it",
  },
  mounts: {
    group: "space",
    level: "fail",
    error: "E_MOUNT_OPTIONS",
    examines: "mount options of /opt and /var/lib: neither noexec nor read-only",
    fix: "remove the option from /etc/fstab or the mount unit, then run mount -o remount",
  },
  tmp: {
    group: "space",
    level: "warn",
    error: "E_MOUNT_OPTIONS",
    examines: "mount options of /tmp: neither noexec nor read-only",
    fix: "remount it with exec; otherwise installers and plugins that run from /tmp fail",
  },
} as const satisfies Record<string, Check>;
