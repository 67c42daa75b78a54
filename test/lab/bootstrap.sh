#!/bin/sh
# The first thing that runs: sh test/lab/bootstrap.sh <script.ts> [argument...]
# It needs nothing but a POSIX shell and whatever node and npm the machine has. It sees to it that node_modules is what
# package-lock.json says and goes on with the Node 24 that lies in there. It says nothing when there is nothing to do.
# Exit codes (sysexits.h): 64 no script given, 69 something is missing on this machine, 70 npm failed; otherwise the script's.
set -eu

oldest_node=20

main() {
  [ "$#" -gt 0 ] || fail 64 "usage: sh test/lab/bootstrap.sh <script.ts> [argument...]"
  CDPATH='' cd -- "$(dirname -- "$0")/../.."
  checkout=$(pwd)
  [ "$(uname -s)" = Linux ] || fail 69 "this is $(uname -s): the lab runs on Linux (Debian or Ubuntu, x86-64 or arm64)"
  stamp="$checkout/node_modules/.sealift-lock"
  expected=$(sha256sum <"$checkout/package-lock.json")
  node="$checkout/node_modules/.bin/node"
  cache=${SEALIFT_CACHE:-.cache}
  if ! modules_are_there; then
    require_node
    # Two programs that begin at once: the second waits for the modules of the first.
    mkdir -p "$cache/log"
    exec 9>"$cache/npm-ci.lock"
    flock 9
    if ! modules_are_there; then
      install_modules
      [ -x "$node" ] || fail 69 "no Node 24 for $(uname -m): the lab runs on x86-64 and arm64"
      printf '%s\n' "$expected" >"$stamp"
    fi
    exec 9>&-
  fi
  PATH="$checkout/node_modules/.bin:$PATH"
  # Each test and each program that it starts would compile the same modules again.
  NODE_COMPILE_CACHE=${NODE_COMPILE_CACHE:-${SEALIFT_CACHE:-$checkout/.cache}/compile}
  export PATH NODE_COMPILE_CACHE
  exec "$node" "$@"
}

modules_are_there() {
  [ -x "$node" ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$expected" ]
}

require_node() {
  remedy="install Node.js $oldest_node or later with npm (Debian 13, Ubuntu 25.04: apt-get install nodejs npm; others: nodejs.org)"
  command -v node >/dev/null || fail 69 "there is no node here; $remedy"
  command -v npm >/dev/null || fail 69 "there is no npm here; $remedy"
  found=$(node --version)
  major=${found#v}
  major=${major%%.*}
  [ "$major" -ge "$oldest_node" ] || fail 69 "node is $found; $remedy"
}

# npm says nothing while it works; its own words go to a file and are shown when it fails.
install_modules() {
  log="$cache/log/npm-ci.log"
  started=$(date +%s)
  echo "node modules: npm ci, as package-lock.json pins them ..."
  npm ci --loglevel=error >"$log" 2>&1 9>&- &
  npm=$!
  trap 'kill "$npm" 2>/dev/null || :; exit 130' INT
  trap 'kill "$npm" 2>/dev/null || :; exit 143' TERM
  trap 'kill "$npm" 2>/dev/null || :; exit 129' HUP
  watch "$npm" "$started"
  wait "$npm" && failed=0 || failed=$?
  trap - INT TERM HUP
  if [ "$failed" -ne 0 ]; then
    tail -n 15 "$log" >&2
    fail 70 "npm ci failed with exit code $failed; its words are above and in $log"
  fi
  echo "node modules: there, after $(($(date +%s) - started)) s"
}

# On a terminal one line that counts the seconds; elsewhere a line every ten.
watch() {
  while sleep 1 && kill -0 "$1" 2>/dev/null; do
    seconds=$(($(date +%s) - $2))
    if [ -t 1 ]; then
      printf '\rnode modules: %s s ' "$seconds"
    elif [ $((seconds % 10)) -eq 0 ]; then
      echo "node modules: $seconds s"
    fi
  done
  [ ! -t 1 ] || printf '\r'
}

fail() {
  echo "sealift: $2" >&2
  exit "$1"
}

main "$@"
