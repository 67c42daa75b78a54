# The script that makes a backup of one application, and the unit that removes at boot what an interrupted backup has left.
# shellcheck disable=SC2154 # files.sh and systemd.sh set file_wrong, path_wrong and unit_…

BACKUP_SCRIPT=/opt/sealift/backup/backup
BACKUP_CLEAN_UNIT=/etc/systemd/system/sealift-clean-backups.service

# Fact: the script is this one, and a unit runs it at boot to remove what an interrupted backup has left; nothing else provides or changes it.
check_backup_scripts() {
  file_inspect "$BACKUP_SCRIPT" "$BACKUP_CLEAN_UNIT"
  if ! file_is "$BACKUP_SCRIPT" "$(backup_script)" || ! file_is "$BACKUP_CLEAN_UNIT" "$(backup_clean_unit)"; then
    echo "$file_wrong"
    return 1
  fi
  if ! path_is_safe "${BACKUP_SCRIPT%/*}"; then
    echo "$path_wrong"
    return 1
  fi
  unit_inspect "$UNIT_WHOLE" "${BACKUP_CLEAN_UNIT##*/}"
  if ! unit_loaded "${BACKUP_CLEAN_UNIT##*/}" "" EnvironmentFiles= PassEnvironment= User= Group= RootDirectory= RootImage= ExecStartPre= \
    "ExecStart=!/bin/sh $BACKUP_SCRIPT --clean"; then
    echo "$unit_wrong"
    return 1
  fi
  unit_starts_at_boot "${BACKUP_CLEAN_UNIT##*/}"
}
guard_backup_scripts() { refuse_unmanaged "${BACKUP_CLEAN_UNIT##*/}" ""; }
apply_backup_scripts() {
  guard_backup_scripts
  install -d -o root -g root -m 0755 "${BACKUP_SCRIPT%/*/*}" "${BACKUP_SCRIPT%/*}"
  file_put "$BACKUP_SCRIPT" "$(backup_script)"
  file_put "$BACKUP_CLEAN_UNIT" "$(backup_clean_unit)"
  systemctl daemon-reload
  systemctl reenable --quiet "${BACKUP_CLEAN_UNIT##*/}"
}

# backup_clean_unit: prints the unit that cleans up after a power cut. It needs the engine to start what a backup had stopped.
backup_clean_unit() {
  cat <<END
# Made by Sealift.
[Unit]
Description=Removes what an interrupted backup has left
After=local-fs.target docker.service sealift-secrets.service
RequiresMountsFor=$BACKUP_STATE

[Service]
Type=oneshot
ExecStart=/bin/sh $BACKUP_SCRIPT --clean
TimeoutStartSec=900
$(backup_hardening)

[Install]
WantedBy=multi-user.target
END
}

# backup_hardening: prints what units with the script share: systemd.exec(5). It needs the socket of the engine, device-mapper, mounts in a
# namespace of its own, the data of every owner, and the store. ProtectClock= and PrivateDevices= would take the devices of LVM away.
backup_hardening() {
  cat <<'END'
Environment=HOME=/root
Nice=10
CPUWeight=20
IOWeight=20
IOSchedulingClass=best-effort
IOSchedulingPriority=7
MemoryHigh=25%
MemoryMax=50%
UMask=0077
LimitCORE=0
LockPersonality=yes
MemoryDenyWriteExecute=yes
NoNewPrivileges=yes
PrivateTmp=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectSystem=full
ReadWritePaths=-/etc/lvm
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=mnt
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
END
}

