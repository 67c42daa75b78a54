# The script that puts the data of an application back from a backup. Present data is moved aside, never deleted. It works without Sealift.
# shellcheck disable=SC2154 # files.sh sets file_wrong

RESTORE_SCRIPT=/opt/sealift/backup/restore
# What the script has to know of each application, one file each.
RESTORE_CONFIGS=/etc/sealift/backup/restores

# Fact: the script is on the host, and only root can change it.
check_backup_restore_script() { root_script_is "$RESTORE_SCRIPT" "$(restore_script)"; }
guard_backup_restore_script() { guard_programs E_REFUSED "${RESTORE_SCRIPT%/*/*}"; }
apply_backup_restore_script() {
  guard_backup_restore_script
  root_script_put "$RESTORE_SCRIPT" "$(restore_script)"
}

# Fact: the script knows where the backups of the application are, and what belongs to it.
# $1 application, $2... lines of its file
check_backup_restore_config() {
  restore_file=$RESTORE_CONFIGS/$1
  shift
  file_inspect "$restore_file"
  if file_is "$restore_file" "$(restore_config "$@")" "root:root 600"; then return 0; fi
  echo "$file_wrong"
  return 1
}
apply_backup_restore_config() {
  restore_file=$RESTORE_CONFIGS/$1
  shift
  install -d -o root -g root -m 0755 "${RESTORE_CONFIGS%/*/*}" "${RESTORE_CONFIGS%/*}" "$RESTORE_CONFIGS"
  file_put "$restore_file" "$(restore_config "$@")" "root:root 600"
}

# restore_config LINE...: prints the file of an application.
restore_config() { printf '%s\n' "# Made by Sealift." "docker=$SEALIFT_DOCKER" "$@"; }

# restore_script: prints the script, which works without Sealift.
restore_script() {
  cat <<'END'
#!/bin/sh
# Made by Sealift. Puts the data of an application back from a backup, with restic and docker alone:
#   restore --list APP [--from TIME] [--json]
#   restore APP --from TIME|latest|SNAPSHOT [--dump SERVICE] --confirm APP
#   restore APP --undo --confirm APP
# Present data is renamed, never deleted. Every step is recorded in /var/lib/sealift/backup/APP/restore and can be done again: after an
# interruption, the same command goes on where it stopped, and --undo puts back what was there before.
set -eu
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
umask 077
self=/opt/sealift/backup/restore

END
  backup_reading_lines
  web_status_lines
  postgresql_majors_lines
  cat <<'END'

# Reads the file of the application, and sets restic's environment. A password is in no argument.
restore_read_config() {
  case $app in
    '' | .* | -* | *[!A-Za-z0-9_.-]*) reading_fail "application $(reading_printable "$app")" "the name of an application" "name one of: $(restore_known_apps)" ;;
  esac
  config=/etc/sealift/backup/restores/$app
  if [ ! -f "$config" ]; then
    reading_fail "no application $app with backups on this host" "one of: $(restore_known_apps)" "correct the name, or run this on the host of the application"
  fi
  reading_config
  RESTIC_CACERT=$(reading_config_value certificate)
  if [ ! -r "$RESTIC_PASSWORD_FILE" ]; then
    reading_fail "no password of the repository in $RESTIC_PASSWORD_FILE" "the password, decrypted by sealift-secrets.service" "run systemctl restart sealift-secrets.service, and read its log if it fails"
  fi
  RESTIC_REST_USERNAME=$host
  RESTIC_REST_PASSWORD=$(printf 'sealift backup login\n%s\n%s\n' "$host" "$(cat "$RESTIC_PASSWORD_FILE")" | sha256sum | cut -c 1-64)
  export RESTIC_CACERT RESTIC_REST_USERNAME RESTIC_REST_PASSWORD
  state=/var/lib/sealift/backup/$app
  record=$state/restore
  unit=sealift-restore-$app.service
  # What stops and starts: the unit of the application, or the units of the registry; - for nothing.
  own=$(reading_config_value units)
  units=${own:-sealift-app-$app.service}
  install -d -m 0700 /var/lib/sealift "$state"
}
restore_known_apps() { ls /etc/sealift/backup/restores 2>/dev/null | paste -s -d ' ' -; }
restore_path_of() { reading_config_line data "$1" | cut -d ' ' -f 1; }
restore_owner_of() { reading_config_line data "$1" | cut -d ' ' -f 2; }

# restore_note KEY VALUE: writes it into the record, to disk. restore_noted KEY: prints it.
restore_note() {
  { awk -v key="$1=" 'index($0, key) != 1' "$record" 2>/dev/null || true; echo "$1=$2"; } >"$record.new"
  sync "$record.new"
  mv -T "$record.new" "$record"
  sync "$state"
}
restore_noted() { awk -v key="$1=" 'index($0, key) == 1 { print substr($0, length(key) + 1) }' "$record" 2>/dev/null || true; }

