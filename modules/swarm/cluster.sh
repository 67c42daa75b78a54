# The swarm as a whole, from one of its managers: quorum, settings, and each node with its role, availability and labels. A manager that is
# lost is reported; nothing is ever forced on the others.
# Sources: docker swarm, docker node (26.1, 28.5, 29.0); swarmkit manager/role_manager.go (a leader that is demoted hands the lead over first).
# shellcheck disable=SC2154 # files.sh sets path_wrong, and member.sh SWARM_…

# How the engine reports a node: one line N, and one line L for each of its labels. Names come from other machines and are escaped.
# shellcheck disable=SC2016 # a template of Go
CLUSTER_NODE='N {{.ID}} {{.Status.State}} {{or .Status.Addr "-"}} {{.Spec.Role}} {{.Spec.Availability}} {{with .ManagerStatus}}{{or .Addr "-"}} {{if .Leader}}leader{{else}}-{{end}} {{.Reachability}}{{else}}- - -{{end}} {{urlquery (or (index .Spec.Labels "io.sealift.host") "-")}} {{urlquery (or .Description.Hostname "-")}}
{{$id := .ID}}{{range $k, $v := .Spec.Labels}}L {{$id}} {{printf "%q %q" $k $v}}
{{end}}'
# Seconds until a node is there or has its new role; until it is ready then; and until a drained node has no tasks any more.
CLUSTER_WAIT_SEC=90
CLUSTER_READY_SEC=20
CLUSTER_DRAIN_SEC=600

# Fact: the swarm has a leader, and more than half of its managers are reachable.
check_swarm_quorum() {
  cluster_or_why || return 1
  if cluster_majority "$cluster_reachable" "$cluster_managers"; then return 0; fi
  echo "$cluster_reachable of $cluster_managers managers are reachable"
  return 1
}
value_swarm_quorum() {
  cluster_or_why || return 1
  echo "$cluster_reachable/$cluster_managers"
}
guard_swarm_quorum() {
  # The runner has already noted that this very step differs.
  run_differ=
  if quorum_wrong=$(check_swarm_quorum); then return 0; fi
  case $quorum_wrong in
    *" managers are reachable" | *"no leader"*) ;;
    *locked*)
      refuse E_SWARM_LOCKED "$quorum_wrong" "$SWARM_UNLOCKS"
      return 1
      ;;
    *) return 0 ;;
  esac
  if [ -e "$SWARM_KEYS/current.age" ]; then
    refuse E_SWARM_QUORUM "$quorum_wrong" \
      "start the managers that are down, and unlock them; or, if they are lost for good, restore more than half from their backups: with autolock, --force-new-cluster only locks the manager (docs/guide/swarm.md, Back it up)"
    return 1
  fi
  refuse E_SWARM_QUORUM "$quorum_wrong" \
    "start the managers that are down; or, if they are lost for good, manually on one manager that is left: docker swarm init --force-new-cluster (docs/guide/swarm.md, Lost quorum)"
}
# A manager that was just promoted, or has just lost its leader, needs some seconds.
apply_swarm_quorum() {
  if cluster_wait "$CLUSTER_WAIT_SEC" check_swarm_quorum; then return 0; fi
  guard_swarm_quorum || return 1
  check_swarm_quorum
}

# Fact: the swarm has this name.
# $1 name
check_swarm_identity() {
  cluster_or_why || return 1
  if cluster_ask config inspect --format '{{printf "%q" (index .Spec.Labels "io.sealift.swarm")}}' "$SWARM_IDENTITY"; then
    if [ "$cluster_said" = "\"$1\"" ]; then return 0; fi
    echo "the swarm has the name $cluster_said"
    return 1
  fi
  case $cluster_said in
    *[Nn]"o such config"* | *"not found"*) echo "the swarm has no name" ;;
    *) cluster_unanswered ;;
  esac
  return 1
}
guard_swarm_identity() {
  if identity_wrong=$(check_swarm_identity "$1"); then return 0; fi
  case $identity_wrong in "the swarm has the name "*) ;; *) return 0 ;; esac
  refuse E_SWARM_MEMBER "$identity_wrong, and the site says \"$1\"" \
    "correct swarm.name in the site; or, if this is to be its name from now on, docker config rm $SWARM_IDENTITY on a manager"
}
apply_swarm_identity() {
  guard_swarm_identity "$1" || return 1
  printf '%s\n' "$1" | cluster_change config create --label "io.sealift.swarm=$1" -- "$SWARM_IDENTITY" -
}

