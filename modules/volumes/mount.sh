# Mount units of volumes, ordered before everything that needs them. Nothing is unmounted.
# shellcheck disable=SC2154 # kernel.sh sets lv_…, core/mounts.sh seen_…, files.sh file_wrong, systemd.sh unit_foreign

# Fact: systemd mounts the volume there with these options, now and at every boot.
# $1 volume group, $2 logical volume, $3 mount point, $4 file system; $5 one of each pair nodev/dev, nosuid/suid, noexec/exec,
# noatime/relatime, separated by commas; $6 mode of the top directory, if the site sets one
check_mount() {
  mount_unit=$(unit_of_path "$3")
  if ! lv_inspect "$1" "$2"; then
    echo "no such volume"
    return 1
  fi
  if ! file_is "/etc/systemd/system/$mount_unit" "$(mount_unit_text "$1" "$2" "$3" "$4" "$5" "$(known_uuid "$lv_node")")"; then
    echo "$file_wrong"
    return 1
  fi
  if unit_unmanaged "$mount_unit" ""; then
    echo "$mount_unit is made or changed by$unit_foreign"
    return 1
  fi
  if ! unit_is_wanted "$mount_unit"; then
    echo "$mount_unit is not started at boot"
    return 1
  fi
  if ! mount_inspect "$3"; then
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
  refuse_unmanaged "$(unit_of_path "$3")" ""
  if ! lv_inspect "$1" "$2"; then lv_node=none; fi
  if mount_inspect "$3"; then
    if mount_is_volume; then return 0; fi
    refuse E_MOUNT_POINT "$seen_source is mounted at $3" "unmount it manually, and make sure that it is not mounted again at boot"
  fi
  if [ -L "$3" ] || { [ -e "$3" ] && [ ! -d "$3" ]; }; then
    refuse E_MOUNT_POINT "$3 is not a directory" "move it elsewhere"
  fi
  # root would create it, and set its immutable attribute, where the link leads; systemd refuses to mount there (systemd.mount(5)).
  mount_real=$(readlink -m "$3")
  if [ "$mount_real" != "$3" ]; then
    refuse E_MOUNT_POINT "$3 is reached through a symbolic link and resolves to $mount_real" "remove the link, or use $mount_real as the mount point"
  fi
  mount_entries=$(find "$3" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l)
  if [ "$mount_entries" -gt 0 ]; then
    refuse E_MOUNT_POINT "$3 contains $mount_entries entries that the mount would hide" "move them elsewhere"
  fi
  if mount_of "$lv_node"; then
    refuse E_MOUNT_POINT "$1/$2 is already mounted at $seen_point" "unmount it manually, and make sure that it is not mounted there again at boot"
  fi
}
apply_mount() {
  guard_mount "$@"
  mount_unit=$(unit_of_path "$3")
  if ! mount_inspect "$3"; then
    mkdir -p "$3"
    # Makes a service that starts without its volume fail instead of filling the root disk.
    chattr +i "$3"
  fi
  file_put "/etc/systemd/system/$mount_unit" "$(mount_unit_text "$1" "$2" "$3" "$4" "$5" "$(blkid -p -s UUID -o value "/dev/$1/$2")")"
  systemctl enable --no-reload --quiet "$mount_unit"
  # systemd reads a new unit by itself; reloading all units takes seconds on a slow host.
  if [ "$(systemctl show -P NeedDaemonReload "$mount_unit")" = yes ]; then systemctl daemon-reload; fi
  # udev can miss that mkfs has closed the device; then the by-uuid link never appears.
  timeout 60 udevadm trigger --settle --action=change "$(readlink -f "/dev/$1/$2")"
  systemctl reset-failed "$mount_unit" 2>/dev/null || true
  timeout 120 systemctl start "$mount_unit"
  # In use, and it stays so: new options take effect without an unmount.
  timeout 60 mount -o "remount,$5" "$3"
}

# mount_unit_text GROUP VOLUME MOUNT TYPE OPTIONS UUID: prints the unit: systemd.mount(5). The UUID identifies this file system.
mount_unit_text() {
  printf '%s\n' "# Made by Sealift: $1/$2" "[Unit]" "Before=local-fs.target" "" \
    "[Mount]" "What=/dev/disk/by-uuid/$6" "Where=$3" "Type=$4" "Options=$5" "" \
    "[Install]" "WantedBy=local-fs.target"
}

# mount_is_volume: after mount_inspect and lv_inspect: whether the whole file system of that volume is mounted there.
mount_is_volume() {
  if [ ! -r "/sys/block/$lv_node/dev" ]; then return 1; fi
  read -r is_device <"/sys/block/$lv_node/dev"
  [ "$seen_device $seen_root" = "$is_device /" ]
}

# mount_options_finding OPTIONS: prints how the options found by mount_inspect differ; " without nosuid with noexec".
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

# known_uuid NODE: prints the UUID of the block device according to udev; nothing if unknown.
known_uuid() {
  for known_link in /dev/disk/by-uuid/*; do
    if [ "$known_link" -ef "/dev/$1" ]; then
      echo "${known_link##*/}"
      return
    fi
  done
}

# unit_is_wanted UNIT: whether local-fs.target starts it, as set by `systemctl enable`.
unit_is_wanted() {
  [ "/etc/systemd/system/local-fs.target.wants/$1" -ef "/etc/systemd/system/$1" ]
}
