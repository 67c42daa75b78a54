# The unlock key of a swarm whose managers are locked when their engine starts (docker swarm update --autolock).

# In memory, from before a run restarts the engine until it runs again.
SWARM_KEY_HELD=/run/sealift/swarm-unlock-key

# autolock_key: prints the unlock key of the swarm; fails on a host that does not have it.
autolock_key() { timeout 20 "$SEALIFT_DOCKER" swarm unlock-key --quiet 2>/dev/null | grep -x 'SWMKEY-1-[A-Za-z0-9+/=]*'; }

# autolock_hold: keeps the unlock key in memory while the engine is restarted: without it, each manager would need a person after a restart by
# a run, and the second one would cost the quorum. Does nothing on other hosts.
autolock_hold() {
  if [ ! -x "$SEALIFT_DOCKER" ] || ! systemctl is-active --quiet docker.service; then return 0; fi
  [ -d "${SWARM_KEY_HELD%/*}" ] || install -d -m 0755 "${SWARM_KEY_HELD%/*}"
  case $(stat -f -c %T "${SWARM_KEY_HELD%/*}") in tmpfs | ramfs) ;; *) return 0 ;; esac
  if (umask 077 && autolock_key >"$SWARM_KEY_HELD.new"); then
    mv -T "$SWARM_KEY_HELD.new" "$SWARM_KEY_HELD"
  else
    rm -f "$SWARM_KEY_HELD.new"
  fi
}

# autolock_release: unlocks the manager with the key in memory, and forgets it. That it is locked nevertheless is a fact of its own.
autolock_release() {
  if [ ! -f "$SWARM_KEY_HELD" ]; then return 0; fi
  if [ "$(timeout 20 "$SEALIFT_DOCKER" info --format '{{.Swarm.LocalNodeState}}' 2>/dev/null)" = locked ]; then
    timeout 90 "$SEALIFT_DOCKER" swarm unlock <"$SWARM_KEY_HELD" >/dev/null 2>&1 || true
  fi
  rm -f "$SWARM_KEY_HELD"
}
