# Stacks: applications of the site on its swarm. What the swarm has is the same on every manager, and so is the answer of every check but that
# of the file. After a deployment that has succeeded, the swarm itself keeps what it was, as a config object of its own: the specification of
# each service, so that a change that a person makes is found by name, and the stack file, so that any manager can go back to it.
# shellcheck disable=SC2154 # files.sh sets file_wrong and path_wrong

# What each stack was last found to be; in memory.
STACK_INSPECTED=/run/sealift/stacks
# Longest time in seconds for a question to the engine.
STACK_ASK_SEC=60
# Where the secrets of applications lie, decrypted.
STACK_SECRETS=/run/sealift/secrets
# How many lines of a service's log an error shows.
STACK_LOG_LINES=20
stack_tab=$(printf '\t')

# Fact: the stack file of the release lies on this manager, and only root can change it.
# $1 folder of the stacks, $2 name of the application, $3 its text, $4... one line per service: NAME SIGNATURE IMAGE MODE REPLICAS
check_stack_file() {
  stack_lines "$@"
  if ! path_is_safe "$1"; then
    echo "$path_wrong"
    return 1
  fi
  file_inspect "$1/$2.json" "$1/$2.services"
  if file_is "$1/$2.json" "$3" "root:root 600" && file_is "$1/$2.services" "$file_lines" "root:root 600"; then return 0; fi
  echo "$file_wrong"
  return 1
}
apply_stack_file() {
  stack_lines "$@"
  install -d -o root -g root -m 0700 "$1"
  if ! path_is_safe "$1"; then
    echo "$path_wrong"
    return 1
  fi
  file_put "$1/$2.json" "$3" "root:root 600"
  file_put "$1/$2.services" "$file_lines" "root:root 600"
}

# stack_lines ARG...: the arguments of the fact. Sets file_lines to the text of the services.
stack_lines() {
  shift 3
  file_lines=$(printf '%s\n' "$@")
}

