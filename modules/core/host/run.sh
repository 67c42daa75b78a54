# The runner on the host. It reads a plan on standard input and works through it in one of two modes:
#   check  runs every check and changes nothing
#   apply  per step: check, apply, check again; stops at the first step that still fails
# It prints one line per step: status TAB code TAB fact TAB found, and for drift TAB effect. Status is ok, drift, refused, changed, failed,
# or warn (the fact does not hold; it is reported and left as it is). The last line is "done", the machine id and the length of the host
# journal: a revision that differs after every change and every installation.
#
# A step NAME has check_NAME and apply_NAME. It may have three more functions with the same arguments, all read-only:
#   guard_NAME   fails through `refuse` if applying would do harm. The preview runs it before anything is changed on any host;
#                apply_NAME calls it again, so that the guard stands directly before the danger.
#   value_NAME   prints one line that other hosts need when the fact holds; reported as value TAB code TAB line.
#   effect_NAME  prints what applying would cost here and now: none, reload, restart or containers-stop. run_differ has the codes of earlier
#                steps of the same probe that differ.

SEALIFT_STATE=/var/lib/sealift
# The client of Sealift's engine. A link on PATH may lead to another one; that is a fact of its own.
# shellcheck disable=SC2034 # phases call it
SEALIFT_DOCKER=/opt/docker/current/bin/docker
# Prefix of the paths that checks read. Only tests set it, to check the files of other systems.
# shellcheck disable=SC2034 # phases read it
SEALIFT_ROOT=
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# lvm(8) reports every inherited file descriptor on standard error, which would become part of a finding.
export LVM_SUPPRESS_FD_WARNINGS=1
umask 022
run_differ=
SEALIFT_LINE_END='
'
# Exit status of a check that warns; no command used by a check exits with it.
SEALIFT_WARNS=90
# Where steps write. A step that writes elsewhere (a home, a volume) calls on_disk itself.
SEALIFT_WRITES="/ /etc /opt /usr/local /var /var/lib $SEALIFT_STATE"

# run MODE: runs the plan on standard input, in mode check or apply. It reads the whole plan first, so that no command can consume the rest
# of it.
run() {
  set -u
  run_mode=$1
  # For `report_progress`. In apply mode nothing that a step starts may hold the connection open.
  if [ "$run_mode" = check ]; then exec 4>&1; fi
  run_plan=$(cat)
  plan_is_whole "$run_plan"
  if [ "$run_mode" = apply ]; then
    mkdir -p "$SEALIFT_STATE"
    # Findings are for root only.
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

# plan_is_whole PLAN: exits unless the last line of the plan is "end". If the connection breaks, only part of the plan arrives, and a volume
# of 200 GiB must not become one of 2.
plan_is_whole() {
  case $1 in
    *"${SEALIFT_LINE_END}end") ;;
    *)
      echo "E_PLAN_TRUNCATED the plan ends before its last line; fix: run pulumi up again"
      exit 66
      ;;
  esac
}
end() { :; }

# phase HOST PHASE SERIAL [BACK_FROM]: the host, phase and bundle serial of the steps that follow, for the host journal and for errors. In
# apply mode it exits if the bundle is older than the last one used; BACK_FROM as in bundle_not_older.
phase() {
  phase_host=$1
  phase_name=$2
  phase_serial=$3
  if [ "$run_mode" != apply ] || bundle_not_older "$3" "${4-}"; then return 0; fi
  echo "$phase_host $phase_name: E_BUNDLE_SERIAL bundle: found: $bundle_older; expected: a bundle that is not older; fix: $BUNDLE_REMEDY"
  exit 1
}

