#!/bin/sh
# Wires running containers to a bridge in a network namespace of its own, says "ready", and keeps it until standard input ends.
# usage: segment.sh <folder of a container> <MAC address of its card> ...
# In each container the card is called `segment`. Must run as root.
set -eu

if [ "${1:-}" != inside ]; then
  exec unshare --net sh "$0" inside "$@"
fi
shift

# shellcheck source=test/lab/container/inner-process.sh
. "${0%/*}/inner-process.sh"

ip link add bridge type bridge
ip link set bridge up
index=0
while [ "$#" -gt 0 ]; do
  ip link add "to$index" type veth peer name segment address "$2" netns "/proc/$(inner "$1")/root$1/net-host"
  ip link set "to$index" master bridge up
  index=$((index + 1))
  shift 2
done
echo ready
cat >/dev/null
