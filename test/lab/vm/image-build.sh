#!/bin/sh
# Builds the lab's image without loop devices: a Debian tree, and an ext4 disk made from it, from which both virtual machines and
# system containers start. It is called in mount and process namespaces of its own (unshare(1)), so that whatever interrupts it, no
# mount and no process of it stays.
# usage: image-build.sh <folder> <suite> <architecture> <packages, comma separated>
# The folder holds sources.list (apt sources), authorized_keys and ssh_host_ed25519_key(.pub); it gets disk.raw, kernel and initrd.
set -eu
folder=$1 suite=$2 architecture=$3 packages=$4
here=$(cd "$(dirname "$0")" && pwd)

tree=$folder/tree
raw=$folder/disk.raw.part
tmp=$folder/tmp
clean() { rm -rf --one-file-system "$tree" "$raw" "$tmp"; }
trap clean EXIT
clean

# The hooks take what they install from here.
export SEALIFT_IMAGE_FOLDER="$folder"
# So that a failed build leaves nothing outside the cache.
export TMPDIR="$tmp"
mkdir "$tmp"
mmdebstrap --verbose --mode=root --variant=minbase --format=directory \
  --architectures="$architecture" --include="$packages" --hook-directory="$here/image-hooks" \
  --aptopt='APT::Install-Recommends "false"' \
  --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  "$suite" "$tree" "$folder/sources.list" </dev/null

echo "I: making the disk..."
cp -L "$tree/vmlinuz" "$folder/kernel"
cp -L "$tree/initrd.img" "$folder/initrd"
# Sparse: 8 GiB for the guest, about 0.4 GiB here.
mke2fs -q -F -t ext4 -L root -d "$tree" "$raw" 8G
mv "$raw" "$folder/disk.raw"
# Debian's kernel is readable by all, the copy has to be as well: QEMU runs as the person who called.
chmod 0644 "$folder/kernel" "$folder/initrd" "$folder/disk.raw"
if [ -n "${SUDO_UID:-}" ]; then chown "$SUDO_UID:${SUDO_GID:-}" "$folder"/disk.raw "$folder"/kernel "$folder"/initrd; fi
