# The host's network, as far as containers depend on it.

# Fact: no process listens on these TCP ports.
# $@ port numbers
check_ports_free() {
  # The fourth column is the state, 0A is LISTEN; the port is hexadecimal (proc_net_tcp, kernel documentation).
  ports_found=$(awk -v expected="$*" '
    BEGIN { count = split(expected, list, " "); for (at = 1; at <= count; at++) want[sprintf("%04X", list[at])] = list[at] }
    $4 == "0A" { sub(/.*:/, "", $2); if ($2 in want && !seen[$2]++) print want[$2] }' \
    "$SEALIFT_ROOT/proc/net/tcp" "$SEALIFT_ROOT/proc/net/tcp6" 2>/dev/null || true)
  if [ -z "$ports_found" ]; then return 0; fi
  ports_text=
  for ports_one in $ports_found; do
    ports_user=$(ss -Hltnp "sport = :$ports_one" 2>/dev/null |
      sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/\1, pid \2/p' | head -n 1 || true)
    ports_text="$ports_text $ports_one (${ports_user:-unknown process}),"
  done
  echo "in use:${ports_text%,}"
  return 1
}

# Fact: the host's network carries packets of this size: the interfaces of the default routes, or all with a route if there is none.
# $1 bytes
check_mtu() {
  mtu_cards=
  mtu_default=
  mtu_routes=$SEALIFT_ROOT/proc/net/ipv6_route
  if [ ! -r "$mtu_routes" ]; then mtu_routes=/dev/null; fi
  while read -r mtu_card mtu_to _; do
    case $mtu_card in Iface | docker* | br-* | veth*) continue ;; esac
    if [ "$mtu_to" = 00000000 ]; then mtu_default="$mtu_default $mtu_card"; fi
    mtu_cards="$mtu_cards $mtu_card"
  done <"$SEALIFT_ROOT/proc/net/route"
  # Destination, its prefix length, source, its prefix length, gateway, metric, references, uses, flags, interface; 0200 of the flags is
  # RTF_REJECT (linux/ipv6_route.h, net/ipv6/route.c). A kernel without IPv6 has no such file.
  while read -r mtu_to mtu_prefix _ _ _ _ _ _ mtu_flags mtu_card; do
    case $mtu_card in lo | docker* | br-* | veth*) continue ;; esac
    case $mtu_flags in *[2367abefABEF]??) continue ;; esac
    case $mtu_to in
      00000000000000000000000000000000) if [ "$mtu_prefix" = 00 ]; then mtu_default="$mtu_default $mtu_card"; fi ;;
      fe80* | ff*) ;;
      *) mtu_cards="$mtu_cards $mtu_card" ;;
    esac
  done <"$mtu_routes"
  for mtu_card in ${mtu_default:-$mtu_cards}; do
    mtu_has=
    { read -r mtu_has; } 2>/dev/null <"$SEALIFT_ROOT/sys/class/net/$mtu_card/mtu" || continue
    if [ "$mtu_has" -lt "$1" ]; then
      echo "$mtu_card has MTU $mtu_has, containers would send $1 bytes"
      return 1
    fi
  done
}

# Fact: containers can reach a name server: one that is neither a loopback nor a link-local address, which in a container means something
# else. With systemd-resolved, the engine reads the list of its servers (moby libnetwork/internal/resolvconf, 29.7.2).
check_resolver() {
  resolver_file=$SEALIFT_ROOT/etc/resolv.conf
  resolver_servers
  if [ "$resolver_found" = " 127.0.0.53" ]; then
    resolver_file=$SEALIFT_ROOT/run/systemd/resolve/resolv.conf
    resolver_servers
  fi
  for resolver_one in $resolver_found; do
    # 0.0.0.0 and :: are the host itself, too (resolv.conf(5)).
    case $resolver_one in 127.* | ::1 | 0.0.0.0 | :: | *%* | [Ff][Ee][89AaBb]?:*) ;; *) return 0 ;; esac
  done
  echo "${resolver_file#"$SEALIFT_ROOT"} has${resolver_found:- no name server}"
  return 1
}

# resolver_servers: sets resolver_found to the name servers in resolver_file, each after a blank.
resolver_servers() {
  resolver_found=
  resolver_return=$(printf '\r')
  if [ ! -r "$resolver_file" ]; then return 0; fi
  while read -r resolver_key resolver_one _ || [ -n "$resolver_key" ]; do
    # A file from Windows has a carriage return at the end of each line.
    if [ "$resolver_key" = nameserver ]; then resolver_found="$resolver_found ${resolver_one%"$resolver_return"}"; fi
    resolver_key=
  done <"$resolver_file"
}

# Fact: no other firewall is active. Published ports bypass ufw; firewalld and a reload of nftables.service remove Docker's rules.
check_firewall() {
  firewall_found=
  if [ -r "$SEALIFT_ROOT/etc/ufw/ufw.conf" ]; then
    while read -r firewall_line || [ -n "$firewall_line" ]; do
      case $firewall_line in ENABLED=[Yy]*) firewall_found="$firewall_found ufw is enabled," ;; esac
      firewall_line=
    done <"$SEALIFT_ROOT/etc/ufw/ufw.conf"
  fi
  # A running unit has a control group.
  if [ -d "$SEALIFT_ROOT/sys/fs/cgroup/system.slice/firewalld.service" ]; then
    firewall_found="$firewall_found firewalld is running,"
  fi
  if [ -L "$SEALIFT_ROOT/etc/systemd/system/sysinit.target.wants/nftables.service" ]; then
    firewall_found="$firewall_found nftables.service is enabled,"
  fi
  if [ -n "$firewall_found" ]; then
    firewall_found=${firewall_found# }
    echo "${firewall_found%,}"
    return 1
  fi
}

# Fact: the host resolves its own name without the network. Names are case-insensitive (RFC 4343).
check_hostname() {
  read -r hostname_own <"$SEALIFT_ROOT/proc/sys/kernel/hostname"
  if [ -r "$SEALIFT_ROOT/etc/hosts" ]; then
    if hostname_listed "$hostname_own" <"$SEALIFT_ROOT/etc/hosts"; then return 0; fi
    hostname_lower=$(printf '%s' "$hostname_own" | tr '[:upper:]' '[:lower:]')
    if tr '[:upper:]' '[:lower:]' <"$SEALIFT_ROOT/etc/hosts" | hostname_listed "$hostname_lower"; then return 0; fi
  fi
  if [ -r "$SEALIFT_ROOT/etc/nsswitch.conf" ]; then
    while read -r hostname_key hostname_sources || [ -n "$hostname_key" ]; do
      case $hostname_key-$hostname_sources in hosts:-*myhostname*) return 0 ;; esac
      hostname_key=
    done <"$SEALIFT_ROOT/etc/nsswitch.conf"
  fi
  echo "$hostname_own is not in /etc/hosts"
  return 1
}

# hostname_listed NAME: whether hosts(5) on standard input has the name.
hostname_listed() {
  while read -r hostname_address hostname_names || [ -n "$hostname_address" ]; do
    case $hostname_address in "#"*) continue ;; esac
    case " ${hostname_names%%"#"*} " in *[[:space:]]"$1"[[:space:]]*) return 0 ;; esac
    hostname_address=
  done
  return 1
}