# step CODE FACT EFFECT NAME ARG...: handles one fact with check_NAME and apply_NAME.
step() {
  step_code=$1
  step_fact=$2
  step_effect=$3
  step_name=$4
  shift 4
  attempt "check_$step_name" "$@"
  if [ "$attempt_status" -eq 0 ]; then
    report ok "$attempt_output"
    report_value "$@"
    return
  fi
  if [ "$attempt_status" -eq "$SEALIFT_WARNS" ]; then
    report warn "$attempt_output"
    return
  fi
  step_found=$attempt_output
  if [ "$run_mode" = check ]; then
    run_differ="$run_differ $step_code"
    report_drift "$@"
    return
  fi
  attempt "apply_$step_name" "$@"
  if [ "$attempt_status" -ne 0 ]; then
    fail_step "$attempt_output"
  fi
  attempt "check_$step_name" "$@"
  case $attempt_status in
    0 | "$SEALIFT_WARNS") ;;
    *) fail_step "applied, but the check still fails: $attempt_output" ;;
  esac
  step_status=$attempt_status
  step_warning=$attempt_output
  journal changed "$step_found"
  attempt run_on_disk
  if [ "$attempt_status" -ne 0 ]; then fail_step "$attempt_output"; fi
  if [ "$step_status" -ne 0 ]; then
    report warn "$step_warning"
    return
  fi
  report changed "$step_found"
  report_value "$@"
}

# run_on_disk: writes the changes of a step and its line in the host journal to disk before the step is reported, so that a power cut cannot
# undo a reported change. One syncfs(2) per file system.
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

# on_disk PATH...: writes the file systems of these paths to disk (sync(1) -f). Fails after ten minutes, because other programs may keep the
# disk busy.
on_disk() {
  if timeout 600 sync -f "$@"; then return 0; fi
  echo "writing to disk did not finish within 10 minutes"
  return 1
}

# report_drift ARG...: reports drift with its effect, or the refusal of its guard.
report_drift() {
  if command -v "guard_$step_name" >/dev/null; then
    attempt "guard_$step_name" "$@"
    if [ "$attempt_status" -ne 0 ]; then
      report refused "$attempt_output"
      return
    fi
  fi
  if command -v "effect_$step_name" >/dev/null; then
    attempt "effect_$step_name" "$@"
    if [ "$attempt_status" -eq 0 ]; then step_effect=$attempt_output; fi
  fi
  report drift "$step_found" "$step_effect"
}

# report_value ARG...: reports the value of a step that has one.
report_value() {
  if ! command -v "value_$step_name" >/dev/null; then return 0; fi
  attempt "value_$step_name" "$@"
  if [ "$attempt_status" -eq 0 ]; then printf 'value\t%s\t%s\n' "$step_code" "$attempt_output"; fi
}

# warn CODE FINDING REMEDY: ends a check whose finding is reported and left as it is. Arguments as for refuse.
warn() {
  finding_with_remedy "$@"
  return "$SEALIFT_WARNS"
}

# refuse CODE FINDING REMEDY: ends a guard. CODE is one of errors.ts; REMEDY does not contain "; fix: ".
refuse() {
  finding_with_remedy "$@"
  return 1
}

# echo WORD...: prints the words unchanged. The builtin of dash interprets \c, \t and \0, and would truncate a directory account such as
# CORP\carol.
echo() { printf '%s\n' "$*"; }

