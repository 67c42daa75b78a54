# A static program of an archive in the lock: one file, installed byte for byte, which only root can change.
# shellcheck disable=SC2154 # files.sh and file-hashes.sh set path_wrong and hash_wrong

# static_program_is FILE SHA256: whether it is this program. Otherwise prints the finding.
static_program_is() {
  hash_inspect "$1"
  if ! known_program "$1" "$2"; then
    echo "$1 is $hash_wrong"
    return 1
  fi
  if ! path_is_safe "${1%/*}"; then
    echo "$path_wrong"
    return 1
  fi
}

# static_program_put FILE SHA256 ARCHIVE MEMBER WORD: installs MEMBER of the stored ARCHIVE (its sha256) as FILE, in a folder that exists. With
# WORD it prints its version and ends with 0. Otherwise prints the finding.
static_program_put() {
  # The archive was verified when it arrived, and is verified again before its program runs.
  check_stored_blob "$3" "$(stat -c %s "$SEALIFT_BLOBS/$3")"
  timeout 60 tar -xzf "$SEALIFT_BLOBS/$3" -O -- "$4" >"$1.new"
  echo "$2  $1.new" | sha256sum -c --quiet
  chmod 0755 "$1.new"
  # Fail before it is installed if the program is for another architecture or the folder is mounted noexec.
  if ! timeout 60 "$1.new" "$5" >/dev/null; then
    echo "$1.new does not run on this host"
    return 1
  fi
  put_in_place "$1"
  remember_hash "$1" "$2"
}
