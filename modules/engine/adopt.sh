# Containers, volumes and images of a Docker that Sealift did not install: copied into data-root while no engine runs. The old data root stays
# as it is, for whoever has to go back. docs/guide/adopt-a-docker-host.md is the way that a person goes.
# shellcheck disable=SC2154 # core/engine-data.sh, jump.sh and processes.sh set what is read here

# Fact: what another engine has kept is in data-root.
# $1 its data root, $2 its version, $3 data-root, $4 the site's image store, $5 the engine that the site asks for
check_engine_adopted() {
  data_adopted "$3"
  if [ "$data_from" = "$1" ]; then return 0; fi
  data_look "$1" || true
  echo "not in $3 yet; $1 has $data_words"
  return 1
}

guard_engine_adopted() {
  adopt_place "$1" "$3" || return 1
  adopt_stopped "$1" || return 1
  data_look "$1" || true
  adopt_form "$1" "$4" || return 1
  guard_jump_of "$2" "$5" "$data_containers"
}

# One copy, compared, then two renames: what is cut off anywhere is begun anew, and neither data root is ever half of one.
apply_engine_adopted() {
  guard_engine_adopted "$@"
  adopt_room "$1" "$3"
  adopt_own_engine_stops
  adopt_part=$3.adopting
  if [ -e "$adopt_part" ]; then
    data_adopted "$adopt_part"
    if [ -z "$data_from" ]; then
      echo "$adopt_part is there, and no copy of Sealift's: see what it is, and move it away"
      return 1
    fi
    rm -rf "$adopt_part"
  fi
  install -d -o root -g root -m 0700 "$adopt_part"
  printf '%s %s\n' "$1" "$2" >"$adopt_part/$DATA_NOTE"
  # Not -a: with it cp goes on where an extended attribute cannot be kept, and overlay2 has its opaque folders in them (cp(1)).
  cp -dR --preserve=mode,ownership,timestamps,links,xattr "$1/." "$adopt_part/"
  printf '%s %s\n' "$1" "$2" >"$adopt_part/$DATA_NOTE"
  if [ "$(adopt_sum "$1")" != "$(adopt_sum "$adopt_part")" ]; then
    echo "the copy in $adopt_part is not what $1 holds: something has written there meanwhile"
    return 1
  fi
  sync -f "$adopt_part"
  if [ -d "$3" ] && ! rmdir "$3" 2>/dev/null; then mv -T "$3" "$3.before-adoption"; fi
  # The engine that counts as the one before: docs/decisions/0008.
  ln -sfn "$2" "$ENGINE_RAN.new"
  mv -T "$ENGINE_RAN.new" "$ENGINE_RAN"
  mv -T "$adopt_part" "$3"
  sync -f "$3"
}
effect_engine_adopted() {
  if [ -e /opt/docker/current ]; then echo restart; else echo none; fi
}

