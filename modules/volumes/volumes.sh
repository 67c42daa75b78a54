# One volume group on one disk, split into volumes that systemd mounts.
# Nothing here forces, shrinks, wipes or removes: each guard stands in front of the command it guards.

# Fact: the volume group is on this disk.
# $1 volume group, $2 disk by id
check_volume_group() {
  if [ ! -b "$2" ]; then
    echo "no disk $2"
    return 1
  fi
  group_found=$(pvs --noheadings -o vg_name "$2" 2>/dev/null | tr -d ' ' || true)
  if [ "$group_found" != "$1" ]; then
    echo "${group_found:-no volume group on it}"
    return 1
  fi
}
apply_volume_group() {
  disk_finding "$2" "$1"
  if vgs "$1" >/dev/null 2>&1; then
    echo "volume group $1 exists on $(pvs --noheadings -o pv_name -S vg_name="$1" | tr -s '\n ' ' '), and a second disk is not added by itself"
    return 1
  fi
  echo "$2" >"$SEALIFT_STATE/new-physical-volume"
  sync "$SEALIFT_STATE/new-physical-volume"
  timeout 120 vgcreate "$1" "$2"
  rm "$SEALIFT_STATE/new-physical-volume"
}

# Fact: the logical volume is active and has this size.
# $1 volume group, $2 logical volume, $3 GiB
check_logical_volume() {
  if [ ! -b "/dev/$1/$2" ]; then
    echo "no such volume"
    return 1
  fi
  # What device-mapper calls it, because a name in /dev alone could be anything.
  lv_node=$(readlink -f "/dev/$1/$2")
  case $(cat "/sys/block/${lv_node##*/}/dm/uuid" 2>/dev/null) in
    LVM-*) ;;
    *)
      echo "/dev/$1/$2 is no logical volume"
      return 1
      ;;
  esac
  lv_mib=$(($(blockdev --getsize64 "$lv_node") / 1048576))
  if [ "$lv_mib" -ne $(($3 * 1024)) ]; then
    echo "$lv_mib MiB"
    return 1
  fi
}
apply_logical_volume() {
  lv_mib=$(lv_mib "$1" "$2")
  if [ -z "$lv_mib" ]; then
    # The tag says that nobody has used this volume yet: it alone allows mkfs. --wipesignatures concerns the new volume.
    timeout 120 lvcreate --yes --wipesignatures y --addtag sealift_new --size "${3}g" --name "$2" "$1"
  elif [ "$lv_mib" -gt $(($3 * 1024)) ]; then
    echo "$1/$2 is $lv_mib MiB and would shrink to $(($3 * 1024)) MiB; volumes are never shrunk"
    return 1
  else
    timeout 120 lvextend --size "${3}g" "$1/$2"
  fi
}

# lv_mib GROUP VOLUME: size in MiB, nothing when there is no such volume.
lv_mib() {
  lvs --noheadings --nosuffix --units m -o lv_size "$1/$2" 2>/dev/null | tr -d ' ' | cut -d . -f 1 || true
}

# Fact: the logical volume carries this file system, as large as the volume.
# $1 volume group, $2 logical volume, $3 xfs or ext4
check_file_system() {
  fs_type=$(blkid -p -s TYPE -o value "/dev/$1/$2" 2>/dev/null || true)
  if [ "$fs_type" != "$3" ]; then
    echo "${fs_type:-no file system}"
    return 1
  fi
  fs_missing_mib=$((($(blockdev --getsize64 "/dev/$1/$2") - $(file_system_bytes "$1" "$2" "$3")) / 1048576))
  # Sizes are whole GiB; what mkfs rounds away is far below half of one.
  if [ "$fs_missing_mib" -gt 512 ]; then
    echo "$3 is $fs_missing_mib MiB smaller than its volume"
    return 1
  fi
}
apply_file_system() {
  fs_type=$(blkid -p -s TYPE -o value "/dev/$1/$2" 2>/dev/null || true)
  fs_tags=$(lvs --noheadings -o lv_tags "$1/$2" | tr -d ' ')
  if [ "$fs_tags" = sealift_new ]; then
    # Ours, never mounted: what may lie on it is an mkfs of our own that was cut off.
    wipefs -a "/dev/$1/$2"
    case $3 in
      xfs) timeout 300 mkfs.xfs -q -n ftype=1 -L "$2" "/dev/$1/$2" ;;
      ext4) timeout 300 mkfs.ext4 -q -m 1 -L "$2" "/dev/$1/$2" ;;
    esac
    lvchange --deltag sealift_new "$1/$2"
  elif [ "$fs_type" = "$3" ]; then
    grow_file_system "$1" "$2" "$3"
  else
    echo "$1/$2 carries ${fs_type:-no file system} and was not made just now; it is not formatted"
    return 1
  fi
}

