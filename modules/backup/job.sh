# The backups of one application: what its configuration says, the units that make them, and how old the last good one is.
# shellcheck disable=SC2154 # files.sh and systemd.sh set file_wrong, path_wrong and unit_…

BACKUP_CONFS=/etc/sealift/backup/apps
BACKUP_UNITS=/etc/systemd/system
# Age in seconds at which a good backup is too old: one a day, and half a day for one that took long.
BACKUP_RECENT_SEC=129600
# A clock may be off by so much.
BACKUP_AHEAD_SEC=3600

# Fact: the application is backed up every day as configured: root alone can change the configuration, and nothing else changes the units.
# $1 application, $2 time of day, $3... lines of the configuration
check_backup_job() {
  job_unit=sealift-backup-$1
  job_conf=$BACKUP_CONFS/$1.conf
  file_inspect "$job_conf" "$BACKUP_UNITS/$job_unit.service" "$BACKUP_UNITS/$job_unit.timer"
  if ! file_is "$job_conf" "$(backup_conf "$@")" "root:root 600" ||
    ! file_is "$BACKUP_UNITS/$job_unit.service" "$(backup_service "$@")" ||
    ! file_is "$BACKUP_UNITS/$job_unit.timer" "$(backup_timer "$1" "$2")"; then
    echo "$file_wrong"
    return 1
  fi
  if ! path_is_safe "$BACKUP_CONFS"; then
    echo "$path_wrong"
    return 1
  fi
  unit_inspect "$UNIT_WHOLE" "$job_unit.service" "$job_unit.timer"
  if ! unit_loaded "$job_unit.service" "" EnvironmentFiles= PassEnvironment= User= Group= RootDirectory= RootImage= "TriggeredBy=$job_unit.timer" \
    ExecStartPre= "ExecStart=!/bin/sh $BACKUP_SCRIPT $1" || ! unit_loaded "$job_unit.timer" "" "Triggers=$job_unit.service"; then
    echo "$unit_wrong"
    return 1
  fi
  unit_starts_at_boot "$job_unit.timer" || return 1
  unit_is_active "$job_unit.timer" || return 1
}
guard_backup_job() {
  refuse_unmanaged "sealift-backup-$1.service" "" || return 1
  refuse_unmanaged "sealift-backup-$1.timer" ""
}
apply_backup_job() {
  guard_backup_job "$@"
  job_unit=sealift-backup-$1
  install -d -o root -g root -m 0755 "${BACKUP_CONFS%/*/*}" "${BACKUP_CONFS%/*}"
  install -d -o root -g root -m 0700 "$BACKUP_CONFS"
  file_put "$BACKUP_CONFS/$1.conf" "$(backup_conf "$@")" "root:root 600"
  file_put "$BACKUP_UNITS/$job_unit.service" "$(backup_service "$@")"
  file_put "$BACKUP_UNITS/$job_unit.timer" "$(backup_timer "$1" "$2")"
  systemctl daemon-reload
  systemctl reenable --quiet "$job_unit.timer"
  # systemd starts a unit at most five times in ten seconds (systemd.unit(5), StartLimitBurst=); repairs may follow each other faster.
  systemctl reset-failed "$job_unit.timer" 2>/dev/null || true
  timeout 60 systemctl restart "$job_unit.timer"
}

# backup_conf APP TIME LINE...: prints the configuration, which the script reads and never executes.
backup_conf() {
  shift 2
  echo "# Made by Sealift."
  echo "docker=$SEALIFT_DOCKER"
  printf '%s\n' "$@"
}

