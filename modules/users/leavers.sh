# Those who are no longer in the site.
# shellcheck disable=SC2154 # sudo.sh sets sudo_file

LEAVERS_LINGER=/var/lib/systemd/linger

# Fact: who was in the site and is not any more has no access by it: out of the group, no sudo rule, and no process of a login that is
# still in the group; and whom Sealift has made is locked, keys and all, without a session and without one at the next boot
# (loginctl enable-linger). Nobody is deleted; homes, keys and files stay. cron and at start nothing for an account that has ended: they
# ask PAM (pam_unix(8)). A service of the host that runs with the account is root's to have: it is told and left as it is.
# $1 docker group; $2... users of the site
check_leavers() {
  leavers_wrong=
  leavers_services=
  leavers_busy=
  leavers_each leaver_finding "$@"
  if [ -n "$leavers_wrong" ]; then
    echo "${leavers_wrong#; }"
    return 1
  fi
  leavers_told=
  leavers_remedy=
  if [ -n "$leavers_services" ]; then
    leavers_told="services of this host run with accounts of people who have left the site: ${leavers_services#, }"
    leavers_remedy="give the service another User=, or stop and disable it"
  fi
  if [ -n "$leavers_busy" ]; then
    leavers_told="${leavers_told:+$leavers_told, and }processes of people who have left the site end before they can be read: ${leavers_busy#, }"
    leavers_remedy="${leavers_remedy:+$leavers_remedy, and }see with ps -Lu NAME what they run"
  fi
  if [ -n "$leavers_told" ]; then warn_that E_STRANGERS "$leavers_told" "$leavers_remedy"; fi
}
guard_leavers() {
  leavers_each leaver_refusal "$@"
}
apply_leavers() {
  guard_leavers "$@"
  leavers_each leaver_shut_out "$@"
}

# leavers_each FUNCTION GROUP USER...: calls FUNCTION with made or adopted, name and group for each one recorded who is
# no user of the site and still has an account.
leavers_each() {
  leavers_function=$1
  leavers_group=$2
  shift 2
  leavers_known=" $* "
  for leavers_kind in made adopted; do
    leavers_file=$(record_file "$leavers_kind")
    if [ ! -f "$leavers_file" ]; then continue; fi
    leavers_names=
    while read -r leavers_name || [ -n "$leavers_name" ]; do leavers_names="$leavers_names $leavers_name"; done <"$leavers_file"
    for leavers_name in $leavers_names; do
      case $leavers_known in
        *" $leavers_name "*) continue ;;
      esac
      if account /etc/passwd "$leavers_name"; then
        "$leavers_function" "$leavers_kind" "$leavers_name" "$leavers_group"
      fi
    done
  done
}

leaver_finding() {
  leaver_why=
  if in_group "$2" "$3"; then leaver_why="$leaver_why in $3,"; fi
  sudo_file_of "$2"
  if [ -e "$sudo_file" ]; then leaver_why="$leaver_why has a sudo rule,"; fi
  if [ "$1" = made ] && ! is_shut_out "$2"; then leaver_why="$leaver_why not locked,"; fi
  if [ "$1" = made ] && [ -e "$LEAVERS_LINGER/$2" ]; then leaver_why="$leaver_why has services that start at boot,"; fi
  leaver_look "$@"
  if [ -n "$leaver_running" ]; then leaver_why="$leaver_why open sessions with processes$leaver_running,"; fi
  if [ -n "$leaver_units" ]; then leavers_services="$leavers_services, $2 in$leaver_units"; fi
  if [ -n "$leaver_busy" ]; then leavers_busy="$leavers_busy, $2 (none of them was in $3 when all were held still, $leaver_busy)"; fi
  if [ -n "$leaver_why" ]; then leavers_wrong="$leavers_wrong; $2:${leaver_why%,}"; fi
}

leaver_refusal() {
  sudo_file_of "$2"
  if [ "$2" = "${SUDO_USER:-root}" ] && { [ "$1" = made ] || [ -e "$sudo_file" ]; }; then
    refuse_because E_OWN_LOGIN "$2, who is not in the site any more, is the login of this very run" \
      "take another login for this host first, or put $2 back into the site"
  fi
  if in_group "$2" "$3"; then
    account /etc/passwd "$2"
    refuse_primary "$2" "$FIELD_4" "$3"
  fi
}

leaver_shut_out() {
  if in_group "$2" "$3"; then gpasswd --delete "$2" "$3"; fi
  sudo_file_of "$2"
  rm -f "$sudo_file"
  if [ "$1" = made ] && ! is_shut_out "$2"; then usermod --lock --expiredate 1 "$2"; fi
  if [ "$1" = made ] && [ -e "$LEAVERS_LINGER/$2" ]; then loginctl disable-linger "$2"; fi
  leaver_end "$@"
}

# is_shut_out USER: neither a password nor a key lets the user in.
is_shut_out() {
  account /etc/shadow "$1" || return 1
  case $FIELD_2:$FIELD_8 in
    '!'*:1) return 0 ;;
  esac
  return 1
}
