# The services of an application: what the engine runs of its Compose project, compared with the release.
# Sources: docker compose 2.26 and 5.5 (labels com.docker.compose.*; config --hash; up --wait).
# shellcheck disable=SC2154 # run.sh sets run_differ

# What each application was last found to have; in memory.
APP_INSPECTED=/run/sealift/apps
# Longest time in seconds for a question to the engine, and for starting what is already there.
APP_ASK_SEC=60
APP_PLUGIN=/usr/local/lib/docker/cli-plugins/docker-compose
# Where the secrets of applications lie, decrypted.
APP_SECRETS=/run/sealift/secrets
# How many lines of a container's log an error shows.
APP_LOG_LINES=20

# Fact: the volumes that exist have the definition of the release. Compose could only replace others with empty ones, and never does so here.
# Before the files and the images of the release are on the host, this cannot be known.
# Nor does a service that has its state in a volume start on an empty one, because an earlier release had it in a folder.
# $1 folder of the application, $2 its name, $3 release, $4... services with their state in volumes
check_app_volumes() {
  app_data_left "$@" || return 1
  if [ ! -d "$1/releases/$3" ] || [ ! -x "$SEALIFT_DOCKER" ] || [ ! -e "$APP_PLUGIN" ]; then return 0; fi
  # Asks what compose would do without doing it; compose before 2.32 never replaces a volume and does not say so. `up` would wait for
  # services that others depend on, and one of them may be stopped.
  if ! volumes_said=$(app_compose "$1" "$2" "$3" "$APP_ASK_SEC" --dry-run create --no-build --pull never --remove-orphans 2>&1); then
    if [ -n "$(app_missing_images "$1" "$3")" ]; then return 0; fi
    echo "docker compose does not say what it would do: $(app_last_lines "$2" "$volumes_said" 2)"
    return 1
  fi
  volumes_found=$(printf '%s\n' "$volumes_said" | grep -o 'Volume "[^"]*" exists but' | cut -d '"' -f 2 | sort -u | paste -s -d ' ' -) || true
  if [ -z "$volumes_found" ]; then return 0; fi
  echo "volume $volumes_found has another definition than on the host"
  return 1
}
guard_app_volumes() {
  if volumes_wrong=$(check_app_volumes "$@"); then return 0; fi
  case $volumes_wrong in
    "volume "*) ;;
    "the data of "*)
      volumes_at=${volumes_wrong##* }
      refuse E_DATA_MOVED "$volumes_wrong, and data: of the site no longer names it" \
        "keep data: in the site; or stop $2, copy $volumes_at into the volume of the service (docker volume inspect), and move $volumes_at aside"
      ;;
    *) return 0 ;;
  esac
  refuse E_VOLUME_RECREATE "$volumes_wrong: release $3 could only replace it with an empty one" \
    "keep its definition, or give the volume a new name in the Compose file and move its data"
}
apply_app_volumes() {
  guard_app_volumes "$@"
  check_app_volumes "$@"
}