# Fact: the swarm has these settings. Only the validity of certificates can be changed later.
# $1 validity of node certificates in seconds, $2 address pool, $3 its prefix length for one network, $4 data path port
check_swarm_settings() {
  cluster_settings || return 1
  settings_fixed "$2" "$3" "$4"
  if [ "$settings_expiry" != "${1}000000000" ]; then
    settings_wrong="$settings_wrong; node certificates are valid for $((settings_expiry / 1000000000)) seconds"
  fi
  if [ -z "$settings_wrong" ]; then return 0; fi
  echo "${settings_wrong#; }"
  return 1
}
guard_swarm_settings() {
  cluster_settings >/dev/null || return 0
  settings_fixed "$2" "$3" "$4"
  if [ -z "$settings_wrong" ]; then return 0; fi
  refuse E_SWARM_POOL "${settings_wrong#; }: this cannot be changed in a swarm that exists" \
    "set it so in the site; or remove all services, run docker swarm leave --force on every member, and pulumi up creates the swarm again"
}
apply_swarm_settings() {
  guard_swarm_settings "$@" || return 1
  cluster_change swarm update --cert-expiry "${1}s"
}

# Fact: each member is one node: no earlier node of a host that has joined again is left.
# $1 addresses of all managers of the site, $2... name and address of each member
check_swarm_replaced() {
  cluster_or_why || return 1
  replaced_nodes "$@"
  if [ -z "$replaced$replaced_doubles" ]; then return 0; fi
  echo "${replaced_words#; }"
  return 1
}
# Some seconds pass before the engine notices that the earlier node is down.
apply_swarm_replaced() {
  if ! cluster_wait "$CLUSTER_WAIT_SEC" replaced_are_down "$@"; then
    refuse E_SWARM_NODE "several nodes of the swarm answer at one address: ${replaced_doubles#, }" \
      "find out with docker node ls which of them is not the member, and run docker swarm leave on it"
    return 1
  fi
  for replaced_id in $replaced; do
    cluster_remove "$replaced_id" "$1" || return 1
  done
}

