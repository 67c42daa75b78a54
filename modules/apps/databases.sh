# The major versions of databases: what has written the data of a service, compared with what the release would start on it.
# shellcheck disable=SC2154 # project.sh sets SEALIFT_… and APP_…

# Fact: each database of the release has the major version that has written its data. PostgreSQL never starts on other data (docker-library/
# postgres#37); the others convert older data, and there is no way back from that.
# $1 folder of the application, $2 its name, $3 release, then SERVICE ENGINE MAJOR PATH VOLUME of each database: where its data lies on the
# host, or the name of its volume
check_app_databases() {
  databases_differ "$@"
  case $differ_found in
    '') return 0 ;;
    # The backup is made, and the release may convert the data.
    *) if [ "$differ_way" = up ] && [ -e "$1/releases/$3/major" ]; then return 0; fi ;;
  esac
  echo "$differ_found"
  return 1
}
guard_app_databases() {
  databases_differ "$@"
  case $differ_way in '' | up) return 0 ;; esac
  refuse E_DATABASE_MAJOR "$differ_found, and $differ_wanted of release $3 does not start on it" \
    "keep its major version; or load a dump into an empty folder: docs/guide/backup.md, Another major version of a database"
}
apply_app_databases() {
  guard_app_databases "$@"
  app_back_up "$2" "release $(app_current "$1") runs as before"
  # From here on, the release before does not run again: it could not read the data.
  touch "$1/releases/$3/major"
  on_disk "$1"
}

# databases_differ ARG...: the arguments of the fact. Sets differ_found to a database whose data another version has written, with
# differ_wanted, and differ_way to up, if all of these can convert their data, or never; all empty if there is none.
databases_differ() {
  differ_found=
  differ_way=
  differ_folder=$1
  differ_app=$2
  shift 3
  while [ $# -ge 5 ]; do
    app_database_written "$differ_folder" "$differ_app" "$1" "$2" "$3" "$4" "$5"
    if [ -n "$written" ] && [ "$written" != "$2 $3" ]; then
      differ_wanted="$2 $3"
      differ_way=never
      case $2,$written in
        postgresql,*) ;;
        *,"$2 "*) if [ "$(printf '%s\n' "${written#* }" "$3" | sort -V | head -n 1)" = "${written#* }" ]; then differ_way=up; fi ;;
      esac
      differ_found="the data of $1 is that of $written"
      if [ "$differ_way" = never ]; then return 0; fi
    fi
    shift 5
  done
}

# app_database_written FOLDER NAME SERVICE ENGINE MAJOR PATH VOLUME: sets written to the engine and the major version that has written the
# data of the service; to nothing if there is no data, or nobody knows.
app_database_written() {
  written=
  written_path=$6
  if [ -z "$written_path" ]; then written_path=$(app_data_volume "$2" "$7"); fi
  if [ -z "$written_path" ] || ! app_data_held "$written_path"; then return 0; fi
  if [ "$4" = postgresql ]; then
    written_found=$(postgresql_majors "$written_path")
    if [ -z "$written_found" ] || printf '%s\n' "$written_found" | grep -q -x -F "$5"; then return 0; fi
    written="postgresql $(printf '%s\n' "$written_found" | sort -V | tail -n 1)"
    return 0
  fi
  # Its container writes the data now, or has written it last. Where that is gone, there is the record.
  written=$(app_databases_run "$2" | sed -n "s/^$3 //p" | head -n 1)
  if [ -z "$written" ]; then written=$(sed -n "s/^$3 //p" "$1/databases" 2>/dev/null | head -n 1); fi
}

# app_databases_run NAME: prints SERVICE ENGINE MAJOR of each container of the application that has run a database with mounts: as its image says in its
# variables, or in its name.
app_databases_run() {
  if ! app_data_engine; then return 0; fi
  # shellcheck disable=SC2046 # ids
  timeout "$APP_ASK_SEC" "$SEALIFT_DOCKER" inspect --type container --format "$APP_DATABASES" $(app_ids "$1") 2>/dev/null | app_database_lines
}
# shellcheck disable=SC2016
APP_DATABASES='{{if and .Mounts (ne .State.Status "created")}}service={{index .Config.Labels "com.docker.compose.service"}}
{{range .Config.Env}}{{println .}}{{end}}image={{.Config.Image}}{{end}}'

# app_database_lines: of what docker inspect prints in this format. As apps/databases.ts reads images.
app_database_lines() {
  awk '
    function say(engine, version) {
      if (service == "" || said || version == "") return
      print service, engine, version
      said = 1
    }
    function two(text) { return match(text, /^[0-9]+\.[0-9]+/) ? substr(text, 1, RLENGTH) : "" }
    function one(text) { return match(text, /^[0-9]+/) ? substr(text, 1, RLENGTH) : "" }
    /^service=/ { service = substr($0, 9); said = 0; if (service !~ /^[A-Za-z0-9._-]+$/) service = "" }
    /^MARIADB_VERSION=/ { sub(/^[^=]*=([0-9]+:)?/, ""); say("mariadb", two($0)) }
    /^MYSQL_VERSION=/ { say("mysql", two(substr($0, 15))) }
    /^REDIS_VERSION=/ { say("redis", one(substr($0, 15))) }
    /^image=(.*\/)?(mariadb|mysql|redis):/ {
      sub(/^image=(.*\/)?/, "")
      at = index($0, ":")
      engine = substr($0, 1, at - 1)
      say(engine, engine == "redis" ? one(substr($0, at + 1)) : two(substr($0, at + 1)))
    }'
}

# app_note_databases FOLDER NAME: records what writes the data of its services from now on.
app_note_databases() {
  note_found=$(app_databases_run "$2")
  if [ -n "$note_found" ] && [ "$note_found" != "$(cat "$1/databases" 2>/dev/null)" ]; then
    file_put "$1/databases" "$note_found"
  fi
}
