# The runner on the host: reads a plan on standard input and works through it, in one of two modes.
#   check  every check runs, nothing is changed
#   apply  per step: check -> apply -> check again; stops at the first step that still fails
# One line a step: status TAB code TAB fact TAB found, and for a drift TAB effect. Status is ok, drift, refused, changed,
# failed, or warn: it does not hold, is told, and is left as it is. A whole run is closed by "done", the machine's id and
# the length of its journal: a mark that is new after every change and every installation.
#
# A step NAME has check_NAME and apply_NAME. Three more functions of the same arguments are its own choice, all read-only:
#   guard_NAME   fails, through `refuse_because`, when applying would have to be refused: told by a look, before anything is
#                changed on any host. apply_NAME calls it too, so that the guard stands in front of the danger.
#   value_NAME   prints one line that other hosts need when the fact holds; told as value TAB code TAB line.
#   effect_NAME  prints what applying would cost here and now: none, reload, restart or containers-stop. What an earlier step
#                of the same look is told with counts there: run_differ has the codes of those that differ.

SEALIFT_STATE=/var/lib/sealift
# The engine's own client: what a link on the PATH leads to may be anything, and is a fact of its own.
# shellcheck disable=SC2034 # phases call it
SEALIFT_DOCKER=/opt/docker/current/bin/docker
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# LVM names every descriptor that it inherits on standard error, which belongs to a finding: lvm(8).
export LVM_SUPPRESS_FD_WARNINGS=1
umask 022
run_differ=
SEALIFT_LINE_END='
'
# No command of a check ends with this by itself.
SEALIFT_WARNS=90
# Where steps write. What a step writes elsewhere (a home, a volume) it brings to the disk itself, by on_disk.
SEALIFT_WRITES="/ /etc /opt /usr/local /var /var/lib $SEALIFT_STATE"

# run MODE: the plan is read whole before anything runs, so that no command can eat the rest of it.
run() {
  set -u
  run_mode=$1
  # For `still_at_it`. A run that changes the host lets nothing that it starts hold its connection.
  if [ "$run_mode" = check ]; then exec 4>&1; fi
  run_plan=$(cat)
  plan_is_whole "$run_plan"
  if [ "$run_mode" = apply ]; then
    mkdir -p "$SEALIFT_STATE"
    # What was found is for root's eyes.
    (umask 077 && : >>"$SEALIFT_STATE/journal")
    chmod 0600 "$SEALIFT_STATE/journal"
    lock_host
    thaw_groups
  fi
  eval "$run_plan"
  run_lines=0
  if [ -f "$SEALIFT_STATE/journal" ]; then run_lines=$(wc -l <"$SEALIFT_STATE/journal"); fi
  echo "done $(cut -c 1-8 /etc/machine-id) $run_lines"
}

# plan_is_whole PLAN: a connection that breaks while the plan travels leaves a part of it, and a volume of 200 GiB must not
# become one of 2: the last line of a plan is "end".
plan_is_whole() {
  case $1 in
    *"${SEALIFT_LINE_END}end") ;;
    *)
      echo "E_PLAN the plan ends before its last line; run pulumi up again"
      exit 66
      ;;
  esac
}
end() { :; }

# phase HOST PHASE SERIAL [BACK_FROM]: what the steps below belong to, for the journal and for errors. A run that changes the host goes
# no farther with a bundle that is older than the last one.
phase() {
  phase_host=$1
  phase_name=$2
  phase_serial=$3
  if [ "$run_mode" != apply ] || bundle_not_older "$3" "${4-}"; then return 0; fi
  echo "$phase_host $phase_name: E_BUNDLE_SERIAL bundle: got $bundle_older; expected a bundle that is not older; $BUNDLE_REMEDY"
  exit 1
}

