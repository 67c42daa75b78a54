# Reload, restart, and the way back.

# The ids of containers that a run has stopped on purpose and has not started again yet.
DAEMON_STOPPED=$SEALIFT_STATE/containers-to-start

# daemon_reload: fails when the daemon has not said within 20 s that it took the new values. `systemctl reload` alone says
# nothing: a failed reload is only logged (moby#47353).
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
  # Three failures in a minute latch both units; the socket would stay down with them (moby#41461).
  systemctl reset-failed docker.service docker.socket 2>/dev/null || true
  # Its own words only point to the journal, whose end is told.
  if timeout 30 systemctl start docker.socket 2>/dev/null && timeout 180 systemctl restart docker.service 2>/dev/null; then return 0; fi
  echo "the daemon did not come up"
  return 1
}

# The ids of the containers that run, one a line, as containerd's shims say: known while the daemon is down, too.
daemon_containers() {
  for restart_container in /run/containerd/io.containerd.runtime.v2.task/moby/*; do
    if [ -d "$restart_container" ]; then echo "${restart_container##*/}"; fi
  done
}

# daemon_stop_containers IDS: each gets the time that it asks for. A daemon that is stopped above running containers gives
# them 15 s in all and then leaves tasks behind that no container can be started beside.
daemon_stop_containers() {
  if [ -z "$1" ]; then return 0; fi
  # What was stopped has to be known after a power cut, too.
  echo "$1" >"$DAEMON_STOPPED.new"
  put_in_place "$DAEMON_STOPPED"
  # shellcheck disable=SC2086 # ids, one word each
  if timeout 900 "$SEALIFT_DOCKER" stop $1 >/dev/null; then return 0; fi
  echo "containers did not stop"
  return 1
}

# Starts what a run has stopped, this one or one that was cut off; says what does not start.
daemon_start_containers() {
  if [ ! -f "$DAEMON_STOPPED" ]; then return 0; fi
  start_left=
  while read -r start_id; do
    # A container that --rm has removed is gone for good, as after any stop.
    if ! "$SEALIFT_DOCKER" inspect "$start_id" </dev/null >/dev/null 2>&1; then continue; fi
    if ! timeout 60 "$SEALIFT_DOCKER" start "$start_id" </dev/null >/dev/null 2>&1; then start_left="$start_left $(printf %.12s "$start_id")"; fi
  done <"$DAEMON_STOPPED"
  rm "$DAEMON_STOPPED"
  if [ -z "$start_left" ]; then return 0; fi
  echo "containers that ran before do not start:$start_left"
  return 1
}

# daemon_gate IDS: what ran before runs again within 20 s of the daemon's start, with live-restore under it all the time. A
# container that ended by itself in between, with 0 or removed by --rm, is no loss; any other one is started once.
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

# daemon_cause JOURNAL: the daemon's own word for why it ended, in one line.
daemon_cause() {
  cause_line=$(echo "$1" | grep -E 'failed to start daemon|unable to configure|level=fatal|[Nn]o space left' | tail -n 1 || true)
  if [ -n "$cause_line" ]; then printf ': %.250s' "$cause_line"; fi
}

# daemon_put_back IDS: the last file that worked comes back, and with it the daemon: a bad key must not stop what runs.
daemon_put_back() {
  if [ ! -f "$DAEMON_JSON.good" ]; then
    echo "; no earlier daemon.json is known to work"
    return
  fi
  if ! cmp -s "$DAEMON_JSON.good" "$DAEMON_JSON"; then cp "$DAEMON_JSON.good" "$DAEMON_JSON"; fi
  if daemon_restart >/dev/null && daemon_start_containers && daemon_gate "$1"; then
    echo "; the daemon.json before it is back and runs"
  else
    echo "; the daemon did not come up with the daemon.json before it either"
  fi
}
