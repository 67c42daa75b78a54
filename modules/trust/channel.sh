# Bytes of the bundle by way of the registry: the lock's digest is the address of the blob, so that whoever answers, only the
# right bytes are kept.
# shellcheck disable=SC2154 # curl.sh sets web_…

# Fact: the blob is on the host with exactly the bytes of the lock.
# $1 sha256, $2 size in bytes, $3 name:port, $4 repository, $5 own or system: whose CAs vouch for the registry,
# $6... addresses of its readers in the order in which they are tried; none where DNS alone knows them, or a "-" and name:port of
# other hosts that the registry may lead to for a token or for its bytes
check_channel_blob() { check_engine_blob "$1" "$2"; }
apply_channel_blob() {
  if blob_taken_back "$1" "$2"; then return 0; fi
  channel_sha256=$1
  channel_bytes=$2
  channel_registry=$3
  channel_repository=$4
  channel_url=https://$3/v2/$4/blobs/sha256:$1
  channel_ca=$5
  channel_origins=$3
  channel_alone=
  shift 5
  channel_part=$SEALIFT_BLOBS/$channel_sha256.part
  install -d -m 0755 "$SEALIFT_BLOBS"
  if [ "${1--}" = - ]; then
    if [ $# -gt 1 ]; then
      shift
      channel_origins="$channel_origins $*"
    fi
    set -- -
  fi
  # What one was cut off from, the next goes on with; a line that drops again and again is given three rounds.
  for channel_round in 1 2 3; do
    for channel_reader; do
      if channel_fetch "$channel_reader"; then
        sync "$channel_part"
        mv "$channel_part" "$SEALIFT_BLOBS/$channel_sha256"
        remember_hash "$SEALIFT_BLOBS/$channel_sha256" "$channel_sha256"
        return 0
      fi
    done
  done
  echo "in $channel_round rounds no reader of the registry has given $channel_url"
  return 1
}

# channel_fetch ADDRESS: goes on where an earlier try was cut off, whoever it was cut off from; says why when it fails. Once what
# several have given was not right, each of them begins anew: one that lies must not spoil what the others give.
channel_fetch() {
  channel_reader=$1
  if [ -n "$channel_alone" ]; then rm -f "$channel_part"; fi
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
    channel_alone=yes
    echo "what the reader gave has sha256 ${channel_found%% *} and was removed"
    return 1
  fi
}

# channel_begin: from here on, all that is asked of one reader has as long as its bytes may take: to find the way, a token and the bytes. Sets
# channel_until, in seconds since the boot.
channel_begin() {
  channel_now
  channel_until=$((channel_sec + $(web_seconds_for "$channel_bytes")))
}
# channel_now: sets channel_sec to the seconds since the boot.
channel_now() {
  read -r channel_sec _ </proc/uptime
  channel_sec=${channel_sec%%.*}
}

# channel_get: a registry of the site asks for no login and leads nowhere; one that others look after may want a token even of those
# whom it lets read, and may lead to where its bytes lie.
channel_get() {
  channel_bearer=
  channel_place=$channel_url
  channel_begin
  if [ "$channel_reader" = - ] && ! channel_find; then return 1; fi
  channel_curl "$channel_place" "$channel_bytes" "$(web_seconds_for "$channel_bytes")" --fail --continue-at - --retry 2 --output "$channel_part"
}

# channel_find: sets channel_place to the URL that gives the bytes, and channel_bearer to the token that it takes with it; says why
# when it fails. The token is for the registry alone.
channel_find() {
  for channel_hop in 1 2 3 4 5; do
    channel_ask
    case $channel_code in
      200 | 206) return 0 ;;
      401)
        if [ "$channel_place" != "$channel_url" ] || [ -n "$channel_bearer" ]; then
          echo "${channel_place%%\?*} asks for another login"
          return 1
        fi
        if ! channel_token; then return 1; fi
        ;;
      301 | 302 | 303 | 307 | 308)
        if ! channel_may_ask "$channel_next"; then return 1; fi
        if [ "$web_origin" != "$channel_registry" ]; then channel_bearer=; fi
        channel_place=$channel_next
        ;;
      *)
        echo "${channel_place%%\?*} answers with status $channel_code"
        return 1
        ;;
    esac
  done
  echo "$channel_registry leads on and on, $channel_hop times"
  return 1
}

