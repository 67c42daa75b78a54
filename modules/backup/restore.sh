# The script that puts the data of an application back from a backup. Present data is moved aside, never deleted. It works without Sealift.
# shellcheck disable=SC2154 # files.sh sets file_wrong and path_wrong

RESTORE_SCRIPT=/opt/sealift/backup/restore
# What the script has to know of each application, one file each.
RESTORE_CONFIGS=/etc/sealift/backup/restores

# Fact: the script is on the host, and only root can change it.
check_backup_restore_script() {
  file_inspect "$RESTORE_SCRIPT"
  if ! file_is "$RESTORE_SCRIPT" "$(restore_script)" "root:root 755"; then
    echo "$file_wrong"
    return 1
  fi
  if ! path_is_safe "${RESTORE_SCRIPT%/*}"; then
    echo "$path_wrong"
    return 1
  fi
}
guard_backup_restore_script() { guard_programs E_REFUSED "${RESTORE_SCRIPT%/*/*}"; }
apply_backup_restore_script() {
  guard_backup_restore_script
  install -d -o root -g root -m 0755 "${RESTORE_SCRIPT%/*/*}" "${RESTORE_SCRIPT%/*}"
  file_put "$RESTORE_SCRIPT" "$(restore_script)" "root:root 755"
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
#   restore --list APP [--json]
#   restore APP --from TIME|latest|SNAPSHOT --confirm APP
#   restore APP --undo --confirm APP
# Present data is renamed, never deleted. Every step is recorded in /var/lib/sealift/backup/APP/restore and can be done again: after an
# interruption, the same command goes on where it stopped, and --undo puts back what was there before.
set -eu
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
umask 077
self=/opt/sealift/backup/restore

END
  backup_reading_lines
  cat <<'END'

# Reads the file of the application, and sets restic's environment. A password is in no argument.
read_config() {
  case $app in
    '' | .* | -* | *[!A-Za-z0-9_.-]*) fail "application $(printable "$app")" "the name of an application" "name one of: $(known_apps)" ;;
  esac
  config=/etc/sealift/backup/restores/$app
  if [ ! -f "$config" ]; then
    fail "no application $app with backups on this host" "one of: $(known_apps)" "correct the name, or run this on the host of the application"
  fi
  docker=$(config_value docker)
  host=$(config_value host)
  folder=$(config_value folder)
  seconds=$(config_value seconds)
  restic=$(config_value restic)
  RESTIC_REPOSITORY=$(config_value repository)
  RESTIC_PASSWORD_FILE=$(config_value password)
  RESTIC_CACERT=$(config_value certificate)
  RESTIC_CACHE_DIR=/var/cache/sealift/restic
  if [ ! -r "$RESTIC_PASSWORD_FILE" ]; then
    fail "no password of the repository in $RESTIC_PASSWORD_FILE" "the password, decrypted by sealift-secrets.service" "run systemctl restart sealift-secrets.service, and read its log if it fails"
  fi
  RESTIC_REST_USERNAME=$host
  RESTIC_REST_PASSWORD=$(printf 'sealift backup login\n%s\n%s\n' "$host" "$(cat "$RESTIC_PASSWORD_FILE")" | sha256sum | cut -c 1-64)
  export RESTIC_REPOSITORY RESTIC_PASSWORD_FILE RESTIC_CACERT RESTIC_CACHE_DIR RESTIC_REST_USERNAME RESTIC_REST_PASSWORD
  services=$(sed -n 's/^data \([^ ]*\) .*/\1/p' "$config")
  state=/var/lib/sealift/backup/$app
  record=$state/restore
  unit=sealift-restore-$app.service
  install -d -m 0700 /var/lib/sealift "$state" /var/cache/sealift "$RESTIC_CACHE_DIR"
}
known_apps() { ls /etc/sealift/backup/restores 2>/dev/null | paste -s -d ' ' -; }
path_of() { config_line data "$1" | cut -d ' ' -f 1; }
owner_of() { config_line data "$1" | cut -d ' ' -f 2; }

