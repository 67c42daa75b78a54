# Mounts as the kernel has them, and as systemd will mount them at boot. Reads only; mount_inspect and mount_of start no process.
# shellcheck disable=SC2034 # what is set here is read by the phases

# mount_inspect MOUNT_POINT: fails if nothing is mounted there, otherwise sets, for the topmost mount (proc_pid_mountinfo(5)):
#   seen_device   253:3
#   seen_root     directory of the file system that is visible there
#   seen_options  options of the mount, between commas: ,rw,nodev,relatime,
#   seen_source   /dev/mapper/vg0-data
#   seen_type     xfs
#   seen_super    options of the file system, between commas: ,rw,attr2,inode64,prjquota,
mount_inspect() {
  seen_device=
  while read -r _ _ entry_device entry_root entry_point entry_options entry_rest; do
    if [ "$entry_point" = "$1" ]; then mount_seen; fi
  done </proc/self/mountinfo
  [ -n "$seen_device" ]
}

# mount_of NODE: the first place where the whole file system on the block device NODE is mounted, as seen_point and the variables of
# mount_inspect; fails if it is not mounted.
mount_of() {
  seen_device=
  seen_point=
  if [ ! -r "/sys/block/$1/dev" ]; then return 1; fi
  read -r of_device <"/sys/block/$1/dev"
  while read -r _ _ entry_device entry_root entry_point entry_options entry_rest; do
    if [ "$entry_device $entry_root" != "$of_device /" ]; then continue; fi
    seen_point=$entry_point
    mount_seen
    return 0
  done </proc/self/mountinfo
  return 1
}

mount_seen() {
  seen_device=$entry_device
  seen_root=$entry_root
  seen_options=,$entry_options,
  # Optional fields and a hyphen precede type, source and the options of the file system.
  entry_rest=${entry_rest#*- }
  seen_type=${entry_rest%% *}
  entry_rest=${entry_rest#* }
  seen_source=${entry_rest%% *}
  seen_super=,${entry_rest##* },
}

# unit_of_path PATH: prints the name of the mount unit of a mount point: systemd.unit(5), "String Escaping", for the characters that a site
# file allows.
unit_of_path() {
  unit_rest=${1#/}
  unit_name=
  while [ -n "$unit_rest" ]; do
    unit_letter=${unit_rest%"${unit_rest#?}"}
    unit_rest=${unit_rest#?}
    case $unit_letter in
      /) unit_letter=- ;;
      -) unit_letter=\\x2d ;;
    esac
    unit_name=$unit_name$unit_letter
  done
  printf '%s.mount\n' "$unit_name"
}

# mount_reached MOUNT: like mount_inspect, but first triggers an automount point.
mount_reached() {
  if ! mount_inspect "$1"; then return 1; fi
  if [ "$seen_type" != autofs ]; then return 0; fi
  timeout 60 stat "$1/." >/dev/null 2>&1 || true
  mount_inspect "$1" && [ "$seen_type" != autofs ]
}

# mount_file_system_finding MOUNT TYPE: after mount_reached: prints what is wrong with the file system.
mount_file_system_finding() {
  case $2,$seen_type in
    any,tmpfs | any,ramfs)
      echo "$1 is $seen_type, which loses its files at a reboot"
      return 0
      ;;
    any,* | "$seen_type,$2") ;;
    *)
      echo "$1 is $seen_type"
      return 0
      ;;
  esac
  if [ "$seen_type" != xfs ]; then return 0; fi
  # overlay2 needs file types in directory entries (ftype). An xfs with checksums, the default of mkfs.xfs(8) for years, always has them,
  # and only such an xfs records birth times. xfs_info(8) works for any xfs, but needs the device.
  case $(timeout 60 stat --format %W "$1") in
    0 | -) ;;
    *) return 0 ;;
  esac
  case $(timeout 60 xfs_info "$1" 2>&1 || true) in
    *ftype=1*) ;;
    *ftype=0*) echo "$1 is xfs with ftype=0" ;;
    *) echo "$1 is xfs, but xfs_info (package xfsprogs) does not report its ftype" ;;
  esac
}

# mount_boot_finding MOUNT: prints why systemd would not mount it at the next boot. It asks what systemd has loaded: every mount has a unit,
# but only what systemd mounts itself has a unit file.
mount_boot_finding() {
  boot_unit=$(unit_of_path "$1")
  boot_load=
  boot_file=
  boot_source=
  boot_stale=
  boot_starters=
  boot_trigger=
  boot_shown=$(timeout 60 systemctl show \
    --property LoadState,FragmentPath,SourcePath,NeedDaemonReload,WantedBy,RequiredBy,TriggeredBy "$boot_unit")
  while IFS='=' read -r boot_key boot_value; do
    case $boot_key in
      LoadState) boot_load=$boot_value ;;
      FragmentPath) boot_file=$boot_value ;;
      SourcePath) boot_source=$boot_value ;;
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
      echo "$boot_file mounts $1, but that file does not survive a reboot"
      return 0
      ;;
    loaded,*) ;;
    *)
      echo "$boot_unit is ${boot_load:-unknown to systemd}"
      return 0
      ;;
  esac
  # systemd reports this for all units after an enable without reload; whether it concerns this unit is decided by its files.
  if [ "$boot_stale" = yes ]; then
    if [ -n "$boot_source" ] && [ "$boot_source" -nt "$boot_file" ]; then
      echo "$boot_source was changed, but systemd has not reloaded it"
      return 0
    fi
    case $(timeout 60 systemctl is-enabled "$boot_unit" 2>/dev/null || true) in
      disabled | masked*) boot_starters= ;;
    esac
  fi
  if [ -n "$boot_trigger" ]; then
    boot_shown=$(timeout 60 systemctl show --value --property WantedBy,RequiredBy "$boot_trigger")
    boot_starters="$boot_starters $(echo "$boot_shown" | tr '\n' ' ')"
  fi
  # The engine's units require the mount once they exist; before that a target must.
  case "$boot_starters " in
    *'.target '*) ;;
    *)
      echo "no target starts $boot_unit at boot (noauto, or not enabled)"
      return 0
      ;;
  esac
  mount_source_finding "$1" "$boot_unit"
}

# mount_source_finding MOUNT UNIT: prints what UNIT would mount if that differs from what mount_reached has found.
mount_source_finding() {
  source_unit=$(timeout 60 systemctl cat "$2")
  source_what=
  while read -r source_line; do
    case $source_line in
      What=?*) source_what=${source_line#What=} ;;
    esac
  done <<EOF
$source_unit
EOF
  # fstab(5) and systemd.mount(5) accept these names of devices; udev provides them as links.
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
    # For a bind mount, compare the directory itself.
    if [ "$source_path" -ef "$1" ]; then return 0; fi
  else
    # An image, a network file system, a name with specifiers: the kernel shows these in another form.
    return 0
  fi
  echo "$2 mounts $source_what at boot, but $seen_source is mounted at $1 now"
}
