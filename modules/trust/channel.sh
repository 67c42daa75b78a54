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
  channel_reader=$1
  channel_has=$(stat -c %s "$channel_part" 2>/dev/null || echo 0)
  if [ "$channel_has" -gt "$channel_bytes" ]; then rm "$channel_part"; fi
  if [ "$channel_has" -ne "$channel_bytes" ] && ! channel_get; then
    if [ "$channel_reader" = - ]; then channel_reader=$channel_registry; fi
    echo "reader $channel_reader did not give it"
    return 1
  fi
  channel_found=$(sha256sum "$channel_part")
  if [ "${channel_found%% *}" != "$channel_sha256" ]; then
    rm "$channel_part"
    echo "what the reader gave has sha256 ${channel_found%% *} and was removed"
    return 1
  fi
}

# channel_get: a registry of the site asks for no login; one that others look after may want a token even of those whom it lets
# read, and may send them on to where its bytes lie.
channel_get() {
  set -- --continue-at - --retry 2 --output "$channel_part"
  if [ "$channel_reader" != - ]; then
    channel_curl "$@" "$channel_url"
    return
  fi
  channel_bearer=$(channel_token)
  if [ -n "$channel_bearer" ]; then set -- "$@" --header @-; fi
  printf 'Authorization: Bearer %s\n' "$channel_bearer" | channel_curl "$@" --location --max-redirs 3 "$channel_url"
}

# channel_token: prints the token that anybody gets, when the registry wants one (distribution 3.1.2, docs/content/spec/auth/token.md).
channel_token() {
  token_wanted=$(channel_curl --head --output /dev/null --dump-header - "$channel_url" 2>/dev/null |
    tr -d '\r' | sed -n 's/^[Ww][Ww][Ww]-[Aa]uthenticate: *[Bb]earer //p')
  token_realm=$(token_word realm)
  if [ -z "$token_realm" ]; then return 0; fi
  token_answer=$(channel_curl --get --data-urlencode "service=$(token_word service)" --data-urlencode "scope=$(token_word scope)" "$token_realm" | tr -d '\n')
  for token_name in token access_token; do
    token_found=$(printf '%s\n' "$token_answer" | sed -n 's/.*"'"$token_name"'" *: *"\([^"]\{1,\}\)".*/\1/p')
    if [ -n "$token_found" ]; then break; fi
  done
  echo "$token_found"
}

# token_word NAME: what the registry says of the token it wants.
token_word() { printf '%s\n' "$token_wanted" | sed -n "s/.*$1=\"\([^\"]*\)\".*/\1/p"; }

# channel_curl ARGUMENT...: as the registry is asked, whichever of its readers, and nobody else.
channel_curl() {
  # Debian's curl would believe the system's CAs beside the one that it is given.
  if [ "$channel_ca" = own ]; then set -- --cacert "$TRUST_CERTS/$channel_registry/ca.crt" --capath /dev/null "$@"; fi
  if [ "$channel_reader" != - ]; then set -- --resolve "$channel_registry:$channel_reader" "$@"; fi
  timeout 3600 curl -q --fail --silent --show-error --proto '=https' --tlsv1.2 --noproxy '*' --connect-timeout 10 \
    --speed-limit 1024 --speed-time 30 "$@"
}