# backup_script: prints the script, which works without Sealift.
backup_script() {
  cat <<'SCRIPT'
# Made by Sealift. Makes a backup of one application: /etc/sealift/backup/apps/APP.conf says of what and to where.
#   backup APP             makes one
#   backup --clean [APP]   removes what an interrupted one has left, and starts what it had stopped; without APP: of every application
#   backup --adopt APP     from now on the present data is backed up, although the store has backups of other data
# It ends with 0 when the backup counts, and otherwise with one of these:
#   2 configuration   3 no password   4 store unreachable   5 login refused   6 wrong password of the repository   7 another repository
#   8 dump   9 snapshot   10 snapshot too small   11 unreadable files   12 restic   13 stop or start of services
#   14 a restore has not ended   15 the files changed during each attempt   16 other data than was backed up   17 ended from outside
#   75 one is running
set -u
if [ -z "${SEALIFT_OWN_MOUNTS-}" ]; then
  # In a namespace of its own no container and no other unit can hold the mounts, and they end with the last process.
  SEALIFT_OWN_MOUNTS=yes exec unshare --mount --propagation slave -- /bin/sh "$0" "$@"
fi
unset SEALIFT_OWN_MOUNTS
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LVM_SUPPRESS_FD_WARNINGS=1
umask 077
confs=/etc/sealift/backup/apps
states=/var/lib/sealift/backup
runs=/run/sealift/backup
line_end='
'
full="the store is full"
room="make its volume larger, or keep fewer backups"
# Longest times in seconds: a question to the engine or the store, the maintenance of the store, a dump, sending.
ask_sec=120
wait_sec=3600
dump_sec=14400
send_sec=36000

# backup_fail STATUS FOUND FIX: ends the backup with a reason; the trap removes what it has made.
backup_fail() {
  backup_note_failed "$@"
  exit "$1"
}
reason=
# backup_note_failed STATUS FOUND FIX: says why the backup does not count, also to the next preview.
backup_note_failed() {
  reason="backup of $app: $2; fix: $3"
  echo "${JOURNAL_STREAM:+<3>}$reason" >&2
  mkdir -p "$states/$app"
  printf '%s %s %s\n' "$(date +%s)" "$1" "$reason" >"$states/$app/failed.new" && mv "$states/$app/failed.new" "$states/$app/failed"
}

SCRIPT
  backup_knowing_lines
  cat <<'SCRIPT'

# backup_read_conf APP: reads the configuration; nothing of it is executed.
backup_read_conf() {
  app=$1
  conf=$confs/$app.conf
  run=$runs/$app
  state=$states/$app
  host='' needs='' program='' url='' certificate='' password='' docker='' volume='' mount='' stop='' steady='' stops='' spool='' data='' dumps='' release=''
  if [ "$(stat -c '%u %a %F' "$conf" 2>/dev/null)" != "0 600 regular file" ]; then
    backup_fail 2 "$conf is absent, or others than root may have changed it" "run pulumi up"
  fi
  while IFS= read -r line; do
    value=${line#*=}
    case $line in
      host=*) host=$value ;;
      program=*) program=$value ;;
      url=*) url=$value ;;
      certificate=*) certificate=$value ;;
      password=*) password=$value ;;
      docker=*) docker=$value ;;
      volume=*) volume=$value ;;
      mount=*) mount=$value ;;
      stop=yes) stop=yes ;;
      steady=yes) steady=yes ;;
      release=*) release=$value ;;
      needs=*) needs=$value ;;
      spool=*) spool=$value ;;
      # What writes to the data stops: its service, and others that stops= names.
      data=*) data=$data$value$line_end stops="$stops ${value%% *}" ;;
      stops=*) stops="$stops $value" ;;
      dump=*) dumps="$dumps $value" ;;
    esac
  done <"$conf"
}

# backup_watched SECONDS FILE COMMAND...: its standard output goes to FILE, and the last of its standard error to $run/said.
backup_watched() {
  watched_sec=$1
  watched_file=$2
  shift 2
  : >"$run/said"
  watched_status=$(
    {
      {
        # shellcheck disable=SC2016 # for the inner shell
        sh -c 'echo "$$" >"$0" && exec "$@"' "$run/pid" timeout -k 30 "$watched_sec" "$@" 2>&1 >&3 3>&- 4>&- </dev/null
        echo "$?" >&4
      } | backup_listen >"$run/said" 4>&- 3>&-
    } 4>&1 3>"$watched_file"
  )
  rm -f "$run/pid"
  return "${watched_status:-1}"
}

# backup_listen: keeps the last lines of its input. It ends the program when the store is full, or fails for a minute while services are stopped:
# restic would try again for a quarter of an hour. By the shell, which reads line by line: mawk waits for more.
backup_listen() {
  listen_1='' listen_2='' listen_3='' listen_4='' listen_5=''
  listen_end=
  listen_first=0
  listen_at=0
  while [ -z "$listen_end" ] && { IFS= read -r listen_line || [ -n "$listen_line" ]; }; do
    case $listen_line in
      # What restic says of its own end tells nothing.
      "signal terminated received"* | *"context canceled"* | "Is there a repository"* | rest:*) continue ;;
    esac
    listen_1=$listen_2 listen_2=$listen_3 listen_3=$listen_4 listen_4=$listen_5 listen_5=$listen_line
    case $listen_line in
      *retrying*"(413)"* | *retrying*"(507)"* | *retrying*"o space left"*) listen_end=yes ;;
      *"returned error, retrying"*)
        listen_now=$(date +%s)
        # After a while without failures it has gone on.
        if [ "$((listen_now - listen_at))" -gt 150 ]; then listen_first=$listen_now; fi
        listen_at=$listen_now
        if [ -n "${stopped-}" ] && [ "$((listen_now - listen_first))" -ge 60 ]; then listen_end=yes; fi
        ;;
    esac
  done
  if [ -n "$listen_end" ]; then kill "$(cat "$run/pid")" 2>/dev/null; fi
  for listen_line in "$listen_1" "$listen_2" "$listen_3" "$listen_4" "$listen_5"; do
    if [ -n "$listen_line" ]; then printf '%.1000s\n' "$listen_line"; fi
  done
  cat >/dev/null
}