# Fact: the service runs as the release defines it: so many containers, each with its configuration and image, and healthy if it has a
# health check. A service that others wait for until it has ended has ended with 0.
# $1 folder of the application, $2 its name, $3 release, $4 service, $5 run or once, $6 containers, $7 signature of its definition,
# $8 image, $9 seconds until healthy, $10 seconds without a restart, $11 rollback or pause
check_app_service() {
  app_inspect "$1" "$2" "$3" || return 1
  if judged=$(app_judge "$4" "$5" "$6" "$7" "$8" "$2"); then return 0; fi
  case $judged in
    *" another "*) echo "$judged$(app_last_downtime "$1" "$4")" ;;
    *) echo "$judged" ;;
  esac
  return 1
}
effect_app_service() {
  # Where no engine listens, nothing runs.
  if [ ! -S /run/docker.sock ]; then echo none && return 0; fi
  app_inspect "$1" "$2" "$3" >/dev/null || return 0
  case $(app_judge "$4" "$5" "$6" "$7" "$8" "$2" || true) in
    *" another "* | *" is unhealthy"*) echo containers-stop ;;
    *) echo none ;;
  esac
}
apply_app_service() {
  app_inspect "$1" "$2" "$3" || return 1
  app_found=$(app_judge "$4" "$5" "$6" "$7" "$8" "$2" || true)
  app_service=$4
  app_folder=$1
  app_name=$2
  app_release=$3
  app_healthy_sec=$9
  shift 9
  app_monitor_sec=$1
  app_action=$2
  app_before=$(app_current "$app_folder")
  # compose would find out in the middle of its work.
  app_missing=$(app_missing_images "$app_folder" "$app_release")
  if [ -n "$app_missing" ]; then
    echo "release $app_release cannot start: the engine does not have $app_missing; nothing was stopped"
    return 1
  fi
  # `up` leaves a container alone that runs as defined.
  case $app_found in
    *" is unhealthy"*) app_output=$(app_compose "$app_folder" "$app_name" "$app_release" "$APP_ASK_SEC" restart "$app_service" 2>&1) || true ;;
  esac
  if app_up "$app_folder" "$app_name" "$app_release" "$app_healthy_sec" "$app_monitor_sec"; then
    data_root_on_disk
    return
  fi
  if [ -e "$app_folder/releases/$app_release/major" ]; then app_action=pause; fi
  case $app_before,$app_action in
    ,* | "$app_release",* | *,pause) app_after="it is left as it is" ;;
    *)
      if app_output=$(app_start "$app_folder" "$app_name" "$app_before" "$app_healthy_sec" 2>&1); then
        app_after="release $app_before runs again"
      else
        app_after="release $app_before does not run either: $(app_last_lines "$app_name" "$app_output" 3)"
      fi
      ;;
  esac
  # The reason first: the report shows the beginning.
  finding_with_remedy E_APP_UPDATE "release $app_release of $app_name is not healthy: $up_wrong; $app_after" "correct it in a new version, or set version: in the site back to the one before"
  echo "$up_troubles"
  return 1
}

# Fact: the application has no other containers than those of its services.
# $1 folder of the application, $2 its name, $3 release, $4 seconds until healthy, $5 seconds without a restart, $6... all services
check_app_rest() {
  app_inspect "$1" "$2" "$3" || return 1
  shift 5
  rest_services=" $* "
  rest_found=
  while read -r rest_word rest_service rest_hash rest_name _; do
    # Compose removes only what it has started itself.
    if [ "$rest_word" != container ] || [ "$rest_hash" = - ]; then continue; fi
    case $rest_services in
      *" $rest_service "*) ;;
      *) rest_found="$rest_found $rest_name" ;;
    esac
  done <<END
$app_seen
END
  if [ -z "$rest_found" ]; then return 0; fi
  echo "containers of services that the release does not have:$rest_found"
  return 1
}
effect_app_rest() { if [ -S /run/docker.sock ]; then echo containers-stop; else echo none; fi; }
apply_app_rest() {
  app_folder=$1
  app_name=$2
  app_release=$3
  if app_up "$app_folder" "$app_name" "$app_release" "$4" "$5"; then return 0; fi
  echo "$up_wrong"
  echo "$up_troubles"
  return 1
}

# Fact: `current` leads to the release that runs; the next update finds there what it may go back to.
# $1 folder of the application, $2 release
check_app_current() {
  current_found=$(app_current "$1")
  if [ "$current_found" = "$2" ]; then return 0; fi
  echo "${current_found:-absent}"
  return 1
}
apply_app_current() {
  # For the choice of releases that are kept: this one has run.
  touch "$1/releases/$2/ran"
  ln -sfn "releases/$2" "$1/current.new"
  mv -T "$1/current.new" "$1/current"
  on_disk "$1"
}

