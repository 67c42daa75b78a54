# Accounts equivalent to root on this host, as it reports itself, for the auditor. Read-only.

# Fact: always holds; the value reports who may use docker and sudo, with "; " between: root=<name> for each account besides root with uid 0, docker=<name> for each member of the group docker, sudo=<name> <rules> for each account that sudo lets run something, as `sudo -l` reports, unanswered=<name> for one about which sudo gave no answer, unchecked=<n> for accounts that were skipped for lack of
# time, and
# moreDocker=<n>, moreSudo=<n>, moreRoot=<n> for those that are not listed. root itself is left out.
check_access() { :; }
apply_access() { :; }
value_access() {
  access_found=
  access_counts=
  access_list root "$(getent passwd | awk -F : '$3 == 0 && $1 != "root" { print $1 }')"
  access_group=$(getent group docker || true)
  access_gid=$(printf '%s' "$access_group" | cut -d : -f 3)
  if [ -n "$access_gid" ]; then
    access_list docker "$({
      printf '%s\n' "$access_group" | cut -d : -f 4 | tr , '\n'
      getent passwd | awk -F : -v gid="$access_gid" '$4 == gid { print $1 }'
    } | sed '/^$/d' | sort -u)"
  fi
  access_sudo
  printf '%s' "${access_counts#; }${access_found:+${access_counts:+; }}${access_found#; }"
}

# Limit in bytes after which entries are only counted: a report has at most 16384.
ACCESS_BYTES=14000

# access_add ENTRY: adds one; fails if it does not fit.
access_add() {
  if [ $((${#access_found} + ${#1})) -gt "$ACCESS_BYTES" ]; then return 1; fi
  access_found="$access_found; $1"
}

# access_list KEY NAMES: adds KEY=NAME for each line, and the number of those that do not fit as moreKey.
access_list() {
  access_more=0
  while IFS= read -r access_name; do
    if [ -z "$access_name" ]; then continue; fi
    if [ "$access_more" -gt 0 ] || ! access_add "$1=$access_name"; then access_more=$((access_more + 1)); fi
  done <<END
$2
END
  access_count "$1" "$access_more"
}

# access_count KEY NUMBER: adds how many are not listed, if any.
access_count() {
  if [ "$2" -eq 0 ]; then return 0; fi
  case $1 in
    root) access_counts="$access_counts; moreRoot=$2" ;;
    docker) access_counts="$access_counts; moreDocker=$2" ;;
    sudo) access_counts="$access_counts; moreSudo=$2" ;;
    *) access_counts="$access_counts; $1=$2" ;;
  esac
}

# access_sudo: adds what sudo lets accounts run, within a minute: sudo may query a directory service for each.
access_sudo() {
  if ! command -v sudo >/dev/null; then return 0; fi
  access_end=$(($(date +%s) + ACCESS_SECONDS))
  access_unchecked=0
  access_more=0
  for access_name in $(getent passwd | awk -F : '$3 != 0 { print $1 }'); do
    if [ "$access_unchecked" -gt 0 ] || [ "$(date +%s)" -ge "$access_end" ]; then
      access_unchecked=$((access_unchecked + 1))
      continue
    fi
    report_progress
    access_output=$(LC_ALL=C timeout -k 5 "$ACCESS_ANSWER_SECONDS" sudo -n -l -U "$access_name" 2>&1 || true)
    case $access_output in
      *"may run the following commands"*)
        access_rules "$access_output"
        if [ "$access_more" -gt 0 ] || ! access_add "sudo=$access_name $access_shown"; then access_more=$((access_more + 1)); fi
        ;;
      *"is not allowed to run sudo"*) ;;
      # Timed out or failed: whether there is a rule is unknown.
      *) if ! access_add "unanswered=$access_name"; then access_unchecked=$((access_unchecked + 1)); fi ;;
    esac
  done
  access_count sudo "$access_more"
  access_count unchecked "$access_unchecked"
}

# Time limits for all accounts and for one, in seconds.
ACCESS_SECONDS=60
ACCESS_ANSWER_SECONDS=10

# access_rules ANSWER: sets access_shown to the rules in ANSWER, as many as fit into 200 characters, and the number of the others. Arguments of
# a rule may be confidential and are redacted.
access_rules() {
  access_shown=
  access_left=0
  access_first=yes
  while IFS= read -r access_rule; do
    if [ "$access_left" -gt 0 ] || [ "${#access_shown}" -ge 200 ]; then
      access_left=$((access_left + 1))
      continue
    fi
    access_rule=$(redact_words "$access_rule")
    if [ "$((${#access_shown} + ${#access_rule}))" -le 200 ]; then
      access_shown="$access_shown $access_rule"
    elif [ -n "$access_first" ]; then
      access_shown=" $(printf '%.190s' "$access_rule") ..."
    else
      access_left=1
    fi
    access_first=
  done <<END
$(printf '%s\n' "$1" | awk 'rules && /^ / { sub(/^ +/, ""); print } /may run the following commands/ { rules = 1 }')
END
  access_shown=${access_shown# }
  if [ "$access_left" -gt 0 ]; then access_shown="$access_shown and $access_left more rules"; fi
}
