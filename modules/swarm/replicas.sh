# What the gate between two waves asks a manager.
# shellcheck disable=SC2154 # cluster.sh sets cluster_…

# Fact: the manager reports its swarm.
check_swarm_replicas() { :; }
apply_swarm_replicas() { :; }
# Reachable and all managers, then each service that has fewer replicas than it should, as <name>=<running>/<desired>; "-" without a leader, or
# while the engine does not answer. Jobs end, and have no replicas.
value_swarm_replicas() {
  if ! cluster_read || ! cluster_ask service ls --format '{{.Name}} {{.Replicas}}'; then
    echo -
    return 0
  fi
  printf '%s\n' "$cluster_said" | awk -v managers="$cluster_reachable/$cluster_managers" '
    BEGIN { printf "%s", managers }
    $1 !~ /^[A-Za-z0-9._-]+$/ || length($1) > 128 || $2 !~ /^[0-9]+\/[0-9]+$/ || /completed/ { next }
    { split($2, count, "/") }
    count[1] + 0 < count[2] + 0 && n++ < 50 { printf " %s=%s", $1, $2 }
    END { print "" }'
}
