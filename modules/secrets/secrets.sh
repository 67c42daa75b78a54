# Secrets on a host: encrypted files, a list of them for the unit that decrypts them at boot, and the decrypted files in memory. The name
# of a decrypted file ends in the first eight digits of the sha256 of the encrypted one, so that a changed secret is another file.
# shellcheck disable=SC2154 # files.sh sets file_wrong

SECRETS_STORE=$SEALIFT_STATE/secrets
# One per line: APP NAME SHA256 OWNER MODE STATE. NAME ends in the eight digits. STATE is `needed` when the site has it now, and `kept` when
# only an earlier release may: that one may be encrypted for a key that the host no longer has.
SECRETS_LIST=$SECRETS_STORE/list
SECRETS_OPEN=/run/sealift/secrets
SECRETS_KEY=/etc/ssh/ssh_host_ed25519_key

# Fact: the host's ssh-ed25519 key is where age reads it, and is the one that the site pins.
# $1 the public key in base64
check_secrets_key() {
  key_found=$(timeout 20 ssh-keygen -y -P '' -f "$SECRETS_KEY" 2>/dev/null) || key_found=
  case " $key_found " in
    "  ") echo "$SECRETS_KEY is absent or cannot be read" ;;
    *" $1 "*) return 0 ;;
    *) echo "$SECRETS_KEY is another key: $(echo "$key_found" | cut -d ' ' -f 1,2)" ;;
  esac
  return 1
}
guard_secrets_key() {
  if key_wrong=$(check_secrets_key "$1"); then return 0; fi
  refuse E_SECRET_DECRYPT "$key_wrong" \
    "pin the key that is there as hostKey, after verifying it on the console, and run sealift secret rekey; or restore the key that is pinned"
}
apply_secrets_key() { guard_secrets_key "$@"; }

# Fact: the encrypted file is that of the site, is listed for the next boot, and is decrypted in memory with this owner and mode.
# $1 application, $2 name of the secret, $3 sha256 of the encrypted file, $4 its size in bytes, $5 uid:gid, $6 mode, $7 version of age
check_secret() {
  secret_of "$@"
  file_inspect "$SECRETS_STORE" "$SECRETS_LIST" "$SECRETS_STORE/$3" "$SECRETS_OPEN" "$SECRETS_OPEN/$1"
  if ! file_owned "$SECRETS_STORE" "root:root 700" directory || ! file_owned "$SECRETS_STORE/$3" "root:root 600" ||
    ! file_owned "$SECRETS_LIST" "root:root 600"; then
    echo "$file_wrong"
    return 1
  fi
  hash_inspect "$SECRETS_STORE/$3"
  if ! known_hash "$SECRETS_STORE/$3" "$3"; then
    echo "$SECRETS_STORE/$3 is altered"
    return 1
  fi
  if ! grep -qxF "$secret_line" "$SECRETS_LIST"; then
    echo "it would not be decrypted at boot: $SECRETS_LIST does not have it with this owner and mode"
    return 1
  fi
  if ! file_owned "$SECRETS_OPEN" "root:root 700" directory || ! file_owned "$SECRETS_OPEN/$1" "root:root 700" directory; then
    echo "$file_wrong"
    return 1
  fi
  secret_found=$(stat -c '%u:%g %a %F' "$secret_file" 2>/dev/null) || secret_found=
  case $secret_found in
    '') secret_wrong="$secret_file is absent" ;;
    "$5 $secret_mode regular"*) secret_wrong= ;;
    *" regular"*) secret_wrong="$secret_file has owner and mode ${secret_found% regular*} instead of $5 $secret_mode" ;;
    *) secret_wrong="$secret_file is a ${secret_found#* * }" ;;
  esac
  if [ -z "$secret_wrong" ] && ! secret_is_open "$3" "$7"; then
    if secret_decrypts "$3" "$7"; then secret_wrong="$secret_file has other content"; else secret_wrong="$secret_reason"; fi
  fi
  if [ -z "$secret_wrong" ]; then return 0; fi
  echo "$secret_wrong"
  return 1
}
guard_secret() {
  # Before the first run neither the program nor the file is on the host.
  if [ ! -x "$AGE_PROGRAMS/$7/age" ] || [ ! -f "$SECRETS_STORE/$3" ]; then return 0; fi
  hash_inspect "$SECRETS_STORE/$3"
  if ! known_hash "$SECRETS_STORE/$3" "$3" || secret_decrypts "$3" "$7"; then return 0; fi
  refuse E_SECRET_DECRYPT "$secret_reason" "encrypt it for this host: sealift secret rekey"
}
apply_secret() {
  secret_of "$@"
  install -d -o root -g root -m 0700 "$SECRETS_STORE"
  secret_receive "$3" "$4" || return 1
  guard_secret "$@" || return 1
  if ! grep -qsxF "$secret_line" "$SECRETS_LIST"; then
    secret_lines=$(secret_lines_others "$1" "$2" "$secret_name")
    file_put "$SECRETS_LIST" "${secret_lines:+$secret_lines$SEALIFT_LINE_END}$secret_line" "root:root 600"
  fi
  chown root:root "$SECRETS_LIST"
  chmod 0600 "$SECRETS_LIST"
  for secret_folder in "$SECRETS_OPEN" "$SECRETS_OPEN/$1"; do
    install -d -o root -g root -m 0700 "$secret_folder"
  done
  timeout 120 sh "$SECRETS_SCRIPT" "$AGE_PROGRAMS/$7/age" "$1/$secret_name"
}

