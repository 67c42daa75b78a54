# A user as passwd(5) knows it, with its own home. Nobody is ever deleted or renumbered, and no home is moved.
# shellcheck disable=SC2154 # files.sh sets path_wrong

# Fact: the user has this uid, primary group, home and shell; the home is the user's own, and Sealift remembers the user.
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
  if ! recorded made "$1" && ! recorded adopted "$1"; then user_wrong="$user_wrong, not yet in Sealift's care"; fi
  case $(stat -L -c '%u %a %F' "$5" 2>/dev/null || true) in
    "$2 "*[2367]?" directory" | "$2 "*[2367]" directory") user_wrong="$user_wrong, others may write into $5" ;;
    "$2 "*" directory") ;;
    '') user_wrong="$user_wrong, no home $5" ;;
    *) user_wrong="$user_wrong, $5 is not a directory of uid $2" ;;
  esac
  if [ -L "$5" ] && ! path_is_safe "${5%/*}"; then user_wrong="$user_wrong, $5 is a link, and $path_wrong"; fi
  if [ -n "$user_wrong" ]; then
    echo "${user_wrong#, }"
    return 1
  fi
}
guard_user() {
  if account /etc/passwd "$1"; then
    if [ "$FIELD_3:$FIELD_4" != "$2:$4" ]; then
      # Files on disk belong to the number, so another number would hand them to somebody else.
      refuse_because E_UID_TAKEN "$1 has uid $FIELD_3 and gid $FIELD_4" \
        "write these into the site, or renumber $1 by hand and hand all files over"
    fi
    if [ "$FIELD_6" != "$5" ]; then
      refuse_because E_HOME "the home of $1 is $FIELD_6" \
        "write home: $FIELD_6, or move it by hand with usermod --move-home --home $5 $1"
    fi
  elif getent passwd "$1" >/dev/null; then
    refuse_because E_UID_TAKEN "$1 comes from another name service (nsswitch.conf)" \
      "take $1 out of users: its directory looks after it, and dockerGroup.members lets it use the engine; or take another name"
  else
    guard_new_user "$@"
  fi
  # Whoever can rename what is above it, or lay a link there, decides what root makes and whose home it is.
  if [ -L "$5" ] && ! path_is_safe "${5%/*}"; then
    refuse_because E_HOME "$5 is a symbolic link, and $path_wrong" "put a real folder there, or take one below a folder of root"
  fi
  if [ ! -e "$5" ] && ! path_is_safe "${5%/*}"; then
    refuse_because E_HOME "$5 is to be made, and $path_wrong" "make the home yourself, or take one below a folder of root"
  fi
  user_owner=$(stat -L -c '%u %F' "$5" 2>/dev/null || true)
  if [ -n "$user_owner" ] && [ "$user_owner" != "$2 directory" ]; then
    refuse_because E_HOME "$5 belongs to uid $user_owner" \
      "see whose it is, then hand it over with chown or take another home"
  fi
  if [ ! -x "$6" ]; then
    refuse_because E_HOST_TOOLS "no shell $6" "install it on the host, or take a shell that is there"
  fi
}
# The numbers are free, or the group is there already with its own.
guard_new_user() {
  user_holder=$(getent passwd "$2" | cut -d : -f 1)
  if [ -n "$user_holder" ]; then
    refuse_because E_UID_TAKEN "uid $2 belongs to $user_holder" "take a uid that is free on every host"
  fi
  user_holder=$(getent group "$4" | cut -d : -f 1)
  if [ -n "$user_holder" ] && [ "$user_holder" != "$3" ]; then
    refuse_because E_UID_TAKEN "gid $4 belongs to group $user_holder" "take a gid that is free on every host"
  fi
  if account /etc/group "$3" && [ "$FIELD_3" != "$4" ]; then
    refuse_because E_UID_TAKEN "group $3 has gid $FIELD_3" "write gid: $FIELD_3, or take another name"
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
  # sshd takes no key out of a home that others may write into (sshd_config(5), StrictModes). The user's own folder, by the user's own
  # rights: what is at this path may change at any time.
  if ! as_user 60 0 setpriv --reuid="$2" --regid="$4" --clear-groups -- chmod go-w "$5"; then
    echo "$5 could not be closed to others with the rights of $1"
    return 1
  fi
  # The folder above it is root's, and may be of another file system than what the runner writes out.
  timeout 600 sync "${5%/*}"
}