# Docker Compose on the current release.
restore_compose() {
  release_folder=$folder/releases/$(restore_current)
  project=$release_folder/project
  set -- --env-file "$release_folder/values.env" -f "$project/$(cat "$release_folder/compose-file")" -f "$release_folder/sealift.override.yaml" "$@"
  if [ -f "$project/.env" ]; then set -- --env-file "$project/.env" "$@"; fi
  env -i PATH="$PATH" HOME=/root "$docker" compose --ansi never --progress plain -p "$app" --project-directory "$project" "$@"
}
restore_current() {
  target=$(readlink "$folder/current" || true)
  echo "${target##*/}"
}
restore_containers() {
  if [ -n "$own" ]; then restore_running; else "$docker" ps --quiet --filter "label=com.docker.compose.project=$app" "$@"; fi
}

# Running services of the application, and the data of this backup.
restore_running() {
  if [ -z "$own" ]; then
    "$docker" ps --filter "label=com.docker.compose.project=$app" --format '{{.Label "com.docker.compose.service"}}' 2>/dev/null | sort -u
    return
  fi
  if [ "$own" = - ]; then return; fi
  for running in $own; do if systemctl is-active --quiet "$running"; then echo "${running%.service}"; fi; done
}
# restore_units VERB: does this with the units.
restore_units() {
  verb=$1
  if [ "$units" = - ]; then return; fi
  # shellcheck disable=SC2086 # names of units
  set -- $units
  systemctl --quiet "$verb" "$@"
}
# restore_said: prints the last that the units have said, on one line.
restore_said() {
  # shellcheck disable=SC2086 # names of units
  set -- $units
  for said; do
    shift
    set -- "$@" --unit "$said"
  done
  journalctl --quiet --no-pager -o cat -n 5 "$@" | reading_printable_lines
}

restore_list() {
  begun=$(head -n 1 "$state/begun" 2>/dev/null || true)
  if [ -n "$from" ]; then
    restore_choose "$from"
    echo "$time $id $run $release $bytes" >"$errors.list"
  else
    reading_good_backups "$begun" >"$errors.list" || restore_unreadable
  fi
  if [ "$json" = yes ]; then
    printf '{"app":"%s","host":"%s","current":"%s","running":[%s],"unfinished":%s,"backups":[' "$app" "$host" "$(restore_current)" "$(restore_running | restore_quoted)" "$(restore_unfinished_json)"
    separator=
    while read -r time id run release bytes; do
      reading_held "$id" || restore_unreadable
      printf '%s{"time":%s,"snapshot":"%s","run":"%s","release":"%s","bytes":%s,"files":[%s],"dumps":[%s]}' "$separator" "$time" "$id" "$run" "$release" "$bytes" \
        "$(printf '%s\n' "$files" | restore_quoted)" "$(printf '%s\n' "$dumps" | restore_quoted)"
      separator=,
    done <"$errors.list"
    echo ']}'
  else
    {
      echo "TIME SNAPSHOT RELEASE BYTES HOLDS"
      while read -r time id run release bytes; do
        reading_held "$id" || restore_unreadable
        echo "$(date -u -d "@$time" +%Y-%m-%dT%H:%M:%SZ) $(printf %.8s "$id") $release $bytes $(printf '%s\n' "$files" | sed -n 's/^./files:&/p' | paste -s -d , -),$(printf '%s\n' "$dumps" | sed -n 's/^./dump:&/p' | paste -s -d , -)"
      done <"$errors.list"
    } >"$errors.rows"
    sed 's/ ,/ /; s/,$//' "$errors.rows" | restore_aligned
  fi
}
restore_quoted() { sed -n 's/^..*$/"&"/p' | paste -s -d , -; }
restore_aligned() { awk '{ for (i = 1; i <= NF; i++) { cell[NR, i] = $i; if (length($i) > width[i]) width[i] = length($i) } } END { for (r = 1; r <= NR; r++) { line = ""; for (i = 1; i <= 5; i++) line = line sprintf("%-" width[i] "s  ", cell[r, i]); sub(/ +$/, "", line); print line } }'; }
restore_unfinished() { case $(restore_noted step) in '' | done | undone) return 1 ;; esac; }
restore_unfinished_json() {
  if restore_unfinished; then printf '{"snapshot":"%s","step":"%s"}' "$(restore_noted snapshot)" "$(restore_noted step)"; else echo null; fi
}
restore_unreadable() { reading_fail "the backups cannot be read: $(tail -n 3 "$errors" | reading_printable_lines)" "a store that answers, and the password of its repository" "correct what the message names, then run the same command again"; }

