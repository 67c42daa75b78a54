# Existing mounts: storage prepared by others, which is checked and never changed. Each apply only runs its guard, which refuses.
# shellcheck disable=SC2154 # core/mounts.sh sets seen_…

# Fact: a file system is mounted at exactly this path.
# $1 mount point
check_existing_mount() {
  if ! mount_reached "$1"; then
    echo "nothing mounted at $1"
    return 1
  fi
}
guard_existing_mount() {
  if mount_reached "$1"; then return 0; fi
  refuse E_MOUNT_ABSENT "nothing is mounted at $1" "mount it, or correct existing in the site file"
}
apply_existing_mount() { guard_existing_mount "$@"; }

# Fact: the file system mounted there has this type; if it is xfs, overlay2 can use it.
# $1 mount point; $2 xfs, ext4, or any: one that keeps its files over a reboot
check_existing_file_system() {
  if ! mount_reached "$1"; then
    echo "nothing mounted at $1"
    return 1
  fi
  existing_says "$(mount_file_system_finding "$@")"
}
guard_existing_file_system() {
  # Without a mount, the step before this one refuses.
  if ! mount_reached "$1"; then return 0; fi
  existing_refuses E_FILESYSTEM "$(mount_file_system_finding "$@")" "mount another file system there, or correct existing in the site file"
}
apply_existing_file_system() { guard_existing_file_system "$@"; }

# Fact: the mount options allow what the site stores there.
# $1 mount point; $2 separated by commas: rw; exec if programs run from there; prjquota if the engine limits containers there (dockerd's
# overlay2.size; xfs shows the option if it enforces quotas)
check_existing_options() {
  if ! mount_reached "$1"; then
    echo "nothing mounted at $1"
    return 1
  fi
  existing_says "$(existing_options_finding "$@")" || return 1
  mount_open "$1"
}
guard_existing_options() {
  if ! mount_reached "$1"; then return 0; fi
  existing_refuses E_MOUNT_OPTIONS "$(existing_options_finding "$@")" "mount it with other options, now and in /etc/fstab or its unit"
}
apply_existing_options() { guard_existing_options "$@"; }

# Fact: at every boot systemd mounts there what is mounted there now.
# $1 mount point
check_existing_boot() {
  if ! mount_reached "$1"; then
    echo "nothing mounted at $1"
    return 1
  fi
  existing_says "$(mount_boot_finding "$1")"
}
guard_existing_boot() {
  if ! mount_reached "$1"; then return 0; fi
  existing_refuses E_MOUNT_BOOT "$(mount_boot_finding "$1")" "add the mount to /etc/fstab or enable a mount unit for it, then run systemctl daemon-reload"
}
apply_existing_boot() { guard_existing_boot "$@"; }

# Fact: this much space is available there.
# $1 mount point; $2 MiB (2^20 bytes), as available in df(1)
check_existing_space() {
  if ! mount_reached "$1"; then
    echo "nothing mounted at $1"
    return 1
  fi
  existing_says "$(existing_space_finding "$@")"
}
guard_existing_space() {
  if ! mount_reached "$1"; then return 0; fi
  existing_refuses E_MOUNT_SPACE "$(existing_space_finding "$@")" "free space there, grow the file system, or lower minFree in the site file"
}
apply_existing_space() { guard_existing_space "$@"; }

# existing_says FINDING: ends a check.
existing_says() {
  if [ -z "$1" ]; then return 0; fi
  echo "$1"
  return 1
}

# existing_refuses CODE FINDING REMEDY: ends a guard.
existing_refuses() {
  if [ -z "$2" ]; then return 0; fi
  refuse "$@"
}

# existing_options_finding MOUNT OPTIONS: prints what prevents its use. A file system that met an error becomes read-only as a whole.
existing_options_finding() {
  case $seen_options$seen_super in
    *,ro,*)
      echo "$1 is read-only"
      return 0
      ;;
  esac
  case ,$2,$seen_options in
    *,exec,*,noexec,*) echo "$1 is mounted noexec, but programs run from there" ;;
  esac
  case ,$2,$seen_super in
    *,prjquota,*,prjquota,*) ;;
    *,prjquota,*) echo "$1 has no project quotas (mount option pquota)" ;;
  esac
}

# existing_space_finding MOUNT MIB: prints how much is available if that is less.
existing_space_finding() {
  space_free=$(timeout 60 stat --file-system --format '%a %S' "$1")
  space_free=$((${space_free% *} * ${space_free#* } / 1048576))
  if [ "$space_free" -lt "$2" ]; then echo "$space_free MiB are available at $1"; fi
}
