# One limit for all containers together: the slice in which they run.
# shellcheck disable=SC2154 # files.sh and systemd.sh set file_wrong and unit_foreign

SLICE_UNIT=/etc/systemd/system/docker.slice
SLICE_GROUP=/sys/fs/cgroup/docker.slice

# Fact: docker.slice has these limits, in its unit and, while containers run in it, in the kernel.
# $1 memory in systemd's words: 24G, 512M, 80%, or - for none
# $2 processors in % of one: 600, or in % of all: 75%, or - for none
# $3 tasks, or - for none
check_containers_slice() {
  if [ ! -f "$SLICE_UNIT" ]; then
    echo "no $SLICE_UNIT"
    return 1
  fi
  if ! file_is "$SLICE_UNIT" "$(slice_text "$@")"; then
    case $file_wrong in
      *" is altered") echo "$SLICE_UNIT says $(grep -E '^(MemoryMax|CPUQuota|TasksMax)=' "$SLICE_UNIT" | tr '\n' ' ')" ;;
      *) echo "$file_wrong" ;;
    esac
    return 1
  fi
  if unit_unmanaged docker.slice ""; then
    echo "docker.slice is made or changed by$unit_foreign"
    return 1
  fi
  if [ ! -d "$SLICE_GROUP" ]; then return 0; fi
  # systemd rounds a percentage of the host's memory in its own way.
  case $1 in *%) slice_memory= ;; *) slice_memory=$(slice_bytes "$1") ;; esac
  slice_holds memory.max "$slice_memory" && slice_holds cpu.max "$(slice_quota "$2")" && slice_holds pids.max "$3"
}
apply_containers_slice() {
  guard_containers_slice "$@"
  file_put "$SLICE_UNIT" "$(slice_text "$@")"
  slice_forget_properties
  # A reload reads the unit but leaves the kernel's values of a slice in use as they are (systemd 257); set-property writes them.
  if [ -d "$SLICE_GROUP" ]; then
    slice_cpus=
    if [ "$2" != - ]; then slice_cpus=$(slice_percent "$2")%; fi
    systemctl --runtime set-property docker.slice "MemoryMax=$(slice_or_infinity "$1")" "CPUQuota=$slice_cpus" "TasksMax=$(slice_or_infinity "$3")"
    slice_forget_properties
  fi
}
guard_containers_slice() {
  if [ -f "$SLICE_UNIT" ]; then
    read -r slice_first <"$SLICE_UNIT" || true
    if [ "$slice_first" != "# Made by Sealift." ]; then
      refuse E_UNMANAGED_UNIT "$SLICE_UNIT exists and was not created by Sealift" "remove the unit, or set daemon.cgroup-parent instead of containerLimits"
      return 1
    fi
  fi
  slice_unmanaged
  slice_limit=$(slice_bytes "$1")
  if [ -z "$slice_limit" ] || [ ! -f "$SLICE_GROUP/memory.current" ]; then return 0; fi
  read -r slice_used <"$SLICE_GROUP/memory.current"
  # Page cache is reclaimable; only the rest matters.
  slice_needed=$(awk '$1 == "anon" || $1 == "shmem" || $1 == "slab_unreclaimable" { sum += $2 } END { printf "%d", sum }' "$SLICE_GROUP/memory.stat")
  if [ "$slice_needed" -gt "$slice_limit" ]; then
    refuse E_LIMIT_IN_USE "containers use $((slice_used / 1048576)) MiB, $((slice_needed / 1048576)) MiB of it not reclaimable; with a limit of $((slice_limit / 1048576)) MiB the kernel would OOM-kill some" \
      "stop containers, or raise containerLimits.memory"
    return 1
  fi
}

# slice_unmanaged: refuses drop-ins of others; Sealift itself removes those of set-property.
slice_unmanaged() {
  refuse_unmanaged docker.slice "$(for slice_place in /etc /run; do
    for slice_one in "$slice_place"/systemd/system.control/docker.slice.d/50-*.conf; do printf '%s ' "$slice_one"; done
  done)"
}

# Drop-ins of `systemctl set-property` would override the unit.
slice_forget_properties() {
  for slice_place in /run /etc; do
    # A percentage has a file of its own: 50-MemoryMaxScale.conf (systemd 257).
    rm -f "$slice_place"/systemd/system.control/docker.slice.d/50-MemoryMax*.conf \
      "$slice_place"/systemd/system.control/docker.slice.d/50-CPUQuota*.conf \
      "$slice_place"/systemd/system.control/docker.slice.d/50-TasksMax*.conf
  done
  systemctl daemon-reload
}

# slice_or_infinity CEILING: in systemd's words.
slice_or_infinity() {
  if [ "$1" = - ]; then echo infinity; else echo "$1"; fi
}

slice_text() {
  echo "# Made by Sealift.
[Unit]
Description=All containers of the engine

[Slice]"
  if [ "$1" != - ]; then echo "MemoryMax=$1"; fi
  if [ "$2" != - ]; then echo "CPUQuota=$(slice_percent "$2")%"; fi
  if [ "$3" != - ]; then echo "TasksMax=$3"; fi
}

# slice_percent CPUS: in % of one processor.
slice_percent() {
  case $1 in
    *%) echo $((${1%\%} * $(slice_processors))) ;;
    *) echo "$1" ;;
  esac
}

# The processors that are online, counted from a list like 0-3,6.
slice_processors() {
  read -r slice_list </sys/devices/system/cpu/online
  slice_count=0
  while [ -n "$slice_list" ]; do
    slice_range=${slice_list%%,*}
    slice_count=$((slice_count + ${slice_range##*-} - ${slice_range%%-*} + 1))
    case $slice_list in *,*) slice_list=${slice_list#*,} ;; *) slice_list= ;; esac
  done
  echo "$slice_count"
}

# slice_bytes MEMORY: nothing for -.
slice_bytes() {
  case $1 in
    *M) echo $((${1%M} * 1048576)) ;;
    *G) echo $((${1%G} * 1073741824)) ;;
    *T) echo $((${1%T} * 1099511627776)) ;;
    *%) awk -v part="${1%\%}" '$1 == "MemTotal:" { printf "%d", int($2 * part / 100 / 4) * 4096 }' /proc/meminfo ;;
  esac
}

# slice_quota CPUS: as the kernel shows it, in microseconds of each 100 ms; nothing for -.
slice_quota() {
  if [ "$1" != - ]; then echo "$(($(slice_percent "$1") * 1000)) 100000"; fi
}

# slice_holds FILE VALUE: whether the kernel has this value; true without a value or without the controller.
slice_holds() {
  if [ -z "$2" ] || [ "$2" = - ] || [ ! -f "$SLICE_GROUP/$1" ]; then return 0; fi
  read -r slice_is <"$SLICE_GROUP/$1"
  if [ "$slice_is" = "$2" ]; then return 0; fi
  echo "docker.slice has $1 $slice_is in place of $2"
  return 1
}
