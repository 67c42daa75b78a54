# A switch of the engine while containers run: what ran before runs afterwards.

# While it exists, a switch has not been looked after: its first line is "from to", then the ids of what ran, one a line.
ENGINE_SWITCH=$SEALIFT_STATE/engine-switch

# prepare_switch TO: notes what runs, and stops it in order where no daemon would take it over (live-restore carries
# containers through patch versions only: docs.docker.com/engine/daemon/live-restore).
prepare_switch() {
  engine_from
  jump=
  engine_jump "${from_version:-$1}" "$1"
  live_containers
  if [ "$jump" = same ] || [ -z "$live_ids" ]; then return 0; fi
  {
    echo "$from_version $1"
    # What an interrupted switch has already stopped counts too.
    {
      if [ -f "$ENGINE_SWITCH" ]; then tail -n +2 "$ENGINE_SWITCH"; fi
      # shellcheck disable=SC2086 # one id a line
      printf '%s\n' $live_ids
    } | sort -u
  } >"$ENGINE_SWITCH.new"
  # What ran has to be known after a power cut, too.
  put_in_place "$ENGINE_SWITCH"
  if [ "$jump" != patch ]; then stop_containers; fi
}

# stop_containers: by the daemon that runs them, as at a shutdown of the host, so that restart policies keep their meaning.
stop_containers() {
  if ! systemctl is-active --quiet docker.service; then
    echo "containers run without their daemon: docker.service is $(systemctl is-active docker.service || true); start it first"
    return 1
  fi
  if live_restore_on; then
    # With live-restore a daemon leaves its containers alone; it reads this key anew on SIGHUP.
    cp -p /etc/docker/daemon.json /etc/docker/daemon.json.switch
    sed 's/"live-restore": true/"live-restore": false/' /etc/docker/daemon.json.switch >/etc/docker/daemon.json
    timeout 60 systemctl reload docker.service || true
    stop_seen=
    for stop_try in 1 2 3 4 5 6 7 8 9 10; do
      stop_seen=$(timeout 30 "$SEALIFT_DOCKER" info --format '{{.LiveRestoreEnabled}}' || true)
      if [ "$stop_seen" = false ]; then break; fi
      sleep "$stop_try"
    done
    mv /etc/docker/daemon.json.switch /etc/docker/daemon.json
    if [ "$stop_seen" != false ]; then
      timeout 60 systemctl reload docker.service || true
      echo "the daemon did not switch live-restore off, so that its containers cannot be stopped in order"
      return 1
    fi
  fi
  timeout 300 systemctl stop docker.socket docker.service
  live_containers
  if [ -n "$live_ids" ]; then
    systemctl start docker.socket docker.service
    echo "these containers did not stop within the daemon's shutdown-timeout, and the daemon runs again as it was:$live_ids"
    return 1
  fi
}

# Fact: what ran before the last switch of the engine runs again, and the engine knows of every container that runs.
check_engine_containers() {
  if [ -f "$ENGINE_SWITCH" ]; then
    read -r containers_from containers_to <"$ENGINE_SWITCH"
    echo "not looked after since the switch from $containers_from to $containers_to"
    return 1
  fi
}
apply_engine_containers() {
  containers_known=$(timeout 60 "$SEALIFT_DOCKER" ps -aq --no-trunc)
  containers_failed=
  for containers_id in $(tail -n +2 "$ENGINE_SWITCH"); do
    case $containers_known in
      *"$containers_id"*) ;;
      *)
        echo "${containers_id%"${containers_id#????????????}"} is gone: it was to be removed when it ended (docker run --rm)"
        continue
        ;;
    esac
    # One that runs already is not started twice.
    if ! timeout 120 "$SEALIFT_DOCKER" start "$containers_id" >/dev/null; then containers_failed="$containers_failed $containers_id"; fi
  done
  if [ -n "$containers_failed" ]; then
    echo "these ran before the switch and do not start:$containers_failed"
    return 1
  fi
  containers_known=$(timeout 60 "$SEALIFT_DOCKER" ps -q --no-trunc)
  live_containers
  for containers_id in $live_ids; do
    case $containers_known in
      *"$containers_id"*) ;;
      *)
        read -r live_pid <"/run/containerd/io.containerd.runtime.v2.task/moby/$containers_id/init.pid" || true
        echo "container $containers_id runs on as process $live_pid and the engine does not know of it; end it with: kill $live_pid"
        return 1
        ;;
    esac
  done
  rm "$ENGINE_SWITCH"
}
