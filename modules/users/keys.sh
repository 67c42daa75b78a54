# Authorized public keys. The folder belongs to the user, so everything in it is written with the user's rights: root would follow a link
# that the user put there. Source: sshd(8), AUTHORIZED_KEYS FILE FORMAT.
# shellcheck disable=SC2154 # sshd.sh sets sshd_…

KEYS_RETURN=$(printf '\r')
# Time limit in seconds for commands with the user's rights.
KEYS_SEC=30
# The new content until it is in place.
SEALIFT_KEYS=/run/sealift/keys

# Fact: exactly these keys can log in (or at least these), from all sources of keys that sshd uses; folder and file belong to the user.
# $1 user, $2 exact or add; $3... public keys
check_authorized_keys() {
  if ! account /etc/passwd "$1"; then
    echo "no such user"
    return 1
  fi
  keys_home=$FIELD_6
  keys_uid=$FIELD_3
  keys_gid=$FIELD_4
  keys_file=$keys_home/.ssh/authorized_keys
  keys_inspect "$1" "$keys_home"
  keys_policy=$2
  shift 2
  keys_own "$@" || return 1
  if [ $# -gt 0 ] && [ -n "$keys_unread" ]; then
    echo "$keys_unread"
    return 1
  fi
  if [ "$keys_policy" = exact ]; then
    keys_elsewhere
    if [ -n "$keys_more" ]; then
      echo "other files also contain keys:$keys_more"
      return 1
    fi
    if [ -n "$sshd_others" ]; then warn E_SSHD "sshd also accepts: $sshd_others" "remove this from the sshd configuration if it is not intended"; fi
  fi
  if [ -n "$keys_unreported" ]; then warn E_SSHD "sshd -T does not report where it reads keys from: $keys_unreported" "run sshd -T on the host and correct the error"; fi
}

# keys_inspect USER HOME: like sshd_inspect, with sshd's defaults if sshd does not report its configuration (sets keys_unreported). Sets
# keys_unread if sshd does not read keys_file.
keys_inspect() {
  keys_unreported=
  keys_unread=
  if ! sshd_inspect "$1" "$2"; then
    keys_unreported=$sshd_output
    sshd_files=" $keys_file ${keys_file}2"
    sshd_others=
  fi
  case "$sshd_files " in
    *" $keys_file "*) ;;
    *) keys_unread="sshd reads keys from${sshd_files:- nowhere}, not from $keys_file" ;;
  esac
}

# keys_elsewhere: sets keys_more to the other files that sshd reads and that contain keys.
keys_elsewhere() {
  keys_more=
  for keys_one in $sshd_files; do
    if [ "$keys_one" != "$keys_file" ] && keys_any "$keys_one"; then keys_more="$keys_more $keys_one"; fi
  done
}

# keys_any FILE: whether a line of it could be a key. A larger file than ours may be is assumed to contain one, unread.
keys_any() {
  if [ ! -f "$1" ]; then return 1; fi
  keys_read "$1"
  if [ "${#keys_text}" -gt 65536 ]; then return 0; fi
  while read -r keys_kind _; do
    case $keys_kind in '' | "#"*) ;; *) return 0 ;; esac
  done <<END
$keys_text
END
  return 1
}