# Fact: a member is a node of the swarm with its role, its availability and its labels. Labels that neither the site nor an earlier site has
# named belong to others and stay: the label io.sealift.labels records which ones the site has named.
# A node that is down is reported: it gets its role when it is back.
# $1 host, $2 its address, $3 manager or worker, $4 active or drain, $5 addresses of all managers of the site, $6... labels as key=value
check_swarm_node() {
  cluster_or_why || return 1
  node_compare "$@"
  if [ -n "$node_differs" ]; then
    echo "${node_differs#; }"
    return 1
  fi
  if [ -z "$node_down" ]; then return 0; fi
  warn E_SWARM_NODE "$node_down" "start the host and its engine; or, if it is gone for good, take it out of the swarm's members and add it to removed"
}
guard_swarm_node() {
  cluster_read || return 0
  node_compare "$@"
  if [ "$3" = worker ] && [ -n "$node_id" ] && [ "$node_reach" != - ]; then cluster_may_demote "$node_id" "$1" "$5"; fi
}
effect_swarm_node() {
  cluster_read || return 1
  node_compare "$@"
  node_effect=none
  if [ -n "$node_id" ] && [ -n "$(cluster_tasks "$node_id")" ]; then
    if [ "$4" = drain ]; then node_effect=containers-stop; fi
    # A task that its node's labels or role no longer allow is stopped.
    if [ -n "$node_role_differs$node_labels_differ" ] && cluster_has_constraints; then node_effect=containers-stop; fi
  fi
  echo "$node_effect"
}
apply_swarm_node() {
  if ! cluster_wait "$CLUSTER_WAIT_SEC" node_is_there "$1" "$2"; then
    refuse E_SWARM_NODE "no node of the swarm has the address $2 of $1" \
      "see on $1 why it has not joined (docker info, journalctl -u docker); if the swarm knows it by another address, set swarm.addresses"
    return 1
  fi
  cluster_wait "$CLUSTER_READY_SEC" node_is_there "$1" "$2" ready || true
  guard_swarm_node "$@" || return 1
  node_compare "$@"
  if [ -n "$node_labels_differ" ]; then node_set_labels || return 1; fi
  if [ "$node_availability" != "$4" ]; then cluster_change node update --availability "$4" -- "$node_id" || return 1; fi
  case $node_role_differs in
    "") ;;
    manager) cluster_promote "$node_id" "$1" || return 1 ;;
    worker) cluster_demote "$node_id" "$1" "$5" || return 1 ;;
  esac
  if [ "$4" = drain ]; then cluster_drained "$node_id" "$1" || return 1; fi
  # After a change of its role, a node is without an address for a moment.
  cluster_wait "$CLUSTER_READY_SEC" node_is_there "$1" "$2" ready || true
}

# Fact: a host that leaves is no node any more. It is known by the label of Sealift; a node without the label by its own name.
# $1 host, $2 addresses of all managers of the site, $3... addresses of all members
check_swarm_removed() {
  cluster_or_why || return 1
  removed_nodes "$@"
  if [ -z "$removed" ]; then return 0; fi
  echo "$1 is still a node of the swarm"
  return 1
}
guard_swarm_removed() {
  cluster_read || return 0
  removed_managers=$2
  removed_nodes "$@"
  for removed_id in $removed; do
    cluster_pick "$removed_id"
    if [ "$node_reach" != - ]; then cluster_may_demote "$removed_id" "$1" "$removed_managers" || return 1; fi
  done
}
effect_swarm_removed() {
  cluster_read || return 1
  removed_nodes "$@"
  for removed_id in $removed; do
    if [ -n "$(cluster_tasks "$removed_id")" ]; then echo containers-stop && return 0; fi
  done
  echo none
}
apply_swarm_removed() {
  guard_swarm_removed "$@" || return 1
  cluster_or_why || return 1
  removed_nodes "$@"
  for removed_id in $removed; do
    cluster_remove "$removed_id" "$2" || return 1
  done
}

# Fact: the swarm has no nodes but those that the site names.
# $1 hosts that leave, separated by blanks, $2... name and address of each member
check_swarm_others() {
  cluster_or_why || return 1
  others_nodes "$@"
  if [ -z "$others" ]; then return 0; fi
  echo "the site does not name ${others#, }"
  return 1
}
guard_swarm_others() {
  cluster_read || return 0
  others_nodes "$@"
  if [ -z "$others" ]; then return 0; fi
  refuse E_SWARM_NODE "the site does not name ${others#, }" \
    "add the host to the swarm of the site (swarm.addresses, if it has several), or add its name to swarm.removed"
}
apply_swarm_others() {
  guard_swarm_others "$@" || return 1
  check_swarm_others "$@"
}

# Fact: no join token that was handed out is valid any more.
check_swarm_tokens() {
  if [ ! -e "$SWARM_INVITED" ]; then return 0; fi
  echo "join tokens that were handed out are still valid"
  return 1
}
apply_swarm_tokens() {
  for tokens_role in worker manager; do
    if ! timeout "$SWARM_ANSWER_SEC" "$SEALIFT_DOCKER" swarm join-token --rotate --quiet "$tokens_role" >/dev/null 2>&1; then
      echo "docker swarm join-token --rotate $tokens_role failed"
      return 1
    fi
  done
  rm -f "$SWARM_INVITED"
}