# backup_service APP TIME LINE...: prints the unit. Whatever ends the script, the last command removes what it has left; OnFailure= does when
# that command was killed as well.
backup_service() {
  service_mount=
  for service_line; do case $service_line in spool=*) service_mount=${service_line#spool=} ;; esac done
  cat <<END
# Made by Sealift.
[Unit]
Description=Backup of ${1#_}
After=docker.service sealift-secrets.service network-online.target
Wants=network-online.target
OnFailure=${BACKUP_CLEAN_UNIT##*/}
RequiresMountsFor=$BACKUP_STATE ${service_mount%/*/*}

[Service]
Type=oneshot
ExecStart=/bin/sh $BACKUP_SCRIPT $1
ExecStopPost=/bin/sh $BACKUP_SCRIPT --clean $1
TimeoutStartSec=$BACKUP_WAIT_SEC
TimeoutStopSec=900
$(backup_hardening)
END
}

# backup_timer APP TIME: prints the timer. A backup that was missed while the host was off is made after the boot.
backup_timer() {
  cat <<END
# Made by Sealift.
[Unit]
Description=Daily backup of ${1#_}

[Timer]
OnCalendar=*-*-* $2:00
AccuracySec=1min
Persistent=true

[Install]
WantedBy=timers.target
END
}

# Fact: the last good backup is recent, and is at the store of the site.
# $1 application, $2 URL of the repository
check_backup_recent() {
  backup_failed "$1"
  # Only somebody who knows the data can tell; until then all else goes on.
  if [ "$failed_status" = 16 ]; then
    warn E_BACKUP "$failed_found" "$failed_fix"
    return
  fi
  backup_last "$1"
  # What was restored is in the store. The timer makes the first backup of it.
  if [ -z "$last_time" ] && [ "$(sed -n 's/^step=//p' "$BACKUP_STATE/$1/restore" 2>/dev/null)" = "done" ]; then
    last_time=$(stat -c %Y "$BACKUP_STATE/$1/restore")
    last_url=$2
  fi
  if [ -z "$last_time" ]; then
    echo "absent: there is no backup of $1 yet"
    return 1
  fi
  if [ "$last_url" != "$2" ]; then
    echo "the last backup of $1 is at another store, $last_url"
    return 1
  fi
  recent_age=$(($(date +%s) - last_time))
  if [ "$recent_age" -lt "-$BACKUP_AHEAD_SEC" ]; then
    echo "the last backup of $1 is $((-recent_age / 3600)) hours in the future: the clock was wrong, or is"
    return 1
  fi
  if [ "$recent_age" -gt "$BACKUP_RECENT_SEC" ]; then
    echo "the last good backup of $1 is $((recent_age / 3600)) hours old"
    return 1
  fi
}
apply_backup_recent() {
  if backup_start "$1"; then return 0; fi
  backup_failed "$1"
  if [ "$failed_status" = 16 ]; then return 0; fi
  if [ -n "$failed_fix" ]; then
    finding_with_remedy E_BACKUP "$failed_found" "$failed_fix"
  else
    finding_with_remedy E_BACKUP "sealift-backup-$1.service failed" "see journalctl -u sealift-backup-$1"
    journal_tail "sealift-backup-$1.service"
  fi
  return 1
}

# backup_last APP: sets last_time, last_url and last_words to what is known of the last good backup.
backup_last() {
  last_time=
  last_url=
  last_words=
  if [ ! -f "$BACKUP_STATE/$1/last" ]; then return 0; fi
  while IFS= read -r last_line; do
    case $last_line in
      url=*) last_url=${last_line#*=} ;;
      *[!A-Za-z0-9=._+-]*) ;;
      time=*[!0-9]* | time=) ;;
      time=*) last_time=${last_line#*=} && last_words="$last_words $last_line" ;;
      snapshot=* | run=* | release=* | bytes=* | added=* | seconds=* | stopped=*) last_words="$last_words $last_line" ;;
    esac
  done <"$BACKUP_STATE/$1/last"
}

# Fact: always holds; the value has words with a blank between them, each absent when there is nothing to say:
#   time=SECONDS snapshot=ID run=ID release=RELEASE bytes=READ added=SENT seconds=DURATION stopped=MILLISECONDS   of the last good backup
#   failed=SECONDS,STATUS                                         when the last attempt failed, and with which exit status of the script
# $1 application
check_backup_status() { :; }
apply_backup_status() { :; }
value_backup_status() {
  backup_last "$1"
  backup_failed "$1"
  if [ -n "$failed_status" ]; then last_words="$last_words failed=$failed_time,$failed_status"; fi
  echo "${last_words# }"
}

# Fact: no other application is backed up any more. What is in the store stays.
# $@ applications that are
check_backup_others() {
  backup_unlisted "$@"
  if [ -z "$unlisted" ]; then return 0; fi
  echo "still backed up:$unlisted"
  return 1
}
apply_backup_others() {
  backup_unlisted "$@"
  for others_app in $unlisted; do
    timeout 60 systemctl disable --quiet --now "sealift-backup-$others_app.timer" || true
    timeout 900 systemctl stop "sealift-backup-$others_app.service" || true
    if [ -f "$BACKUP_CONFS/$others_app.conf" ] && [ -f "$BACKUP_SCRIPT" ]; then timeout 900 sh "$BACKUP_SCRIPT" --clean "$others_app"; fi
    rm -f "$BACKUP_UNITS/sealift-backup-$others_app.timer" "$BACKUP_UNITS/sealift-backup-$others_app.service" "$BACKUP_CONFS/$others_app.conf"
  done
  systemctl daemon-reload
}

# backup_unlisted APP...: sets unlisted to other applications with a configuration or a timer, each after a blank.
backup_unlisted() {
  unlisted=
  for unlisted_file in "$BACKUP_CONFS"/*.conf "$BACKUP_UNITS"/sealift-backup-*.timer; do
    if [ ! -e "$unlisted_file" ]; then continue; fi
    unlisted_app=${unlisted_file##*/}
    unlisted_app=${unlisted_app#sealift-backup-}
    unlisted_app=${unlisted_app%.conf}
    unlisted_app=${unlisted_app%.timer}
    case " $* $unlisted " in *" $unlisted_app "*) ;; *) unlisted="$unlisted $unlisted_app" ;; esac
  done
}
