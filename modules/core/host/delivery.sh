# Files that Pulumi's CopyToRemote copies to the host. Only checked here.
# shellcheck disable=SC2154 # run.sh sets bundle_older

# Fact: the file with this size is on the host, in the SSH user's home or where a phase has stored it.
# $1 size in bytes; $2... paths, absolute or relative to the SSH user's home, of which one suffices
check_delivered() {
  delivered_bytes=$1
  shift
  for delivered_path; do
    if [ ! -f "$delivered_path" ] || [ "$(stat -c %s "$delivered_path")" != "$delivered_bytes" ]; then continue; fi
    # A file that a phase stores under its sha256 must also have that sha256.
    case $delivered_path in
      "$SEALIFT_BLOBS"/* | "$SEALIFT_STATE/secrets"/*)
        hash_inspect "$delivered_path"
        if ! known_hash "$delivered_path" "${delivered_path##*/}"; then continue; fi
        ;;
    esac
    return 0
  done
  # launch.sh creates the folder when it gets a phase and this library is not there.
  if [ -d "/run/sealift/library/${1##*/}.missed" ]; then echo "absent, and a phase needs it"; else echo "absent"; fi
  return 1
}

# Fact: no newer bundle has been used on this host. This is the check of a probe; run.sh repeats it in apply mode.
# $1 serial, $2 serial up to which the operator accepted an older bundle, "any", or empty
check_bundle_serial() {
  if bundle_not_older "$1" "${2-}"; then return 0; fi
  echo "$bundle_older"
  return 1
}
guard_bundle_serial() {
  if bundle_not_older "$1" "${2-}"; then return 0; fi
  refuse E_BUNDLE_SERIAL "$bundle_older" "$BUNDLE_REMEDY"
}

# Fact: always holds. The value names the files that the host has.
# $1 name, $2 size in bytes, $3 path; repeated
check_retained_blobs() { :; }
value_retained_blobs() {
  retained_found=
  while [ $# -ge 3 ]; do
    if [ "$(stat -c %s "$3" 2>/dev/null || true)" = "$2" ]; then retained_found="$retained_found $1"; fi
    shift 3
  done
  echo "${retained_found# }"
}
