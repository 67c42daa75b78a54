# The network that containers will have beside the host's own.

# Fact: nothing listens on these TCP ports.
# $@ port numbers
check_ports_free() {
  # The fourth column is the state, 0A is LISTEN; the port is hexadecimal (proc_net_tcp, kernel documentation).
  ports_found=$(awk -v wanted="$*" '
    BEGIN { count = split(wanted, list, " "); for (at = 1; at <= count; at++) want[sprintf("%04X", list[at])] = list[at] }
    $4 == "0A" { sub(/.*:/, "", $2); if ($2 in want && !seen[$2]++) print want[$2] }' \
    "$SEALIFT_ROOT/proc/net/tcp" "$SEALIFT_ROOT/proc/net/tcp6" 2>/dev/null || true)
  if [ -z "$ports_found" ]; then return 0; fi
  ports_text=
  for ports_one in $ports_found; do
    ports_user=$(ss -Hltnp "sport = :$ports_one" 2>/dev/null |
      sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/\1, pid \2/p' | head -n 1 || true)
    ports_text="$ports_text $ports_one (${ports_user:-by somebody}),"
  done
  echo "in use:${ports_text%,}"
  return 1
}

# Fact: the host's network carries packets of this size: the default route's card, or all with a route when there is none.
# $1 bytes
check_mtu() {
  mtu_cards=
  mtu_default=
  while read -r mtu_card mtu_to _; do
    case $mtu_card in Iface | docker* | br-* | veth*) continue ;; esac
    if [ "$mtu_to" = 00000000 ]; then mtu_default="$mtu_default $mtu_card"; fi
    mtu_cards="$mtu_cards $mtu_card"
  done <"$SEALIFT_ROOT/proc/net/route"
  for mtu_card in ${mtu_default:-$mtu_cards}; do
    mtu_has=
    { read -r mtu_has; } 2>/dev/null <"$SEALIFT_ROOT/sys/class/net/$mtu_card/mtu" || continue
    if [ "$mtu_has" -lt "$1" ]; then
      echo "$mtu_card carries $mtu_has bytes, containers would send $1"
      return 1
    fi
  done
}

# Fact: there is a name server that containers can reach: one that is not on the loopback of the host. Where systemd-resolved
# stands in between, the engine reads its list (moby libnetwork/internal/resolvconf, 29.7.2), so that is what counts.
check_resolver() {
  resolver_file=$SEALIFT_ROOT/etc/resolv.conf
  resolver_servers
  if [ "$resolver_found" = " 127.0.0.53" ]; then
    resolver_file=$SEALIFT_ROOT/run/systemd/resolve/resolv.conf
    resolver_servers
  fi
  for resolver_one in $resolver_found; do
    case $resolver_one in 127.* | ::1) ;; *) return 0 ;; esac
  done
  echo "${resolver_file#"$SEALIFT_ROOT"} names${resolver_found:- no name server}"
  return 1
}

# Sets resolver_found: the name servers of resolver_file, each with a blank before it.
resolver_servers() {
  resolver_found=
  if [ ! -r "$resolver_file" ]; then return 0; fi
  while read -r resolver_key resolver_one _ || [ -n "$resolver_key" ]; do
    if [ "$resolver_key" = nameserver ]; then resolver_found="$resolver_found $resolver_one"; fi
    resolver_key=
  done <"$resolver_file"
}

# Fact: no other firewall is on. Published ports pass ufw by; firewalld and a reload of nftables.service take Docker's rules
# away.
check_firewall() {
  firewall_found=
  if [ -r "$SEALIFT_ROOT/etc/ufw/ufw.conf" ]; then
    while read -r firewall_line || [ -n "$firewall_line" ]; do
      case $firewall_line in ENABLED=[Yy]*) firewall_found="$firewall_found ufw is on," ;; esac
      firewall_line=
    done <"$SEALIFT_ROOT/etc/ufw/ufw.conf"
  fi
  # A unit that runs has a control group.
  if [ -d "$SEALIFT_ROOT/sys/fs/cgroup/system.slice/firewalld.service" ]; then
    firewall_found="$firewall_found firewalld runs,"
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

# Fact: the host knows its own name without asking the network.
check_hostname() {
  read -r hostname_own <"$SEALIFT_ROOT/proc/sys/kernel/hostname"
  if [ -r "$SEALIFT_ROOT/etc/hosts" ]; then
    while read -r hostname_address hostname_names || [ -n "$hostname_address" ]; do
      case $hostname_address in "#"*) continue ;; esac
      case " ${hostname_names%%"#"*} " in *[[:space:]]"$hostname_own"[[:space:]]*) return 0 ;; esac
      hostname_address=
    done <"$SEALIFT_ROOT/etc/hosts"
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