# cluster_ask WORD...: asks the engine: sets cluster_said to a bounded answer and cluster_status to the exit status.
cluster_ask() {
  cluster_said=$({
    ask_status=0
    timeout "$SWARM_ANSWER_SEC" "$SEALIFT_DOCKER" "$@" 2>&1 || ask_status=$?
    printf '\n%s' "$ask_status"
  } | head -c 1000000)
  cluster_status=${cluster_said##*"$SEALIFT_LINE_END"}
  cluster_said=${cluster_said%"$SEALIFT_LINE_END"*}
  cluster_said=${cluster_said%"$SEALIFT_LINE_END"}
  [ "$cluster_status" = 0 ]
}

# cluster_change WORD...: like cluster_ask, for what changes something; prints why it fails. Two changes at once exclude each other in the
# swarm: then the later one is tried again.
cluster_change() {
  for _ in 1 2 3; do
    if cluster_ask "$@"; then return 0; fi
    case $cluster_said in *"out of sequence"*) sleep 1 ;; *) break ;; esac
  done
  echo "docker $1 $2 failed: $(printf '%s' "$cluster_said" | head -c 300)"
  return 1
}

# cluster_unanswered: prints that the engine has not answered the last question.
cluster_unanswered() { echo "the engine does not answer ($cluster_status): $(printf '%s' "$cluster_said" | head -c 300)"; }

# cluster_or_why: like cluster_read; prints why it fails.
cluster_or_why() {
  if cluster_read; then return 0; fi
  echo "$cluster_wrong"
  return 1
}

# cluster_read: sets cluster_nodes to a line for each node: id, state, address, role, availability, leader or -, reachability or - (of a
# worker), name of the host or -, own name; cluster_labels to its lines L; and the numbers cluster_managers and cluster_reachable. Otherwise
# sets cluster_wrong.
cluster_read() {
  cluster_nodes='' cluster_labels='' cluster_managers=0 cluster_reachable=0
  case $run_differ in
    *" cluster.quorum"*)
      cluster_wrong="not known before cluster.quorum holds"
      return 1
      ;;
  esac
  if [ ! -x "$SEALIFT_DOCKER" ]; then
    cluster_wrong="absent: there is no engine yet"
    return 1
  fi
  if ! path_is_safe "${SEALIFT_DOCKER%/*}"; then
    cluster_wrong=$path_wrong
    return 1
  fi
  if ! cluster_ask node ls --quiet; then
    cluster_why
    return 1
  fi
  # shellcheck disable=SC2046 # ids, one word each
  if ! cluster_ask node inspect --format "$CLUSTER_NODE" $(printf '%s\n' "$cluster_said" | grep -x '[a-z0-9]\{25\}'); then
    cluster_why
    return 1
  fi
  while read -r node_kind node_id node_state node_from node_role node_availability node_at node_leader node_reach node_rest; do
    case $node_kind in
      N)
        if [ "$node_at" != - ]; then node_from=${node_at%:*}; fi
        cluster_nodes="$cluster_nodes$node_id $node_state $node_from $node_role $node_availability $node_leader $node_reach $node_rest$SEALIFT_LINE_END"
        if [ "$node_reach" != - ]; then cluster_managers=$((cluster_managers + 1)); fi
        if [ "$node_reach" = reachable ]; then cluster_reachable=$((cluster_reachable + 1)); fi
        ;;
    esac
  done <<END
$cluster_said
END
  cluster_labels=$(printf '%s\n' "$cluster_said" | sed -n 's/^L //p')
}

# cluster_why: sets cluster_wrong to the reason why the engine does not report nodes.
cluster_why() {
  case $cluster_status,$cluster_said in
    124,* | *"have a leader"* | *"no elected primary"* | *"deadline exceeded"*)
      cluster_wrong="the swarm has no leader: too few of its managers are running, or they do not reach each other"
      ;;
    *"not a swarm manager"*"docker swarm"*) cluster_wrong="absent: this host is in no swarm yet" ;;
    *"not a swarm manager"*) cluster_wrong="this host is not a manager of the swarm yet" ;;
    *"needs to be unlocked"*) cluster_wrong="this manager of the swarm is locked" ;;
    *) cluster_wrong=$(cluster_unanswered) ;;
  esac
}

