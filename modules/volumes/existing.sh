# Mounts that others have laid out: looked at, never changed. Nothing here makes, formats, grows, mounts or gives away anything:
# an apply does what its guard does, it refuses.
# shellcheck disable=SC2154 # kernel.sh sets seen_…

# Fact: something is mounted at exactly this path.
# $1 mount point
check_existing_mount() {
  if ! existing_look "$1"; then
    echo "nothing mounted at $1"
    return 1
  fi
}
guard_existing_mount() {
  if existing_look "$1"; then return 0; fi
  refuse_because E_MOUNT_ABSENT "nothing is mounted at $1" "mount it, or correct existing in the site file"
}
apply_existing_mount() { guard_existing_mount "$@"; }

# Fact: what is mounted there is this file system, and one that overlay2 can use if it is xfs.
# $1 mount point; $2 xfs, ext4, or any: one that still holds its files after a boot
check_existing_file_system() {
  if ! existing_look "$1"; then
    echo "nothing mounted at $1"
    return 1
  fi
  existing_says "$(existing_file_system_finding "$@")"
}
guard_existing_file_system() {
  # Without a mount the step before this one refuses.
  if ! existing_look "$1"; then return 0; fi
  existing_refuses E_FILESYSTEM "$(existing_file_system_finding "$@")" "have another file system mounted there, or correct existing in the site file"
}
apply_existing_file_system() { guard_existing_file_system "$@"; }

# Fact: at every boot systemd mounts there what is mounted there now.
# $1 mount point
check_existing_boot() {
  if ! existing_look "$1"; then
    echo "nothing mounted at $1"
    return 1
  fi
  existing_says "$(existing_boot_finding "$1")"
}
guard_existing_boot() {
  if ! existing_look "$1"; then return 0; fi
  existing_refuses E_MOUNT_BOOT "$(existing_boot_finding "$1")" "put the mount into /etc/fstab or enable a mount unit for it, then run systemctl daemon-reload"
}
apply_existing_boot() { guard_existing_boot "$@"; }

# Fact: this much is available there.
# $1 mount point; $2 MiB (2^20 bytes), as df(1) counts what is available
check_existing_space() {
  if ! existing_look "$1"; then
    echo "nothing mounted at $1"
    return 1
  fi
  existing_says "$(existing_space_finding "$@")"
}
guard_existing_space() {
  if ! existing_look "$1"; then return 0; fi
  existing_refuses E_MOUNT_SPACE "$(existing_space_finding "$@")" "remove what is not needed there, have the file system grown, or lower minFree in the site file"
}
apply_existing_space() { guard_existing_space "$@"; }

# existing_says FINDING: the end of a check.
existing_says() {
  if [ -z "$1" ]; then return 0; fi
  echo "$1"
  return 1
}

# existing_refuses CODE FINDING REMEDY: the end of a guard.
existing_refuses() {
  if [ -z "$2" ]; then return 0; fi
  refuse_because "$@"
}

# existing_look MOUNT: mount_look, once an automount point that waits there has mounted what it stands for.
existing_look() {
  if ! mount_look "$1"; then return 1; fi
  if [ "$seen_type" != autofs ]; then return 0; fi
  timeout 60 stat "$1/." >/dev/null 2>&1 || true
  mount_look "$1" && [ "$seen_type" != autofs ]
}

# existing_file_system_finding MOUNT TYPE: what is wrong with the file system that existing_look has seen.
existing_file_system_finding() {
  case $2,$seen_type in
    any,tmpfs | any,ramfs)
      echo "$1 is $seen_type, whose files are gone after a boot"
      return 0
      ;;
    any,* | "$seen_type,$2") ;;
    *)
      echo "$1 is $seen_type"
      return 0
      ;;
  esac
  if [ "$seen_type" != xfs ]; then return 0; fi
  # overlay2 needs the type of a file in its directory: mkfs.xfs(8), ftype. xfs_info(8) shows it of a mounted file system.
  case $(timeout 60 xfs_info "$1" 2>&1 || true) in
    *ftype=1*) ;;
    *ftype=0*) echo "$1 is an xfs without ftype" ;;
    *) echo "$1 is xfs, and xfs_info (package xfsprogs) cannot tell whether it has ftype" ;;
  esac
}

