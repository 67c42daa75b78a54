# Containers, volumes and images of a Docker that Sealift did not install, copied into data-root while no engine runs. The old data root stays
# unchanged, as a way back. Operators follow docs/guide/adopt-a-docker-host.md.
# shellcheck disable=SC2154 # core/engine-data.sh, upgrade-path.sh and processes.sh set what is read here

# Fact: the data of another engine has been adopted into data-root.
# $1 its data root, $2 its version, $3 data-root, $4 the site's image store, $5 the engine that the site asks for
check_engine_adopted() {
  data_adopted "$3"
  if [ "$data_from" = "$1" ]; then return 0; fi
  data_inspect "$1" || true
  echo "not in $3 yet; $1 has $data_words"
  return 1
}

guard_engine_adopted() {
  adopt_place "$1" "$3" || return 1
  adopt_stopped "$1" || return 1
  data_inspect "$1" || true
  adopt_form "$1" "$4" || return 1
  guard_upgrade_path_of "$2" "$5" "$data_containers"
}

# Copies, compares, then renames twice. A note in the copy records the progress, so that the next run restarts or completes an interrupted
# one, and neither data root is ever incomplete.
apply_engine_adopted() {
  guard_engine_adopted "$@"
  adopt_part=$3.adopting
  adopt_progress "$3"
  if [ -z "$adopt_whole" ]; then adopt_space "$1" "$3"; fi
  adopt_own_engine_stops
  if [ -z "$adopt_whole" ] || ! adopt_same "$1" "$adopt_part" "$adopt_began"; then adopt_copy "$1" "$2" "$3"; fi
  if [ -d "$3" ] && ! rmdir "$3" 2>/dev/null; then adopt_aside "$3"; fi
  # The next upgrade starts from this version: docs/decisions/0008.
  ln -sfn "$2" "$ENGINE_RAN.new"
  mv -T "$ENGINE_RAN.new" "$ENGINE_RAN"
  mv -T "$adopt_part" "$3"
  sync -f "$3"
}

# adopt_progress ROOT: sets adopt_whole when the copy beside ROOT has been compared and only the renames are left, adopt_began to the
# start of the copy in seconds since 1970, and adopt_set_aside when the old content of ROOT is moved aside for it.
adopt_progress() {
  adopt_whole=
  adopt_began=
  adopt_set_aside=
  if [ ! -f "$1.adopting/$DATA_NOTE" ]; then return 0; fi
  read -r _ _ adopt_began adopt_whole adopt_set_aside <"$1.adopting/$DATA_NOTE" || true
  case $adopt_began in "" | *[!0-9.]*) adopt_whole= ;; esac
  if [ "$adopt_whole" != whole ]; then
    adopt_whole=
    adopt_set_aside=
  fi
}

# adopt_copy FROM VERSION ROOT: copies to adopt_part and compares.
adopt_copy() {
  # An earlier run may have moved ROOT aside for a copy that is now outdated: move it back first.
  if [ -n "$adopt_set_aside" ] && [ -d "$3.before-adoption" ] && [ ! -e "$3" ]; then mv -T "$3.before-adoption" "$3"; fi
  if [ -e "$adopt_part" ]; then
    data_adopted "$adopt_part"
    if [ -z "$data_from" ]; then
      echo "$adopt_part exists but is not a copy that Sealift made: check its contents, then rename it"
      return 1
    fi
    rm -rf "$adopt_part"
  fi
  adopt_began=$(date +%s.%N)
  install -d -o root -g root -m 0700 "$adopt_part"
  adopt_note "$1" "$2" "$adopt_began"
  # Not -a: it ignores extended attributes that cannot be copied, and overlay2 marks opaque folders with them (cp(1)).
  cp -dR --preserve=mode,ownership,timestamps,links,xattr "$1/." "$adopt_part/"
  adopt_note "$1" "$2" "$adopt_began"
  if ! adopt_same "$1" "$adopt_part" "$adopt_began"; then
    echo "the copy in $adopt_part differs from $1: $adopt_wrong"
    return 1
  fi
  sync -f "$adopt_part"
  adopt_note "$1" "$2" "$adopt_began" whole
  sync -f "$adopt_part"
}

# adopt_note WORD...: records in the copy its source and its progress.
adopt_note() {
  echo "$*" >"$adopt_part/$DATA_NOTE.new"
  mv -T "$adopt_part/$DATA_NOTE.new" "$adopt_part/$DATA_NOTE"
}

