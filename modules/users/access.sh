# Whether and until when a user may log in. The hash of a password travels on standard input only, and no finding holds it.

# Fact: the password field is this one; without a password none grows old.
# $1 user, $2 password field of shadow(5): a hash or "*" for no password, with "!" before it when the user is locked
check_password() {
  if ! account /etc/shadow "$1"; then
    echo "no such user"
    return 1
  fi
  if [ "$FIELD_2" != "$2" ]; then
    password_kind "$FIELD_2"
    return 1
  fi
  if [ "$FIELD_3" = 0 ]; then
    echo "a new password is asked for at the next login"
    return 1
  fi
  case $2 in
    *'$'*) return 0 ;;
  esac
  case $FIELD_5 in
    '' | 99999) ;;
    *)
      # pam_unix(8) would ask for a new password although a key let the user in.
      echo "no password, yet it grows old after $FIELD_5 days"
      return 1
      ;;
  esac
}
apply_password() {
  # Not "!" alone: sshd refuses keys too for a locked account where it runs without PAM.
  printf '%s:%s\n' "$1" "$2" | chpasswd --encrypted
  case $2 in
    *'$'*) ;;
    *) chage --maxdays -1 "$1" ;;
  esac
}

# password_kind FIELD: in words, without what is in it.
password_kind() {
  case $1 in
    '') echo "an empty password" ;;
    '*') echo "no password" ;;
    '!'*'$'*) echo "a password, locked" ;;
    '!'*) echo "no password, locked" ;;
    *) echo "another password" ;;
  esac
}

# Fact: the account ends on this day, which shuts out keys too.
# $1 user, $2 days from 1970-01-01 to the first day without access; empty: never
check_expiry() {
  if ! account /etc/shadow "$1"; then
    echo "no such user"
    return 1
  fi
  if [ "$FIELD_8" = "$2" ]; then return 0; fi
  case $FIELD_8 in
    '') echo "no end" ;;
    *) echo "ends on $(date -u -d "@$((FIELD_8 * 86400))" +%Y-%m-%d)" ;;
  esac
  return 1
}
apply_expiry() {
  usermod --expiredate "$2" "$1"
}
