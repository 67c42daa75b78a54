# What a user may do as somebody else, in a file of its own below /etc/sudoers.d. Only NOPASSWD rules of sudoers(5) that
# sudo-rs knows too. A file that visudo does not like never goes live: sudo would refuse everybody.

# Fact: this is the user's sudo rule.
# $1 user, $2 the rule as a line of sudoers(5)
check_sudo_rule() {
  sudo_file=/etc/sudoers.d/sealift-$1
  if [ ! -e "$sudo_file" ]; then
    echo "no $sudo_file"
    return 1
  fi
  sudo_found=$(cat "$sudo_file")
  if [ "$sudo_found" != "$2" ]; then
    echo "$sudo_file says: $sudo_found"
    return 1
  fi
  sudo_mode=$(stat -c '%U:%G %a %F' "$sudo_file")
  if [ "$sudo_mode" != "root:root 440 regular file" ]; then
    echo "$sudo_file is $sudo_mode"
    return 1
  fi
}
guard_sudo_rule() {
  if ! command -v visudo >/dev/null; then
    refuse_because E_HOST_TOOLS "no visudo" "install sudo on the host, or name no sudo rule"
  fi
  if ! grep -Eqs '^[#@]includedir[[:space:]]+/etc/sudoers\.d/?[[:space:]]*$' /etc/sudoers /etc/sudoers-rs; then
    refuse_because E_REFUSED "/etc/sudoers does not include /etc/sudoers.d" \
      "add @includedir /etc/sudoers.d with visudo, or name no sudo rule"
  fi
}
apply_sudo_rule() {
  guard_sudo_rule "$@"
  # sudo passes over a name with a dot in it.
  sudo_new=/etc/sudoers.d/sealift-$1.new
  rm -f "$sudo_new"
  (umask 0337 && printf '%s\n' "$2" >"$sudo_new")
  if ! visudo -cf "$sudo_new"; then
    rm "$sudo_new"
    return 1
  fi
  sync "$sudo_new"
  mv "$sudo_new" "${sudo_new%.new}"
}

# Fact: the user has no sudo rule by Sealift. Rules of other files are not looked at.
# $1 user
check_no_sudo_rule() {
  if [ -e "/etc/sudoers.d/sealift-$1" ]; then
    echo "there is /etc/sudoers.d/sealift-$1"
    return 1
  fi
}
guard_no_sudo_rule() {
  if [ "$1" = "${SUDO_USER:-root}" ]; then
    refuse_because E_OWN_LOGIN "$1 is the login of this very run, and works by this sudo rule" \
      "keep sudo: ALL for $1, or take another login for this host first"
  fi
}
apply_no_sudo_rule() {
  guard_no_sudo_rule "$@"
  rm "/etc/sudoers.d/sealift-$1"
}