# Fact: the files of the project that services of the release mount are configs of the swarm, named by their content.
# $1 name of the application, $2 sha256 of the archive of its project, then NAME SHA256 PATH of each: its name in the swarm, its content, and
# where it is in the project
check_stack_configs() {
  stack_ready || return 1
  configs_app=$1
  shift 2
  configs_have=" $(stack_docker config ls --filter "label=io.sealift.stack=$configs_app" --format '{{.Name}}' | paste -s -d ' ' -) "
  while [ $# -ge 3 ]; do
    case $configs_have in
      *" $1 "*) ;;
      *) echo "config $1 is absent" && return 1 ;;
    esac
    # The client ends each answer with a line end.
    if [ "$(stack_docker config inspect --format '{{printf "%s" .Spec.Data}}' "$1" | head -c -1 | sha256sum | cut -d ' ' -f 1)" != "$2" ]; then
      echo "config $1 has another content than its name says"
      return 1
    fi
    shift 3
  done
}
apply_stack_configs() {
  stack_ready || return 1
  configs_app=$1
  configs_blob=$SEALIFT_BLOBS/$2
  shift 2
  while [ $# -ge 3 ]; do
    if check_stack_configs "$configs_app" "${configs_blob##*/}" "$1" "$2" "$3" >/dev/null; then
      shift 3
      continue
    fi
    install -d -m 0700 "$STACK_INSPECTED"
    tar -x -O -f "$configs_blob" -- "$3" >"$STACK_INSPECTED/.config"
    if [ "$(sha256sum <"$STACK_INSPECTED/.config" | cut -d ' ' -f 1)" != "$2" ]; then
      echo "$3 in the project of $configs_app is not what the lock says"
      return 1
    fi
    # One of this name with another content: the engine refuses to remove it while a service uses it.
    stack_docker config rm "$1" >/dev/null 2>&1 || true
    if ! configs_said=$(stack_docker config create --label "io.sealift.stack=$configs_app" "$1" - <"$STACK_INSPECTED/.config" 2>&1); then
      rm -f "$STACK_INSPECTED/.config"
      echo "docker config create $1 failed: $configs_said"
      return 1
    fi
    rm -f "$STACK_INSPECTED/.config"
    shift 3
  done
}

# Fact: the secrets of the application are secrets of the swarm, named by their encrypted file. Their content goes from memory to the engine,
# and is on no command line.
# $1 name of the application, then NAME FILE of each: its name in the swarm, and where this host has it decrypted
check_stack_secrets() {
  stack_ready || return 1
  secrets_have=" $(stack_docker secret ls --filter "label=io.sealift.stack=$1" --format '{{.Name}}' | paste -s -d ' ' -) "
  shift
  while [ $# -ge 2 ]; do
    case $secrets_have in
      *" $1 "*) ;;
      *) echo "secret $1 is absent" && return 1 ;;
    esac
    shift 2
  done
}
apply_stack_secrets() {
  stack_ready || return 1
  secrets_app=$1
  shift
  while [ $# -ge 2 ]; do
    if check_stack_secrets "$secrets_app" "$1" "$2" >/dev/null; then
      shift 2
      continue
    fi
    if [ ! -f "$2" ]; then
      echo "secret $1 cannot be created: $2 is not decrypted on this host"
      return 1
    fi
    if ! secrets_said=$(stack_docker secret create --label "io.sealift.stack=$secrets_app" "$1" - <"$2" 2>&1); then
      echo "docker secret create $1 failed: $secrets_said"
      return 1
    fi
    shift 2
  done
}

# Fact: the networks of the stack that exist have the definition of the release. docker stack deploy leaves them as they are.
# $1 name of the application, then NAME SIGNATURE of each
check_stack_networks() {
  stack_ready || return 1
  networks_app=$1
  shift
  while [ $# -ge 2 ]; do
    networks_found=$(stack_docker network inspect --format '{{json (index .Labels "io.sealift.network")}}' "${networks_app}_$1" 2>/dev/null) || networks_found=absent
    case $networks_found in
      absent | "\"$2\"") shift 2 ;;
      *) echo "network ${networks_app}_$1 has another definition than in the release" && return 1 ;;
    esac
  done
}
guard_stack_networks() {
  case $(check_stack_networks "$@" || true) in
    "network "*) ;;
    *) return 0 ;;
  esac
  refuse E_APP_STACK "$(check_stack_networks "$@" || true): a swarm never changes a network, and services use it" \
    "keep its definition, or give the network another name in the Compose file"
}
apply_stack_networks() {
  guard_stack_networks "$@"
  check_stack_networks "$@"
}

# Fact: the service runs on the swarm as the release defines it, with all its replicas, and nobody has changed it since.
# $1 folder of the stacks, $2 name of the application, $3 release, $4 service, $5 signature, $6 image, $7 replicated or global, $8 replicas,
# $9 seconds for a deployment, $10 rollback or pause, $11 seconds for which a service that is new is watched
check_stack_service() {
  stack_inspect "$2" || return 1
  stack_judge "$2" "$4" "$5" "$6" "$7" "$8" && return 0
  return 1
}
effect_stack_service() {
  if [ ! -S /run/docker.sock ]; then echo none && return 0; fi
  stack_inspect "$2" >/dev/null || { echo none && return 0; }
  case $(stack_judge "$2" "$4" "$5" "$6" "$7" "$8" || true) in
    absent | *" replicas instead of "* | *" replicas run"* | "its deployment "* | "an update "*) echo none ;;
    *) echo containers-stop ;;
  esac
}
apply_stack_service() {
  stack_inspect "$2" || return 1
  service_folder=$1
  service_app=$2
  service_release=$3
  service_seconds=$9
  shift 9
  service_action=$1
  service_before=$(stack_last "$service_app")
  service_new=$(stack_new "$service_app" <"$service_folder/$service_app.services")
  if stack_deploy "$service_app" "$service_folder/$service_app.json" "$service_folder/$service_app.services" "$service_seconds" &&
    stack_watch "$service_app" "$2" "$service_new"; then
    stack_keep "$service_app" "$service_release" "$service_folder/$service_app.json"
    return
  fi
  # Before anything else starts, because the tasks of the release are gone afterwards.
  service_wrong=$deploy_wrong
  service_troubles=$(stack_troubles "$service_app" "$deploy_service")
  case $service_before,$service_action in
    ,* | "$service_release",* | *,pause) service_after="it is left as it is" ;;
    *)
      if stack_back "$service_app" "$service_before" "$service_folder" "$service_seconds"; then
        service_after="release $service_before runs again"
      else
        service_after="release $service_before does not run either: $deploy_wrong"
      fi
      ;;
  esac
  finding_with_remedy E_APP_UPDATE "release $service_release of $service_app does not run on the swarm: $service_wrong; $service_after" "correct it in a new version, or set version: in the site back to the one before"
  echo "$service_troubles"
  return 1
}

