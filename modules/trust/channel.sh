# Bytes of the bundle by way of the registry: the lock's digest is the address of the blob, so that whoever answers, only the
# right bytes are kept.

# Fact: the blob is on the host with exactly the bytes of the lock.
# $1 sha256, $2 size in bytes, $3 name:port, $4 repository, $5 own or system: whose CAs vouch for the registry,
# $6... addresses of its readers in the order in which they are tried, or none
check_channel_blob() { check_engine_blob "$1" "$2"; }
apply_channel_blob() {
  channel_sha256=$1
  channel_bytes=$2
  channel_registry=$3
  channel_url=https://$3/v2/$4/blobs/sha256:$1
  channel_ca=$5
  shift 5
  channel_part=$SEALIFT_BLOBS/$channel_sha256.part
  install -d -m 0755 "$SEALIFT_BLOBS"
  if [ $# -eq 0 ]; then set -- -; fi
  # What one was cut off from, the next goes on with; a line that drops again and again is given three rounds.
  for channel_round in 1 2 3; do
    for channel_reader; do
      if channel_fetch "$channel_reader"; then
        sync "$channel_part"
        mv "$channel_part" "$SEALIFT_BLOBS/$channel_sha256"
        return 0
      fi
    done
  done
  echo "in $channel_round rounds no reader of the registry has given $channel_url"
  return 1
}

# channel_fetch ADDRESS: goes on where an earlier try was cut off, whoever it was cut off from; says why when it fails.
channel_fetch() {
  channel_has=$(stat -c %s "$channel_part" 2>/dev/null || echo 0)
  if [ "$channel_has" -gt "$channel_bytes" ]; then rm "$channel_part"; fi
  if [ "$channel_has" -ne "$channel_bytes" ]; then
    set -- "$1" -q --fail --silent --show-error --proto '=https' --tlsv1.2 --noproxy '*' --continue-at - \
      --retry 2 --connect-timeout 10 --speed-limit 1024 --speed-time 30 --output "$channel_part"
    # Debian's curl would believe the system's CAs beside the one that it is given.
    if [ "$channel_ca" = own ]; then set -- "$@" --cacert "$TRUST_CERTS/$channel_registry/ca.crt" --capath /dev/null; fi
    if [ "$1" != - ]; then set -- "$@" --resolve "$channel_registry:$1"; fi
    channel_reader=$1
    shift
    if ! timeout 3600 curl "$@" "$channel_url"; then
      echo "reader $channel_reader did not give it"
      return 1
    fi
  fi
  channel_found=$(sha256sum "$channel_part")
  if [ "${channel_found%% *}" != "$channel_sha256" ]; then
    rm "$channel_part"
    echo "what the reader gave has sha256 ${channel_found%% *} and was removed"
    return 1
  fi
}
