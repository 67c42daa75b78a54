# The networks of a swarm: the one of the routing mesh (ingress), and overlay networks of the site. A network cannot be changed: it is created
# again, and only while nobody uses it.
# Sources: docker network create (26.1 to 29.0): --ingress, --opt encrypted, com.docker.network.driver.mtu.
# shellcheck disable=SC2154 # cluster.sh sets cluster_nodes

# How the engine reports a network of the swarm.
# shellcheck disable=SC2016 # a template of Go
OVERLAY_FORMAT='W {{.ID}} {{urlquery .Name}} {{.Ingress}} {{.Attachable}} encrypted={{range $k, $v := .Options}}{{if eq $k "encrypted"}}true{{end}}{{end}} mtu={{urlquery (or (index .Options "com.docker.network.driver.mtu") "")}} subnet={{range .IPAM.Config}}{{.Subnet}},{{end}} label={{urlquery (or (index .Labels "io.sealift.swarm") "")}}'
# The MTU below an overlay network, unless it says another one; the engine subtracts what its packets need (libnetwork, drivers/overlay).
OVERLAY_MTU=1500
# Seconds until the node has given up a removed network, and until tasks of removed services have ended (their stop_grace_period is gone
# with the service).
OVERLAY_WAIT_SEC=60
OVERLAY_TASKS_SEC=300
INGRESS_CHECK_SEC=10
INGRESS_TOUCH=io.sealift.touch

# Fact: the network of the routing mesh has this subnet, if the site has one, and this MTU.
# $1 subnet or nothing, $2 MTU
check_swarm_ingress() {
  overlay_or_why || return 1
  ingress_compare "$@"
  if [ -n "$ingress_differs" ]; then
    echo "${ingress_differs#; }"
    return 1
  fi
  # An engine that has just started takes a moment.
  if cluster_wait "$INGRESS_CHECK_SEC" ingress_is_here "$ingress_id"; then return 0; fi
  echo "the ingress network is not on this host: its published ports do not answer here"
  return 1
}
guard_swarm_ingress() {
  overlay_read || return 0
  ingress_compare "$@"
  if [ -z "$ingress_differs" ]; then return 0; fi
  ingress_users=$(overlay_publishers)
  if [ -z "$ingress_users" ]; then return 0; fi
  refuse E_SWARM_NETWORK "${ingress_differs#; }, and it is used by ${ingress_users#, }" \
    "set ingress in the site to what it has; or remove these services, run pulumi up, and deploy them again"
}
apply_swarm_ingress() {
  guard_swarm_ingress "$@" || return 1
  overlay_or_why || return 1
  ingress_compare "$@"
  if [ -n "$ingress_differs" ]; then
    if [ -n "$ingress_id" ]; then overlay_remove "$ingress_id" || return 1; fi
    ingress_create "$@" || return 1
    overlay_or_why || return 1
    ingress_compare "$@"
  fi
  # The swarm gives a new ingress network to a node only when something of that node changes (swarmkit, manager/allocator, doNetworkAlloc),
  # and a node that was given one may fail to set it up before it knows its address in it; the next change of the node tries again (moby,
  # executor.Configure).
  cluster_or_why || return 1
  ingress_touch --label-add "$INGRESS_TOUCH=$ingress_id" || return 1
  sleep 3
  ingress_touch --label-rm "$INGRESS_TOUCH" || return 1
  cluster_wait "$OVERLAY_WAIT_SEC" ingress_is_here "$ingress_id" || true
}

# ingress_touch OPTION VALUE: changes every node so.
ingress_touch() {
  for ingress_node in $(printf '%s' "$cluster_nodes" | awk '{ print $1 }'); do
    cluster_change node update "$1" "$2" -- "$ingress_node" || return 1
  done
}

# ingress_create SUBNET MTU
ingress_create() {
  ingress_subnet=$1
  ingress_mtu=$2
  set -- --ingress --opt "com.docker.network.driver.mtu=$ingress_mtu"
  if [ -n "$ingress_subnet" ]; then set -- "$@" --subnet "$ingress_subnet"; fi
  overlay_create ingress "$@"
}