# channel_ask: asks for the first byte; sets channel_code to the status, channel_next to the URL that the answer leads to, and
# channel_head to its head. The object store may know GET alone.
channel_ask() {
  channel_head=$(channel_curl "$channel_place" "$WEB_TEXT_MAX" 60 --range 0-0 --output /dev/null --dump-header - \
    --write-out '\n%{http_code} %{redirect_url}\n' | web_text "$WEB_TEXT_MAX")
  channel_next=${channel_head##*"$SEALIFT_LINE_END"}
  channel_code=${channel_next%% *}
  channel_next=${channel_next#* }
  case $channel_code in
    [1-5][0-9][0-9]) ;;
    *) channel_code=none ;;
  esac
}

# channel_may_ask URL: says which line of the site file is missing when it may not.
channel_may_ask() {
  if web_url "$channel_origins" "$1"; then return 0; fi
  echo "$channel_registry is not followed: $web_refused"
  if [ -n "$web_origin" ]; then echo "if that is right, write allowedHosts: [\"$web_origin\"] below registry.external"; fi
  return 1
}

# channel_token: sets channel_bearer to the token that anybody gets (distribution 3.1.2, docs/content/spec/auth/token.md).
channel_token() {
  token_wanted=$(printf '%s\n' "$channel_head" | web_header www-authenticate)
  case $token_wanted in
    [Bb][Ee][Aa][Rr][Ee][Rr]\ *) ;;
    *)
      echo "$channel_registry asks for a login and offers no token"
      return 1
      ;;
  esac
  token_realm=$(token_word realm 'A-Za-z0-9:/?%.,&=+~_-')
  if ! channel_may_ask "$token_realm"; then return 1; fi
  token_scope=$(token_word scope 'A-Za-z0-9:/.,*_ -')
  token_answer=$(channel_curl "$token_realm" "$WEB_TEXT_MAX" 60 --fail --get --data-urlencode "service=$(token_word service 'A-Za-z0-9:/.,_@ -')" \
    --data-urlencode "scope=${token_scope:-repository:$channel_repository:pull}" | web_text "$WEB_TEXT_MAX" | tr -d '\n')
  for token_name in token access_token; do
    # What a token may have: RFC 6750, 2.1.
    channel_bearer=$(printf '%s\n' "$token_answer" | sed -n 's/.*"'"$token_name"'" *: *"\([A-Za-z0-9._~+/=-][A-Za-z0-9._~+/=-]*\)".*/\1/p')
    if [ -n "$channel_bearer" ]; then return 0; fi
  done
  echo "$web_origin gave no token"
  return 1
}

# token_word NAME CHARACTERS: what the registry says of the token that it wants, when it has none but these characters.
token_word() { printf '%s\n' "$token_wanted" | sed -n "s|^.*[ ,]$1=\"\\([$2]*\\)\".*|\\1|p"; }

# channel_curl URL BYTES SECONDS OPTION...: as the registry is asked, whichever of its readers, and those whom it may lead to; no longer than until
# channel_until.
channel_curl() {
  channel_to=$1
  channel_most=$2
  channel_time=$3
  shift 3
  channel_now
  if [ "$channel_time" -gt $((channel_until - channel_sec)) ]; then channel_time=$((channel_until - channel_sec)); fi
  if [ "$channel_time" -lt 1 ]; then
    echo "$channel_registry has had the $(web_seconds_for "$channel_bytes") seconds that $channel_bytes bytes may take" >&2
    return 28
  fi
  # Debian's curl would believe the system's CAs beside the one that it is given.
  if [ "$channel_ca" = own ]; then set -- --cacert "$TRUST_CERTS/$channel_registry/ca.crt" --capath /dev/null "$@"; fi
  if [ "$channel_reader" != - ]; then set -- --resolve "$channel_registry:$channel_reader" "$@"; fi
  # Never an argument: whoever looks at the list of processes would have it.
  if [ -n "$channel_bearer" ]; then set -- --header @- "$@"; fi
  printf 'Authorization: Bearer %s\n' "$channel_bearer" |
    web_curl "$channel_origins" "$channel_to" "$channel_most" "$channel_time" --connect-timeout 10 --speed-limit 1024 --speed-time 30 "$@"
}
