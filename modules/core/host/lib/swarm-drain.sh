# A manager of a swarm whose engine a run stops: its tasks move to other nodes before, and it takes tasks again afterwards.

# Written before the node is drained, and removed when it is active again: cut in between, the next run goes on.
DRAIN_NOTED=$SEALIFT_STATE/swarm-drained
# Seconds until managers and services are there again, and until a drained node has no tasks.
DRAIN_WAIT_SEC=90
DRAIN_RETURN_SEC=180
DRAIN_END_SEC=600

# drain_own_node: before a run stops the engine. Does nothing on other hosts than managers, without tasks, where no other node takes tasks, and
# without a quorum, which a restart of the engine cannot cost any more.
drain_own_node() {
  if [ ! -x "$SEALIFT_DOCKER" ] || ! systemctl is-active --quiet docker.service || ! drain_nodes; then return 0; fi
  if ! drain_wait "$DRAIN_WAIT_SEC" drain_leaves_quorum; then
    refuse E_SWARM_QUORUM "$drain_reachable of $drain_managers managers are reachable: without this one the swarm would lose its quorum" \
      "start the managers that are down, or add them to removed if they are lost; then run pulumi up again"
    return 1
  fi
  if [ "$drain_availability" != Drain ]; then
    if [ "$drain_others" = 0 ] || drain_is_empty; then return 0; fi
    : >"$DRAIN_NOTED.new"
    # The note must survive a power cut.
    put_in_place "$DRAIN_NOTED"
    drain_ask node update --availability drain -- "$drain_id" || return 1
  fi
  if ! drain_wait "$DRAIN_END_SEC" drain_is_empty; then
    # Its engine runs on.
    if [ -e "$DRAIN_NOTED" ] && drain_ask node update --availability active -- "$drain_id"; then rm -f "$DRAIN_NOTED"; fi
    refuse E_SWARM_NODE "tasks of this node do not end within $DRAIN_END_SEC s after it was drained: $drain_tasks" \
      "see why with docker node ps self; stop_grace_period may be too long; then run pulumi up again"
    return 1
  fi
  # A service that may run only here has no replicas meanwhile.
  drain_wait "$DRAIN_WAIT_SEC" drain_replicas || true
}

# drain_return: once the engine is back: makes the node active again if a run has drained it, and waits until services have their replicas.
# The note goes first: a service that stays short of replicas must not keep later runs from deploying what repairs it.
drain_return() {
  if [ ! -e "$DRAIN_NOTED" ]; then return 0; fi
  if ! drain_wait "$DRAIN_WAIT_SEC" drain_is_back; then
    refuse E_SWARM_NODE "this host is not a ready and reachable manager of the swarm $DRAIN_WAIT_SEC s after its engine has started" "see docker info and journalctl -u docker, then run pulumi up again"
    return 1
  fi
  drain_ask node update --availability active -- "$drain_id" || return 1
  rm -f "$DRAIN_NOTED"
  if drain_wait "$DRAIN_RETURN_SEC" drain_replicas; then return 0; fi
  refuse E_SWARM_NODE "$DRAIN_RETURN_SEC s after the engine is back, $drain_short" "see why its tasks do not run (docker service ps), then run pulumi up again"
}

# drain_ask WORD...: asks the engine: sets drain_said to a bounded answer; prints why it fails.
drain_ask() {
  drain_code=0
  drain_said=$(timeout 20 "$SEALIFT_DOCKER" "$@" 2>&1) || drain_code=$?
  if [ "$drain_code" = 0 ]; then return 0; fi
  echo "docker $1 $2 failed: $(printf '%s' "$drain_said" | head -c 300)"
  return 1
}

# drain_wait SECONDS FUNCTION: waits until the function succeeds; fails when the time is over.
drain_wait() {
  drain_until=$(($(date +%s) + $1))
  until "$2" >/dev/null; do
    if [ "$(date +%s)" -ge "$drain_until" ]; then return 1; fi
    sleep 1
  done
}

# drain_nodes: sets drain_id, drain_status, drain_availability and drain_manager of this node, how many managers there are (drain_managers) and are
# reachable (drain_reachable), and how many other nodes take tasks (drain_others). Fails on a host that is not a manager, and without a leader.
drain_nodes() {
  drain_ask node ls --format '{{.Self}} {{.ID}} {{.Status}} {{.Availability}} {{or .ManagerStatus "-"}}' >/dev/null || return 1
  drain_id='' drain_status='' drain_availability='' drain_manager='' drain_managers=0 drain_reachable=0 drain_others=0
  while read -r drain_self drain_one drain_is drain_takes drain_role; do
    if [ "$drain_self" = true ]; then
      drain_id=$drain_one drain_status=$drain_is drain_availability=$drain_takes drain_manager=$drain_role
    elif [ "$drain_is $drain_takes" = "Ready Active" ]; then
      drain_others=$((drain_others + 1))
    fi
    case $drain_role in Leader | Reachable) drain_reachable=$((drain_reachable + 1)) ;; esac
    case $drain_role in -) ;; *) drain_managers=$((drain_managers + 1)) ;; esac
  done <<END
$drain_said
END
  case $drain_id in "" | *[!a-z0-9]*) return 1 ;; esac
}

# drain_is_back: whether this node takes part again.
drain_is_back() {
  drain_nodes || return 1
  case "$drain_status $drain_manager" in "Ready Leader" | "Ready Reachable") return 0 ;; esac
  return 1
}

# drain_leaves_quorum: whether more than half of the managers are reachable without this one. If all are, there is none to wait for: of one or two
# managers none can be spared.
drain_leaves_quorum() {
  drain_nodes || return 1
  [ "$drain_reachable" = "$drain_managers" ] || [ $(((drain_reachable - 1) * 2)) -gt "$drain_managers" ]
}

# drain_is_empty: whether no task runs on this node; otherwise sets drain_tasks.
drain_is_empty() {
  drain_tasks="its tasks are not known"
  drain_ask node ps --format '{{.Name}} {{.CurrentState}}' self >/dev/null || return 1
  drain_tasks=$(printf '%s\n' "$drain_said" | awk '
    $2 ~ /^(Assigned|Accepted|Preparing|Ready|Starting|Running)$/ && n++ < 5 { printf "%s%s", gap, $1; gap = ", " }' | plain_text)
  [ -z "$drain_tasks" ]
}

# drain_replicas: whether each service has its replicas; otherwise sets drain_short. Jobs have none.
drain_replicas() {
  drain_short="the services are not known"
  drain_ask service ls --format '{{.Name}} {{.Replicas}}' >/dev/null || return 1
  drain_short=$(printf '%s\n' "$drain_said" | awk '
    $2 !~ /^[0-9]+\/[0-9]+$/ || /completed/ { next }
    { split($2, count, "/") }
    count[1] + 0 < count[2] + 0 && n++ < 5 { printf "%s%s has %d of %d replicas", gap, $1, count[1], count[2]; gap = ", " }' | plain_text)
  [ -z "$drain_short" ]
}
