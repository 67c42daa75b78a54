# What a user may do as somebody else, in a file of its own below /etc/sudoers.d. Only NOPASSWD rules of sudoers(5) that
# sudo-rs knows too. A file that visudo does not like never goes live: sudo would refuse everybody.
# shellcheck disable=SC2154 # files.sh sets file_wrong

# Fact: this is the user's sudo rule, as a file and as sudo takes it; sudo gives the user no more.
# $1 user, $2 the rule as a line of sudoers(5)
check_sudo_rule() {
  sudo_file_of "$1"
  if ! file_is "$sudo_file" "$2" "root:root 440"; then
    case $file_wrong in
      *" is absent") echo "no $sudo_file" ;;
      *" is altered") echo "$sudo_file says: $(found_words "$(head -c 400 "$sudo_file" | tr '\n' ' ')")" ;;
      *) echo "$file_wrong" ;;
    esac
    return 1
  fi
  sudo_look "$1" || return "$SEALIFT_WARNS"
  # As `sudo -l` writes it: without the user, and with blanks in a list of users and groups.
  sudo_wanted=${2#*ALL=}
  case $sudo_wanted in "(ALL:ALL)"*) sudo_wanted="(ALL : ALL)${sudo_wanted#"(ALL:ALL)"}" ;; esac
  sudo_more=
  sudo_last=
  while IFS= read -r sudo_one; do
    sudo_last=$sudo_one
    if [ "$sudo_one" != "$sudo_wanted" ]; then sudo_more=${sudo_more:+$sudo_more$SEALIFT_LINE_END}$sudo_one; fi
  done <<END
$sudo_listed
END
  if [ "$sudo_last" != "$sudo_wanted" ]; then
    warn_that E_SUDO "sudo goes by the last rule that fits, and that is not this one: $(sudo_shown "$sudo_last")" \
      "see with sudo -l -U $1, and take out the rule that comes after it"
  fi
  if [ -n "$sudo_more" ]; then
    warn_that E_SUDO "rules of other files let $1 do more: $(sudo_shown "$sudo_more")" "take them out, or write them into the site"
  fi
}

# sudo_file_of USER: sets sudo_file to the file of the user's rule. sudo passes over a name with a dot in it (sudoers(5)), which is written
# as a percent sign there: no user's name has one.
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

# sudo_look USER: sets sudo_listed to what sudo lets the user do, a rule a line, in its own words (sudo(8), -l -U). One process. When it does
# not say, it says why.
sudo_look() {
  if ! sudo_said=$(timeout 20 sudo -n -l -U "$1" 2>&1); then
    warn_that E_SUDO "sudo does not say what $1 may do: ${sudo_said##*"$SEALIFT_LINE_END"}" "see what sudo -l -U $1 says on the host"
    return
  fi
  sudo_listed=
  while IFS= read -r sudo_line; do
    case $sudo_line in
      "    "*)
        sudo_line=${sudo_line#    }
        # A rule that is longer than a line goes on below, deeper.
        case $sudo_line in
          " "*) sudo_listed="$sudo_listed ${sudo_line##* }" ;;
          *) sudo_listed=${sudo_listed:+$sudo_listed$SEALIFT_LINE_END}$sudo_line ;;
        esac
        ;;
      # What stands before the list is about settings.
      *) sudo_listed= ;;
    esac
  done <<END
$sudo_said
END
}
# sudo_shown RULES: what may be shown of such a list, in one line: a command may be allowed with a password among its arguments.
sudo_shown() {
  if [ -z "$1" ]; then
    echo none
    return
  fi
  sudo_words=
  while IFS= read -r sudo_one; do sudo_words="$sudo_words, $(found_words "$sudo_one")"; done <<END
$1
END
  echo "${sudo_words#, }"
}
guard_sudo_rule() {
  if ! command -v visudo >/dev/null; then
    refuse_because E_HOST_TOOLS "no visudo" "install sudo on the host, or name no sudo rule"
  fi
  # The path may stand in double quotes, and have a comment behind it.
  if ! grep -Eqs '^[[:space:]]*[#@]includedir[[:space:]]+("/etc/sudoers\.d/?"|/etc/sudoers\.d/?)[[:space:]]*(#.*)?$' /etc/sudoers /etc/sudoers-rs; then
    refuse_because E_REFUSED "/etc/sudoers does not include /etc/sudoers.d" \
      "add @includedir /etc/sudoers.d with visudo, or name no sudo rule"
  fi
}
apply_sudo_rule() {
  guard_sudo_rule "$@"
  sudo_file_of "$1"
  # sudo passes over a name with a dot in it.
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

# Fact: sudo lets the user do nothing. A rule of Sealift's goes; others are told.
# $1 user
check_no_sudo_rule() {
  sudo_file_of "$1"
  if [ -e "$sudo_file" ]; then
    echo "there is $sudo_file"
    return 1
  fi
  if ! command -v sudo >/dev/null; then return 0; fi
  # Who is not there yet may do nothing, and sudo would not say so.
  if ! account /etc/passwd "$1" && ! id -u "$1" >/dev/null 2>&1; then return 0; fi
  sudo_look "$1" || return "$SEALIFT_WARNS"
  if [ -n "$sudo_listed" ]; then
    warn_that E_SUDO "rules of other files let $1 do: $(sudo_shown "$sudo_listed")" "take them out, or write them into the site"
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
  sudo_file_of "$1"
  rm "$sudo_file"
}
