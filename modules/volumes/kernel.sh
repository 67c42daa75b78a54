# What the kernel itself says of volumes and mounts: from /sys and /proc alone, without one process. Reads only.
# Names of groups and volumes hold no hyphen, so that GROUP-VOLUME of device-mapper means one volume only.
# shellcheck disable=SC2034 # what is set here is read by the other files of the library

# lv_look GROUP VOLUME: fails when the volume is not active, else sets
#   lv_node   dm-3
#   lv_mib    size in MiB (2^20 bytes), rounded down
lv_look() {
  for lv_entry in /sys/block/dm-*; do
    if [ ! -r "$lv_entry/dm/name" ]; then continue; fi
    read -r lv_name <"$lv_entry/dm/name" || continue
    if [ "$lv_name" != "$1-$2" ]; then continue; fi
    read -r lv_uuid <"$lv_entry/dm/uuid" || lv_uuid=
    case $lv_uuid in
      LVM-*) ;;
      *) continue ;;
    esac
    lv_node=${lv_entry##*/}
    read -r lv_sectors <"$lv_entry/size"
    lv_mib=$((lv_sectors / 2048))
    return 0
  done
  return 1
}

# lv_stands_on_volumes NODE: whether another logical volume lies below: the volume is thin, cached or a raid. A snapshot
# slides a layer below its origin, too, named -real; that one is gone with the snapshot.
lv_stands_on_volumes() {
  for lv_below in "/sys/block/$1/slaves"/dm-*; do
    if [ ! -r "$lv_below/dm/uuid" ]; then continue; fi
    read -r lv_uuid <"$lv_below/dm/uuid" || continue
    case $lv_uuid in
      LVM-*-real) ;;
      LVM-*) return 0 ;;
    esac
  done
  return 1
}

# mount_look MOUNT_POINT: fails when nothing is mounted there, else sets of what is on top, by proc_pid_mountinfo(5)
#   seen_device   253:3
#   seen_root     the directory of the file system that is seen there
#   seen_options  those of the mount itself, between commas: ,rw,nodev,relatime,
#   seen_source   /dev/mapper/vg0-data
#   seen_type     xfs
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
  # Optional fields, a hyphen, then type and source.
  look_rest=${look_rest#*- }
  seen_type=${look_rest%% *}
  look_rest=${look_rest#* }
  seen_source=${look_rest%% *}
}

# file_is FILE TEXT: whether FILE is a plain file that holds exactly the lines of TEXT.
file_is() {
  if [ ! -f "$1" ] || [ -L "$1" ]; then return 1; fi
  is_text=
  while IFS= read -r is_line; do
    is_text=$is_text$is_line$SEALIFT_LINE_END
  done <"$1"
  [ "$is_text" = "$2$SEALIFT_LINE_END" ]
}
