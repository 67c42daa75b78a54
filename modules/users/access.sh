# Whether and until when a user may log in. The hash of a password travels on standard input only, and no finding holds it.
# shellcheck disable=SC2153 # accounts.sh sets FIELD_…

# Fact: the password field is this one. Without a password none is asked to be changed: it never grows old, or half of the days that a rule of
# the host gives it are still left (CIS benchmarks, 5.4.1.1: 365 days at most).
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
    '' | -1 | 99999) ;;
    *)
      # pam_unix(8) would ask for a new password although a key let the user in. Without a day of the last change none is old.
      if [ -z "$FIELD_3" ]; then return 0; fi
      password_days=$((FIELD_3 + FIELD_5 - $(date +%s) / 86400))
      if [ "$password_days" -lt "$((FIELD_5 / 2))" ]; then
        if [ "$password_days" -lt 0 ]; then password_days=0; fi
        echo "no password, yet it grows old after $FIELD_5 days, of which $password_days are left"
        return 1
      fi
      ;;
  esac
}
apply_password() {
  # Not "!" alone: sshd refuses keys too for a locked account where it runs without PAM.
  printf '%s:%s\n' "$1" "$2" | chpasswd --encrypted
  case $2 in
    *'$'*) ;;
    # The day as well: what sets a number of days again each night then has it begin today.
    *) chage --maxdays -1 --lastday "$(date -u +%Y-%m-%d)" "$1" ;;
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
