# age as one static program, versions side by side. Not below /usr/local: on some Debian hosts the group staff can write there.
# shellcheck disable=SC2154 # files.sh and file-hashes.sh set path_wrong and hash_wrong

AGE_PROGRAMS=/opt/sealift/age

# Fact: /opt/sealift/age/<version>/age is the program of the lock, byte for byte, and only root can change it.
# $1 version, $2 sha256 of the archive, $3 path of the program in the archive, $4 its sha256
check_age_program() {
  age_program=$AGE_PROGRAMS/$1/age
  hash_inspect "$age_program"
  if ! known_program "$age_program" "$4"; then
    echo "$age_program is $hash_wrong"
    return 1
  fi
  if ! path_is_safe "${age_program%/*}"; then
    echo "$path_wrong"
    return 1
  fi
}
guard_age_program() { guard_programs E_REFUSED "${AGE_PROGRAMS%/*}"; }
apply_age_program() {
  guard_age_program
  age_program=$AGE_PROGRAMS/$1/age
  install -d -o root -g root -m 0755 "${AGE_PROGRAMS%/*}" "$AGE_PROGRAMS" "${age_program%/*}"
  # The archive was verified when it arrived, and is verified again before its program runs.
  check_stored_blob "$2" "$(stat -c %s "$SEALIFT_BLOBS/$2")"
  timeout 60 tar -xzf "$SEALIFT_BLOBS/$2" -O -- "$3" >"$age_program.new"
  echo "$4  $age_program.new" | sha256sum -c --quiet
  chmod 0755 "$age_program.new"
  # Fail before it is installed if the program is for another architecture or the folder is mounted noexec.
  if ! timeout 60 "$age_program.new" --version >/dev/null; then
    echo "$age_program.new does not run on this host"
    return 1
  fi
  put_in_place "$age_program"
  remember_hash "$age_program" "$4"
}
