# The public keys that may log in. The folder is the user's own, so everything in it is written as the user: root
# would follow a link that the user has laid there. Source: sshd(8), AUTHORIZED_KEYS FILE FORMAT.

# Fact: exactly these keys may log in, or these and others; folder and file are the user's own.
# $1 user, $2 exact or add; $3... public keys
check_authorized_keys() {
  if ! account /etc/passwd "$1"; then
    echo "no such user"
    return 1
  fi
  keys_file=$FIELD_6/.ssh/authorized_keys
  keys_policy=$2
  shift 2
  if [ $# = 0 ] && [ ! -e "$keys_file" ] && [ ! -L "$keys_file" ]; then return 0; fi
  if [ ! -f "$keys_file" ] || [ -L "$keys_file" ]; then
    echo "no file $keys_file"
    return 1
  fi
  keys_modes=$(stat -c '%u %a %s' "${keys_file%/*}" "$keys_file" | tr '\n' ' ')
  case $keys_modes in
    "$FIELD_3 700 "*" $FIELD_3 600 "*) ;;
    *)
      echo "uid, mode and bytes of folder and file: $keys_modes"
      return 1
      ;;
  esac
  keys_bytes=${keys_modes% }
  if [ "${keys_bytes##* }" -gt 65536 ]; then
    echo "$keys_file has ${keys_bytes##* } bytes"
    return 1
  fi
  keys_found=0
  for keys_key; do
    if keys_has "$keys_file" "$keys_key"; then keys_found=$((keys_found + 1)); fi
  done
  keys_other=0
  if [ "$keys_policy" = exact ]; then keys_count_other "$keys_file" "$@"; fi
  if [ "$keys_found" != $# ] || [ "$keys_other" != 0 ]; then
    echo "$keys_found of $# keys, $keys_other lines that are none of them"
    return 1
  fi
}
guard_authorized_keys() {
  if [ "$2" = add ] || [ "$1" != "${SUDO_USER:-root}" ]; then return 0; fi
  account /etc/passwd "$1"
  keys_file=$FIELD_6/.ssh/authorized_keys
  if [ ! -f "$keys_file" ]; then return 0; fi
  keys_login=$1
  shift 2
  for keys_key; do
    if keys_has "$keys_file" "$keys_key"; then return 0; fi
  done
  refuse_because E_OWN_LOGIN "none of the keys that now let in $keys_login, the login of this very run, is among the site's" \
    "name one of them, or write keys: add, log in with a new key, then go on"
}
apply_authorized_keys() {
  guard_authorized_keys "$@"
  account /etc/passwd "$1"
  keys_uid=$FIELD_3
  keys_gid=$FIELD_4
  keys_folder=$FIELD_6/.ssh
  keys_file=$keys_folder/authorized_keys
  if [ -e "$keys_folder" ]; then chown -h "$keys_uid:$keys_gid" "$keys_folder"; fi
  keys_before=
  if [ "$2" = add ] && [ -f "$keys_file" ]; then keys_before=$(as_owner cat "$keys_file"); fi
  shift 2
  umask 077
  as_owner mkdir -p "$keys_folder"
  as_owner chmod 0700 "$keys_folder"
  as_owner rm -f "$keys_file.new"
  {
    if [ -n "$keys_before" ]; then printf '%s\n' "$keys_before"; fi
    for keys_key; do
      if [ -z "$keys_before" ] || ! keys_has "$keys_file" "$keys_key"; then printf '%s\n' "$keys_key"; fi
    done
  } | as_owner tee "$keys_file.new" >/dev/null
  as_owner sync "$keys_file.new"
  as_owner mv "$keys_file.new" "$keys_file"
}

# as_owner COMMAND...: with the user's own rights and no others.
as_owner() {
  (cd / && exec setpriv --reuid="$keys_uid" --regid="$keys_gid" --clear-groups -- "$@")
}

# keys_has FILE KEY: by kind and key; what the comment says does not count, what options say makes it another line.
keys_has() {
  while read -r keys_kind keys_blob _ || [ -n "$keys_kind" ]; do
    case "$2 " in
      "$keys_kind $keys_blob "*) return 0 ;;
    esac
  done <"$1"
  return 1
}

# keys_count_other FILE KEY...: sets keys_other to the number of lines that are none of the keys; empty ones do not count.
keys_count_other() {
  keys_counted=$1
  shift
  while read -r keys_kind keys_blob _ || [ -n "$keys_kind" ]; do
    keys_is_other=${keys_kind:+1}
    for keys_key; do
      case "$keys_key " in
        "$keys_kind $keys_blob "*) keys_is_other= ;;
      esac
    done
    keys_other=$((keys_other + ${keys_is_other:-0}))
  done <"$keys_counted"
}