# cluster_wait SECONDS FUNCTION ARG...: waits until the function succeeds; fails when the time is over.
cluster_wait() {
  wait_until=$(($(date +%s) + $1))
  shift
  until "$@" >/dev/null; do
    if [ "$(date +%s)" -ge "$wait_until" ]; then return 1; fi
    sleep 1
  done
}

# cluster_majority NUMBER ALL: whether NUMBER is more than half of ALL.
cluster_majority() { [ $(($1 * 2)) -gt "$2" ]; }

# cluster_pick ID: sets node_… to the fields of the line of this node; fails, with node_id empty, if there is none.
cluster_pick() {
  while read -r node_id node_state node_from node_role node_availability node_leader node_reach node_host node_own; do
    if [ -n "$1" ] && [ "$node_id" = "$1" ]; then return 0; fi
  done <<END
$cluster_nodes
END
  node_id='' node_state='' node_reach='-'
  return 1
}

# cluster_at ADDRESS [ready]: prints the ids of all nodes, or of those that are ready, with this address, separated by blanks.
cluster_at() {
  printf '%s' "$cluster_nodes" | awk -v at="$1" -v only="${2-}" \
    '$3 == at && (only == "" || $2 == only) { printf "%s%s", gap, $1; gap = " " }'
}

# cluster_tasks ID: prints the tasks that still run on a node that is ready, each after ", ".
cluster_tasks() {
  cluster_pick "$1" || return 0
  if [ "$node_state" != ready ]; then return 0; fi
  if ! cluster_ask node ps --format '{{.Name}} {{.CurrentState}}' -- "$1"; then
    echo ", unknown tasks"
    return 0
  fi
  # Of a global service the name ends with the id of the node.
  printf '%s\n' "$cluster_said" | awk '$2 ~ /^(Assigned|Accepted|Preparing|Ready|Starting|Running)$/ && n++ < 5 { printf ", %s", $1 }' | plain_text
}

# cluster_has_constraints: whether a service may run only on nodes with some label or role.
cluster_has_constraints() {
  cluster_ask service ls --quiet || return 0
  constraints_of=$(printf '%s\n' "$cluster_said" | grep -x '[a-z0-9]*' | paste -s -d ' ' -) || true
  if [ -z "$constraints_of" ]; then return 1; fi
  # shellcheck disable=SC2086 # ids, one word each
  cluster_ask service inspect --format '{{with .Spec.TaskTemplate.Placement}}{{json .Constraints}}{{end}}' $constraints_of || return 0
  case $cluster_said in *node.labels.* | *node.role*) return 0 ;; esac
  return 1
}

# cluster_settings: sets settings_expiry, settings_pool, settings_size and settings_port; prints why it fails.
cluster_settings() {
  cluster_or_why || return 1
  if ! cluster_ask info --format '{{with .Swarm.Cluster}}S {{printf "%d" .Spec.CAConfig.NodeCertExpiry}} {{join .DefaultAddrPool ","}} {{.SubnetSize}} {{.DataPathPort}}{{end}}'; then
    cluster_unanswered
    return 1
  fi
  settings_line=$(printf '%s\n' "$cluster_said" | grep '^S [0-9]') || true
  read -r _ settings_expiry settings_pool settings_size settings_port <<END
$settings_line
END
  case $settings_expiry,$settings_port in
    *[!0-9,]* | ,* | *,)
      echo "the engine does not report the settings of the swarm"
      return 1
      ;;
  esac
  if [ "$settings_port" = 0 ]; then settings_port=4789; fi
}

