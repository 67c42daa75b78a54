# Bytes of the bundle that have arrived, and where they are kept.
# shellcheck disable=SC2154 # hashes.sh sets hash_stat

SEALIFT_BLOBS=$SEALIFT_STATE/blobs

# Fact: the blob is on the host with exactly the bytes of the lock, for root alone to change.
# $1 sha256, $2 size in bytes
check_engine_blob() {
  if [ ! -f "$SEALIFT_BLOBS/$1" ]; then
    echo "not there"
    return 1
  fi
  blob_bytes=$(stat -c %s "$SEALIFT_BLOBS/$1")
  if [ "$blob_bytes" != "$2" ]; then
    echo "$blob_bytes bytes"
    return 1
  fi
  hash_look "$SEALIFT_BLOBS/$1"
  if ! known_hash "$SEALIFT_BLOBS/$1" "$1"; then
    echo "altered: its bytes have another sha256"
    return 1
  fi
  case $hash_stat in
    *" root:root 644 regular file") ;;
    *)
      # Inode, bytes, and two times of three words each stand before it.
      blob_found=${hash_stat#* * * * * * * * }
      blob_found=${blob_found% regular*}
      echo "of ${blob_found%% *} with mode ${blob_found#* } in place of root:root 644"
      return 1
      ;;
  esac
}

# blob_taken_back SHA256 BYTES: whether it is there with the right bytes and is only to be root's again: nothing has to travel for that.
blob_taken_back() {
  if [ ! -f "$SEALIFT_BLOBS/$1" ] || [ -L "$SEALIFT_BLOBS/$1" ]; then return 1; fi
  chown root:root "$SEALIFT_BLOBS/$1"
  chmod 0644 "$SEALIFT_BLOBS/$1"
  check_engine_blob "$@" >/dev/null
}
apply_engine_blob() {
  if blob_taken_back "$@"; then return 0; fi
  blob_from=.sealift/blobs/$1
  # What is no file would stay in the way: the next copy would go where a link leads, or into a folder.
  if [ -L "$blob_from" ] || { [ -e "$blob_from" ] && [ ! -f "$blob_from" ]; }; then
    as_user 60 0 runuser -u "${SUDO_USER:-root}" -- rm -rf "$PWD/$blob_from" || true
    echo "what arrived in ~/$blob_from was no regular file and was removed; run pulumi up again, it is sent anew"
    return 1
  fi
  if [ ! -f "$blob_from" ]; then
    echo "it did not arrive in ~/$blob_from; run pulumi up again, it is sent anew"
    return 1
  fi
  install -d -m 0755 "$SEALIFT_BLOBS"
  # Whoever may write into the home could change it between a look and its use: what is looked at and used is the copy of root. It is read
  # with the rights of the login, so that a link laid there meanwhile leads to nothing that the login could not read.
  rm -f "$SEALIFT_BLOBS/$1.new"
  as_user 600 "$(($2 + 1))" runuser -u "${SUDO_USER:-root}" -- cat "$PWD/$blob_from" >"$SEALIFT_BLOBS/$1.new" || true
  blob_found=$(sha256sum "$SEALIFT_BLOBS/$1.new")
  blob_found=${blob_found%% *}
  if ! as_user 60 0 runuser -u "${SUDO_USER:-root}" -- rm -f "$PWD/$blob_from"; then
    echo "$PWD/$blob_from could not be removed with the rights of ${SUDO_USER:-root}"
    return 1
  fi
  if [ "$blob_found" != "$1" ]; then
    rm "$SEALIFT_BLOBS/$1.new"
    echo "what arrived has sha256 $blob_found and was removed"
    return 1
  fi
  sync "$SEALIFT_BLOBS/$1.new"
  mv "$SEALIFT_BLOBS/$1.new" "$SEALIFT_BLOBS/$1"
  remember_hash "$SEALIFT_BLOBS/$1" "$1"
}
