# Logical volumes: created, activated, grown. Never shrunk, never removed.
# shellcheck disable=SC2154 # kernel.sh sets lv_node and lv_mib

# Fact: the logical volume is active, linear or striped, and has this size.
# $1 volume group, $2 logical volume, $3 GiB, or N% of the free space of the group at creation (then any size)
check_logical_volume() {
  if ! lv_inspect "$1" "$2"; then
    echo "no such volume, or not active"
    return 1
  fi
  if lv_stands_on_volumes "$lv_node"; then
    echo "not a plain volume: it is built on other logical volumes"
    return 1
  fi
  case $3 in
    *%) return 0 ;;
  esac
  if [ "$lv_mib" -ne $(($3 * 1024)) ]; then
    echo "$lv_mib MiB"
    return 1
  fi
}
guard_logical_volume() {
  volume_row=$(lvs --noheadings --nosuffix --units m -o lv_size,lv_layout,lv_role "$1/$2" 2>/dev/null || true)
  read -r volume_mib volume_layout volume_role <<EOF
$volume_row
EOF
  if [ -z "$volume_mib" ]; then return 0; fi
  volume_mib=${volume_mib%%.*}
  if [ "$volume_layout" != linear ] && [ "$volume_layout" != striped ]; then
    refuse E_VOLUME_KIND "$1/$2 is $volume_layout" "use another name for the volume, or move its data to a linear volume manually"
  fi
  case $3 in
    *%) return 0 ;;
  esac
  if [ "$volume_mib" -gt $(($3 * 1024)) ]; then
    refuse E_SHRINK "$1/$2 is $volume_mib MiB and would shrink to $(($3 * 1024)) MiB" "set at least its present size: volumes are never shrunk"
  fi
  case $volume_mib,$volume_role in
    $(($3 * 1024)),*) ;;
    *origin*) refuse E_VOLUME_KIND "$1/$2 has a snapshot and cannot grow until it is removed" "remove the snapshot after its backup has finished" ;;
  esac
}
apply_logical_volume() {
  guard_logical_volume "$@"
  # The group exists, so the note about unfinished physical volumes is obsolete.
  rm -f "$SEALIFT_STATE/new-physical-volume"
  if [ -z "$volume_mib" ]; then
    case $3 in
      *%) volume_size="--extents=${3}FREE" ;;
      *) volume_size="--size=${3}g" ;;
    esac
    # The tag marks a volume that nobody has used yet; only such a volume is formatted. --wipesignatures affects the new volume only.
    timeout 120 lvcreate --yes --wipesignatures y --addtag sealift_new "$volume_size" --name "$2" "$1"
    return
  fi
  timeout 120 lvchange --activate y "$1/$2"
  case $3 in
    *%) ;;
    *) if [ "$volume_mib" -lt $(($3 * 1024)) ]; then timeout 120 lvextend --size "${3}g" "$1/$2"; fi ;;
  esac
}
