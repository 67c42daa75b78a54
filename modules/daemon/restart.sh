# Reload, restart, and rollback.

# Ids of containers that a run has stopped and not yet started again.
DAEMON_STOPPED=$SEALIFT_STATE/containers-to-start

# daemon_reload: fails when the daemon has not confirmed the new values within 20 s. `systemctl reload` does not report
# a failed reload, which is only logged (moby#47353).
daemon_reload() {
  reload_since=$(date +%s)
  timeout 60 systemctl reload docker.service || return 1
  reload_tries=20
  while [ "$reload_tries" -gt 0 ]; do
    reload_event=$(timeout 20 "$SEALIFT_DOCKER" events --since "$reload_since" --until "$(date +%s)" --filter event=reload --format '{{.Action}}' 2>/dev/null || true)
    if [ -n "$reload_event" ]; then return 0; fi
    sleep 1
    reload_tries=$((reload_tries - 1))
  done
  return 1
}

daemon_restart() {
  autolock_hold
  # Three failures in a minute latch both units; the socket would stay down with them (moby#41461).
  systemctl reset-failed docker.service docker.socket 2>/dev/null || true
  # Its messages only refer to the journal, whose end is reported.
  if timeout 30 systemctl start docker.socket 2>/dev/null && timeout 180 systemctl restart docker.service 2>/dev/null; then
    autolock_release
    return 0
  fi
  echo "the daemon did not come up"
  return 1
}

# The ids of the containers that run, one a line, according to containerd's shims: also while the daemon is down.
daemon_containers() {
  for restart_container in /run/containerd/io.containerd.runtime.v2.task/moby/*; do
    if [ -d "$restart_container" ]; then echo "${restart_container##*/}"; fi
  done
}

# daemon_stop_containers IDS: each gets its own stop timeout. A daemon that is stopped while containers run gives
# them 15 s in all, and then leaves tasks that keep their containers from starting again.
daemon_stop_containers() {
  if [ -z "$1" ]; then return 0; fi
  # The record must survive a power cut.
  echo "$1" >"$DAEMON_STOPPED.new"
  put_in_place "$DAEMON_STOPPED"
  # shellcheck disable=SC2086 # ids, one word each
  if timeout 900 "$SEALIFT_DOCKER" stop $1 >/dev/null; then return 0; fi
  echo "containers did not stop"
  return 1
}

# Starts the containers that this run or an interrupted one has stopped; prints those that do not start.
daemon_start_containers() {
  if [ ! -f "$DAEMON_STOPPED" ]; then return 0; fi
  start_left=
  while read -r start_id; do
    # A container with --rm was removed when it stopped.
    if ! "$SEALIFT_DOCKER" inspect "$start_id" </dev/null >/dev/null 2>&1; then continue; fi
    if ! timeout 60 "$SEALIFT_DOCKER" start "$start_id" </dev/null >/dev/null 2>&1; then start_left="$start_left $(printf %.12s "$start_id")"; fi
  done <"$DAEMON_STOPPED"
  rm "$DAEMON_STOPPED"
  if [ -z "$start_left" ]; then return 0; fi
  echo "containers that ran before do not start:$start_left"
  return 1
}

# daemon_gate IDS: the containers that ran before run again within 20 s of the daemon's start. One that has exited with 0 meanwhile,
# or was removed by --rm, is accepted; any other is started once.
daemon_gate() {
  gate_tries=10
  while :; do
    gate_missing=
    gate_running=$(timeout 30 "$SEALIFT_DOCKER" ps --quiet --no-trunc 2>/dev/null || true)
    for gate_id in $1; do
      case $gate_running in
        *"$gate_id"*) ;;
        *) gate_missing="$gate_missing $gate_id" ;;
      esac
    done
    gate_tries=$((gate_tries - 1))
    if [ -z "$gate_missing" ] || [ "$gate_tries" -eq 0 ]; then break; fi
    sleep 2
  done
  gate_left=
  for gate_id in $gate_missing; do
    gate_exit=$(timeout 30 "$SEALIFT_DOCKER" inspect --format '{{.State.ExitCode}}' "$gate_id" 2>/dev/null || echo gone)
    case $gate_exit in
      0 | gone) ;;
      *) if ! timeout 60 "$SEALIFT_DOCKER" start "$gate_id" >/dev/null 2>&1; then gate_left="$gate_left $(printf %.12s "$gate_id")"; fi ;;
    esac
  done
  if [ -z "$gate_left" ]; then return 0; fi
  echo "containers that ran before do not run now:$gate_left"
  return 1
}

# daemon_cause JOURNAL: the daemon's own reason for its exit, in one line.
daemon_cause() {
  cause_line=$(echo "$1" | grep -E 'failed to start daemon|unable to configure|level=fatal|[Nn]o space left' | tail -n 1 || true)
  if [ -n "$cause_line" ]; then printf ': %.250s' "$cause_line"; fi
}

# daemon_put_back IDS: restores the last file that worked and starts the daemon with it: a bad key must not stop what runs.
daemon_put_back() {
  if [ ! -f "$DAEMON_JSON.good" ]; then
    echo "; no earlier daemon.json is known to work"
    return
  fi
  if ! cmp -s "$DAEMON_JSON.good" "$DAEMON_JSON"; then cp "$DAEMON_JSON.good" "$DAEMON_JSON"; fi
  if daemon_restart >/dev/null && daemon_start_containers && daemon_gate "$1"; then
    echo "; the previous daemon.json was restored and the daemon runs with it"
  else
    echo "; the daemon did not come up with the previous daemon.json either"
  fi
}
