# Users whom the site no longer lists.
# shellcheck disable=SC2154 # sudo.sh sets sudo_file

REMOVED_LINGER=/var/lib/systemd/linger

# Fact: a user who was removed from the site has no access that came from the site: not in the docker group, no sudo rule, no process of a
# login that still has the group. A user whom Sealift created is also locked, including keys, without a session and without one after a
# reboot (loginctl enable-linger). Nobody is deleted; homes, keys and files stay. cron and at start nothing for an expired account, because
# they ask PAM (pam_unix(8)). A service of the host that runs as the user belongs to root: it is reported and left as it is.
# $1 docker group; $2... users of the site
check_removed_users() {
  removal_wrong=
  removal_services=
  removal_busy=
  removal_unread=
  removed_users_each removed_finding "$@"
  if [ -n "$removal_wrong" ]; then
    echo "${removal_wrong#; }"
    return 1
  fi
  removal_warning=
  removal_remedy=
  if [ -n "$removal_services" ]; then
    removal_warning="services of this host run as users removed from the site: ${removal_services#, }"
    removal_remedy="set another User= for the service, or stop and disable it"
  fi
  if [ -n "$removal_busy" ]; then
    removal_warning="${removal_warning:+$removal_warning, and }processes of users removed from the site end before they can be read: ${removal_busy#, }"
    removal_remedy="${removal_remedy:+$removal_remedy, and }list their processes with ps -Lu NAME"
  fi
  if [ -n "$removal_unread" ]; then
    removal_warning="${removal_warning:+$removal_warning, and }other services and sessions have more processes or groups than can be read in time, and may include processes of users removed from the site: ${removal_unread#, }"
    removal_remedy="${removal_remedy:+$removal_remedy, and }find their owner with systemd-cgtop"
  fi
  if [ -n "$removal_warning" ]; then warn E_UNMANAGED_MEMBERS "$removal_warning" "$removal_remedy"; fi
}
guard_removed_users() {
  removed_users_each removed_refusal "$@"
}
apply_removed_users() {
  guard_removed_users "$@"
  removed_users_each removed_shut_out "$@"
}

# removed_users_each FUNCTION GROUP USER...: calls FUNCTION with made or adopted, name and group for each recorded user who is not in the
# site and still has an account.
removed_users_each() {
  removal_function=$1
  removal_group=$2
  shift 2
  removal_known=" $* "
  for removal_kind in made adopted; do
    removal_file=$(record_file "$removal_kind")
    if [ ! -f "$removal_file" ]; then continue; fi
    removal_names=
    while read -r removal_name || [ -n "$removal_name" ]; do removal_names="$removal_names $removal_name"; done <"$removal_file"
    for removal_name in $removal_names; do
      case $removal_known in
        *" $removal_name "*) continue ;;
      esac
      if account /etc/passwd "$removal_name"; then
        "$removal_function" "$removal_kind" "$removal_name" "$removal_group"
      fi
    done
  done
}

removed_finding() {
  removed_why=
  if in_group "$2" "$3"; then removed_why="$removed_why in group $3,"; fi
  sudo_file_of "$2"
  if [ -e "$sudo_file" ]; then removed_why="$removed_why has a sudo rule,"; fi
  if [ "$1" = made ] && ! is_shut_out "$2"; then removed_why="$removed_why not locked,"; fi
  if [ "$1" = made ] && [ -e "$REMOVED_LINGER/$2" ]; then removed_why="$removed_why has services that start at boot,"; fi
  removed_inspect "$@"
  if [ -n "$removed_running" ]; then removed_why="$removed_why running processes$removed_running,"; fi
  if [ -n "$removed_units" ]; then removal_services="$removal_services, $2 in$removed_units"; fi
  if [ -n "$removed_busy" ]; then removal_busy="$removal_busy, $2 (none of them was in group $3 when all were frozen at $removed_busy)"; fi
  if [ -n "$removed_unread" ]; then removal_unread="$removal_unread, $2"; fi
  if [ -n "$removed_why" ]; then removal_wrong="$removal_wrong; $2:${removed_why%,}"; fi
}

removed_refusal() {
  sudo_file_of "$2"
  if [ "$2" = "${SUDO_USER:-root}" ] && { [ "$1" = made ] || [ -e "$sudo_file" ]; }; then
    refuse E_LOCKOUT "user $2 was removed from the site but is the SSH user of this run" \
      "connect as another user first, or add $2 to the site again"
  fi
  if in_group "$2" "$3" || { [ "$1" = made ] && ! is_shut_out "$2"; }; then accounts_refusal; fi
  if in_group "$2" "$3"; then
    account /etc/passwd "$2"
    refuse_primary "$2" "$FIELD_4" "$3"
  fi
}

removed_shut_out() {
  if in_group "$2" "$3"; then gpasswd --delete "$2" "$3"; fi
  sudo_file_of "$2"
  rm -f "$sudo_file"
  if [ "$1" = made ] && ! is_shut_out "$2"; then usermod --lock --expiredate 1 "$2"; fi
  if [ "$1" = made ] && [ -e "$REMOVED_LINGER/$2" ]; then loginctl disable-linger "$2"; fi
  removed_end "$@"
}

# is_shut_out USER: whether neither a password nor a key can log in.
is_shut_out() {
  account /etc/shadow "$1" || return 1
  case $FIELD_2:$FIELD_8 in
    '!'*:1) return 0 ;;
  esac
  return 1
}
