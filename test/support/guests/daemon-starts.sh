# Starts a real dockerd with many files, one after the other, as docker.service does: by systemd, which hears when it is ready.
# shellcheck disable=SC2016 # a template of Go

STARTS=/run/starts

# starts_engine VERSION: its programs become those of the host, and its containerd runs.
starts_engine() {
  systemctl stop starts-containerd.service 2>/dev/null || true
  ln -sfn "/opt/docker/$1" /opt/docker/current
  systemd-run -q --unit=starts-containerd --service-type=notify "--setenv=PATH=/opt/docker/current/bin:$PATH" \
    /opt/docker/current/bin/containerd --address "$STARTS/containerd.sock" --root "$STARTS/containerd" --state "$STARTS/containerd-state"
}

# starts_each ENGINE: reads the names of files below $STARTS, one a line; says of each, ended by a zero byte, the name, a tab, `runs`
# or `ends`, a tab, and what docker info says or the daemon's last words.
starts_each() {
  while read -r starts_name; do
    starts_blank
    if systemd-run -q --unit=starts --service-type=notify "--setenv=PATH=/opt/docker/current/bin:$PATH" \
      -p TimeoutStartSec=60 -p "StandardOutput=append:$STARTS/log" -p "StandardError=append:$STARTS/log" \
      /opt/docker/current/bin/dockerd -H "unix://$STARTS/docker.sock" --containerd "$STARTS/containerd.sock" \
      --pidfile "$STARTS/docker.pid" --exec-root "$STARTS/exec" --config-file "$STARTS/$starts_name" </dev/null 2>/dev/null; then
      starts_said=$(timeout 30 /opt/docker/current/bin/docker -H "unix://$STARTS/docker.sock" info --format '{{json .}}' 2>&1 </dev/null || true)
      printf '%s\truns\t%s\0' "$starts_name" "$starts_said"
      systemctl stop starts.service
    else
      printf '%s\tends\t%s\0' "$starts_name" "$(tail -n 3 "$STARTS/log")"
    fi
    systemctl reset-failed starts.service 2>/dev/null || true
  done
}

# Nothing of the start before is left: no data, no bridge, no rules.
starts_blank() {
  rm -rf "$STARTS/exec" "$STARTS/docker.pid" "$STARTS/log"
  find /data -mindepth 1 -maxdepth 1 -exec rm -rf {} +
  ip link delete docker0 2>/dev/null || true
}
