#!/bin/sh
# The language host of this Go module is older than the CLI. What Pulumi.yaml says of the runtime, it takes as flags; the CLI sends it
# in a message that only its own generation understands.
set -eu

# option NAME: its value in the runtime's options of Pulumi.yaml, or nothing.
option() {
  sed -n "s/^ \{1,\}$1: *//p" Pulumi.yaml 2>/dev/null || true
}

program=$(readlink -f "$0")
typescript=$(option typescript)
exec "$program.go" -typescript="${typescript:-true}" -nodeargs="$(option nodeargs)" "$@"