# ingress_is_here ID: whether this host takes part in the ingress network.
ingress_is_here() {
  cluster_ask network inspect --format '{{range $id, $one := .Containers}}{{$id}} {{end}}' -- "$1" || return 1
  case " $cluster_said" in *" ingress-sbox "*) ;; *) return 1 ;; esac
}

# Fact: the swarm has an overlay network as the site defines it.
# $1 name of the swarm, $2 name of the network, $3 encrypted or plain, $4 attachable or closed, $5 MTU
check_swarm_network() {
  overlay_or_why || return 1
  overlay_compare "$@"
  if [ -z "$overlay_differs" ]; then return 0; fi
  echo "${overlay_differs#; }"
  return 1
}
guard_swarm_network() {
  overlay_read || return 0
  overlay_compare "$@"
  if [ -z "$overlay_differs" ] || [ -z "$overlay_id" ]; then return 0; fi
  overlay_users_words=$(overlay_users "$overlay_id" "$2")
  if [ -z "$overlay_users_words" ]; then return 0; fi
  refuse E_SWARM_NETWORK "${overlay_differs#; }, and it is used by ${overlay_users_words#, }" \
    "set it in the site to what it has, or give the new network another name and move the services to it"
}
apply_swarm_network() {
  guard_swarm_network "$@" || return 1
  overlay_or_why || return 1
  overlay_compare "$@"
  if [ -n "$overlay_id" ]; then overlay_remove "$overlay_id" || return 1; fi
  overlay_swarm=$1 overlay_name=$2 overlay_encrypted=$3 overlay_attachable=$4 overlay_mtu=$5
  set -- --label "io.sealift.swarm=$overlay_swarm" --opt "com.docker.network.driver.mtu=$overlay_mtu"
  if [ "$overlay_encrypted" = encrypted ]; then set -- "$@" --opt encrypted; fi
  if [ "$overlay_attachable" = attachable ]; then set -- "$@" --attachable; fi
  overlay_create "$overlay_name" "$@"
}

# Fact: no overlay network of Sealift is left that the site no longer names. One that is used is reported and stays.
# $1 name of the swarm, $2... names of its networks
check_swarm_networks() {
  overlay_or_why || return 1
  overlay_left "$@"
  if [ -n "$overlay_unused" ]; then
    echo "networks that the site no longer names:$overlay_unused"
    return 1
  fi
  if [ -z "$overlay_used" ]; then return 0; fi
  warn E_SWARM_NETWORK "networks that the site no longer names are used:$overlay_used" "name them in swarm.networks, or take the services off them"
}
apply_swarm_networks() {
  overlay_or_why || return 1
  overlay_left "$@"
  for overlay_one in $overlay_unused_ids; do
    overlay_remove "$overlay_one" || return 1
  done
}

# overlay_or_why: like overlay_read; prints why it fails.
overlay_or_why() {
  if overlay_read; then return 0; fi
  echo "$cluster_wrong"
  return 1
}

# overlay_read: sets overlay_lines to the networks of the swarm; otherwise cluster_wrong. Nodes are read first: that a swarm cannot be asked
# is the same finding everywhere.
overlay_read() {
  overlay_lines=
  cluster_read || return 1
  if ! cluster_ask network ls --quiet --no-trunc --filter scope=swarm --filter driver=overlay; then
    cluster_wrong=$(cluster_unanswered)
    return 1
  fi
  overlay_ids=$(printf '%s\n' "$cluster_said" | grep -x '[a-z0-9]\{25\}' | paste -s -d ' ' -) || true
  if [ -z "$overlay_ids" ]; then return 0; fi
  # shellcheck disable=SC2086 # ids, one word each
  if ! cluster_ask network inspect --format "$OVERLAY_FORMAT" $overlay_ids; then
    cluster_wrong=$(cluster_unanswered)
    return 1
  fi
  overlay_lines=$(printf '%s\n' "$cluster_said" | sed -n 's/^W //p')
}

