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
  disk: {
    group: "disk",
    level: "fail",
    error: "E_DISK_ABSENT",
    looksAt: "the disk, by its id",
    todo: "correct the name of the disk, or attach it",
  },
  "disk-free": {
    group: "disk",
    level: "fail",
    error: "E_DISK_IN_USE",
    looksAt:
      "the disk is blank (no partition, no signature, no byte in the samples) or carries this volume group",
    todo: "take another disk; if its content is really not needed, empty it yourself with wipefs and blkdiscard",
  },
  "disk-size": {
    group: "disk",
    level: "fail",
    error: "E_DISK_TOO_SMALL",
    looksAt: "the size of the disk against all volumes together",
    todo: "make the volumes smaller or take a larger disk",
  },
  uid: {
    group: "users",
    level: "fail",
    error: "E_UID_TAKEN",
    looksAt: "uid and gid are free or the user's own",
    todo: "take a uid that is free on every host",
  },
} as const satisfies Record<string, Check>;
