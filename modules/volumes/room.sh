# Whether the volumes fit into their group, before the first of them is made. Reads only.
# shellcheck disable=SC2154 # group.sh and kernel.sh set what is read here

# Where LVM keeps a copy of what a group consists of, written at each change of it (vgcfgbackup(8)).
GROUP_BACKUP=/etc/lvm/backup

# group_in_use DISK...: whether each volume of group_volumes is active and large enough, together they use every disk, and
# they use no other. What this cannot tell apart from trouble is asked of LVM.
group_in_use() {
  use_disks=
  for use_volume in $(group_each_volume); do
    if ! lv_look "$group_name" "${use_volume%%:*}"; then return 1; fi
    case $use_volume in
      *%) ;;
      *) if [ "$lv_mib" -lt $((${use_volume#*:} * 1024)) ]; then return 1; fi ;;
    esac
    for use_slave in "/sys/block/$lv_node/slaves"/*; do
      if ! group_names "/dev/${use_slave##*/}" "$@"; then return 1; fi
      use_disks="$use_disks /dev/${use_slave##*/}"
    done
  done
  for use_disk; do
    # shellcheck disable=SC2086 # a list of device nodes
    if ! group_names "${use_disk%%,*}" $use_disks; then return 1; fi
  done
  # A disk that is in the group, and that no volume uses yet.
  group_counted
  [ "$group_count" = $# ]
}

# group_counted: sets group_count to how many disks LVM says are in the group; empty where it has no copy of that.
group_counted() {
  group_count=
  if [ ! -r "$GROUP_BACKUP/$group_name" ]; then return 0; fi
  counted_part=
  while read -r counted_word counted_rest; do
    case $counted_word$counted_rest in
      "physical_volumes{") counted_part=yes group_count=0 ;;
      "logical_volumes{") break ;;
      "id="*) if [ -n "$counted_part" ]; then group_count=$((group_count + 1)); fi ;;
    esac
  done <"$GROUP_BACKUP/$group_name"
}

# group_shortage: what does not fit into group_free_mib; nothing when all does.
group_shortage() {
  shortage_asked=0
  for shortage_volume in $(group_each_volume); do
    shortage_name=${shortage_volume%%:*}
    shortage_size=${shortage_volume#*:}
    shortage_has=$(group_volume_mib "$shortage_name")
    case $shortage_size in
      *%)
        if [ "$shortage_has" -gt 0 ]; then continue; fi
        shortage_mib=$(((group_free_mib - shortage_asked) * ${shortage_size%\%} / 100))
        if [ "$shortage_mib" -lt 1024 ]; then
          echo "${shortage_size}FREE for $group_name/$shortage_name is $shortage_mib MiB, and a volume has at least 1024 MiB"
          return 0
        fi
        ;;
      *)
        shortage_mib=$((shortage_size * 1024 - shortage_has))
        if [ "$shortage_mib" -lt 0 ]; then shortage_mib=0; fi
        ;;
    esac
    shortage_asked=$((shortage_asked + shortage_mib))
  done
  if [ "$shortage_asked" -gt "$group_free_mib" ]; then
    echo "the volumes ask for $shortage_asked MiB more, and ${group_disks:+"what is free in "}$group_name has $group_free_mib MiB"
  fi
}

# group_volume_mib VOLUME: its size in MiB; 0 when there is none. An inactive one is known to LVM alone.
group_volume_mib() {
  volume_mib=
  if lv_look "$group_name" "$1"; then
    volume_mib=$lv_mib
  elif [ -n "$group_rows" ]; then
    volume_mib=$(lvs --noheadings --nosuffix --units m -o lv_size "$group_name/$1" 2>/dev/null || true)
    volume_mib=${volume_mib##* }
    volume_mib=${volume_mib%%.*}
  fi
  echo "${volume_mib:-0}"
}

# group_each_volume: NAME:SIZE a line.
group_each_volume() {
  each_rest=$group_volumes,
  while [ -n "$each_rest" ]; do
    echo "${each_rest%%,*}"
    each_rest=${each_rest#*,}
  done
}
