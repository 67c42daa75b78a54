# Containers after a switch of the engine: the daemon that runs then has to know them.
# shellcheck disable=SC2154 # running-containers.sh sets ENGINE_SWITCH and live_ids

# Fact: what ran before the last switch of the engine runs again, and the engine knows of every container that runs.
check_engine_containers() {
  if [ -f "$ENGINE_SWITCH" ]; then
    read -r containers_from containers_to <"$ENGINE_SWITCH"
    echo "not checked since the switch from $containers_from to $containers_to"
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
        echo "${containers_id%"${containers_id#????????????}"} no longer exists: it was removed when it stopped (docker run --rm)"
        continue
        ;;
    esac
    # One that runs already is not started twice.
    if ! timeout 120 "$SEALIFT_DOCKER" start "$containers_id" >/dev/null; then containers_failed="$containers_failed $containers_id"; fi
  done
  if [ -n "$containers_failed" ]; then
    echo "containers that ran before the switch do not start:$containers_failed"
    return 1
  fi
  containers_known=$(timeout 60 "$SEALIFT_DOCKER" ps -q --no-trunc)
  live_containers
  for containers_id in $live_ids; do
    case $containers_known in
      *"$containers_id"*) ;;
      *)
        read -r live_pid <"/run/containerd/io.containerd.runtime.v2.task/moby/$containers_id/init.pid" || true
        echo "container $containers_id still runs as process $live_pid, but the engine does not know it; end it with: kill $live_pid"
        return 1
        ;;
    esac
  done
  rm "$ENGINE_SWITCH"
}
