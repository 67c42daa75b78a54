# The engine's own firewall rules, which `iptables -F` and any reload of a firewall remove: published ports then stop working, and networks
# are no longer isolated. The engine creates them when it starts, and those of a port when it publishes the port
# (moby libnetwork/drivers/bridge, 26 to 29: setPerPortNAT, setPerPortForwarding, setPerPortDNAT).

# rules_gone VERSION: prints which rules of an engine of this version with its daemon.json are missing, for its start and for each published port
# of a running container; nothing when all are there or the engine creates none. Rules may change while they are read, so the third try
# decides. Four processes without published ports, three more with them.
rules_gone() {
  rules_backend=$(rules_backend_of)
  if [ "$rules_backend" = none ]; then return 0; fi
  rules_tries=3
  while :; do
    rules_missing=$(rules_absent "$rules_backend" "$1")
    if [ -z "$rules_missing" ]; then return 0; fi
    rules_tries=$((rules_tries - 1))
    if [ "$rules_tries" -eq 0 ]; then break; fi
    sleep 1
  done
  printf '%s\n' "$rules_missing" | sed ':a; N; $!ba; s/\n/, /g'
}

# rules_backend_of: how the engine creates rules: iptables, nftables, or none.
rules_backend_of() {
  case $(daemon_value iptables <"$DAEMON_LOADED"),$(daemon_value firewall-backend <"$DAEMON_LOADED") in
    false,*) echo none ;;
    *,*nftables*) echo nftables ;;
    *) echo iptables ;;
  esac
}

# rules_after_start: restores the jump from FORWARD to DOCKER-USER: an engine 26.1 that starts while containers run creates all rules again
# except this one, which it creates with each network (moby 26.1.5, arrangeUserFilterRule).
rules_after_start() {
  if [ "$(rules_backend_of)" != iptables ]; then return 0; fi
  for rules_program in iptables ip6tables; do
    if ! timeout 20 "$rules_program" -w 5 -S DOCKER-USER >/dev/null 2>&1; then continue; fi
    if timeout 20 "$rules_program" -w 5 -C FORWARD -j DOCKER-USER 2>/dev/null; then continue; fi
    timeout 20 "$rules_program" -w 5 -I FORWARD -j DOCKER-USER
  done
}

# rules_absent BACKEND VERSION: one try. IPv6 is checked if a port is published there and the engine writes rules for it.
rules_absent() {
  rules_ports=$(rules_published)
  "rules_of_$1" 4 "$2"
  case "$SEALIFT_LINE_END$rules_ports" in
    *"${SEALIFT_LINE_END}6 "*) if rules_for_ipv6 "$2"; then "rules_of_$1" 6 "$2"; fi ;;
  esac
}

# rules_for_ipv6 VERSION: the default is on since engine 27.0.
rules_for_ipv6() {
  case $(daemon_value ip6tables <"$DAEMON_LOADED") in
    true) return 0 ;;
    false) return 1 ;;
  esac
  [ "${1%%.*}" -ge 27 ]
}

