# One volume group on whole disks. Disks are added; nothing is removed, forced or wiped.
# shellcheck disable=SC2034 # capacity.sh reads what is set here

# Fact: the volume group is on these disks, all of them are present, and its volumes fit.
# $1 volume group; $2 its volumes as NAME:GiB or NAME:N% (percent of the free space at creation), separated by commas;
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
  # The kernel shows the disks of active volumes, so if they are large enough LVM need not be asked.
  if group_in_use "$@"; then return 0; fi
  group_inspect
  if [ -z "$group_disks" ]; then
    echo "volume group $group_name does not exist"
    return 1
  fi
  group_found=$(group_finding "$@")
  if [ -z "$group_found" ]; then
    group_find_missing "$@"
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
  group_inspect
  group_found=$(group_finding "$@")
  if [ -n "$group_found" ]; then
    refuse E_VOLUME_GROUP "$group_found" "compare the group (vgs, pvs) with the site file, and correct one of them"
  fi
  group_find_missing "$@"
  group_found=$(group_block_finding "$@")
  if [ -n "$group_found" ]; then
    refuse E_VOLUME_GROUP "$group_found" \
      "use different, writable disks with the same logical block size (lsblk --output NAME,LOG-SEC,RO)"
  fi
  group_found=$(group_lvm_finding)
  if [ -n "$group_found" ]; then
    case $group_found in
      *multipath*) group_remedy="configure multipathd for its paths and use /dev/disk/by-id/dm-uuid-mpath-..., or, for a disk with one path, run multipath -w with its name" ;;
      *) group_remedy="check filter, global_filter and the devices file (lvm.conf(5)) on the host, or use another disk" ;;
    esac
    refuse E_VOLUME_GROUP "$group_found" "$group_remedy"
  fi
  for group_disk in $group_missing; do
    # The label takes the first MiB; extents have 4 MiB: vgcreate(8).
    group_free_mib=$((group_free_mib + ($(blockdev --getsize64 "$group_disk") / 1048576 - 1) / 4 * 4))
  done
  group_found=$(group_shortage)
  if [ -z "$group_found" ]; then return 0; fi
  if [ -z "$group_disks" ]; then
    refuse E_DISK_TOO_SMALL "$group_found" "reduce the volume sizes, use a larger disk, or add one to volumes.disks"
  else
    refuse E_VOLUME_SPACE "$group_found" "reduce the volume sizes, or add a disk to volumes.disks"
  fi
}
apply_volume_group() {
  guard_volume_group "$@"
  # If this run is interrupted, the note lets the next one continue with physical volumes that have no group yet.
  for group_disk in $group_missing; do echo "$group_disk"; done >"$SEALIFT_STATE/new-physical-volume"
  sync "$SEALIFT_STATE/new-physical-volume" "$SEALIFT_STATE"
  if [ -z "$group_disks" ]; then group_command=vgcreate; else group_command=vgextend; fi
  # shellcheck disable=SC2086 # names of disks by id hold neither blanks nor patterns
  timeout 120 "$group_command" "$group_name" $group_missing
  rm "$SEALIFT_STATE/new-physical-volume"
}

# group_inspect: asks LVM for the group. Sets
#   group_rows     one row per disk: uuid, disk, attributes, number of missing disks, free MiB
#   group_disks    the disks; empty if there is no such group
#   group_free_mib
group_inspect() {
  group_rows=$(vgs --noheadings --nosuffix --units m -o vg_uuid,pv_name,vg_attr,vg_missing_pv_count,vg_free \
    -S "vg_name=\"$group_name\"" 2>/dev/null || true)
  group_disks=
  group_free_mib=0
  if [ -z "$group_rows" ]; then return 0; fi
  while read -r _ row_disk _ _ row_free; do
    group_disks="$group_disks $row_disk"
    group_free_mib=${row_free%%.*}
  done <<EOF
$group_rows
EOF
}

# group_finding DISK...: prints what is wrong with the group itself; nothing if it is complete and uses only these disks.
group_finding() {
  if [ -z "$group_rows" ]; then return 0; fi
  finding_uuid=
  while read -r row_uuid row_disk row_attributes row_missing _; do
    if [ "${finding_uuid:-$row_uuid}" != "$row_uuid" ]; then
      echo "two volume groups have the name $group_name: $finding_uuid and $row_uuid"
      return 0
    fi
    finding_uuid=$row_uuid
    if [ "$row_missing" != 0 ]; then
      echo "$group_name is missing $row_missing of its disks"
      return 0
    fi
    case $row_attributes in
      wz-*) ;;
      *)
        echo "$group_name is exported, read-only or not resizable (attributes $row_attributes)"
        return 0
        ;;
    esac
    if ! group_names "$row_disk" "$@"; then
      echo "$group_name also uses $row_disk, which is not in the site"
      return 0
    fi
  done <<EOF
$group_rows
EOF
}

# group_block_finding DISK...: prints why LVM cannot put these disks into one group: allow_mixed_block_sizes (lvm.conf(5)) is off, and a
# disk can be used once.
group_block_finding() {
  block_first=
  block_before=
  for block_disk; do
    block_disk=${block_disk%%,*}
    for block_other in $block_before; do
      if [ "$block_other" -ef "$block_disk" ]; then
        echo "$block_other and $block_disk are the same disk"
        return 0
      fi
    done
    block_before="$block_before $block_disk"
    if [ "$(blockdev --getro "$block_disk")" != 0 ]; then
      echo "$block_disk is read-only"
      return 0
    fi
    block_bytes=$(blockdev --getss "$block_disk")
    if [ -z "$block_first" ]; then
      block_first=$block_bytes
      block_one=$block_disk
    elif [ "$block_bytes" != "$block_first" ]; then
      echo "$block_disk has a logical block size of $block_bytes bytes, but $block_one has $block_first"
      return 0
    fi
  done
}

# group_lvm_finding: prints why LVM would reject one of group_missing: a filter, a devices file, a path of a multipath disk. pvcreate(8)
# with --test writes nothing. A physical volume left by an interrupted run is accepted.
group_lvm_finding() {
  for lvm_disk in $group_missing; do
    if pvs "$lvm_disk" >/dev/null 2>&1; then continue; fi
    if lvm_output=$(timeout 120 pvcreate --test "$lvm_disk" 2>&1 </dev/null); then continue; fi
    lvm_output=$(printf '%s\n' "$lvm_output" | grep -v '^ *TEST MODE' | head -n 1 || true)
    echo "LVM rejects $lvm_disk: ${lvm_output#"${lvm_output%%[! ]*}"}"
    return 0
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

# group_find_missing DISK...: sets group_missing to the disks that are not in the group yet.
group_find_missing() {
  group_missing=
  for missing_disk; do
    # shellcheck disable=SC2086 # a list of device nodes
    if ! group_names "${missing_disk%%,*}" $group_disks; then group_missing="$group_missing ${missing_disk%%,*}"; fi
  done
}