# backup_said: prints the last of what a program has said, on one line, with stars for what the secrets of the application hold.
backup_said() {
  set -- "$password"
  for secret in "/run/sealift/secrets/$app"/*; do if [ -f "$secret" ]; then set -- "$@" "$secret"; fi; done
  tail -n 3 "$run/said" | awk -v lines=yes '
SCRIPT
  redact_program
  cat <<'SCRIPT'
  ' "$@" | sed 's|://[^[:space:]/]*@|://***@|g' | tr '\n\t' '  ' | tr -d '\000-\037\177' | head -c 400
}

# backup_restic SECONDS FILE ARG...: restic on the repository of this host. What is secret is in its environment, or in a file in memory.
backup_restic() {
  restic_sec=$1
  restic_file=$2
  shift 2
  (
    export RESTIC_REPOSITORY="$url" RESTIC_PASSWORD_FILE="$password" RESTIC_CACHE_DIR=/var/cache/sealift/restic
    export RESTIC_REST_USERNAME="$host" RESTIC_REST_PASSWORD="$login" GOMEMLIMIT=1GiB
    backup_watched "$restic_sec" "$restic_file" "$program" --cacert "$certificate" "$@"
  )
}

# backup_engine ARG...: asks the engine.
backup_engine() { timeout -k 10 "$ask_sec" "$docker" "$@" </dev/null; }

# backup_containers SERVICE: prints the ids of its running containers.
backup_containers() {
  backup_engine ps --quiet --no-trunc --filter "label=com.docker.compose.project=$app" --filter "label=com.docker.compose.service=$1" \
    --filter label=com.docker.compose.oneoff=False
}

# backup_keep FILE TEXT: writes a file of the state; it is on disk when this returns.
backup_keep() {
  printf '%s\n' "$2" >"$state/$1.new"
  sync "$state/$1.new"
  mv "$state/$1.new" "$state/$1"
  sync "$state"
}

# backup_lock SECONDS: one at a time for each application. Programs that it starts hold the lock as well.
backup_lock() {
  mkdir -p /run/sealift
  chmod 0755 /run/sealift
  mkdir -p "$run" "$state" /var/cache/sealift/restic
  exec 9>"$run/lock"
  flock -w "$1" 9
}

# backup_is_restoring: whether a restore has begun and has not ended.
backup_is_restoring() { case $(sed -n 's/^step=//p' "$state/restore" 2>/dev/null) in '' | done | undone) return 1 ;; esac }

# backup_refuse_restoring: between the steps of a restore the folders hold neither the earlier nor the restored data.
backup_refuse_restoring() {
  if ! backup_is_restoring; then return 0; fi
  backup_fail 14 "a restore has begun and has not ended" "run it again, or undo it: see /opt/sealift/backup/restore"
}

# backup_clean: starts the containers that a backup has stopped, and removes dumps, mounts and snapshot. Fails if something is left.
backup_clean() {
  clean_status=0
  if [ -f "$state/left" ]; then
    again=
    while IFS= read -r line; do
      case $line in
        spool=/*/.sealift-backup/"$app" | spool=/.sealift-backup/"$app")
          line=${line#spool=}
          rm -rf --one-file-system "$line"
          rmdir "${line%/*}" 2>/dev/null
          ;;
        stopped=*) again="$again ${line#stopped=}" ;;
      esac
    done <"$state/left"
    # A restore has stopped the application as well, and starts it when the data is whole.
    if backup_is_restoring && grep -q -x stopped=yes "$state/restore"; then again=; fi
    for left in $again; do
      if backup_engine start "$left" >/dev/null 2>"$run/said"; then continue; fi
      # Another release may have taken its place.
      if backup_engine version >/dev/null 2>&1 && ! backup_engine inspect "$left" >/dev/null 2>&1; then continue; fi
      echo "a container that the backup had stopped does not start: $(tail -n 1 "$run/said")" >&2
      clean_status=13
    done
    if [ "$clean_status" = 0 ]; then rm -f "$state/left"; fi
  fi
  for _ in 1 2 3 4 5; do
    points=
    while read -r _ _ _ _ point _; do
      case $point in "$run/"*) points="$point $points" ;; esac
    done </proc/self/mountinfo
    if [ -z "$points" ]; then break; fi
    for point in $points; do umount "$point" 2>/dev/null || umount --lazy "$point" || true; done
  done
  # Should a mount have stayed, its files are the data.
  if [ -z "$points" ]; then rm -rf --one-file-system "$run/tree"; fi
  if command -v lvs >/dev/null; then
    for left in $(lvs --noheadings --separator / -o vg_name,lv_name -S "lv_name=sealift-backup-$app && origin!=''" 2>/dev/null); do
      for _ in 1 2 3 4 5 6 7 8 9 10; do
        if lvremove --yes --force "$left" >"$run/said" 2>&1; then break; fi
        sleep 1
      done
    done
    if [ -n "$(lvs --noheadings -o lv_name -S "lv_name=sealift-backup-$app && origin!=''" 2>/dev/null)" ]; then
      echo "the snapshot sealift-backup-$app was not removed: $(tail -n 1 "$run/said")" >&2
      clean_status=9
    fi
  fi
  return "$clean_status"
}

