# What an author of a site file has to know about a host. Read-only.
# shellcheck disable=SC2154 # mounts.sh sets seen_…, disk-nodes.sh disk_nodes

# Fact: always holds. The value describes the host in one line of words: hostname=<name>; arch=<as dpkg reports>; route=<network>;
# mount=<path>,<xfs or ext4>,<bytes>,<bytes available>; disk=<path below /dev/disk/by-id, or by-path for a disk without an
# id>,<bytes>,<serial or ->,<blank|used>,<its device node>,<all device nodes of the disk, separated by plus signs>; a disk appears once per
# name.
check_inventory() { :; }
apply_inventory() { :; }
value_inventory() {
  inventory_words="hostname=$(uname -n) arch=$(dpkg --print-architecture 2>/dev/null || uname -m)"
  inventory_words="$inventory_words $(ip -4 -o route show table all 2>/dev/null | awk '$1 ~ /^[0-9.]+\/[0-9]+$/ { print "route=" $1 }' | sort -u | head -n 200 | tr '\n' ' ')"
  for inventory_mount in $(inventory_mounts); do
    if inventory_suits "$inventory_mount"; then
      inventory_words="$inventory_words mount=$inventory_mount,$seen_type,$(timeout 60 stat --file-system --format '%b %a %S' "$inventory_mount" | awk '{ printf "%.0f,%.0f", $1 * $3, $2 * $3 }')"
    fi
  done
  inventory_nodes=" "
  for inventory_link in /dev/disk/by-id/*; do inventory_disk "$inventory_link"; done
  # Disks have no ids if the hypervisor of a virtual machine sets no serial numbers.
  inventory_named=$inventory_nodes
  for inventory_link in /dev/disk/by-path/*; do
    if [ ! -b "$inventory_link" ]; then continue; fi
    inventory_node=$(readlink -f "$inventory_link")
    case $inventory_named in *" ${inventory_node#/dev/} "*) ;; *) inventory_disk "$inventory_link" ;; esac
  done
  echo "$inventory_words"
}

# inventory_disk LINK: adds a whole disk to inventory_words and its node to inventory_nodes. The reader accepts at most 16 KiB per line.
inventory_disk() {
  if [ ! -b "$1" ] || [ "${#inventory_words}" -gt 15000 ]; then return 0; fi
  case ${1##*/} in *-part[0-9]* | dm-name-* | dm-uuid-LVM-* | lvm-* | md-*) return 0 ;; esac
  inventory_node=$(readlink -f "$1")
  inventory_node=${inventory_node#/dev/}
  case $inventory_node in
    sr* | loop* | zram* | ram*) return 0 ;;
    dm-*)
      # Of the device-mapper devices, only a multipath device is a disk.
      inventory_uuid=
      { read -r inventory_uuid; } 2>/dev/null <"/sys/class/block/$inventory_node/dm/uuid" || true
      case $inventory_uuid in mpath-*) ;; *) return 0 ;; esac
      ;;
  esac
  inventory_nodes="$inventory_nodes$inventory_node "
  inventory_words="$inventory_words disk=$1,$(blockdev --getsize64 "/dev/$inventory_node"),$(inventory_serial "/dev/$inventory_node"),$(inventory_use "/dev/$inventory_node"),$inventory_node"
  disk_nodes "$inventory_node"
  inventory_words="$inventory_words,$(echo "${disk_nodes# }" | tr " " +)"
}

# inventory_serial DISK: prints the serial number as the site file accepts it; - if there is none or the site file would reject it.
inventory_serial() {
  inventory_found=$(lsblk --nodeps --noheadings --output SERIAL "$1" 2>/dev/null || true)
  inventory_found=${inventory_found%"${inventory_found##*[! ]}"}
  case $inventory_found in
    "" | [!A-Za-z0-9]* | *[!A-Za-z0-9._:+-]*) echo - ;;
    *) echo "$inventory_found" ;;
  esac
}

# inventory_use DISK: prints blank or used: a blank disk has no signature, partition, mount or holder. The volumes phase samples its content
# before it writes.
inventory_use() {
  if [ "$(lsblk --noheadings "$1" 2>/dev/null | wc -l)" -gt 1 ]; then echo used; return; fi
  if [ -n "$(wipefs --noheadings "$1" 2>/dev/null)" ]; then echo used; return; fi
  if [ -n "$(lsblk --nodeps --noheadings --output MOUNTPOINT "$1" 2>/dev/null | tr -d ' ')" ]; then echo used; return; fi
  echo blank
}

# inventory_mounts: prints the mount points that a site file could name, without those of the operating system.
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

# inventory_suits MOUNT: whether containers could store data there: a whole xfs or ext4 file system from which programs can run and which is
# mounted at boot. Sets the variables of mount_inspect.
inventory_suits() {
  if ! mount_inspect "$1" || [ "$seen_root" != / ]; then return 1; fi
  case $seen_type,$seen_options$seen_super in
    *,ro,* | *,noexec,*) return 1 ;;
    xfs,* | ext4,*) ;;
    *) return 1 ;;
  esac
  [ -z "$(mount_file_system_finding "$1" "$seen_type")$(mount_boot_finding "$1")" ]
}

# Fact: always holds. The value is <bytes> <bytes used> of the file system mounted there.
# $1 mount point
check_fill() {
  stat --file-system --format '%b %f %S' "$1" 2>/dev/null | awk '{ printf "%.0f %.0f\n", $1 * $3, ($1 - $2) * $3 }'
  return 1
}
apply_fill() {
  echo "disk usage is only reported, never changed"
  return 1
}

# Fact: always holds. The value is the expiry of the certificate, as openssl prints it.
# $1 path, PEM
check_ends() {
  openssl x509 -in "$1" -noout -enddate 2>/dev/null | sed 's/^notAfter=//'
  return 1
}
apply_ends() {
  echo "certificate expiry is only reported, never changed"
  return 1
}