# rules_published: what running containers publish, one a line: 4 or 6 for the kind of rule, protocol, port of the host, port of the
# container, address of the host, name. An address of IPv6 for a container without one is docker-proxy's alone, and a network that is
# routed has no port of the host.
rules_published() {
  rules_running=$(timeout 30 "$SEALIFT_DOCKER" ps --quiet --no-trunc 2>/dev/null || true)
  if [ -z "$rules_running" ]; then return 0; fi
  # shellcheck disable=SC2016,SC2086 # a template of docker's own; ids, one word each
  timeout 60 "$SEALIFT_DOCKER" inspect --format \
    '{{range $port, $all := .NetworkSettings.Ports}}{{range $all}}{{$port}}|{{.HostPort}}|{{.HostIp}}|{{$.Name}}|{{range $.NetworkSettings.Networks}}{{.GlobalIPv6Address}} {{end}}{{"\n"}}{{end}}{{end}}' \
    $rules_running 2>/dev/null | awk -F '|' '
    $2 + 0 > 0 {
      split($1, port, "/")
      sub(/^\//, "", $4)
      six = $3 ~ /:/
      if (!six || $5 ~ /:/) print (six ? 6 : 4), port[2], $2, port[1], $3, $4
    }' || true
}

# rules_of_iptables FAMILY VERSION: checks the jumps from FORWARD to the engine's chains (from engine 28 on DOCKER-FORWARD) and from
# PREROUTING in nat, and the rules of each port in both tables.
rules_of_iptables() {
  case $1 in 4) rules_program=iptables ;; *) rules_program=ip6tables ;; esac
  rules_filter=$(timeout 20 "$rules_program" -w 5 -S 2>/dev/null || true)
  rules_chain "$rules_filter" filter FORWARD DOCKER-USER || return 0
  # A later engine may have left this chain behind, and not every 28 has it.
  case "${2%%.*},$rules_filter" in
    2[0-7],*) ;;
    *"-N DOCKER-FORWARD"*) rules_chain "$rules_filter" filter FORWARD DOCKER-FORWARD || return 0 ;;
  esac
  # Without the default bridge and without published ports the engine has no nat rules.
  case $(daemon_value bridge <"$DAEMON_LOADED"),$rules_ports in *none*,) return 0 ;; esac
  rules_nat=$(timeout 20 "$rules_program" -w 5 -t nat -S 2>/dev/null || true)
  rules_chain "$rules_nat" nat PREROUTING DOCKER || return 0
  rules_without "$1" "$rules_nat$SEALIFT_LINE_END$rules_filter"
}

# rules_chain RULES TABLE CHAIN TARGET: whether the chain jumps to TARGET; prints a finding if not.
rules_chain() {
  rules_line=$(printf '%s\n' "$1" | grep -e "^-A $3 " | grep -e " -j $4\$" || true)
  if [ -n "$rules_line" ]; then return 0; fi
  echo "$3 of $rules_program -t $2 does not jump to $4"
  return 1
}

# rules_of_nftables FAMILY VERSION: the engine's table is there, and each port in it.
rules_of_nftables() {
  case $1 in 4) rules_family=ip ;; *) rules_family=ip6 ;; esac
  rules_table=$(timeout 20 nft list table "$rules_family" docker-bridges 2>/dev/null || true)
  if [ -z "$rules_table" ]; then
    echo "nftables has no table $rules_family docker-bridges"
    return
  fi
  rules_without "$1" "$rules_table"
}

# rules_without FAMILY RULES: prints the published ports without a DNAT rule or without an accept rule. A network that is open as a
# whole (gateway_mode nat-unprotected) has no accept rule per port.
rules_without() {
  if [ -z "$rules_ports" ]; then return 0; fi
  printf '%s\n' "$2" -- "$rules_ports" | awk -v family="$1" -v backend="$rules_backend" '
    function after(word,    at) { for (at = 1; at < NF; at++) if ($at == word) return $(at + 1); return "" }
    function before(word,    at) { for (at = 2; at <= NF; at++) if ($at == word) return $(at - 1); return "" }
    $0 == "--" { ports = 1; next }
    !ports && backend == "nftables" && / dnat to / { leads[before("dport") " " after("dport")] = after("to"); next }
    !ports && /^-A DOCKER / && / -j DNAT / { leads[after("-p") " " after("--dport")] = after("--to-destination"); next }
    !ports && /^-A DOCKER / && / -j ACCEPT$/ {
      to = after("-d")
      sub(/\/.*/, "", to)
      if (to == "" && after("--dport") == "") whole = 1
      passes[after("-p") " " to " " after("--dport")] = 1
      next
    }
    ports && $1 == family {
      to = leads[$2 " " $3]
      address = to
      sub(/:[0-9]+$/, "", address)
      gsub(/[][]/, "", address)
      led = to ~ ":" $4 "$"
      let = backend == "nftables" || whole || (($2 " " address " " $4) in passes)
      if (led && let) next
      count++
      if (count > 4) next
      what = what (what == "" ? "" : ", ") ($5 ~ /:/ ? "[" $5 "]" : $5) ":" $3 "/" $2 " of " $6
    }
    END {
      if (count > 4) what = what " and " (count - 4) " more"
      if (count > 0) print "no rule forwards or accepts published ports: " what
    }'
}