# Fact: the stack has no other services than those of the release.
# $1 name of the application, $2... all services
check_stack_rest() {
  stack_ready || return 1
  rest_app=$1
  shift
  rest_wanted=" $* "
  rest_found=
  for rest_one in $(stack_services "$rest_app"); do
    case $rest_wanted in
      *" ${rest_one#"${rest_app}_"} "*) ;;
      *) rest_found="$rest_found $rest_one" ;;
    esac
  done
  if [ -z "$rest_found" ]; then return 0; fi
  echo "services that the release does not have:$rest_found"
  return 1
}
apply_stack_rest() {
  check_stack_rest "$@" >/dev/null && return 0
  rm -f "$STACK_INSPECTED/$1"
  # shellcheck disable=SC2086 # names of services hold no blanks
  stack_docker service rm $rest_found >/dev/null
}

# Fact: this release is the last one that was deployed, and the swarm has it to go back to.
# $1 folder of the stacks, $2 name of the application, $3 release
check_stack_current() {
  stack_ready || return 1
  current_found=$(stack_last "$2")
  if [ "$current_found" = "$3" ]; then return 0; fi
  echo "${current_found:-absent}"
  return 1
}
apply_stack_current() {
  rm -f "$STACK_INSPECTED/$2"
  stack_inspect "$2" || return 1
  stack_keep "$2" "$3" "$1/$2.json"
}

# Fact: besides the last release, no more than so many are kept on the swarm, with their configs and secrets.
# $1 name of the application, $2 number of earlier releases, $3... configs and secrets of this release
check_stack_kept() {
  stack_ready || return 1
  kept_found=$(stack_unused "$@" | paste -s -d ' ' -)
  if [ -z "$kept_found" ]; then return 0; fi
  echo "no longer needed: $kept_found"
  return 1
}
apply_stack_kept() {
  stack_ready || return 1
  stack_unused "$@" | while read -r kept_kind kept_name; do
    # Without it the check finds it again, and the engine has said why.
    stack_docker "$kept_kind" rm "$kept_name" >/dev/null
  done
}

# stack_docker WORD...: docker, for a bounded time, with nothing of the caller's environment.
stack_docker() { env -i PATH="$PATH" HOME=/root timeout "$STACK_ASK_SEC" "$SEALIFT_DOCKER" "$@"; }

# stack_ready: whether this host can be asked; otherwise prints why not.
stack_ready() {
  client_is_safe || return 1
  # The answer of an engine that has lost its quorum takes longer than anybody waits.
  ready_found=$(stack_docker info --format '{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}' 2>&1) || true
  case $ready_found in
    "active true") return 0 ;;
    inactive* | "active false") echo "absent: this host is not a manager of a swarm yet" ;;
    *) echo "the engine does not answer: $ready_found" ;;
  esac
  return 1
}

# stack_services APP: prints the names of the services of the stack.
stack_services() { stack_docker service ls --filter "label=com.docker.stack.namespace=$1" --format '{{.Name}}'; }

