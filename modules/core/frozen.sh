# Control groups that are held still for a moment: cgroup.freeze and cgroup.events of the kernel's Control Group v2. Whoever holds one may be
# killed before it lets go, and cron or sshd would stand still for good. So what is held is noted before, and what is noted is let go by
# systemd after a while (systemd-run(1)), and by the next run.

FROZEN_NOTE=/run/sealift/frozen
FROZEN_TIMER=sealift-thaw
# Longer than anybody here holds them, in seconds.
FROZEN_MOST_SEC=120

# freeze_groups FOLDER...: holds these still until thaw_groups, waits up to two seconds for each. Fails when one of them does not stand still by
# then. One hold at a time.
freeze_groups() {
  if [ $# -eq 0 ]; then return 0; fi
  # Nothing of the host's stays frozen when the run is ended meanwhile.
  trap 'thaw_groups; exit 1' HUP INT TERM
  trap thaw_groups EXIT
  mkdir -p "${FROZEN_NOTE%/*}"
  printf '%s\n' "$@" >"$FROZEN_NOTE"
  # One that is there already was left by a run that was killed.
  frozen_timer || { timeout 20 systemctl stop "$FROZEN_TIMER.timer" && frozen_timer; } || true
  frozen_all=yes
  for frozen_one; do
    { echo 1 >"$frozen_one/cgroup.freeze"; } 2>/dev/null || frozen_all=
  done
  for frozen_one; do
    frozen_tries=0
    until group_has "$frozen_one" "frozen 1"; do
      frozen_tries=$((frozen_tries + 1))
      if [ "$frozen_tries" -gt 20 ] || [ ! -d "$frozen_one" ]; then
        frozen_all=
        break
      fi
      sleep 0.1
    done
  done
  [ -n "$frozen_all" ]
}

# frozen_timer: lets systemd thaw by itself what is noted then.
frozen_timer() {
  # shellcheck disable=SC2016 # it is for the shell that the timer starts
  timeout 20 systemd-run --quiet --collect --unit "$FROZEN_TIMER" --on-active "$FROZEN_MOST_SEC" --timer-property AccuracySec=1s \
    --description "Sealift lets go of what a run has left frozen" \
    sh -c 'while IFS= read -r one; do echo 0 >"$one/cgroup.freeze"; done <"$0"; rm -f "$0"' "$FROZEN_NOTE" 2>/dev/null
}

# thaw_groups: lets go of what is held, by this run or by one before that was killed.
thaw_groups() {
  trap - HUP INT TERM EXIT
  if [ ! -f "$FROZEN_NOTE" ]; then return 0; fi
  while IFS= read -r frozen_one; do
    { echo 0 >"$frozen_one/cgroup.freeze"; } 2>/dev/null || true
  done <"$FROZEN_NOTE"
  rm -f "$FROZEN_NOTE"
  timeout 20 systemctl stop "$FROZEN_TIMER.timer" 2>/dev/null || true
}

# group_has FOLDER EVENT: whether cgroup.events says so, as "frozen 1".
group_has() {
  while read -r group_line; do
    if [ "$group_line" = "$2" ]; then return 0; fi
  done 2>/dev/null <"$1/cgroup.events" || return 1
  return 1
}
