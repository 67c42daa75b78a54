# Address pools of the engine, compared with the networks that the host must reach.
# shellcheck disable=SC2154 # processes.sh sets ssh_from

# Fact: no network to which the host has a route overlaps these pools.
# $@ pools as a.b.c.d/length
check_pools_free() {
  pools_found=
  pools_routes
  for pools_route in $pools_routed; do
    ipv4_range "${pools_route%@*}"
    pools_low=$ipv4_low
    pools_high=$ipv4_high
    for pools_one; do
      ipv4_range "$pools_one"
      if [ "$pools_low" -le "$ipv4_high" ] && [ "$ipv4_low" -le "$pools_high" ]; then
        pools_found="$pools_found pool $pools_one overlaps route ${pools_route%@*} on ${pools_route#*@},"
      fi
    done
  done
  if [ -n "$pools_found" ]; then
    pools_found=${pools_found# }
    echo "${pools_found%,}"
    return 1
  fi
}

# Fact: the same, and no interface has an address in these pools; one without a network, such as a floating address, has no route.
# $@ pools as a.b.c.d/length
check_swarm_pools_free() {
  check_pools_free "$@" || return 1
  pools_output=$(ip -4 -o addr show 2>/dev/null || true)
  while read -r _ pools_card pools_kind pools_to _; do
    case $pools_kind:$pools_card in inet:lo | inet:docker0 | inet:docker_gwbridge | inet:br-???????????? | inet:veth*) continue ;; inet:*) ;; *) continue ;; esac
    ipv4_range "${pools_to%/*}/32"
    pools_low=$ipv4_low
    for pools_one; do
      ipv4_range "$pools_one"
      if [ "$pools_low" -ge "$ipv4_low" ] && [ "$pools_low" -le "$ipv4_high" ]; then
        pools_found="$pools_found pool $pools_one contains address ${pools_to%/*} of $pools_card,"
      fi
    done
  done <<EOF
$pools_output
EOF
  if [ -n "$pools_found" ]; then
    pools_found=${pools_found# }
    echo "${pools_found%,}"
    return 1
  fi
}

# Fact: the ssh client of this probe is in none of the pools: the host would send its replies into a bridge of the engine, and the
# connection would be lost. A pool that overlaps a route of the host, such as the operator's network, is reported by check_pools_free.
# $@ pools as a.b.c.d/length
check_ssh_path() {
  ssh_client
  case $ssh_from in "" | *:*) return 0 ;; esac
  ipv4_range "$ssh_from/32"
  ssh_number=$ipv4_low
  ssh_pool=
  for ssh_one; do
    ipv4_range "$ssh_one"
    if [ "$ssh_number" -ge "$ipv4_low" ] && [ "$ssh_number" -le "$ipv4_high" ]; then ssh_pool=$ssh_one; fi
  done
  if [ -z "$ssh_pool" ]; then return 0; fi
  pools_routes
  for pools_route in $pools_routed; do
    ipv4_range "${pools_route%@*}"
    if [ "$ssh_number" -ge "$ipv4_low" ] && [ "$ssh_number" -le "$ipv4_high" ]; then return 0; fi
  done
  echo "this ssh session comes from $ssh_from, which is in pool $ssh_pool"
  return 1
}

# pools_routes: sets pools_routed to words network@interface, from all tables, without the default route and Docker's own bridges.
pools_routes() {
  pools_routed=
  pools_output=$(ip -4 route show table all 2>/dev/null || true)
  while read -r pools_to pools_rest; do
    case $pools_to in
      "" | default | local | broadcast | multicast | nat) continue ;;
      unicast | unreachable | blackhole | prohibit | throw)
        pools_kind=$pools_to
        pools_to=${pools_rest%% *}
        pools_rest="dev $pools_kind $pools_rest"
        ;;
    esac
    case $pools_to in default | 0.0.0.0/0 | 127.*) continue ;; *.*.*.*) ;; *) continue ;; esac
    case $pools_rest in *"dev "*) ;; *) pools_rest="dev several" ;; esac
    pools_card=${pools_rest##*dev }
    pools_card=${pools_card%% *}
    case $pools_card in docker0 | docker_gwbridge | br-???????????? | veth*) continue ;; esac
    case $pools_to in */*) ;; *) pools_to=$pools_to/32 ;; esac
    pools_routed="$pools_routed $pools_to@$pools_card"
  done <<EOF
$pools_output
EOF
}

# ipv4_range A.B.C.D/LENGTH: sets ipv4_low and ipv4_high to the first and last address as numbers.
ipv4_range() {
  ipv4_rest=${1%/*}.
  ipv4_low=0
  while [ -n "$ipv4_rest" ]; do
    ipv4_low=$((ipv4_low * 256 + ${ipv4_rest%%.*}))
    ipv4_rest=${ipv4_rest#*.}
  done
  ipv4_size=$((1 << (32 - ${1#*/})))
  ipv4_low=$((ipv4_low / ipv4_size * ipv4_size))
  ipv4_high=$((ipv4_low + ipv4_size - 1))
}