# secret_of APP NAME SHA256 BYTES OWNER MODE...: sets secret_name, secret_file, secret_line, and secret_mode as stat(1) shows it.
secret_of() {
  secret_name=$2.${3%"${3#????????}"}
  secret_file=$SECRETS_OPEN/$1/$secret_name
  secret_line="$1 $secret_name $3 $5 $6 needed"
  secret_mode=$6
  while :; do
    case $secret_mode in 0?*) secret_mode=${secret_mode#0} ;; *) break ;; esac
  done
}

# secret_lines_others APP SECRET NAME: prints the list without NAME, whose owner or mode may be another now; what else the same secret had
# is kept from now on. Names are compared as text, because they may have a dot.
secret_lines_others() {
  if [ ! -f "$SECRETS_LIST" ]; then return 0; fi
  awk -v app="$1" -v secret="$2" -v name="$3" '
    $1 == app && $2 == name { next }
    $1 == app && substr($2, 1, length($2) - 9) == secret { $6 = "kept" }
    NF { print }
  ' "$SECRETS_LIST"
}

# secret_is_open SHA256 VERSION: whether age decrypts the file to what is in secret_file. A file in memory that is as empty as the output
# of an age that failed is none.
secret_is_open() {
  secret_compared=$({
    { timeout 60 "$AGE_PROGRAMS/$2/age" --decrypt -i "$SECRETS_KEY" "$SECRETS_STORE/$1" 2>/dev/null && echo decrypted >&3; } |
      { cmp -s - "$secret_file" && echo same >&3; }
  } 3>&1) || true
  [ "$secret_compared" = "decrypted${SEALIFT_LINE_END}same" ]
}

# secret_decrypts SHA256 VERSION: whether the host can decrypt the file. Sets secret_reason.
secret_decrypts() {
  if [ ! -x "$AGE_PROGRAMS/$2/age" ]; then
    secret_reason="absent: there is no age yet"
    return 1
  fi
  secret_said=$(timeout 60 "$AGE_PROGRAMS/$2/age" --decrypt -i "$SECRETS_KEY" "$SECRETS_STORE/$1" 2>&1 >/dev/null) && return 0
  secret_status=$?
  secret_said=${secret_said%%"$SEALIFT_LINE_END"*}
  if [ -z "$secret_said" ]; then secret_said="age ended with $secret_status"; fi
  secret_reason="$SECRETS_KEY does not decrypt it: ${secret_said#age: error: }"
  return 1
}

# secret_receive SHA256 BYTES: has the encrypted file in the store, with the bytes of the site.
secret_receive() {
  if [ -f "$SECRETS_STORE/$1" ] && [ ! -L "$SECRETS_STORE/$1" ]; then
    chown root:root "$SECRETS_STORE/$1"
    chmod 0600 "$SECRETS_STORE/$1"
    hash_inspect "$SECRETS_STORE/$1"
    if known_hash "$SECRETS_STORE/$1" "$1"; then return 0; fi
  fi
  (umask 077 && receive_blob "$1" "$2" "$SECRETS_STORE/$1")
}

