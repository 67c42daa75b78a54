# Whether the volumes fit into their group, checked before the first of them is created. Reads only.
# shellcheck disable=SC2154 # group.sh and kernel.sh set what is read here

# LVM's backup of the group's metadata, written at each change (vgcfgbackup(8)).
GROUP_BACKUP=/etc/lvm/backup

# group_in_use DISK...: whether each volume of group_volumes is active and large enough, and together they use all of these disks and no
# other. If not, LVM is asked for details.
group_in_use() {
  use_disks=
  for use_volume in $(group_each_volume); do
    if ! lv_inspect "$group_name" "${use_volume%%:*}"; then return 1; fi
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
  # A disk may be in the group without being used by a volume.
  group_counted
  [ "$group_count" = $# ]
}

# group_counted: sets group_count to the number of disks in the group according to LVM's backup; empty without a backup.
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

# group_shortage: prints what does not fit into group_free_mib; nothing if everything fits.
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
          echo "${shortage_size}FREE for $group_name/$shortage_name is $shortage_mib MiB; minimum: 1024 MiB"
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
    echo "the volumes need $shortage_asked MiB more, but $group_name has $group_free_mib MiB${group_disks:+" free"}"
  fi
}

# group_volume_mib VOLUME: prints its size in MiB; 0 if there is none. Only LVM knows an inactive volume.
group_volume_mib() {
  volume_mib=
  if lv_inspect "$group_name" "$1"; then
    volume_mib=$lv_mib
  elif [ -n "$group_rows" ]; then
    volume_mib=$(lvs --noheadings --nosuffix --units m -o lv_size "$group_name/$1" 2>/dev/null || true)
    volume_mib=${volume_mib##* }
    volume_mib=${volume_mib%%.*}
  fi
  echo "${volume_mib:-0}"
}

# group_each_volume: prints NAME:SIZE, one per line.
group_each_volume() {
  each_rest=$group_volumes,
  while [ -n "$each_rest" ]; do
    echo "${each_rest%%,*}"
    each_rest=${each_rest#*,}
  done
}
