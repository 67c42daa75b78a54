# Rehearsed restores: on a schedule, the newest backup of an application is restored into a scratch folder on the store, its services with
# data start there without any network but their own, the data is asked, and everything is removed again.
# shellcheck disable=SC2154 # files.sh and systemd.sh set file_wrong, path_wrong and unit_…

REHEARSAL_SCRIPT=/opt/sealift/backup/rehearse
REHEARSAL_CONFIGS=/etc/sealift/backup/rehearsals
REHEARSAL_STATE=/var/lib/sealift/backup/rehearsals
REHEARSAL_UNITS=/etc/systemd/system
# Longest time of one rehearsal in seconds.
REHEARSAL_MOST_SEC=86400

# Fact: script, configuration and units of a rehearsal are in place, as files and as loaded by systemd; nothing else changes the units. At boot
# one of them removes what an interrupted rehearsal has left.
# $1 its name, $2 daily, weekly or monthly, $3... lines of its configuration
check_rehearsal_job() {
  rehearsal_unit=sealift-rehearsal-$1
  rehearsal_name=$1
  rehearsal_every=$2
  shift 2
  file_inspect "$REHEARSAL_SCRIPT" "$REHEARSAL_CONFIGS/$rehearsal_name" "$REHEARSAL_UNITS/$rehearsal_unit.service" "$REHEARSAL_UNITS/$rehearsal_unit.timer" "$REHEARSAL_UNITS/sealift-clean-rehearsal-$rehearsal_name.service"
  if ! file_is "$REHEARSAL_SCRIPT" "$(rehearsal_script)" "root:root 755" ||
    ! file_is "$REHEARSAL_CONFIGS/$rehearsal_name" "$(rehearsal_config "$@")" "root:root 600" ||
    ! file_is "$REHEARSAL_UNITS/$rehearsal_unit.service" "$(rehearsal_service "$rehearsal_name")" ||
    ! file_is "$REHEARSAL_UNITS/sealift-clean-rehearsal-$rehearsal_name.service" "$(rehearsal_clean_unit "$rehearsal_name")" ||
    ! file_is "$REHEARSAL_UNITS/$rehearsal_unit.timer" "$(rehearsal_timer "$rehearsal_name" "$rehearsal_every")"; then
    echo "$file_wrong"
    return 1
  fi
  if ! path_is_safe "${REHEARSAL_SCRIPT%/*}"; then
    echo "$path_wrong"
    return 1
  fi
  unit_inspect "$UNIT_WHOLE" "$rehearsal_unit.service" "$rehearsal_unit.timer" "sealift-clean-rehearsal-$rehearsal_name.service"
  rehearsal_clean=sealift-clean-rehearsal-$rehearsal_name.service
  if ! unit_loaded "$rehearsal_clean" "" EnvironmentFiles= PassEnvironment= User= Group= RootDirectory= RootImage= ExecStartPre= \
    "ExecStart=!/bin/sh $REHEARSAL_SCRIPT --clean $rehearsal_name"; then
    echo "$unit_wrong"
    return 1
  fi
  unit_starts_at_boot "$rehearsal_clean" || return 1
  if ! unit_loaded "$rehearsal_unit.service" "" EnvironmentFiles= PassEnvironment= User= Group= RootDirectory= RootImage= ExecStartPre= \
    "ExecStart=!/bin/sh $REHEARSAL_SCRIPT $rehearsal_name" || ! unit_loaded "$rehearsal_unit.timer" "" "Triggers=$rehearsal_unit.service"; then
    echo "$unit_wrong"
    return 1
  fi
  unit_starts_at_boot "$rehearsal_unit.timer" || return 1
  unit_is_active "$rehearsal_unit.timer" || return 1
}
guard_rehearsal_job() {
  guard_programs E_REFUSED "${REHEARSAL_SCRIPT%/*/*}"
  refuse_unmanaged "sealift-rehearsal-$1.service" ""
  refuse_unmanaged "sealift-rehearsal-$1.timer" ""
  refuse_unmanaged "sealift-clean-rehearsal-$1.service" ""
}
apply_rehearsal_job() {
  guard_rehearsal_job "$@"
  rehearsal_unit=sealift-rehearsal-$1
  rehearsal_name=$1
  rehearsal_every=$2
  shift 2
  install -d -o root -g root -m 0755 "${REHEARSAL_SCRIPT%/*/*}" "${REHEARSAL_SCRIPT%/*}" "${REHEARSAL_CONFIGS%/*/*}" "${REHEARSAL_CONFIGS%/*}" "$REHEARSAL_CONFIGS"
  file_put "$REHEARSAL_SCRIPT" "$(rehearsal_script)" "root:root 755"
  file_put "$REHEARSAL_CONFIGS/$rehearsal_name" "$(rehearsal_config "$@")" "root:root 600"
  file_put "$REHEARSAL_UNITS/$rehearsal_unit.service" "$(rehearsal_service "$rehearsal_name")"
  file_put "$REHEARSAL_UNITS/sealift-clean-rehearsal-$rehearsal_name.service" "$(rehearsal_clean_unit "$rehearsal_name")"
  file_put "$REHEARSAL_UNITS/$rehearsal_unit.timer" "$(rehearsal_timer "$rehearsal_name" "$rehearsal_every")"
  systemctl daemon-reload
  systemctl reenable --quiet "$rehearsal_unit.timer" "sealift-clean-rehearsal-$rehearsal_name.service"
  timeout 60 systemctl restart "$rehearsal_unit.timer"
}

