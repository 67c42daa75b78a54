# Running containers, and those that ran before the last switch of the engine.
# shellcheck disable=SC2034 # the phases engine and daemon read these

# Exists while containers have not been checked since a switch: its first line is "from to", then the ids of the containers that ran, one
# per line.
ENGINE_SWITCH=$SEALIFT_STATE/engine-switch

# live_containers: sets live_ids to the containers whose processes run, from containerd's state. Starts no process.
live_containers() {
  live_ids=
  for live_dir in /run/containerd/io.containerd.runtime.v2.task/moby/*; do
    live_pid=
    if [ -f "$live_dir/init.pid" ]; then read -r live_pid <"$live_dir/init.pid" || true; fi
    if [ -n "$live_pid" ] && [ -d "/proc/$live_pid" ]; then live_ids="$live_ids ${live_dir##*/}"; fi
  done
}
