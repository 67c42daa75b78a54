# Bytes of the bundle that have arrived, and where they are kept.

SEALIFT_BLOBS=$SEALIFT_STATE/blobs

# Fact: the blob is on the host with exactly the bytes of the lock.
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
}
apply_engine_blob() {
  blob_from=.sealift/blobs/$1
  if [ ! -f "$blob_from" ]; then
    echo "it did not arrive in ~/$blob_from; run pulumi up again, it is sent anew"
    return 1
  fi
  blob_found=$(sha256sum "$blob_from" | cut -d ' ' -f 1)
  if [ "$blob_found" != "$1" ]; then
    rm "$blob_from"
    echo "what arrived has sha256 $blob_found and was removed"
    return 1
  fi
  install -d -m 0755 "$SEALIFT_BLOBS"
  # Copied and renamed, because the home may be another file system.
  install -o root -g root -m 0644 "$blob_from" "$SEALIFT_BLOBS/$1.new"
  mv "$SEALIFT_BLOBS/$1.new" "$SEALIFT_BLOBS/$1"
  rm "$blob_from"
}