# settings_fixed POOL SIZE PORT: sets settings_wrong to those of them that the swarm does not have, each after "; ".
settings_fixed() {
  settings_wrong=
  if [ "$settings_pool" != "$1" ]; then settings_wrong="; the address pool is $settings_pool instead of $1"; fi
  if [ "$settings_size" != "$2" ]; then settings_wrong="$settings_wrong; a network gets a /$settings_size of the pool instead of a /$2"; fi
  if [ "$settings_port" != "$3" ]; then settings_wrong="$settings_wrong; the data path port is $settings_port instead of $3"; fi
}

# node_is_there HOST ADDRESS [ready]: whether a node of the swarm has this address.
node_is_there() { cluster_read && [ -n "$(cluster_at "$2" "${3-}")" ]; }

# node_compare: with the arguments of check_swarm_node: sets node_… to the fields of the node, and node_differs, each after "; ",
# node_role_differs, node_labels_differ and node_down.
node_compare() {
  node_differs='' node_down='' node_role_differs='' node_labels_differ=''
  node_found=$(cluster_at "$2" ready)
  if [ -z "$node_found" ]; then node_found=$(cluster_at "$2"); fi
  if ! cluster_pick "${node_found%% *}"; then
    node_differs="; $1 is no node of the swarm yet: none has the address $2"
    return 0
  fi
  if [ "$node_state" = unknown ]; then
    node_differs="$node_differs; $1 is not ready yet"
  elif [ "$node_state" != ready ]; then
    node_down="$1 is $node_state"
  elif [ "$node_reach" != - ] && [ "$node_reach" != reachable ]; then
    node_down="the manager on $1 is $node_reach"
  fi
  case $3,$node_role,$node_reach in
    manager,manager,[!-]* | worker,worker,-) ;;
    # A node that is down cannot be promoted.
    manager,*) if [ -z "$node_down" ]; then node_role_differs=manager; else node_down="$node_down, and cannot be promoted"; fi ;;
    worker,*) node_role_differs=worker ;;
  esac
  if [ -n "$node_role_differs" ]; then node_differs="$node_differs; $1 is not a $3"; fi
  if [ "$node_availability" != "$4" ]; then
    node_differs="$node_differs; $1 has availability $node_availability"
  elif [ "$4" = drain ]; then
    node_tasks=$(cluster_tasks "$node_id")
    if [ -n "$node_tasks" ]; then node_differs="$node_differs; $1 is drained, but still runs ${node_tasks#, }"; fi
  fi
  node_compare_labels "$@"
  node_differs=$node_differs$node_labels_differ
}

# node_compare_labels: with the arguments of check_swarm_node, after cluster_pick: sets node_labels_differ, and node_labels_set and
# node_labels_gone to the options that make it right, one per line.
node_compare_labels() {
  node_named=
  node_labels_set='' node_labels_gone=''
  node_labels_host=$1
  node_has=$(printf '%s\n' "$cluster_labels" | sed -n "s/^$node_id //p")
  # Which ones an earlier site has named.
  node_before=$(printf '%s\n' "$node_has" | sed -n 's/^"io\.sealift\.labels" "\(.*\)"$/\1/p')
  shift 5
  for node_label; do node_named="$node_named,${node_label%%=*}"; done
  for node_label in "io.sealift.host=$node_labels_host" ${node_named:+"io.sealift.labels=${node_named#,}"} "$@"; do
    if printf '%s\n' "$node_has" | grep -qxF -- "\"${node_label%%=*}\" \"${node_label#*=}\""; then continue; fi
    node_labels_set="$node_labels_set$node_label$SEALIFT_LINE_END"
    case $node_label in io.sealift.labels=*) ;; *) node_labels_differ="$node_labels_differ; $node_labels_host lacks the label $node_label" ;; esac
  done
  while [ -n "$node_before" ]; do
    node_label=${node_before%%,*}
    case $node_before in *,*) node_before=${node_before#*,} ;; *) node_before='' ;; esac
    case $node_named, in *",$node_label,"*) continue ;; esac
    if ! printf '%s\n' "$node_has" | grep -qF -- "\"$node_label\" \""; then continue; fi
    node_labels_gone="$node_labels_gone$node_label$SEALIFT_LINE_END"
    node_labels_differ="$node_labels_differ; $node_labels_host has the label $node_label, which the site no longer names"
  done
  if [ -z "$node_named" ] && [ -n "$node_labels_gone" ]; then node_labels_gone="${node_labels_gone}io.sealift.labels$SEALIFT_LINE_END"; fi
  if [ -n "$node_labels_set" ] && [ -z "$node_labels_differ" ]; then node_labels_differ="; the labels of $node_labels_host are not recorded"; fi
}

