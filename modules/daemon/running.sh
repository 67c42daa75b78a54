# The daemon that runs with daemon.json, and what docker info reports.
# shellcheck disable=SC2154 # systemd.sh and processes.sh set unit_found and process_wrong

# How docker.service starts the daemon, and its PATH.
DAEMON_COMMAND="/opt/docker/current/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock"
DAEMON_PATH=/opt/docker/current/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# Where it looks for CAs besides those of certs.d. It reads them once; docker.service records what it has started with.
DAEMON_CA_DIRS=/etc/ssl/certs:/etc/docker/token-ca

# Fact: docker.service and docker.socket run now and after a boot, with this file; the daemon is the program of the current version,
# started as its unit says, docker info matches the file, and the engine's firewall rules are in the kernel.
# $1 engine version; $2... members of docker info's JSON, `"Key":value`, all of which must be in it
check_daemon_running() {
  if ! running_units; then return 1; fi
  if ! running_process; then return 1; fi
  if [ -f "$DAEMON_STOPPED" ]; then
    echo "containers that an earlier run stopped are not started again"
    return 1
  fi
  if ! cmp -s "$DAEMON_JSON" "$DAEMON_LOADED"; then
    echo "the daemon has not loaded the present daemon.json"
    return 1
  fi
  if ! token_ca_loaded; then
    echo "the daemon has not loaded the present CAs for token servers"
    return 1
  fi
  running_info=$(timeout 60 "$SEALIFT_DOCKER" info --format '{{json .}}' 2>&1 || true)
  # The client's own part has keys of the same names.
  running_info=${running_info%%\"ClientInfo\":*}
  # Distributions append to the version, as in 26.1.5+dfsg1.
  case $running_info in
    *"\"ServerVersion\":\"$1\""* | *"\"ServerVersion\":\"$1+"*) ;;
    *)
      echo "docker info says $(running_member '"ServerVersion":')"
      return 1
      ;;
  esac
  running_version=$1
  shift
  for running_expected; do
    case $running_info in
      *"$running_expected"*) ;;
      *)
        echo "docker info says $(running_member "${running_expected%%:*}:") in place of $running_expected"
        return 1
        ;;
    esac
  done
  running_gone=$(rules_gone "$running_version")
  if [ -z "$running_gone" ]; then return 0; fi
  echo "firewall rules of the engine are missing: $running_gone"
  return 1
}

# running_units: fails with what is wrong with the two units, found with one process.
running_units() {
  running_wrong=
  unit_inspect "$UNIT_STATE" docker.service docker.socket
  for running_unit in docker.service docker.socket; do
    unit_pick "$running_unit"
    unit_value ActiveState
    if [ "$unit_found" != active ]; then running_wrong="$running_wrong, $running_unit is ${unit_found:-missing}"; fi
    unit_value UnitFileState
    if [ "$unit_found" != enabled ]; then running_wrong="$running_wrong, $running_unit is ${unit_found:-missing}"; fi
  done
  if [ -n "$running_wrong" ]; then
    echo "${running_wrong#, }"
    return 1
  fi
}

# running_process: after running_units: fails with what is wrong with the process of docker.service.
running_process() {
  unit_pick docker.service
  unit_value MainPID
  if ! [ "/proc/$unit_found/exe" -ef "${DAEMON_COMMAND%% *}" ]; then
    running_program=$(readlink "/proc/$unit_found/exe" || true)
    echo "docker.service runs ${running_program:-no program}"
    return 1
  fi
  if process_runs "$unit_found" "$DAEMON_COMMAND" "PATH=$DAEMON_PATH" "SSL_CERT_DIR=$DAEMON_CA_DIRS"; then return 0; fi
  echo "$process_wrong"
  return 1
}

# running_member KEY: what docker info reports for a key, or how it failed. A list or a map is cut at its first comma.
running_member() {
  case $running_info in
    *"$1"*)
      running_rest=${running_info#*"$1"}
      echo "$1${running_rest%%,*}"
      ;;
    *) printf '%.200s\n' "$running_info" ;;
  esac
}

apply_daemon_running() {
  systemctl enable --quiet docker.socket docker.service
  if running_units >/dev/null && ! daemon_start_containers; then return 1; fi
  running_cost=$(daemon_cost "$(cat "$DAEMON_JSON")")
  if [ "$running_cost" = reload ] && running_units >/dev/null; then
    # A restart follows a reload that was not enough.
    if daemon_reload && check_daemon_running "$@" >/dev/null; then
      cp "$DAEMON_LOADED" "$DAEMON_JSON.good"
      return
    fi
  fi
  if [ "$running_cost" = none ] && running_units >/dev/null && check_daemon_running "$@" >/dev/null; then return; fi
  # Without live-restore, a restart for any other reason stops containers too.
  if [ "$running_cost" = none ] && daemon_lets_containers_go; then running_cost=containers-stop; fi
  if systemctl is-active --quiet docker.service; then daemon_has_space "$(daemon_text "$(daemon_value data-root <"$DAEMON_JSON")")"; fi
  # Save the file that the running daemon was started with, because a start overwrites the record of it.
  if systemctl is-active --quiet docker.service && [ -f "$DAEMON_LOADED" ]; then cp "$DAEMON_LOADED" "$DAEMON_JSON.good"; fi
  # Before the containers are recorded: those of tasks are not started again.
  drain_own_node || return 1
  running_before=$(daemon_containers)
  running_start=$(date +%s)
  if running_wrong=$(running_restarts "$@"); then
    cp "$DAEMON_LOADED" "$DAEMON_JSON.good"
    drain_return || return 1
    return
  fi
  # Its own words; what containers say with the log driver journald is of the same unit (systemd.journal-fields(7), _TRANSPORT).
  running_journal=$(journal_tail docker.service _TRANSPORT=stdout --since "@$running_start")
  echo "$running_wrong$(daemon_cause "$running_journal")"
  daemon_put_back "$running_before"
  drain_return || true
  echo "$running_journal"
  return 1
}

# running_restarts VERSION MEMBER...: restarts, waits for the containers, checks; prints what went wrong.
running_restarts() {
  if [ "$running_cost" = containers-stop ] && systemctl is-active --quiet docker.service; then
    daemon_stop_containers "$running_before" || return 1
  fi
  daemon_restart || return 1
  daemon_start_containers || return 1
  daemon_gate "$running_before" || return 1
  rules_after_start || return 1
  check_daemon_running "$@" || return 1
}
effect_daemon_running() {
  case " ${run_differ-} " in
    *" daemon.file "*)
      # The daemon cannot report what is not in its file yet; daemon.file reports the impact.
      echo none
      return
      ;;
  esac
  if [ ! -f "$DAEMON_JSON" ]; then
    # Nothing has been started from here yet, and daemon.file reports its own change.
    echo none
    return
  fi
  running_cost=$(daemon_cost "$(cat "$DAEMON_JSON")")
  if [ "$running_cost" != none ] || ! systemctl is-active --quiet docker.service; then
    echo "$running_cost"
  elif running_units >/dev/null && [ ! -f "$DAEMON_STOPPED" ]; then
    # The file is loaded, but docker info does not match it.
    if ! daemon_containers_run || daemon_keeps_containers; then echo restart; else echo containers-stop; fi
  else
    echo none
  fi
}