# note KEY VALUE: writes it into the record, to disk. noted KEY: prints it.
note() {
  { awk -v key="$1=" 'index($0, key) != 1' "$record" 2>/dev/null || true; echo "$1=$2"; } >"$record.new"
  sync "$record.new"
  mv -T "$record.new" "$record"
  sync "$state"
}
noted() { awk -v key="$1=" 'index($0, key) == 1 { print substr($0, length(key) + 1) }' "$record" 2>/dev/null || true; }

# Docker Compose on the current release.
compose() {
  release_folder=$folder/releases/$(current)
  project=$release_folder/project
  set -- --env-file "$release_folder/values.env" -f "$project/$(cat "$release_folder/compose-file")" -f "$release_folder/sealift.override.yaml" "$@"
  if [ -f "$project/.env" ]; then set -- --env-file "$project/.env" "$@"; fi
  env -i PATH="$PATH" HOME=/root "$docker" compose --ansi never --progress plain -p "$app" --project-directory "$project" "$@"
}
current() {
  target=$(readlink "$folder/current" || true)
  echo "${target##*/}"
}
containers() { "$docker" ps --quiet --filter "label=com.docker.compose.project=$app" "$@"; }

# Running services of the application, and the data of this backup.
running() { "$docker" ps --filter "label=com.docker.compose.project=$app" --format '{{.Label "com.docker.compose.service"}}' 2>/dev/null | sort -u; }

list() {
  begun=$(sed -n 's/^run=//p' "$state/begun" 2>/dev/null || true)
  good_backups "$begun" >"$state/list.$$" || { rm -f "$state/list.$$"; unreadable; }
  if [ "$json" = yes ]; then
    printf '{"app":"%s","host":"%s","current":"%s","running":[%s],"unfinished":%s,"backups":[' "$app" "$host" "$(current)" "$(running | quoted)" "$(unfinished_json)"
    separator=
    while read -r time id run release bytes; do
      held "$id"
      printf '%s{"time":%s,"snapshot":"%s","run":"%s","release":"%s","bytes":%s,"files":[%s],"dumps":[%s]}' "$separator" "$time" "$id" "$run" "$release" "$bytes" \
        "$(printf '%s\n' "$files" | quoted)" "$(printf '%s\n' "$dumps" | quoted)"
      separator=,
    done <"$state/list.$$"
    echo ']}'
  else
    {
      echo "TIME SNAPSHOT RELEASE BYTES HOLDS"
      while read -r time id run release bytes; do
        held "$id"
        echo "$(date -u -d "@$time" +%Y-%m-%dT%H:%M:%SZ) $(printf %.8s "$id") $release $bytes $(printf '%s\n' "$files" | sed -n 's/^./files:&/p' | paste -s -d , -),$(printf '%s\n' "$dumps" | sed -n 's/^./dump:&/p' | paste -s -d , -)"
      done <"$state/list.$$"
    } | sed 's/ ,/ /; s/,$//' | aligned
  fi
  rm -f "$state/list.$$"
}
quoted() { sed -n 's/^..*$/"&"/p' | paste -s -d , -; }
aligned() { awk '{ for (i = 1; i <= NF; i++) { cell[NR, i] = $i; if (length($i) > width[i]) width[i] = length($i) } } END { for (r = 1; r <= NR; r++) { line = ""; for (i = 1; i <= 5; i++) line = line sprintf("%-" width[i] "s  ", cell[r, i]); sub(/ +$/, "", line); print line } }'; }
unfinished() { case $(noted step) in '' | done | undone) return 1 ;; esac; }
unfinished_json() {
  if unfinished; then printf '{"snapshot":"%s","step":"%s"}' "$(noted snapshot)" "$(noted step)"; else echo null; fi
}
unreadable() { fail "the backups cannot be read: $(tail -n 3 "$errors" | printable_lines)" "a store that answers, and the password of its repository" "correct what the message names, then run the same command again"; }

