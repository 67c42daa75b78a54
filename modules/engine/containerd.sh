# The containerd that the engine uses.
# shellcheck disable=SC2154 # files.sh, systemd.sh and processes.sh set file_…, unit_… and process_…

CONTAINERD_SOCKET=/run/containerd/containerd.sock

# Fact: containerd runs from the current version, now and after a boot, as its unit says, alone; it alone listens on its socket, which only root can use, and it
# listens on no network.
check_containerd() {
  unit_inspect "$UNIT_STATE" containerd.service
  unit_pick containerd.service
  unit_is_active containerd.service || return 1
  unit_starts_at_boot containerd.service || return 1
  unit_value MainPID
  containerd_pid=$unit_found
  if ! [ "/proc/$containerd_pid/exe" -ef "$ENGINES/current/bin/containerd" ]; then
    containerd_runs=$(readlink "/proc/$containerd_pid/exe" || true)
    echo "containerd.service runs ${containerd_runs:-no program}"
    return 1
  fi
  if ! process_runs "$containerd_pid" /opt/docker/current/bin/containerd "PATH=$UNIT_PATH"; then
    echo "$process_wrong"
    return 1
  fi
  process_inspect "$containerd_pid"
  process_alone_on "$CONTAINERD_SOCKET" || return 1
  if ! file_owned "$CONTAINERD_SOCKET" "root:root 660" socket; then
    echo "$file_wrong"
    return 1
  fi
  process_tcp
  if [ -n "$process_ports" ]; then
    echo "containerd listens on the network:$process_ports"
    return 1
  fi
}
apply_containerd() {
  unit_inspect "$UNIT_STATE" containerd.service
  unit_pick containerd.service
  unit_value MainPID
  if [ "${unit_found:-0}" != 0 ]; then
    process_inspect "$unit_found"
    # A restart does not remove the other listener.
    if process_beside "$CONTAINERD_SOCKET"; then
      echo "another process also listens on $CONTAINERD_SOCKET:$alone_beside; find it with ss -xlp and stop it"
      return 1
    fi
  fi
  systemctl enable --quiet containerd.service
  systemctl reset-failed containerd.service 2>/dev/null || true
  # Containers keep running: their shims are not in the service's main process (KillMode=process).
  if ! timeout 120 systemctl restart containerd.service; then
    journal_tail containerd.service
    return 1
  fi
}
