# Files that travel to the host over ssh. Checked here only: Pulumi's CopyToRemote brings them.
# shellcheck disable=SC2154 # run.sh sets bundle_older

# Fact: the file with these bytes is on the host, in the login's home or where a phase has put it.
# $1 size in bytes; $2... paths, absolute or relative to the login's home, the first that exists counts
check_delivered() {
  delivered_bytes=$1
  shift
  for delivered_path; do
    if [ ! -f "$delivered_path" ] || [ "$(stat -c %s "$delivered_path")" != "$delivered_bytes" ]; then continue; fi
    # Where a phase keeps it under its sha256, it also has to be what it is called.
    case $delivered_path in
      "$SEALIFT_BLOBS"/*)
        hash_look "$delivered_path"
        if ! known_hash "$delivered_path" "${delivered_path##*/}"; then continue; fi
        ;;
    esac
    return 0
  done
  echo "absent"
  return 1
}

# Fact: no newer bundle was here before. Checked here for a look; run.sh does it again for a run.
# $1 serial, $2 up to which serial somebody has gone back on purpose, "any", or nothing
check_bundle_serial() {
  if bundle_not_older "$1" "${2-}"; then return 0; fi
  echo "$bundle_older"
  return 1
}
guard_bundle_serial() {
  if bundle_not_older "$1" "${2-}"; then return 0; fi
  refuse_because E_BUNDLE_SERIAL "$bundle_older" "$BUNDLE_REMEDY"
}

# Fact: nothing has to be so; the value names the files that the host has.
# $1 name, $2 size in bytes, $3 path; and so on
check_spares() { :; }
value_spares() {
  spares_found=
  while [ $# -ge 3 ]; do
    if [ "$(stat -c %s "$3" 2>/dev/null || true)" = "$2" ]; then spares_found="$spares_found $1"; fi
    shift 3
  done
  echo "${spares_found# }"
}
