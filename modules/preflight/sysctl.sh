# Kernel settings.

# Fact: kernel settings are not below what containers need.
check_sysctls() {
  sysctls_found=
  sysctls_read fs.inotify.max_user_instances fs.inotify.max_user_watches vm.max_map_count \
    net.bridge.bridge-nf-call-iptables net.ipv4.conf.all.rp_filter
  for sysctls_pair in $sysctls_values; do
    sysctls_value=${sysctls_pair#*=}
    case $sysctls_pair in
      # The kernel's defaults: somebody has set less.
      fs.inotify.max_user_instances=*) sysctls_floor 128 ;;
      fs.inotify.max_user_watches=*) sysctls_floor 8192 ;;
      vm.max_map_count=*) sysctls_floor 65530 ;;
      net.bridge.bridge-nf-call-iptables=0) sysctls_say "1; otherwise firewall rules between containers have no effect" ;;
      net.ipv4.conf.all.rp_filter=1) if sysctls_several_cards; then sysctls_say "2 on a host with several network interfaces"; fi ;;
    esac
  done
  sysctls_forwarding
  if [ -n "$sysctls_found" ]; then
    echo "${sysctls_found%, }"
    return 1
  fi
}

# sysctls_read NAME...: sets sysctls_values to a word NAME=VALUE for each that exists. The shell's read reads byte by byte, for which the
# kernel returns only the first byte of a number; hence one cat for all.
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

# sysctls_floor LEAST: reports the current pair if its value is less.
sysctls_floor() {
  if [ "$sysctls_value" -lt "$1" ]; then sysctls_say "$1 or more"; fi
}

# sysctls_say EXPECTED: reports the current pair.
sysctls_say() {
  sysctls_found="$sysctls_found$sysctls_pair (expected $1), "
}

# sysctls_several_cards: whether there are several network cards: those have a device, bridges and other virtual interfaces have none.
sysctls_several_cards() {
  sysctls_count=0
  for sysctls_card in "$SEALIFT_ROOT"/sys/class/net/*/device; do
    if [ -e "$sysctls_card" ]; then sysctls_count=$((sysctls_count + 1)); fi
  done
  [ "$sysctls_count" -gt 1 ]
}

# sysctls_forwarding: the daemon enables forwarding when it starts; a file with 0 disables it again at the next `sysctl --system`.
sysctls_forwarding() {
  for sysctls_file in "$SEALIFT_ROOT"/etc/sysctl.conf "$SEALIFT_ROOT"/etc/sysctl.d/*.conf "$SEALIFT_ROOT"/run/sysctl.d/*.conf \
    "$SEALIFT_ROOT"/usr/local/lib/sysctl.d/*.conf "$SEALIFT_ROOT"/usr/lib/sysctl.d/*.conf; do
    if [ ! -r "$sysctls_file" ]; then continue; fi
    while read -r sysctls_line || [ -n "$sysctls_line" ]; do
      case $sysctls_line in
        net.ipv4.ip_forward*0 | net/ipv4/ip_forward*0)
          sysctls_pair="${sysctls_file#"$SEALIFT_ROOT"} has $sysctls_line"
          sysctls_say "1, or no line at all"
          ;;
      esac
    done <"$sysctls_file"
  done
}
