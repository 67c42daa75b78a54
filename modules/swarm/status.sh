# What runs on the swarm, and where, as one of its managers says, for people. Read-only.
# shellcheck disable=SC2154 # cluster.sh sets cluster_nodes, cluster_said, cluster_wrong and the numbers of managers

# Bytes that the value may have; a report takes 16384.
SWARM_STATUS_BYTES=14000

# Fact: always holds; the value has words with a blank between them:
#   managers=REACHABLE,ALL       all 0: the swarm has no leader, and tells nothing
#   node=HOST,ROLE,STATE,AVAILABILITY,REACHABILITY
#   service=APP,SERVICE,IMAGE,RUNNING,DESIRED,UPDATE,TIME
#   tasks=APP,SERVICE,HOST,NUMBER
#   more=NUMBER                  of them that are not listed
# A host that is not a manager, or whose engine does not answer, has no value.
# $1... names of the applications
check_swarm_status() { :; }
apply_swarm_status() { :; }
value_swarm_status() {
  client_is_safe >/dev/null || return 1
  if ! cluster_read; then
    case $cluster_wrong in
      *"no leader"*) echo managers=0,0 && return 0 ;;
      *) return 1 ;;
    esac
  fi
  {
    echo "managers $cluster_reachable $cluster_managers"
    printf '%s' "$cluster_nodes" | sed 's/^/node /'
    for status_app; do swarm_status_of "$status_app"; done
  } | swarm_status_words
}
# JSON keeps each name on its line.
SWARM_STATUS='service {{.ID}} {{json .Spec.Name}} {{json .Spec.TaskTemplate.ContainerSpec.Image}} {{with .UpdateStatus}}{{.State}} {{or (json .CompletedAt) "-"}}{{else}}- -{{end}}'

# swarm_status_of APP: prints a line for the application, for each of its services two, and one for each of its tasks.
swarm_status_of() {
  echo "app $1"
  cluster_ask service ls --filter "label=com.docker.stack.namespace=$1" --format 'replicas {{.Name}} {{.Replicas}}' || return 0
  status_names=$(printf '%s\n' "$cluster_said" | sed -n 's/^replicas \([A-Za-z0-9][A-Za-z0-9_.-]*\) .*/\1/p' | head -n 1000)
  if [ -z "$status_names" ]; then return 0; fi
  printf '%s\n' "$cluster_said"
  # shellcheck disable=SC2086 # one name a line
  if cluster_ask service inspect --format "$SWARM_STATUS" $status_names; then printf '%s\n' "$cluster_said"; fi
  # Ids of services and nodes: their names need not be unique.
  if cluster_ask stack ps --no-resolve --filter desired-state=running --format 'task {{.Name}} {{.Node}} {{.CurrentState}}' "$1"; then
    printf '%s\n' "$cluster_said"
  fi
}

# swarm_status_words: turns the lines on standard input into the words of the value, and leaves out what does not have their form.
swarm_status_words() {
  LC_ALL=C awk -v most="$SWARM_STATUS_BYTES" '
    function add(word) {
      if (length(found) + length(word) + 1 > most) more++
      else found = found " " word
    }
    function name(text) { return length(text) <= 100 && text ~ /^[A-Za-z0-9._-]+$/ }
    function image(text) { return length(text) <= 400 && text ~ /^[A-Za-z0-9._\/:@-]+$/ }
    function bare(text) { gsub(/^"|"$/, "", text); return text }
    $1 == "managers" { add("managers=" $2 "," $3) }
    $1 == "node" {
      host = $9 == "-" ? $10 : $9
      if (!name(host) || !name($3) || !name($5) || !name($6)) { more++; next }
      of[$2] = host
      add("node=" host "," $5 "," $3 "," $6 "," ($7 == "leader" && $8 == "reachable" ? $7 : $8))
    }
    $1 == "app" { app = $2 }
    $1 == "replicas" { split($3, part, "/"); running[$2] = part[1] + 0; wanted[$2] = part[2] + 0 }
    $1 == "service" {
      full = bare($3)
      own = substr(full, length(app) + 2)
      at = bare($6)
      if (index(full, app "_") != 1 || !name(own) || !image(bare($4)) || $5 !~ /^[a-z_-]+$/) { more++; next }
      if (at !~ /^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]/) at = "-"
      else at = substr(at, 1, 19) "Z"
      id[$2] = app "," own
      add("service=" app "," own "," bare($4) "," running[full] "," wanted[full] "," $5 "," at)
    }
    $1 == "task" && $4 == "Running" {
      cut = index($2, ".")
      key = substr($2, 1, cut - 1)
      if (!(key in id) || !($3 in of)) { more++; next }
      where = id[key] "," of[$3]
      if (!(where in tasks)) order[++places] = where
      tasks[where]++
    }
    END {
      for (at = 1; at <= places; at++) add("tasks=" order[at] "," tasks[order[at]])
      if (more > 0) found = found " more=" more
      print substr(found, 2)
    }'
}
