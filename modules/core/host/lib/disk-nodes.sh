# Device nodes that lead to the same disk.

# disk_nodes NODE: sets disk_nodes to the nodes below /dev that lead to the same disk, each after a blank: one, or one for each path of a
# disk without multipath. Two nodes are one disk if the kernel has the same world-wide number for both (sysfs, attribute wwid). A vendor
# identifier (t10.) is ignored, because it may be the same for a whole product series. For NVMe the kernel joins paths itself; further nodes
# exist only in sysfs.
disk_nodes() {
  disk_number "$1"
  disk_nodes=" $1"
  nodes_number=$disk_number
  case $nodes_number in naa.* | eui.* | nvme.* | uuid.*) ;; *) return 0 ;; esac
  disk_nodes=
  for nodes_path in "$SEALIFT_ROOT/sys/class/block"/*; do
    if [ ! -e "$SEALIFT_ROOT/dev/${nodes_path##*/}" ]; then continue; fi
    disk_number "${nodes_path##*/}"
    if [ "$disk_number" = "$nodes_number" ]; then disk_nodes="$disk_nodes ${nodes_path##*/}"; fi
  done
}

# disk_number NODE: sets disk_number; empty for a partition and for a disk without one.
disk_number() {
  disk_number=
  for number_file in device/wwid wwid; do
    if { read -r disk_number; } 2>/dev/null <"$SEALIFT_ROOT/sys/class/block/$1/$number_file"; then return 0; fi
  done
  return 0
}
