# A switch of the engine version while containers run: those that ran before run afterwards.

# prepare_switch TO: records the running containers, and stops them in order where the new daemon would not adopt them
# (live-restore works across patch versions only: docs.docker.com/engine/daemon/live-restore).
prepare_switch() {
  drain_own_node || return 1
  engine_from
  jump=
  upgrade_path "${from_version:-$1}" "$1"
  live_containers
  if [ "$jump" = same ] || [ -z "$live_ids" ]; then return 0; fi
  {
    echo "$from_version $1"
    # Include the containers that an interrupted switch has already stopped.
    {
      if [ -f "$ENGINE_SWITCH" ]; then tail -n +2 "$ENGINE_SWITCH"; fi
      # shellcheck disable=SC2086 # one id a line
      printf '%s\n' $live_ids
    } | sort -u
  } >"$ENGINE_SWITCH.new"
  # The record must survive a power cut.
  put_in_place "$ENGINE_SWITCH"
  if [ "$jump" != patch ]; then stop_containers; fi
}

# stop_containers: stops the daemon that runs them, as at a shutdown of the host, so that restart policies still apply.
stop_containers() {
  if ! systemctl is-active --quiet docker.service; then
    echo "containers run without their daemon: docker.service is $(systemctl is-active docker.service || true); start it first"
    return 1
  fi
  if live_restore_on; then
    # With live-restore a stopping daemon leaves its containers running; it reads this key again on SIGHUP.
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
      echo "the daemon did not disable live-restore, so its containers cannot be stopped in order"
      return 1
    fi
  fi
  autolock_hold
  timeout 300 systemctl stop docker.socket docker.service
  live_containers
  if [ -n "$live_ids" ]; then
    systemctl start docker.socket docker.service
    autolock_release
    echo "containers did not stop within shutdown-timeout, so the daemon was started again unchanged; still running:$live_ids"
    return 1
  fi
}
