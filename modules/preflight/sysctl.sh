# Settings of the kernel.

# Fact: the kernel's settings are not tighter than containers can live with.
check_sysctls() {
  sysctls_found=
  sysctls_read fs.inotify.max_user_instances fs.inotify.max_user_watches vm.max_map_count \
    net.bridge.bridge-nf-call-iptables net.ipv4.conf.all.rp_filter
  for sysctls_pair in $sysctls_values; do
    sysctls_value=${sysctls_pair#*=}
    case $sysctls_pair in
      # The kernel's own defaults: less was asked for by somebody.
      fs.inotify.max_user_instances=*) sysctls_floor 128 ;;
      fs.inotify.max_user_watches=*) sysctls_floor 8192 ;;
      vm.max_map_count=*) sysctls_floor 65530 ;;
      net.bridge.bridge-nf-call-iptables=0) sysctls_say "1, or rules between containers count for nothing" ;;
      net.ipv4.conf.all.rp_filter=1) if sysctls_several_cards; then sysctls_say "2 where there are several network cards"; fi ;;
    esac
  done
  sysctls_forwarding
  if [ -n "$sysctls_found" ]; then
    echo "${sysctls_found%, }"
    return 1
  fi
}

# sysctls_read NAME...: sets sysctls_values, a word NAME=VALUE for each that the kernel has. The shell's own read takes one
# byte at a time, and the kernel hands out no more than the first of a number that way; hence one cat for all.
sysctls_read() {
  sysctls_files=
  sysctls_names=
  for sysctls_name; do
    sysctls_file=$SEALIFT_ROOT/proc/sys
    sysctls_rest=$sysctls_name.
    while [ -n "$sysctls_rest" ]; do
      sysctls_file=$sysctls_file/${sysctls_rest%%.*}
      sysctls_rest=${sysctls_rest#*.}
    done
    if [ -r "$sysctls_file" ]; then
      sysctls_files="$sysctls_files $sysctls_file"
      sysctls_names="$sysctls_names $sysctls_name"
    fi
  done
  sysctls_values=
  # shellcheck disable=SC2046,SC2086
  if [ -n "$sysctls_files" ]; then set -- $(cat $sysctls_files); fi
  for sysctls_name in $sysctls_names; do
    sysctls_values="$sysctls_values $sysctls_name=$1"
    shift
  done
}

# sysctls_floor LEAST: tells the pair at hand when it is less.
sysctls_floor() {
  if [ "$sysctls_value" -lt "$1" ]; then sysctls_say "$1 or more"; fi
}

# sysctls_say WANTED
sysctls_say() {
  sysctls_found="$sysctls_found$sysctls_pair (wants $1), "
}

# Whether there is more than one network card of its own: those have a device, bridges and the like have none.
sysctls_several_cards() {
  sysctls_count=0
  for sysctls_card in "$SEALIFT_ROOT"/sys/class/net/*/device; do
    if [ -e "$sysctls_card" ]; then sysctls_count=$((sysctls_count + 1)); fi
  done
  [ "$sysctls_count" -gt 1 ]
}

# The daemon switches forwarding on when it starts; a file that says 0 switches it off again at the next `sysctl --system`.
sysctls_forwarding() {
  for sysctls_file in "$SEALIFT_ROOT"/etc/sysctl.conf "$SEALIFT_ROOT"/etc/sysctl.d/*.conf "$SEALIFT_ROOT"/run/sysctl.d/*.conf \
    "$SEALIFT_ROOT"/usr/local/lib/sysctl.d/*.conf "$SEALIFT_ROOT"/usr/lib/sysctl.d/*.conf; do
    if [ ! -r "$sysctls_file" ]; then continue; fi
    while read -r sysctls_line || [ -n "$sysctls_line" ]; do
      case $sysctls_line in
        net.ipv4.ip_forward*0 | net/ipv4/ip_forward*0)
          sysctls_pair="${sysctls_file#"$SEALIFT_ROOT"} has $sysctls_line"
          sysctls_say "1, or no such line"
          ;;
      esac
    done <"$sysctls_file"
  done
}
