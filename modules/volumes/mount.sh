# Volumes where systemd mounts them, before anything that needs them. Nothing is unmounted.
# shellcheck disable=SC2154 # kernel.sh sets lv_…, core/mounts.sh seen_…, files.sh file_wrong, systemd.sh unit_foreign

# Fact: systemd mounts the volume there with these options, now and at every boot.
# $1 volume group, $2 logical volume, $3 mount point, $4 file system; $5 of each pair nodev/dev, nosuid/suid, noexec/exec,
# noatime/relatime one, with commas between; $6 mode, when the site says that of its top directory
check_mount() {
  mount_unit=$(unit_of_path "$3")
  if ! lv_look "$1" "$2"; then
    echo "no such volume"
    return 1
  fi
  if ! file_is "/etc/systemd/system/$mount_unit" "$(mount_unit_text "$1" "$2" "$3" "$4" "$5" "$(known_uuid "$lv_node")")"; then
    echo "$file_wrong"
    return 1
  fi
  if unit_strangers "$mount_unit" ""; then
    echo "$mount_unit is made or changed by$unit_foreign"
    return 1
  fi
  if ! unit_is_wanted "$mount_unit"; then
    echo "$mount_unit is not started at boot"
    return 1
  fi
  if ! mount_look "$3"; then
    echo "nothing mounted at $3"
    return 1
  fi
  if ! mount_is_volume; then
    echo "$seen_source mounted at $3"
    return 1
  fi
  mount_found=$(mount_options_finding "$5")
  if [ -n "$mount_found" ]; then
    echo "mounted at $3$mount_found"
    return 1
  fi
  if [ -z "${6-}" ]; then mount_open "$3"; fi
}
guard_mount() {
  refuse_strangers "$(unit_of_path "$3")" ""
  if ! lv_look "$1" "$2"; then lv_node=none; fi
  if mount_look "$3"; then
    if mount_is_volume; then return 0; fi
    refuse_because E_MOUNT_POINT "$seen_source is mounted at $3" "unmount it yourself, and see that it does not come back with the next boot"
  fi
  if [ -L "$3" ] || { [ -e "$3" ] && [ ! -d "$3" ]; }; then
    refuse_because E_MOUNT_POINT "$3 is not a directory" "move it away"
  fi
  # root would make it, and what cannot be changed, where the link leads; systemd mounts nothing there (systemd.mount(5)).
  mount_real=$(readlink -m "$3")
  if [ "$mount_real" != "$3" ]; then
    refuse_because E_MOUNT_POINT "$3 leads to $mount_real by a symbolic link" "remove the link, or name $mount_real as the mount"
  fi
  mount_entries=$(find "$3" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l)
  if [ "$mount_entries" -gt 0 ]; then
    refuse_because E_MOUNT_POINT "$3 holds $mount_entries entries that the mount would hide" "move them away"
  fi
  if mount_of "$lv_node"; then
    refuse_because E_MOUNT_POINT "$1/$2 is mounted at $seen_point already" "unmount it there yourself, and see that it does not come back with the next boot"
  fi
}
apply_mount() {
  guard_mount "$@"
  mount_unit=$(unit_of_path "$3")
  if ! mount_look "$3"; then
    mkdir -p "$3"
    # A service that starts without its volume fails here instead of filling the root disk.
    chattr +i "$3"
  fi
  file_put "/etc/systemd/system/$mount_unit" "$(mount_unit_text "$1" "$2" "$3" "$4" "$5" "$(blkid -p -s UUID -o value "/dev/$1/$2")")"
  systemctl enable --no-reload --quiet "$mount_unit"
  # systemd reads what it has never seen by itself; to read everything again takes it seconds on a slow host.
  if [ "$(systemctl show -P NeedDaemonReload "$mount_unit")" = yes ]; then systemctl daemon-reload; fi
  # udev can miss that mkfs has closed the device, and then there is no by-uuid name to wait for.
  timeout 60 udevadm trigger --settle --action=change "$(readlink -f "/dev/$1/$2")"
  systemctl reset-failed "$mount_unit" 2>/dev/null || true
  timeout 120 systemctl start "$mount_unit"
  # In use, and it stays so: new options take hold without an unmount.
  timeout 60 mount -o "remount,$5" "$3"
}

# mount_unit_text GROUP VOLUME MOUNT TYPE OPTIONS UUID: systemd.mount(5). By UUID, so that the unit means this file system.
mount_unit_text() {
  printf '%s\n' "# Made by Sealift: $1/$2" "[Unit]" "Before=local-fs.target" "" \
    "[Mount]" "What=/dev/disk/by-uuid/$6" "Where=$3" "Type=$4" "Options=$5" "" \
    "[Install]" "WantedBy=local-fs.target"
}

# mount_is_volume: whether what mount_look has seen is the whole file system on the volume that lv_look has found.
mount_is_volume() {
  if [ ! -r "/sys/block/$lv_node/dev" ]; then return 1; fi
  read -r is_device <"/sys/block/$lv_node/dev"
  [ "$seen_device $seen_root" = "$is_device /" ]
}

# mount_options_finding OPTIONS: where what mount_look has seen differs from them; " without nosuid with noexec".
mount_options_finding() {
  for options_flag in nodev nosuid noexec noatime; do
    case ,$1, in
      *,"$options_flag",*)
        case $seen_options in
          *,"$options_flag",*) ;;
          *) printf ' without %s' "$options_flag" ;;
        esac
        ;;
      *)
        case $seen_options in
          *,"$options_flag",*) printf ' with %s' "$options_flag" ;;
        esac
        ;;
    esac
  done
}

# known_uuid NODE: the UUID by which udev knows the block device; nothing when it does not.
known_uuid() {
  for known_link in /dev/disk/by-uuid/*; do
    if [ "$known_link" -ef "/dev/$1" ]; then
      echo "${known_link##*/}"
      return
    fi
  done
}

# unit_is_wanted UNIT: whether local-fs.target starts it: what `systemctl enable` leaves behind.
unit_is_wanted() {
  [ "/etc/systemd/system/local-fs.target.wants/$1" -ef "/etc/systemd/system/$1" ]
}
