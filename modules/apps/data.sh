# Folders of a host in which services keep their state, in place of a volume of the engine.
# shellcheck disable=SC2154 # files.sh sets path_wrong

# Fact: the folder is there, on its mount, belongs to its owner, and only root can replace it; and the service has no state elsewhere that it
# would start without.
# $1 folder of the application, $2 its name, $3 service, $4 folder of its data, $5 mount that the folder is on, $6 owner UID:GID or nothing,
# $7 path in the container, $8 name of the volume that the folder takes the place of, or nothing
check_app_data() {
  if ! mount_inspect "$5"; then
    echo "nothing is mounted on $5"
    return 1
  fi
  if app_data_restoring "$2"; then
    echo "$restoring_wrong"
    return 1
  fi
  if ! path_is_safe "${4%/*}"; then
    echo "$path_wrong"
    return 1
  fi
  if app_data_elsewhere "$@"; then
    echo "$elsewhere_wrong"
    return 1
  fi
  if [ -n "$elsewhere_silent" ] && ! app_data_held "$4"; then
    echo "$elsewhere_silent"
    return 1
  fi
  if [ -L "$4" ]; then
    echo "$4 is a symbolic link"
    return 1
  fi
  if [ ! -d "$4" ]; then
    echo "absent"
    return 1
  fi
  data_owner=$(stat -c %u:%g "$4")
  if [ -z "$6" ] || [ "$data_owner" = "$6" ]; then return 0; fi
  echo "$4 belongs to $data_owner"
  return 1
}
guard_app_data() {
  if app_data_restoring "$2"; then
    refuse E_RESTORE "$restoring_wrong: its services could start on data that is not whole" \
      "end it on the host: /opt/sealift/backup/restore $2 --from $restoring_from --confirm $2, or --undo instead of --from $restoring_from"
  fi
  if ! mount_inspect "$5"; then return 0; fi
  if ! path_is_safe "${4%/*}"; then
    refuse E_APP_FOLDER "$path_wrong, and the data of $3 is below it" "find out who can write there and why, then restrict it to root"
  fi
  if [ -L "$4" ] || { [ -e "$4" ] && [ ! -d "$4" ]; }; then
    refuse E_APP_FOLDER "$4 is not a folder" "find out what it is, then move it aside"
  fi
  if app_data_elsewhere "$@"; then refuse E_DATA_MOVED "$elsewhere_wrong" "$elsewhere_remedy"; fi
}
apply_app_data() {
  guard_app_data "$@"
  if ! mount_inspect "$5"; then
    echo "nothing is mounted on $5"
    return 1
  fi
  # By now the engine runs. Whether there is data elsewhere has to be known before a service starts on an empty folder.
  if [ -n "$elsewhere_silent" ] && ! app_data_held "$4"; then
    echo "$elsewhere_silent"
    return 1
  fi
  if [ ! -d "$4" ]; then
    install -d -o root -g root -m 0755 "${4%/*}"
    # Others see no database files before its own program has set their rights.
    install -d -o root -g root -m 0700 "$4"
  fi
  if [ -n "$6" ]; then chown -h "$6" "$4"; fi
  on_disk "$4"
}

# app_data_restoring NAME: whether a restore of the application has begun and has not ended. Sets restoring_wrong and restoring_from.
app_data_restoring() {
  restoring_step=$(sed -n 's/^step=//p' "$SEALIFT_STATE/backup/$1/restore" 2>/dev/null) || return 1
  case $restoring_step in '' | done | undone) return 1 ;; esac
  restoring_from=$(sed -n 's/^snapshot=//p' "$SEALIFT_STATE/backup/$1/restore")
  restoring_wrong="a restore of $1 has begun and has not ended (step $restoring_step)"
}