# overlay_pick FIELD VALUE: sets overlay_id, overlay_attachable_is, overlay_encrypted_is, overlay_mtu_is,
# overlay_subnet and overlay_label to those of the first network with this value; overlay_id is empty if there is none.
overlay_pick() {
  overlay_id=
  read -r overlay_id _ _ overlay_attachable_is overlay_encrypted_is overlay_mtu_is overlay_subnet overlay_label <<END
$(printf '%s\n' "$overlay_lines" | awk -v field="$1" -v value="$2" '$field == value { print; exit }')
END
  overlay_mtu_is=${overlay_mtu_is#mtu=}
  if [ -z "$overlay_mtu_is" ]; then overlay_mtu_is=$OVERLAY_MTU; fi
}

# ingress_compare SUBNET MTU: sets ingress_id, and ingress_differs to the differences, each after "; ".
ingress_compare() {
  ingress_differs=
  overlay_pick 3 true
  ingress_id=$overlay_id
  if [ -z "$ingress_id" ]; then
    ingress_differs="; there is no ingress network"
    return 0
  fi
  if [ -n "$1" ] && [ "$overlay_subnet" != "subnet=$1," ]; then
    overlay_subnet=${overlay_subnet#subnet=}
    ingress_differs="; the ingress network has the subnet ${overlay_subnet%,} instead of $1"
  fi
  if [ "$overlay_mtu_is" != "$2" ]; then ingress_differs="$ingress_differs; the ingress network has the MTU $overlay_mtu_is instead of $2"; fi
}

# overlay_compare: with the arguments of check_swarm_network: sets overlay_id, and overlay_differs to the differences, each after "; ".
overlay_compare() {
  overlay_differs=
  overlay_pick 2 "$2"
  if [ -z "$overlay_id" ]; then
    overlay_differs="; there is no network $2"
    return 0
  fi
  case $3,$overlay_encrypted_is in
    encrypted,encrypted=true | plain,encrypted=) ;;
    plain,*) overlay_differs="; network $2 is encrypted" ;;
    *) overlay_differs="; network $2 is not encrypted" ;;
  esac
  case $4,$overlay_attachable_is in
    attachable,true | closed,false) ;;
    closed,*) overlay_differs="$overlay_differs; network $2 is attachable" ;;
    *) overlay_differs="$overlay_differs; network $2 is not attachable" ;;
  esac
  if [ "$overlay_mtu_is" != "$5" ]; then overlay_differs="$overlay_differs; network $2 has the MTU $overlay_mtu_is instead of $5"; fi
  if [ "$overlay_label" != "label=$1" ]; then overlay_differs="$overlay_differs; network $2 was not created by Sealift"; fi
}

# overlay_services FORMAT: sets cluster_said to a line for each service; fails if that cannot be known.
overlay_services() {
  cluster_ask service ls --quiet || return 1
  overlay_ids=$(printf '%s\n' "$cluster_said" | grep -x '[a-z0-9]*' | paste -s -d ' ' -) || true
  cluster_said=
  if [ -z "$overlay_ids" ]; then return 0; fi
  # shellcheck disable=SC2086 # ids, one word each
  cluster_ask service inspect --format "$1" $overlay_ids
}

# overlay_publishers: prints the services that publish a port through the routing mesh, each after ", ".
overlay_publishers() {
  if ! overlay_services '{{urlquery .Spec.Name}}{{with .Spec.EndpointSpec}}{{range .Ports}} {{.PublishMode}}{{end}}{{end}}'; then
    echo ", services that the engine does not report"
    return 0
  fi
  printf '%s\n' "$cluster_said" | awk '/ ingress/ && n++ < 5 { printf ", %s", $1 }'
}

# overlay_users ID NAME: prints the services on this network, each after ", ".
overlay_users() {
  if ! overlay_services '{{urlquery .Spec.Name}}{{range .Spec.TaskTemplate.Networks}} {{urlquery .Target}}{{end}}{{range .Spec.Networks}} {{urlquery .Target}}{{end}}'; then
    echo ", services that the engine does not report"
    return 0
  fi
  printf '%s\n' "$cluster_said" | awk -v id="$1" -v name="$2" \
    '{ for (i = 2; i <= NF; i++) if ($i == id || $i == name) { if (n++ < 5) printf ", %s", $1; next } }'
}