# existing_boot_finding MOUNT: what keeps systemd from mounting it at the next boot. systemd is asked for what it has loaded: it has
# a unit of whatever is mounted, but a file only of what it mounts itself.
existing_boot_finding() {
  boot_unit=$(unit_of_path "$1")
  boot_load=
  boot_file=
  boot_stale=
  boot_starters=
  boot_trigger=
  boot_shown=$(timeout 60 systemctl show \
    --property LoadState,FragmentPath,NeedDaemonReload,WantedBy,RequiredBy,TriggeredBy "$boot_unit")
  while IFS='=' read -r boot_key boot_value; do
    case $boot_key in
      LoadState) boot_load=$boot_value ;;
      FragmentPath) boot_file=$boot_value ;;
      NeedDaemonReload) boot_stale=$boot_value ;;
      WantedBy | RequiredBy) boot_starters="$boot_starters $boot_value" ;;
      TriggeredBy) boot_trigger=$boot_value ;;
    esac
  done <<EOF
$boot_shown
EOF
  case $boot_load,$boot_file in
    loaded,)
      echo "neither /etc/fstab nor a mount unit mounts $1 at boot"
      return 0
      ;;
    loaded,/run/systemd/generator*) ;;
    loaded,/run/*)
      echo "$boot_file mounts $1, and that file is gone after a boot"
      return 0
      ;;
    loaded,*) ;;
    *)
      echo "$boot_unit is ${boot_load:-unknown to systemd}"
      return 0
      ;;
  esac
  if [ "$boot_stale" = yes ]; then
    echo "/etc/fstab or $boot_unit was changed and systemd has not read it since"
    return 0
  fi
  if [ -n "$boot_trigger" ]; then
    boot_shown=$(timeout 60 systemctl show --value --property WantedBy,RequiredBy "$boot_trigger")
    boot_starters="$boot_starters $(echo "$boot_shown" | tr '\n' ' ')"
  fi
  # The engine's own units want it as soon as they are there; what holds before that is that a target does.
  case "$boot_starters " in
    *'.target '*) ;;
    *)
      echo "no target starts $boot_unit at boot (noauto, or not enabled)"
      return 0
      ;;
  esac
  existing_source_finding "$1" "$boot_unit"
}

# existing_source_finding MOUNT UNIT: what UNIT would mount in place of what existing_look has seen.
existing_source_finding() {
  source_unit=$(timeout 60 systemctl cat "$2")
  source_what=
  while read -r source_line; do
    case $source_line in
      What=?*) source_what=${source_line#What=} ;;
    esac
  done <<EOF
$source_unit
EOF
  # fstab(5) and systemd.mount(5) know devices by these, and udev has them as links.
  case $source_what in
    UUID=*) source_path=/dev/disk/by-uuid/${source_what#*=} ;;
    LABEL=*) source_path=/dev/disk/by-label/${source_what#*=} ;;
    PARTUUID=*) source_path=/dev/disk/by-partuuid/${source_what#*=} ;;
    PARTLABEL=*) source_path=/dev/disk/by-partlabel/${source_what#*=} ;;
    *) source_path=$source_what ;;
  esac
  if [ -b "$source_path" ]; then
    if [ "$source_path" -ef "/dev/block/$seen_device" ] || [ "$source_path" -ef "$seen_source" ]; then return 0; fi
  elif [ -d "$source_path" ]; then
    # A bind mount shows the directory itself.
    if [ "$source_path" -ef "$1" ]; then return 0; fi
  else
    # An image, another machine, a name with specifiers: the kernel shows it in other words.
    return 0
  fi
  echo "$2 mounts $source_what at boot, and $seen_source is mounted at $1 now"
}

# existing_space_finding MOUNT MIB: how much is available, when that is less.
existing_space_finding() {
  space_free=$(timeout 60 stat --file-system --format '%a %S' "$1")
  space_free=$((${space_free% *} * ${space_free#* } / 1048576))
  if [ "$space_free" -lt "$2" ]; then echo "$space_free MiB are available at $1"; fi
}
