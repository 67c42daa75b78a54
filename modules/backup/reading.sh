# What the scripts for a restore and for its rehearsal share, as lines of these scripts.

# backup_reading_lines: prints functions that read a repository, load a dump and check data. The script sets app, config, restic, docker,
# restic's environment and errors, a file for messages.
backup_reading_lines() {
  cat <<'END'
# reading_fail FOUND EXPECTED FIX: ends the script with these words.
reading_fail() {
  printf 'found: %s\nexpected: %s\nfix: %s\n' "$1" "$2" "$3" >&2
  exit 1
}
reading_say() { printf '%s\n' "$*"; }
# What others have written, as one printable and bounded line.
reading_printable() { printf '%s' "$1" | reading_printable_lines; }
reading_printable_lines() { tr -s '\n\t' '  ' | tr -cd '[:print:]' | head -c 600; }
reading_config_value() { sed -n "s/^$1=//p" "$config"; }
# reading_config: sets what both files say: docker, host, folder, seconds, restic, services, and restic's own environment.
reading_config() {
  docker=$(reading_config_value docker)
  host=$(reading_config_value host)
  folder=$(reading_config_value folder)
  seconds=$(reading_config_value seconds)
  restic=$(reading_config_value restic)
  services=$(sed -n 's/^data \([^ ]*\) .*/\1/p' "$config")
  RESTIC_REPOSITORY=$(reading_config_value repository)
  RESTIC_PASSWORD_FILE=$(reading_config_value password)
  RESTIC_CACHE_DIR=/var/cache/sealift/restic
  export RESTIC_REPOSITORY RESTIC_PASSWORD_FILE RESTIC_CACHE_DIR
  install -d -m 0700 /var/cache/sealift "$RESTIC_CACHE_DIR"
}
# reading_config_line KIND SERVICE: prints the rest of this line of a service.
reading_config_line() { awk -v kind="$1" -v service="$2" '$1 == kind && $2 == service { sub(/^[^ ]+ [^ ]+ /, ""); print; exit }' "$config"; }

END
  backup_knowing_lines
  cat <<'END'
# reading_held ID: sets files and dumps to the services whose data folder or dump the backup has, one per line. Fails when restic does: a folder that
# the backup does not have is no failure of restic.
reading_held() {
  held_all=$("$restic" ls --no-lock "$1" /data /dump 2>>"$errors") || return 1
  files=$(printf '%s\n' "$held_all" | sed -n 's|^/data/\([A-Za-z0-9._-]*\)$|\1|p')
  dumps=$(printf '%s\n' "$held_all" | sed -n 's|^/dump/\([A-Za-z0-9._-]*\)$|\1|p')
}
# reading_missing: prints the services of the site with data of which the backup has neither files nor a dump, after reading_held.
reading_missing() {
  for missing in $services; do
    if ! printf '%s\n' "$files" "$dumps" | grep -q -x -F "$missing"; then echo "$missing"; fi
  done
}
# reading_top ID SERVICE FOLDER: gives a restored folder the owner and mode of the backup: restic restores those of what is in it. In restic's JSON the
# mode has the bits of Go's os.FileMode: 31 is a folder, 23 setuid, 22 setgid, 20 sticky, and the lowest nine are permissions.
reading_top() {
  top_all=$("$restic" ls --no-lock --json "$1" /data 2>>"$errors") || return 1
  top_line=$(printf '%s\n' "$top_all" | awk -v path="\"path\":\"/data/$2\"," '
    function number(key,   text) {
      if (match($0, "\"" key "\":[0-9]+[,}]") == 0) return -1
      text = substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 4)
      return text + 0
    }
    function bit(value, place) { return int(value / 2 ^ place) % 2 }
    index($0, path) {
      mode = number("mode")
      uid = number("uid")
      gid = number("gid")
      if (mode < 0 || uid < 0 || gid < 0 || !bit(mode, 31)) next
      printf "%04o %.0f:%.0f\n", bit(mode, 23) * 2048 + bit(mode, 22) * 1024 + bit(mode, 20) * 512 + mode % 512, uid, gid
    }')
  # With a fifth digit, chmod removes what the folder may have inherited.
  case $top_line in
    *[!0-9:\ ]*) return 1 ;;
    [0-7][0-7][0-7][0-7]" "[0-9]*:[0-9]*) chown "${top_line#* }" "$3" && chmod "0${top_line%% *}" "$3" ;;
    *) return 1 ;;
  esac
}
reading_engine_of() { reading_config_line dump "$1" | cut -d ' ' -f 1; }

