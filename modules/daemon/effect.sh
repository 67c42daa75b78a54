# What a change of daemon.json costs, worked out on the host: by which keys differ from what the daemon has read, and by
# what runs. Sources: reload.go, reload_unix.go and configureNetworking in daemon_unix.go, moby 26.1 to 29.7.2.

# Keys that dockerd re-reads on SIGHUP. Not authorization-plugins: a plugin that does not answer ends the daemon then.
DAEMON_RELOADABLE="debug default-cgroupns-mode default-ipc-mode default-runtime default-shm-size default-stop-timeout \
insecure-registries labels live-restore max-concurrent-downloads max-concurrent-uploads max-download-attempts \
network-diagnostic-port nri-opts registry-mirrors runtimes shutdown-timeout"

# Of these, the ones that a reload sets back when they are no longer there; the others keep their old value (moby#36632).
DAEMON_RESET="max-concurrent-downloads max-concurrent-uploads max-download-attempts network-diagnostic-port"

# Keys of docker0. A daemon that finds containers running at its start leaves docker0 as it is, and says so only in its log.
DAEMON_BRIDGE="bip bip6 bridge default-gateway default-gateway-v6 fixed-cidr fixed-cidr-v6 icc ip ip-masq ipv6 mtu"

# daemon_cost TEXT: what it takes that the daemon runs with this daemon.json: none, reload, restart or containers-stop.
daemon_cost() {
  cost_live=$(printf '%s\n' "$1" | daemon_value live-restore)
  if ! systemctl is-active --quiet docker.service; then
    # A daemon that starts without live-restore stops what it finds running.
    if daemon_containers_run && [ "$cost_live" != true ]; then echo containers-stop; else echo none; fi
    return
  fi
  cost_change=$(daemon_change "$1")
  case $cost_change in
    none | reload) echo "$cost_change" ;;
    *)
      if ! daemon_containers_run; then
        echo restart
      elif [ "$cost_change" = restart ] && [ "$cost_live" = true ] && daemon_keeps_containers; then
        echo restart
      else
        echo containers-stop
      fi
      ;;
  esac
}

# daemon_change TEXT: how the keys differ from what the daemon has read: none, reload, restart, or containers-stop for keys
# that a restart beside running containers would not apply.
daemon_change() {
  if [ ! -f "$DAEMON_LOADED" ]; then
    echo restart
    return
  fi
  printf '%s\n' "$1" | awk -v reloaded=" $DAEMON_RELOADABLE " -v reset=" $DAEMON_RESET " -v bridge=" $DAEMON_BRIDGE " '
    function has(list, key) { return index(list, " " key " ") > 0 }
    match($0, /^  "[^"]*": /) {
      key = substr($0, 4, RLENGTH - 6)
      value = substr($0, RLENGTH + 1)
      sub(/,$/, "", value)
      if (side == "wanted") wanted[key] = value; else loaded[key] = value
    }
    function weigh(key, removed) {
      if (has(bridge, key) || (key == "default-address-pools" && !("bip" in wanted))) worst = 3
      else if (!has(reloaded, key) || (removed && !has(reset, key))) worst = worst < 2 ? 2 : worst
      else worst = worst < 1 ? 1 : worst
    }
    END {
      for (key in loaded) if (!(key in wanted)) weigh(key, 1)
      for (key in wanted) if (!(key in loaded) || loaded[key] != wanted[key]) weigh(key, 0)
      split("none reload restart containers-stop", words, " ")
      print words[worst + 1]
    }' side=loaded "$DAEMON_LOADED" side=wanted -
}

# Whether any container of the engine runs, as containerd's shims say.
daemon_containers_run() {
  for cost_container in /run/containerd/io.containerd.runtime.v2.task/moby/*; do
    if [ -d "$cost_container" ]; then return 0; fi
  done
  return 1
}

# Whether the daemon that runs has live-restore: the daemon itself knows, because a removed key keeps its value.
daemon_keeps_containers() {
  [ "$(timeout 30 "$SEALIFT_DOCKER" info --format '{{.LiveRestoreEnabled}}' 2>/dev/null || true)" = true ]
}
