# Downloads blobs of the bundle from a registry. The lock's digest is the address of the blob and is checked, so no registry can deliver
# other bytes.
# shellcheck disable=SC2154 # curl.sh sets web_…

# Where the engine reads the CAs of each registry (containerd docs/hosts.md).
TRUST_CERTS=/etc/docker/certs.d

# Fact: the blob is on the host with exactly the bytes of the lock.
# $1 sha256, $2 size in bytes, $3 name:port, $4 repository, $5 own or system: which CAs sign for the registry,
# $6... addresses of its readers in the order in which they are tried; none if DNS resolves the name, or a "-" and name:port of other hosts
# to which the registry may refer for a token or for blobs
check_downloaded_blob() { check_stored_blob "$1" "$2"; }
apply_downloaded_blob() {
  if blob_taken_back "$1" "$2"; then return 0; fi
  download_sha256=$1
  download_bytes=$2
  download_registry=$3
  download_repository=$4
  download_url=https://$3/v2/$4/blobs/sha256:$1
  download_ca=$5
  download_origins=$3
  download_alone=
  shift 5
  download_part=$SEALIFT_BLOBS/$download_sha256.part
  install -d -m 0755 "$SEALIFT_BLOBS"
  if [ "${1--}" = - ]; then
    if [ $# -gt 1 ]; then
      shift
      download_origins="$download_origins $*"
    fi
    set -- -
  fi
  # The next reader resumes an interrupted download; unstable connections get three rounds.
  for download_round in 1 2 3; do
    for download_reader; do
      if download_fetch "$download_reader"; then
        sync "$download_part"
        mv "$download_part" "$SEALIFT_BLOBS/$download_sha256"
        remember_hash "$SEALIFT_BLOBS/$download_sha256" "$download_sha256"
        return 0
      fi
    done
  done
  echo "no reader of the registry delivered $download_url in $download_round rounds"
  return 1
}

# download_fetch ADDRESS: resumes an interrupted download, whichever reader it came from; prints why it fails. Once the data of several
# readers together was wrong, each reader starts from the beginning, so that one bad reader cannot spoil the data of the others.
download_fetch() {
  download_reader=$1
  if [ -n "$download_alone" ]; then rm -f "$download_part"; fi
  download_has=$(stat -c %s "$download_part" 2>/dev/null || echo 0)
  if [ "$download_has" -gt "$download_bytes" ]; then rm "$download_part"; fi
  if [ "$download_has" -ne "$download_bytes" ] && ! download_get; then
    if [ "$download_reader" = - ]; then download_reader=$download_registry; fi
    echo "reader $download_reader did not deliver it"
    return 1
  fi
  download_found=$(sha256sum "$download_part")
  if [ "${download_found%% *}" != "$download_sha256" ]; then
    rm "$download_part"
    download_alone=yes
    echo "the data from the reader has sha256 ${download_found%% *} and was removed"
    return 1
  fi
}

# download_begin: starts the time limit of one reader for redirects, token and blob together. Sets download_until, in seconds since boot.
download_begin() {
  download_now
  download_until=$((download_sec + $(web_seconds_for "$download_bytes")))
}
# download_now: sets download_sec to the seconds since boot.
download_now() {
  read -r download_sec _ </proc/uptime
  download_sec=${download_sec%%.*}
}

# download_get: downloads into download_part. A registry of the site needs no login and does not redirect; an external one may require a
# token even for anonymous reads, and may redirect to an object store.
download_get() {
  download_bearer=
  download_place=$download_url
  download_begin
  if [ "$download_reader" = - ] && ! download_find; then return 1; fi
  download_curl "$download_place" "$download_bytes" "$(web_seconds_for "$download_bytes")" --fail --continue-at - --retry 2 --output "$download_part"
}

# download_find: sets download_place to the URL of the blob, and download_bearer to the token that it requires; prints why it fails. The token
# is sent to the registry only.
download_find() {
  for download_hop in 1 2 3 4 5; do
    download_ask
    case $download_code in
      200 | 206) return 0 ;;
      401)
        if [ "$download_place" != "$download_url" ] || [ -n "$download_bearer" ]; then
          echo "${download_place%%\?*} asks for another login"
          return 1
        fi
        if ! download_token; then return 1; fi
        ;;
      301 | 302 | 303 | 307 | 308)
        if ! download_may_ask "$download_next"; then return 1; fi
        if [ "$web_origin" != "$download_registry" ]; then download_bearer=; fi
        download_place=$download_next
        ;;
      *)
        echo "${download_place%%\?*} answers with status $download_code"
        return 1
        ;;
    esac
  done
  echo "$download_registry redirects more than $download_hop times"
  return 1
}

