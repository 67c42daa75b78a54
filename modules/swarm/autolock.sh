# Autolock: managers whose keys are encrypted by an unlock key, which the engine makes. It is kept on each manager, encrypted for the recovery
# key of the site, beside the data that it opens. A manager that was off while the key was replaced has the one that opens its own data.
# In plain text it is in variables, pipes and files in memory only, never on a command line, in a report or on a disk.
# shellcheck disable=SC2154 # files.sh sets file_wrong, and cluster.sh cluster_…

SWARM_KEYS=$SEALIFT_STATE/swarm-unlock
# shellcheck disable=SC2034 # member.sh and cluster.sh say it
SWARM_UNLOCKS="on a manager that is unlocked, read the key with docker swarm unlock-key -q, or decrypt $SWARM_KEYS/current.age of this host with the recovery key; then here docker swarm unlock (docs/guide/swarm.md, Locked managers)"

# Fact: managers are locked after a restart of their engine, or not.
# $1 on or off, $2 program of age, $3 recovery key
check_swarm_autolock() {
  cluster_or_why || return 1
  if ! cluster_ask info --format '{{with .Swarm.Cluster}}A {{.Spec.EncryptionConfig.AutoLockManagers}}{{end}}'; then
    cluster_unanswered
    return 1
  fi
  case $1,$(printf '%s\n' "$cluster_said" | grep '^A ') in
    "on,A true") return 0 ;;
    "off,A false")
      if [ ! -L "$SWARM_KEYS/current.age" ]; then return 0; fi
      echo "$SWARM_KEYS/current.age is a key that opens nothing"
      ;;
    "on,A false") echo "a manager that starts reads its keys from its disk" ;;
    "off,A true") echo "a manager that starts is locked" ;;
    *) echo "the engine does not report whether managers are locked" ;;
  esac
  return 1
}
# The key exists only afterwards; it is encrypted at once. That it can be is tried before.
apply_swarm_autolock() {
  if [ "$1" = off ]; then
    cluster_change swarm update --autolock=false || return 1
    # The files themselves stay, for a manager that is off.
    rm -f "$SWARM_KEYS/current.age"
    return
  fi
  if ! autolock_wrong=$(printf 'trial\n' | autolock_encrypt "$2" "$3" 2>&1 >/dev/null); then
    echo "age does not encrypt for the recovery key: $autolock_wrong"
    return 1
  fi
  # It prints the key.
  if ! autolock_wrong=$(timeout "$SWARM_ANSWER_SEC" "$SEALIFT_DOCKER" swarm update --autolock=true 2>&1 >/dev/null); then
    echo "docker swarm update failed: $(printf '%s' "$autolock_wrong" | autolock_hidden)"
    return 1
  fi
  apply_swarm_unlock_key "$2" "$3"
}

# Fact: the unlock key that the swarm has now is on this host, encrypted for the recovery key, and nowhere in memory.
# $1 program of age, $2 recovery key
check_swarm_unlock_key() {
  cluster_or_why || return 1
  if [ -e "$SWARM_KEY_HELD" ]; then
    echo "the key is still in memory since a restart of the engine"
    return 1
  fi
  if ! unlock_key=$(autolock_key); then
    echo "the swarm has no unlock key yet"
    return 1
  fi
  unlock_name=$(autolock_name "$2")
  unlock_key=
  unlock_file=$(readlink "$SWARM_KEYS/current.age") || unlock_file=
  case $unlock_file in
    */*) unlock_file= ;;
    "$unlock_name"-*.age) ;;
    *-*.age)
      echo "$SWARM_KEYS/current.age has an earlier key, or is encrypted for an earlier recovery key"
      return 1
      ;;
  esac
  file_inspect "$SWARM_KEYS" "$SWARM_KEYS/$unlock_file"
  if [ -z "$unlock_file" ] || ! file_owned "$SWARM_KEYS" "root:root 700" directory || ! file_owned "$SWARM_KEYS/$unlock_file" "root:root 600"; then
    echo "${file_wrong:-$SWARM_KEYS/current.age is absent}"
    return 1
  fi
  if [ "$unlock_file" = "$unlock_name-$(autolock_digits <"$SWARM_KEYS/$unlock_file").age" ]; then return 0; fi
  echo "$SWARM_KEYS/current.age is altered"
  return 1
}
apply_swarm_unlock_key() {
  rm -f "$SWARM_KEY_HELD"
  if check_swarm_unlock_key "$@" >/dev/null; then return 0; fi
  install -d -o root -g root -m 0700 "$SWARM_KEYS"
  if ! unlock_key=$(autolock_key); then
    echo "the engine does not report the unlock key of the swarm"
    return 1
  fi
  if ! unlock_wrong=$( (umask 077 && printf '%s\n' "$unlock_key" | autolock_encrypt "$1" "$2" >"$SWARM_KEYS/new") 2>&1); then
    unlock_key=
    echo "the unlock key of the swarm was not encrypted: $unlock_wrong"
    return 1
  fi
  unlock_name=$(autolock_name "$2")
  unlock_key=
  unlock_file=$unlock_name-$(autolock_digits <"$SWARM_KEYS/new").age
  mv -T "$SWARM_KEYS/new" "$SWARM_KEYS/$unlock_file"
  on_disk "$SWARM_KEYS" || return 1
  ln -sfn "$unlock_file" "$SWARM_KEYS/link"
  mv -T "$SWARM_KEYS/link" "$SWARM_KEYS/current.age"
  # A manager that fails while the key is replaced may still need the one before.
  # shellcheck disable=SC2010,SC2012 # names of our own
  ls -t "$SWARM_KEYS" | grep -x '[0-9a-f]\{16\}-[0-9a-f]\{16\}\.age' | tail -n +4 | while read -r unlock_old; do
    if [ "$unlock_old" != "$unlock_file" ]; then rm -f "$SWARM_KEYS/$unlock_old"; fi
  done
}

# autolock_name RECOVERY_KEY: prints by what the file is named that has unlock_key, encrypted for this recovery key. The key is 256 random bits,
# which no hash gives away.
autolock_name() { printf '%s\n%s\n' "$unlock_key" "$1" | autolock_digits; }

# autolock_digits: prints the first 16 digits of the sha256 of standard input.
autolock_digits() { sha256sum | cut -c 1-16; }

# autolock_encrypt AGE RECOVERY_KEY: encrypts standard input.
autolock_encrypt() { timeout 60 "$1" --encrypt --armor --recipient "$2"; }

# autolock_hidden: standard input in one line, without an unlock key.
autolock_hidden() { tr '\n' ' ' | sed 's/SWMKEY-[A-Za-z0-9+\/=-]*/***/g' | head -c 300; }