# adopt_aside ROOT: moves the content of ROOT aside. If an earlier run has already done so, ROOT is an empty data root that an engine has created since.
adopt_aside() {
  if [ -n "$adopt_set_aside" ] && [ -e "$1.before-adoption" ]; then
    mv -T "$1" "$1.before-adoption.$(date +%s)"
    return
  fi
  read -r adopt_from adopt_version _ <"$adopt_part/$DATA_NOTE"
  adopt_note "$adopt_from" "$adopt_version" "$adopt_began" whole aside
  sync -f "$adopt_part"
  mv -T "$1" "$1.before-adoption"
}

# Up to this size in KiB, the content of all files is compared, which takes about a minute for 8 GiB at 300 MB/s; above it, only that of files
# up to 1 MiB. cp(1) itself fails when it cannot read or write.
ADOPT_COMPARED=16777216

# adopt_same FROM PART BEGAN: whether PART equals FROM and nothing in FROM has changed since BEGAN; sets adopt_wrong.
adopt_same() {
  adopt_wrong=$(find "$1" -xdev -newerct "@$3" -printf '%p changed during the copy' -quit)
  if [ -n "$adopt_wrong" ]; then return 1; fi
  adopt_wrong="a file is missing or differs in size, owner or mode"
  if [ "$(adopt_sum "$1")" != "$(adopt_sum "$2")" ]; then return 1; fi
  adopt_size=$(du -sxk "$1")
  adopt_most=-size\ -2049
  if [ "${adopt_size%%[!0-9]*}" -le "$ADOPT_COMPARED" ]; then adopt_most=; fi
  adopt_wrong="the content of a file differs"
  report_progress
  [ "$(adopt_bytes "$1")" = "$(adopt_bytes "$2")" ]
}

# adopt_bytes ROOT: one hash over the content of all files, except those that adopt_most excludes.
adopt_bytes() {
  # shellcheck disable=SC2086 # two words, or none
  (cd "$1" && find . -xdev -type f ! -path "./$DATA_NOTE" $adopt_most -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum | sha256sum)
}

effect_engine_adopted() {
  if [ -e /opt/docker/current ]; then echo restart; else echo none; fi
}

