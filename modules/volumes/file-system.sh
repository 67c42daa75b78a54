# File systems on volumes: created once on an unused volume, grown online, never created again.
# shellcheck disable=SC2154 # kernel.sh sets lv_…, core/mounts.sh seen_…

# Fact: the logical volume has this file system, as large as the volume.
# $1 volume group, $2 logical volume, $3 xfs or ext4
check_file_system() {
  if ! lv_inspect "$1" "$2"; then
    echo "no such volume"
    return 1
  fi
  fs_inspect "$1" "$2"
  fs_found=$(fs_finding "$3")
  if [ -n "$fs_new" ]; then fs_found="not formatted yet"; fi
  if [ -n "$fs_found" ]; then
    echo "$fs_found"
    return 1
  fi
  fs_missing_mib=$((lv_mib - $(fs_bytes) / 1048576))
  # mkfs and growing round down by far less.
  if [ "$fs_missing_mib" -gt 64 ]; then
    echo "$3 is $fs_missing_mib MiB smaller than its volume"
    return 1
  fi
}
guard_file_system() {
  if ! lv_inspect "$1" "$2"; then return 0; fi
  fs_inspect "$1" "$2"
  if [ -n "$fs_new" ]; then return 0; fi
  fs_found=$(fs_finding "$3")
  if [ -n "$fs_found" ]; then
    refuse E_FILESYSTEM "$1/$2 contains $fs_found and was not created by this run" "set the file system that the volume has, or remove the volume manually with lvremove if its data is not needed"
  fi
}
apply_file_system() {
  guard_file_system "$@"
  if [ -z "$fs_new" ]; then
    grow_file_system
    return
  fi
  # Sealift's own volume, never mounted: it may contain an interrupted mkfs.
  wipefs -a "/dev/$1/$2"
  # Labels are for people; mkfs.xfs(8) refuses more than 12 characters, mkfs.ext4(8) takes 16.
  case $3 in
    xfs) timeout 300 mkfs.xfs -q -n ftype=1 -L "$(printf %.12s "$2")" "/dev/$1/$2" ;;
    ext4) timeout 300 mkfs.ext4 -q -m 1 -L "$(printf %.16s "$2")" "/dev/$1/$2" ;;
  esac
  lvchange --deltag sealift_new "$1/$2"
}

# fs_inspect GROUP VOLUME: after lv_inspect: examines the volume. Sets
#   fs_point  where it is mounted, or empty
#   fs_type   type of its file system, or empty
#   fs_new    not empty if Sealift created the volume and has not finished formatting it; never for a mounted volume
fs_inspect() {
  fs_new=
  if mount_of "$lv_node"; then
    fs_point=$seen_point
    fs_type=$seen_type
    return
  fi
  fs_point=
  fs_type=$(blkid -p -s TYPE -o value "/dev/$lv_node" 2>/dev/null || true)
  case ,$(lvs --noheadings -o lv_tags "$1/$2" 2>/dev/null | tr -d ' '), in
    *,sealift_new,*) fs_new=yes ;;
  esac
}

# fs_finding TYPE: prints a finding unless the volume has a usable file system of this type.
fs_finding() {
  if [ "$fs_type" != "$1" ]; then
    echo "${fs_type:-no file system}"
  elif [ "$fs_type" = xfs ] && [ -z "$fs_point" ]; then
    # overlay2 needs file types in directory entries: mkfs.xfs(8), ftype.
    case $(xfs_db -r -c version "/dev/$lv_node") in
      *,FTYPE*) ;;
      *) echo "xfs with ftype=0" ;;
    esac
  fi
}

# fs_bytes: prints its size according to its superblock. For a mounted xfs, asks the file system, because the latest superblock may still be
# in the log only.
fs_bytes() {
  case $fs_type${fs_point:+-mounted} in
    xfs-mounted) bytes_text=$(xfs_io -r -c statfs "$fs_point") ;;
    xfs) bytes_text=$(xfs_db -r -c "sb 0" -c "print dblocks blocksize" "/dev/$lv_node") ;;
    ext4*) bytes_text=$(dumpe2fs -h "/dev/$lv_node" 2>/dev/null) ;;
  esac
  bytes_blocks=0
  bytes_block=0
  while read -r bytes_line; do
    case $bytes_line in
      'geom.datablocks ='* | 'dblocks ='* | 'Block count:'*) bytes_blocks=${bytes_line##* } ;;
      'geom.bsize ='* | 'blocksize ='* | 'Block size:'*) bytes_block=${bytes_line##* } ;;
    esac
  done <<EOF
$bytes_text
EOF
  echo $((bytes_blocks * bytes_block))
}

# grow_file_system: grows it to the size of its volume. Both types grow while mounted; an unmounted one is mounted in a private mount
# namespace, which ends with the process.
grow_file_system() {
  # shellcheck disable=SC2016 # expanded by the inner shell
  case $fs_type${fs_point:+-mounted} in
    xfs-mounted) timeout 300 xfs_growfs -d "$fs_point" ;;
    ext4-mounted)
      timeout 300 resize2fs "/dev/$lv_node"
      on_disk "$fs_point"
      ;;
    xfs) timeout 300 unshare --mount sh -euc 'mount "$1" /run; xfs_growfs -d /run' sh "/dev/$lv_node" ;;
    ext4) timeout 300 unshare --mount sh -euc 'mount "$1" /run; resize2fs "$1"' sh "/dev/$lv_node" ;;
  esac
}