# reading_inside CONTAINER SERVICE SCRIPT: runs the lines of a script in the container, with what follows from the site: user, and a password that is
# read inside the container. The user is no shell word: it has only letters, digits, dots, underscores and hyphens.
reading_inside() {
  inside_words=$(reading_config_line dump "$2" | cut -d ' ' -f 2-)
  inside_user=${inside_words%% *}
  inside_password=${inside_words#* }
  if [ "$inside_user" = - ]; then inside_user=; fi
  inside_read=
  if [ "$inside_password" != - ]; then inside_read="password=\$(cat /run/secrets/$inside_password) && export PGPASSWORD=\"\$password\" MYSQL_PWD=\"\$password\" REDISCLI_AUTH=\"\$password\" && "; fi
  timeout 86400 "$docker" exec --interactive "$1" sh -c "$inside_read user='$inside_user' && $3"
}

# reading_place_redis FILE FOLDER: puts a dump of Redis where it is read at a start: as dump.rdb, and as appendonly.aof for one that appends to such a
# file, which would begin empty beside dump.rdb alone.
reading_place_redis() {
  mv -T "$1" "$2/dump.rdb"
  cp "$2/dump.rdb" "$2/appendonly.aof"
  chown "$(stat -c %u:%g "$2")" "$2/dump.rdb" "$2/appendonly.aof"
}
# reading_await_redis CONTAINER SERVICE FOLDER: waits until a Redis has read its dump, and removes what it does not append to: with another
# configuration it would read that one day. Otherwise sets wrong.
reading_await_redis() {
  await_until=$(($(date +%s) + seconds))
  while :; do
    await_said=$(reading_inside "$1" "$2" 'redis-cli ${user:+--user "$user"} info persistence' 2>&1 </dev/null || true)
    case $await_said in
      *loading:0*aof_enabled:0*) rm -f "$3/appendonly.aof" && return 0 ;;
      *loading:0*aof_enabled:1*) return 0 ;;
    esac
    if [ "$(date +%s)" -ge "$await_until" ]; then break; fi
    sleep 1
  done
  wrong="Redis has not read its dump after $seconds s: $(reading_printable "$await_said")"
  return 1
}
# reading_await_server CONTAINER SERVICE ENGINE: waits until the server answers on its address. While an image makes the first database, a server may
# answer on its socket alone, and it ends again. One that never listens is asked all the same.
reading_await_server() {
  await_until=$(($(date +%s) + seconds))
  case $3 in
    postgresql) await_script='pg_isready -q -h 127.0.0.1' ;;
    mariadb) await_script='mariadb-admin --silent --protocol=tcp -h 127.0.0.1 -u "${user:-root}" ping' ;;
    mysql) await_script='mysqladmin --silent --protocol=tcp -h 127.0.0.1 -u "${user:-root}" ping' ;;
  esac
  while ! reading_inside "$1" "$2" "$await_script" >/dev/null 2>&1 </dev/null && [ "$(date +%s)" -lt "$await_until" ]; do sleep 1; done
}

