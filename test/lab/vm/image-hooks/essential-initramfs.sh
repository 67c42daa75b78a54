#!/bin/sh
# Before the kernel is installed: its initramfs carries just what finds the lab's root disk.
set -eu
root=$1
mkdir -p "$root/etc/initramfs-tools/conf.d"
echo 'MODULES=list' >"$root/etc/initramfs-tools/conf.d/lab"
printf '%s\n' virtio_pci virtio_blk ext4 >"$root/etc/initramfs-tools/modules"