# step CODE FACT EFFECT NAME ARG...: one fact, by check_NAME and apply_NAME.
step() {
  step_code=$1
  step_fact=$2
  step_effect=$3
  step_name=$4
  shift 4
  attempt "check_$step_name" "$@"
  if [ "$attempt_status" -eq 0 ]; then
    tell ok "$attempt_output"
    tell_value "$@"
    return
  fi
  if [ "$attempt_status" -eq "$SEALIFT_WARNS" ]; then
    tell warn "$attempt_output"
    return
  fi
  step_found=$attempt_output
  if [ "$run_mode" = check ]; then
    run_differ="$run_differ $step_code"
    foresee "$@"
    return
  fi
  attempt "apply_$step_name" "$@"
  if [ "$attempt_status" -ne 0 ]; then
    give_up "$attempt_output"
  fi
  attempt "check_$step_name" "$@"
  case $attempt_status in
    0 | "$SEALIFT_WARNS") ;;
    *) give_up "still not so after it was applied: $attempt_output" ;;
  esac
  step_status=$attempt_status
  step_warning=$attempt_output
  journal changed "$step_found"
  attempt run_on_disk
  if [ "$attempt_status" -ne 0 ]; then give_up "$attempt_output"; fi
  if [ "$step_status" -ne 0 ]; then
    tell warn "$step_warning"
    return
  fi
  tell changed "$step_found"
  tell_value "$@"
}

# run_on_disk: what a step has done, and the line of it in the journal, is on the disk before it is told: a power cut takes back nothing
# that was told as changed. One syncfs(2) for each file system.
run_on_disk() {
  run_devices=" "
  run_writes=
  # shellcheck disable=SC2086 # folders, one word each
  for run_place in $(stat -c %d:%n $SEALIFT_WRITES 2>/dev/null); do
    case $run_devices in
      *" ${run_place%%:*} "*) ;;
      *)
        run_devices="$run_devices${run_place%%:*} "
        run_writes="$run_writes ${run_place#*:}"
        ;;
    esac
  done
  # shellcheck disable=SC2086
  on_disk $run_writes
}

# on_disk PATH...: writes out the file systems of these and waits for it, sync(1) -f; a disk that is busy with others' bytes for longer than
# ten minutes is told as a failure.
on_disk() {
  if timeout 600 sync -f "$@"; then return 0; fi
  echo "what was written did not come to the disk within 10 minutes"
  return 1
}

# foresee ARG...: tells a drift with what its repair would cost, or why it would be refused.
foresee() {
  if command -v "guard_$step_name" >/dev/null; then
    attempt "guard_$step_name" "$@"
    if [ "$attempt_status" -ne 0 ]; then
      tell refused "$attempt_output"
      return
    fi
  fi
  if command -v "effect_$step_name" >/dev/null; then
    attempt "effect_$step_name" "$@"
    if [ "$attempt_status" -eq 0 ]; then step_effect=$attempt_output; fi
  fi
  tell drift "$step_found" "$step_effect"
}

# tell_value ARG...: what the step knows and others need, for a step that has such.
tell_value() {
  if ! command -v "value_$step_name" >/dev/null; then return 0; fi
  attempt "value_$step_name" "$@"
  if [ "$attempt_status" -eq 0 ]; then printf 'value\t%s\t%s\n' "$step_code" "$attempt_output"; fi
}

# warn_that CODE FINDING REMEDY: the last words of a check, when people are to know what was found and Sealift leaves it as
# it is. Words as for refuse_because.
warn_that() {
  finding_with_remedy "$@"
  return "$SEALIFT_WARNS"
}

# refuse_because CODE FINDING REMEDY: the last words of a guard. The code is one of errors.ts; REMEDY has no "; " in it.
refuse_because() {
  finding_with_remedy "$@"
  return 1
}

# echo WORD...: the words as they are, and a line end. dash's own reads \c, \t and \0 in them, and a name of a directory (CORP\carol) is
# cut off there, with all that follows it.
echo() { printf '%s\n' "$*"; }

