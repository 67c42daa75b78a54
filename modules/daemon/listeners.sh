# Access to the engine: one socket for root and the group docker, and nothing on any network.
# shellcheck disable=SC2154 # files.sh and processes.sh set file_… and process_…

DAEMON_SOCKET=/run/docker.sock

# Fact: the engine listens on /run/docker.sock alone, for root and the group docker; neither it nor its containerd listens on a network,
# and no other engine runs beside it.
# $@ addresses for metrics in the site, as 127.0.0.1:9323, and of the swarm; published: also the ports of services, on which the engine of a
# member of a swarm listens itself, on all addresses
check_daemon_listeners() {
  if ! listeners_inspect; then
    echo "no engine runs"
    return 1
  fi
  if [ -n "$listeners_others" ]; then
    echo "another engine runs:$listeners_others"
    return 1
  fi
  process_alone_on "$DAEMON_SOCKET" || return 1
  if ! file_owned "$DAEMON_SOCKET" "root:docker 660" socket; then
    echo "$file_wrong"
    return 1
  fi
  listeners_open "$@"
  if [ -n "$listeners_found" ]; then
    echo "the engine listens on the network:$listeners_found"
    return 1
  fi
  listeners_unsafe
  if [ -n "$listeners_found" ]; then
    echo "a process listens on a port of the Docker API (2375 or 2376):$listeners_found"
    return 1
  fi
}
guard_daemon_listeners() {
  listeners_inspect || return 0
  if [ -n "$listeners_others" ]; then
    refuse E_UNMANAGED_ENGINE "another engine runs beside the one of docker.service:$listeners_others" "find out who started it, then stop it"
  fi
  listeners_unsafe
  if [ -n "$listeners_found" ]; then
    refuse E_PORT "a process listens on a port of the Docker API (2375 or 2376):$listeners_found" \
      "find it with ss -ltnp, then stop it or move it to another port"
  fi
}
apply_daemon_listeners() {
  guard_daemon_listeners "$@"
  if [ -S "$DAEMON_SOCKET" ]; then
    chown root:docker "$DAEMON_SOCKET"
    chmod 0660 "$DAEMON_SOCKET"
  fi
  if listeners_wrong=$(check_daemon_listeners "$@"); then return 0; fi
  # A restart of the engine does not remove the other listener.
  if [ -n "$listeners_runs" ] && process_beside "$DAEMON_SOCKET"; then
    echo "$listeners_wrong; find it with ss -xlp and stop it"
    return 1
  fi
  # The socket is created again only while no daemon holds it.
  drain_own_node || return 1
  listeners_before=$(daemon_containers)
  autolock_hold
  timeout 300 systemctl stop docker.service docker.socket
  daemon_restart || return 1
  daemon_start_containers || return 1
  daemon_gate "$listeners_before" || return 1
  drain_return || return 1
}
effect_daemon_listeners() {
  if ! listeners_inspect; then
    echo none
    return
  fi
  listeners_open "$@"
  if process_beside "$DAEMON_SOCKET" || { [ -z "$listeners_found" ] && process_alone_on "$DAEMON_SOCKET" >/dev/null; }; then
    echo none
  elif ! daemon_containers_run || daemon_keeps_containers; then
    echo restart
  else
    echo containers-stop
  fi
}

# listeners_inspect: what the processes of docker.service and containerd.service listen on; sets listeners_others to engines that are neither.
# Fails when docker.service has none. Two processes.
listeners_inspect() {
  process_of dockerd containerd
  listeners_ours=
  listeners_others=
  listeners_runs=
  for listeners_pid in $process_pids; do
    process_unit "$listeners_pid"
    case $process_unit in
      docker.service) listeners_runs=yes listeners_ours="$listeners_ours $listeners_pid" ;;
      containerd.service) listeners_ours="$listeners_ours $listeners_pid" ;;
      *) listeners_others="$listeners_others process $listeners_pid" ;;
    esac
  done
  if [ -z "$listeners_runs" ]; then return 1; fi
  listeners_asked=
  # shellcheck disable=SC2086 # numbers of processes
  process_inspect $listeners_ours
  process_tcp
}

# listeners_open ADDRESS...: sets listeners_found to what the engine listens on in addition to these addresses and the published ports of its
# containers, on which it listens itself without docker-proxy (moby 29, portmappers/nat). The engine is queried for these only if needed.
listeners_open() {
  listeners_found=
  for listeners_one in $process_ports; do
    case " $* " in *" $listeners_one "*) continue ;; esac
    case " $* $listeners_one" in
      *:2375 | *:2376) ;;
      *" published "*" [::]:"* | *" published "*" 0.0.0.0:"*) continue ;;
    esac
    listeners_published
    case $listeners_given in *" $listeners_one "*) continue ;; esac
    listeners_found="$listeners_found $listeners_one"
  done
}

# listeners_unsafe: sets listeners_found to other listeners on the ports of the Docker API that no container has published, sixteen at
# most: any user can listen there on every address of the host.
listeners_unsafe() {
  listeners_found=
  listeners_count=0
  for listeners_one in $process_others; do
    case $listeners_one in *:2375 | *:2376) ;; *) continue ;; esac
    listeners_published
    case $listeners_given in *" $listeners_one "*) continue ;; esac
    listeners_found="$listeners_found $listeners_one"
    listeners_count=$((listeners_count + 1))
    if [ "$listeners_count" -eq 16 ]; then break; fi
  done
}

# listeners_published: sets listeners_given to the addresses that running containers publish, separated by blanks; queried once per
# listeners_inspect.
listeners_published() {
  if [ -n "${listeners_asked-}" ]; then return 0; fi
  listeners_asked=yes
  listeners_given=" "
  listeners_running=$(timeout 30 "$SEALIFT_DOCKER" ps --quiet 2>/dev/null || true)
  if [ -z "$listeners_running" ]; then return 0; fi
  # shellcheck disable=SC2016,SC2086 # a template of Go; ids, one word each
  listeners_given=" $(timeout 30 "$SEALIFT_DOCKER" inspect --format '{{range $port, $all := .NetworkSettings.Ports}}{{range $all}}{{.HostIp}}:{{.HostPort}}
{{end}}{{end}}' $listeners_running 2>/dev/null | sed 's/^\(.*:.*\):\([0-9]*\)$/[\1]:\2/' | tr -s '\n' ' ') "
}