# choose FROM: sets id, time, run, release and bytes to those of the newest good backup at or before it.
choose() {
  begun=$(sed -n 's/^run=//p' "$state/begun" 2>/dev/null || true)
  all=$(good_backups "$begun") || unreadable
  if [ -z "$all" ]; then fail "no good backup of $app" "at least one" "wait for a backup, or look at journalctl -u sealift-backup-$app.service"; fi
  case $1 in
    latest) chosen=$(printf '%s\n' "$all" | tail -n 1) ;;
    *)
      chosen=
      case $1 in
        ????????*) case $1 in *[!0-9a-f]*) ;; *) chosen=$(printf '%s\n' "$all" | awk -v id="$1" 'index($2, id) == 1' | tail -n 1) ;; esac ;;
      esac
      if [ -z "$chosen" ]; then
        case $1 in -*) wanted= ;; *) wanted=$(date -d "$1" +%s 2>/dev/null) || wanted= ;; esac
        if [ -z "$wanted" ]; then fail "--from $(printable "$1")" "latest, the id of a snapshot in the list, or a time such as 2026-11-28T02:40" "run $self --list $app"; fi
        chosen=$(printf '%s\n' "$all" | awk -v time="$wanted" '$1 <= time' | tail -n 1)
        if [ -z "$chosen" ]; then fail "no good backup of $app at or before $(date -u -d "@$wanted" +%Y-%m-%dT%H:%M:%SZ)" "one from then or earlier" "run $self --list $app"; fi
      fi
      ;;
  esac
  read -r time id run release bytes <<CHOSEN
$chosen
CHOSEN
}

# begin FROM: decides what is restored, and writes the first lines of the record.
begin() {
  if unfinished; then
    if [ "$(noted step)" = undoing ]; then fail "the restore of $(noted from) is being undone" "that this ends first" "run $self $app --undo --confirm $app"; fi
    if [ "$1" != "$(noted from)" ] && [ "$1" != "$(noted snapshot)" ]; then
      fail "an unfinished restore of $(noted snapshot)" "that it ends first" "run $self $app --from $(noted from) --confirm $app, or $self $app --undo --confirm $app"
    fi
    echo "goes on with the restore of $(noted snapshot), which stopped at step $(noted step)"
    return
  fi
  if systemctl is-active --quiet "sealift-backup-$app.service" || [ "$(systemctl show -P ActiveState "sealift-backup-$app.service" 2>/dev/null)" = activating ]; then
    fail "a backup of $app runs" "that it ends first" "wait for systemctl status sealift-backup-$app.service, then run the same command again"
  fi
  choose "$1"
  held "$id"
  if [ -z "$(kinds)" ]; then fail "the backup $id holds nothing of $(printf '%s\n' "$services" | paste -s -d ' ' -)" "files or a dump of them" "choose another backup: $self --list $app"; fi
  for service in $services; do
    for made in restoring restoring-dump; do
      if [ -e "$(path_of "$service").$made" ]; then
        fail "$(path_of "$service").$made, and no record of a restore" "nothing there" "find out what it is, and move it away"
      fi
    done
  done
  rm -f "$record"
  stamp=$(date -u +%Y%m%dT%H%M%SZ)
  while [ -n "$(find_used "$stamp")" ]; do sleep 1; stamp=$(date -u +%Y%m%dT%H%M%SZ); done
  {
    printf '%s\n' "from=$1" "snapshot=$id" "time=$time" "run=$run" "release=$release" "bytes=$bytes" "stamp=$stamp"
    kinds | sed 's/^\([^ ]*\) /kind.\1=/'
    echo "step=restore"
  } >"$record.new"
  sync "$record.new"
  mv -T "$record.new" "$record"
  sync "$state"
}
# kinds: prints SERVICE files or SERVICE dump for each service of which the backup has something.
kinds() {
  for service in $services; do
    if printf '%s\n' "$files" | grep -q -x -F "$service"; then
      echo "$service files"
    elif printf '%s\n' "$dumps" | grep -q -x -F "$service"; then
      echo "$service dump"
    fi
  done
}
find_used() { for service in $services; do for kind in before restored; do if [ -e "$(path_of "$service").$kind-$1" ]; then echo used; fi; done; done; }
restored() { for service in $services; do if [ -n "$(noted "kind.$service")" ]; then echo "$service"; fi; done; }