# overlay_left SWARM NAME...: sets overlay_unused and overlay_used to the names of the networks of the swarm that are not among these, each
# after a blank, and overlay_unused_ids to the ids of those that nobody uses.
overlay_left() {
  overlay_unused='' overlay_used='' overlay_unused_ids=''
  overlay_of=$1
  shift
  for overlay_one in $(printf '%s\n' "$overlay_lines" | awk -v label="label=$overlay_of" -v named=" $* " \
    '$3 == "false" && $8 == label && !index(named, " " $2 " ") { print $1 ":" $2 }'); do
    if [ -n "$(overlay_users "${overlay_one%%:*}" "${overlay_one#*:}")" ]; then
      overlay_used="$overlay_used ${overlay_one#*:}"
    else
      overlay_unused="$overlay_unused ${overlay_one#*:}"
      overlay_unused_ids="$overlay_unused_ids ${overlay_one%%:*}"
    fi
  done
}

# overlay_gone ID: whether the swarm has no such network any more.
overlay_gone() {
  overlay_read || return 1
  case $SEALIFT_LINE_END$overlay_lines in *"$SEALIFT_LINE_END$1 "*) return 1 ;; esac
}

# overlay_ending ID: succeeds when no task that is to end is still attached to the network on a node that is ready; otherwise sets overlay_tasks
# to them, each after ", ".
overlay_ending() {
  overlay_tasks=", tasks that the engine does not report"
  cluster_read || return 1
  # shellcheck disable=SC2046 # ids, one word each
  cluster_ask node ps --quiet --no-trunc -- $(printf '%s' "$cluster_nodes" | awk '$2 == "ready" { print $1 }') || return 1
  overlay_ids=$(printf '%s\n' "$cluster_said" | grep -x '[a-z0-9]\{25\}' | sort -u | paste -s -d ' ' -) || true
  overlay_tasks=
  if [ -z "$overlay_ids" ]; then return 0; fi
  # shellcheck disable=SC2086 # ids, one word each
  if ! cluster_ask inspect --type task --format '{{.ID}} {{.DesiredState}} {{.Status.State}}{{range .NetworksAttachments}} {{.Network.ID}}{{end}}' $overlay_ids; then
    overlay_tasks=", tasks that the engine does not report"
    return 1
  fi
  overlay_tasks=$(printf '%s\n' "$cluster_said" | awk -v network="$1" '
    $2 == "running" || $3 !~ /^(assigned|accepted|preparing|ready|starting|running)$/ { next }
    { for (i = 4; i <= NF; i++) if ($i == network && n++ < 5) printf ", %s", $1 }')
  [ -z "$overlay_tasks" ]
}

# overlay_remove ID: removes a network that nobody uses. The question that the engine asks about the routing mesh is answered. Tasks of
# removed services have to have ended before: the swarm removes the ingress network nevertheless (swarmkit, removeIngressNetwork), their node
# then fails to give it up, tries only once (moby, releaseIngress), and gets no new one until its engine restarts.
overlay_remove() {
  if ! cluster_wait "$OVERLAY_TASKS_SEC" overlay_ending "$1"; then
    echo "network $1 is still used after $OVERLAY_TASKS_SEC s, by tasks that do not end: ${overlay_tasks#, }"
    return 1
  fi
  echo y | cluster_change network rm -- "$1" || return 1
  if cluster_wait "$OVERLAY_WAIT_SEC" overlay_gone "$1"; then return 0; fi
  echo "network $1 is still on this host $OVERLAY_WAIT_SEC s after docker network rm: see journalctl -u docker, and restart its engine"
  return 1
}

# overlay_create NAME OPTION...: creates a network. A removed one of the same name may need some seconds to be gone on all nodes.
overlay_create() {
  overlay_new=$1
  shift
  overlay_until=$(($(date +%s) + OVERLAY_WAIT_SEC))
  until cluster_ask network create --driver overlay --scope swarm "$@" -- "$overlay_new"; do
    case $cluster_said in *exist*) ;; *) overlay_until=0 ;; esac
    if [ "$(date +%s)" -ge "$overlay_until" ]; then
      echo "docker network create $overlay_new failed: $(printf '%s' "$cluster_said" | head -c 300)"
      return 1
    fi
    sleep 1
  done
}