# backup_open_login: what the store and the repository ask for.
backup_open_login() {
  if [ ! -s "$password" ]; then
    backup_fail 3 "the password of the repository is not decrypted" "systemctl restart sealift-secrets, and see what it says"
  fi
  if [ ! -s "$certificate" ]; then
    backup_fail 2 "$certificate is absent" "run pulumi up"
  fi
  if [ ! -x "$program" ]; then
    backup_fail 2 "$program is absent" "run pulumi up"
  fi
  login=$(printf 'sealift backup login\n%s\n%s\n' "$host" "$(cat "$password")" | sha256sum)
  login=${login%% *}
}

# backup_open_repository: the repository answers to the password and is the one that it was; the first backup creates it.
backup_open_repository() {
  open_status=0
  backup_restic "$ask_sec" "$run/answer" --no-lock cat config || open_status=$?
  if [ "$open_status" = 10 ]; then
    if [ -f "$states/repository" ]; then
      backup_fail 7 "the store has no repository of $host any more" "find out what became of it; for a new one: rm $states/repository"
    fi
    open_status=0
    backup_restic "$ask_sec" "$run/answer" init || open_status=$?
    if [ "$open_status" = 0 ]; then backup_restic "$ask_sec" "$run/answer" --no-lock cat config || open_status=$?; fi
  fi
  case $open_status,$(cat "$run/said") in
    0,*) ;;
    12,*) backup_fail 6 "the password does not open the repository of $host" "restore the earlier password in the site, or give the host a new repository" ;;
    *,*"(401)"* | *,*"(403)"*) backup_fail 5 "the store refuses the login of $host" "run pulumi up, so that the store knows its password" ;;
    *,*x509* | *,*"tls: "*) backup_fail 4 "the store shows another certificate: $(backup_said)" "run pulumi up; if it stays, find out what answers there" ;;
    *,*"(507)"* | *,*"(413)"*) backup_fail 12 "$full: $(backup_said)" "$room" ;;
    *) backup_fail 4 "the store does not answer: $(backup_said)" "see that the host of the store runs and is reached at ${url#rest:}" ;;
  esac
  repository=$(tr -d ' \n' <"$run/answer" | sed -n 's/.*"id":"\([0-9a-f]*\)".*/\1/p')
  if [ -z "$repository" ]; then backup_fail 4 "the store answers with something else than a repository" "find out what answers at ${url#rest:}"; fi
  known=$(cat "$states/repository" 2>/dev/null)
  if [ -n "$known" ] && [ "$known" != "$repository" ]; then
    backup_fail 7 "the store has another repository of $host than before" "find out what became of it; to use this one: rm $states/repository"
  fi
  if [ -z "$known" ]; then
    printf '%s\n' "$repository" >"$states/repository.new"
    sync "$states/repository.new"
    mv "$states/repository.new" "$states/repository"
  fi
}

# backup_wait_for_room: the store takes a file, and is not busy with its maintenance. To know it before services stop keeps the stop short.
backup_wait_for_room() {
  room_status=0
  backup_restic "$((wait_sec + ask_sec))" "$run/answer" cat config --retry-lock "${wait_sec}s" || room_status=$?
  case $room_status,$(cat "$run/said") in
    0,*) ;;
    11,*) backup_fail 12 "the repository of $host is locked: $(backup_said)" "see on the store whether its maintenance still runs" ;;
    *,*"(507)"* | *,*"(413)"*) backup_fail 12 "$full: $(backup_said)" "$room" ;;
    *) backup_fail 4 "the store does not answer: $(backup_said)" "see that the host of the store runs and is reached at ${url#rest:}" ;;
  esac
}

# backup_void_begun: a backup that has begun to send and did not end well does not count. The store deletes nothing for this host: a mark says so.
backup_void_begun() {
  if [ ! -f "$state/begun" ]; then return 0; fi
  void_run=$(cat "$state/begun")
  # It has ended well: this alone was left to do.
  if [ "$(sed -n 's/^run=//p' "$state/last" 2>/dev/null)" = "$void_run" ]; then rm -f "$state/begun" && return 0; fi
  case $void_run in *[!0-9a-f]* | '') void_run=0000000000000000 ;; esac
  mkdir -p "$run/void"
  printf '%s\n' "$void_run" >"$run/void/void"
  # Removes only locks of programs that have ended.
  backup_restic "$ask_sec" /dev/null unlock --quiet || true
  (
    cd "$run/void" || exit 1
    backup_restic "$((5 * ask_sec))" /dev/null backup --quiet --retry-lock 5m --host "$host" --tag "app=$app" --tag "void=$void_run" void
  ) || return 1
  rm -f "$state/begun"
  sync "$state"
}

# backup_listing ARG...: restic, with its answer on standard output.
backup_listing() { backup_restic "$ask_sec" "$run/answer" "$@" && cat "$run/answer"; }

