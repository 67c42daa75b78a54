# daemon.json and the daemon that runs with it.

DAEMON_JSON=/etc/docker/daemon.json
DAEMON_LOADED=/run/sealift/daemon.json.loaded

# Fact: daemon.json holds exactly these entries.
# $@ entries as JSON members, `"key": value`, one an argument, in the order of their keys
check_daemon_file() {
  if [ ! -f "$DAEMON_JSON" ]; then
    echo "no $DAEMON_JSON"
    return 1
  fi
  if daemon_json_text "$@" | cmp -s - "$DAEMON_JSON"; then return 0; fi
  daemon_diff=$(daemon_json_text "$@" | diff "$DAEMON_JSON" - || true)
  echo "$(daemon_side "$daemon_diff" '<') in place of $(daemon_side "$daemon_diff" '>')"
  return 1
}
# daemon_side DIFF SIGN: the entries of one side of a diff, without the commas between them.
daemon_side() {
  daemon_entries=$(echo "$1" | sed -n "s/^$2 *\(\"[^,]*.*[^,]\),\{0,1\}\$/\1/p" | tr '\n' ';')
  echo "${daemon_entries:-nothing;}" | sed 's/;$//; s/;/; /g'
}
apply_daemon_file() {
  install -d -m 0755 /etc/docker
  daemon_json_text "$@" >"$DAEMON_JSON.new"
  # Validated by the engine that will read it, before it goes live. docker-proxy has to be on the PATH for this.
  if ! PATH=/opt/docker/current/bin:$PATH timeout 60 dockerd --validate --config-file="$DAEMON_JSON.new"; then
    rm "$DAEMON_JSON.new"
    return 1
  fi
  sync "$DAEMON_JSON.new"
  mv "$DAEMON_JSON.new" "$DAEMON_JSON"
}

daemon_json_text() {
  daemon_comma=
  echo "{"
  for daemon_entry; do
    # A member's line ends with the comma before the next one, so that each key is one line to compare.
    printf '%s' "$daemon_comma"
    printf '  %s' "$daemon_entry"
    daemon_comma=",
"
  done
  printf '\n}\n'
}

# Fact: the daemon runs with this file, and says so itself.
# $1 engine version, $2 data-root, $3 log-driver, $4 storage-driver
check_daemon_running() {
  if ! systemctl is-enabled --quiet docker.service; then
    echo "docker.service is $(systemctl is-enabled docker.service 2>/dev/null || echo "not there")"
    return 1
  fi
  if ! systemctl is-active --quiet docker.service; then
    echo "docker.service is $(systemctl is-active docker.service || true)"
    return 1
  fi
  if ! cmp -s "$DAEMON_JSON" "$DAEMON_LOADED"; then
    echo "the daemon runs with an earlier daemon.json"
    return 1
  fi
  daemon_info=$(timeout 60 docker info --format '{{.ServerVersion}} {{.DockerRootDir}} {{.LoggingDriver}} {{.Driver}}' 2>&1 || true)
  # Distributions append to the version, as in 26.1.5+dfsg1.
  case $daemon_info in
    "$1 $2 $3 $4" | "$1"+*" $2 $3 $4") ;;
    *)
      echo "docker info says $daemon_info"
      return 1
      ;;
  esac
}
apply_daemon_running() {
  systemctl enable --quiet docker.socket docker.service
  if systemctl is-active --quiet docker.service && daemon_reload_suffices "$@"; then
    timeout 60 systemctl reload docker.service
    # dockerd says nothing when it has done with a reload before 29.3; the check afterwards reads it back.
    return
  fi
  # The file that the running daemon was started with, because the start itself overwrites the note of it.
  if systemctl is-active --quiet docker.service && [ -f "$DAEMON_LOADED" ]; then cp "$DAEMON_LOADED" "$DAEMON_JSON.good"; fi
  systemctl reset-failed docker.service docker.socket 2>/dev/null || true
  if daemon_restart; then return; fi
  journalctl -u docker.service -n 15 --no-pager -o cat
  daemon_put_back
  return 1
}

daemon_restart() {
  timeout 30 systemctl start docker.socket && timeout 180 systemctl restart docker.service
}

# The last file that worked comes back, and with it the daemon: a bad key must not stop what runs.
daemon_put_back() {
  if [ ! -f "$DAEMON_JSON.good" ] || cmp -s "$DAEMON_JSON.good" "$DAEMON_JSON"; then return; fi
  cp "$DAEMON_JSON.good" "$DAEMON_JSON"
  systemctl reset-failed docker.service docker.socket
  if daemon_restart; then
    echo "the daemon did not come up with the new daemon.json; the one before it is back and runs"
  else
    echo "the daemon came up with neither the new daemon.json nor the one before it"
  fi
}

# daemon_reload_suffices VERSION DATA_ROOT LOG_DRIVER STORAGE_DRIVER: whether only keys that dockerd re-reads on SIGHUP
# differ, none was removed (a removed key keeps its old value, moby#36632), and the running version is the wanted one.
daemon_reload_suffices() {
  if [ ! -f "$DAEMON_LOADED" ]; then return 1; fi
  case $(timeout 60 docker version --format '{{.Server.Version}}' 2>/dev/null || true) in
    "$1" | "$1"+*) ;;
    *) return 1 ;;
  esac
  reload_keys='"(debug|labels|live-restore|shutdown-timeout)"'
  if diff "$DAEMON_LOADED" "$DAEMON_JSON" | grep '^[<>]' | grep -qvE "^[<>] +$reload_keys: "; then return 1; fi
  for reload_key in debug labels live-restore shutdown-timeout; do
    if grep -q "^  \"$reload_key\": " "$DAEMON_LOADED" && ! grep -q "^  \"$reload_key\": " "$DAEMON_JSON"; then return 1; fi
  done
}
