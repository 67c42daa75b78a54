# A worker of the swarm whose engine a run stops: a manager drains its node before, and gives it its availability again after. A manager does
# so for itself.
# shellcheck disable=SC2154 # cluster.sh sets node_… and cluster_…

# In memory of the manager, by address: how many tasks of each service ran before the node was drained.
WORKER_COUNTED=/run/sealift/swarm-worker
# Seconds until all tasks that were started elsewhere run and are healthy.
WORKER_SETTLE_SEC=300

# Fact: a worker has no tasks while its engine is stopped.
# $1 host, $2 its address, $3 stops: this run stops its engine; runs: it does not
check_swarm_worker_drained() {
  if [ "$3" = runs ]; then return 0; fi
  cluster_or_why || return 1
  worker_pick "$2" || return 0
  if [ "$node_availability" = drain ] && [ -z "$(cluster_tasks "$node_id")" ]; then return 0; fi
  echo "$1 may run tasks of the swarm, and its engine is about to stop"
  return 1
}
apply_swarm_worker_drained() {
  # Of a node that is not ready, such as after a restart of this manager, the tasks are not known.
  cluster_wait "$CLUSTER_READY_SEC" node_is_there "$1" "$2" ready || true
  cluster_or_why || return 1
  worker_pick "$2" || return 0
  install -d -m 0700 "${WORKER_COUNTED%/*}"
  # In a run after one that was cut, it runs no tasks any more: then what was counted before that counts.
  if [ "$node_availability" != drain ]; then worker_count >"$WORKER_COUNTED.$2" || return 1; fi
  cluster_change node update --availability drain -- "$node_id" || return 1
  cluster_drained "$node_id" "$1" || return 1
  if cluster_wait "$WORKER_SETTLE_SEC" worker_settled; then return 0; fi
  refuse E_SWARM_NODE "the tasks of $1 do not all run elsewhere after $WORKER_SETTLE_SEC s: $worker_wrong" \
    "see why with docker service ps --no-trunc, then run pulumi up again; $1 is drained until then, and its engine runs as before"
}

# Fact: a worker whose engine this run has stopped is ready, has the availability of the site, and no service has fewer tasks than before.
# $1 host, $2 its address, $3 active or drain, $4 stops: this run stops its engine; runs: it does not
check_swarm_worker_back() {
  if [ "$4" = runs ]; then return 0; fi
  cluster_or_why || return 1
  if ! worker_pick "$2" ready; then
    echo "$1 is not ready"
  elif [ "$node_availability" != "$3" ]; then
    echo "$1 has availability $node_availability"
  elif ! worker_whole "$2"; then
    echo "$worker_wrong"
  else
    return 0
  fi
  return 1
}
apply_swarm_worker_back() {
  if ! cluster_wait "$CLUSTER_WAIT_SEC" node_is_there "$1" "$2" ready; then
    refuse E_SWARM_NODE "$1 is no ready node of the swarm $CLUSTER_WAIT_SEC s after its engine has started" \
      "see on $1 why: docker info, journalctl -u docker; then run pulumi up again"
    return 1
  fi
  worker_pick "$2" ready || return 1
  cluster_change node update --availability "$3" -- "$node_id" || return 1
  if ! cluster_wait "$WORKER_SETTLE_SEC" worker_whole "$2"; then
    refuse E_SWARM_NODE "$WORKER_SETTLE_SEC s after the engine of $1 has started: $worker_wrong" \
      "see why with docker service ps --no-trunc, then run pulumi up again"
    return 1
  fi
  rm -f "$WORKER_COUNTED.$2"
}

# worker_pick ADDRESS [ready]: cluster_pick of the node at the address, of a ready one if there is any; fails if there is none.
worker_pick() {
  worker_at=$(cluster_at "$1" ready)
  if [ -z "$worker_at" ] && [ "${2-}" != ready ]; then worker_at=$(cluster_at "$1"); fi
  cluster_pick "${worker_at%% *}"
}

# worker_count: prints a line for each service: its id, its running tasks and how many it is to have.
worker_count() {
  if ! cluster_ask service ls --format '{{.ID}} {{.Replicas}}'; then
    cluster_unanswered
    return 1
  fi
  printf '%s\n' "$cluster_said" | sed -n 's|^\([a-z0-9]\{1,25\}\) \([0-9]\{1,9\}\)/\([0-9]\{1,9\}\).*|\1 \2 \3|p'
}

# worker_settled: whether no task is on its way; otherwise sets worker_wrong. One that no node can take waits for a person.
worker_settled() {
  worker_wrong="the tasks of the swarm cannot be listed"
  cluster_ask service ls --quiet || return 1
  worker_of=$(printf '%s\n' "$cluster_said" | grep -x '[a-z0-9]*' | paste -s -d ' ' -) || true
  worker_wrong=
  if [ -z "$worker_of" ]; then return 0; fi
  worker_wrong="the tasks of the swarm cannot be listed"
  # shellcheck disable=SC2086 # ids, one word each
  cluster_ask service ps --filter desired-state=running --filter desired-state=ready --format '{{.Name}} {{.CurrentState}} ({{.Error}})' $worker_of || return 1
  worker_on_its_way=$(printf '%s\n' "$cluster_said" |
    awk '$2 == "Running" || $2 == "Complete" || /no suitable node/ { next } NF > 1 && n++ < 5 { printf ", %s is %s", $1, tolower($2) }' | plain_text)
  worker_wrong=${worker_on_its_way#, }
  [ -z "$worker_wrong" ]
}

# worker_whole ADDRESS: whether no task is on its way, and no service has fewer than were counted before the node was drained, unless it is to
# have fewer; otherwise sets worker_wrong.
worker_whole() {
  worker_settled || return 1
  if [ ! -f "$WORKER_COUNTED.$1" ]; then return 0; fi
  worker_wrong="the services of the swarm cannot be listed"
  worker_now=$(worker_count) || return 1
  worker_wrong=$(printf '%s\n' "$worker_now" | awk -v before="$WORKER_COUNTED.$1" '
    BEGIN { while ((getline line < before) > 0) { split(line, of, " "); had[of[1]] = of[2] } }
    NF == 3 && ($1 in had) { must = had[$1] < $3 ? had[$1] : $3; if ($2 + 0 < must + 0) { printf "%sservice %s has %d of %d tasks", gap, $1, $2, must; gap = "; " } }')
  [ -z "$worker_wrong" ]
}