# backup_refuse_other_data: what is not known here as the data of the application is not backed up by itself: it may be the empty database of a
# host that was made again, and a restore of the latest backup would choose it.
backup_refuse_other_data() {
  if [ -f "$state/folders" ] || [ -f "$state/last" ]; then
    other=$(printf '%s' "$data" | reading_unknown | tr '\n' ' ')
    if [ -z "$other" ]; then return 0; fi
    before=$(sed -n 's/^time=//p' "$state/last" 2>/dev/null)
    # That is when it began; its time in the store is later.
    from=$(sed -n 's/^snapshot=\(.\{8\}\).*/\1/p' "$state/last" 2>/dev/null)
    what="the folder of ${other% } is not the one that was backed up or restored before"
  else
    from=
    restic=backup_listing
    errors=$run/listed
    # Of any time: the clock of a new host may be wrong.
    before=$(reading_good_backups "" 99999999999) || backup_fail 4 "the backups of $app cannot be listed: $(backup_said)" "see that the store answers"
    if [ -z "$before" ]; then return 0; fi
    before=$(printf '%s\n' "$before" | sed -n '$s/ .*//p')
    what="this host has made none: it was made again"
  fi
  if [ -n "$before" ]; then before=$(date -u -d "@$before" +%Y-%m-%dT%H:%M:%SZ); fi
  from=${from:-${before:-latest}}
  backup_fail 16 "the store has backups of $app${before:+ up to $before}, and $what" \
    "sealift restore ENV $app --from $from; to keep the present data instead: sudo sh /opt/sealift/backup/backup --adopt $app"
}

# backup_dump_service SERVICE: its dump as one file in the spool.
backup_dump_service() {
  service=$1
  id=$(backup_containers "$service") || backup_fail 8 "the engine does not answer" "see systemctl status docker"
  id=${id%%"$line_end"*}
  if [ -z "$id" ]; then backup_fail 8 "no container of $service runs, so that its database cannot be dumped" "start the application"; fi
  set --
  inside=
  ends=
  while IFS= read -r line; do
    case $line in
      "dump=$service") inside=yes ;;
      dump=*) inside= ;;
      ends=*) if [ -n "$inside" ]; then ends=${line#ends=}; fi ;;
      arg=*)
        if [ -z "$inside" ]; then continue; fi
        # The x keeps line ends at the end of an argument.
        word=$(printf '%bx' "${line#arg=}")
        set -- "$@" "${word%x}"
        ;;
    esac
  done <"$conf"
  dump_status=0
  backup_watched "$dump_sec" "$spool/dump/$service" "$docker" exec "$id" "$@" || dump_status=$?
  if [ "$dump_status" != 0 ]; then backup_fail 8 "the dump of $service ended with $dump_status: $(backup_said)" "correct it: nothing was backed up"; fi
  if [ ! -s "$spool/dump/$service" ]; then backup_fail 8 "the dump of $service is empty: $(backup_said)" "see that the command prints the dump"; fi
  if [ -n "$ends" ] && ! tail -c 4096 "$spool/dump/$service" | grep -qF -e "$ends"; then
    backup_fail 8 "the dump of $service is not complete: $(backup_said)" "see that the database stays up while it is dumped"
  fi
}

# backup_make_spool: a folder that only root can enter, on the volume of the data.
backup_make_spool() {
  if [ -z "$dumps" ]; then return 0; fi
  backup_leave "spool=$spool"
  mkdir -p "$spool/dump" || backup_fail 8 "$spool cannot be created" "see that the volume is mounted and not full"
  for part in "${spool%/*}" "$spool"; do
    if [ "$(stat -c '%u %a %F' "$part")" != "0 700 directory" ]; then
      backup_fail 8 "$part is not a folder of root alone" "remove it"
    fi
  done
}

# backup_leave LINE: notes what the next start has to undo if this one ends here.
backup_leave() {
  left=$(cat "$state/left" 2>/dev/null)
  backup_keep left "${left:+$left$line_end}$1"
}