# adopt_place FROM ROOT: refuses FROM if it is not a data root, and ROOT if it already holds data.
adopt_place() {
  if [ ! -d "$1" ] || [ -L "$1" ]; then
    refuse E_DATA_ROOT "there is no folder $1" "correct engine.adopt.from in the site, or remove engine.adopt"
    return 1
  fi
  if ! data_inspect "$1"; then
    refuse E_DATA_ROOT "$1 holds no containers, volumes or images" "correct engine.adopt.from in the site, or remove engine.adopt"
    return 1
  fi
  if ! path_is_safe "$1"; then
    refuse E_DATA_ROOT "a user other than root can replace $1: $path_wrong" \
      "find out who can write there and why, then make root the owner and the only writer"
    return 1
  fi
  # The copy is made beside it: a user who can write there could redirect root.
  if ! path_is_safe "$2"; then
    refuse E_DATA_ROOT "a user other than root can replace $2: $path_wrong" \
      "make root the only writer of the folder above it, or set another data-root in the site"
    return 1
  fi
  case $2/ in
    "$1"/*)
      refuse E_DATA_ROOT "data-root $2 is $1 or is inside it" "set another data-root in the site, or remove engine.adopt"
      return 1
      ;;
  esac
  case $1/ in
    "$2"/*)
      refuse E_DATA_ROOT "$1 is inside data-root $2" "move $1 elsewhere, and correct engine.adopt.from"
      return 1
      ;;
  esac
  if mount_inspect "$2"; then
    refuse E_DATA_ROOT "data-root $2 is a mount point, so the copy cannot be renamed into its place" \
      "set a folder below it in the site: data-root: $2/docker"
    return 1
  fi
  data_adopted "$2"
  if [ -n "$data_from" ]; then
    refuse E_DATA_ROOT "$2 already holds the data of $data_from" "correct engine.adopt.from in the site, or remove engine.adopt"
    return 1
  fi
  # Images can be loaded again, so they are moved aside. Containers and volumes of two engines cannot be merged.
  data_inspect "$2" || true
  if [ "$data_containers$data_volumes" != 00 ]; then
    refuse E_DATA_ROOT "data-root $2 is in use ($data_words), and the data of two engines cannot be merged" \
      "keep one of the two: remove engine.adopt, or back up $2 and remove its containers and volumes with docker"
    return 1
  fi
  adopt_progress "$2"
  if [ -e "$2.before-adoption" ] && [ -z "$adopt_set_aside" ]; then
    refuse E_DATA_ROOT "$2.before-adoption already exists, and the present content of $2 would be moved there" "check its contents, then rename it"
    return 1
  fi
}

# adopt_stopped FROM: refuses while a process or a mount of the other engine is left.
adopt_stopped() {
  process_of dockerd containerd containerd-shim
  for adopt_pid in $process_pids; do
    adopt_program=$(readlink "$SEALIFT_ROOT/proc/$adopt_pid/exe" || true)
    case $adopt_program in
      "" | /opt/docker/*) continue ;;
    esac
    refuse E_UNMANAGED_ENGINE "process $adopt_pid $adopt_program runs" \
      "stop the other engine: systemctl disable --now docker.socket docker.service containerd.service (with live-restore its containers keep running: disable it in its daemon.json and reload first)"
    return 1
  done
  adopt_mount=$(awk -v below="$1/" 'index($5, below) == 1 { print $5; exit }' /proc/self/mountinfo)
  if [ -n "$adopt_mount" ]; then
    refuse E_DATA_ROOT "$adopt_mount is mounted" "unmount it, or stop the container of the other engine that uses it"
    return 1
  fi
}

# adopt_form FROM STORE: refuses data that would be hidden in another data root or image store.
adopt_form() {
  for adopt_one in "$1"/*.*/containers; do
    if [ -d "$adopt_one" ]; then
      refuse E_DATA_ROOT "${adopt_one%/containers} holds data of userns-remap, whose file owners are subordinate ids of that host" \
        "save it with docker save and tar, as the guide describes for data that cannot be kept"
      return 1
    fi
  done
  if [ -e "$1/swarm/docker-state.json" ]; then
    refuse E_DATA_ROOT "$1 belongs to a node of a swarm" "start the other engine again and leave the swarm: docker swarm leave"
    return 1
  fi
  adopt_driver=
  for adopt_one in "$1"/image/*; do
    if [ -d "$adopt_one" ]; then adopt_driver="$adopt_driver ${adopt_one##*/}"; fi
  done
  case $adopt_driver in
    " overlay2")
      if [ "$2" != classic ] && [ "$data_images$data_containers" != 00 ]; then
        refuse E_IMAGE_STORE "$1 holds images or containers of the classic store, but the site asks for the $2 store" \
          "set storage-driver: overlay2 under daemon in the site"
        return 1
      fi
      ;;
    "")
      if [ "$data_containers" != 0 ]; then
        refuse E_IMAGE_STORE "the containers of $1 use the containerd store, whose images are elsewhere" \
          "save their images with docker save and create the containers again, as the guide describes for data that cannot be kept"
        return 1
      fi
      ;;
    *)
      refuse E_IMAGE_STORE "$1 holds images of the storage driver$adopt_driver, but engines of the site use overlay2" \
        "save them with docker save and create the containers again, as the guide describes for data that cannot be kept"
      return 1
      ;;
  esac
}

# adopt_space FROM ROOT: fails before anything is written if the copy plus a tenth does not fit.
adopt_space() {
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
    echo "the copy of $1 needs $adopt_need MiB, but $adopt_folder has $adopt_free MiB free: enlarge the volume, or remove images with the other engine (docker image prune)"
    return 1
  fi
}

# Sealift's engine may already run here without data; later phases start it again.
adopt_own_engine_stops() {
  for adopt_unit in docker.socket docker.service containerd.service; do
    if [ -e "/etc/systemd/system/$adopt_unit" ]; then timeout 120 systemctl stop "$adopt_unit"; fi
  done
  process_of dockerd containerd
  if [ -n "$process_pids" ]; then
    echo "engine processes are still running after systemctl stop:$process_pids"
    return 1
  fi
}

# adopt_sum ROOT: one hash over the type, mode, owner, size and link target of everything in it.
adopt_sum() {
  (cd "$1" && find . -xdev ! -path "./$DATA_NOTE" \( -type d -printf '%y %m %U %G %p\0' -o -printf '%y %m %U %G %s %l %p\0' \) |
    LC_ALL=C sort -z | sha256sum)
}
