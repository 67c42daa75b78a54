# What daemon.json refers to on the host: without it the daemon fails at start.

# Fact: the host has what daemon.json refers to.
# $@ needs: bridge:NAME; file:PATH; program:NAME-OR-PATH; remap:USER or remap:USER:GROUP with subordinate ids; forwarding:4 or forwarding:6
# enabled; selinux in the kernel
check_daemon_needs() {
  needs_absent=
  for needs_one; do
    needs_value=${needs_one#*:}
    case $needs_one in
      bridge:*)
        if [ ! -d "$SEALIFT_ROOT/sys/class/net/$needs_value/bridge" ]; then needs_say "bridge: no bridge $needs_value"; fi
        ;;
      file:*) if [ ! -e "$SEALIFT_ROOT$needs_value" ]; then needs_say "$needs_value does not exist"; fi ;;
      program:/*) if [ ! -x "$SEALIFT_ROOT$needs_value" ]; then needs_say "default-runtime: no program $needs_value"; fi ;;
      program:*)
        if ! command -v "$needs_value" >/dev/null; then needs_say "default-runtime: no program $needs_value on the PATH"; fi
        ;;
      remap:*) needs_remap "$needs_value" ;;
      forwarding:4) needs_forwarding net/ipv4/ip_forward ;;
      forwarding:6) needs_forwarding net/ipv6/conf/all/forwarding ;;
      selinux)
        if [ ! -e "$SEALIFT_ROOT/sys/fs/selinux/enforce" ]; then needs_say "selinux-enabled: the kernel runs without SELinux"; fi
        ;;
    esac
  done
  if [ -z "$needs_absent" ]; then return 0; fi
  echo "${needs_absent#, }"
  return 1
}

needs_say() {
  needs_absent="$needs_absent, $1"
}

# needs_forwarding FILE: checks a setting below /proc/sys. Source: checkIPv4Forwarding, libnetwork/drivers/bridge/setup_ip_forwarding.go of
# moby 29.0.
needs_forwarding() {
  needs_value=0
  { read -r needs_value; } 2>/dev/null <"$SEALIFT_ROOT/proc/sys/$1" || true
  if [ "$needs_value" = 0 ]; then needs_say "firewall-backend nftables: $(echo "$1" | tr / .) is 0"; fi
}

# needs_remap USER[:GROUP]: checks user, group and subordinate ids. Names or numbers, as parseRemappedRoot of moby 26.1 to 29.7.2 accepts
# them; /etc/subuid and /etc/subgid need a line for the user, by name or by number.
needs_remap() {
  needs_entry=$(getent passwd "${1%%:*}" || true)
  if [ -z "$needs_entry" ]; then
    needs_say "userns-remap: no user ${1%%:*}"
    return
  fi
  needs_user=${needs_entry%%:*}
  needs_number=${needs_entry#*:*:}
  needs_number=${needs_number%%:*}
  case $1 in
    *:*) needs_group=${1#*:} ;;
    *) needs_group=$1 ;;
  esac
  if ! getent group "$needs_group" >/dev/null; then needs_say "userns-remap: no group $needs_group"; fi
  for needs_file in /etc/subuid /etc/subgid; do
    if ! grep -q -e "^$needs_user:" -e "^$needs_number:" "$SEALIFT_ROOT$needs_file" 2>/dev/null; then
      needs_say "userns-remap: $needs_file has no line for $needs_user"
    fi
  done
}