# backup_make_snapshot: the volume in this instant, mounted read-only below the folder of the run.
backup_make_snapshot() {
  if ! command -v lvcreate >/dev/null; then backup_fail 9 "lvcreate is absent" "install lvm2"; fi
  group=${volume%%/*}
  snapshot=sealift-backup-$app
  sizes=$(lvs --noheadings --units b --nosuffix --separator ' ' -o lv_size,vg_free,vg_extent_size "$volume" 2>"$run/said") ||
    backup_fail 9 "$volume is no logical volume: $(backup_said)" "correct snapshot: in the site"
  read -r lv_size vg_free extent <<SIZES
$sizes
SIZES
  if [ "$vg_free" -lt "$extent" ]; then
    backup_fail 9 "volume group $group has no free extents for a snapshot of $volume" "free some, or add a disk to the group: a fifth of the volume is enough"
  fi
  size=$((lv_size / 5))
  if [ "$size" -lt 1073741824 ]; then size=1073741824; fi
  if [ "$size" -gt "$vg_free" ]; then size=$vg_free; fi
  if ! lvcreate --yes --quiet --snapshot --extents "$((size / extent))" --name "$snapshot" "$volume" >"$run/said" 2>&1; then
    backup_fail 9 "no snapshot of $volume: $(backup_said)" "correct what LVM says"
  fi
  mkdir -p "$run/snapshot"
  options=ro,nodev,nosuid,noexec
  case $(findmnt --noheadings --first-only --output FSTYPE --mountpoint "$mount") in
    # It has the same UUID as the volume, which is mounted.
    xfs) options=$options,nouuid more=norecovery ;;
    ext[34]) more=noload ;;
    *) backup_fail 9 "$mount is not mounted as xfs or ext4" "mount the volume" ;;
  esac
  if ! mount -o "$options" "/dev/$group/$snapshot" "$run/snapshot" 2>"$run/said" && ! mount -o "$options,$more" "/dev/$group/$snapshot" "$run/snapshot" 2>"$run/said"; then
    backup_fail 9 "the snapshot of $volume cannot be mounted: $(backup_said)" "see dmesg"
  fi
}

# backup_snapshot_holds: whether the snapshot still is what the volume was.
backup_snapshot_holds() {
  held=$(lvs --noheadings --separator ' ' --binary -o lv_snapshot_invalid,snap_percent "${volume%%/*}/sealift-backup-$app" 2>/dev/null) || return 1
  read -r invalid percent <<HELD
$held
HELD
  case $invalid,$percent in 0,100*) return 1 ;; 0,[0-9]*) ;; *) return 1 ;; esac
}

# backup_stop_services: stops the services that write to the data, and notes before that they have to start again.
backup_stop_services() {
  stopped=
  for service in $stops; do
    ids=$(backup_containers "$service") || backup_fail 13 "the engine does not answer" "see systemctl status docker"
    for id in $ids; do stopped="$stopped $id"; done
  done
  began_stop=$(date +%s%3N)
  if [ -z "$stopped" ]; then return 0; fi
  for id in $stopped; do backup_leave "stopped=$id"; done
  # shellcheck disable=SC2086 # ids
  if ! timeout -k 10 900 "$docker" stop $stopped >/dev/null 2>"$run/said" </dev/null; then backup_fail 13 "services do not stop: $(backup_said)" "see docker ps"; fi
  stopped_as=$(backup_stopped_now)
}

# backup_stopped_now: prints whether the stopped containers run, and when they started.
backup_stopped_now() {
  # shellcheck disable=SC2086 # ids
  backup_engine inspect --format '{{.State.Running}} {{.State.StartedAt}}' $stopped 2>&1
}

# backup_others_run: whether a container that writes to the data runs although it was stopped, or has run since.
backup_others_run() {
  if [ -n "$stopped" ] && [ "$(backup_stopped_now)" != "$stopped_as" ]; then return 0; fi
  for service in $stops; do
    if [ -n "$(backup_containers "$service")" ]; then return 0; fi
  done
  return 1
}

# backup_refuse_mounts: refuses data of which a part is on a mount of its own: a bind and a snapshot show only the folder that it covers.
backup_refuse_mounts() {
  if [ -z "$volume$stop$steady" ]; then return 0; fi
  while read -r service path; do
    if [ -z "$service" ]; then continue; fi
    # As the kernel writes it in mountinfo.
    folder=$(printf '%s\n' "$path" | sed 's/\\/\\134/g; s/ /\\040/g')
    while read -r _ _ _ _ point _; do
      covers=
      case $point in "$folder"/*) covers=yes ;; esac
      # At the folder or above it, what is on the volume of the snapshot is something else.
      if [ -n "$volume" ] && [ "${#point}" -gt "${#mount}" ]; then case $folder/ in "$point"/*) covers=yes ;; esac fi
      if [ -n "$covers" ]; then
        backup_fail 11 "$path, the data of $service, would not be whole: $point is a mount of its own" "move its files into the folder, and unmount it"
      fi
    done </proc/self/mountinfo
  done <<DATA
$data
DATA
}

# backup_make_tree: data/SERVICE and dump below one folder, read-only.
backup_make_tree() {
  mkdir -p "$run/tree"
  if [ -n "$needs" ] && [ ! -e "$needs" ]; then backup_fail 11 "$needs is absent: the host manages no swarm" "run pulumi up, which makes it a manager"; fi
  if [ -n "$dumps" ]; then
    mkdir "$run/tree/dump"
    backup_bind "$spool/dump" "$run/tree/dump"
  fi
  if [ -z "$volume$stop$steady" ]; then return 0; fi
  backup_refuse_mounts
  while read -r service path; do
    if [ -z "$service" ]; then continue; fi
    if [ "$(readlink -f "$path")" != "$path" ] || [ ! -d "$path" ]; then
      backup_fail 11 "$path, the data of $service, is not a folder, or is reached by a link" "correct data: in the site, or run pulumi up, which makes the folder"
    fi
    mkdir -p "$run/tree/data/$service"
    if [ -n "$volume" ]; then path=$run/snapshot${path#"$mount"}; fi
    backup_bind "$path" "$run/tree/data/$service"
  done <<DATA
$data
DATA
}

# backup_bind FROM TO: shows a folder at another place, read-only.
backup_bind() {
  if ! { mount --bind "$1" "$2" && mount -o remount,bind,ro "$2"; } 2>"$run/said"; then backup_fail 11 "$1 cannot be read: $(backup_said)" "see that it is there"; fi
}

# backup_image_tags: prints image.SERVICE=DIGEST of the containers of the application, one per line.
backup_image_tags() {
  ids=$(backup_engine ps --all --quiet --no-trunc --filter "label=com.docker.compose.project=$app" --filter label=com.docker.compose.oneoff=False) || return 0
  if [ -z "$ids" ]; then return 0; fi
  # shellcheck disable=SC2086 # ids
  backup_engine inspect --format 'image.{{index .Config.Labels "com.docker.compose.service"}}={{.Image}}' $ids | grep -E '^image\.[A-Za-z0-9._-]+=sha256:[0-9a-f]{64}$' | sort -u
}

# backup_changed: whether anything in the folders was written, added or removed since $run/since was made.
backup_changed() {
  while read -r service path; do
    if [ -z "$service" ]; then continue; fi
    # What vanishes under it fails find, and has changed its folder.
    changed=$(find "$path" -newercm "$run/since" -print -quit 2>"$run/said") || return 0
    if [ -n "$changed" ]; then return 0; fi
  done <<DATA
$data
DATA
  return 1
}

# backup_send_steady: what nothing stops is read until nothing of it has changed meanwhile. An attempt during which it has does not count.
backup_send_steady() {
  for pause in 5 30 60 300 900 ''; do
    : >"$run/since"
    # The clock of file systems goes in steps of some milliseconds.
    sleep 0.1
    backup_make_tree
    backup_send
    if ! backup_changed; then return 0; fi
    if [ -z "$pause" ]; then break; fi
    echo "something has changed in the files meanwhile; they are read again in $pause s"
    backup_void_begun || backup_fail 4 "an attempt cannot be marked as void: $(backup_said)" "see that the store answers"
    backup_clean || backup_fail 13 "an attempt has left something" "remove what the message before names"
    sleep "$pause"
    run_id=$(backup_new_run)
  done
  backup_fail 15 "its files changed during each attempt" "make the backup at a quieter time, or from a snapshot of its volume"
}

# backup_new_run: prints the id of a run.
backup_new_run() { od -An -N8 -tx1 /dev/urandom | tr -d ' \n'; }

# backup_send: one snapshot of restic with everything.
backup_send() {
  if [ -z "$release" ]; then release=$(readlink "/svc/apps/$app/current" || readlink "/var/lib/sealift/apps/$app/current"); fi
  release=${release##*/}
  case $release in *[!A-Za-z0-9._+-]* | '') release=none ;; esac
  serial=$(tail -n 9 /var/lib/sealift/journal 2>/dev/null | sed -n 's/.* bundle=\([0-9][0-9]*\) .*/\1/p' | tail -n 1)
  set -- --tag "app=$app" --tag "release=$release" --tag "serial=${serial:-0}" --tag "run=$run_id"
  for tag in $images; do set -- "$@" --tag "$tag"; done
  # By default it waits five minutes for an answer.
  if [ -n "$stopped" ]; then set -- --stuck-request-timeout 1m "$@"; fi
  for part in data dump; do if [ -d "$run/tree/$part" ]; then set -- "$@" "$part"; fi; done
  backup_keep begun "$run_id"
  cd "$run/tree" || backup_fail 12 "$run/tree is gone" "run it again"
  send_status=0
  backup_restic "$send_sec" "$run/answer" backup --json --quiet --no-scan --retry-lock 1m --host "$host" "$@" || send_status=$?
  send_said=$(backup_said)
  cd /
}