# finding_with_remedy CODE FINDING REMEDY: a finding that is too long for the line of a report is cut, so that nobody reads it without
# what to do.
finding_with_remedy() {
  remedy_room=$((390 - ${#1} - ${#3}))
  if [ "${#2}" -gt "$remedy_room" ] && [ "$remedy_room" -gt 0 ]; then
    echo "$1 $(printf '%s' "$2" | tr -s '\t\n' '  ' | head -c "$remedy_room")...; $3"
  else
    echo "$1 $2; $3"
  fi
}

# attempt FUNCTION ARG...: sets attempt_status and attempt_output. The function runs outside of any condition,
# because a shell switches `set -e` off inside of one.
attempt() {
  set +e
  attempt_output=$(
    exec 9>&- </dev/null 2>&1
    set -e
    "$@"
  )
  attempt_status=$?
}

# still_at_it: tells whoever waits for a look that this check is at work; a look that says nothing for too long is given up.
still_at_it() {
  if [ "${run_mode-}" = check ]; then echo ... >&4; fi
}

# give_up FOUND: the whole finding for people, then the line that the program reads, then the end.
give_up() {
  printf '%s\n' "$1" | head -c 65536 | plain_text | without_logins | sed 's/^/  | /'
  tell failed "$1"
  journal failed "$1"
  timeout 60 sync "$SEALIFT_STATE/journal" || true
  echo "$phase_host $phase_name: E_STEP $step_code: got $(one_line "$1"); expected $step_fact; mend what was found, then run pulumi up again"
  exit 1
}

# tell STATUS FOUND [EFFECT]
tell() {
  printf '%s\t%s\t%s\t' "$1" "$step_code" "$step_fact"
  one_line "$2"
  if [ $# -gt 2 ]; then printf '\t%s' "$3"; fi
  echo
}

# one_line TEXT: tabs and line ends are the format's own, a long finding would fill the state, nothing that plain_text drops is to reach anybody's
# terminal, and no URL tells its password. Most findings are short and of one line of ASCII: those cost no process, which is what a look at a slow host is made of.
one_line() {
  if [ "${#1}" -le 400 ]; then
    case $1 in
      *[!\ -~]* | *://*@*) ;;
      *)
        printf '%s' "$1"
        return
        ;;
    esac
  fi
  # The cut may go through a character.
  printf '%s' "$1" | head -c 65536 | tr -s '\t\n' '  ' | plain_text | without_logins | head -c 400 | plain_text
}

# plain_text: passes a text on without what moves a cursor, hides, or changes the order of what stands around it, in UTF-8: control characters
# but tabs and line ends, those above 7F as well; marks of direction, embeddings, overrides and isolates; line and paragraph separators;
# characters that are shown as nothing (Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties.txt); and whatever is no UTF-8
# (RFC 3629). visible.ts has the same for the operator's side. What is allowed is named, and any other byte above 7F goes by itself, so that
# no two that are left make a third.
plain_text() {
  tr -d '\000-\010\013-\037\177' | sed -E "s/($PLAIN_2|$PLAIN_3|$PLAIN_4)|[\x80-\xff]/\1/g"
}
PLAIN_2='\xc2[\xa0-\xac\xae-\xbf]|[\xc3-\xcc\xce-\xd7\xd9-\xdf][\x80-\xbf]|\xcd[\x80-\x8e\x90-\xbf]|\xd8[\x80-\x9b\x9d-\xbf]'
PLAIN_3='\xe0[\xa0-\xbf][\x80-\xbf]|\xe1[\x80-\x84\x86-\x9d\x9f\xa1-\xbf][\x80-\xbf]|\xe1\x85[\x80-\x9e\xa1-\xbf]|\xe1\x9e[\x80-\xb3\xb6-\xbf]'
PLAIN_3=$PLAIN_3'|\xe1\xa0[\x80-\x8a\x90-\xbf]|\xe2\x80[\x80-\x8a\x90-\xa7\xaf-\xbf]|\xe2\x81[\x80-\x9f\xb0-\xbf]|\xe2[\x82-\xbf][\x80-\xbf]'
PLAIN_3=$PLAIN_3'|\xe3[\x80-\x84\x86-\xbf][\x80-\xbf]|\xe3\x85[\x80-\xa3\xa5-\xbf]|[\xe4-\xec\xee][\x80-\xbf][\x80-\xbf]|\xed[\x80-\x9f][\x80-\xbf]'
PLAIN_3=$PLAIN_3'|\xef[\x80-\xb7\xb9\xba\xbc\xbd][\x80-\xbf]|\xef\xb8[\x90-\xbf]|\xef\xbb[\x80-\xbe]|\xef\xbe[\x80-\x9f\xa1-\xbf]|\xef\xbf[\x80-\xaf\xbc-\xbf]'
PLAIN_4='\xf0[\x90-\x9a\x9c\x9e-\xbf][\x80-\xbf][\x80-\xbf]|\xf0\x9b[\x80-\xb1\xb3-\xbf][\x80-\xbf]|\xf0\x9b\xb2[\x80-\x9f\xa4-\xbf]'
PLAIN_4=$PLAIN_4'|\xf0\x9d[\x80-\x84\x86-\xbf][\x80-\xbf]|\xf0\x9d\x85[\x80-\xb2\xbb-\xbf]|[\xf1\xf2][\x80-\xbf][\x80-\xbf][\x80-\xbf]'
PLAIN_4=$PLAIN_4'|\xf3[\x80-\x9f\xa1-\xbf][\x80-\xbf][\x80-\xbf]|\xf4[\x80-\x8f][\x80-\xbf][\x80-\xbf]'

BUNDLE_REMEDY="carry in the newest bundle, or go back on purpose with sealift bundle accept --insecure-allow-older"

# bundle_not_older SERIAL BACK_FROM: whether the last run that has changed or tried something here was of no newer bundle, or of one up
# to BACK_FROM ("any": of whatever bundle), from which somebody has gone back on purpose. Sets bundle_older to why not.
bundle_not_older() {
  # The words before the serial are ours; what was found stands behind it. The last line may have been cut off with the power.
  bundle_seen=0
  while read -r _ _ _ _ bundle_word bundle_rest; do
    if [ -z "$bundle_rest" ]; then continue; fi
    case $bundle_word in bundle=[0-9]*) bundle_word=${bundle_word#bundle=} ;; *) continue ;; esac
    case $bundle_word in *[!0-9]* | ?????????????????*) ;; *) bundle_seen=$bundle_word ;; esac
  done <<END
$(tail -n 9 "$SEALIFT_STATE/journal" 2>/dev/null || true)
END
  if [ "$1" -ge "$bundle_seen" ] || [ "$2" = any ] || [ "${2:-0}" -ge "$bundle_seen" ]; then return 0; fi
  bundle_older="bundle $1, and bundle $bundle_seen was here before"
  return 1
}

# without_logins: passes a text on with three stars in place of who logs in by a URL. The second form is a password that has a slash in it
# (in a URL it would be %2F); a number with a slash behind it is a port. visible.ts has the same for the operator's side.
without_logins() {
  sed -e 's|://[^[:space:]/?#"<>]*@|://***@|g' -e 's|://[^[:space:]/?#"<>:@[]*:[0-9]*[^0-9/?#[:space:]"<>][^[:space:]"<>]*@|://***@|g'
}

# What was done, when, by which bundle: for the auditor, and for bundle_not_older.
journal() {
  printf '%s %s %s %s bundle=%s login=%s found: %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$1" "$phase_name" "$step_code" \
    "$phase_serial" "${SUDO_USER:-root}" "$(one_line "$2")" >>"$SEALIFT_STATE/journal"
}
