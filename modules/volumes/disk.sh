# What is on a disk, before anybody dares to give it to LVM. Reads only.

# disk_refusal DISK[=SERIAL] GROUP: refuses a disk that is not there, is another one than was meant, or carries anything but
# a physical volume of GROUP.
disk_refusal() {
  if [ ! -b "${1%%=*}" ]; then
    refuse_because E_DISK_ABSENT "$(disk_absence "${1%%=*}")" "correct the name of the disk, or attach it"
  fi
  refusal_found=$(disk_serial_finding "$1")
  if [ -n "$refusal_found" ]; then
    refuse_because E_DISK_SERIAL "$refusal_found" "find out which disk is meant, then correct disk or serial"
  fi
  refusal_found=$(disk_finding "${1%%=*}" "$2")
  if [ -n "$refusal_found" ]; then
    refuse_because E_DISK_IN_USE "$refusal_found" "take another disk, and if its content is really not needed, empty it yourself with wipefs and blkdiscard"
  fi
}

# disk_absence DISK: says what is there instead.
disk_absence() {
  absence_names=
  for absence_link in /dev/disk/by-id/*; do
    case $absence_link in
      *'*' | *-part[0-9]*) ;;
      *) absence_names="$absence_names ${absence_link##*/}" ;;
    esac
  done
  echo "no disk $1; by-id has:${absence_names:- nothing}"
}

# disk_serial_finding DISK[=SERIAL]: nothing when no SERIAL is given, or when it is the disk's own as lsblk(8) shows it.
disk_serial_finding() {
  case $1 in
    *=*) ;;
    *) return 0 ;;
  esac
  serial_found=$(lsblk --nodeps --noheadings --output SERIAL "${1%%=*}")
  # lsblk pads the column.
  serial_found=${serial_found%"${serial_found##*[! ]}"}
  if [ "$serial_found" != "${1#*=}" ]; then
    echo "${1%%=*} has the serial number ${serial_found:-(none)}, and the site says ${1#*=}"
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