# node_set_labels: after node_compare: gives the node its labels.
node_set_labels() {
  set --
  while read -r node_label; do
    if [ -n "$node_label" ]; then set -- "$@" --label-add "$node_label"; fi
  done <<END
$node_labels_set
END
  while read -r node_label; do
    if [ -n "$node_label" ]; then set -- "$@" --label-rm "$node_label"; fi
  done <<END
$node_labels_gone
END
  cluster_change node update "$@" -- "$node_id"
}

# cluster_may_demote ID HOST ADDRESSES: refuses if more than half of the managers would not be reachable afterwards. ADDRESSES are those of
# all managers of the site: those of them that are ready but not managers yet are promoted before anybody is demoted.
cluster_may_demote() {
  demote_managers=$((cluster_managers - 1))
  demote_reachable=$cluster_reachable
  cluster_pick "$1" || return 0
  if [ "$node_reach" = reachable ]; then demote_reachable=$((demote_reachable - 1)); fi
  for demote_at in $3; do
    demote_id=$(cluster_at "$demote_at" ready)
    if cluster_pick "${demote_id%% *}" && [ "$node_reach" = - ]; then
      demote_managers=$((demote_managers + 1))
      demote_reachable=$((demote_reachable + 1))
    fi
  done
  cluster_pick "$1"
  if cluster_majority "$demote_reachable" "$demote_managers"; then return 0; fi
  refuse E_SWARM_NODE "without the manager on $2, $demote_reachable of $demote_managers managers would be reachable: the swarm would lose its quorum" \
    "start the managers that are down, then run pulumi up again"
}

# cluster_has_role ID ROLE: whether the node has it now.
cluster_has_role() {
  cluster_read && cluster_pick "$1" || return 1
  case $2,$node_role,$node_reach in manager,manager,reachable | worker,worker,-) return 0 ;; esac
  return 1
}

# cluster_role ID HOST ROLE: gives the node its role and waits until it has it. There is a quorum before and after.
cluster_role() {
  if ! cluster_wait "$CLUSTER_WAIT_SEC" check_swarm_quorum; then guard_swarm_quorum && check_swarm_quorum; return 1; fi
  cluster_change node update --role "$3" -- "$1" || return 1
  if ! cluster_wait "$CLUSTER_WAIT_SEC" cluster_has_role "$1" "$3"; then
    refuse E_SWARM_NODE "$2 was to become a $3, and is none after $CLUSTER_WAIT_SEC s" "see on $2 and on the leader: journalctl -u docker"
    return 1
  fi
  if cluster_wait "$CLUSTER_WAIT_SEC" check_swarm_quorum; then return 0; fi
  guard_swarm_quorum && check_swarm_quorum
  return 1
}

# cluster_promote ID HOST: makes the node a manager.
cluster_promote() { cluster_role "$1" "$2" manager; }

# cluster_demote ID HOST ADDRESSES: makes the node a worker; ADDRESSES as for cluster_may_demote.
cluster_demote() {
  cluster_read && cluster_may_demote "$1" "$2" "$3" && cluster_role "$1" "$2" worker
}

# cluster_is_empty ID: whether no task runs on the node.
cluster_is_empty() { cluster_read && [ -z "$(cluster_tasks "$1")" ]; }

