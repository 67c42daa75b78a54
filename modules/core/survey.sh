# What a person has to know of a host before the first word of its site file is written. Only ever looked at.
# shellcheck disable=SC2154 # mounts.sh sets seen_…

# Fact: there is nothing to tell; what there is, is told in one line of words, disks first.
# disk=<path below /dev/disk/by-id>,<bytes>,<serial or ->,<blank|used>; mount=<path>,<xfs or ext4>,<bytes>,<bytes available>;
# route=<network>; hostname=<name>; arch=<as dpkg says>
check_inventory() {
  inventory_words="hostname=$(uname -n) arch=$(dpkg --print-architecture 2>/dev/null || uname -m)"
  for inventory_link in /dev/disk/by-id/*; do
    if [ ! -b "$inventory_link" ]; then continue; fi
    case $inventory_link in *-part[0-9]*|*/dm-*|*/lvm-*|*/md-*) continue ;; esac
    inventory_disk=$(readlink -f "$inventory_link")
    case $inventory_disk in /dev/sr*|/dev/loop*) continue ;; esac
    inventory_words="$inventory_words disk=$inventory_link,$(blockdev --getsize64 "$inventory_disk"),$(inventory_serial "$inventory_disk"),$(inventory_use "$inventory_disk")"
  done
  for inventory_mount in $(inventory_mounts); do
    if inventory_suits "$inventory_mount"; then
      inventory_words="$inventory_words mount=$inventory_mount,$seen_type,$(timeout 60 stat --file-system --format '%b %a %S' "$inventory_mount" | awk '{ printf "%.0f,%.0f", $1 * $3, $2 * $3 }')"
    fi
  done
  inventory_words="$inventory_words $(ip -4 -o route show table all 2>/dev/null | awk '$1 ~ /^[0-9.]+\/[0-9]+$/ { print "route=" $1 }' | sort -u | tr '\n' ' ')"
  echo "$inventory_words"
  return 1
}
apply_inventory() {
  echo "an inventory is only ever looked at"
  return 1
}

inventory_serial() {
  inventory_found=$(lsblk --nodeps --noheadings --output SERIAL "$1" 2>/dev/null | tr -d ' ')
  echo "${inventory_found:--}"
}

# Without a signature, a part, a mount and a holder. Whether its bytes are blank the volumes phase samples before it writes.
inventory_use() {
  if [ "$(lsblk --noheadings "$1" 2>/dev/null | wc -l)" -gt 1 ]; then echo used; return; fi
  if [ -n "$(wipefs --noheadings "$1" 2>/dev/null)" ]; then echo used; return; fi
  if [ -n "$(lsblk --nodeps --noheadings --output MOUNTPOINT "$1" 2>/dev/null | tr -d ' ')" ]; then echo used; return; fi
  echo blank
}

# inventory_mounts: mount points that a site file could name, each once, without those that belong to the system itself.
inventory_mounts() {
  while read -r _ _ _ _ inventory_point _; do
    case $inventory_point in
      / | /boot | /boot/* | /dev/* | /etc | /etc/* | /home | /opt | /proc/* | /root | /run/* | /snap/* | /sys/* | /tmp | /usr | /usr/*) ;;
      /var | /var/cache | /var/lib | /var/log | /var/log/* | /var/spool | /var/tmp) ;;
      *[!A-Za-z0-9._/-]* | */[.-]*) ;;
      *) echo "$inventory_point" ;;
    esac
  done </proc/self/mountinfo | sort -u
}

# inventory_suits MOUNT: whether it could hold what containers leave: a whole xfs or ext4 that programs may be run from and that comes
# back at boot. Sets the variables of mount_look.
inventory_suits() {
  if ! mount_look "$1" || [ "$seen_root" != / ]; then return 1; fi
  case $seen_type,$seen_options$seen_super in
    *,ro,* | *,noexec,*) return 1 ;;
    xfs,* | ext4,*) ;;
    *) return 1 ;;
  esac
  [ -z "$(mount_file_system_finding "$1" "$seen_type")$(mount_boot_finding "$1")" ]
}

# Fact: there is nothing to tell of the file system that is mounted there; what there is, is told as <bytes> <bytes used>.
# $1 mount point
check_fill() {
  stat --file-system --format '%b %f %S' "$1" 2>/dev/null | awk '{ printf "%.0f %.0f\n", $1 * $3, ($1 - $2) * $3 }'
  return 1
}
apply_fill() {
  echo "what is used is only ever looked at"
  return 1
}

# Fact: there is nothing to tell of a certificate; what there is, is told as openssl writes the time of its end.
# $1 path, PEM
check_ends() {
  openssl x509 -in "$1" -noout -enddate 2>/dev/null | sed 's/^notAfter=//'
  return 1
}
apply_ends() {
  echo "when a certificate ends is only ever looked at"
  return 1
}
