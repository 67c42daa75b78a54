# Volumes of the group: made, made active, grown. Never shrunk, never removed.
# shellcheck disable=SC2154 # kernel.sh sets lv_node and lv_mib

# Fact: the logical volume is active, plain, and has this size.
# $1 volume group, $2 logical volume, $3 GiB, or N% of what is free in the group when it is made: of any size afterwards
check_logical_volume() {
  if ! lv_look "$1" "$2"; then
    echo "no such volume, or it is not active"
    return 1
  fi
  if lv_stands_on_volumes "$lv_node"; then
    echo "not a plain volume: it stands on other logical volumes"
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
    refuse_because E_VOLUME_KIND "$1/$2 is $volume_layout" "take another name for the volume, or move its data to a linear volume yourself"
  fi
  case $3 in
    *%) return 0 ;;
  esac
  if [ "$volume_mib" -gt $(($3 * 1024)) ]; then
    refuse_because E_SHRINK "$1/$2 is $volume_mib MiB and would shrink to $(($3 * 1024)) MiB" "write at least the size that it has, because volumes are never shrunk"
  fi
  case $volume_mib,$volume_role in
    $(($3 * 1024)),*) ;;
    *origin*) refuse_because E_VOLUME_KIND "$1/$2 has a snapshot and does not grow while it has one" "remove the snapshot when its backup is done" ;;
  esac
}
apply_logical_volume() {
  guard_logical_volume "$@"
  # The group is there, so nothing that the note says is unfinished any more.
  rm -f "$SEALIFT_STATE/new-physical-volume"
  if [ -z "$volume_mib" ]; then
    case $3 in
      *%) volume_size="--extents=${3}FREE" ;;
      *) volume_size="--size=${3}g" ;;
    esac
    # The tag says that nobody has used this volume yet: it alone allows mkfs. --wipesignatures concerns the new volume.
    timeout 120 lvcreate --yes --wipesignatures y --addtag sealift_new "$volume_size" --name "$2" "$1"
    return
  fi
  timeout 120 lvchange --activate y "$1/$2"
  case $3 in
    *%) ;;
    *) if [ "$volume_mib" -lt $(($3 * 1024)) ]; then timeout 120 lvextend --size "${3}g" "$1/$2"; fi ;;
  esac
}
