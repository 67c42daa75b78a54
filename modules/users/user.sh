# A user in passwd(5), with a home. No user is ever deleted or renumbered, and no home is moved.
# shellcheck disable=SC2154 # files.sh sets path_wrong

# Fact: the user has this uid, primary group, home and shell; the home belongs to the user, and Sealift has recorded the user.
# $1 user, $2 uid, $3 primary group, $4 its gid, $5 home, $6 shell
check_user() {
  if ! account /etc/passwd "$1"; then
    echo "no such user"
    return 1
  fi
  user_wrong=
  if [ "$FIELD_3" != "$2" ]; then user_wrong="$user_wrong, uid $FIELD_3"; fi
  if [ "$FIELD_4" != "$4" ]; then user_wrong="$user_wrong, gid $FIELD_4"; fi
  if [ "$FIELD_6" != "$5" ]; then user_wrong="$user_wrong, home $FIELD_6"; fi
  if [ "$FIELD_7" != "$6" ]; then user_wrong="$user_wrong, shell $FIELD_7"; fi
  if ! recorded made "$1" && ! recorded adopted "$1"; then user_wrong="$user_wrong, not yet managed by Sealift"; fi
  case $(stat -L -c '%u %a %F' "$5" 2>/dev/null || true) in
    "$2 "*[2367]?" directory" | "$2 "*[2367]" directory") user_wrong="$user_wrong, $5 is writable by others" ;;
    "$2 "*" directory") ;;
    '') user_wrong="$user_wrong, no home $5" ;;
    *) user_wrong="$user_wrong, $5 is not a directory of uid $2" ;;
  esac
  if [ -L "$5" ] && ! path_is_safe "${5%/*}"; then user_wrong="$user_wrong, $5 is a symbolic link and $path_wrong"; fi
  if [ -n "$user_wrong" ]; then
    echo "${user_wrong#, }"
    return 1
  fi
}
guard_user() {
  if account /etc/passwd "$1"; then
    if [ "$FIELD_3:$FIELD_4" != "$2:$4" ]; then
      # Files belong to the uid, so another uid would give them to somebody else.
      refuse E_UID_TAKEN "$1 has uid $FIELD_3 and gid $FIELD_4" \
        "use these in the site, or renumber $1 manually and change the owner of all its files"
    fi
    if [ "$FIELD_6" != "$5" ]; then
      refuse E_HOME "the home of $1 is $FIELD_6" \
        "set home: $FIELD_6, or move it manually with usermod --move-home --home $5 $1"
    fi
  elif getent passwd "$1" >/dev/null; then
    refuse E_UID_TAKEN "$1 comes from another name service (nsswitch.conf)" \
      "remove $1 from users, since a directory manages it, and list it in dockerGroup.members if it needs the engine; or use another name"
  else
    guard_new_user "$@"
  fi
  # A user who can rename a folder above the home, or put a link there, decides what root creates and whose home it is.
  if [ -L "$5" ] && ! path_is_safe "${5%/*}"; then
    refuse E_HOME "$5 is a symbolic link, and $path_wrong" "replace it with a directory, or use one whose parent only root can write to"
  fi
  if [ ! -e "$5" ] && ! path_is_safe "${5%/*}"; then
    refuse E_HOME "$5 has to be created, but $path_wrong" "create the home yourself, or use one whose parent only root can write to"
  fi
  user_owner=$(stat -L -c '%u %F' "$5" 2>/dev/null || true)
  if [ -n "$user_owner" ] && [ "$user_owner" != "$2 directory" ]; then
    refuse E_HOME "$5 belongs to uid $user_owner" \
      "find out who uses it, then change its owner with chown or use another home"
  fi
  if [ ! -x "$6" ]; then
    refuse E_HOST_TOOLS "shell $6 does not exist" "install it on the host, or use a shell that exists"
  fi
}
# guard_new_user, arguments as for check_user: refuses if the numbers are taken or the group exists with another gid.
guard_new_user() {
  accounts_refusal
  user_holder=$(getent passwd "$2" | cut -d : -f 1)
  if [ -n "$user_holder" ]; then
    refuse E_UID_TAKEN "uid $2 belongs to $user_holder" "use a uid that is free on every host"
  fi
  user_holder=$(getent group "$4" | cut -d : -f 1)
  if [ -n "$user_holder" ] && [ "$user_holder" != "$3" ]; then
    refuse E_UID_TAKEN "gid $4 belongs to group $user_holder" "use a gid that is free on every host"
  fi
  if account /etc/group "$3" && [ "$FIELD_3" != "$4" ]; then
    refuse E_UID_TAKEN "group $3 has gid $FIELD_3" "set gid: $FIELD_3, or use another name"
  fi
}
apply_user() {
  guard_user "$@"
  if account /etc/passwd "$1"; then
    record adopted "$1"
    if [ "$FIELD_7" != "$6" ]; then usermod --shell "$6" "$1"; fi
  else
    if ! account /etc/group "$3"; then groupadd --gid "$4" "$3"; fi
    record made "$1"
    mkdir -p "${5%/*}"
    useradd --uid "$2" --gid "$4" --create-home --home-dir "$5" --shell "$6" --password '*' "$1"
  fi
  if [ ! -e "$5" ]; then
    mkdir -p "${5%/*}"
    install -d -o "$2" -g "$4" -m 0750 "$5"
  fi
  # sshd ignores keys in a home that others can write to (sshd_config(5), StrictModes). Changed with the user's rights: the user can replace
  # what is at this path at any time.
  if ! as_user 60 0 setpriv --reuid="$2" --regid="$4" --clear-groups -- chmod go-w "$5"; then
    echo "user $1 could not remove the write permission of others from $5"
    return 1
  fi
  # The folder above belongs to root, and may be on a file system that the runner does not sync.
  timeout 600 sync "${5%/*}"
}