# app_current FOLDER: prints the release that `current` leads to; nothing if there is none.
app_current() {
  app_link=$(readlink "$1/current" 2>/dev/null) || return 0
  case $app_link in releases/*/* | */) ;; releases/*) echo "${app_link#releases/}" ;; esac
}

# app_missing_images FOLDER RELEASE: prints the names of its images that the engine does not have, with blanks between them.
app_missing_images() {
  missing_images=
  while read -r missing_image || [ -n "$missing_image" ]; do
    if timeout "$APP_ASK_SEC" "$SEALIFT_DOCKER" image inspect --format . "$missing_image" </dev/null >/dev/null 2>&1; then continue; fi
    missing_images="$missing_images${missing_images:+ }$missing_image"
  done <"$1/releases/$2/images"
  echo "$missing_images"
}

# app_compose FOLDER NAME RELEASE SECONDS ARG...: docker compose on a release, with nothing of the caller's environment.
app_compose() {
  compose_release=$1/releases/$3
  compose_project=$compose_release/project
  compose_name=$2
  compose_sec=$4
  shift 4
  set -- --env-file "$compose_release/values.env" -f "$compose_project/$(cat "$compose_release/compose-file")" -f "$compose_release/sealift.override.yaml" "$@"
  # Named, because --env-file replaces the file that compose reads by itself.
  if [ -f "$compose_project/.env" ]; then set -- --env-file "$compose_project/.env" "$@"; fi
  env -i PATH="$PATH" HOME=/root timeout "$compose_sec" "$SEALIFT_DOCKER" compose --ansi never --progress plain \
    -p "$compose_name" --project-directory "$compose_project" "$@" </dev/null
}

# app_start FOLDER NAME RELEASE SECONDS [OPTION]: starts the services of a release from what is on the host, and waits until they are healthy.
app_start() {
  app_compose "$1" "$2" "$3" $(($4 + APP_ASK_SEC)) up -d --no-build --pull never --remove-orphans ${5:+"$5"} --wait --wait-timeout "$4"
}

# app_inspect FOLDER NAME RELEASE: sets app_seen to what the engine has of the application, one line each:
#   hash SERVICE HASH                                       as the release is on the host
#   container SERVICE HASH NAME IMAGE SIGNATURE COMPOSE REFERENCE STATE...    STATE as docker ps shows it
#   compose VERSION                                         of the plugin
#   image NAME ID
# It serves all facts of a run. Otherwise fails with a finding.
app_inspect() {
  inspect_file=$APP_INSPECTED/$2
  app_seen=
  if [ -f "$inspect_file" ]; then
    app_seen=$(cat "$inspect_file")
    case $app_seen in
      "inspected $$ $3$SEALIFT_LINE_END"*) return 0 ;;
    esac
  fi
  if [ ! -x "$SEALIFT_DOCKER" ]; then
    echo "absent: there is no engine yet"
    return 1
  fi
  if [ ! -e "$APP_PLUGIN" ]; then
    echo "absent: there is no compose plugin yet"
    return 1
  fi
  if ! path_is_safe "${SEALIFT_DOCKER%/*}"; then
    echo "$path_wrong"
    return 1
  fi
  inspect_hashes=
  if [ -d "$1/releases/$3" ]; then
    if ! inspect_hashes=$(app_compose "$1" "$2" "$3" "$APP_ASK_SEC" config --hash '*' 2>&1); then
      echo "docker compose config failed: $(app_last_lines "$2" "$inspect_hashes" 3)"
      return 1
    fi
  fi
  if ! inspect_containers=$(timeout "$APP_ASK_SEC" "$SEALIFT_DOCKER" ps --all --no-trunc --filter "label=com.docker.compose.project=$2" --filter label=com.docker.compose.oneoff=False --format "$APP_CONTAINER" 2>&1); then
    echo "the engine does not answer: $(app_last_lines "$2" "$inspect_containers" 3)"
    return 1
  fi
  inspect_containers=$(printf '%s\n' "$inspect_containers" | app_container_lines)
  inspect_names=$(printf '%s\n' "$inspect_containers" | sed -n 's/^container [^ ]* [^ ]* [^ ]* [^ ]* [^ ]* [^ ]* \([^ ]*\) .*/\1/p' | sort -u)
  app_seen=$(
    echo "inspected $$ $3"
    echo "compose $(timeout "$APP_ASK_SEC" "$SEALIFT_DOCKER" compose version --short 2>/dev/null | sed 's/^v//' | head -n 1)"
    printf '%s\n' "$inspect_hashes" | sed -n 's/^\([A-Za-z0-9._-]*\) \([0-9a-f]\{64\}\)$/hash \1 \2/p'
    if [ -n "$inspect_containers" ]; then printf '%s\n' "$inspect_containers"; fi
    # shellcheck disable=SC2086 # names of images hold no blanks
    for inspect_name in $inspect_names; do
      echo "image $inspect_name $(timeout "$APP_ASK_SEC" "$SEALIFT_DOCKER" image inspect --format '{{.Id}}' "$inspect_name" 2>/dev/null || echo absent)"
    done
  )
  install -d -m 0700 "$APP_INSPECTED"
  printf '%s\n' "$app_seen" >"$inspect_file.new"
  mv "$inspect_file.new" "$inspect_file"
}
# Labels may hold anything: JSON keeps each on its line and without tabs, which separate the fields.
APP_CONTAINER=$(printf '%s\t' container '{{json (.Label "com.docker.compose.service")}}' '{{json (.Label "com.docker.compose.config-hash")}}' \
  '{{json (.Label "com.docker.compose.image")}}' '{{json (.Label "io.sealift.service")}}' '{{json (.Label "com.docker.compose.version")}}' \
  '{{.Names}}' '{{.Image}}' '{{.State}}')'{{.Status}}'

