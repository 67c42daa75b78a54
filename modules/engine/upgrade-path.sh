# Changes between engine versions: what is allowed, and what it costs. The reasons are in
# docs/decisions/0008-which-engine-may-follow-which.md.

# The version whose daemon was last ready on this host: a symlink that docker.service writes when it is ready.
ENGINE_RAN=$SEALIFT_STATE/engine-ran

# engine_from: sets from_version to the engine that last used the data of this host; empty if none has run.
engine_from() {
  from_version=$(readlink "$ENGINE_RAN" || true)
}

# upgrade_path FROM TO: sets jump to same, patch, up, skip, down or below-28.
upgrade_path() {
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

# guard_upgrade_path TO DATA_ROOT: refuses version changes across which upstream does not support keeping containers.
guard_upgrade_path() {
  engine_from
  if [ -z "$from_version" ]; then return 0; fi
  jump_containers=0
  for jump_one in "$2"/containers/*; do
    if [ -d "$jump_one" ]; then jump_containers=$((jump_containers + 1)); fi
  done
  guard_upgrade_path_of "$from_version" "$1" "$jump_containers"
}

# guard_upgrade_path_of FROM TO CONTAINERS: the same for data that engine FROM has written, with this number of containers.
guard_upgrade_path_of() {
  upgrade_path "$1" "$2"
  case $jump in
    below-28)
      refuse E_UPGRADE_PATH "downgrade from $1 to $2 is not supported: engines before 28 cannot work with the packet filter rules that 28 and later leave (release notes of 28.0)" \
        "stay on $1 or later, or reinstall the host"
      ;;
    skip)
      if [ "$3" -eq 0 ]; then return 0; fi
      refuse E_UPGRADE_PATH "upgrade from $1 to $2 skips major version $((jump_from_major + 1)), which is not supported while $3 containers exist (stopped ones included)" \
        "upgrade to version $((jump_from_major + 1)) first, or remove the containers (docker rm keeps images and volumes)"
      ;;
    down)
      if [ "$3" -eq 0 ]; then return 0; fi
      refuse E_UPGRADE_PATH "downgrade from $1 to $2 is not supported while $3 containers exist (stopped ones included)" \
        "stay on $1 or later, or remove the containers (docker rm keeps images and volumes)"
      ;;
  esac
}

# effect_of_version_change TO: the impact of the switch on running containers.
effect_of_version_change() {
  live_containers
  engine_from
  if [ -z "$live_ids" ]; then
    # No container runs; a running daemon is restarted anyway.
    if [ -n "$from_version" ]; then echo restart; else echo none; fi
    return
  fi
  upgrade_path "${from_version:-$1}" "$1"
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
