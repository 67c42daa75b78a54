# The containerd that the engine stands on.
# shellcheck disable=SC2154 # files.sh, systemd.sh and processes.sh set file_…, unit_… and process_…

CONTAINERD_SOCKET=/run/containerd/containerd.sock

# Fact: containerd runs from the current version, now and after a boot, as its unit says, alone; it is the one that its socket leads to,
# for root alone, and it listens on no network.
check_containerd() {
  unit_look "$UNIT_STATE" containerd.service
  unit_pick containerd.service
  unit_value ActiveState
  if [ "$unit_found" != active ]; then
    echo "containerd.service is $unit_found"
    return 1
  fi
  unit_value UnitFileState
  if [ "$unit_found" != enabled ]; then
    echo "containerd.service is ${unit_found:-not there}, so that it would not start at a boot"
    return 1
  fi
  unit_value MainPID
  containerd_pid=$unit_found
  if ! [ "/proc/$containerd_pid/exe" -ef "$ENGINES/current/bin/containerd" ]; then
    containerd_runs=$(readlink "/proc/$containerd_pid/exe" || true)
    echo "it runs ${containerd_runs:-no program}"
    return 1
  fi
  if ! process_runs "$containerd_pid" /opt/docker/current/bin/containerd "PATH=$UNIT_PATH"; then
    echo "$process_wrong"
    return 1
  fi
  process_look "$containerd_pid"
  process_alone_on "$CONTAINERD_SOCKET" || return 1
  if ! file_owned "$CONTAINERD_SOCKET" "root:root 660" socket; then
    echo "$file_wrong"
    return 1
  fi
  process_tcp
  if [ -n "$process_ports" ]; then
    echo "it listens on the network:$process_ports"
    return 1
  fi
}
apply_containerd() {
  unit_look "$UNIT_STATE" containerd.service
  unit_pick containerd.service
  unit_value MainPID
  if [ "${unit_found:-0}" != 0 ]; then
    process_look "$unit_found"
    # Who else listens stays when it is started again.
    if process_beside "$CONTAINERD_SOCKET"; then
      echo "another process listens on $CONTAINERD_SOCKET beside it:$alone_beside; see with ss -xlp whose it is, and stop it"
      return 1
    fi
  fi
  systemctl enable --quiet containerd.service
  systemctl reset-failed containerd.service 2>/dev/null || true
  # Containers keep running: their shims are not in the service's main process (KillMode=process).
  if ! timeout 120 systemctl restart containerd.service; then
    journal_written
    journalctl -u containerd.service -n 20 --no-pager -o cat
    return 1
  fi
}
