# The content of a disk, examined before LVM gets it. Reads only.
# shellcheck disable=SC2154 # disk-nodes.sh sets disk_nodes

# disk_refusal DISK[,SERIAL] GROUP: refuses a disk that is absent, not the intended one, or contains anything but a physical volume of
# GROUP.
disk_refusal() {
  if [ ! -b "${1%%,*}" ]; then
    refuse E_DISK_ABSENT "$(disk_absence "${1%%,*}")" "$(disk_absence_remedy)"
  fi
  refusal_found=$(disk_serial_finding "$1")
  if [ -n "$refusal_found" ]; then
    refuse E_DISK_SERIAL "$refusal_found" "find out which disk is intended, then correct its id or serial in the site"
  fi
  refusal_found=$(disk_names_finding "${1%%,*}")
  if [ -n "$refusal_found" ]; then
    refuse E_DISK_NAME "$refusal_found" "use the name of one namespace"
  fi
  refusal_found=$(disk_finding "${1%%,*}" "$2")
  if [ -n "$refusal_found" ]; then
    refuse E_DISK_IN_USE "$refusal_found" "$(disk_in_use_remedy "${1%%,*}")"
  fi
  refusal_found=$(disk_paths_finding "${1%%,*}")
  if [ -n "$refusal_found" ]; then
    refuse E_DISK_PATHS "$refusal_found" \
      "configure multipathd (package multipath-tools) for them and use /dev/disk/by-id/dm-uuid-mpath-..., or detach all paths but one"
  fi
}

# disk_names_finding DISK: prints a finding if the name is ambiguous: the name of an NVMe drive without a namespace number leads to the
# namespace that udev has seen last (systemd 255, 60-persistent-storage.rules). Prints nothing if there is only one.
disk_names_finding() {
  case $1 in */nvme-*) ;; *) return 0 ;; esac
  names_found=
  names_others=
  for names_link in "$1"_*; do
    case ${names_link#"$1"_} in "" | *[!0-9]*) continue ;; esac
    if [ ! -b "$names_link" ]; then continue; fi
    names_found="$names_found ${names_link##*/}"
    if ! [ "$names_link" -ef "$1" ]; then names_others=1; fi
  done
  if [ -n "$names_others" ]; then echo "$1 is ambiguous between several namespaces:$names_found"; fi
}

# disk_paths_finding DISK: prints a finding if another device node leads to the same disk: LVM hides a group that it finds on two.
disk_paths_finding() {
  paths_node=$(readlink -f "$1")
  disk_nodes "${paths_node##*/}"
  case $disk_nodes in " "*" "*) echo "$1 has several paths without multipath:$disk_nodes" ;; esac
}

# disk_in_use_remedy DISK: prints how to free a disk. A path of a multipath disk needs another name, not an empty disk. After a discard the
# disk may return any data; only written zeros, or a zero-out, pass the check of its bytes (blkdiscard(8)).
disk_in_use_remedy() {
  remedy_node=$(readlink -f "$1")
  for remedy_holder in "/sys/class/block/${remedy_node##*/}/holders"/*; do
    remedy_uuid=
    { read -r remedy_uuid; } 2>/dev/null <"$remedy_holder/dm/uuid" || continue
    case $remedy_uuid in
      mpath-*)
        echo "multipathd uses it: use /dev/disk/by-id/dm-uuid-$remedy_uuid instead, or blacklist a disk with one path in /etc/multipath.conf"
        return 0
        ;;
    esac
  done
  echo "use another disk, or if its data is not needed, erase it manually so that it reads as zeros: wipefs --all, then blkdiscard --zeroout or dd if=/dev/zero"
}

# disk_absence DISK: prints a finding with the disks that exist.
disk_absence() {
  disk_names /dev/disk/by-id
  absence_found="no disk $1, by-id has:${disk_names:- nothing}"
  if [ -z "$disk_names" ]; then
    disk_names /dev/disk/by-path
    absence_found="$absence_found, by-path has:${disk_names:- nothing}"
  fi
  echo "$absence_found"
}

# disk_absence_remedy: prints the remedy. udev derives ids from serial numbers, and a virtual machine has none unless its hypervisor sets
# them.
disk_absence_remedy() {
  disk_names /dev/disk/by-id
  if [ -n "$disk_names" ]; then
    echo "correct the name of the disk, or attach the disk"
    return 0
  fi
  absence_maker=
  { read -r absence_maker; } 2>/dev/null <"$SEALIFT_ROOT/sys/class/dmi/id/sys_vendor" || true
  case $absence_maker in
    VMware*) absence_remedy="set disk.EnableUUID = TRUE in the virtual machine's configuration and start it again, so that its disks have ids" ;;
    *) absence_remedy="set a serial number for the disk in the hypervisor (serial= in QEMU and libvirt), so that it has an id" ;;
  esac
  echo "$absence_remedy, or use its name below /dev/disk/by-path/"
}

# disk_names FOLDER: sets disk_names to the names of whole disks there, each after a blank. Devices built on other disks are left out,
# except multipath.
disk_names() {
  disk_names=
  for names_link in "$SEALIFT_ROOT$1"/*; do
    case ${names_link##*/} in
      '*' | *-part[0-9]* | lvm-* | md-* | dm-name-* | dm-uuid-LVM-*) ;;
      *) disk_names="$disk_names ${names_link##*/}" ;;
    esac
  done
}

