# The docker group and the people in it. Nobody is ever deleted, and nobody gets a password.

# Fact: the group exists.
# $1 group; it is made with a system gid
check_group() {
  if ! getent group "$1" >/dev/null; then
    echo "no such group"
    return 1
  fi
}
apply_group() {
  groupadd --system "$1"
}

# Fact: the user has this uid, a group of its own with the same number, this shell and a home.
# $1 user, $2 uid, $3 shell
check_user() {
  user_entry=$(getent passwd "$1" || true)
  if [ -z "$user_entry" ]; then
    echo "no such user"
    return 1
  fi
  user_found=$(echo "$user_entry" | cut -d : -f 3,4,7)
  if [ "$user_found" != "$2:$2:$3" ]; then
    echo "uid:gid:shell $user_found"
    return 1
  fi
  user_home=$(echo "$user_entry" | cut -d : -f 6)
  if [ "$(stat -c %u "$user_home" 2>/dev/null || true)" != "$2" ]; then
    echo "no home $user_home of its own"
    return 1
  fi
}
apply_user() {
  user_entry=$(getent passwd "$1" || true)
  if [ -z "$user_entry" ]; then
    groupadd --gid "$2" "$1"
    useradd --uid "$2" --gid "$2" --create-home --shell "$3" --password '*' "$1"
    return
  fi
  user_found=$(echo "$user_entry" | cut -d : -f 3,4)
  if [ "$user_found" != "$2:$2" ]; then
    # Files on disk belong to the number, so another number would hand them to somebody else.
    echo "$1 exists with uid:gid $user_found; it is not renumbered"
    return 1
  fi
  usermod --shell "$3" "$1"
  user_home=$(echo "$user_entry" | cut -d : -f 6)
  if [ ! -e "$user_home" ]; then
    install -d -o "$2" -g "$2" -m 0750 "$user_home"
  fi
}

# Fact: the user is in the group.
# $1 user, $2 group
check_member() {
  if ! id -nG "$1" 2>/dev/null | tr ' ' '\n' | grep -qxF "$2"; then
    echo "groups: $(id -nG "$1" 2>/dev/null || echo "no such user")"
    return 1
  fi
}
apply_member() {
  gpasswd --add "$1" "$2"
}

# Fact: no password lets the user in.
# $1 user
check_no_password() {
  case $(getent shadow "$1" | cut -d : -f 2) in
    '*'* | '!'*) ;;
    '')
      echo "no such user, or an empty password"
      return 1
      ;;
    *)
      echo "a password is set"
      return 1
      ;;
  esac
}
apply_no_password() {
  # Not "!": sshd refuses keys too for a locked account where it runs without PAM.
  usermod --password '*' "$1"
}

# Fact: exactly these keys may log in, and the files are the user's own.
# $1 user; $2... public keys
check_authorized_keys() {
  keys_file=$(keys_file "$1")
  keys_user=$1
  shift
  if [ ! -f "$keys_file" ]; then
    echo "no $keys_file"
    return 1
  fi
  if ! printf '%s\n' "$@" | cmp -s - "$keys_file"; then
    echo "$(grep -c . "$keys_file" || true) keys: $(cut -d ' ' -f 1,3 "$keys_file" | tr '\n' ',')"
    return 1
  fi
  keys_modes=$(stat -c '%U %a' "${keys_file%/*}" "$keys_file" | tr '\n' ' ')
  if [ "$keys_modes" != "$keys_user 700 $keys_user 600 " ]; then
    echo "owner and mode $keys_modes"
    return 1
  fi
}
apply_authorized_keys() {
  keys_file=$(keys_file "$1")
  keys_user=$1
  shift
  install -d -o "$keys_user" -g "$(id -g "$keys_user")" -m 0700 "${keys_file%/*}"
  printf '%s\n' "$@" >"$keys_file.new"
  chown "$keys_user:" "$keys_file.new"
  chmod 0600 "$keys_file.new"
  sync "$keys_file.new"
  mv "$keys_file.new" "$keys_file"
}

keys_file() {
  echo "$(getent passwd "$1" | cut -d : -f 6)/.ssh/authorized_keys"
}
