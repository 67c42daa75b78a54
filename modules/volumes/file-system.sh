# File systems on volumes: made once on a volume that nobody has used, grown in use, never made anew.
# shellcheck disable=SC2154 # kernel.sh sets lv_…, core/mounts.sh seen_…

# Fact: the logical volume carries this file system, as large as the volume.
# $1 volume group, $2 logical volume, $3 xfs or ext4
check_file_system() {
  if ! lv_look "$1" "$2"; then
    echo "no such volume"
    return 1
  fi
  fs_look "$1" "$2"
  fs_found=$(fs_finding "$3")
  if [ -n "$fs_new" ]; then fs_found="not formatted yet"; fi
  if [ -n "$fs_found" ]; then
    echo "$fs_found"
    return 1
  fi
  fs_missing_mib=$((lv_mib - $(fs_bytes) / 1048576))
  # What mkfs and growing round away is far less.
  if [ "$fs_missing_mib" -gt 64 ]; then
    echo "$3 is $fs_missing_mib MiB smaller than its volume"
    return 1
  fi
}
guard_file_system() {
  if ! lv_look "$1" "$2"; then return 0; fi
  fs_look "$1" "$2"
  if [ -n "$fs_new" ]; then return 0; fi
  fs_found=$(fs_finding "$3")
  if [ -n "$fs_found" ]; then
    refuse_because E_FILESYSTEM "$1/$2 carries $fs_found, and it was not made by this run" "name the file system that is there, or if nobody needs what is on the volume, remove it yourself with lvremove"
  fi
}
apply_file_system() {
  guard_file_system "$@"
  if [ -z "$fs_new" ]; then
    grow_file_system
    return
  fi
  # Ours, never mounted: what may lie on it is an mkfs of our own that was cut off.
  wipefs -a "/dev/$1/$2"
  # A label is for people, and mkfs.xfs(8) refuses one of more than 12 letters; mkfs.ext4(8) takes 16.
  case $3 in
    xfs) timeout 300 mkfs.xfs -q -n ftype=1 -L "$(printf %.12s "$2")" "/dev/$1/$2" ;;
    ext4) timeout 300 mkfs.ext4 -q -m 1 -L "$(printf %.16s "$2")" "/dev/$1/$2" ;;
  esac
  lvchange --deltag sealift_new "$1/$2"
}

# fs_look GROUP VOLUME: what is on the volume that lv_look has found. Sets
#   fs_point  where it is mounted, or nothing
#   fs_type   of the file system, or nothing
#   fs_new    not empty when the volume was made by Sealift and not formatted to the end: mounted volumes never are that
fs_look() {
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

# fs_finding TYPE: nothing when the volume carries it in a form that can be used.
fs_finding() {
  if [ "$fs_type" != "$1" ]; then
    echo "${fs_type:-no file system}"
  elif [ "$fs_type" = xfs ] && [ -z "$fs_point" ]; then
    # overlay2 needs the type of a file in its directory: mkfs.xfs(8), ftype.
    case $(xfs_db -r -c version "/dev/$lv_node") in
      *,FTYPE*) ;;
      *) echo "an xfs without ftype" ;;
    esac
  fi
}

# fs_bytes: its size by its own superblock. A mounted xfs is asked, because what it has just written there may still
# be in its log only.
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

# grow_file_system: to the size of its volume. Both kinds grow while they are mounted; one that is not gets a mount that
# nobody else sees and that ends with its process.
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