# app_data_elsewhere ARG...: the arguments of the fact. Whether the service has its state elsewhere and would start without it: on a folder
# that is empty or absent, or on an older copy of what its container still writes. Sets elsewhere_wrong and elsewhere_remedy, and
# elsewhere_silent when the engine is there and does not say.
app_data_elsewhere() {
  elsewhere_to=$4
  elsewhere_seen=
  elsewhere_silent=
  if app_data_engine; then
    # A container may be gone between the two questions; what is known of the others counts.
    elsewhere_ids=$(timeout "$APP_ASK_SEC" "$SEALIFT_DOCKER" ps --all --quiet --no-trunc --filter "label=com.docker.compose.project=$2" \
      --filter "label=com.docker.compose.service=$3" --filter label=com.docker.compose.oneoff=False 2>/dev/null) ||
      elsewhere_silent="the engine does not answer, so that it is not known whether $3 has its data elsewhere"
    # shellcheck disable=SC2086 # ids
    if [ -n "$elsewhere_ids" ]; then elsewhere_seen=$(timeout "$APP_ASK_SEC" "$SEALIFT_DOCKER" inspect --type container --format "$APP_MOUNTS" $elsewhere_ids 2>/dev/null) || true; fi
  fi
  while read -r elsewhere_name elsewhere_running elsewhere_target elsewhere_from; do
    if [ "$elsewhere_target" != "${7%/}" ]; then continue; fi
    if [ "$elsewhere_from" = "$4" ]; then
      # A container that was never started has not written there.
      if [ -e "$4" ] || [ "$elsewhere_running" = created ]; then return 1; fi
      elsewhere_wrong="$4, with the data of $elsewhere_name, is gone"
      elsewhere_remedy="find out where it went, and bring it back or restore a backup; docker rm $elsewhere_name if the service may begin with an empty folder"
      return 0
    fi
    if ! app_data_held "$elsewhere_from"; then return 1; fi
    if ! app_data_held "$4"; then
      app_data_remedy "docker stop $elsewhere_name && "
      elsewhere_wrong="$elsewhere_name has its data in $elsewhere_from, and $4 is empty"
      return 0
    fi
    # Stopped, and copied since: the folder is taken as it is.
    if [ "$elsewhere_running" = exited ]; then return 1; fi
    elsewhere_wrong="$elsewhere_name is $elsewhere_running and writes to $elsewhere_from: the copy in $4 is older"
    elsewhere_remedy="as root: docker stop $elsewhere_name && mv -T $4 $4.old, then pulumi up, which says how to copy it"
    return 0
  done <<END
$elsewhere_seen
END
  if app_data_held "$4"; then return 1; fi
  # Without a container: the volume, or the folder of the last release.
  elsewhere_from=$(app_data_before "$1" | sed -n "s|^$3=||p" | head -n 1)
  if [ -z "$elsewhere_from" ] || [ "$elsewhere_from" = "$4" ]; then elsewhere_from=$(app_data_volume "$2" "$8"); fi
  if [ -z "$elsewhere_from" ] || ! app_data_held "$elsewhere_from"; then return 1; fi
  app_data_remedy
  elsewhere_wrong="$elsewhere_from has data of $3, and $4 is empty"
}
# Of each mount, for docker inspect: name of the container, its state, path in it, path on the host. Paths with blanks do not compare equal.
# shellcheck disable=SC2016
APP_MOUNTS='{{$name := slice .Name 1}}{{$state := .State.Status}}{{range .Mounts}}{{$name}} {{$state}} {{.Destination}} {{.Source}}{{println}}{{end}}'

# app_data_remedy [FIRST]: sets elsewhere_remedy to the commands that move the data from elsewhere_from to elsewhere_to. The copy gets its
# name when it is whole, and is never put on top of an earlier one.
app_data_remedy() {
  elsewhere_first=${1-}
  if [ ! -d "${elsewhere_to%/*}" ]; then elsewhere_first="${elsewhere_first}mkdir -p ${elsewhere_to%/*} && "; fi
  elsewhere_remedy="as root: ${elsewhere_first}mkdir $elsewhere_to.new && cp -aT $elsewhere_from $elsewhere_to.new && mv -T $elsewhere_to.new $elsewhere_to, then pulumi up"
}

# app_data_held FOLDER: whether there is anything in it.
app_data_held() {
  [ -n "$(find "$1/" -mindepth 1 -maxdepth 1 -print -quit 2>/dev/null)" ]
}

# app_data_engine: whether there is an engine to ask.
app_data_engine() { [ -S /run/docker.sock ] && [ -x "$SEALIFT_DOCKER" ]; }

# app_data_volume NAME VOLUME: prints where the engine has the volume of the application; nothing if it has none, or does not answer.
app_data_volume() {
  if [ -z "$2" ] || ! app_data_engine; then return 0; fi
  timeout "$APP_ASK_SEC" "$SEALIFT_DOCKER" volume ls --filter "label=com.docker.compose.project=$1" \
    --filter "label=com.docker.compose.volume=$2" --format '{{.Mountpoint}}' 2>/dev/null | head -n 1 || true
}

# app_data_before FOLDER: prints SERVICE=PATH of each service with data in the current release, one a line.
app_data_before() {
  grep -o '"io.sealift.data": "[^"]*"' "$1/current/sealift.override.yaml" 2>/dev/null | cut -d '"' -f 4 || true
}

# app_data_left FOLDER NAME RELEASE SERVICE...: whether none of these services has left its state in a folder. Otherwise prints where it is.
app_data_left() {
  left_before=$(app_data_before "$1")
  shift 3
  for left_service; do
    left_path=$(printf '%s\n' "$left_before" | sed -n "s|^$left_service=||p" | head -n 1)
    if [ -z "$left_path" ] || ! app_data_held "$left_path"; then continue; fi
    echo "the data of $left_service is in $left_path"
    return 1
  done
}
