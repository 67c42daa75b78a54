# Requirements that must hold before anything is changed. Checks only: nothing here has an apply, and nothing is loaded or written. They run
# on every host in every probe, so they read /proc and /sys with the shell itself: a process takes 40 ms on a slow host.

# Fact: the operating system is one that Sealift supports.
# $@ supported systems as ID:VERSION_ID of os-release(5)
check_os() {
  # shellcheck source=/dev/null
  os_found=$(. "$SEALIFT_ROOT/etc/os-release" && echo "$ID:${VERSION_ID:-unversioned}")
  for os_expected; do
    if [ "$os_found" = "$os_expected" ]; then return 0; fi
  done
  echo "$os_found"
  return 1
}

# Fact: the processor has this architecture.
# $1 architecture as Docker names it
check_architecture() {
  case $(uname -m) in
    x86_64) architecture=amd64 ;;
    aarch64) architecture=arm64 ;;
    *) architecture=$(uname -m) ;;
  esac
  echo "$architecture"
  [ "$architecture" = "$1" ]
}

# Fact: the commands that the phases use exist, and systemd is init.
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


# Fact: always holds; the value is the random id of this boot (random(4), boot_id), which shows that two hosts of a site are the same
# machine.
check_boot() { :; }
value_boot() {
  read -r boot_id <"$SEALIFT_ROOT/proc/sys/kernel/random/boot_id"
  echo "$boot_id"
}