# app_container_lines: turns what docker ps prints in this format into the lines of app_inspect. A label that compose does not write so is a
# question mark: it equals nothing.
app_container_lines() {
  awk -F '\t' '
    function label(text) {
      if (text == "\"\"") return ""
      return text ~ /^"[A-Za-z0-9._:@\/+~-]+"$/ ? substr(text, 2, length(text) - 2) : "?"
    }
    $1 == "container" && NF == 10 {
      service = label($2)
      image = label($4)
      print $1, service == "" ? "?" : service, "-" label($3), $7, image == "" ? "?" : image, "-" label($5), "-" label($6), $8, $9, $10
    }'
}

# app_judge SERVICE KIND COUNT SIGNATURE IMAGE NAME: compares one service with what app_inspect has found.
app_judge() {
  judge_count=0
  judge_hash=
  judge_image=
  judge_known=
  judge_compose=
  while read -r judge_word judge_one judge_two judge_name judge_id judge_signature judge_by judge_ref judge_state judge_status; do
    case $judge_word,$judge_one in
      hash,*) judge_known=yes && if [ "$judge_one" = "$1" ]; then judge_hash=$judge_two; fi ;;
      image,"$5") judge_image=$judge_two ;;
      compose,*) judge_compose=$judge_one ;;
    esac
  done <<END
$app_seen
END
  while read -r judge_word judge_one judge_two judge_name judge_id judge_signature judge_by judge_ref judge_state judge_status; do
    if [ "$judge_word,$judge_one" != "container,$1" ]; then continue; fi
    judge_count=$((judge_count + 1))
    judge_by=${judge_by#-}
    judge_by=${judge_by#v}
    case $judge_known,$judge_two,$judge_signature,$judge_by in
      yes,"-$judge_hash",*) ;;
      # Before the files of the release are on the host, its definition in the lock has to do.
      ,*,"-$4,$judge_compose") ;;
      # Two versions of compose hash one definition differently: the container is right, but the next change replaces it.
      *,"-$4",*)
        if [ "$judge_by" = "$judge_compose" ]; then
          echo "$judge_name runs another configuration"
          return 1
        fi
        case $run_differ in
          *" apps.$6."*)
            echo "$judge_name runs another configuration to compose $judge_compose, because compose $judge_by has started it"
            return 1
            ;;
        esac
        ;;
      *)
        echo "$judge_name runs another configuration"
        return 1
        ;;
    esac
    if [ "$judge_ref" != "$5" ] || [ "$judge_id" != "$judge_image" ]; then
      echo "$judge_name runs another image than $5"
      return 1
    fi
    case $2,$judge_state,$judge_status in
      once,exited,"Exited (0)"*) ;;
      run,running,*"(unhealthy)"* | run,running,*"(health: starting)"*)
        echo "$judge_name is ${judge_status#*\(}" | tr -d ')'
        return 1
        ;;
      run,running,*) ;;
      *)
        echo "$judge_name: $judge_state, $judge_status"
        return 1
        ;;
    esac
  done <<END
$app_seen
END
  case $judge_count in
    "$3") ;;
    0) echo "absent" && return 1 ;;
    *) echo "$judge_count containers instead of $3" && return 1 ;;
  esac
}

