# restic and rest-server as static programs, versions side by side. Not below /usr/local: on some Debian hosts the group staff can write there.

# Fact: /opt/sealift/<name>/<version>/<name> is the program of the lock, byte for byte, and only root can change it.
# $1 restic or rest-server, $2 version, $3 sha256 of the archive, $4 path of the program in the archive, $5 its sha256
check_backup_program() { static_program_is "$(backup_program_path "$1" "$2")" "$5"; }
guard_backup_program() { guard_programs E_REFUSED /opt/sealift; }
apply_backup_program() {
  guard_backup_program
  install -d -o root -g root -m 0755 /opt/sealift "/opt/sealift/$1" "/opt/sealift/$1/$2"
  backup_version=--version
  if [ "$1" = restic ]; then backup_version=version; fi
  static_program_put "$(backup_program_path "$1" "$2")" "$5" "$3" "$4" "$backup_version"
}

# backup_program_path NAME VERSION: prints where this version of restic or rest-server is.
backup_program_path() { echo "/opt/sealift/$1/$2/$1"; }