# restore_choose FROM: sets id, time, run, release and bytes to those of the newest good backup at or before it.
restore_choose() {
  begun=$(head -n 1 "$state/begun" 2>/dev/null || true)
  all=$(reading_good_backups "$begun") || restore_unreadable
  if [ -z "$all" ]; then reading_fail "no good backup of $app" "at least one, with a time that is not in the future" "wait for a backup, or look at journalctl -u sealift-backup-$app.service and at the clock of this host: date"; fi
  case $1 in
    latest) chosen=$(printf '%s\n' "$all" | tail -n 1) ;;
    *)
      chosen=
      case $1 in
        ????????*) case $1 in *[!0-9a-f]*) ;; *) chosen=$(printf '%s\n' "$all" | awk -v id="$1" 'index($2, id) == 1' | tail -n 1) ;; esac ;;
      esac
      if [ -z "$chosen" ]; then
        case $1 in -*) chosen_time= ;; *) chosen_time=$(date -d "$1" +%s 2>/dev/null) || chosen_time= ;; esac
        if [ -z "$chosen_time" ]; then reading_fail "--from $(reading_printable "$1")" "latest, the id of a snapshot in the list, or a time such as 2026-11-28T02:40" "run $self --list $app"; fi
        chosen=$(printf '%s\n' "$all" | awk -v time="$chosen_time" '$1 <= time' | tail -n 1)
        if [ -z "$chosen" ]; then reading_fail "no good backup of $app at or before $(date -u -d "@$chosen_time" +%Y-%m-%dT%H:%M:%SZ)" "one from then or earlier" "run $self --list $app"; fi
      fi
      ;;
  esac
  read -r time id run release bytes <<CHOSEN
$chosen
CHOSEN
}

restore_while_backup() {
  reading_fail "a backup of $app runs" "that it ends first" "wait for systemctl status sealift-backup-$app.service, then run the same command again"
}

# restore_begin FROM: decides what is restored, and writes the first lines of the record.
restore_begin() {
  if restore_unfinished; then
    if [ "$(restore_noted step)" = undoing ]; then reading_fail "the restore of $(restore_noted from) is being undone" "that this ends first" "run $self $app --undo --confirm $app"; fi
    if [ "$1" != "$(restore_noted from)" ] && [ "$1" != "$(restore_noted snapshot)" ]; then
      reading_fail "an unfinished restore of $(restore_noted snapshot)" "that it ends first" "run $self $app --from $(restore_noted from) --confirm $app, or $self $app --undo --confirm $app"
    fi
    echo "goes on with the restore of $(restore_noted snapshot), which stopped at step $(restore_noted step)"
    return
  fi
  if systemctl is-active --quiet "sealift-backup-$app.service" || [ "$(systemctl show -P ActiveState "sealift-backup-$app.service" 2>/dev/null)" = activating ]; then
    restore_while_backup
  fi
  restore_choose "$1"
  reading_held "$id" || restore_unreadable
  if [ -z "$(restore_kinds)" ]; then reading_fail "the backup $id holds nothing of $(printf '%s\n' "$services" | paste -s -d ' ' -)" "files or a dump of them" "choose another backup: $self --list $app"; fi
  for service in $services; do
    for made in restoring restoring-dump; do
      if [ -e "$(restore_path_of "$service").$made" ]; then
        reading_fail "$(restore_path_of "$service").$made, and no record of a restore" "nothing there" "find out what it is, and move it away"
      fi
    done
  done
  rm -f "$record"
  stamp=$(date -u +%Y%m%dT%H%M%SZ)
  while [ -n "$(restore_find_used "$stamp")" ]; do sleep 1; stamp=$(date -u +%Y%m%dT%H%M%SZ); done
  {
    printf '%s\n' "from=$1" "snapshot=$id" "time=$time" "run=$run" "release=$release" "bytes=$bytes" "stamp=$stamp"
    restore_kinds | sed 's/^\([^ ]*\) /kind.\1=/'
    echo "step=restore"
  } >"$record.new"
  sync "$record.new"
  mv -T "$record.new" "$record"
  sync "$state"
}
# restore_kinds: prints SERVICE files or SERVICE dump for each service of which the backup has something.
restore_kinds() {
  for service in $services; do
    if [ "$service" = "$by_dump" ] && printf '%s\n' "$dumps" | grep -q -x -F "$service"; then
      echo "$service dump"
    elif printf '%s\n' "$files" | grep -q -x -F "$service"; then
      echo "$service files"
    elif printf '%s\n' "$dumps" | grep -q -x -F "$service"; then
      echo "$service dump"
    fi
  done
}
# restore_kept: prints the services of which the backup has nothing: they keep their present data.
restore_kept() { for service in $services; do if [ -z "$(restore_noted "kind.$service")" ]; then echo "$service"; fi; done; }
restore_find_used() { for service in $services; do for kind in before restored; do if [ -e "$(restore_path_of "$service").$kind-$1" ]; then echo used; fi; done; done; }
restore_restored() { for service in $services; do if [ -n "$(restore_noted "kind.$service")" ]; then echo "$service"; fi; done; }

