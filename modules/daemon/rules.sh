# The engine's own rules for packets, which anybody's `iptables -F` and any reload of a firewall takes away: ports and networks of
# containers then lead nowhere, and what kept networks apart is gone. The engine makes them when it starts (moby daemon/libnetwork, 26 to 29).

# rules_gone: says what is not in the kernel of what an engine with this daemon.json has made at its start; nothing when all of it is
# there, or when the engine makes none. Two processes.
rules_gone() {
  case $(daemon_value iptables <"$DAEMON_LOADED"),$(daemon_value firewall-backend <"$DAEMON_LOADED") in
    false,*) return 0 ;;
    *,*nftables*)
      rules_table ip docker-bridges
      return
      ;;
  esac
  rules_chain filter FORWARD DOCKER-USER || return 0
  # Without a network of its own the engine has no ports to lead anywhere.
  case $(daemon_value bridge <"$DAEMON_LOADED") in *none*) return 0 ;; esac
  rules_chain nat PREROUTING DOCKER || return 0
}

# rules_chain TABLE CHAIN TARGET: whether the chain leads to that one; says so when not.
rules_chain() {
  rules_found=$(timeout 20 iptables -w 5 -t "$1" -S "$2" 2>/dev/null || true)
  case "$rules_found$SEALIFT_LINE_END" in *" -j $3$SEALIFT_LINE_END"*) return 0 ;; esac
  echo "$2 of iptables -t $1 does not lead to $3"
  return 1
}

# rules_table FAMILY NAME: says so when nftables has no such table.
rules_table() {
  if timeout 20 nft list table "$1" "$2" >/dev/null 2>&1; then return 0; fi
  echo "nftables has no table $1 $2"
}
