# One run at a time works on a host. The lock is a flock(2): it goes with the process that holds it, so that none is left behind
# by a run that was killed or a host that lost power. Its file says who holds it, for whoever has to wait.

# In a folder of root alone: whoever could open the file could hold it, and whoever could make it could lay a pipe there.
SEALIFT_LOCK=/run/sealift/lock/host
SEALIFT_LOCK_WAIT_SEC=120

# lock_host: waits for the run before, then says who it waited for.
lock_host() {
  install -d -m 0700 "${SEALIFT_LOCK%/*}"
  exec 9<>"$SEALIFT_LOCK"
  if ! flock -w "$SEALIFT_LOCK_WAIT_SEC" 9; then
    echo "E_HOST_LOCKED another run works on this host: $(one_line "$(lock_holder)"); wait for it to end, then run again"
    exit 75
  fi
  # SSH_CONNECTION of the login, sshd(8): address and port of whoever came, and where it came to.
  # shellcheck disable=SC2086
  set -- ${SEALIFT_FROM-}
  echo "login ${SUDO_USER:-root} from ${1:--} ${2:--} since $(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$SEALIFT_LOCK"
}

# Fact: no other run works on this host.
check_host_free() {
  if [ ! -e "$SEALIFT_LOCK" ]; then return 0; fi
  exec 8<"$SEALIFT_LOCK"
  if flock -s -n 8; then return 0; fi
  lock_holder
  return 1
}

# lock_holder: who holds the lock, in words: the name of the key that logged in where it can be found out, for several people
# share a login.
lock_holder() {
  read -r _ holder_login _ holder_address holder_port _ holder_since <"$SEALIFT_LOCK" || true
  holder_key=$(lock_key "$holder_login" "$holder_address" "$holder_port" || true)
  echo "${holder_key:+$holder_key as }login ${holder_login:-unknown} from ${holder_address:--} since ${holder_since:-an unknown time}"
}

# lock_key LOGIN ADDRESS PORT: the comment that authorized_keys has for the key that sshd's log says came from there.
lock_key() {
  # Of sshd before and after its 9.8, where sessions have a program of their own.
  key_print=$(timeout 10 journalctl --quiet --boot --no-pager --output cat --identifier sshd --identifier sshd-session |
    awk -v from="from $2 port $3 " '/^Accepted publickey/ && index($0, from) { print $NF }' | tail -n 1)
  if [ -z "$key_print" ]; then return 1; fi
  key_home=$(getent passwd -- "$1" | cut -d : -f 6)
  # The user's own file: it may be a pipe, or endless.
  timeout 10 head -c 65536 -- "$key_home/.ssh/authorized_keys" 2>/dev/null | timeout 10 ssh-keygen -lf - |
    awk -v wanted="$key_print" '$2 == wanted { $1 = $2 = $NF = ""; sub(/^ +/, ""); sub(/ +$/, ""); if ($0 != "no comment") print; exit }'
}