# keys_own KEY...: whether keys_file itself is right; prints what is not.
keys_own() {
  if [ $# = 0 ] && [ ! -e "$keys_file" ] && [ ! -L "$keys_file" ]; then return 0; fi
  if [ ! -f "$keys_file" ] || [ -L "$keys_file" ]; then
    echo "$keys_file is not a regular file"
    return 1
  fi
  keys_modes=$(stat -c '%u %a %s' "${keys_file%/*}" "$keys_file" | tr '\n' ' ')
  case $keys_modes in
    "$keys_uid 700 "*" $keys_uid 600 "*) ;;
    *)
      echo "uid, mode and size of directory and file: $keys_modes"
      return 1
      ;;
  esac
  keys_bytes=${keys_modes% }
  if [ "${keys_bytes##* }" -gt 65536 ]; then
    echo "$keys_file is too large: ${keys_bytes##* } bytes"
    return 1
  fi
  keys_found=0
  for keys_key; do
    if keys_has "$keys_file" "$keys_key"; then keys_found=$((keys_found + 1)); fi
  done
  keys_other=0
  if [ "$keys_policy" = exact ]; then keys_count_other "$keys_file" "$@"; fi
  if [ "$keys_found" != $# ] || [ "$keys_other" != 0 ]; then
    echo "$keys_found of $# listed keys present, unlisted lines: $keys_other"
    return 1
  fi
}
guard_authorized_keys() {
  account /etc/passwd "$1" || return 0
  keys_home=$FIELD_6
  keys_uid=$FIELD_3
  keys_gid=$FIELD_4
  keys_file=$keys_home/.ssh/authorized_keys
  keys_inspect "$1" "$keys_home"
  if [ $# -gt 2 ] && [ -n "$keys_unread" ]; then
    refuse E_SSHD "$keys_unread, so keys written there would have no effect" \
      "add .ssh/authorized_keys to AuthorizedKeysFile in sshd_config"
  fi
  if [ "$2" = add ]; then return 0; fi
  keys_elsewhere
  for keys_one in $keys_more; do
    case $keys_one in
      "$keys_home"/*) ;;
      *)
        refuse E_SSHD "$keys_one also contains keys for $1 and is outside the home that Sealift manages" \
          "remove the keys from it, or set authorizedKeysMode: additive for $1"
        ;;
    esac
  done
  if [ "$1" != "${SUDO_USER:-root}" ]; then return 0; fi
  keys_login=$1
  keys_lets=
  shift 2
  for keys_one in $sshd_files; do
    if ! keys_any "$keys_one"; then continue; fi
    keys_lets=yes
    if [ "${#keys_text}" -gt 65536 ]; then continue; fi
    for keys_key; do
      if keys_has "$keys_one" "$keys_key"; then return 0; fi
    done
  done
  if [ -z "$keys_lets" ]; then return 0; fi
  refuse E_LOCKOUT "the site lists none of the present keys of $keys_login, the SSH user of this run" \
    "list one of them in the site, or set authorizedKeysMode: additive, verify that a new key works, then remove the old ones"
}
apply_authorized_keys() {
  guard_authorized_keys "$@"
  account /etc/passwd "$1"
  keys_uid=$FIELD_3
  keys_gid=$FIELD_4
  keys_folder=$FIELD_6/.ssh
  keys_file=$keys_folder/authorized_keys
  keys_before=
  keys_more=
  if [ "$2" = exact ]; then keys_elsewhere; fi
  if [ "$2" = add ] && [ -f "$keys_file" ]; then
    keys_read "$keys_file"
    keys_before=$keys_text
  fi
  shift 2
  umask 077
  # A file, not a pipe, which the user could block.
  mkdir -p "${SEALIFT_KEYS%/*}"
  {
    if [ -n "$keys_before" ]; then printf '%s\n' "$keys_before"; fi
    for keys_key; do
      if [ -z "$keys_before" ] || ! keys_has "$keys_file" "$keys_key"; then printf '%s\n' "$keys_key"; fi
    done
  } >"$SEALIFT_KEYS"
  # A unique name, which the user cannot have prepared.
  read -r keys_unique </proc/sys/kernel/random/uuid
  keys_is=$(stat -c '%u %F' "$keys_folder" 2>/dev/null || true)
  # The user must not receive a folder that somebody else (such as root) created, as the user may have moved it here. But it must not stop
  # the run either: it is renamed with the user's rights, unchanged.
  keys_aside=
  if [ -n "$keys_is" ] && [ "$keys_is" != "$keys_uid directory" ]; then keys_aside=yes; fi
  # shellcheck disable=SC2016 # it is for the shell of the user
  if ! keys_output=$(as_owner sh -ec '
    exec 2>&1
    if [ -n "$4" ]; then mv -T "$1" "$1.$3"; fi
    mkdir -p "$1"
    chmod 0700 "$1"
    if [ -d "$2" ] && [ ! -L "$2" ]; then mv -T "$2" "$2.$3"; fi
    cat >"$2.new.$3"
    sync "$2.new.$3"
    mv -T "$2.new.$3" "$2"
    sync "$1" "${1%/*}"' sh "$keys_folder" "$keys_file" "$keys_unique" "$keys_aside" <"$SEALIFT_KEYS"); then
    echo "$keys_file could not be written as its owner within $KEYS_SEC seconds: $keys_output"
    return 1
  fi
  rm "$SEALIFT_KEYS"
  keys_text_of=
  # Last, so that an interrupted run leaves more keys than required, not fewer.
  for keys_one in $keys_more; do as_owner rm -f "$keys_one"; done
}

# as_owner COMMAND...: runs it with the user's rights only; prints at most 64 KiB.
as_owner() { as_user "$KEYS_SEC" 65537 setpriv --reuid="$keys_uid" --regid="$keys_gid" --clear-groups -- "$@"; }

# keys_read FILE: sets keys_text to its content, read with the user's rights and within limits: the user may have replaced it with a link or
# a pipe.
keys_read() {
  if [ "${keys_text_of-}" = "$1" ]; then return 0; fi
  keys_text=$(as_owner head -c 65537 "$1") || keys_text=
  keys_text_of=$1
}

# keys_has FILE KEY: compares type and key. The comment does not matter; a line with options is a different one.
keys_has() {
  keys_read "$1"
  while read -r keys_kind keys_blob _; do
    # sshd accepts lines that end with a carriage return.
    keys_blob=${keys_blob%"$KEYS_RETURN"}
    case "$2 " in
      "$keys_kind $keys_blob "*) return 0 ;;
    esac
  done <<END
$keys_text
END
  return 1
}

# keys_count_other FILE KEY...: sets keys_other to the number of nonempty lines that are none of the keys.
keys_count_other() {
  keys_read "$1"
  shift
  while read -r keys_kind keys_blob _; do
    keys_blob=${keys_blob%"$KEYS_RETURN"}
    keys_is_other=${keys_kind:+1}
    for keys_key; do
      case "$keys_key " in
        "$keys_kind $keys_blob "*) keys_is_other= ;;
      esac
    done
    keys_other=$((keys_other + ${keys_is_other:-0}))
  done <<END
$keys_text
END
}