# reading_load_dump CONTAINER SERVICE ENGINE FILE: loads a dump into an empty database. Otherwise sets wrong.
reading_load_dump() {
  if [ "$3" != command ]; then reading_await_server "$1" "$2" "$3"; fi
  case $3 in
    postgresql)
      # pg_dumpall creates the roles and databases that a new cluster has already (pg_dumpall(1)): only these errors are none.
      if ! reading_inside "$1" "$2" 'psql -X -q -v ON_ERROR_STOP=0 -d postgres -U "${user:-${POSTGRES_USER:-postgres}}" >/dev/null' <"$4" 2>"$errors"; then
        wrong=$(tail -n 3 "$errors" | reading_printable_lines)
        return 1
      fi
      load_found=$(grep -E '(ERROR|FATAL):' "$errors" | grep -v -E 'ERROR:  (role|database) "[^"]*" already exists$' | head -n 3 || true)
      if [ -n "$load_found" ]; then
        wrong=$(reading_printable "$load_found")
        return 1
      fi
      ;;
    mariadb | mysql)
      if ! reading_inside "$1" "$2" "$3"' -u "${user:-root}" && '"$3"' -u "${user:-root}" -e "FLUSH PRIVILEGES"' <"$4" 2>"$errors"; then
        wrong=$(tail -n 3 "$errors" | reading_printable_lines)
        return 1
      fi
      ;;
    command)
      load_file=$4
      # Quoted words, written by Sealift.
      eval "set -- \"\$1\" $(reading_config_line load "$2")"
      if ! timeout 86400 "$docker" exec --interactive "$@" <"$load_file" >"$errors" 2>&1; then
        wrong=$(tail -n 3 "$errors" | reading_redacted | reading_printable_lines)
        return 1
      fi
      ;;
  esac
}
# reading_can_load SERVICE: whether its dump can be loaded: by its engine, or by a command of the site.
reading_can_load() {
  case $(reading_engine_of "$1") in
    postgresql | mariadb | mysql) ;;
    command) [ -n "$(reading_config_line load "$1")" ] ;;
    *) return 1 ;;
  esac
}