# Step 1: a new folder beside each data folder. Nothing has stopped yet.
step_restore() {
  say "1 of 6: restores the data of $(date -u -d "@$(noted time)" +%Y-%m-%dT%H:%M:%SZ) into new folders ($(noted bytes) bytes)"
  snapshot=$(noted snapshot)
  for service in $(restored); do
    new=$(path_of "$service").restoring
    if [ "$(noted "complete.$service")" = yes ]; then continue; fi
    parent=${new%/*}
    if [ ! -d "$parent" ]; then fail "no folder $parent" "the mount or folder of the data" "run pulumi up, which makes it, then run the same command again"; fi
    enough "$parent" "$new"
    case $(noted "kind.$service") in
      files)
        if ! "$restic" restore --retry-lock 10m --delete "$snapshot:/data/$service" --target "$new" >>"$errors" 2>&1; then
          fail "restic restore of $service failed: $(tail -n 3 "$errors" | printable_lines)" "all files of the backup" "correct what the message names, then run the same command again: nothing has stopped"
        fi
        top=$("$restic" ls --retry-lock 10m --long "$snapshot" /data 2>>"$errors" | awk -v path="/data/$service" '$NF == path { print $1, $2 ":" $3 }' | head -n 1)
        if [ -z "$top" ]; then fail "the backup does not say whose /data/$service is" "owner and mode of the folder" "run the same command again: nothing has stopped"; fi
        chown "${top#* }" "$new"
        chmod "$(mode_of "${top%% *}")" "$new"
        ;;
      dump)
        empty_folder "$service" "$new"
        if ! "$restic" dump --retry-lock 10m "$snapshot" "/dump/$service" >"$new-dump" 2>>"$errors"; then
          fail "the dump of $service cannot be read: $(tail -n 3 "$errors" | printable_lines)" "the whole dump" "correct what the message names, then run the same command again: nothing has stopped"
        fi
        if [ "$(engine_of "$service")" = redis ]; then
          mv -T "$new-dump" "$new/dump.rdb"
          chown "$(stat -c %u:%g "$new")" "$new/dump.rdb"
        fi
        ;;
    esac
    sync -f "$new"
    note "complete.$service" yes
  done
}
# enough FOLDER NEW: fails unless the whole backup has room there, with what is restored already.
enough() {
  space=$(df -P -B 1 "$1" | awk 'NR == 2 { print $4 }')
  have=$(du -s -B 1 "$2" 2>/dev/null | cut -f 1)
  needed=$(noted bytes)
  if [ $((space + ${have:-0})) -lt $((needed + needed / 20)) ]; then
    fail "$space bytes free in $1" "$((needed + needed / 20)) for the backup beside the present data" "make room, or extend the volume, then run the same command again: nothing has stopped"
  fi
}
# mode_of TEXT: prints the mode of `drwxr-x---` in octal.
mode_of() { echo "$1" | awk '{ for (i = 0; i < 3; i++) { m = 0; if (substr($0, 2 + 3 * i, 1) == "r") m += 4; if (substr($0, 3 + 3 * i, 1) == "w") m += 2; if (substr($0, 4 + 3 * i, 1) ~ /[xst]/) m += 1; printf "%d", m } }'; }
# empty_folder SERVICE FOLDER: makes the folder with the owner and mode of the present one, or those of the site.
empty_folder() {
  owner=$(owner_of "$1")
  mode=0700
  if [ -d "$(path_of "$1")" ]; then
    mode=$(stat -c %a "$(path_of "$1")")
    if [ "$owner" = - ]; then owner=$(stat -c %u:%g "$(path_of "$1")"); fi
  fi
  if [ ! -d "$2" ]; then mkdir "$2"; fi
  if [ "$owner" != - ]; then chown "$owner" "$2"; fi
  chmod "$mode" "$2"
}

# Step 2: nothing of the application runs, and nothing starts it, not even a boot.
step_stop() {
  say "2 of 6: stops $(running | paste -s -d ' ' -)"
  if [ -z "$(noted enabled)" ]; then
    note enabled "$(systemctl is-enabled "sealift-app-$app.service" 2>/dev/null || true)"
    note timer "$(systemctl is-active "sealift-backup-$app.timer" 2>/dev/null || true)"
  fi
  note stopped yes
  if [ "$(noted enabled)" = enabled ]; then systemctl disable --quiet "sealift-app-$app.service"; fi
  if [ "$(noted timer)" = active ]; then systemctl stop "sealift-backup-$app.timer"; fi
  systemctl stop "sealift-app-$app.service" 2>/dev/null || true
  compose stop >>"$errors" 2>&1 </dev/null || true
  if [ -n "$(containers)" ]; then
    fail "$(running | paste -s -d ' ' -) of $app still run" "that nothing of it runs" "stop them, then run the same command again"
  fi
}

# Step 3: present data gets another name.
step_aside() {
  say "3 of 6: moves the present data aside"
  stamp=$(noted stamp)
  for service in $(restored); do
    if [ -n "$(noted "had.$service")" ]; then continue; fi
    if [ -e "$(path_of "$service")" ]; then note "had.$service" yes; else note "had.$service" no; fi
  done
  for service in $(restored); do
    path=$(path_of "$service")
    if [ ! -e "$path.restoring" ] || [ ! -e "$path" ]; then continue; fi
    if [ "$(noted "had.$service")" = yes ] && [ ! -e "$path.before-$stamp" ]; then
      mv -T "$path" "$path.before-$stamp"
    else
      # Something has made the folder again after an interruption.
      mv -T "$path" "$(unused "$path.between")"
    fi
  done
  on_disk
}
unused() { number=1; while [ -e "$1-$number" ]; do number=$((number + 1)); done; echo "$1-$number"; }
on_disk() { for service in $(restored); do path=$(path_of "$service"); sync -f "${path%/*}"; done; }

# Step 4: the restored data gets the name.
step_place() {
  say "4 of 6: moves the restored data into place"
  for service in $(restored); do
    path=$(path_of "$service")
    if [ -e "$path.restoring" ]; then mv -T "$path.restoring" "$path"; fi
    if [ ! -d "$path" ]; then fail "no $path" "the restored data" "run $self $app --undo --confirm $app"; fi
  done
  on_disk
}

# Step 5: dumps are loaded, and everything starts.
step_start() {
  say "5 of 6: starts $app"
  install -d -m 0700 /run/sealift /run/sealift/apps
  # As long as this process lasts, the unit that restarts unhealthy containers leaves those of the application alone.
  echo "$$" >"/run/sealift/apps/$app.run"
  for service in $(restored); do
    dump=$(path_of "$service").restoring-dump
    if [ ! -f "$dump" ]; then continue; fi
    if [ "$(noted "loaded.$service")" != yes ]; then
      if [ "$(noted "loading.$service")" = yes ]; then again "$service"; fi
      note "loading.$service" yes
      load "$service" "$dump"
      note "loaded.$service" yes
    fi
    rm -f "$dump"
  done
  if [ "$(noted enabled)" = enabled ]; then systemctl enable --quiet "sealift-app-$app.service"; fi
  if ! systemctl start "sealift-app-$app.service"; then
    fail "sealift-app-$app.service did not start: $(journalctl --quiet --no-pager -o cat -n 5 -u "sealift-app-$app.service" | printable_lines)" "that the application starts with the restored data" "correct it and run the same command again, or undo it: $self $app --undo --confirm $app"
  fi
}
# again SERVICE: a load that was interrupted begins with an empty folder again.
again() {
  path=$(path_of "$1")
  if [ ! -d "$path" ]; then fail "no $path" "the folder into which the dump is loaded" "run $self $app --undo --confirm $app"; fi
  compose stop "$1" >>"$errors" 2>&1 </dev/null || true
  owner=$(stat -c %u:%g "$path")
  mode=$(stat -c %a "$path")
  mv -T "$path" "$(unused "$path.unfinished")"
  mkdir "$path"
  chown "$owner" "$path"
  chmod "$mode" "$path"
}
# load SERVICE FILE: starts the service alone, and lets it read the dump.
load() {
  engine=$(engine_of "$1")
  case $engine in
    postgresql | mariadb | mysql) ;;
    *) fail "a dump of $1 that a command of the site has made, in $2" "a dump of PostgreSQL, MariaDB, MySQL or Redis" "load it by hand into the service; or $self $app --undo --confirm $app" ;;
  esac
  say "    loads the dump of $1"
  if ! compose up --detach --no-deps --no-build --pull never --wait --wait-timeout "$seconds" "$1" >>"$errors" 2>&1 </dev/null; then
    fail "$1 did not start with an empty folder: $(tail -n 3 "$errors" | printable_lines)" "an empty database" "correct it and run the same command again, or undo it: $self $app --undo --confirm $app"
  fi
  container=$(containers --filter "label=com.docker.compose.service=$1" | head -n 1)
  if ! load_dump "$container" "$1" "$engine" "$2"; then
    fail "the dump of $1 was not loaded: $wrong" "a dump that loads without errors" "correct it and run the same command again, or undo it: $self $app --undo --confirm $app"
  fi
}

# Step 6: asks the data itself.
step_check() {
  say "6 of 6: checks the data"
  for service in $(restored); do
    container=$(containers --filter "label=com.docker.compose.service=$service" | head -n 1)
    if ! check_data "$container" "$service"; then
      fail "the check of $service failed: $wrong" "the answer of whole data" "look at it, or undo it: $self $app --undo --confirm $app"
    fi
    if [ -n "$answer" ]; then echo "    $service: $answer"; fi
  done
  if [ "$(noted timer)" = active ]; then systemctl start "sealift-backup-$app.timer"; fi
}

work_restore() {
  case $(noted step) in
    restore | stop | aside | place | start | check) ;;
    *) fail "step $(noted step)" "a restore that has begun" "run $self $app --from … --confirm $app" ;;
  esac
  # Each step sees by itself what is done already.
  while :; do
    # Outside of conditions, where the shell would ignore `set -e`.
    case $(noted step) in
      restore)
        step_restore
        note step stop
        ;;
      stop)
        step_stop
        note step aside
        ;;
      aside)
        again_stopped
        step_aside
        note step place
        ;;
      place)
        again_stopped
        step_aside
        step_place
        note step start
        ;;
      start)
        step_start
        note step check
        ;;
      check)
        step_check
        note step 'done'
        ;;
      *) break ;;
    esac
  done
  say "restored: $app has its data of $(date -u -d "@$(noted time)" +%Y-%m-%dT%H:%M:%SZ) (release $(noted release), $(noted bytes) bytes)"
  if [ "$(noted release)" != "$(current)" ]; then say "    it was made by release $(noted release); $(current) runs"; fi
  for service in $(restored); do
    before=$(path_of "$service").before-$(noted stamp)
    if [ ! -e "$before" ]; then continue; fi
    say "    the earlier data of $service is in $before"
    say "    to remove it for good: rm -rf $before"
  done
  say "    to undo it: $self $app --undo --confirm $app"
}
# again_stopped: after a power cut, a container may run again.
again_stopped() { if [ -n "$(containers)" ]; then step_stop; fi; }

# Puts back what was there before. What was restored is kept under another name.
work_undo() {
  if [ -z "$(noted step)" ] || [ "$(noted step)" = undone ]; then fail "no restore of $app" "one that can be undone" "nothing has to be done"; fi
  say "undoes the restore of $(date -u -d "@$(noted time)" +%Y-%m-%dT%H:%M:%SZ)"
  note step undoing
  stamp=$(noted stamp)
  if [ "$(noted stopped)" = yes ]; then step_stop; fi
  for service in $(restored); do
    path=$(path_of "$service")
    before=$path.before-$stamp
    if [ -e "$before" ] || { [ "$(noted "had.$service")" = no ] && [ ! -e "$path.restoring" ]; }; then
      if [ -e "$path" ]; then
        if [ -e "$path.restored-$stamp" ]; then mv -T "$path" "$(unused "$path.between")"; else mv -T "$path" "$path.restored-$stamp"; fi
      fi
      if [ -e "$before" ]; then mv -T "$before" "$path"; fi
    fi
    # Only a restore makes these.
    rm -rf "$path.restoring" "$path.restoring-dump"
  done
  on_disk
  if [ "$(noted stopped)" = yes ]; then
    if [ "$(noted enabled)" = enabled ]; then systemctl enable --quiet "sealift-app-$app.service"; fi
    if ! systemctl start "sealift-app-$app.service"; then
      fail "sealift-app-$app.service did not start: $(journalctl --quiet --no-pager -o cat -n 5 -u "sealift-app-$app.service" | printable_lines)" "that it starts with the earlier data, which is in place again" "correct it and run the same command again"
    fi
    if [ "$(noted timer)" = active ]; then systemctl start "sealift-backup-$app.timer"; fi
  fi
  note step undone
  say "undone: $app has the data from before the restore"
  for service in $(restored); do
    if [ -e "$(path_of "$service").restored-$stamp" ]; then say "    what was restored is in $(path_of "$service").restored-$stamp"; fi
  done
}

# In the unit. The result file says more than the exit code of the unit, which says nothing when it was killed.
work() {
  errors=$state/restore.errors
  : >"$errors"
  work_status=0
  trap 'work_status=$?; rm -f "$errors" "/run/sealift/apps/$app.run"; echo "$work_status" >"$state/restore.result"' EXIT
  # As for a run of Sealift: one at a time changes the host.
  install -d -m 0700 /run/sealift/lock
  exec 9<>/run/sealift/lock/host
  if ! flock -w 120 9; then fail "a run of Sealift is changing this host" "that it ends first" "run the same command again later"; fi
  echo "login root from - - since $(date -u +%Y-%m-%dT%H:%M:%SZ)" >/run/sealift/lock/host
  if [ "$1" = undo ]; then work_undo; else work_restore; fi
}

# In a unit of its own, so that neither a cut connection nor a closed terminal stops it. A second call follows the one that runs.
in_unit() {
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
  if [ ! -f "$state/restore.result" ]; then fail "the restore ended without a result" "a result" "run the same command again: it goes on where it stopped"; fi
  exit "$(cat "$state/restore.result")"
}

mode=restore app='' from='' confirm='' json=no
while [ $# -gt 0 ]; do
  case $1 in
    --list) mode=list ;;
    --json) json=yes ;;
    --undo) mode=undo ;;
    --work) mode=work app=${2-} from=${3-} && shift 2 ;;
    --from) from=${2-} && shift ;;
    --confirm) confirm=${2-} && shift ;;
    -*) fail "$(printable "$1")" "--list, --json, --from, --confirm or --undo" "see the head of $self" ;;
    *) app=$1 ;;
  esac
  shift
done
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT
read_config
case $mode in
  list) list ;;
  work)
    rm -f "$errors"
    work "$from"
    ;;
  *)
    if [ "$confirm" != "$app" ]; then fail "--confirm $(printable "$confirm")" "--confirm $app: its services will stop" "repeat the name of the application"; fi
    if [ "$mode" = undo ] && systemctl is-active --quiet "$unit"; then fail "a restore of $app runs" "that it ends first" "wait for it, or run systemctl stop $unit"; fi
    if [ "$mode" = restore ]; then
      if systemctl is-active --quiet "$unit"; then in_unit restore; fi
      if [ -z "$from" ]; then fail "no --from" "latest, the id of a snapshot, or a time" "run $self --list $app"; fi
      begin "$from"
      say "restores $app: data of $(date -u -d "@$(noted time)" +%Y-%m-%dT%H:%M:%SZ), release $(noted release), $(noted bytes) bytes"
      say "    it will stop: $(running | paste -s -d ' ' -)"
    fi
    in_unit "$mode"
    ;;
esac
END
}
