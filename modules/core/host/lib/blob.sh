# Blobs of the bundle that have arrived on the host, and where they are stored.
# shellcheck disable=SC2154 # file-hashes.sh sets hash_stat

SEALIFT_BLOBS=$SEALIFT_STATE/blobs

# Fact: the blob is on the host with exactly the bytes of the lock, and only root can change it.
# $1 sha256, $2 size in bytes
check_stored_blob() {
  if [ ! -f "$SEALIFT_BLOBS/$1" ]; then
    echo "absent"
    return 1
  fi
  blob_bytes=$(stat -c %s "$SEALIFT_BLOBS/$1")
  if [ "$blob_bytes" != "$2" ]; then
    echo "$blob_bytes bytes"
    return 1
  fi
  hash_inspect "$SEALIFT_BLOBS/$1"
  if ! known_hash "$SEALIFT_BLOBS/$1" "$1"; then
    echo "altered: sha256 does not match"
    return 1
  fi
  case $hash_stat in
    *" root:root 644 regular file") ;;
    *)
      # Inode, bytes, and two times of three words each come first.
      blob_found=${hash_stat#* * * * * * * * }
      blob_found=${blob_found% regular*}
      echo "owner and mode ${blob_found%% *} ${blob_found#* } instead of root:root 644"
      return 1
      ;;
  esac
}

# blob_taken_back SHA256 BYTES: if only owner or mode is wrong, restores them, so that nothing has to be copied. Fails otherwise.
blob_taken_back() {
  if [ ! -f "$SEALIFT_BLOBS/$1" ] || [ -L "$SEALIFT_BLOBS/$1" ]; then return 1; fi
  chown root:root "$SEALIFT_BLOBS/$1"
  chmod 0644 "$SEALIFT_BLOBS/$1"
  check_stored_blob "$@" >/dev/null
}
apply_stored_blob() {
  if blob_taken_back "$@"; then return 0; fi
  install -d -m 0755 "$SEALIFT_BLOBS"
  receive_blob "$1" "$2" "$SEALIFT_BLOBS/$1" || return 1
  remember_hash "$SEALIFT_BLOBS/$1" "$1"
}

# receive_blob SHA256 BYTES FILE: moves a blob from where it arrived, in the home of the SSH user, to FILE, whose folder exists. Prints why
# it cannot.
receive_blob() {
  blob_from=.sealift/blobs/$1
  # The next copy would follow a link or write into a folder.
  if [ -L "$blob_from" ] || { [ -e "$blob_from" ] && [ ! -f "$blob_from" ]; }; then
    as_user 60 0 runuser -u "${SUDO_USER:-root}" -- rm -rf "$PWD/$blob_from" || true
    echo "the file ~/$blob_from was not a regular file and was removed; run pulumi up again to copy it again"
    return 1
  fi
  if [ ! -f "$blob_from" ]; then
    echo "the file ~/$blob_from is missing after the copy; run pulumi up again to copy it again"
    return 1
  fi
  # The SSH user could change the file between check and use, so root copies it first, and checks and uses the copy. It is read with the
  # rights of the SSH user, so a link put there meanwhile exposes nothing that this user could not read.
  rm -f "$3.new"
  as_user 600 "$(($2 + 1))" runuser -u "${SUDO_USER:-root}" -- cat "$PWD/$blob_from" >"$3.new" || true
  blob_found=$(sha256sum "$3.new")
  blob_found=${blob_found%% *}
  if ! as_user 60 0 runuser -u "${SUDO_USER:-root}" -- rm -f "$PWD/$blob_from"; then
    echo "$PWD/$blob_from could not be removed by user ${SUDO_USER:-root}"
    return 1
  fi
  if [ "$blob_found" != "$1" ]; then
    rm "$3.new"
    echo "the copied file has sha256 $blob_found and was removed"
    return 1
  fi
  # Callers test the result, so `set -e` does not end this function.
  sync "$3.new" && mv "$3.new" "$3"
}
