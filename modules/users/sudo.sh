# Sudo rules of a user, in a separate file below /etc/sudoers.d. Only NOPASSWD rules of sudoers(5) that sudo-rs supports too. A file that
# visudo rejects is never installed: sudo would refuse everybody.
# shellcheck disable=SC2154 # files.sh sets file_wrong

# Fact: the file has this sudo rule, sudo applies it, and sudo allows the user nothing else.
# $1 user, $2 the rule as a line of sudoers(5)
check_sudo_rule() {
  sudo_file_of "$1"
  if ! file_is "$sudo_file" "$2" "root:root 440"; then
    case $file_wrong in
      *" is absent") echo "$sudo_file does not exist" ;;
      *" is altered") echo "$sudo_file says: $(redact_words "$(head -c 400 "$sudo_file" | tr '\n' ' ')")" ;;
      *) echo "$file_wrong" ;;
    esac
    return 1
  fi
  sudo_inspect "$1" || return "$SEALIFT_WARNS"
  # As `sudo -l` prints it: without the user, and with blanks in a list of users and groups.
  sudo_expected=${2#*ALL=}
  case $sudo_expected in "(ALL:ALL)"*) sudo_expected="(ALL : ALL)${sudo_expected#"(ALL:ALL)"}" ;; esac
  sudo_more=
  sudo_last=
  while IFS= read -r sudo_one; do
    sudo_last=$sudo_one
    if [ "$sudo_one" != "$sudo_expected" ]; then sudo_more=${sudo_more:+$sudo_more$SEALIFT_LINE_END}$sudo_one; fi
  done <<END
$sudo_listed
END
  if [ "$sudo_last" != "$sudo_expected" ]; then
    warn E_SUDO "another rule takes precedence, because sudo applies the last match: $(sudo_shown "$sudo_last")" \
      "list the rules with sudo -l -U $1, and remove the one that comes later"
  fi
  if [ -n "$sudo_more" ]; then
    warn E_SUDO "other files grant $1 more: $(sudo_shown "$sudo_more")" "remove those rules, or add them to the site"
  fi
}

# sudo_file_of USER: sets sudo_file to the file of the user's rule. sudo ignores files with a dot in their name (sudoers(5)), so a dot
# becomes a percent sign, which no user name contains.
sudo_file_of() {
  sudo_file=
  sudo_rest=$1
  while :; do
    case $sudo_rest in *.*) ;; *) break ;; esac
    sudo_file=$sudo_file${sudo_rest%%.*}%
    sudo_rest=${sudo_rest#*.}
  done
  sudo_file=/etc/sudoers.d/sealift-$sudo_file$sudo_rest
}

# sudo_inspect USER: sets sudo_listed to what sudo allows the user, one rule per line, as sudo prints it (sudo(8), -l -U). One process.
# Warns with the reason if sudo does not answer.
sudo_inspect() {
  if ! sudo_output=$(timeout 20 sudo -n -l -U "$1" 2>&1); then
    warn E_SUDO "sudo does not list the rules of $1: ${sudo_output##*"$SEALIFT_LINE_END"}" "run sudo -l -U $1 on the host and correct the error"
    return
  fi
  sudo_listed=
  while IFS= read -r sudo_line; do
    case $sudo_line in
      "    "*)
        sudo_line=${sudo_line#    }
        # A long rule continues on deeper indented lines.
        case $sudo_line in
          " "*) sudo_listed="$sudo_listed ${sudo_line##* }" ;;
          *) sudo_listed=${sudo_listed:+$sudo_listed$SEALIFT_LINE_END}$sudo_line ;;
        esac
        ;;
      # The lines before the list are about settings.
      *) sudo_listed= ;;
    esac
  done <<END
$sudo_output
END
}
# sudo_shown RULES: prints what may be shown of such a list, in one line: the arguments of an allowed command may contain a password.
sudo_shown() {
  if [ -z "$1" ]; then
    echo none
    return
  fi
  sudo_words=
  while IFS= read -r sudo_one; do sudo_words="$sudo_words, $(redact_words "$sudo_one")"; done <<END
$1
END
  echo "${sudo_words#, }"
}
guard_sudo_rule() {
  if ! command -v visudo >/dev/null; then
    refuse E_HOST_TOOLS "visudo is not installed" "install sudo on the host, or remove the sudo rule from the site"
  fi
  # The path may be in double quotes and followed by a comment.
  if ! grep -Eqs '^[[:space:]]*[#@]includedir[[:space:]]+("/etc/sudoers\.d/?"|/etc/sudoers\.d/?)[[:space:]]*(#.*)?$' /etc/sudoers /etc/sudoers-rs; then
    refuse E_REFUSED "/etc/sudoers does not include /etc/sudoers.d" \
      "add @includedir /etc/sudoers.d with visudo, or remove the sudo rule from the site"
  fi
}
apply_sudo_rule() {
  guard_sudo_rule "$@"
  sudo_file_of "$1"
  # sudo ignores files with a dot in their name.
  sudo_new=$sudo_file.new
  rm -f "$sudo_new"
  (umask 0337 && printf '%s\n' "$2" >"$sudo_new")
  if ! visudo -cf "$sudo_new"; then
    rm "$sudo_new"
    return 1
  fi
  sync "$sudo_new"
  mv "$sudo_new" "${sudo_new%.new}"
}

# Fact: sudo allows the user nothing. Sealift removes its own rule and reports others.
# $1 user
check_no_sudo_rule() {
  sudo_file_of "$1"
  if [ -e "$sudo_file" ]; then
    echo "$sudo_file exists"
    return 1
  fi
  if ! command -v sudo >/dev/null; then return 0; fi
  # sudo reports nothing about an account that does not exist yet.
  if ! account /etc/passwd "$1" && ! id -u "$1" >/dev/null 2>&1; then return 0; fi
  sudo_inspect "$1" || return "$SEALIFT_WARNS"
  if [ -n "$sudo_listed" ]; then
    warn E_SUDO "other files grant $1: $(sudo_shown "$sudo_listed")" "remove those rules, or add them to the site"
  fi
}
guard_no_sudo_rule() {
  if [ "$1" = "${SUDO_USER:-root}" ]; then
    refuse E_LOCKOUT "$1 is the SSH user of this run and depends on this sudo rule" \
      "keep sudo: ALL for $1, or connect to this host as another user first"
  fi
}
apply_no_sudo_rule() {
  guard_no_sudo_rule "$@"
  sudo_file_of "$1"
  rm "$sudo_file"
}
