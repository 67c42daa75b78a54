# Kernel features that containers need (moby contrib/check-config.sh, 29.7.2), checked without loading anything.

# Fact: the kernel has these modules: loaded, built in, or as loadable files.
# $@ modules as named in /sys/module; "a|b" is satisfied by either
check_kernel_modules() {
  modules_asked=
  modules_first=
  for modules_name; do
    if ! modules_any loaded "$modules_name"; then
      modules_asked="$modules_asked $modules_name"
      modules_first="$modules_first ${modules_name%%"|"*}"
    fi
  done
  if [ -z "$modules_asked" ] || ! command -v modprobe >/dev/null; then return 0; fi # check_commands reports a missing modprobe
  # One dry run for all; one for each only if that fails, to name what is missing.
  # shellcheck disable=SC2086
  if modprobe -n -q -a $modules_first; then return 0; fi
  modules_absent=
  for modules_name in $modules_asked; do
    if ! modules_any known "$modules_name"; then modules_absent="$modules_absent $modules_name"; fi
  done
  if [ -n "$modules_absent" ]; then
    read -r modules_release <"$SEALIFT_ROOT/proc/sys/kernel/osrelease"
    echo "kernel $modules_release has no$modules_absent"
    return 1
  fi
}

# modules_any loaded|known NAMES: whether one of the names, separated by |, is loaded or known.
modules_any() {
  modules_rest=$2
  while [ -n "$modules_rest" ]; do
    modules_one=${modules_rest%%"|"*}
    case $modules_rest in *"|"*) modules_rest=${modules_rest#*"|"} ;; *) modules_rest= ;; esac
    if [ -d "$SEALIFT_ROOT/sys/module/$modules_one" ]; then return 0; fi
    if [ "$1" = known ] && modprobe -n -q "$modules_one"; then return 0; fi
  done
  return 1
}

# Fact: the kernel has namespaces, seccomp, keys, POSIX message queues and control groups with BPF. All but the last show in /proc. The last
# shows only in the kernel's configuration; without that it is assumed.
check_kernel_features() {
  features_absent=
  for features_pair in self/ns/net:NET_NS self/ns/pid:PID_NS self/ns/ipc:IPC_NS self/ns/uts:UTS_NS self/ns/mnt:NAMESPACES \
    sys/kernel/seccomp:SECCOMP sys/kernel/keys:KEYS sys/fs/mqueue:POSIX_MQUEUE; do
    features_path=$SEALIFT_ROOT/proc/${features_pair%:*}
    # The links in self/ns have no path as their target.
    if [ ! -e "$features_path" ] && [ ! -L "$features_path" ]; then
      features_absent="$features_absent ${features_pair#*:}"
    fi
  done
  read -r features_release <"$SEALIFT_ROOT/proc/sys/kernel/osrelease"
  features_config=$SEALIFT_ROOT/boot/config-$features_release
  if [ -r "$features_config" ]; then
    if ! grep -q '^CONFIG_CGROUP_BPF=y' "$features_config"; then features_absent="$features_absent CGROUP_BPF"; fi
  elif [ -r "$SEALIFT_ROOT/proc/config.gz" ]; then
    if ! gzip -dc "$SEALIFT_ROOT/proc/config.gz" | grep -q '^CONFIG_CGROUP_BPF=y'; then
      features_absent="$features_absent CGROUP_BPF"
    fi
  fi
  if [ -n "$features_absent" ]; then
    echo "kernel $features_release lacks$features_absent"
    return 1
  fi
}

# Fact: cgroup v2 is mounted and has these controllers.
# $@ controllers
check_cgroup() {
  cgroup_file=$SEALIFT_ROOT/sys/fs/cgroup/cgroup.controllers
  if [ ! -e "$cgroup_file" ]; then
    echo "no cgroup v2 at /sys/fs/cgroup"
    return 1
  fi
  cgroup_has=
  read -r cgroup_has <"$cgroup_file" || true
  cgroup_absent=
  for cgroup_name; do
    case " $cgroup_has " in *" $cgroup_name "*) ;; *) cgroup_absent="$cgroup_absent $cgroup_name" ;; esac
  done
  if [ -n "$cgroup_absent" ]; then
    echo "cgroup v2 lacks the controllers$cgroup_absent"
    return 1
  fi
}

# Fact: iptables runs, and lists its nat table if that is loaded. Listing a table that is not loaded would load it.
check_iptables() {
  if ! command -v iptables >/dev/null; then return 0; fi # check_commands reports it
  iptables_version=$(timeout 10 iptables --version 2>&1) || {
    echo "iptables --version: $iptables_version"
    return 1
  }
  case $iptables_version in
    *nf_tables*) if [ ! -d "$SEALIFT_ROOT/sys/module/nf_tables" ]; then return 0; fi ;;
    *) if [ ! -d "$SEALIFT_ROOT/sys/module/iptable_nat" ]; then return 0; fi ;;
  esac
  iptables_output=$(timeout 20 iptables -w 10 -t nat -S 2>&1) || {
    echo "$iptables_version cannot list its nat table: $iptables_output"
    return 1
  }
}