# Step 1: a new folder beside each data folder. Nothing has stopped yet.
restore_step_restore() {
  reading_say "1 of 6: restores the data of $(date -u -d "@$(restore_noted time)" +%Y-%m-%dT%H:%M:%SZ) into new folders ($(restore_noted bytes) bytes)"
  snapshot=$(restore_noted snapshot)
  for service in $(restore_restored); do
    new=$(restore_path_of "$service").restoring
    if [ "$(restore_noted "complete.$service")" = yes ]; then continue; fi
    parent=${new%/*}
    if [ ! -d "$parent" ]; then reading_fail "no folder $parent" "the mount or folder of the data" "run pulumi up, which makes it, then run the same command again"; fi
    restore_enough "$parent"
    case $(restore_noted "kind.$service") in
      files)
        if ! "$restic" restore --retry-lock 10m --delete "$snapshot:/data/$service" --target "$new" >>"$errors" 2>&1; then
          reading_fail "restic restore of $service failed: $(tail -n 3 "$errors" | reading_printable_lines)" "all files of the backup" "correct what the message names, then run the same command again: nothing has stopped"
        fi
        if ! reading_top "$snapshot" "$service" "$new"; then reading_fail "the backup does not say whose /data/$service is" "owner and mode of the folder" "run the same command again: nothing has stopped"; fi
        # On another machine the user of the registry may have another number.
        if [ -n "$own" ] && ! chown -R "$(restore_owner_of "$service")" "$new"; then
          reading_fail "$(restore_owner_of "$service") cannot own $new" "the user of the registry" "run pulumi up, which makes it, then run the same command again: nothing has stopped"
        fi
        present=$(restore_postgresql "$(restore_path_of "$service")")
        restored=$(restore_postgresql "$new")
        if [ -n "$present" ] && [ -n "$restored" ] && [ "$present" != "$restored" ]; then
          reading_fail "files of PostgreSQL $restored for $service, and present ones of PostgreSQL $present" "files of the same major version: it does not start on others" "$self $app --undo --confirm $app, then this command again with --dump $service; nothing has stopped"
        fi
        ;;
      dump)
        restore_empty_folder "$service" "$new"
        if ! "$restic" dump --retry-lock 10m "$snapshot" "/dump/$service" >"$new-dump" 2>>"$errors"; then
          reading_fail "the dump of $service cannot be read: $(tail -n 3 "$errors" | reading_printable_lines)" "the whole dump" "correct what the message names, then run the same command again: nothing has stopped"
        fi
        if [ "$(reading_engine_of "$service")" = redis ]; then
          reading_place_redis "$new-dump" "$new"
        fi
        ;;
    esac
    sync -f "$new"
    restore_note "complete.$service" yes
  done
}
# restore_postgresql FOLDER: prints the major versions of PostgreSQL whose data is in it.
restore_postgresql() { postgresql_majors "$1" | sort -u | paste -s -d ' ' -; }
# restore_enough FOLDER: fails unless what is not restored yet, of any service, has room there.
restore_enough() {
  folder_of=$1
  space=$(df -P -B 1 "$folder_of" | awk 'NR == 2 { print $4 }')
  set --
  for one in $(restore_restored); do
    for made in restoring restoring-dump; do
      if [ -e "$(restore_path_of "$one").$made" ]; then set -- "$@" "$(restore_path_of "$one").$made"; fi
    done
  done
  have=0
  if [ $# -gt 0 ]; then have=$(du -s -c -B 1 "$@" | awk 'END { print $1 }'); fi
  needed=$(restore_noted bytes)
  needed=$((needed + needed / 20 - have))
  if [ "$space" -lt "$needed" ]; then
    reading_fail "$space bytes free in $folder_of" "$needed for the backup beside the present data" "make room, or extend the volume, then run the same command again: nothing has stopped"
  fi
}
# restore_empty_folder SERVICE FOLDER: makes the folder with the owner and mode of the present one, or those of the site.
restore_empty_folder() {
  owner=$(restore_owner_of "$1")
  mode=0700
  if [ -d "$(restore_path_of "$1")" ]; then
    mode=$(stat -c %a "$(restore_path_of "$1")")
    if [ "$owner" = - ]; then owner=$(stat -c %u:%g "$(restore_path_of "$1")"); fi
  fi
  if [ ! -d "$2" ]; then mkdir "$2"; fi
  if [ "$owner" != - ]; then chown "$owner" "$2"; fi
  chmod "$mode" "$2"
}

# Step 2: nothing of the application runs, and nothing starts it, not even a boot.
restore_step_stop() {
  if [ "$(restore_noted step)" != undoing ]; then restore_refuse_quorum; fi
  reading_say "2 of 6: stops $(restore_running | paste -s -d ' ' -)"
  if [ -z "$(restore_noted enabled)" ]; then
    restore_note enabled "$(restore_are_enabled)"
    restore_note timer "$(systemctl is-active "sealift-backup-$app.timer" 2>/dev/null || true)"
  fi
  restore_note stopped yes
  restore_undisturbed
  if [ "$(restore_noted enabled)" = enabled ]; then restore_units disable; fi
  if [ "$(restore_noted timer)" = active ]; then systemctl stop "sealift-backup-$app.timer"; fi
  restore_units stop 2>/dev/null || true
  if [ -z "$own" ]; then restore_stop_services; fi
  if [ -n "$(restore_containers)" ]; then
    reading_fail "$(restore_running | paste -s -d ' ' -) of $app still run" "that nothing of it runs" "stop them, then run the same command again"
  fi
}

# restore_refuse_quorum: refuses to put an earlier state of a manager into a swarm that runs. The others would know what this one does not.
restore_refuse_quorum() {
  if [ -z "$(reading_config_value swarm)" ] || [ "$(restore_noted "had.swarm")" != "" ]; then return 0; fi
  path=$(restore_path_of swarm)
  if ! cmp -s "$path/certificates/swarm-root-ca.crt" "$path.restoring/certificates/swarm-root-ca.crt"; then return 0; fi
  if ! timeout 30 "$docker" node ls --quiet >/dev/null 2>&1; then return 0; fi
  reading_fail "this swarm runs, and has a quorum" "a swarm that is lost: an earlier state of one manager harms a swarm that runs" \
    "$self $app --undo --confirm $app; a host that was made again joins by pulumi up"
}

# restore_stop_services [SERVICE]: stops all services or this one. The engine answers before its list of containers says so, and what reads the
# list would take them for running. An inspection waits for the list.
restore_stop_services() {
  restore_compose stop "$@" >>"$errors" 2>&1 </dev/null || true
  listed=$(restore_containers)
  # shellcheck disable=SC2086 # ids
  if [ -n "$listed" ]; then timeout 60 "$docker" inspect $listed >/dev/null 2>&1 || true; fi
}

# restore_undisturbed: as long as this process lasts, the unit that restarts unhealthy containers leaves those of the application alone.
restore_undisturbed() {
  install -d -m 0700 /run/sealift /run/sealift/apps
  echo "$$" >"/run/sealift/apps/$app.run"
}

# restore_are_enabled: prints enabled when all units start at boot.
restore_are_enabled() {
  if [ "$units" = - ]; then return; fi
  # shellcheck disable=SC2086 # names of units
  set -- $units
  systemctl is-enabled "$@" 2>/dev/null | sort -u
}

# Step 3: present data gets another name.
restore_step_aside() {
  if [ "$(restore_noted step)" = aside ]; then reading_say "3 of 6: moves the present data aside"; fi
  stamp=$(restore_noted stamp)
  for service in $(restore_restored); do
    if [ -n "$(restore_noted "had.$service")" ]; then continue; fi
    if [ -e "$(restore_path_of "$service")" ]; then restore_note "had.$service" yes; else restore_note "had.$service" no; fi
  done
  for service in $(restore_restored); do
    path=$(restore_path_of "$service")
    if [ ! -e "$path.restoring" ] || [ ! -e "$path" ]; then continue; fi
    if [ "$(restore_noted "had.$service")" = yes ] && [ ! -e "$path.before-$stamp" ]; then
      mv -T "$path" "$path.before-$stamp"
    else
      # Something has made the folder again after an interruption.
      mv -T "$path" "$(restore_unused "$path.between")"
    fi
  done
  restore_on_disk
}
restore_unused() { number=1; while [ -e "$1-$number" ]; do number=$((number + 1)); done; echo "$1-$number"; }
restore_on_disk() { for service in $(restore_restored); do path=$(restore_path_of "$service"); sync -f "${path%/*}"; done; }

# Step 4: the restored data gets the name.
restore_step_place() {
  reading_say "4 of 6: moves the restored data into place"
  for service in $(restore_restored); do
    path=$(restore_path_of "$service")
    if [ -e "$path.restoring" ]; then mv -T "$path.restoring" "$path"; fi
    if [ ! -d "$path" ]; then reading_fail "no $path" "the restored data" "run $self $app --undo --confirm $app"; fi
  done
  restore_on_disk
}

# Step 5: dumps are loaded, and everything starts.
restore_step_start() {
  reading_say "5 of 6: starts $app"
  restore_undisturbed
  for service in $(restore_restored); do
    dump=$(restore_path_of "$service").restoring-dump
    if [ ! -f "$dump" ]; then continue; fi
    if [ "$(restore_noted "loaded.$service")" != yes ]; then
      if [ "$(restore_noted "loading.$service")" = yes ]; then restore_again "$service"; fi
      restore_note "loading.$service" yes
      restore_load "$service" "$dump"
      restore_note "loaded.$service" yes
    fi
    rm -f "$dump"
  done
  if [ "$(restore_noted enabled)" = enabled ]; then restore_units enable; fi
  if ! restore_units start; then
    reading_fail "$units did not start: $(restore_said)" "that the application starts with the restored data" "correct it and run the same command again, or undo it: $self $app --undo --confirm $app"
  fi
}
# restore_again SERVICE: a load that was interrupted begins with an empty folder again.
restore_again() {
  path=$(restore_path_of "$1")
  if [ ! -d "$path" ]; then reading_fail "no $path" "the folder into which the dump is loaded" "run $self $app --undo --confirm $app"; fi
  restore_stop_services "$1"
  owner=$(stat -c %u:%g "$path")
  mode=$(stat -c %a "$path")
  mv -T "$path" "$(restore_unused "$path.unfinished")"
  mkdir "$path"
  chown "$owner" "$path"
  chmod "$mode" "$path"
}
# restore_load SERVICE FILE: starts the service alone, and lets it read the dump.
restore_load() {
  engine=$(reading_engine_of "$1")
  if ! reading_can_load "$1"; then
    reading_fail "a dump of $1 that a command of the site has made, in $2, and no load: beside it" "a command that loads it" "add load: in the site and run pulumi up, then run the same command again; or $self $app --undo --confirm $app"
  fi
  reading_say "    loads the dump of $1"
  if ! restore_compose up --detach --no-deps --no-build --pull never --wait --wait-timeout "$seconds" "$1" >>"$errors" 2>&1 </dev/null; then
    reading_fail "$1 did not start with an empty folder: $(tail -n 3 "$errors" | reading_printable_lines)" "an empty database" "correct it and run the same command again, or undo it: $self $app --undo --confirm $app"
  fi
  container=$(restore_containers --filter "label=com.docker.compose.service=$1" | head -n 1)
  if ! reading_load_dump "$container" "$1" "$engine" "$2"; then
    reading_fail "the dump of $1 was not loaded: $wrong" "a dump that loads without errors" "correct it and run the same command again, or undo it: $self $app --undo --confirm $app"
  fi
}

# Step 6: asks the data itself.
restore_step_check() {
  reading_say "6 of 6: checks the data"
  if [ -n "$(reading_config_value registry)" ]; then restore_check_registry; fi
  if [ -n "$(reading_config_value swarm)" ]; then restore_check_swarm; fi
  for service in $(if [ -z "$own" ]; then restore_restored; fi); do
    container=$(restore_containers --filter "label=com.docker.compose.service=$service" | head -n 1)
    if [ "$(restore_noted "kind.$service") $(reading_engine_of "$service")" = "dump redis" ] && ! reading_await_redis "$container" "$service" "$(restore_path_of "$service")"; then
      reading_fail "$service with the restored data: $wrong" "that it reads its dump" "correct it and run the same command again, or undo it: $self $app --undo --confirm $app"
    fi
    if ! reading_check_data "$container" "$service"; then
      reading_fail "the check of $service failed: $wrong" "the answer of whole data" "look at it, or undo it: $self $app --undo --confirm $app"
    fi
    if [ -n "$answer" ]; then echo "    $service: $answer"; fi
  done
  if [ "$(restore_noted timer)" = active ]; then systemctl start "sealift-backup-$app.timer"; fi
}

# restore_check_swarm: the engine has the restored swarm. That it is to go on without the other managers is decided by a person.
restore_check_swarm() {
  for pause in 1 1 2 3 5 10 20 ''; do
    member=$(timeout 30 "$docker" info --format '{{.Swarm.LocalNodeState}}' 2>/dev/null) || member=
    case $member in active | locked | pending | error) break ;; esac
    if [ -z "$pause" ]; then reading_fail "the engine knows no swarm: $(restore_said)" "that it has the restored one" "correct it and run the same command again, or undo it: $self $app --undo --confirm $app"; fi
    sleep "$pause"
  done
  echo "    the engine has the swarm of the backup (state $member)"
  if [ "$member" = locked ]; then
    # Then the engine cannot begin a cluster from what it has: moby#36852.
    reading_say "    it is locked: restore more than half of the managers in this way, each from its own backup; then decrypt, on each of them,"
    reading_say "    $(restore_path_of unlock-key)/current.age with the recovery key, and give it to: docker swarm unlock"
    reading_say "    (the first one waits for the others)"
  else
    reading_say "    if all other managers are lost, make this one go on alone, with all services, networks and secrets:"
    reading_say "      docker swarm init --force-new-cluster --advertise-addr $(reading_config_value swarm)"
  fi
  reading_say "    then on each other host: docker swarm leave --force; and run pulumi up, with which they join"
}

# restore_check_registry: every blob has its digest, every manifest that a repository names is there, and the registry answers its clients.
restore_check_registry() {
  owner=$(restore_owner_of storage)
  # Its user can change these files: root would follow its links.
  # shellcheck disable=SC2016 # it is for the shell of the registry's user
  if ! answer=$(timeout 36000 runuser -u "${owner%%:*}" -- sh -c '
    if [ ! -e "$1/docker" ]; then echo "it is empty"; exit 0; fi
    cd "$1/docker/registry/v2" || exit 1
    blobs=$(find blobs -mindepth 4 -maxdepth 4 -type f -name data | wc -l)
    if [ "$blobs" -gt 0 ]; then
      find blobs -mindepth 4 -maxdepth 4 -type f -name data | awk -F / "{ print \$4 \"  \" \$0 }" | sha256sum --check --quiet 2>&1 || exit 1
    fi
    find repositories -type f -path "*/_manifests/revisions/sha256/*/link" | sed "s|/link$||; s|.*/||" | sort -u | {
      manifests=0
      while read -r hex; do
        if [ ! -f "blobs/sha256/${hex%"${hex#??}"}/$hex/data" ]; then echo "no manifest sha256:$hex"; exit 1; fi
        manifests=$((manifests + 1))
      done
      echo "$blobs blobs have their digests, $manifests manifests are there"
    }' sh "$(restore_path_of storage)" 2>"$errors"); then
    reading_fail "$(reading_printable "$answer$(cat "$errors")")" "that the registry is whole" "look at it, or undo it: $self $app --undo --confirm $app"
  fi
  registry=$(reading_config_value registry)
  for pause in 1 1 2 3 5 10 ''; do
    status=$(web_status "$registry" /etc/sealift/registry/ca.crt) || true
    if [ "$status" = 200 ]; then break; fi
    if [ -z "$pause" ]; then reading_fail "the registry answers $status: $(restore_said)" "200" "correct it and run the same command again, or undo it: $self $app --undo --confirm $app"; fi
    sleep "$pause"
  done
  echo "    $answer; $registry answers"
}

restore_work_restore() {
  case $(restore_noted step) in
    restore | stop | aside | place | start | check) ;;
    *) reading_fail "step $(restore_noted step)" "a restore that has begun" "run $self $app --from … --confirm $app" ;;
  esac
  # Each step sees by itself what is done already.
  while :; do
    # Outside of conditions, where the shell would ignore `set -e`.
    case $(restore_noted step) in
      restore)
        restore_step_restore
        restore_note step stop
        ;;
      stop)
        restore_step_stop
        restore_note step aside
        ;;
      aside)
        restore_again_stopped
        restore_step_aside
        restore_note step place
        ;;
      place)
        restore_again_stopped
        restore_step_aside
        restore_step_place
        restore_note step start
        ;;
      start)
        restore_step_start
        restore_note step check
        ;;
      check)
        restore_step_check
        for service in $(restore_restored); do echo "$service $(restore_path_of "$service")"; done | reading_know
        restore_note step 'done'
        ;;
      *) break ;;
    esac
  done
  reading_say "restored: $app has its data of $(date -u -d "@$(restore_noted time)" +%Y-%m-%dT%H:%M:%SZ) (release $(restore_noted release), $(restore_noted bytes) bytes)"
  if [ "$(restore_noted release)" != "$(restore_current)" ]; then reading_say "    it was made by release $(restore_noted release); $(restore_current) runs"; fi
  if [ -n "$(reading_config_value registry)" ]; then reading_say "    what bundles have brought since then is not in it: run pulumi up, which sends it again"; fi
  for service in $(restore_restored); do
    before=$(restore_path_of "$service").before-$(restore_noted stamp)
    if [ ! -e "$before" ]; then continue; fi
    reading_say "    the earlier data of $service is in $before"
    reading_say "    to remove it for good: rm -rf $before"
  done
  reading_say "    to undo it: $self $app --undo --confirm $app"
}
# restore_again_stopped: after a power cut, a container may run again.
restore_again_stopped() {
  restore_undisturbed
  if [ -n "$(restore_containers)" ]; then restore_step_stop; fi
}

