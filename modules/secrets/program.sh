# age as one static program, versions side by side. Not below /usr/local: on some Debian hosts the group staff can write there.

AGE_PROGRAMS=/opt/sealift/age

# Fact: /opt/sealift/age/<version>/age is the program of the lock, byte for byte, and only root can change it.
# $1 version, $2 sha256 of the archive, $3 path of the program in the archive, $4 its sha256
check_age_program() { static_program_is "$AGE_PROGRAMS/$1/age" "$4"; }
guard_age_program() { guard_programs E_REFUSED "${AGE_PROGRAMS%/*}"; }
apply_age_program() {
  guard_age_program
  install -d -o root -g root -m 0755 "${AGE_PROGRAMS%/*}" "$AGE_PROGRAMS" "$AGE_PROGRAMS/$1"
  static_program_put "$AGE_PROGRAMS/$1/age" "$4" "$2" "$3" --version
}
