# Freezes control groups for a moment (cgroup.freeze and cgroup.events, kernel documentation, Control Group v2). A run that is killed before
# it thaws them would leave cron or sshd frozen. So the frozen groups are recorded first, and both a systemd timer (systemd-run(1)) and the
# next run thaw what is recorded.

FROZEN_NOTE=/run/sealift/frozen
FROZEN_TIMER=sealift-thaw
# Delay of the timer in seconds: longer than any freeze here.
FROZEN_MOST_SEC=120

# freeze_groups FOLDER...: freezes these groups until thaw_groups; waits up to ten seconds for each. Fails if one of them is not frozen by
# then. One call at a time.
freeze_groups() {
  if [ $# -eq 0 ]; then return 0; fi
  # If the run ends meanwhile, nothing stays frozen.
  trap 'thaw_groups; exit 1' HUP INT TERM
  trap thaw_groups EXIT
  mkdir -p "${FROZEN_NOTE%/*}"
  printf '%s\n' "$@" >"$FROZEN_NOTE"
  # An existing timer was left by a run that was killed.
  frozen_timer || { timeout 20 systemctl stop "$FROZEN_TIMER.timer" && frozen_timer; } || true
  frozen_all=yes
  for frozen_one; do
    { echo 1 >"$frozen_one/cgroup.freeze"; } 2>/dev/null || frozen_all=
  done
  for frozen_one; do
    frozen_tries=0
    until group_has "$frozen_one" "frozen 1"; do
      frozen_tries=$((frozen_tries + 1))
      if [ "$frozen_tries" -gt 100 ] || [ ! -d "$frozen_one" ]; then
        frozen_all=
        break
      fi
      sleep 0.1
    done
  done
  [ -n "$frozen_all" ]
}

# frozen_timer: starts the timer that thaws what is recorded then.
frozen_timer() {
  # shellcheck disable=SC2016 # it is for the shell that the timer starts
  timeout 20 systemd-run --quiet --collect --unit "$FROZEN_TIMER" --on-active "$FROZEN_MOST_SEC" --timer-property AccuracySec=1s \
    --description "Sealift thaws control groups that a run left frozen" \
    sh -c 'while IFS= read -r one; do echo 0 >"$one/cgroup.freeze"; done <"$0"; rm -f "$0"' "$FROZEN_NOTE" 2>/dev/null
}

# thaw_groups: thaws what this run or an earlier, killed run has frozen.
thaw_groups() {
  trap - HUP INT TERM EXIT
  if [ ! -f "$FROZEN_NOTE" ]; then return 0; fi
  while IFS= read -r frozen_one; do
    { echo 0 >"$frozen_one/cgroup.freeze"; } 2>/dev/null || true
  done <"$FROZEN_NOTE"
  rm -f "$FROZEN_NOTE"
  timeout 20 systemctl stop "$FROZEN_TIMER.timer" 2>/dev/null || true
}

# group_has FOLDER EVENT: whether cgroup.events has this line, such as "frozen 1".
group_has() {
  while read -r group_line; do
    if [ "$group_line" = "$2" ]; then return 0; fi
  done 2>/dev/null <"$1/cgroup.events" || return 1
  return 1
}