# adopt_place FROM ROOT: refuses what is no data root, and a place that holds something already.
adopt_place() {
  if [ ! -d "$1" ] || [ -L "$1" ]; then
    refuse_because E_DATA_ROOT "there is no folder $1" "correct engine.adopt.from in the site, or remove engine.adopt"
    return 1
  fi
  if ! data_look "$1"; then
    refuse_because E_DATA_ROOT "$1 holds no containers, volumes or images" "correct engine.adopt.from in the site, or remove engine.adopt"
    return 1
  fi
  if ! path_is_safe "$1"; then
    refuse_because E_DATA_ROOT "somebody else than root may put another folder in the place of $1: $path_wrong" \
      "see who may write there and why, then give it to root alone"
    return 1
  fi
  # The copy is made beside it: whoever may write there could lead root elsewhere.
  if ! path_is_safe "$2"; then
    refuse_because E_DATA_ROOT "somebody else than root may put another folder in the place of $2: $path_wrong" \
      "give the folder above it to root alone, or write another data-root into the site"
    return 1
  fi
  case $2/ in
    "$1"/*)
      refuse_because E_DATA_ROOT "data-root $2 is $1 or lies in it" "write another data-root into the site, or remove engine.adopt"
      return 1
      ;;
  esac
  case $1/ in
    "$2"/*)
      refuse_because E_DATA_ROOT "$1 lies in data-root $2" "move $1 elsewhere, and correct engine.adopt.from"
      return 1
      ;;
  esac
  if mount_look "$2"; then
    refuse_because E_DATA_ROOT "data-root $2 is a mount itself, and a copy cannot be put in its place in one step" \
      "write a folder below it into the site: data-root: $2/docker"
    return 1
  fi
  data_adopted "$2"
  if [ -n "$data_from" ]; then
    refuse_because E_DATA_ROOT "$2 has the data of $data_from already" "correct engine.adopt.from in the site, or remove engine.adopt"
    return 1
  fi
  # Images alone can be had again: they are set aside. Containers and volumes of two engines cannot be merged.
  data_look "$2" || true
  if [ "$data_containers$data_volumes" != 00 ]; then
    refuse_because E_DATA_ROOT "data-root $2 is in use ($data_words), and the data of two engines cannot be merged" \
      "keep one of the two: remove engine.adopt, or save what is in $2 and remove its containers and volumes with docker"
    return 1
  fi
  if [ -e "$2.before-adoption" ]; then
    refuse_because E_DATA_ROOT "$2.before-adoption is there, where what $2 holds now would be set aside" "look what it is, and move it away"
    return 1
  fi
}

# adopt_stopped FROM: refuses while anything of the other engine runs, or has something mounted.
adopt_stopped() {
  process_of dockerd containerd containerd-shim
  for adopt_pid in $process_pids; do
    adopt_program=$(readlink "$SEALIFT_ROOT/proc/$adopt_pid/exe" || true)
    case $adopt_program in
      "" | /opt/docker/*) continue ;;
    esac
    refuse_because E_FOREIGN_ENGINE "process $adopt_pid $adopt_program runs" \
      "stop the other engine: systemctl disable --now docker.socket docker.service containerd.service (with live-restore its containers run on: switch it off in its daemon.json and reload first)"
    return 1
  done
  adopt_mount=$(awk -v below="$1/" 'index($5, below) == 1 { print $5; exit }' /proc/self/mountinfo)
  if [ -n "$adopt_mount" ]; then
    refuse_because E_DATA_ROOT "$adopt_mount is mounted" "unmount it, or see which container of the other engine still runs"
    return 1
  fi
}

# adopt_form FROM STORE: refuses what another data root, or another image store, would not show.
adopt_form() {
  for adopt_one in "$1"/*.*/containers; do
    if [ -d "$adopt_one" ]; then
      refuse_because E_DATA_ROOT "${adopt_one%/containers} holds data of userns-remap, whose owners are numbers of that host" \
        "save it with docker save and tar, as the guide says of what cannot be kept"
      return 1
    fi
  done
  if [ -e "$1/swarm/docker-state.json" ]; then
    refuse_because E_DATA_ROOT "$1 is of a member of a swarm" "start the other engine once more and leave the swarm: docker swarm leave"
    return 1
  fi
  adopt_driver=
  for adopt_one in "$1"/image/*; do
    if [ -d "$adopt_one" ]; then adopt_driver="$adopt_driver ${adopt_one##*/}"; fi
  done
  case $adopt_driver in
    " overlay2")
      if [ "$2" != classic ] && [ "$data_images$data_containers" != 00 ]; then
        refuse_because E_IMAGE_STORE "$1 holds images or containers of the classic store, and the site asks for the $2 one" \
          "write storage-driver: overlay2 into daemon of the site"
        return 1
      fi
      ;;
    "")
      if [ "$data_containers" != 0 ]; then
        refuse_because E_IMAGE_STORE "the containers of $1 are of the containerd store, whose images lie elsewhere" \
          "save their images with docker save and make the containers anew, as the guide says of what cannot be kept"
        return 1
      fi
      ;;
    *)
      refuse_because E_IMAGE_STORE "$1 holds images of the storage driver$adopt_driver, and engines of the site have overlay2" \
        "save them with docker save and make the containers anew, as the guide says of what cannot be kept"
      return 1
      ;;
  esac
}

# adopt_room FROM ROOT: fails, before anything is written, where the copy would not fit with a tenth to spare.
adopt_room() {
  adopt_folder=${2%/*}
  mkdir -p "$adopt_folder"
  adopt_need=$(du -sxk "$1")
  adopt_need=$((${adopt_need%%[!0-9]*} * 11 / 10240 + 64))
  adopt_free=$(($(df --output=avail -B 1M "$adopt_folder" | tail -n 1)))
  # A copy that was cut off is removed first.
  if [ -f "$2.adopting/$DATA_NOTE" ]; then
    adopt_old=$(du -sxk "$2.adopting")
    adopt_free=$((adopt_free + ${adopt_old%%[!0-9]*} / 1024))
  fi
  if [ "$adopt_free" -lt "$adopt_need" ]; then
    echo "$1 needs $adopt_need MiB, and $adopt_folder has $adopt_free MiB free: let the volume grow, or remove images with the other engine (docker image prune)"
    return 1
  fi
}

# An engine of ours may run here already, with nothing in it: the phases after this one start it.
adopt_own_engine_stops() {
  for adopt_unit in docker.socket docker.service containerd.service; do
    if [ -e "/etc/systemd/system/$adopt_unit" ]; then timeout 120 systemctl stop "$adopt_unit"; fi
  done
  process_of dockerd containerd
  if [ -n "$process_pids" ]; then
    echo "an engine still runs after it was stopped: processes$process_pids"
    return 1
  fi
}

# adopt_sum ROOT: one line that is the same for equal trees: kinds, modes, owners, lengths and links of all that is in it.
adopt_sum() {
  (cd "$1" && find . -xdev ! -path "./$DATA_NOTE" \( -type d -printf '%y %m %U %G %p\0' -o -printf '%y %m %U %G %s %l %p\0' \) |
    LC_ALL=C sort -z | sha256sum)
}
