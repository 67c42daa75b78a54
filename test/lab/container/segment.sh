#!/bin/sh
# Wires running containers to a bridge in a network namespace of its own, says "ready", and keeps it until standard input ends. For a
# number on standard input it wires that container again, from 0 on, as soon as it starts.
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

# wire NUMBER FOLDER MAC: the card of one container. Fails while its network is not there.
wire() {
  ip link add "to$1" type veth peer name segment address "$3" netns "/proc/$(inner "$2")/root$2/net-host" &&
    ip link set "to$1" master bridge up
}

# again NUMBER FOLDER MAC...: the card of the container with this number, once its network is there and what it had before is gone.
again() {
  number=$1
  shift $((1 + number * 2))
  tries=0
  until wire "$number" "$1" "$2" 2>/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 600 ] || exit 1
    sleep 0.1
  done
}

number=0
folders=$#
while [ "$((number * 2))" -lt "$folders" ]; do
  again "$number" "$@"
  number=$((number + 1))
done
echo ready
while read -r number; do
  again "$number" "$@"
  echo ready
done