# disk_serial_finding DISK[,SERIAL]: prints a finding if SERIAL is given and differs from that of the disk, as lsblk(8) shows it.
disk_serial_finding() {
  case $1 in
    *,*) ;;
    *) return 0 ;;
  esac
  serial_found=$(lsblk --nodeps --noheadings --output SERIAL "${1%%,*}")
  # lsblk pads the column.
  serial_found=${serial_found%"${serial_found##*[! ]}"}
  if [ "$serial_found" != "${1#*,}" ]; then
    echo "${1%%,*} has serial number ${serial_found:-(none)}, but the site says ${1#*,}"
  fi
}

# disk_finding DISK GROUP: prints what is on the disk; nothing if it is blank or a physical volume of GROUP. blkid(8) recognizes signatures
# only; raw database disks have none, hence the check of the bytes.
disk_finding() {
  finding_group=$(pvs --noheadings -o vg_name "$1" 2>/dev/null | tr -d ' ' || true)
  if [ "$finding_group" = "$2" ]; then return 0; fi
  if [ -n "$finding_group" ]; then
    echo "$1 is a physical volume of group $finding_group"
    return 0
  fi
  # A physical volume without a group is ours if this host noted that it was about to create it: a run was interrupted.
  if grep -qsxF "$1" "$SEALIFT_STATE/new-physical-volume" && pvs "$1" >/dev/null 2>&1; then
    return 0
  fi
  # Each command is on its own line: a failure ends the step, whereas in a pipe it would look like "nothing found".
  finding_parts=$(lsblk -nro NAME,TYPE,MOUNTPOINT "$1")
  if [ "$(echo "$finding_parts" | wc -l)" -gt 1 ] || [ "$(echo "$finding_parts" | wc -w)" -gt 2 ]; then
    echo "$1 is in use: $(echo "$finding_parts" | tr '\n' ',')"
    return 0
  fi
  finding_signature=$(wipefs --noheadings --output TYPE,OFFSET "$1")
  if [ -n "$finding_signature" ]; then
    echo "$1 contains a signature: $(echo "$finding_signature" | tr -s ' \n' ' ')"
    return 0
  fi
  finding_bytes=$(blockdev --getsize64 "$1")
  finding_offset=$(first_data "$1" "$finding_bytes")
  if [ -n "$finding_offset" ]; then
    echo "$1 contains data without a known signature, first found at byte ${finding_offset%%"$SEALIFT_LINE_END"*}"
  fi
}

# first_data DISK BYTES: prints the offset of the first sample that is not zero; nothing if all are zero. Samples: the first 8 MiB, the last
# 8 MiB, and 64 KiB at 32 places spread evenly between.
first_data() {
  data_edge=8388608
  if [ "$2" -le $((2 * data_edge)) ]; then
    data_sample "$1" 0 "$2"
    return
  fi
  data_sample "$1" 0 "$data_edge"
  data_sample "$1" $(($2 - data_edge)) "$data_edge"
  data_place=1
  while [ "$data_place" -le 32 ]; do
    data_sample "$1" $(($2 * data_place / 33)) 65536
    data_place=$((data_place + 1))
  done
}

# data_sample DISK OFFSET BYTES: prints OFFSET if any byte is not zero.
data_sample() {
  if ! cmp -s --ignore-initial="$2:0" --bytes="$3" "$1" /dev/zero; then echo "$2"; fi
}