# Puts back what was there before. What was restored is kept under another name.
restore_work_undo() {
  if [ -z "$(restore_noted step)" ] || [ "$(restore_noted step)" = undone ]; then reading_fail "no restore of $app" "one that can be undone" "nothing has to be done"; fi
  stamp=$(restore_noted stamp)
  for service in $(restore_restored); do
    path=$(restore_path_of "$service")
    if [ "$(restore_noted "had.$service")" != yes ] || [ "$(restore_noted "back.$service")" = yes ] || [ -e "$path.before-$stamp" ]; then continue; fi
    # Until it is moved aside, the earlier data is in its place.
    if [ -e "$path" ] && { [ -e "$path.restoring" ] || [ -e "$path.restored-$stamp" ]; }; then continue; fi
    reading_fail "no $path.before-$stamp" "the data of $service from before the restore" "move it back there, if it still exists under another name; nothing has changed"
  done
  reading_say "undoes the restore of $(date -u -d "@$(restore_noted time)" +%Y-%m-%dT%H:%M:%SZ)"
  restore_note step undoing
  if [ "$(restore_noted stopped)" = yes ]; then restore_step_stop; fi
  for service in $(restore_restored); do
    path=$(restore_path_of "$service")
    before=$path.before-$stamp
    if [ -e "$before" ] || { [ "$(restore_noted "had.$service")" = no ] && [ ! -e "$path.restoring" ]; }; then
      if [ -e "$path" ]; then
        if [ -e "$path.restored-$stamp" ]; then mv -T "$path" "$(restore_unused "$path.between")"; else mv -T "$path" "$path.restored-$stamp"; fi
      fi
      if [ -e "$before" ]; then mv -T "$before" "$path"; fi
    fi
    restore_note "back.$service" yes
    # Only a restore makes these.
    rm -rf "$path.restoring" "$path.restoring-dump"
  done
  restore_on_disk
  if [ "$(restore_noted stopped)" = yes ]; then
    if [ "$(restore_noted enabled)" = enabled ]; then restore_units enable; fi
    if ! restore_units start; then
      reading_fail "$units did not start: $(restore_said)" "that it starts with the earlier data, which is in place again" "correct it and run the same command again"
    fi
    if [ "$(restore_noted timer)" = active ]; then systemctl start "sealift-backup-$app.timer"; fi
  fi
  restore_note step undone
  reading_say "undone: $app has the data from before the restore"
  for service in $(restore_restored); do
    if [ -e "$(restore_path_of "$service").restored-$stamp" ]; then reading_say "    what was restored is in $(restore_path_of "$service").restored-$stamp"; fi
  done
}