# Fact: no other secret is on this host, but those that a release of an application names, and these are listed as kept.
# $@ those of the site, as APP/NAME
check_secrets_others() {
  secrets_stale "$@"
  if [ -n "$stale_found" ]; then
    echo "no application of the site uses:$stale_found"
    return 1
  fi
  if [ -z "$stale_needed" ]; then return 0; fi
  echo "$SECRETS_LIST has as needed what only an earlier release uses:$stale_needed"
  return 1
}
apply_secrets_others() {
  secrets_stale "$@"
  if [ ! -f "$SECRETS_LIST" ]; then file_put "$SECRETS_LIST" "" "root:root 600"; fi
  secrets_list_again "$@"
  for stale_one in $stale_found; do rm -rf "$stale_one"; done
  find "$SECRETS_OPEN" -mindepth 1 -maxdepth 1 -type d -empty -delete
}

# secrets_list_again APP/NAME...: writes the list with what the site or a release uses, and with the state that each has now.
secrets_list_again() {
  if [ ! -f "$SECRETS_LIST" ]; then return 0; fi
  again_text=
  while read -r again_app again_name again_sha256 again_owner again_mode _; do
    if [ -z "$again_sha256" ] || ! secret_is_used "$again_app/$again_name" "$@"; then continue; fi
    case " $* " in *" $again_app/$again_name "*) again_state=needed ;; *) again_state=kept ;; esac
    again_text="$again_text$again_app $again_name $again_sha256 $again_owner $again_mode $again_state$SEALIFT_LINE_END"
  done <"$SECRETS_LIST"
  (umask 077 && printf '%s' "$again_text" >"$SECRETS_LIST.new")
  put_in_place "$SECRETS_LIST"
}

# secrets_stale APP/NAME...: sets stale_found to files in the store and in memory that nothing uses, and stale_needed to what the list has as
# needed without the site, each after a blank.
secrets_stale() {
  stale_found=
  stale_needed=
  stale_files=" list "
  if [ -f "$SECRETS_LIST" ]; then
    while read -r stale_app stale_name stale_sha256 _ _ stale_state; do
      if ! secret_is_used "$stale_app/$stale_name" "$@"; then continue; fi
      stale_files="$stale_files$stale_sha256 "
      case " $* ,$stale_state" in
        *" $stale_app/$stale_name "* | *,kept) ;;
        *) stale_needed="$stale_needed $stale_app/$stale_name" ;;
      esac
    done <"$SECRETS_LIST"
  fi
  for stale_one in "$SECRETS_STORE"/*; do
    case $stale_files in *" ${stale_one##*/} "*) continue ;; esac
    if [ -e "$stale_one" ] || [ -L "$stale_one" ]; then stale_found="$stale_found $stale_one"; fi
  done
  for stale_one in "$SECRETS_OPEN"/*/* "$SECRETS_OPEN"/*; do
    if [ -d "$stale_one" ] && [ ! -L "$stale_one" ] && [ "${stale_one%/*}" = "$SECRETS_OPEN" ]; then continue; fi
    if { [ -e "$stale_one" ] || [ -L "$stale_one" ]; } && ! secret_is_used "${stale_one#"$SECRETS_OPEN"/}" "$@"; then
      stale_found="$stale_found $stale_one"
    fi
  done
}

# secret_is_used APP/NAME OF_SITE...: whether the site has it, or a release of the application that is on the host names it: an earlier
# release must be able to run again with the secrets that it had.
secret_is_used() {
  used_name=$1
  shift
  case " $* " in *" $used_name "*) return 0 ;; esac
  for used_release in /svc/apps/"${used_name%%/*}"/releases/*/sealift.override.yaml "$SEALIFT_STATE/apps/${used_name%%/*}"/releases/*/sealift.override.yaml; do
    if grep -qsF "$SECRETS_OPEN/$used_name" "$used_release"; then return 0; fi
  done
  return 1
}