# download_ask: requests the first byte; sets download_code to the status, download_next to the URL of a redirect, and download_head to the
# header section. A GET, because an object store may support no other method.
download_ask() {
  download_head=$(download_curl "$download_place" "$WEB_TEXT_MAX" 60 --range 0-0 --output /dev/null --dump-header - \
    --write-out '\n%{http_code} %{redirect_url}\n' | web_text "$WEB_TEXT_MAX")
  download_next=${download_head##*"$SEALIFT_LINE_END"}
  download_code=${download_next%% *}
  download_next=${download_next#* }
  case $download_code in
    [1-5][0-9][0-9]) ;;
    *) download_code=none ;;
  esac
}

# download_may_ask URL: whether the site allows the host of URL; otherwise prints the line that the site file needs.
download_may_ask() {
  if web_url "$download_origins" "$1"; then return 0; fi
  echo "$download_registry is not followed: $web_refused"
  if [ -n "$web_origin" ]; then echo "if that is intended, set allowedHosts: [\"$web_origin\"] under registry.external"; fi
  return 1
}

# download_token: sets download_bearer to the token for anonymous reads (distribution 3.1.2, docs/content/spec/auth/token.md).
download_token() {
  token_expected=$(printf '%s\n' "$download_head" | web_header www-authenticate)
  case $token_expected in
    [Bb][Ee][Aa][Rr][Ee][Rr]\ *) ;;
    *)
      echo "$download_registry asks for a login and offers no token"
      return 1
      ;;
  esac
  token_realm=$(token_word realm 'A-Za-z0-9:/?%.,&=+~_-')
  if ! download_may_ask "$token_realm"; then return 1; fi
  token_scope=$(token_word scope 'A-Za-z0-9:/.,*_ -')
  token_answer=$(download_curl "$token_realm" "$WEB_TEXT_MAX" 60 --fail --get --data-urlencode "service=$(token_word service 'A-Za-z0-9:/.,_@ -')" \
    --data-urlencode "scope=${token_scope:-repository:$download_repository:pull}" | web_text "$WEB_TEXT_MAX" | tr -d '\n')
  for token_name in token access_token; do
    # Characters of a token: RFC 6750, 2.1.
    download_bearer=$(printf '%s\n' "$token_answer" | sed -n 's/.*"'"$token_name"'" *: *"\([A-Za-z0-9._~+/=-][A-Za-z0-9._~+/=-]*\)".*/\1/p')
    if [ -n "$download_bearer" ]; then return 0; fi
  done
  echo "$web_origin returned no token"
  return 1
}

# token_word NAME CHARACTERS: prints a parameter of the registry's challenge if it consists of these characters only.
token_word() { printf '%s\n' "$token_expected" | sed -n "s|^.*[ ,]$1=\"\\([$2]*\\)\".*|\\1|p"; }

# download_curl URL BYTES SECONDS OPTION...: web_curl with the registry's CA, reader address and token, not beyond download_until.
download_curl() {
  download_to=$1
  download_most=$2
  download_time=$3
  shift 3
  download_now
  if [ "$download_time" -gt $((download_until - download_sec)) ]; then download_time=$((download_until - download_sec)); fi
  if [ "$download_time" -lt 1 ]; then
    echo "$download_registry exceeded the $(web_seconds_for "$download_bytes") seconds allowed for $download_bytes bytes" >&2
    return 28
  fi
  # Debian's curl would trust the system's CAs in addition.
  if [ "$download_ca" = own ]; then set -- --cacert "$TRUST_CERTS/$download_registry/ca.crt" --capath /dev/null "$@"; fi
  if [ "$download_reader" != - ]; then set -- --resolve "$download_registry:$download_reader" "$@"; fi
  # Not as an argument, which the process list would show.
  if [ -n "$download_bearer" ]; then set -- --header @- "$@"; fi
  printf 'Authorization: Bearer %s\n' "$download_bearer" |
    web_curl "$download_origins" "$download_to" "$download_most" "$download_time" --connect-timeout 10 --speed-limit 1024 --speed-time 30 "$@"
}
