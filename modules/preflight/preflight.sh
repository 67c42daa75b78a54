# What has to hold before anything is changed. Checks only: nothing here has an apply, and nothing is loaded or written.
# They run on every host at every look, so they read /proc and /sys with the shell's own means: a process costs 40 ms on a
# slow host. SEALIFT_ROOT stands before every path they read; it is empty but in tests, which lay out other systems in it.

SEALIFT_ROOT=

# Fact: the operating system is one that Sealift supports.
# $@ supported systems as ID:VERSION_ID of os-release(5)
check_os() {
  # shellcheck source=/dev/null
  os_found=$(. "$SEALIFT_ROOT/etc/os-release" && echo "$ID:${VERSION_ID:-unversioned}")
  for os_wanted; do
    if [ "$os_found" = "$os_wanted" ]; then return 0; fi
  done
  echo "$os_found"
  return 1
}

# Fact: the processor is of this architecture.
# $1 architecture in Docker's words
check_architecture() {
  case $(uname -m) in
    x86_64) architecture=amd64 ;;
    aarch64) architecture=arm64 ;;
    *) architecture=$(uname -m) ;;
  esac
  echo "$architecture"
  [ "$architecture" = "$1" ]
}

# Fact: the commands that the phases call are there, and systemd runs the host.
# $@ commands
check_commands() {
  commands_absent=
  for commands_name; do
    if ! command -v "$commands_name" >/dev/null; then commands_absent="$commands_absent $commands_name"; fi
  done
  if [ ! -d /run/systemd/system ]; then commands_absent="$commands_absent systemd-as-init"; fi
  if [ -n "$commands_absent" ]; then
    echo "absent:$commands_absent"
    return 1
  fi
}

# Fact: the disk is there.
# $1 disk by id
check_disk_present() {
  if [ ! -b "$1" ]; then
    echo "no such disk; by-id has: $(find /dev/disk/by-id ! -name '*-part[0-9]*' -type l -printf '%f ' 2>/dev/null)"
    return 1
  fi
}

# Fact: the disk is blank, or carries this volume group already.
# $1 disk by id, $2 volume group
check_disk_free() {
  if [ ! -b "$1" ]; then return 0; fi # told by check_disk_present
  disk_finding "$1" "$2"
}

# Fact: the disk holds what is asked of it.
# $1 disk by id, $2 GiB asked for all volumes together; LVM keeps 4 MiB for itself
check_disk_size() {
  if [ ! -b "$1" ]; then return 0; fi # told by check_disk_present
  disk_mib=$(($(blockdev --getsize64 "$1") / 1048576))
  echo "$((disk_mib / 1024)) GiB ($disk_mib MiB)"
  [ $(($2 * 1024 + 4)) -le "$disk_mib" ]
}

# Fact: the user id and the group id of the same number are free, or already this user's.
# $1 user name, $2 uid
check_uid() {
  uid_owner=$(getent passwd "$2" | cut -d : -f 1)
  if [ -n "$uid_owner" ] && [ "$uid_owner" != "$1" ]; then
    echo "uid $2 belongs to $uid_owner"
    return 1
  fi
  uid_group=$(getent group "$2" | cut -d : -f 1)
  if [ -n "$uid_group" ] && [ "$uid_group" != "$1" ]; then
    echo "gid $2 belongs to group $uid_group"
    return 1
  fi
  uid_own=$(id -u "$1" 2>/dev/null || true)
  if [ -n "$uid_own" ] && [ "$uid_own" != "$2" ]; then
    echo "$1 has uid $uid_own"
    return 1
  fi
}