# Fact: a restore has been rehearsed with success lately. While there is no backup yet, or after a failure that is newer, it warns.
# $1 name of the rehearsal, $2 most age in seconds, $3 folder of the repository
check_rehearsal_recent() {
  recent_last=$REHEARSAL_STATE/$1
  recent_result=$(rehearsal_word "$recent_last" result)
  recent_good=$(rehearsal_word "$recent_last.good" time)
  recent_age=
  case $recent_good in
    '' | *[!0-9]*) ;;
    *) recent_age=$(($(date +%s) - recent_good)) ;;
  esac
  if [ -n "$recent_age" ] && [ "$recent_age" -ge -3600 ] && [ "$recent_age" -le "$2" ]; then
    if [ "$recent_result" != failed ]; then return 0; fi
    warn E_RESTORE "the last rehearsal of $1 failed: $(rehearsal_answer "$recent_last")" "see journalctl -u sealift-rehearsal-$1, then run systemctl start sealift-rehearsal-$1.service"
    return
  fi
  if [ "$recent_result" = none ] || [ -z "$(find "$3/snapshots" -type f -print -quit 2>/dev/null)" ]; then
    warn E_RESTORE "no restore of $1 has been rehearsed: there is no backup of it yet" "wait for the first backup; then the timer rehearses it, or systemctl start sealift-rehearsal-$1.service"
    return
  fi
  if [ -z "$recent_age" ]; then
    echo "absent: no restore of $1 has been rehearsed with success"
  else
    echo "the last rehearsal of $1 with success is $((recent_age / 3600)) hours old"
  fi
  return 1
}
apply_rehearsal_recent() {
  if timeout "$REHEARSAL_MOST_SEC" systemctl start "sealift-rehearsal-$1.service"; then return 0; fi
  finding_with_remedy E_RESTORE "the rehearsal of $1 failed: $(rehearsal_answer "$REHEARSAL_STATE/$1")" "correct what it names, or run systemctl start sealift-rehearsal-$1.service to see more in its journal"
  return 1
}

# Fact: always holds; the value has words with a blank between them, and at the end the answer of the data:
#   result=good|failed|none time=SECONDS seconds=SECONDS of=HOST snapshot=ID backup=SECONDS release=RELEASE bytes=BYTES
#   image=same|other|unknown good=SECONDS answer=TEXT
# `good` is the time of the last one with success. Without a rehearsal there is no value.
# $1 name of the rehearsal
check_rehearsal_status() { :; }
apply_rehearsal_status() { :; }
value_rehearsal_status() {
  status_last=$REHEARSAL_STATE/$1
  if [ ! -f "$status_last" ]; then return 1; fi
  status_words=
  for status_key in result time seconds of snapshot backup release bytes image; do
    status_words="$status_words$status_key=$(rehearsal_word "$status_last" "$status_key") "
  done
  echo "${status_words}good=$(rehearsal_word "$status_last.good" time) answer=$(rehearsal_answer "$status_last")"
}

# rehearsal_word FILE KEY: prints the value of a key in the record of a rehearsal; nothing if it is not one word.
rehearsal_word() { sed -n "s/^$2=\([A-Za-z0-9._+-]*\)$/\1/p" "$1" 2>/dev/null | head -n 1; }