# finding_with_remedy CODE FINDING REMEDY: prints them as one line. Truncates a finding that would push the remedy out of the report line.
finding_with_remedy() {
  remedy_space=$((385 - ${#1} - ${#3}))
  if [ "${#2}" -gt "$remedy_space" ] && [ "$remedy_space" -gt 0 ]; then
    echo "$1 $(printf '%s' "$2" | tr -s '\t\n' '  ' | head -c "$remedy_space")...; fix: $3"
  else
    echo "$1 $2; fix: $3"
  fi
}

# attempt FUNCTION ARG...: sets attempt_status and attempt_output. The function must not run inside a condition, because the shell ignores
# `set -e` there.
attempt() {
  set +e
  attempt_output=$(
    exec 9>&- </dev/null 2>&1
    set -e
    "$@"
  )
  attempt_status=$?
}

# report_progress: prints a line during a probe, which times out if it receives nothing for too long.
report_progress() {
  if [ "${run_mode-}" = check ]; then echo ... >&4; fi
}

# fail_step FOUND: reports a failed step and exits. Prints a finding that is too long for the report line in full first.
fail_step() {
  case $1 in
    *"$SEALIFT_LINE_END"*) fail_step_whole=1 ;;
    *) fail_step_whole=$((${#1} > 400)) ;;
  esac
  if [ "$fail_step_whole" = 1 ]; then printf '%s\n' "$1" | head -c 65536 | plain_text | without_logins | sed 's/^/  | /'; fi
  report failed "$1"
  journal failed "$1"
  timeout 60 sync "$SEALIFT_STATE/journal" || true
  echo "$phase_host $phase_name: E_STEP_FAILED $step_code: found: $(one_line "$1"); expected: $step_fact; fix: correct what was found, then run pulumi up again"
  exit 1
}

# report STATUS FOUND [EFFECT]: prints the report line of the step.
report() {
  printf '%s\t%s\t%s\t' "$1" "$step_code" "$step_fact"
  one_line "$2"
  if [ $# -gt 2 ]; then printf '\t%s' "$3"; fi
  echo
}

# one_line TEXT: prints a finding as it may appear in a report line: without tabs and line ends, which separate fields; without what
# plain_text removes; without passwords in URLs; at most 400 bytes, because Pulumi stores it. Short ASCII findings, the common case, start
# no process: processes are what makes a probe slow.
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
  # head may cut through a character.
  printf '%s' "$1" | head -c 65536 | tr -s '\t\n' '  ' | plain_text | without_logins | head -c 400 | plain_text
}

# plain_text: passes text through without what could move a cursor, hide text or change its order. It removes control characters except tab
# and line end, including those above 7F; directional marks, embeddings, overrides and isolates; line and paragraph separators; invisible
# characters (Default_Ignorable_Code_Point in Unicode's DerivedCoreProperties.txt); and bytes that are not UTF-8 (RFC 3629). visible.ts does
# the same on the operator's machine. The expressions list what is allowed; each other byte above 7F is removed separately, so that the
# remaining bytes cannot combine into something new.
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

BUNDLE_REMEDY="use the newest bundle, or accept the older one with sealift bundle accept --insecure-allow-older"

# bundle_not_older SERIAL BACK_FROM: whether the last run that changed or attempted something here used a bundle that is not newer, or one
# up to BACK_FROM, for which the operator accepted the older bundle ("any": whatever its serial). Otherwise sets bundle_older to the reason.
bundle_not_older() {
  # Sealift writes the words before the serial; findings come after it. A power cut may have truncated the last line.
  bundle_seen=0
  while read -r _ _ _ _ bundle_word bundle_rest; do
    if [ -z "$bundle_rest" ]; then continue; fi
    case $bundle_word in bundle=[0-9]*) bundle_word=${bundle_word#bundle=} ;; *) continue ;; esac
    case $bundle_word in *[!0-9]* | ?????????????????*) ;; *) bundle_seen=$bundle_word ;; esac
  done <<END
$(tail -n 9 "$SEALIFT_STATE/journal" 2>/dev/null || true)
END
  if [ "$1" -ge "$bundle_seen" ] || [ "$2" = any ] || [ "${2:-0}" -ge "$bundle_seen" ]; then return 0; fi
  bundle_older="bundle $1 is older than bundle $bundle_seen, the last one used on this host"
  return 1
}

# without_logins: passes text through with *** in place of the user and password of a URL. The second expression matches a password that
# contains a slash (a URL would have %2F); a number followed by a slash is a port. visible.ts does the same on the operator's machine.
without_logins() {
  sed -e 's|://[^[:space:]/?#"<>]*@|://***@|g' -e 's|://[^[:space:]/?#"<>:@[]*:[0-9]*[^0-9/?#[:space:]"<>][^[:space:]"<>]*@|://***@|g'
}

# journal changed|failed FOUND: appends to the host journal, for auditors and for bundle_not_older.
journal() {
  printf '%s %s %s %s bundle=%s login=%s found: %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$1" "$phase_name" "$step_code" \
    "$phase_serial" "${SUDO_USER:-root}" "$(one_line "$2")" >>"$SEALIFT_STATE/journal"
}
