# Active logical volumes as the kernel shows them in /sys. Reads only, without starting a process. device-mapper names a volume
# GROUP-VOLUME, with hyphens in either name doubled (lvm2 2.03.31, lib/misc/lvm-string.c).
# shellcheck disable=SC2034 # what is set here is read by the other files of the library

# lv_inspect GROUP VOLUME: fails if the volume is not active, otherwise sets
#   lv_node   dm-3
#   lv_mib    size in MiB (2^20 bytes), rounded down
lv_inspect() {
  lv_double "$1"
  lv_mapped=$lv_doubled
  lv_double "$2"
  lv_mapped=$lv_mapped-$lv_doubled
  for lv_entry in /sys/block/dm-*; do
    if [ ! -r "$lv_entry/dm/name" ]; then continue; fi
    read -r lv_name <"$lv_entry/dm/name" || continue
    if [ "$lv_name" != "$lv_mapped" ]; then continue; fi
    read -r lv_uuid <"$lv_entry/dm/uuid" || lv_uuid=
    case $lv_uuid in
      LVM-*) ;;
      *) continue ;;
    esac
    lv_node=${lv_entry##*/}
    read -r lv_sectors <"$lv_entry/size"
    lv_mib=$((lv_sectors / 2048))
    return 0
  done
  return 1
}

# lv_double NAME: sets lv_doubled to the name with hyphens doubled.
lv_double() {
  double_rest=$1
  lv_doubled=
  while :; do
    case $double_rest in
      *-*) lv_doubled=$lv_doubled${double_rest%%-*}-- ;;
      *)
        lv_doubled=$lv_doubled$double_rest
        return 0
        ;;
    esac
    double_rest=${double_rest#*-}
  done
}

# lv_stands_on_volumes NODE: whether the volume is built on another logical volume: thin, cache or raid. A snapshot also puts a layer named
# -real below its origin; it does not count, because it disappears with the snapshot.
lv_stands_on_volumes() {
  for lv_below in "/sys/block/$1/slaves"/dm-*; do
    if [ ! -r "$lv_below/dm/uuid" ]; then continue; fi
    read -r lv_uuid <"$lv_below/dm/uuid" || continue
    case $lv_uuid in
      LVM-*-real) ;;
      LVM-*) return 0 ;;
    esac
  done
  return 1
}
