# Those who are no longer in the site.

LEAVERS_LINGER=/var/lib/systemd/linger

# Fact: who was in the site and is not any more has no access by it: out of the group, no sudo rule, and no process of a login that is
# still in the group; and whom Sealift has made is locked, keys and all, without a session and without one at the next boot
# (loginctl enable-linger). Nobody is deleted; homes, keys and files stay. cron and at start nothing for an account that has ended: they
# ask PAM (pam_unix(8)).
# $1 docker group; $2... users of the site
check_leavers() {
  leavers_wrong=
  leavers_each leaver_finding "$@"
  if [ -n "$leavers_wrong" ]; then
    echo "${leavers_wrong#; }"
    return 1
  fi
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
    while read -r leavers_name; do leavers_names="$leavers_names $leavers_name"; done <"$leavers_file"
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
  if [ -e "/etc/sudoers.d/sealift-$2" ]; then leaver_why="$leaver_why has a sudo rule,"; fi
  if [ "$1" = made ] && ! is_shut_out "$2"; then leaver_why="$leaver_why not locked,"; fi
  if [ "$1" = made ] && [ -e "$LEAVERS_LINGER/$2" ]; then leaver_why="$leaver_why has services that start at boot,"; fi
  leaver_sessions "$@"
  if [ -n "$leaver_pids" ]; then leaver_why="$leaver_why open sessions with processes$leaver_pids,"; fi
  if [ -n "$leaver_why" ]; then leavers_wrong="$leavers_wrong; $2:${leaver_why%,}"; fi
}

leaver_refusal() {
  if [ "$2" = "${SUDO_USER:-root}" ] && { [ "$1" = made ] || [ -e "/etc/sudoers.d/sealift-$2" ]; }; then
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
  rm -f "/etc/sudoers.d/sealift-$2"
  if [ "$1" = made ] && ! is_shut_out "$2"; then usermod --lock --expiredate 1 "$2"; fi
  if [ "$1" = made ] && [ -e "$LEAVERS_LINGER/$2" ]; then loginctl disable-linger "$2"; fi
  leaver_sessions "$@"
  if [ -z "$leaver_pids" ]; then return 0; fi
  # Asked to end, then ended: what is left keeps the group that it began with.
  if [ -e "/run/systemd/users/$leaver_uid" ]; then timeout 60 loginctl terminate-user "$2" || true; fi
  for leaver_signal in TERM TERM KILL KILL; do
    leaver_sessions "$@"
    if [ -z "$leaver_pids" ]; then return 0; fi
    # shellcheck disable=SC2086 # numbers of processes
    kill -s "$leaver_signal" $leaver_pids 2>/dev/null || true
    sleep 1
  done
}

# leaver_sessions KIND USER GROUP: sets leaver_pids to the processes that run for the user by a login, by cron, at or services of the user's
# own: all of one that Sealift has made, and of others those in the group.
leaver_sessions() {
  leaver_pids=
  account /etc/passwd "$2"
  leaver_uid=$FIELD_3
  leaver_gid=
  if [ "$1" != made ]; then
    leaver_gid=none
    if account /etc/group "$3"; then leaver_gid=$FIELD_3; fi
  fi
  for leaver_proc in /proc/[0-9]*; do
    if leaver_is "$leaver_proc" && leaver_by_login "$leaver_proc"; then leaver_pids="$leaver_pids ${leaver_proc##*/}"; fi
  done
}

# leaver_is FOLDER: whether the process is of leaver_uid, and in leaver_gid when there is one, by whichever of its groups: a program that
# sets its group has it as an effective one alone.
leaver_is() {
  leaver_mine=
  leaver_in=${leaver_gid:-any}
  while read -r leaver_key leaver_one leaver_more; do
    case $leaver_key in
      Uid:) if [ "$leaver_one" = "$leaver_uid" ]; then leaver_mine=yes; fi ;;
      Gid: | Groups:) for leaver_one in $leaver_one $leaver_more; do if [ "$leaver_one" = "$leaver_in" ]; then leaver_in=any; fi; done ;;
    esac
  done 2>/dev/null <"$1/status" || return 1
  [ -n "$leaver_mine" ] && [ "$leaver_in" = any ]
}

# leaver_by_login FOLDER: whether it runs by a login of a person, and not as a service of the host that uses the account, or in a container,
# which may use any number. Namespaces say nothing: a user may have some of their own. Nor is the user's own systemd left out: it starts
# whatever it is told to with the groups that it has, and the user may move processes beside it. Where there is no systemd-logind
# (pam_systemd(8)), logins stay below sshd.
leaver_by_login() {
  while read -r leaver_line; do
    case $leaver_line in
      */user.slice/* | */ssh.service | */ssh@*.service | */sshd.service | */sshd@*.service | */cron.service | */atd.service) return 0 ;;
    esac
  done 2>/dev/null <"$1/cgroup" || return 1
  return 1
}

# is_shut_out USER: neither a password nor a key lets the user in.
is_shut_out() {
  account /etc/shadow "$1" || return 1
  case $FIELD_2:$FIELD_8 in
    '!'*:1) return 0 ;;
  esac
  return 1
}
