# Who may use what is mounted: the volume's own top directory, and nothing below it.

# Fact: the top directory of the volume that is mounted there has this owner and mode.
# $1 mount point; $2 UID:GID in numbers, or - for as it is; $3 four octal digits, or - for as it is
check_mount_root() {
  if ! mount_look "$1"; then
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
# mount_open MOUNT: a warning where others may write into the top directory of what is mounted there, the end of a check: the site does not
# say that they may, and with it they choose what lies there.
mount_open() {
  open_mode=$(timeout 60 stat -c %a "$1" 2>/dev/null || true)
  case $open_mode in *[2367]) ;; *) return 0 ;; esac
  warn_that E_MOUNT_POINT "others may write into the top directory of $1 (mode $open_mode)" \
    "take that away with chmod o-w $1, or say the mode of the volume in the site file"
}

apply_mount_root() {
  if ! mount_look "$1"; then
    echo "nothing mounted at $1"
    return 1
  fi
  if [ "$2" != - ]; then chown -h "$2" "$1"; fi
  # After chown, which takes setuid away; with fewer than five digits GNU chmod leaves a directory its setuid and setgid.
  if [ "$3" != - ]; then chmod "0$3" "$1"; fi
  timeout 600 sync "$1"
}
