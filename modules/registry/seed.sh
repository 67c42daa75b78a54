# Pushes the bundle into the registry, manifest by manifest, through the writer. Blobs arrive over ssh on the volume of the site's first
# registry; the others download them from there. Blobs that the registry already has are neither sent nor downloaded again.
# shellcheck disable=SC2154 # curl.sh sets web_…, files.sh path_wrong and file_wrong

# Fact: the upstream registry and its CA are recorded, in files named feeder: hosts of earlier versions have them under this name.
# $1 DNS name, $2 port of its reader, $3 its address, $4... its CA, and the next one if there is one, as base64 of DER, behind "named,", $3
# and a colon when the site lists its hash, or "unknown" while it does not exist
check_registry_upstream() {
  if [ "$4" = unknown ]; then
    echo "the registry on $3 has not created its CA yet"
    return 1
  fi
  file_inspect "$REGISTRY_ETC/feeder" "$REGISTRY_ETC/feeder.crt"
  if ! file_is "$REGISTRY_ETC/feeder" "$1 $2 $3"; then
    case $file_wrong in
      *" is absent" | *" is altered") echo "$REGISTRY_ETC/feeder is missing or names another registry" ;;
      *) echo "$file_wrong" ;;
    esac
    return 1
  fi
  shift 3
  if ! file_is "$REGISTRY_ETC/feeder.crt" "$(ca_pem "$@")"; then
    case $file_wrong in
      *" is absent" | *" is altered") echo "$REGISTRY_ETC/feeder.crt is missing or differs" ;;
      *) echo "$file_wrong" ;;
    esac
    return 1
  fi
}
guard_registry_upstream() {
  if [ "$4" = unknown ]; then return 0; fi
  upstream_name=$1
  upstream_address=$3
  shift 3
  for upstream_ca; do
    if [ "$(ca_shape "${upstream_ca#*:}" "$upstream_name" "$upstream_address")" = other ]; then
      refuse E_REGISTRY_CA "the CA of the registry on $upstream_address can sign for more than $upstream_name and $upstream_address" \
        "find out who changed that host"
    fi
    if ! ca_read "${upstream_ca#*:}"; then
      refuse E_REGISTRY_CA "the CA of the registry on $upstream_address is not a readable certificate" "find out who changed that host"
    fi
  done
  # A new upstream host has a CA of its own.
  if [ "$(cut -d ' ' -f 3 "$REGISTRY_ETC/feeder" 2>/dev/null)" = "$upstream_address" ]; then ca_follows "$REGISTRY_ETC/feeder.crt" "$upstream_name" "$upstream_address" "$@"; fi
}
apply_registry_upstream() {
  if [ "$4" = unknown ]; then
    echo "the CA of the upstream registry on $3 is not known: that host does not answer, or has not created one; bring it back, then run pulumi up without --target and --exclude"
    return 1
  fi
  guard_registry_upstream "$@"
  upstream_text="$1 $2 $3"
  shift 3
  file_put "$REGISTRY_ETC/feeder.crt" "$(ca_pem "$@")"
  file_put "$REGISTRY_ETC/feeder" "$upstream_text"
}

# Fact: the registry has this manifest under this tag, and everything that it names.
# $1 mount point, $2 DNS name, $3 port of the writer, $4 repository, $5 tag, $6 media type, $7 sha256:bytes of the manifest,
# $8... sha256:bytes of each blob that it names
check_registry_manifest() {
  manifest_mount=$1
  manifest_repository=$4
  manifest_tag=$5
  manifest_hex=${7%%:*}
  shift 6
  # shellcheck disable=SC2016 # it is for the shell of the registry's user
  manifest_seen=$(as_registry 120 sh -c '
    root=$1 repository=$2 tag=$3
    shift 3
    tag=$root/repositories/$repository/_manifests/tags/$tag/current/link
    if [ -f "$tag" ]; then head -c 80 "$tag"; fi
    echo
    manifest=${1%%:*}
    for one; do
      shift
      hex=${one%%:*}
      rest=${hex#??}
      if [ "$hex" = "$manifest" ] || [ -s "$root/repositories/$repository/_layers/sha256/$hex/link" ]; then
        set -- "$@" "$root/blobs/sha256/${hex%"$rest"}/$hex/data"
      fi
    done
    if [ $# -gt 0 ]; then stat -c "%n %F,%i %s %y %z" "$@" 2>/dev/null || true; fi' sh "$manifest_mount/storage/docker/registry/v2" "$manifest_repository" "$manifest_tag" "$@") || manifest_seen=
  manifest_found=${manifest_seen%%"$SEALIFT_LINE_END"*}
  if [ "$manifest_found" != "sha256:$manifest_hex" ]; then
    echo "${manifest_found:-no such tag}"
    return 1
  fi
  for manifest_one; do
    manifest_inspect "${manifest_one%%:*}" "${manifest_one#*:}"
  done
}

apply_registry_manifest() {
  seed_mount=$1
  seed_name=$2
  seed_port=$3
  seed_repository=$4
  seed_root=https://$2:$3/v2/$4
  seed_tag=$5
  seed_type=$6
  seed_manifest=$7
  shift 7
  for seed_blob in "$seed_manifest" "$@"; do
    seed_drop_wrong "${seed_blob%%:*}"
  done
  for seed_blob; do
    seed_push_blob "$seed_blob"
  done
  seed_from "$seed_manifest" "manifests" "$seed_type"
  seed_answer=$($seed_reader "$seed_file" | seed_curl "$seed_root/manifests/$seed_tag" --upload-file - --header "Content-Type: $seed_type" --write-out '\n%{http_code}')
  if [ "${seed_answer##*"$SEALIFT_LINE_END"}" != 201 ]; then
    echo "the writer refused the manifest of $seed_repository:$seed_tag: $seed_answer"
    return 1
  fi
  # Only now may the arrived files be removed.
  on_disk "$seed_mount"
  for seed_blob in "$@" "$seed_manifest"; do
    rm -f "$seed_mount/arriving/${seed_blob%%:*}" "$seed_mount/fetched/${seed_blob%%:*}"
  done
}

# seed_from SHA256:BYTES WHAT [TYPE]: sets seed_file to where the bytes are on this host, and seed_reader to what reads them: arrived and right,
# in the registry under another name, or fetched from the registry that feeds this one, which has them among its blobs or, of that media
# type, among its manifests.
seed_from() {
  seed_hex=${1%%:*}
  seed_reader="cat"
  for seed_file in "$seed_mount/arriving/$seed_hex" "$seed_mount/fetched/$seed_hex"; do
    # Anything but a regular file would block the next copy.
    if [ -L "$seed_file" ] || { [ -e "$seed_file" ] && [ ! -f "$seed_file" ]; }; then rm -rf "$seed_file"; fi
    if [ ! -f "$seed_file" ]; then continue; fi
    # The registry would accept any manifest under its tag.
    seed_found=$(timeout 1800 sha256sum "$seed_file")
    if [ "${seed_found%% *}" = "$seed_hex" ]; then return 0; fi
    rm "$seed_file"
    echo "the file that arrived as sha256:$seed_hex has sha256 ${seed_found%% *} and was removed; run pulumi up to send it again"
    return 1
  done
  seed_file=$(registry_blob "$seed_mount/storage/docker/registry/v2" "$seed_hex")
  if as_registry 60 test -f "$seed_file"; then
    seed_reader="registry_bytes"
    return 0
  fi
  if [ -e "$REGISTRY_ETC/feeder" ]; then
    seed_fetch "$@"
    return
  fi
  echo "sha256:$seed_hex did not arrive in $seed_mount/arriving; run pulumi up to send it again"
  return 1
}

# seed_fetch SHA256:BYTES WHAT [TYPE]: resumes an interrupted download; only correct bytes are kept.
seed_fetch() {
  read -r upstream_name upstream_port upstream_address <"$REGISTRY_ETC/feeder"
  # Into a folder of root alone: the one for uploads over ssh belongs to the ssh user.
  if ! path_is_safe "$seed_mount/fetched"; then
    echo "downloads are stored in $seed_mount/fetched, but $path_wrong"
    return 1
  fi
  install -d -m 0700 "$seed_mount/fetched"
  seed_file=$seed_mount/fetched/$seed_hex
  # The download may have completed before the run was interrupted.
  if [ -f "$seed_file.part" ] && seed_arrived "$seed_hex"; then return 0; fi
  seed_status=0
  web_curl "$upstream_name:$upstream_port" "https://$upstream_name:$upstream_port/v2/$seed_repository/$2/sha256:$seed_hex" "${1#*:}" "$(web_seconds_for "${1#*:}")" \
    --fail --continue-at - --retry 3 --connect-timeout 20 --speed-limit 1024 --speed-time 60 --output "$seed_file.part" \
    ${3:+--header "Accept: $3"} --cacert "$REGISTRY_ETC/feeder.crt" --capath /dev/null \
    --resolve "$upstream_name:$upstream_port:$upstream_address" || seed_status=$?
  if [ "$seed_status" -ne 0 ]; then
    # Refused, not resumable, or too long (curl(1), EXIT CODES; 153 of the kernel): start over next time.
    case $seed_status in 22 | 33 | 36 | 63 | 153) rm -f "$seed_file.part" ;; esac
    echo "the registry on $upstream_address did not deliver sha256:$seed_hex; run pulumi up again when it runs and has the bundle"
    return 1
  fi
  if seed_arrived "$seed_hex"; then return 0; fi
  rm "$seed_file.part"
  echo "the data from the registry on $upstream_address has sha256 ${seed_found%% *} and was removed"
  return 1
}

# seed_arrived SHA256: accepts seed_file.part if its hash is correct.
seed_arrived() {
  seed_found=$(sha256sum "$seed_file.part")
  if [ "${seed_found%% *}" != "$1" ]; then return 1; fi
  mv "$seed_file.part" "$seed_file"
}

# seed_push_blob SHA256:BYTES: HEAD, then POST and PUT of the distribution specification 1.1; the registry checks the digest. An
# interrupted upload is discarded by the registry.
seed_push_blob() {
  if [ "$(seed_curl "$seed_root/blobs/sha256:${1%%:*}" --head --output /dev/null --write-out '%{http_code}')" = 200 ]; then return 0; fi
  seed_from "$1" blobs
  seed_answer=$(seed_curl "$seed_root/blobs/uploads/" --request POST --header 'Content-Length: 0' --dump-header - --write-out '\n%{http_code}')
  seed_place=$(printf '%s\n' "$seed_answer" | web_header location)
  if [ "${seed_answer##*"$SEALIFT_LINE_END"}" != 202 ]; then
    echo "the writer refused an upload for $seed_repository: $seed_answer"
    return 1
  fi
  case $seed_place in
    /*) seed_place=https://$seed_name:$seed_port$seed_place ;;
  esac
  if ! web_url "$seed_name:$seed_port" "$seed_place"; then
    echo "the writer's answer to an upload is not followed: $web_refused"
    return 1
  fi
  case $seed_place in
    *\?*) seed_place="$seed_place&" ;;
    *) seed_place="$seed_place?" ;;
  esac
  seed_answer=$($seed_reader "$seed_file" | seed_curl "${seed_place}digest=sha256:$seed_hex" --upload-file - --header 'Content-Type: application/octet-stream' --write-out '\n%{http_code}')
  if [ "${seed_answer##*"$SEALIFT_LINE_END"}" != 201 ]; then
    echo "the writer refused sha256:$seed_hex for $seed_repository: $seed_answer"
    return 1
  fi
}

# seed_curl URL OPTION...: as the writer's user, with the password from a file of root. Prints a bounded answer.
seed_curl() {
  seed_to=$1
  shift
  web_curl "$seed_name:$seed_port" "$seed_to" "$WEB_TEXT_MAX" 3600 --connect-timeout 20 --speed-limit 1 --speed-time 120 \
    --cacert "$REGISTRY_ETC/ca.crt" --capath /dev/null --netrc-file "$REGISTRY_ETC/netrc" --resolve "$seed_name:$seed_port:127.0.0.1" "$@" |
    web_text "$WEB_TEXT_MAX"
}