# In the unit. The result file says more than the exit code of the unit, which says nothing when it was killed.
restore_work() {
  errors=$state/restore.errors
  : >"$errors"
  work_status=0
  trap 'work_status=$?; rm -f "$errors" "/run/sealift/apps/$app.run"; echo "$work_status" >"$state/restore.result"' EXIT
  # As for a run of Sealift: one at a time changes the host.
  install -d -m 0700 /run/sealift/lock
  exec 9<>/run/sealift/lock/host
  if ! flock -w 120 9; then reading_fail "a run of Sealift is changing this host" "that it ends first" "run the same command again later"; fi
  # Neither restore nor undo moves what a backup reads.
  install -d -m 0700 /run/sealift/backup "/run/sealift/backup/$app"
  exec 8>"/run/sealift/backup/$app/lock"
  if ! flock -w 5 8; then restore_while_backup; fi
  echo "login root from - - since $(date -u +%Y-%m-%dT%H:%M:%SZ)" >/run/sealift/lock/host
  if [ "$1" = undo ]; then restore_work_undo; else restore_work_restore; fi
}

# In a unit of its own, so that neither a cut connection nor a closed terminal stops it. A second call follows the one that runs.
restore_in_unit() {
  log=$state/restore.log
  if systemctl is-active --quiet "$unit"; then
    echo "a restore of $app runs already; its messages follow"
  else
    rm -f "$state/restore.result"
    : >"$log"
    systemd-run --quiet --collect --unit "$unit" --description "Restore of $app" --property "StandardOutput=append:$log" --property "StandardError=append:$log" /bin/sh "$self" --work "$app" "$1"
  fi
  at=0
  quiet=0
  while :; do
    active=no
    if systemctl is-active --quiet "$unit"; then active=yes; fi
    size=$(stat -c %s "$log")
    if [ "$size" -gt "$at" ]; then
      tail -c "+$((at + 1))" "$log" | head -c "$((size - at))"
      at=$size
      quiet=0
    fi
    if [ "$active" = no ]; then break; fi
    sleep 1
    quiet=$((quiet + 1))
    if [ $((quiet % 30)) -eq 0 ]; then echo "    ... since $quiet s"; fi
  done
  if [ ! -f "$state/restore.result" ]; then reading_fail "the restore ended without a result" "a result" "run the same command again: it goes on where it stopped"; fi
  exit "$(cat "$state/restore.result")"
}

