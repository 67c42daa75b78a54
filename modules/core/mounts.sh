# What the kernel says of mounts, and systemd of those that come back. Reads only; mount_look and mount_of cost no process.
# shellcheck disable=SC2034 # what is set here is read by the phases

# mount_look MOUNT_POINT: fails when nothing is mounted there, else sets of what is on top, by proc_pid_mountinfo(5)
#   seen_device   253:3
#   seen_root     the directory of the file system that is seen there
#   seen_options  those of the mount itself, between commas: ,rw,nodev,relatime,
#   seen_source   /dev/mapper/vg0-data
#   seen_type     xfs
#   seen_super    options of the file system, between commas: ,rw,attr2,inode64,prjquota,
mount_look() {
  seen_device=
  while read -r _ _ look_device look_root look_point look_options look_rest; do
    if [ "$look_point" = "$1" ]; then mount_seen; fi
  done </proc/self/mountinfo
  [ -n "$seen_device" ]
}

# mount_of NODE: the first place where the whole file system on the block device NODE is mounted, as seen_point and the
# variables of mount_look; fails when it is not mounted.
mount_of() {
  seen_device=
  seen_point=
  if [ ! -r "/sys/block/$1/dev" ]; then return 1; fi
  read -r of_device <"/sys/block/$1/dev"
  while read -r _ _ look_device look_root look_point look_options look_rest; do
    if [ "$look_device $look_root" != "$of_device /" ]; then continue; fi
    seen_point=$look_point
    mount_seen
    return 0
  done </proc/self/mountinfo
  return 1
}

mount_seen() {
  seen_device=$look_device
  seen_root=$look_root
  seen_options=,$look_options,
  # Optional fields, a hyphen, then type, source and the options of the file system.
  look_rest=${look_rest#*- }
  seen_type=${look_rest%% *}
  look_rest=${look_rest#* }
  seen_source=${look_rest%% *}
  seen_super=,${look_rest##* },
}

# unit_of_path PATH: the name that systemd gives to what is mounted there: systemd.unit(5), "String Escaping", for the
# letters that a site file allows in a mount point.
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

# mount_reached MOUNT: mount_look, once an automount point that waits there has mounted what it stands for.
mount_reached() {
  if ! mount_look "$1"; then return 1; fi
  if [ "$seen_type" != autofs ]; then return 0; fi
  timeout 60 stat "$1/." >/dev/null 2>&1 || true
  mount_look "$1" && [ "$seen_type" != autofs ]
}

# mount_file_system_finding MOUNT TYPE: what is wrong with the file system that mount_reached has seen.
mount_file_system_finding() {
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
  # overlay2 needs the type of a file in its directory. An xfs with checksums, which mkfs.xfs(8) has made for years, always has it,
  # and only such a one keeps the time of a file's birth. xfs_info(8) tells it of any, but needs the device.
  case $(timeout 60 stat --format %W "$1") in
    0 | -) ;;
    *) return 0 ;;
  esac
  case $(timeout 60 xfs_info "$1" 2>&1 || true) in
    *ftype=1*) ;;
    *ftype=0*) echo "$1 is an xfs without ftype" ;;
    *) echo "$1 is xfs, and xfs_info (package xfsprogs) cannot tell whether it has ftype" ;;
  esac
}

# mount_boot_finding MOUNT: what keeps systemd from mounting it at the next boot. systemd is asked for what it has loaded: it has
# a unit of whatever is mounted, but a file only of what it mounts itself.
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
      echo "$boot_file mounts $1, and that file is gone after a boot"
      return 0
      ;;
    loaded,*) ;;
    *)
      echo "$boot_unit is ${boot_load:-unknown to systemd}"
      return 0
      ;;
  esac
  # systemd says so of all units once any was enabled without a reload; whether this one is concerned its files tell.
  if [ "$boot_stale" = yes ]; then
    if [ -n "$boot_source" ] && [ "$boot_source" -nt "$boot_file" ]; then
      echo "$boot_source was changed, and systemd has not read it since"
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
  # The engine's own units want it as soon as they are there; what holds before that is that a target does.
  case "$boot_starters " in
    *'.target '*) ;;
    *)
      echo "no target starts $boot_unit at boot (noauto, or not enabled)"
      return 0
      ;;
  esac
  mount_source_finding "$1" "$boot_unit"
}

# mount_source_finding MOUNT UNIT: what UNIT would mount in place of what mount_reached has seen.
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
