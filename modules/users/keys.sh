# The public keys that may log in. The folder is the user's own, so everything in it is written as the user: root
# would follow a link that the user has laid there. Source: sshd(8), AUTHORIZED_KEYS FILE FORMAT.
# shellcheck disable=SC2154 # sshd.sh sets sshd_…

KEYS_RETURN=$(printf '\r')
# How long the user's own processes may take for it.
KEYS_SEC=30
# What is to be written, until it is.
SEALIFT_KEYS=/run/sealift/keys

# Fact: exactly these keys may log in, or these and others, by whatever sshd takes keys from; folder and file are the user's own.
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
  keys_look "$1" "$keys_home"
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
      echo "keys let in from other files:$keys_more"
      return 1
    fi
    if [ -n "$sshd_others" ]; then warn_that E_SSHD "beside keys in files sshd lets in by: $sshd_others" "take it out of sshd's configuration, or know of it"; fi
  fi
  if [ -n "$keys_unsaid" ]; then warn_that E_SSHD "sshd does not say what it takes keys from: $keys_unsaid" "see what sshd -T says on the host"; fi
}

# keys_look USER HOME: sshd_look, or sshd's defaults where it does not say (keys_unsaid), and keys_unread when it does not read keys_file.
keys_look() {
  keys_unsaid=
  keys_unread=
  if ! sshd_look "$1" "$2"; then
    keys_unsaid=$sshd_said
    sshd_files=" $keys_file ${keys_file}2"
    sshd_others=
  fi
  case "$sshd_files " in
    *" $keys_file "*) ;;
    *) keys_unread="sshd takes keys from${sshd_files:- nowhere}, and not from $keys_file" ;;
  esac
}

# keys_elsewhere: sets keys_more to the other files that sshd reads and that hold anything.
keys_elsewhere() {
  keys_more=
  for keys_one in $sshd_files; do
    if [ "$keys_one" != "$keys_file" ] && keys_any "$keys_one"; then keys_more="$keys_more $keys_one"; fi
  done
}

# keys_any FILE: whether a line of it could be a key. One that is larger than any of ours is not read: it may be of any length.
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

# keys_own KEY...: whether keys_file is right by itself; says what is not.
keys_own() {
  if [ $# = 0 ] && [ ! -e "$keys_file" ] && [ ! -L "$keys_file" ]; then return 0; fi
  if [ ! -f "$keys_file" ] || [ -L "$keys_file" ]; then
    echo "no file $keys_file"
    return 1
  fi
  keys_modes=$(stat -c '%u %a %s' "${keys_file%/*}" "$keys_file" | tr '\n' ' ')
  case $keys_modes in
    "$keys_uid 700 "*" $keys_uid 600 "*) ;;
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
  account /etc/passwd "$1" || return 0
  keys_home=$FIELD_6
  keys_uid=$FIELD_3
  keys_gid=$FIELD_4
  keys_file=$keys_home/.ssh/authorized_keys
  keys_look "$1" "$keys_home"
  if [ $# -gt 2 ] && [ -n "$keys_unread" ]; then
    refuse_because E_SSHD "$keys_unread: keys that Sealift writes there would let nobody in" \
      "have AuthorizedKeysFile of sshd_config name .ssh/authorized_keys as well"
  fi
  if [ "$2" = add ]; then return 0; fi
  keys_elsewhere
  for keys_one in $keys_more; do
    case $keys_one in
      "$keys_home"/*) ;;
      *)
        refuse_because E_SSHD "$keys_one lets $1 in as well, and is not in the home that Sealift looks after" \
          "take the keys out of it, or write keys: add for $1"
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
  keys_before=
  keys_more=
  if [ "$2" = exact ]; then keys_elsewhere; fi
  if [ "$2" = add ] && [ -f "$keys_file" ]; then
    keys_read "$keys_file"
    keys_before=$keys_text
  fi
  shift 2
  umask 077
  # A file, and no pipe of root's, which the user could keep full.
  mkdir -p "${SEALIFT_KEYS%/*}"
  {
    if [ -n "$keys_before" ]; then printf '%s\n' "$keys_before"; fi
    for keys_key; do
      if [ -z "$keys_before" ] || ! keys_has "$keys_file" "$keys_key"; then printf '%s\n' "$keys_key"; fi
    done
  } >"$SEALIFT_KEYS"
  # A name that nothing has, whatever the user has laid there.
  read -r keys_unique </proc/sys/kernel/random/uuid
  keys_is=$(stat -c '%u %F' "$keys_folder" 2>/dev/null || true)
  # What somebody else has made in the home, root too, is not the user's to have: the user may have given it this name. It is the user's
  # home all the same, so that it stops no run: it is put aside with the user's rights, as it is.
  keys_aside=
  if [ -n "$keys_is" ] && [ "$keys_is" != "$keys_uid directory" ]; then keys_aside=yes; fi
  # shellcheck disable=SC2016 # it is for the shell of the user
  if ! keys_said=$(as_owner sh -ec '
    exec 2>&1
    if [ -n "$4" ]; then mv -T "$1" "$1.$3"; fi
    mkdir -p "$1"
    chmod 0700 "$1"
    if [ -d "$2" ] && [ ! -L "$2" ]; then mv -T "$2" "$2.$3"; fi
    cat >"$2.new.$3"
    sync "$2.new.$3"
    mv -T "$2.new.$3" "$2"
    sync "$1" "${1%/*}"' sh "$keys_folder" "$keys_file" "$keys_unique" "$keys_aside" <"$SEALIFT_KEYS"); then
    echo "$keys_file could not be written with the rights of its owner, within $KEYS_SEC seconds: $keys_said"
    return 1
  fi
  rm "$SEALIFT_KEYS"
  keys_text_of=
  # Only then, so that a run that is cut off leaves more ways in, not fewer.
  for keys_one in $keys_more; do as_owner rm -f "$keys_one"; done
}

# as_owner COMMAND...: with the user's own rights and no others; prints 64 KiB at most.
as_owner() { as_user "$KEYS_SEC" 65537 setpriv --reuid="$keys_uid" --regid="$keys_gid" --clear-groups -- "$@"; }

# keys_read FILE: sets keys_text to what it says, read with the user's own rights and within bounds: it may be a link or a pipe by now.
keys_read() {
  if [ "${keys_text_of-}" = "$1" ]; then return 0; fi
  keys_text=$(as_owner head -c 65537 "$1") || keys_text=
  keys_text_of=$1
}

# keys_has FILE KEY: by kind and key; what the comment says does not count, what options say makes it another line.
keys_has() {
  keys_read "$1"
  while read -r keys_kind keys_blob _; do
    # sshd takes a line that ends as on Windows.
    keys_blob=${keys_blob%"$KEYS_RETURN"}
    case "$2 " in
      "$keys_kind $keys_blob "*) return 0 ;;
    esac
  done <<END
$keys_text
END
  return 1
}

# keys_count_other FILE KEY...: sets keys_other to the number of lines that are none of the keys; empty ones do not count.
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
