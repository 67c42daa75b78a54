# What is on a disk, before anybody dares to give it to LVM. Reads only.

# disk_refusal DISK[,SERIAL] GROUP: refuses a disk that is not there, is another one than was meant, or carries anything but
# a physical volume of GROUP.
disk_refusal() {
  if [ ! -b "${1%%,*}" ]; then
    refuse_because E_DISK_ABSENT "$(disk_absence "${1%%,*}")" "$(disk_absence_remedy)"
  fi
  refusal_found=$(disk_serial_finding "$1")
  if [ -n "$refusal_found" ]; then
    refuse_because E_DISK_SERIAL "$refusal_found" "find out which disk is meant, then correct disk or serial"
  fi
  refusal_found=$(disk_finding "${1%%,*}" "$2")
  if [ -n "$refusal_found" ]; then
    refuse_because E_DISK_IN_USE "$refusal_found" "$(disk_in_use_remedy "${1%%,*}")"
  fi
}

# disk_in_use_remedy DISK: how somebody else's disk is freed. A path of a multipath disk needs another name, not an empty disk; and a
# discard leaves what the disk pleases, so that only zeros that were written, or a zero-out, pass the look at its bytes (blkdiscard(8)).
disk_in_use_remedy() {
  remedy_node=$(readlink -f "$1")
  for remedy_holder in "/sys/class/block/${remedy_node##*/}/holders"/*; do
    remedy_uuid=
    { read -r remedy_uuid; } 2>/dev/null <"$remedy_holder/dm/uuid" || continue
    case $remedy_uuid in
      mpath-*)
        echo "multipathd holds it: name /dev/disk/by-id/dm-uuid-$remedy_uuid in its place, or blacklist a disk with one path in /etc/multipath.conf"
        return 0
        ;;
    esac
  done
  echo "take another disk, or if nobody needs what is on it, empty it yourself so that all of it reads as zeros: wipefs --all, then blkdiscard --zeroout or dd if=/dev/zero"
}

# disk_absence DISK: says what is there instead.
disk_absence() {
  disk_names /dev/disk/by-id
  absence_found="no disk $1, by-id has:${disk_names:- nothing}"
  if [ -z "$disk_names" ]; then
    disk_names /dev/disk/by-path
    absence_found="$absence_found, by-path has:${disk_names:- nothing}"
  fi
  echo "$absence_found"
}

# disk_absence_remedy: udev makes an id of a serial number, and a virtual machine has none unless its hypervisor gives one.
disk_absence_remedy() {
  disk_names /dev/disk/by-id
  if [ -n "$disk_names" ]; then
    echo "correct the name of the disk, or attach it"
    return 0
  fi
  absence_maker=
  { read -r absence_maker; } 2>/dev/null <"$SEALIFT_ROOT/sys/class/dmi/id/sys_vendor" || true
  case $absence_maker in
    VMware*) absence_todo="set disk.EnableUUID = TRUE in the virtual machine's configuration and start it again, so that its disks have ids" ;;
    *) absence_todo="give the disk a serial number in the hypervisor (serial= in QEMU and libvirt), so that it has an id" ;;
  esac
  echo "$absence_todo, or name it by its place, below /dev/disk/by-path/"
}

# disk_names FOLDER: sets disk_names, the names of whole disks there, each with a blank before it. What was made of other disks is left
# out, except for multipath.
disk_names() {
  disk_names=
  for names_link in "$SEALIFT_ROOT$1"/*; do
    case ${names_link##*/} in
      '*' | *-part[0-9]* | lvm-* | md-* | dm-name-* | dm-uuid-LVM-*) ;;
      *) disk_names="$disk_names ${names_link##*/}" ;;
    esac
  done
}

# disk_serial_finding DISK[,SERIAL]: nothing when no SERIAL is given, or when it is the disk's own as lsblk(8) shows it.
disk_serial_finding() {
  case $1 in
    *,*) ;;
    *) return 0 ;;
  esac
  serial_found=$(lsblk --nodeps --noheadings --output SERIAL "${1%%,*}")
  # lsblk pads the column.
  serial_found=${serial_found%"${serial_found##*[! ]}"}
  if [ "$serial_found" != "${1#*,}" ]; then
    echo "${1%%,*} has the serial number ${serial_found:-(none)}, and the site says ${1#*,}"
  fi
}

# disk_finding DISK GROUP: what is on the disk; nothing when it is blank or a physical volume of GROUP.
# blkid(8) sees signatures; raw database disks have none, hence the look at the bytes themselves.
disk_finding() {
  finding_group=$(pvs --noheadings -o vg_name "$1" 2>/dev/null | tr -d ' ' || true)
  if [ "$finding_group" = "$2" ]; then return 0; fi
  if [ -n "$finding_group" ]; then
    echo "$1 is a physical volume of group $finding_group"
    return 0
  fi
  # A physical volume without a group is ours when this host noted that it was about to make it: a run was cut off.
  if grep -qsxF "$1" "$SEALIFT_STATE/new-physical-volume" && pvs "$1" >/dev/null 2>&1; then
    return 0
  fi
  # Each look on a line of its own: a look that fails ends the step, where in a pipe it would pass for "nothing there".
  finding_parts=$(lsblk -nro NAME,TYPE,MOUNTPOINT "$1")
  if [ "$(echo "$finding_parts" | wc -l)" -gt 1 ] || [ "$(echo "$finding_parts" | wc -w)" -gt 2 ]; then
    echo "$1 is in use: $(echo "$finding_parts" | tr '\n' ',')"
    return 0
  fi
  finding_signature=$(wipefs --noheadings --output TYPE,OFFSET "$1")
  if [ -n "$finding_signature" ]; then
    echo "$1 carries a signature: $(echo "$finding_signature" | tr -s ' \n' ' ')"
    return 0
  fi
  finding_bytes=$(blockdev --getsize64 "$1")
  finding_offset=$(first_data "$1" "$finding_bytes")
  if [ -n "$finding_offset" ]; then
    echo "$1 carries data without a known signature, first seen at byte ${finding_offset%%"$SEALIFT_LINE_END"*}"
  fi
}

# first_data DISK BYTES: where the first sample that is not zero begins; nothing when all are zero. Samples: the first
# 8 MiB, the last 8 MiB, and 64 KiB at 32 places spread evenly between.
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

# data_sample DISK OFFSET BYTES: OFFSET when there is a byte that is not zero.
data_sample() {
  if ! cmp -s --ignore-initial="$2:0" --bytes="$3" "$1" /dev/zero; then echo "$2"; fi
}