# rehearsal_answer FILE: prints what the data has answered, or what went wrong, in one line of printable characters.
rehearsal_answer() { sed -n 's/^answer=//p' "$1" 2>/dev/null | head -n 1 | tr -cd '[:print:]' | head -c 600; }

# rehearsal_config LINE...: prints the configuration.
rehearsal_config() { printf '%s\n' "# Made by Sealift." "docker=$SEALIFT_DOCKER" "$@"; }

# rehearsal_clean_unit NAME: prints the unit that removes what a rehearsal has left whose last command was killed as well, and at boot what one
# has left that a power cut ended.
rehearsal_clean_unit() {
  cat <<END
# Made by Sealift.
[Unit]
Description=Removes what a rehearsed restore of $1 has left
After=docker.service

[Service]
Type=oneshot
ExecStart=/bin/sh $REHEARSAL_SCRIPT --clean $1
TimeoutStartSec=900

[Install]
WantedBy=multi-user.target
END
}

# rehearsal_service NAME: prints the unit. Whatever ends the script, what it has made is removed.
rehearsal_service() {
  cat <<END
# Made by Sealift.
[Unit]
Description=Rehearsed restore of $1
After=docker.service sealift-secrets.service
OnFailure=sealift-clean-rehearsal-$1.service

[Service]
Type=oneshot
Environment=HOME=/root
ExecStart=/bin/sh $REHEARSAL_SCRIPT $1
ExecStopPost=/bin/sh $REHEARSAL_SCRIPT --clean $1
TimeoutStartSec=$REHEARSAL_MOST_SEC
TimeoutStopSec=600
UMask=0077
Nice=10
CPUWeight=20
IOWeight=20
LimitCORE=0
LockPersonality=yes
NoNewPrivileges=yes
PrivateTmp=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectSystem=full
RestrictAddressFamilies=AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
SystemCallArchitectures=native
END
}

# rehearsal_timer NAME INTERVAL: prints the timer. The stores of a site do not all begin at once, and one that was off makes up for it.
rehearsal_timer() {
  cat <<END
# Made by Sealift.
[Unit]
Description=Rehearses a restore of $1 $2

[Timer]
OnCalendar=$2
RandomizedDelaySec=4h
Persistent=true

[Install]
WantedBy=timers.target
END
}