# app_up FOLDER NAME RELEASE SECONDS MONITOR: starts the release and waits until all of it is healthy and stays so. Otherwise fails, and sets
# up_wrong to the reason and up_troubles to what its containers say.
app_up() {
  rm -f "$APP_INSPECTED/$2"
  install -d -m 0700 "$APP_INSPECTED"
  # As long as this run lasts, the unit that restarts unhealthy containers leaves those of the application alone.
  echo "$$" >"$APP_INSPECTED/$2.run"
  app_watch_start "$2"
  up_status=0
  up_output=$(app_start "$1" "$2" "$3" "$4" 2>&1) || up_status=$?
  # After a power cut the engine may know a container whose files it has lost: another one takes its place, with the same volumes.
  case $up_status,$up_output in
    0,*) ;;
    *snapshot*"does not exist"*)
      up_status=0
      up_output=$(app_start "$1" "$2" "$3" "$4" --force-recreate 2>&1) || up_status=$?
      ;;
  esac
  app_note_databases "$1" "$2"
  if [ "$up_status" -ne 0 ]; then
    app_watch_end
    up_wrong=$(app_last_lines "$2" "$up_output" 1)
    up_troubles=$(app_troubles "$2")
    return 1
  fi
  app_watch_end
  up_before=$(app_current "$1")
  if [ "$up_before" != "$3" ]; then app_note_update "$1" "$up_before" "$3"; fi
  if up_wrong=$(app_stays "$2" "$5"); then
    return 0
  fi
  up_troubles=$(app_troubles "$2")
  return 1
}

# app_stays NAME SECONDS: whether for so long no container of the application is restarted or becomes unhealthy. Containers that have ended
# with 0 stay ended.
app_stays() {
  stays_since=$(app_restarts "$1")
  stays_left=$2
  while [ "$stays_left" -gt 0 ]; do
    sleep 2
    stays_left=$((stays_left - 2))
    stays_now=$(app_restarts "$1")
    if [ "$stays_now" != "$stays_since" ]; then
      echo "it did not stay as it was for $2 s: $(app_difference "$stays_since" "$stays_now")"
      return 1
    fi
  done
}

# app_difference BEFORE AFTER: prints the first line of AFTER that is not in BEFORE.
app_difference() {
  while read -r difference_line; do
    case $SEALIFT_LINE_END$1$SEALIFT_LINE_END in
      *"$SEALIFT_LINE_END$difference_line$SEALIFT_LINE_END"*) ;;
      *) echo "$difference_line" && return ;;
    esac
  done <<END
$2
END
  echo "one is gone"
}

# app_restarts NAME: prints one line per container: name, state, health, restarts.
app_restarts() {
  # shellcheck disable=SC2046 # ids
  timeout "$APP_ASK_SEC" "$SEALIFT_DOCKER" inspect --format '{{.Name}} {{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{else}}-{{end}} restarts={{.RestartCount}}' $(app_ids "$1") 2>/dev/null | sed 's|^/||' | sort
}

# app_ids NAME: prints the ids of the containers of the application.
app_ids() {
  timeout "$APP_ASK_SEC" "$SEALIFT_DOCKER" ps --all --quiet --no-trunc --filter "label=com.docker.compose.project=$1" --filter label=com.docker.compose.oneoff=False
}

# app_troubles NAME: prints of each container that is not well its state, the last answer of its health check and the end of its log. What
# an application prints may have its own secrets, and errors are stored and sent on.
app_troubles() {
  app_restarts "$1" | while read -r trouble_name trouble_state trouble_health trouble_restarts; do
    case $trouble_state,$trouble_health,$trouble_restarts in
      running,healthy,restarts=0 | running,-,restarts=0) continue ;;
      exited,*)
        if [ "$(timeout "$APP_ASK_SEC" "$SEALIFT_DOCKER" inspect --format '{{.State.ExitCode}}' "$trouble_name" 2>/dev/null)" = 0 ]; then continue; fi
        ;;
    esac
    echo "$trouble_name: $trouble_state, health $trouble_health, $trouble_restarts"
    trouble_check=$(timeout "$APP_ASK_SEC" "$SEALIFT_DOCKER" inspect --format '{{if .State.Health}}{{range .State.Health.Log}}{{.Output}}{{"\n"}}{{end}}{{end}}' "$trouble_name" 2>/dev/null | grep . | tail -n 1) || true
    if [ -n "$trouble_check" ]; then echo "$trouble_name: health check: $trouble_check"; fi
    timeout "$APP_ASK_SEC" "$SEALIFT_DOCKER" logs --tail "$APP_LOG_LINES" "$trouble_name" 2>&1 | sed "s|^|$trouble_name: log: |"
  done | redact_contents "$APP_SECRETS/$1"
}

# app_last_lines NAME TEXT COUNT: prints the last lines of what compose or the engine has said of an application as one line, without its
# secrets: the output of a hook is among it.
app_last_lines() {
  printf '%s\n' "$2" | redact_contents "$APP_SECRETS/$1" | sed 's/^ *//' | grep . | tail -n "$3" | paste -s -d ' ' -
}
