# The registry's name, if no name server knows it.

HOSTS_FILE=/etc/hosts
HOSTS_BEGIN='# Sealift: the registry of the site'
HOSTS_END='# Sealift: end'

# Fact: the registry's name resolves to its addresses, in this order.
# $1 DNS name, $2... IPv4 addresses
check_registry_name() {
  if hosts_others "$@"; then
    echo "$HOSTS_FILE has other lines for $1, which resolve it to $name_others"
    return 1
  fi
  name_block=$(hosts_block "$@")
  # /etc/hosts precedes name servers (nsswitch.conf).
  name_hosts=$(cat "$HOSTS_FILE")
  case $SEALIFT_LINE_END$name_hosts$SEALIFT_LINE_END in *"$SEALIFT_LINE_END$name_block$SEALIFT_LINE_END"*) return 0 ;; esac
  name_found=$(name_addresses "$1")
  name_one=$1
  shift
  # A name server may give them in any order.
  if [ "$(printf '%s\n' "$name_found" | tr ' ' '\n' | sort)" = "$(printf '%s\n' "$@" | sort)" ]; then return 0; fi
  echo "$name_one resolves to ${name_found:-nothing}"
  return 1
}
guard_registry_name() {
  if hosts_others "$@"; then
    refuse E_REGISTRY_NAME "$HOSTS_FILE has other lines for $1, which resolve it to $name_others" "remove them, or use another name"
  fi
  if grep -qxF "$HOSTS_BEGIN" "$HOSTS_FILE"; then return 0; fi
  name_found=$(name_addresses "$1")
  if [ -z "$name_found" ]; then return 0; fi
  name_one=$1
  shift
  if [ "$(printf '%s\n' "$name_found" | tr ' ' '\n' | sort)" = "$(printf '%s\n' "$@" | sort)" ]; then return 0; fi
  refuse E_REGISTRY_NAME "$name_one resolves to $name_found on this host" "make the name server and the site file agree, or use another name"
}
apply_registry_name() {
  guard_registry_name "$@"
  # /etc/hosts is read at any time: write a copy and rename it.
  {
    sed "/^$HOSTS_BEGIN\$/,/^$HOSTS_END\$/d" "$HOSTS_FILE"
    hosts_block "$@"
  } >"$HOSTS_FILE.new"
  chmod 0644 "$HOSTS_FILE.new"
  sync "$HOSTS_FILE.new"
  mv "$HOSTS_FILE.new" "$HOSTS_FILE"
}

# hosts_others NAME ADDRESS...: whether lines outside Sealift's block resolve the name to other addresses; sets name_others to these. All
# lines of a name are used, the first one first (hosts(5), nss_files of glibc).
hosts_others() {
  name_others=$(awk -v begin="$HOSTS_BEGIN" -v end="$HOSTS_END" '
    BEGIN { name = tolower(ARGV[1]); for (i = 2; i < ARGC - 1; i++) right[ARGV[i]]; file = ARGV[ARGC - 1]; ARGC = 2; ARGV[1] = file }
    $0 == begin { ours = 1 }
    $0 == end { ours = 0 }
    ours { next }
    { sub(/#.*/, "") }
    {
      for (i = 2; i <= NF; i++) if (tolower($i) == name && !($1 in right)) found = found " " $1
    }
    END { print substr(found, 2, 200) }' "$@" "$HOSTS_FILE")
  [ -n "$name_others" ]
}

# hosts_block NAME ADDRESS...
hosts_block() {
  block_name=$1
  shift
  echo "$HOSTS_BEGIN"
  for block_one; do echo "$block_one $block_name"; done
  echo "$HOSTS_END"
}

# name_addresses NAME: separated by blanks; empty if it does not resolve.
name_addresses() {
  timeout 20 getent ahostsv4 "$1" | sed -n 's/ *STREAM.*//p' | tr '\n' ' ' | sed 's/ $//'
}
