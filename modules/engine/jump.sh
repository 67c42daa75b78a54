# From one version of the engine to another: what may be done, and what it costs. The reasons are in
# docs/decisions/0008-which-engine-may-follow-which.md.

# The version whose daemon was ready on this host last: a symlink that docker.service itself writes when it is.
ENGINE_RAN=$SEALIFT_STATE/engine-ran

# engine_from: sets from_version to the engine that has last kept the data of this host; empty when none has run.
engine_from() {
  from_version=$(readlink "$ENGINE_RAN" || true)
}

# engine_jump FROM TO: sets jump to same, patch, up, skip, down or below-28.
engine_jump() {
  jump_from_major=${1%%.*}
  jump_to_major=${2%%.*}
  jump_from_minor=${1#*.}
  jump_from_minor=${jump_from_minor%%.*}
  jump_to_minor=${2#*.}
  jump_to_minor=${jump_to_minor%%.*}
  if [ "$1" = "$2" ]; then
    jump=same
  elif [ "$jump_from_major.$jump_from_minor" = "$jump_to_major.$jump_to_minor" ]; then
    jump="patch"
  elif [ "$jump_to_major" -gt $((jump_from_major + 1)) ]; then
    jump=skip
  elif [ "$jump_to_major" -gt "$jump_from_major" ]; then
    jump=up
  elif [ "$jump_to_major" -eq "$jump_from_major" ] && [ "$jump_to_minor" -gt "$jump_from_minor" ]; then
    jump=up
  elif [ "$jump_from_major" -ge 28 ] && [ "$jump_to_major" -lt 28 ]; then
    jump=below-28
  else
    jump=down
  fi
}

# guard_jump TO DATA_ROOT: refuses what upstream does not carry containers through.
guard_jump() {
  engine_from
  if [ -z "$from_version" ]; then return 0; fi
  jump_containers=0
  for jump_one in "$2"/containers/*; do
    if [ -d "$jump_one" ]; then jump_containers=$((jump_containers + 1)); fi
  done
  guard_jump_of "$from_version" "$1" "$jump_containers"
}

# guard_jump_of FROM TO CONTAINERS: the same for data that engine FROM has written, with so many containers in it.
guard_jump_of() {
  engine_jump "$1" "$2"
  case $jump in
    below-28)
      refuse_because E_ENGINE_JUMP "engine $1 has run here, and $2 is older than 28: it cannot work with the packet filter rules that 28 and later leave (release notes of 28.0)" \
        "stay with $1 or a later one, or install the host anew"
      ;;
    skip)
      if [ "$3" -eq 0 ]; then return 0; fi
      refuse_because E_ENGINE_JUMP "engine $1 has run here with $3 containers, stopped ones counted, and $2 skips major version $((jump_from_major + 1))" \
        "switch to an engine of version $((jump_from_major + 1)) first, or remove the containers (docker rm: images and volumes stay)"
      ;;
    down)
      if [ "$3" -eq 0 ]; then return 0; fi
      refuse_because E_ENGINE_JUMP "engine $1 has run here with $3 containers, stopped ones counted, and $2 is older: it need not be able to read what $1 has written of them" \
        "stay with $1 or a later one, or remove the containers (docker rm: images and volumes stay)"
      ;;
  esac
}

# effect_of_jump TO: what the switch costs the containers that run now.
effect_of_jump() {
  live_containers
  engine_from
  if [ -z "$live_ids" ]; then
    # Nothing runs from containers; a daemon that runs is restarted all the same.
    if [ -n "$from_version" ]; then echo restart; else echo none; fi
    return
  fi
  engine_jump "${from_version:-$1}" "$1"
  case $jump in
    same | patch) if live_restore_on; then echo restart; else echo containers-stop; fi ;;
    *) echo containers-stop ;;
  esac
}

# live_restore_on: whether the daemon was started or reloaded with live-restore.
live_restore_on() {
  [ -f /run/sealift/daemon.json.loaded ] || return 1
  while IFS= read -r live_line; do
    case $live_line in *'"live-restore": true'*) return 0 ;; esac
  done </run/sealift/daemon.json.loaded
  return 1
}

# live_containers: sets live_ids to the containers whose processes run, as containerd's state has them: without a process.
live_containers() {
  live_ids=
  for live_dir in /run/containerd/io.containerd.runtime.v2.task/moby/*; do
    live_pid=
    if [ -f "$live_dir/init.pid" ]; then read -r live_pid <"$live_dir/init.pid" || true; fi
    if [ -n "$live_pid" ] && [ -d "/proc/$live_pid" ]; then live_ids="$live_ids ${live_dir##*/}"; fi
  done
}