# cluster_drained ID HOST: waits until a node that was drained has no tasks.
cluster_drained() {
  if cluster_wait "$CLUSTER_DRAIN_SEC" cluster_is_empty "$1"; then return 0; fi
  drained_tasks=$(cluster_tasks "$1")
  refuse E_SWARM_NODE "$2 is drained, but after $CLUSTER_DRAIN_SEC s still runs ${drained_tasks#, }" "see why they do not stop (docker node ps $2; stop_grace_period), then run pulumi up again"
}

# cluster_remove ID ADDRESSES: takes a node out of the swarm: drains it, waits, demotes it, removes it. ADDRESSES as for cluster_may_demote.
cluster_remove() {
  cluster_read && cluster_pick "$1" || return 0
  remove_host=$node_host
  if [ "$remove_host" = - ]; then remove_host=$node_own; fi
  if [ "$node_reach" != - ]; then cluster_may_demote "$1" "$remove_host" "$2" || return 1; fi
  if [ "$node_availability" != drain ]; then cluster_change node update --availability drain -- "$1" || return 1; fi
  cluster_drained "$1" "$remove_host" || return 1
  cluster_read && cluster_pick "$1" || return 0
  # After --force-new-cluster, a lost manager has its role and no place in the raft: it is not demoted, and needs not be.
  case $node_role,$node_reach,$node_state in
    worker,-,* | manager,-,[!r]*) ;;
    *) cluster_demote "$1" "$remove_host" "$2" || return 1 ;;
  esac
  # It is empty or down: nothing is lost. A node that is ready is removed only so.
  cluster_change node rm --force -- "$1"
}

# replaced_nodes: with the arguments of check_swarm_replaced: sets replaced to the ids of all nodes that are not ready while a ready one has
# the address of the same host, replaced_doubles to the hosts with several nodes that are ready, and replaced_words to the findings.
replaced_nodes() {
  replaced='' replaced_doubles='' replaced_words=''
  shift
  while [ $# -gt 0 ]; do
    case $(cluster_at "$2" ready) in
      "") ;;
      *" "*)
        replaced_doubles="$replaced_doubles, $1 at $2"
        replaced_words="$replaced_words; several nodes are ready at $2 of $1"
        ;;
      *)
        for replaced_id in $(printf '%s' "$cluster_nodes" | awk -v at="$2" -v host="$1" '$2 != "ready" && ($3 == at || $8 == host) { print $1 }'); do
          replaced="$replaced $replaced_id"
          replaced_words="$replaced_words; an earlier node of $1 is still in the swarm"
        done
        ;;
    esac
    shift 2
  done
}

# replaced_are_down: with the arguments of check_swarm_replaced: whether no two nodes are ready at one address.
replaced_are_down() {
  cluster_read || return 1
  replaced_nodes "$@"
  [ -z "$replaced_doubles" ]
}

# removed_nodes HOST MANAGERS ADDRESS...: sets removed to the ids of the nodes of a host that leaves.
removed_nodes() {
  removed_host=$1
  shift 2
  removed=$(printf '%s' "$cluster_nodes" | awk -v host="$removed_host" -v members=" $* " \
    '!index(members, " " $3 " ") && ($8 == host || ($8 == "-" && $9 == host)) { print $1 }')
}

# others_nodes: with the arguments of check_swarm_others: sets others to the nodes that the site does not name, each after ", ".
others_nodes() {
  others_leave=" $1 "
  others_known=" "
  shift
  while [ $# -gt 0 ]; do
    others_known="$others_known$2 "
    # A node that is down and was replaced.
    if [ -n "$(cluster_at "$2" ready)" ]; then others_known="$others_known$1:down "; fi
    shift 2
  done
  others=$(printf '%s' "$cluster_nodes" | awk -v known="$others_known" -v leave="$others_leave" '
    index(known, " " $3 " ") { next }
    $2 != "ready" && index(known, " " $8 ":down ") { next }
    { name = $8 == "-" ? $9 : $8 }
    index(leave, " " name " ") { next }
    { printf ", %s (%s, %s)", name, $3, $2 }')
}
