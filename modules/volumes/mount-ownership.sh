# Owner and mode of the top directory of a volume; nothing below it.

# Fact: the top directory of the volume mounted there has this owner and mode.
# $1 mount point; $2 numeric UID:GID, or - for any; $3 four octal digits, or - for any
check_mount_ownership() {
  if ! mount_inspect "$1"; then
    echo "nothing mounted at $1"
    return 1
  fi
  root_found=$(stat -c '%u:%g %a' "$1")
  root_owner=${root_found% *}
  root_mode=${root_found#* }
  if { [ "$2" != - ] && [ "$root_owner" != "$2" ]; } || { [ "$3" != - ] && [ "$root_mode" != "${3#0}" ]; }; then
    echo "owner $root_owner, mode $root_mode"
    return 1
  fi
}
# mount_open MOUNT: ends a check with a warning if others may write to the top directory of this mount although the site does not allow it:
# they could put anything there.
mount_open() {
  open_mode=$(timeout 60 stat -c %a "$1" 2>/dev/null || true)
  case $open_mode in *[2367]) ;; *) return 0 ;; esac
  warn E_MOUNT_POINT "the top directory of $1 is writable by others (mode $open_mode)" \
    "run chmod o-w $1, or set the mode of the volume in the site file"
}

apply_mount_ownership() {
  if ! mount_inspect "$1"; then
    echo "nothing mounted at $1"
    return 1
  fi
  if [ "$2" != - ]; then chown -h "$2" "$1"; fi
  # After chown, which clears setuid; with fewer than five digits GNU chmod keeps setuid and setgid of a directory.
  if [ "$3" != - ]; then chmod "0$3" "$1"; fi
  timeout 600 sync "$1"
}
