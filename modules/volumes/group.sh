# One volume group on whole disks. Disks are added; nothing is taken away, forced or wiped.
# shellcheck disable=SC2034 # room.sh reads what is set here

# Fact: the volume group is on these disks, all of them there, and has room for its volumes.
# $1 volume group; $2 its volumes as NAME:GiB or NAME:N% (percent of what is free when it is made), with commas between;
# $3... disks, each as DISK or DISK,SERIAL: udev writes a comma in a name as \x2c
check_volume_group() {
  group_name=$1
  group_volumes=$2
  shift 2
  for group_disk; do
    if [ ! -b "${group_disk%%,*}" ]; then
      disk_absence "${group_disk%%,*}"
      return 1
    fi
    group_found=$(disk_serial_finding "$group_disk")
    if [ -n "$group_found" ]; then
      echo "$group_found"
      return 1
    fi
  done
  # Volumes that are active and large enough say by themselves what they stand on.
  if group_in_use "$@"; then return 0; fi
  group_look
  if [ -z "$group_disks" ]; then
    echo "no volume group $group_name"
    return 1
  fi
  group_found=$(group_finding "$@")
  if [ -z "$group_found" ]; then
    group_lacking "$@"
    group_found=${group_missing:+"$group_name is not on$group_missing"}
  fi
  if [ -z "$group_found" ]; then group_found=$(group_shortage); fi
  if [ -n "$group_found" ]; then
    echo "$group_found"
    return 1
  fi
}
guard_volume_group() {
  group_name=$1
  group_volumes=$2
  shift 2
  for group_disk; do
    disk_refusal "$group_disk" "$group_name"
  done
  group_look
  group_found=$(group_finding "$@")
  if [ -n "$group_found" ]; then
    refuse_because E_VOLUME_GROUP "$group_found" "look at it with vgs and pvs, and bring group and site file together"
  fi
  group_lacking "$@"
  group_found=$(group_block_finding "$@")
  if [ -n "$group_found" ]; then
    refuse_because E_VOLUME_GROUP "$group_found" "take disks that can be written, with logical blocks of one size (lsblk --output NAME,LOG-SEC,RO)"
  fi
  for group_disk in $group_missing; do
    # The label takes the first MiB, and the rest is handed out in extents of 4 MiB: vgcreate(8).
    group_free_mib=$((group_free_mib + ($(blockdev --getsize64 "$group_disk") / 1048576 - 1) / 4 * 4))
  done
  group_found=$(group_shortage)
  if [ -z "$group_found" ]; then return 0; fi
  if [ -z "$group_disks" ]; then
    refuse_because E_DISK_TOO_SMALL "$group_found" "make the volumes smaller, take a larger disk, or add one to moreDisks"
  else
    refuse_because E_VOLUME_SPACE "$group_found" "make the volumes smaller, or add a disk to moreDisks"
  fi
}
apply_volume_group() {
  guard_volume_group "$@"
  # The note lets the next run go on with physical volumes that this one leaves without a group when it is cut off.
  for group_disk in $group_missing; do echo "$group_disk"; done >"$SEALIFT_STATE/new-physical-volume"
  sync "$SEALIFT_STATE/new-physical-volume" "$SEALIFT_STATE"
  if [ -z "$group_disks" ]; then group_command=vgcreate; else group_command=vgextend; fi
  # shellcheck disable=SC2086 # names of disks by id hold neither blanks nor patterns
  timeout 120 "$group_command" "$group_name" $group_missing
  rm "$SEALIFT_STATE/new-physical-volume"
}

# group_look: sets, of the group as LVM has it,
#   group_rows     a row a disk: uuid, disk, attributes, number of missing disks, free MiB
#   group_disks    the disks; nothing when there is no such group
#   group_free_mib
group_look() {
  group_rows=$(vgs --noheadings --nosuffix --units m -o vg_uuid,pv_name,vg_attr,vg_missing_pv_count,vg_free \
    -S "vg_name=\"$group_name\"" 2>/dev/null || true)
  group_disks=
  group_free_mib=0
  if [ -z "$group_rows" ]; then return 0; fi
  while read -r _ look_disk _ _ look_free; do
    group_disks="$group_disks $look_disk"
    group_free_mib=${look_free%%.*}
  done <<EOF
$group_rows
EOF
}

# group_finding DISK...: what is wrong with the group itself; nothing when it is whole and on none but these disks.
group_finding() {
  if [ -z "$group_rows" ]; then return 0; fi
  finding_uuid=
  while read -r look_uuid look_disk look_attributes look_missing _; do
    if [ "${finding_uuid:-$look_uuid}" != "$look_uuid" ]; then
      echo "two volume groups have the name $group_name: $finding_uuid and $look_uuid"
      return 0
    fi
    finding_uuid=$look_uuid
    if [ "$look_missing" != 0 ]; then
      echo "$group_name misses $look_missing of its disks"
      return 0
    fi
    case $look_attributes in
      wz-*) ;;
      *)
        echo "$group_name is exported, read-only or not resizable (attributes $look_attributes)"
        return 0
        ;;
    esac
    if ! group_names "$look_disk" "$@"; then
      echo "$group_name is on $look_disk as well, which the site does not name"
      return 0
    fi
  done <<EOF
$group_rows
EOF
}

# group_block_finding DISK...: what keeps LVM from putting these disks into one group: devices/allow_mixed_block_sizes of lvm.conf(5)
# is off.
group_block_finding() {
  block_first=
  for block_disk; do
    block_disk=${block_disk%%,*}
    if [ "$(blockdev --getro "$block_disk")" != 0 ]; then
      echo "$block_disk is read-only"
      return 0
    fi
    block_bytes=$(blockdev --getss "$block_disk")
    if [ -z "$block_first" ]; then
      block_first=$block_bytes
      block_other=$block_disk
    elif [ "$block_bytes" != "$block_first" ]; then
      echo "$block_disk has logical blocks of $block_bytes bytes, and $block_other of $block_first"
      return 0
    fi
  done
}

# group_names NODE DISK...: whether NODE is one of the disks.
group_names() {
  names_node=$1
  shift
  for names_disk; do
    if [ "$names_node" -ef "${names_disk%%,*}" ]; then return 0; fi
  done
  return 1
}

# group_lacking DISK...: sets group_missing, the disks that are not in the group yet.
group_lacking() {
  group_missing=
  for lacking_disk; do
    # shellcheck disable=SC2086 # a list of device nodes
    if ! group_names "${lacking_disk%%,*}" $group_disks; then group_missing="$group_missing ${lacking_disk%%,*}"; fi
  done
}