mode=restore app='' from='' confirm='' json=no by_dump=''
while [ $# -gt 0 ]; do
  case $1 in
    --list) mode=list ;;
    --json) json=yes ;;
    --undo) mode=undo ;;
    --work) mode=work app=${2-} from=${3-} && shift 2 ;;
    --from) from=${2-} && shift ;;
    --dump) by_dump=${2-} && shift ;;
    --confirm) confirm=${2-} && shift ;;
    -*) reading_fail "$(reading_printable "$1")" "--list, --json, --from, --dump, --confirm or --undo" "see the head of $self" ;;
    *) app=$1 ;;
  esac
  shift
done
errors=$(mktemp)
trap 'rm -f "$errors" "$errors".*' EXIT
restore_read_config
case $mode in
  list) restore_list ;;
  work)
    rm -f "$errors"
    restore_work "$from"
    ;;
  *)
    if [ "$confirm" != "$app" ]; then reading_fail "--confirm $(reading_printable "$confirm")" "--confirm $app: its services will stop" "repeat the name of the application"; fi
    if [ "$mode" = undo ] && systemctl is-active --quiet "$unit"; then reading_fail "a restore of $app runs" "that it ends first" "wait for it, or run systemctl stop $unit"; fi
    if [ "$mode" = restore ]; then
      if systemctl is-active --quiet "$unit"; then restore_in_unit restore; fi
      if [ -z "$from" ]; then reading_fail "no --from" "latest, the id of a snapshot, or a time" "run $self --list $app"; fi
      restore_begin "$from"
      if [ -n "$by_dump" ] && [ "$(restore_noted "kind.$by_dump")" != dump ]; then
        rm -f "$record"
        reading_fail "no dump of $(reading_printable "$by_dump") in the backup" "a service of which it has one" "see $self --list $app, and dump: in the site"
      fi
      reading_say "restores $app: data of $(date -u -d "@$(restore_noted time)" +%Y-%m-%dT%H:%M:%SZ), release $(restore_noted release), $(restore_noted bytes) bytes"
      for service in $(restore_kept); do reading_say "    the backup has nothing of $service, which keeps its present data"; done
      reading_say "    it will stop: $(restore_running | paste -s -d ' ' -)"
    fi
    restore_in_unit "$mode"
    ;;
esac
END
}