# reading_check_data CONTAINER SERVICE: runs the check of the site, or that of its engine; sets answer to what it says. Otherwise sets wrong.
reading_check_data() {
  answer=
  wrong=
  check_words=$(reading_config_line check "$2")
  check_status=0
  rm -f "$errors.status"
  if [ -n "$check_words" ]; then
    # Quoted words, written by Sealift.
    eval "set -- \"\$1\" $check_words"
    answer=$({ timeout 3600 "$docker" exec "$@" 2>&1 </dev/null || echo "$?" >"$errors.status"; } | { head -c 2000 && cat >/dev/null; })
  else
    case $(reading_engine_of "$2") in
      postgresql) check_script='u=${user:-${POSTGRES_USER:-postgres}}; pg_isready -q -U "$u" && n=0 && for d in $(psql -X -A -t -d postgres -U "$u" -c "select datname from pg_database where datallowconn"); do psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$d" -U "$u" -c "select 1" >/dev/null || exit 1; n=$((n + 1)); done && test "$n" -gt 0 && echo "$n databases answer"' ;;
      mariadb) check_script='mariadb-check --all-databases --silent -u "${user:-root}" && echo "all tables are whole"' ;;
      mysql) check_script='mysqlcheck --all-databases --silent -u "${user:-root}" && echo "all tables are whole"' ;;
      redis) check_script='set -- ${user:+--user "$user"} && test "$(redis-cli "$@" ping)" = PONG && echo "$(redis-cli "$@" dbsize) keys"' ;;
      *) return 0 ;;
    esac
    answer=$({ reading_inside "$1" "$2" "$check_script" 2>&1 </dev/null || echo "$?" >"$errors.status"; } | { head -c 2000 && cat >/dev/null; })
  fi
  if [ -f "$errors.status" ]; then check_status=$(cat "$errors.status"); fi
  rm -f "$errors.status"
  answer=$(reading_printable "$answer" | reading_redacted)
  if [ "$check_status" -eq 0 ]; then return 0; fi
  wrong="exit code $check_status: $answer"
  return 1
}
# reading_redacted: copies its input, with three stars for the secrets of the application.
reading_redacted() {
  set --
  for redacted_file in "/run/sealift/secrets/$app"/*; do if [ -f "$redacted_file" ]; then set -- "$@" "$redacted_file"; fi; done
  awk '
END
  redact_program
  cat <<'END'
  ' "$@"
}
END
}

# backup_knowing_lines: prints functions that tell which backups count, and whether data is that which was backed up. The script sets app, state,
# restic and errors.
backup_knowing_lines() {
  cat <<'END'
# reading_good_backups BEGUN [LATEST]: prints the good backups of the application, the oldest first: EPOCH ID RUN RELEASE BYTES. A backup whose run
# is void, or BEGUN and not ended, does not count. A client with a root shell must not hide earlier backups for ever: a time after LATEST, or more
# than an hour in the future, does not count, nor a mark that makes a run void more than three days after its backup. In restic's JSON a quotation
# mark inside a value has a backslash: no value can look like a key.
reading_good_backups() {
  "$restic" snapshots --no-lock --json --tag "app=$app" >"$errors.json" 2>"$errors" || return 1
  sed 's/{"time":/\n&/g' "$errors.json" | awk -v begun="$1" '
    function value(before, after, allowed,   text) {
      if (match($0, before allowed after) == 0) return ""
      text = substr($0, RSTART + length(before), RLENGTH - length(before) - length(after))
      return text
    }
    {
      time = value("\"time\":\"", "\"", "[0-9T:.Z+-]+")
      if (time == "") next
      voided = value("\"void=", "\"", "[0-9a-f]+")
      if (voided != "") { print time " void " voided; next }
      run = value("\"run=", "\"", "[0-9a-f]+")
      release = value("\"release=", "\"", "[A-Za-z0-9._+-]+")
      id = value("\"id\":\"", "\"", "[0-9a-f]+")
      bytes = value("\"total_bytes_processed\":", "", "[0-9]+")
      if (run == "" || run == begun || release == "" || id == "") next
      print time " " id " " run " " release " " (bytes == "" ? 0 : bytes)
    }
  ' | while read -r good_time good_rest; do
    if good_time=$(date -d "$good_time" +%s 2>/dev/null); then echo "$good_time $good_rest"; fi
  done | sort -n | awk -v latest="${2:-$(($(date +%s) + 3600))}" -v window=259200 '
    $1 > latest { next }
    $2 == "void" { marks[$3] = marks[$3] " " $1; next }
    {
      times[++count] = $1
      runs[count] = $3
      lines[count] = $0
    } END {
      for (i = 1; i <= count; i++) {
        isvoid = 0
        number = split(marks[runs[i]], marked, " ")
        for (m = 1; m <= number; m++) if (marked[m] - times[i] <= window) isvoid = 1
        if (!isvoid) print lines[i]
      }
    }'
  rm -f "$errors.json"
}
# reading_know: notes that the folders of its input, lines SERVICE PATH, hold the data of the application: they were backed up, restored or adopted.
# What a backup has refused because it did not know them is refused no more.
reading_know() {
  {
    cat "$state/folders" 2>/dev/null || true
    while read -r known_service known_path; do
      if [ -d "$known_path" ]; then echo "$known_service $(reading_identity "$known_path")"; fi
    done
  } | sort -u >"$state/folders.new"
  sync "$state/folders.new"
  mv -T "$state/folders.new" "$state/folders"
  if grep -q '^[0-9]* 16 ' "$state/failed" 2>/dev/null; then rm -f "$state/failed"; fi
  sync "$state"
}
# reading_unknown: prints the services of its input whose folder is none of those that are known of them. Of a new service none is known.
reading_unknown() {
  while read -r known_service known_path; do
    if [ ! -d "$known_path" ] || ! grep -q "^$known_service " "$state/folders" 2>/dev/null; then continue; fi
    if ! grep -q -x -F "$known_service $(reading_identity "$known_path")" "$state/folders"; then echo "$known_service"; fi
  done
}
# reading_identity FOLDER: number and time of birth of its inode. A new folder has others; one that is renamed keeps them.
reading_identity() { stat -c %i.%W "$1"; }
END
}
