# One run at a time changes a host. The lock is a flock(2), which ends with the process that holds it, so a killed run or a power cut leaves
# none behind. The lock file names its holder for those who wait.

# Only root can enter the folder: a user who could open the file could hold the lock, and one who could create it could put a pipe there.
SEALIFT_LOCK=/run/sealift/lock/host
SEALIFT_LOCK_WAIT_SEC=120

# lock_host: takes the lock, waiting for a run that holds it, and writes the holder into the lock file. Exits if the wait is too long.
lock_host() {
  install -d -m 0700 "${SEALIFT_LOCK%/*}"
  exec 9<>"$SEALIFT_LOCK"
  if ! flock -w "$SEALIFT_LOCK_WAIT_SEC" 9; then
    echo "E_HOST_LOCKED another run is changing this host: $(one_line "$(lock_holder)"); fix: wait for it to end, then run again"
    exit 75
  fi
  # SSH_CONNECTION (sshd(8)): address and port of the client, then of the server.
  # shellcheck disable=SC2086
  set -- ${SEALIFT_FROM-}
  echo "login ${SUDO_USER:-root} from ${1:--} ${2:--} since $(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$SEALIFT_LOCK"
}

# Fact: no other run is changing this host.
check_host_free() {
  if [ ! -e "$SEALIFT_LOCK" ]; then return 0; fi
  exec 8<"$SEALIFT_LOCK"
  if flock -s -n 8; then return 0; fi
  lock_holder
  return 1
}

# lock_holder: prints who holds the lock, including the comment of the ssh key if known, because several people may share a user.
lock_holder() {
  read -r _ holder_login _ holder_address holder_port _ holder_since <"$SEALIFT_LOCK" || true
  holder_key=$(lock_key "$holder_login" "$holder_address" "$holder_port" || true)
  echo "${holder_key:+$holder_key as }login ${holder_login:-unknown} from ${holder_address:--} since ${holder_since:-an unknown time}"
}

# lock_key LOGIN ADDRESS PORT: prints the comment in authorized_keys of the key with which, according to sshd's log, this connection logged
# in.
lock_key() {
  # Since version 9.8 sshd logs sessions as sshd-session.
  key_print=$(timeout 10 journalctl --quiet --boot --no-pager --output cat --identifier sshd --identifier sshd-session |
    awk -v from="from $2 port $3 " '/^Accepted publickey/ && index($0, from) { print $NF }' | tail -n 1)
  if [ -z "$key_print" ]; then return 1; fi
  key_home=$(getent passwd -- "$1" | cut -d : -f 6)
  # The user controls this file: it may be a pipe or endless.
  timeout 10 head -c 65536 -- "$key_home/.ssh/authorized_keys" 2>/dev/null | timeout 10 ssh-keygen -lf - |
    awk -v expected="$key_print" '$2 == expected { $1 = $2 = $NF = ""; sub(/^ +/, ""); sub(/ +$/, ""); if ($0 != "no comment") print; exit }'
}