# stack_records APP: prints one line per release that was deployed, the last one first: NUMBER NAME RELEASE.
stack_records() {
  # shellcheck disable=SC2046 # ids
  set -- $(stack_docker config ls --filter "label=io.sealift.stack=$1" --filter label=io.sealift.release --quiet)
  if [ $# -eq 0 ]; then return 0; fi
  # The number of the change in the swarm's own log: unlike a time it is the same for all managers.
  stack_docker config inspect --format '{{.Version.Index}} {{.Spec.Name}} {{index .Spec.Labels "io.sealift.release"}}' "$@" | sort -r -n
}

# stack_last APP: prints the release that was deployed last; nothing if there is none.
stack_last() { stack_records "$1" | sed -n '1s/^[^ ]* [^ ]* //p'; }

# stack_record NAME WORD: prints the lines of a record that begin with WORD, without it.
stack_record() {
  stack_docker config inspect --format '{{printf "%s" .Spec.Data}}' "$1" | sed -n "s/^$2$stack_tab//p"
}

# stack_inspect APP: sets stack_seen to what the swarm has of the stack, one line each, with tabs between the fields:
#   spec NAME FIELD...                         as it was deployed last
#   service NAME FIELD...                      as it is
#   state NAME SIGNATURE UPDATE MESSAGE        how its last update ended
#   tasks NAME RUNNING/WANTED
# It serves all facts of a run. Otherwise fails with a finding.
stack_inspect() {
  stack_seen=
  if [ -f "$STACK_INSPECTED/$1" ]; then
    stack_seen=$(cat "$STACK_INSPECTED/$1")
    case $stack_seen in
      "inspected $$$SEALIFT_LINE_END"*) return 0 ;;
    esac
  fi
  stack_ready || return 1
  inspect_ids=$(stack_docker service ls --quiet --filter "label=com.docker.stack.namespace=$1")
  stack_seen=$(
    echo "inspected $$"
    echo "end"
    inspect_record=$(stack_records "$1" | sed -n '1s/^[^ ]* \([^ ]*\) .*/\1/p')
    if [ -n "$inspect_record" ]; then stack_record "$inspect_record" service | sed "s/^/spec$stack_tab/"; fi
    if [ -n "$inspect_ids" ]; then
      # shellcheck disable=SC2086 # ids
      stack_docker service inspect --format "$STACK_SPEC$SEALIFT_LINE_END$STACK_STATE" $inspect_ids
      stack_docker service ls --filter "label=com.docker.stack.namespace=$1" --format "tasks$stack_tab{{.Name}}$stack_tab{{.Replicas}}"
    fi
  )
  install -d -m 0700 "$STACK_INSPECTED"
  printf '%s\n' "$stack_seen" >"$STACK_INSPECTED/$1.new"
  mv "$STACK_INSPECTED/$1.new" "$STACK_INSPECTED/$1"
}
# JSON keeps each field on its line and without tabs. The order is that of STACK_FIELDS.
STACK_FIELDS="image|replicas|ports|networks|environment|mounts|configs|secrets|resources|restart policy|placement|logging|update policy|rollback policy|labels|container"
STACK_TASK='.Spec.TaskTemplate'
STACK_SPEC=$(printf '%s\t' service '{{.Spec.Name}}' "{{json $STACK_TASK.ContainerSpec.Image}}" '{{json .Spec.Mode}}' '{{json .Spec.EndpointSpec}}' \
  "{{json $STACK_TASK.Networks}}" "{{json $STACK_TASK.ContainerSpec.Env}}" "{{json $STACK_TASK.ContainerSpec.Mounts}}" \
  "{{json $STACK_TASK.ContainerSpec.Configs}}" "{{json $STACK_TASK.ContainerSpec.Secrets}}" "{{json $STACK_TASK.Resources}}" \
  "{{json $STACK_TASK.RestartPolicy}}" "{{json $STACK_TASK.Placement}}" "{{json $STACK_TASK.LogDriver}}" '{{json .Spec.UpdateConfig}}' \
  '{{json .Spec.RollbackConfig}}' '{{json .Spec.Labels}}')"{{json $STACK_TASK.ContainerSpec}}"