# backup_summary KEY: a number or an id of what restic has answered.
backup_summary() { sed -n 's/.*"message_type":"summary".*"'"$1"'":"\{0,1\}\([0-9a-f]*\).*/\1/p' "$run/answer" | tail -n 1; }

# backup_finish: whatever happens, nothing stays, and what was stopped runs.
backup_finish() {
  finish_status=$?
  trap '' HUP INT TERM
  trap - EXIT
  cd /
  backup_clean || finish_status=$?
  if [ "$finish_status" != 0 ] && [ -f "$state/begun" ] && [ -n "${login-}" ]; then
    # A store that is gone has just been waited for.
    ask_sec=20
    backup_void_begun || echo "the unfinished backup will be marked as void by the next one" >&2
  fi
  if [ "$finish_status" != 0 ] && [ -z "$reason" ]; then backup_note_failed 17 "it was stopped from outside" "run it again"; fi
  rm -f "$state/running"
  rm -rf --one-file-system "$run/answer" "$run/said" "$run/pid" "$run/listed" "$run/void" "$run/since"
  exit "$finish_status"
}

# backup_make APP
backup_make() {
  backup_read_conf "$1"
  # Before the lock, which a restore holds as well.
  backup_refuse_restoring
  if ! backup_lock 30; then
    echo "a backup of $app is running" >&2
    exit 75
  fi
  began=$(date +%s)
  stopped=
  stopped_ms=0
  trap backup_finish EXIT
  trap 'exit 143' HUP INT TERM
  backup_keep running "$began"
  backup_refuse_restoring
  backup_clean || backup_fail 13 "an earlier backup has left something" "remove what the message before names"
  backup_open_login
  # Two applications of a host must not both create its repository.
  exec 8>"$runs/repository.lock"
  flock -w 600 8 || backup_fail 4 "another backup has waited for the store for ten minutes" "see what it says"
  backup_open_repository
  exec 8>&-
  backup_wait_for_room
  backup_void_begun || backup_fail 4 "an unfinished backup cannot be marked as void: $(backup_said)" "see that the store answers"
  backup_refuse_other_data
  run_id=$(backup_new_run)
  images=$(backup_image_tags)
  # Before anything stops, and again when it is read.
  backup_refuse_mounts
  backup_make_spool
  for one in $dumps; do backup_dump_service "$one"; done
  if [ -n "$volume" ]; then backup_make_snapshot; elif [ -n "$stop" ]; then backup_stop_services; fi
  if [ -n "$steady" ]; then
    backup_send_steady
  else
    backup_make_tree
    backup_send
  fi
  if [ -n "$volume" ] && ! backup_snapshot_holds; then
    backup_fail 10 "the snapshot of $volume was too small for what changed meanwhile: $(lvs --noheadings --units g -o lv_size "${volume%%/*}/sealift-backup-$app" 2>/dev/null)" \
      "leave more space free in the volume group, or make the backup at a quieter time"
  fi
  if [ -n "$stop" ]; then
    if backup_others_run; then backup_fail 13 "a service that writes to the data was started while its files were read" "let no release start at the time of the backup"; fi
    backup_clean || backup_fail 13 "what was stopped does not start again" "see docker ps --all"
    if [ -n "$stopped" ]; then stopped_ms=$(($(date +%s%3N) - began_stop)); fi
    stopped=
  fi
  case $send_status,$send_said in
    0,*) ;;
    3,*) backup_fail 11 "files could not be read: $send_said" "correct it: this backup does not count" ;;
    *"(507)"* | *"(413)"* | *"o space left"*) backup_fail 12 "$full: $send_said" "$room" ;;
    124,* | 137,*) backup_fail 12 "sending took longer than $((send_sec / 3600)) hours" "see how fast the store is" ;;
    *) backup_fail 12 "restic ended with $send_status: $send_said" "see that the store answers; the next backup tries again" ;;
  esac
  snapshot_id=$(backup_summary snapshot_id)
  if [ -z "$snapshot_id" ]; then backup_fail 12 "restic names no snapshot: $send_said" "run it again"; fi
  printf '%s' "$data" | reading_know
  backup_keep last "time=$began${line_end}snapshot=$snapshot_id${line_end}run=$run_id${line_end}release=$release${line_end}bytes=$(backup_summary total_bytes_processed)${line_end}added=$(backup_summary data_added_packed)${line_end}seconds=$(($(date +%s) - began))${line_end}stopped=$stopped_ms${line_end}url=$url"
  rm -f "$state/begun" "$state/failed"
  sync "$state"
  echo "backup of $app: $(tr '\n' ' ' <"$state/last")"
}

# backup_clean_up APP: what the unit does after each end of a backup, and at boot.
backup_clean_up() {
  backup_read_conf "$1"
  # One that runs cleans up by itself.
  backup_lock 5 || return 0
  # systemd.exec(5) says how a unit has ended; at boot nobody does.
  case ${SERVICE_RESULT-},$(cat "$state/running" 2>/dev/null) in
    timeout,*) backup_note_failed 17 "it took longer than its unit allows" "see how fast the store is, and TimeoutStartSec= of sealift-backup-$app.service" ;;
    *,[0-9]*) backup_note_failed 17 "it was killed, or the host went down" "see journalctl -u sealift-backup-$app; the next one tries again" ;;
  esac
  rm -f "$state/running"
  backup_clean || return 1
  # At boot the store may not be there yet: then the next backup marks it.
  if [ -f "$state/begun" ] && [ -s "$password" ] && [ -s "$certificate" ] && [ -x "$program" ]; then
    backup_open_login
    ask_sec=20
    backup_void_begun || echo "the unfinished backup will be marked as void by the next one" >&2
  fi
  rm -rf --one-file-system "$run/answer" "$run/said" "$run/pid" "$run/listed" "$run/void" "$run/since"
}

# backup_adopt APP: somebody has said that the present data is the data.
backup_adopt() {
  backup_read_conf "$1"
  if ! backup_lock 5; then
    echo "a backup or a restore of $app is running" >&2
    exit 75
  fi
  printf '%s' "$data" | reading_know
  echo "the present data of $app is backed up from now on"
}

app=
case ${1-},${2-},$# in
  --clean,,1)
    status=0
    for one in "$confs"/*.conf; do
      if [ ! -f "$one" ]; then continue; fi
      one=${one##*/}
      (backup_clean_up "${one%.conf}") || status=$?
    done
    exit "$status"
    ;;
  --clean,[a-z0-9_]*,2) backup_clean_up "$2" ;;
  --adopt,[a-z0-9_]*,2) backup_adopt "$2" ;;
  [a-z0-9_]*,,1) backup_make "$1" ;;
  *)
    echo "backup APP, backup --clean [APP], or backup --adopt APP" >&2
    exit 2
    ;;
esac
SCRIPT
}
