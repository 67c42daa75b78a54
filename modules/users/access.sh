# Whether and until when a user may log in. Password hashes travel on standard input only, and no finding contains one.
# shellcheck disable=SC2153 # accounts.sh sets FIELD_…

# Fact: the password field has this value and no password change is due at login. A user without a password must never reach the age limit:
# it is disabled, or more than half of the days that a rule of the host allows are left (CIS benchmarks, 5.4.1.1: at most 365 days).
# $1 user, $2 password field of shadow(5): a hash, or "*" for no password, with "!" before it if the user is locked
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
    echo "a password change is required at the next login"
    return 1
  fi
  case $2 in
    *'$'*) return 0 ;;
  esac
  case $FIELD_5 in
    '' | -1 | 99999) ;;
    *)
      # pam_unix(8) would ask for a new password even after a login with a key. Without a date of the last change nothing expires.
      if [ -z "$FIELD_3" ]; then return 0; fi
      password_days=$((FIELD_3 + FIELD_5 - $(date +%s) / 86400))
      if [ "$password_days" -lt "$((FIELD_5 / 2))" ]; then
        if [ "$password_days" -lt 0 ]; then password_days=0; fi
        echo "no password, but its age limit of $FIELD_5 days is reached in $password_days days"
        return 1
      fi
      ;;
  esac
}
guard_password() {
  accounts_refusal
}
apply_password() {
  guard_password
  # Not "!" alone: without PAM, sshd refuses the keys of a locked account too.
  printf '%s:%s\n' "$1" "$2" | chpasswd --encrypted
  case $2 in
    *'$'*) ;;
    # Set the date as well: if a nightly job restores the age limit, the period starts today.
    *) chage --maxdays -1 --lastday "$(date -u +%Y-%m-%d)" "$1" ;;
  esac
}

# password_kind FIELD: describes the field without its content.
password_kind() {
  case $1 in
    '') echo "an empty password" ;;
    '*') echo "no password" ;;
    '!'*'$'*) echo "a password, locked" ;;
    '!'*) echo "no password, locked" ;;
    *) echo "a different password" ;;
  esac
}

# Fact: the account expires on this day, which also disables keys.
# $1 user, $2 days from 1970-01-01 to the first day without access; empty: never
check_expiry() {
  if ! account /etc/shadow "$1"; then
    echo "no such user"
    return 1
  fi
  if [ "$FIELD_8" = "$2" ]; then return 0; fi
  case $FIELD_8 in
    '') echo "no expiry date" ;;
    *) echo "expires on $(date -u -d "@$((FIELD_8 * 86400))" +%Y-%m-%d)" ;;
  esac
  return 1
}
guard_expiry() {
  accounts_refusal
}
apply_expiry() {
  guard_expiry
  usermod --expiredate "$2" "$1"
}