STACK_STATE=$(printf '%s\t' state '{{.Spec.Name}}' '{{json (index .Spec.Labels "io.sealift.service")}}')'{{if .UpdateStatus}}{{.UpdateStatus.State}}'$stack_tab'{{json .UpdateStatus.Message}}{{else}}-'$stack_tab'-{{end}}'

# stack_judge APP SERVICE SIGNATURE IMAGE MODE REPLICAS: compares one service with what stack_inspect has found.
stack_judge() {
  printf '%s\n' "$stack_seen" | LC_ALL=C awk -F '\t' -v name="$1_$2" -v signature="$3" -v image="$4" -v mode="$5" -v replicas="$6" -v fields="$STACK_FIELDS" '
    function bare(text) { gsub(/^"|"$/, "", text); return text }
    # Findings are bounded, and two whole digests would take the place of the reason.
    function brief(image, at) { at = index(image, "@sha256:"); return at == 0 ? image : substr(image, 1, at + 19) }
    BEGIN { count = split(fields, field, "|") }
    $2 != name { next }
    $1 == "spec" { known = 1; for (i = 1; i <= count; i++) kept[i] = $(i + 2) }
    $1 == "service" { there = 1; for (i = 1; i <= count; i++) is[i] = $(i + 2) }
    $1 == "state" { label = bare($3); update = $4; message = bare($5) }
    $1 == "tasks" { split($3, part, /[\/ ]/); running = part[1] + 0; wanted = part[2] + 0 }
    function found(text) { print text; exit 1 }
    END {
      if (!there) found("absent")
      ended = update ~ /^rollback/ ? " (" message ")" : ""
      if (bare(is[1]) != image) found("runs image " brief(bare(is[1])) " instead of " brief(image) ended)
      expected = mode == "global" ? "{\"Global\":{}}" : "{\"Replicated\":{\"Replicas\":" replicas "}}"
      if (is[2] != expected) {
        if (mode != "global" && is[2] ~ /^{"Replicated":{"Replicas":[0-9]+}}$/) {
          now = is[2]
          gsub(/[^0-9]/, "", now)
          found(now " replicas instead of " replicas)
        }
        found("runs in another mode than " mode)
      }
      if (label != signature) found("runs another definition" ended)
      if (!known) found("its deployment was not completed")
      for (i = 1; i < count; i++)
        if (is[i] != kept[i]) changed = changed (changed == "" ? "" : ", ") field[i]
      if (changed == "" && is[count] != kept[count]) changed = field[count]
      if (changed != "") found("was changed since it was deployed: " changed)
      if (update == "updating" || update == "rollback_started") found("an update is in progress")
      if (update ~ /paused$/) found("its update has stopped: " message)
      if (running < wanted) found(running " of " wanted " replicas run")
    }'
}

# stack_deploy APP FILE SERVICES SECONDS: deploys a stack file and waits until all services run as the lines of the file SERVICES say.
# Otherwise fails, and sets deploy_wrong to the reason and deploy_service to the service.
stack_deploy() {
  stack_forget_images "$1" <"$3"
  deploy_status=0
  deploy_said=$(env -i PATH="$PATH" HOME=/root timeout "$4" "$SEALIFT_DOCKER" stack deploy --resolve-image never --detach=false --prune --compose-file "$2" "$1" 2>&1 </dev/null) || deploy_status=$?
  rm -f "$STACK_INSPECTED/$1"
  deploy_service=
  deploy_wrong=
  stack_inspect "$1" || return 1
  while read -r deploy_one deploy_signature deploy_image deploy_mode deploy_replicas; do
    if deploy_found=$(stack_judge "$1" "$deploy_one" "$deploy_signature" "$deploy_image" "$deploy_mode" "$deploy_replicas"); then continue; fi
    # No record has it yet: that comes when all of it runs.
    case $deploy_found in "its deployment "* | "was changed since "*) if stack_runs "$1" "$deploy_one"; then continue; fi ;; esac
    deploy_service=$deploy_one
    deploy_wrong="service $deploy_one $deploy_found"
    deploy_error=$(stack_task_error "$1_$deploy_one")
    if [ -n "$deploy_error" ]; then deploy_wrong="$deploy_wrong: $deploy_error"; fi
    return 1
  done <"$3"
  case $deploy_status in
    0) return 0 ;;
    124) stack_restless "$1" "$4" <"$3" ;;
    *) deploy_wrong=$(printf '%s\n' "$deploy_said" | grep . | tail -n 1) ;;
  esac
  return 1
}

