#!/bin/sh
# Cuts the power of a running container: from this instant its file systems write nothing more, as if their disks had lost power with
# what the page cache held. The next mount replays their journals. The container itself has to be killed afterwards.
# usage: power-cut.sh <folder of the container>
# Must run as root. Needs perl, procps, util-linux (nsenter).
set -eu
folder=$1

# shellcheck source=test/lab/container/inner-process.sh
. "${0%/*}/inner-process.sh"
set -- "$folder/changes"
for place in "$folder"/mount[0-9]*.img; do
  [ ! -e "$place" ] || { number=${place##*/mount} && set -- "$@" "$folder/mounts/${number%.img}"; }
done
# The ioctl of xfs (XFS_IOC_GOINGDOWN) and ext4 (EXT4_IOC_SHUTDOWN) with the flag NOLOGFLUSH: what the file system tests of the kernel
# simulate a crash with. All are opened before the first is shut down, so that there is no time between them.
# shellcheck disable=SC2016
exec nsenter --mount --target "$(inner "$folder")" perl -e '
  my $flag = pack("L", 2);
  my @open = map { open(my $one, "<", $_) or die "$_: $!\n"; $one } @ARGV;
  for (@open) { ioctl($_, 0x8004587d, $flag) or die "shutdown: $!\n" }
' "$@"
