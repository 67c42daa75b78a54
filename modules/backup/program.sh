# restic and rest-server as static programs, versions side by side. Not below /usr/local: on some Debian hosts the group staff can write there.
# shellcheck disable=SC2154 # files.sh and file-hashes.sh set path_wrong and hash_wrong

# Fact: /opt/sealift/<name>/<version>/<name> is the program of the lock, byte for byte, and only root can change it.
# $1 restic or rest-server, $2 version, $3 sha256 of the archive, $4 path of the program in the archive, $5 its sha256
check_backup_program() {
  backup_program=$(backup_program_path "$1" "$2")
  hash_inspect "$backup_program"
  if ! known_program "$backup_program" "$5"; then
    echo "$backup_program is $hash_wrong"
    return 1
  fi
  if ! path_is_safe "${backup_program%/*}"; then
    echo "$path_wrong"
    return 1
  fi
}
guard_backup_program() { guard_programs E_REFUSED /opt/sealift; }
apply_backup_program() {
  guard_backup_program
  backup_program=$(backup_program_path "$1" "$2")
  install -d -o root -g root -m 0755 /opt/sealift "/opt/sealift/$1" "${backup_program%/*}"
  # The archive was verified when it arrived, and is verified again before its program runs.
  check_stored_blob "$3" "$(stat -c %s "$SEALIFT_BLOBS/$3")"
  timeout 60 tar -xzf "$SEALIFT_BLOBS/$3" -O -- "$4" >"$backup_program.new"
  echo "$5  $backup_program.new" | sha256sum -c --quiet
  chmod 0755 "$backup_program.new"
  # Fail before it is installed if the program is for another architecture or the folder is mounted noexec.
  backup_version=--version
  if [ "$1" = restic ]; then backup_version=version; fi
  if ! timeout 60 "$backup_program.new" "$backup_version" >/dev/null; then
    echo "$backup_program.new does not run on this host"
    return 1
  fi
  put_in_place "$backup_program"
  remember_hash "$backup_program" "$5"
}

# backup_program_path NAME VERSION: prints where this version of restic or rest-server is.
backup_program_path() { echo "/opt/sealift/$1/$2/$1"; }