# stack_restless APP SECONDS: after a deployment that has not ended, although all services of the lines on standard input run at this moment: sets
# deploy_wrong, and deploy_service to the first of them whose tasks have failed: they are started again and again.
stack_restless() {
  while read -r deploy_one _; do
    deploy_error=$(stack_task_error "$1_$deploy_one")
    if [ -z "$deploy_error" ]; then continue; fi
    deploy_service=$deploy_one
    deploy_wrong="service $deploy_one has not come to rest within $2 s: $deploy_error"
    return 0
  done
  deploy_wrong="the deployment has not ended within $2 s"
}

# stack_new APP: of the lines of services on standard input, prints the full names of those that no release has had which was accepted.
stack_new() {
  while read -r new_one _; do
    case $SEALIFT_LINE_END$stack_seen in
      *"${SEALIFT_LINE_END}spec$stack_tab$1_$new_one$stack_tab"*) ;;
      *) echo "$1_$new_one" ;;
    esac
  done
}

# stack_watch APP SECONDS NAMES: whether all tasks of these services go on for so long. A swarm watches what it updates, and nothing that is new.
# Otherwise sets deploy_wrong and deploy_service as stack_deploy does.
stack_watch() {
  if [ -z "$3" ]; then return 0; fi
  watch_tasks=$(stack_running "$3")
  watch_until=$(($(date +%s) + $2))
  while [ "$(date +%s)" -lt "$watch_until" ]; do
    sleep 1
    watch_now=$(stack_running "$3")
    # One that is gone, and not an engine that has not answered.
    watch_gone=$(printf '%s\n' "$watch_tasks" | grep -vxF "$watch_now" | head -n 1)
    if [ -z "$watch_now" ] || [ -z "$watch_gone" ]; then continue; fi
    deploy_service=${watch_gone#* "$1"_}
    deploy_service=${deploy_service%%.*}
    deploy_wrong="service $deploy_service did not stay as it was for $2 s"
    deploy_error=$(stack_task_error "$1_$deploy_service")
    if [ -n "$deploy_error" ]; then deploy_wrong="$deploy_wrong: $deploy_error"; fi
    return 1
  done
}

# stack_running NAMES: prints one line for each task of the services that is to run: ID NAME.
stack_running() {
  # shellcheck disable=SC2086 # names of services hold no blanks
  stack_docker service ps --no-trunc --filter desired-state=running --format '{{.ID}} {{.Name}}' $1 2>/dev/null || true
}

# stack_forget_images APP: of the lines of services on standard input, takes the label with its image from each service that has the definition
# and another image: docker stack deploy keeps the image of a service whose label says that it is the one of the file (docker/cli, deployServices).
stack_forget_images() {
  while read -r forget_one forget_signature forget_image _; do
    if printf '%s\n' "$stack_seen" | LC_ALL=C awk -F '\t' -v name="$1_$forget_one" -v signature="\"$forget_signature\"" -v image="\"$forget_image\"" '
      $2 == name && $1 == "service" && $3 != image { other = 1 }
      $2 == name && $1 == "state" && $3 == signature { same = 1 }
      END { exit !(other && same) }'; then
      # Labels of a service are not those of its containers: nothing is replaced.
      stack_docker service update --quiet --detach --label-rm com.docker.stack.image "$1_$forget_one" </dev/null >/dev/null 2>&1 || true
    fi
  done
}

# stack_runs APP SERVICE: whether no update of the service goes on or has stopped, and all its replicas run. Otherwise sets deploy_found.
stack_runs() {
  deploy_found=$(printf '%s\n' "$stack_seen" | LC_ALL=C awk -F '\t' -v name="$1_$2" '
    $2 == name && $1 == "state" && ($4 == "updating" || $4 ~ /^rollback|paused$/) { print "has not been updated: " $5 }
    $2 == name && $1 == "tasks" { split($3, part, /[\/ ]/); if (part[1] + 0 < part[2] + 0) print "does not run: " part[1] " of " part[2] " replicas run" }' | head -n 1)
  [ -z "$deploy_found" ]
}

# stack_task_error SERVICE: prints the error of its last task that has one.
stack_task_error() {
  stack_docker service ps --no-trunc --format '{{.Error}}' "$1" 2>/dev/null | grep . | head -n 1 | sed 's/^"\(.*\)"$/\1/'
}

# stack_troubles APP SERVICE: prints the errors of the service's tasks and the end of its log. What an application prints may have its own
# secrets, and errors are stored and sent on.
stack_troubles() {
  if [ -z "$2" ]; then return 0; fi
  {
    stack_docker service ps --no-trunc --format '{{.Name}} on {{.Node}}: {{.CurrentState}} {{.Error}}' "$1_$2" 2>/dev/null | head -n "$STACK_LOG_LINES"
    # A node that does not respond would hold this up.
    env -i PATH="$PATH" HOME=/root timeout 20 "$SEALIFT_DOCKER" service logs --no-trunc --tail "$STACK_LOG_LINES" "$1_$2" 2>&1 </dev/null | tail -n "$STACK_LOG_LINES" | sed 's/^/log: /'
  } | redact_contents "$STACK_SECRETS/$1"
}

# stack_back APP RELEASE FOLDER SECONDS: deploys a release that the swarm has kept.
stack_back() {
  back_record=$(stack_records "$1" | sed -n '1s/^[^ ]* \([^ ]*\) .*/\1/p')
  (umask 077 && stack_record "$back_record" file >"$3/$1.back" && stack_record "$back_record" want | tr "$stack_tab" ' ' >"$3/$1.back-services")
  stack_deploy "$1" "$3/$1.back" "$3/$1.back-services" "$4" || return 1
  rm -f "$3/$1.back" "$3/$1.back-services"
}

# stack_keep APP RELEASE FILE: keeps in the swarm what is deployed: the specification of each service, what the release wants, and its file.
stack_keep() {
  # A version may be longer than a name of the swarm.
  keep_name=$1_sealift-${2##*-}
  stack_docker config rm "$keep_name" >/dev/null 2>&1 || true
  if ! keep_said=$(
    {
      printf '%s\n' "$stack_seen" | grep "^service$stack_tab"
      sed "s/^/want$stack_tab/" "${3%.json}.services"
      sed "s/^/file$stack_tab/" "$3"
    } | stack_docker config create --label "io.sealift.stack=$1" --label "io.sealift.release=$2" "$keep_name" - 2>&1
  ); then
    echo "docker config create $keep_name failed: $keep_said"
    return 1
  fi
  rm -f "$STACK_INSPECTED/$1"
}

# stack_unused APP KEEP NAME...: prints config or secret, and its name, for each that neither this release nor one of the last KEEP before it
# needs. Nothing when what is kept cannot be read.
stack_unused() {
  unused_app=$1
  unused_records=$(stack_records "$1" | cut -d ' ' -f 2)
  unused_kept=$(printf '%s\n' "$unused_records" | head -n "$(($2 + 1))")
  shift 2
  unused_texts=$(for unused_one in $unused_kept; do stack_record "$unused_one" file || exit 1; done) || return 0
  for unused_kind in config secret; do
    stack_docker "$unused_kind" ls --filter "label=io.sealift.stack=$unused_app" --format '{{.Name}}' | while read -r unused_one; do
      case " $* $(printf '%s' "$unused_kept" | tr '\n' ' ') " in *" $unused_one "*) continue ;; esac
      case $unused_texts in *"\"$unused_one\""*) continue ;; esac
      echo "$unused_kind $unused_one"
    done
  done
}
