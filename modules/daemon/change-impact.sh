# The impact of a change of daemon.json, determined on the host from the keys that differ from what the daemon has loaded and from what
# runs. Sources: reload.go, reload_unix.go and configureNetworking in daemon_unix.go, moby 26.1 to 29.7.2.

# Keys that dockerd re-reads on SIGHUP. Not authorization-plugins: with a plugin that does not answer, a reload ends the daemon.
DAEMON_RELOADABLE="debug default-cgroupns-mode default-ipc-mode default-runtime default-shm-size default-stop-timeout \
insecure-registries labels live-restore max-concurrent-downloads max-concurrent-uploads max-download-attempts \
network-diagnostic-port nri-opts registry-mirrors runtimes shutdown-timeout"

# Those that a reload resets when they are removed; the others keep their old value (moby#36632).
DAEMON_RESET="max-concurrent-downloads max-concurrent-uploads max-download-attempts network-diagnostic-port"

# Keys of docker0. A daemon that finds running containers at its start does not change docker0, and only logs it.
DAEMON_BRIDGE="bip bip6 bridge default-gateway default-gateway-v6 fixed-cidr fixed-cidr-v6 icc ip ip-masq ipv6 mtu"

# daemon_cost TEXT: what it takes for the daemon to run with this daemon.json: none, reload, restart or containers-stop.
daemon_cost() {
  cost_live=$(printf '%s\n' "$1" | daemon_value live-restore)
  if ! systemctl is-active --quiet docker.service; then
    # A daemon that starts without live-restore stops running containers.
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

# daemon_change TEXT: the impact of the keys that differ from what the daemon has loaded: none, reload, restart, or containers-stop for keys that a restart
# with running containers would not apply.
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
      if (side == "expected") expected[key] = value; else loaded[key] = value
    }
    function weigh(key, removed) {
      if (has(bridge, key) || (key == "default-address-pools" && !("bip" in expected))) worst = 3
      else if (!has(reloaded, key) || (removed && !has(reset, key))) worst = worst < 2 ? 2 : worst
      else worst = worst < 1 ? 1 : worst
    }
    END {
      for (key in loaded) if (!(key in expected)) weigh(key, 1)
      for (key in expected) if (!(key in loaded) || loaded[key] != expected[key]) weigh(key, 0)
      split("none reload restart containers-stop", words, " ")
      print words[worst + 1]
    }' side=loaded "$DAEMON_LOADED" side=expected -
}

# Whether any container of the engine runs, according to containerd's shims.
daemon_containers_run() {
  for cost_container in /run/containerd/io.containerd.runtime.v2.task/moby/*; do
    if [ -d "$cost_container" ]; then return 0; fi
  done
  return 1
}

# Whether the running daemon has live-restore: ask the daemon, because a removed key keeps its value.
daemon_keeps_containers() {
  [ "$(timeout 30 "$SEALIFT_DOCKER" info --format '{{.LiveRestoreEnabled}}' 2>/dev/null || true)" = true ]
}

# Whether the daemon reports that its restart ends its containers; false when it does not answer.
daemon_lets_containers_go() {
  [ "$(timeout 30 "$SEALIFT_DOCKER" info --format '{{.LiveRestoreEnabled}}' 2>/dev/null || true)" = false ]
}