# file_system_bytes GROUP VOLUME TYPE: by its own superblock. A mounted xfs is asked, because what it has just written
# there may still be in its log only.
file_system_bytes() {
  bytes_mount=$(findmnt -nro TARGET --source "/dev/mapper/$1-$2" | head -n 1)
  case $3${bytes_mount:+-mounted} in
    xfs-mounted) xfs_io -r -c statfs "$bytes_mount" | grep -E '^geom\.(bsize|datablocks) =' ;;
    xfs) xfs_db -r -c "sb 0" -c "print dblocks blocksize" "/dev/$1/$2" ;;
    ext4*) dumpe2fs -h "/dev/$1/$2" 2>/dev/null | grep -E '^Block (count|size):' ;;
  esac | awk 'BEGIN { bytes = 1 } { bytes *= $NF } END { printf "%.0f", bytes }'
}

# grow_file_system GROUP VOLUME TYPE: to the size of its volume; xfs only grows while it is mounted.
grow_file_system() {
  grow_mount=$(findmnt -nro TARGET --source "/dev/mapper/$1-$2" | head -n 1)
  case $3 in
    xfs) timeout 300 xfs_growfs "${grow_mount:?an xfs grows only while it is mounted, and it is not}" ;;
    ext4) timeout 300 resize2fs "/dev/$1/$2" ;;
  esac
}

# Fact: systemd mounts the volume there, now and at every boot.
# $1 volume group, $2 logical volume, $3 mount point, $4 file system
check_mount() {
  mount_unit=$(systemd-escape -p --suffix=mount "$3")
  if ! mount_unit_text "$1" "$2" "$3" "$4" | cmp -s - "/etc/systemd/system/$mount_unit"; then
    echo "no unit $mount_unit as wanted"
    return 1
  fi
  mount_source=$(findmnt -nro SOURCE --mountpoint "$3" || true)
  if [ "$mount_source" != "/dev/mapper/$1-$2" ]; then
    echo "${mount_source:-nothing mounted} at $3"
    return 1
  fi
  if ! systemctl is-enabled --quiet "$mount_unit"; then
    echo "$mount_unit is $(systemctl is-enabled "$mount_unit" || true)"
    return 1
  fi
}
apply_mount() {
  mount_unit=$(systemd-escape -p --suffix=mount "$3")
  mount_source=$(findmnt -nro SOURCE --mountpoint "$3" || true)
  if [ -n "$mount_source" ] && [ "$mount_source" != "/dev/mapper/$1-$2" ]; then
    echo "$mount_source is mounted at $3, and it is not taken away"
    return 1
  fi
  if [ -z "$mount_source" ]; then
    mkdir -p "$3"
    if [ -n "$(ls -A "$3")" ]; then
      echo "$3 holds $(find "$3" -mindepth 1 -maxdepth 1 | wc -l) entries that the mount would hide; move them away first"
      return 1
    fi
    # A service that starts without its volume fails here instead of filling the root disk.
    chattr +i "$3"
  fi
  mount_unit_text "$1" "$2" "$3" "$4" >"/etc/systemd/system/$mount_unit.new"
  mv "/etc/systemd/system/$mount_unit.new" "/etc/systemd/system/$mount_unit"
  systemctl daemon-reload
  systemctl enable --quiet "$mount_unit"
  # udev can miss that mkfs has closed the device, and then there is no by-uuid name to wait for.
  timeout 60 udevadm trigger --settle --action=change "$(readlink -f "/dev/$1/$2")"
  timeout 120 systemctl start "$mount_unit"
}

# mount_unit_text GROUP VOLUME MOUNT TYPE: systemd.mount(5). By UUID, so that the unit means this file system only.
mount_unit_text() {
  mount_uuid=$(blkid -p -s UUID -o value "/dev/$1/$2" 2>/dev/null || true)
  cat <<EOF
# Made by Sealift: $1/$2
[Unit]
Before=local-fs.target

[Mount]
What=/dev/disk/by-uuid/$mount_uuid
Where=$3
Type=$4
Options=defaults,nodev

[Install]
WantedBy=local-fs.target
EOF
}
