# What has to hold before anything is changed. Checks only: nothing here has an apply, and nothing is loaded or written.
# They run on every host at every look, so they read /proc and /sys with the shell's own means: a process costs 40 ms on a
# slow host. SEALIFT_ROOT stands before every path they read; it is empty but in tests, which lay out other systems in it.

SEALIFT_ROOT=

# Fact: the operating system is one that Sealift supports.
# $@ supported systems as ID:VERSION_ID of os-release(5)
check_os() {
  # shellcheck source=/dev/null
  os_found=$(. "$SEALIFT_ROOT/etc/os-release" && echo "$ID:${VERSION_ID:-unversioned}")
  for os_wanted; do
    if [ "$os_found" = "$os_wanted" ]; then return 0; fi
  done
  echo "$os_found"
  return 1
}

# Fact: the processor is of this architecture.
# $1 architecture in Docker's words
check_architecture() {
  case $(uname -m) in
    x86_64) architecture=amd64 ;;
    aarch64) architecture=arm64 ;;
    *) architecture=$(uname -m) ;;
  esac
  echo "$architecture"
  [ "$architecture" = "$1" ]
}

# Fact: the commands that the phases call are there, and systemd runs the host.
# $@ commands
check_commands() {
  commands_absent=
  for commands_name; do
    if ! command -v "$commands_name" >/dev/null; then commands_absent="$commands_absent $commands_name"; fi
  done
  if [ ! -d /run/systemd/system ]; then commands_absent="$commands_absent systemd-as-init"; fi
  if [ -n "$commands_absent" ]; then
    echo "absent:$commands_absent"
    return 1
  fi
}


# Fact: nothing has to be so here; the value is the random number of this boot (random(4), boot_id), by which two hosts of a site are seen
# to be one machine.
check_boot() { :; }
value_boot() {
  read -r boot_id <"$SEALIFT_ROOT/proc/sys/kernel/random/boot_id"
  echo "$boot_id"
}