# rehearsal_script: prints the script, which works without Sealift.
rehearsal_script() {
  cat <<'END'
#!/bin/sh
# Made by Sealift. Rehearses the restore of an application on the store of its backups:
#   rehearse NAME           restores the newest good backup into a scratch folder, asks the data, and removes everything
#   rehearse --clean NAME   removes what a rehearsal has left
# It reads the repository from the disk and changes nothing in it. The result is in /var/lib/sealift/backup/rehearsals/NAME.
set -eu
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
umask 077

END
  backup_reading_lines
  cat <<'END'

# Removes containers, networks, volumes and the scratch folder. Only names of this rehearsal.
rehearse_clean() {
  # The engine refuses to remove a container that it is just starting, and may be about to write into its folder.
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    ids=$("$docker" ps --all --quiet --filter "label=com.docker.compose.project=$project" 2>/dev/null || true)
    # shellcheck disable=SC2086 # ids
    if [ -n "$ids" ]; then timeout 300 "$docker" rm --force --volumes $ids >/dev/null 2>&1 || true; fi
    for kind in network volume; do
      left=$("$docker" "$kind" ls --quiet --filter "label=com.docker.compose.project=$project" 2>/dev/null || true)
      # shellcheck disable=SC2086 # ids
      if [ -n "$left" ]; then timeout 60 "$docker" "$kind" rm $left >/dev/null 2>&1 || true; fi
    done
    ids=$("$docker" ps --all --quiet --filter "label=com.docker.compose.project=$project" 2>/dev/null || true)
    if rm -rf --one-file-system "$scratch" && [ -z "$ids" ] && [ ! -e "$scratch" ]; then return; fi
    sleep 1
  done
}

# Docker Compose on the release of the site, changed so that nothing of it is reachable or starts by itself.
rehearse_compose() {
  release_folder=$folder/current
  files_folder=$release_folder/project
  set -- --env-file "$release_folder/values.env" -f "$files_folder/$(cat "$release_folder/compose-file")" -f "$release_folder/sealift.override.yaml" -f "$scratch/rehearsal.yaml" "$@"
  if [ -f "$files_folder/.env" ]; then set -- --env-file "$files_folder/.env" "$@"; fi
  env -i PATH="$PATH" HOME=/root "$docker" compose --ansi never --progress plain -p "$project" --project-directory "$files_folder" "$@"
}
rehearse_override() {
  echo 'services:'
  for service in $services; do
    echo "  $service:"
    printf '    %s\n' 'container_name: !reset null' 'ports: !reset []' 'depends_on: !reset {}' 'network_mode: !reset null' 'networks: !override [rehearsal]' \
      'external_links: !reset []' 'links: !reset []' 'restart: "no"' "labels: !override { io.sealift.rehearsal: $app }"
  done
  echo 'networks: { rehearsal: { internal: true } }'
}

# rehearse_end RESULT ANSWER: writes the record.
rehearse_end() {
  install -d -m 0700 /var/lib/sealift/backup "$state"
  printf '%s\n' "result=$1" "time=$(date +%s)" "seconds=$(($(date +%s) - began))" "of=$host" "snapshot=${id-}" "backup=${time-}" "release=${release-}" "bytes=${bytes-}" \
    "image=${image:-unknown}" "answer=$(reading_printable "$2" | reading_redacted)" >"$state/$name.new"
  sync "$state/$name.new"
  if [ "$1" = good ]; then cp "$state/$name.new" "$state/$name.good.new" && sync "$state/$name.good.new" && mv -T "$state/$name.good.new" "$state/$name.good"; fi
  mv -T "$state/$name.new" "$state/$name"
  sync "$state"
  reading_say "$1: $(sed -n 's/^answer=//p' "$state/$name")"
}
rehearse_failed() {
  rehearse_end failed "$1"
  exit 1
}

rehearse() {
  began=$(date +%s)
  image=
  if [ -n "$(sed -n 's/^unsafe //p' "$config")" ]; then rehearse_failed "not rehearsed: $(sed -n 's/^unsafe //p' "$config" | paste -s -d , -)"; fi
  if [ ! -r "$RESTIC_PASSWORD_FILE" ]; then rehearse_failed "no password of the repository in $RESTIC_PASSWORD_FILE: see sealift-secrets.service"; fi
  if [ ! -d "$RESTIC_REPOSITORY" ]; then
    rehearse_end none "there is no repository of $host yet"
    return
  fi
  all=$(reading_good_backups "") || rehearse_failed "the repository cannot be read: $(tail -n 3 "$errors" | reading_printable_lines)"
  if [ -z "$all" ]; then
    rehearse_end none "there is no good backup of $app on $host yet"
    return
  fi
  read -r time id _ release bytes <<CHOSEN
$(printf '%s\n' "$all" | tail -n 1)
CHOSEN
  space=$(df -P -B 1 "${scratch%/*/*}" | awk 'NR == 2 { print $4 }')
  if [ "$space" -lt $((bytes + bytes / 20)) ]; then rehearse_failed "$space bytes free below ${scratch%/*/*}, and the backup has $bytes: make room, or extend the volume"; fi
  reading_held "$id" || rehearse_failed "the backup $id cannot be read: $(tail -n 3 "$errors" | reading_printable_lines)"
  missing=$(reading_missing)
  if [ -n "$missing" ]; then rehearse_failed "the backup $id has neither files nor a dump of $(printf '%s\n' "$missing" | paste -s -d ' ' -)"; fi
  install -d -m 0700 "${scratch%/*}" "$scratch"
  install -d -m 0755 "$scratch/data"
  # Users in containers reach their own folder, and nobody else gets this far.
  chmod 0711 "${scratch%/*}" "$scratch"
  chosen=
  for service in $services; do
    new=$(reading_config_line data "$service" | cut -d ' ' -f 1)
    owner=$(reading_config_line data "$service" | cut -d ' ' -f 2)
    if printf '%s\n' "$files" | grep -q -x -F "$service"; then
      if ! "$restic" restore --no-lock "$id:/data/$service" --target "$new" >"$errors" 2>&1; then rehearse_failed "the files of $service are not whole: $(grep -v '^restoring' "$errors" | head -n 3 | reading_printable_lines)"; fi
      if ! reading_top "$id" "$service" "$new"; then rehearse_failed "the backup does not say whose /data/$service is"; fi
      chosen="$chosen $service=files"
    elif printf '%s\n' "$dumps" | grep -q -x -F "$service"; then
      install -d -m 0700 "$new"
      if [ "$owner" != - ]; then chown "$owner" "$new"; fi
      if ! "$restic" dump --no-lock "$id" "/dump/$service" >"$scratch/dump.$service" 2>"$errors"; then rehearse_failed "the dump of $service is not whole: $(head -n 3 "$errors" | reading_printable_lines)"; fi
      if [ "$(reading_engine_of "$service")" = redis ]; then
        reading_place_redis "$scratch/dump.$service" "$new"
      fi
      chosen="$chosen $service=dump"
    fi
  done
  rehearse_override >"$scratch/rehearsal.yaml"
  answers=
  image=
  for one in $chosen; do
    service=${one%=*}
    if ! rehearse_compose up --detach --no-deps --no-build --pull never --wait --wait-timeout "$seconds" "$service" >"$errors" 2>&1 </dev/null; then
      rehearse_failed "$service did not start with the restored data: $(tail -n 3 "$errors" | reading_printable_lines)$(rehearse_log)"
    fi
    container=$("$docker" ps --quiet --no-trunc --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.service=$service" | head -n 1)
    if [ -z "$container" ]; then rehearse_failed "$service does not run with the restored data$(rehearse_log)"; fi
    case $one in
      *=dump)
        if [ -f "$scratch/dump.$service" ]; then
          if ! reading_can_load "$service"; then rehearse_failed "the dump of $service was made by a command of the site, which has no load: for it"; fi
          if ! reading_load_dump "$container" "$service" "$(reading_engine_of "$service")" "$scratch/dump.$service"; then rehearse_failed "the dump of $service was not loaded: $wrong"; fi
        elif ! reading_await_redis "$container" "$service" "$(reading_config_line data "$service" | cut -d ' ' -f 1)"; then
          rehearse_failed "$service with the restored data: $wrong"
        fi
        ;;
    esac
    if ! reading_check_data "$container" "$service"; then rehearse_failed "the check of $service failed: $wrong"; fi
    answers="$answers${answers:+; }$service: ${answer:-runs}"
    rehearse_image
  done
  rehearse_end good "$answers"
}
# rehearse_image: compares the image with the one that ran when the backup was made.
rehearse_image() {
  image_then=$("$restic" cat --no-lock snapshot "$id" 2>/dev/null | tr ',' '\n' | sed -n "s/.*\"image\.$service=\(sha256:[0-9a-f]*\)\".*/\1/p" | head -n 1)
  if [ "$image" = other ]; then return; fi
  if [ -z "$image_then" ]; then
    image=unknown
  elif [ "$image_then" != "$("$docker" inspect --format '{{.Image}}' "$container")" ]; then
    image=other
  elif [ -z "$image" ]; then
    image=same
  fi
}
# rehearse_log: prints the end of what the service has said.
rehearse_log() {
  log_of=$("$docker" ps --all --quiet --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.service=$service" 2>/dev/null | head -n 1)
  if [ -n "$log_of" ]; then printf '; its log: %s' "$("$docker" logs --tail 3 "$log_of" 2>&1 | reading_printable_lines)"; fi
}

clean=no
if [ "${1-}" = --clean ]; then
  clean=yes
  shift
fi
name=${1-}
case $name in
  '' | .* | -* | *[!A-Za-z0-9_.-]*) reading_fail "rehearsal $(reading_printable "$name")" "the name of a rehearsal" "see /etc/sealift/backup/rehearsals" ;;
esac
config=/etc/sealift/backup/rehearsals/$name
if [ ! -f "$config" ]; then reading_fail "no rehearsal $name" "one of /etc/sealift/backup/rehearsals" "correct the name"; fi
reading_config
app=$(reading_config_value app)
scratch=$(reading_config_value scratch)
project=sealift-rehearsal-$app
state=/var/lib/sealift/backup/rehearsals
# One rehearsal of an application at a time: the scratch folder is the same.
install -d -m 0755 /run/sealift
exec 9<>"/run/sealift/rehearsal-$app.lock"
if [ "$clean" = yes ]; then
  # What was killed may still hold the lock for a moment.
  if flock -w 60 9; then rehearse_clean; fi
  exit 0
fi
if ! flock -w 7200 9; then reading_fail "another rehearsal of $app" "one at a time" "wait for it"; fi
errors=$(mktemp)
trap 'rehearse_clean; rm -f "$errors" "$errors".*' EXIT
trap 'exit 1' HUP INT TERM
rehearse_clean
rehearse
END
}
