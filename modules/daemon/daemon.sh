# daemon.json: the file, and what is refused before it changes.
# shellcheck disable=SC2154 # files.sh sets file_wrong and path_wrong

# Every docker command of Sealift uses the engine of this host, whatever context root has selected (docker context use).
export DOCKER_HOST=unix:///run/docker.sock

DAEMON_JSON=/etc/docker/daemon.json
# What the running daemon has loaded: written by docker.service at each start and reload.
DAEMON_LOADED=/run/sealift/daemon.json.loaded

# Fact: daemon.json holds exactly these entries, and root alone may change it.
# $@ entries as JSON members, `"key": value`, one an argument, in the order of their keys
check_daemon_file() {
  if [ ! -f "$DAEMON_JSON" ]; then
    echo "no $DAEMON_JSON"
    return 1
  fi
  if ! file_is "$DAEMON_JSON" "$(daemon_json_text "$@")"; then
    case $file_wrong in
      *" is altered") daemon_json_text "$@" | daemon_difference ;;
      *) echo "$file_wrong" ;;
    esac
    return 1
  fi
  if ! path_is_safe "${DAEMON_JSON%/*}"; then
    echo "$path_wrong"
    return 1
  fi
}

# Keys whose value a finding may show: none of them can hold a password.
DAEMON_SHOWN="allow-direct-routing authorization-plugins bip bip6 bridge bridge-accept-fwmark cgroup-parent containerd data-root debug \
default-address-pools default-cgroupns-mode default-gateway default-gateway-v6 default-ipc-mode default-runtime default-shm-size \
default-stop-timeout dns dns-opts dns-search exec-opts exec-root experimental features firewall-backend fixed-cidr fixed-cidr-v6 group hosts icc \
init insecure-registries ip ip-forward ip-forward-no-drop ip-masq ip6tables iptables ipv6 live-restore log-driver log-format log-level \
max-concurrent-downloads max-concurrent-uploads max-download-attempts metrics-addr min-api-version mtu network-control-plane-mtu \
network-diagnostic-port no-new-privileges pidfile raw-logs registry-mirrors seccomp-profile selinux-enabled shutdown-timeout \
storage-driver storage-opts swarm-default-advertise-addr tls tlscacert tlscert tlskey tlsverify userland-proxy userns-remap"

# daemon_difference <TEXT: the members of the file that are not in TEXT, and those of TEXT that are not in the file. White space between values
# is ignored, so that a reformatted file shows only real changes. Others may have written the file: of a value that could be a token only the
# key is shown.
daemon_difference() {
  awk -v known=" $DAEMON_SHOWN " '
    # Whether a value is plain: a boolean, a number, a string, or a list or map of these.
    function plain(value) {
      if (length(value) > 200) return 0
      if (value ~ /^(true|false|null|-?[0-9.]+|"[A-Za-z0-9_.:\/% +=-]*")$/) return 1
      return value ~ /^(\[[^][]*\]|\{[^{}]*\})$/ && value ~ /^[][{}A-Za-z0-9_.:\/% +=",-]*$/
    }
    function shown(member,   key, value) {
      if (!match(member, /^"[A-Za-z0-9._-]+":/) || RLENGTH > 64) return ""
      key = substr(member, 2, RLENGTH - 3)
      value = substr(member, RLENGTH + 1)
      return "\"" key "\"" (index(known, " " key " ") && plain(value) ? ": " value : " (its value is not shown)")
    }
    # Sets list[1], list[2] ... to the members of the outermost map of a JSON text, without white space between values; returns their number.
    function members(text, list,   at, end, one, depth, quoted, escaped, member, count) {
      end = length(text)
      for (at = 1; at <= end; at++) {
        one = substr(text, at, 1)
        if (quoted) {
          if (escaped) escaped = 0
          else if (one == "\\") escaped = 1
          else if (one == "\"") quoted = 0
        } else if (one ~ /[ \t\r\n]/) continue
        else if (one == "\"") quoted = 1
        else if (one ~ /[{[]/) { if (++depth == 1) continue }
        else if (one ~ /[]}]/) { if (--depth == 0) break }
        else if (one == "," && depth == 1) {
          list[++count] = member
          member = ""
          continue
        }
        member = member one
      }
      if (member != "") list[++count] = member
      return count
    }
    { text[side] = text[side] $0 "\n" }
    END {
      # A real daemon.json is never larger.
      count = members(substr(text["is"], 1, 65536), is)
      asked = members(text["expected"], want)
      for (i = 1; i <= count; i++) has[is[i]]
      for (i = 1; i <= asked; i++) {
        asks[want[i]]
        if (want[i] in has) continue
        match(want[i], /^"[^"]*":/)
        expected = expected "; " substr(want[i], 1, RLENGTH) " " substr(want[i], RLENGTH + 1)
      }
      for (i = 1; i <= count; i++) {
        if (is[i] in asks) continue
        one = shown(is[i])
        if (one == "") others = 1
        else found = found "; " one
      }
      if (found == "" && others) found = "; entries that are not shown"
      print (found == "" ? "nothing" : substr(found, 3)) " in place of " (expected == "" ? "nothing" : substr(expected, 3))
    }' side=is "$DAEMON_JSON" side=expected -
}
apply_daemon_file() {
  guard_daemon_file "$@"
  case $(daemon_cost "$(daemon_json_text "$@")") in
    restart | containers-stop) daemon_has_space "$(daemon_text "$(daemon_json_text "$@" | daemon_value data-root)")" ;;
  esac
  if ! path_is_safe /opt/docker/current/bin; then
    echo "$path_wrong"
    return 1
  fi
  install -d -o root -g root -m 0755 /etc/docker
  rm -f "$DAEMON_JSON.new"
  daemon_json_text "$@" >"$DAEMON_JSON.new"
  # Validated by the engine that will read it, before it goes live. docker-proxy has to be on the PATH for this.
  if ! PATH=/opt/docker/current/bin:$PATH timeout 60 dockerd --validate --config-file="$DAEMON_JSON.new"; then
    rm "$DAEMON_JSON.new"
    return 1
  fi
  put_in_place "$DAEMON_JSON"
}
effect_daemon_file() {
  daemon_cost "$(daemon_json_text "$@")"
}

# A daemon with another data-root starts empty and orphans running containers, so an operator has to prepare such a change.
guard_daemon_file() {
  guard_programs E_UNMANAGED_ENGINE /opt/docker || return 1
  daemon_present=$DAEMON_LOADED
  if [ ! -f "$daemon_present" ]; then daemon_present=$DAEMON_JSON; fi
  if [ ! -f "$daemon_present" ]; then return 0; fi
  daemon_root=$(daemon_text "$(daemon_value data-root <"$daemon_present")")
  daemon_root_expected=$(daemon_text "$(daemon_json_text "$@" | daemon_value data-root)")
  daemon_user=$(daemon_text "$(daemon_value userns-remap <"$daemon_present")")
  daemon_user_expected=$(daemon_text "$(daemon_json_text "$@" | daemon_value userns-remap)")
  if [ "${daemon_root:=/var/lib/docker}" != "$daemon_root_expected" ] && ! daemon_root_adopted "$daemon_root" "$daemon_root_expected" && daemon_holds "$daemon_root"; then
    refuse E_DATA_ROOT "data-root is $daemon_root and holds $daemon_held, which would be hidden with data-root $daemon_root_expected" \
      "$(data_root_remedy "$daemon_root" "$daemon_root_expected")"
    return 1
  fi
  if [ "$daemon_user" != "$daemon_user_expected" ] && daemon_holds "$daemon_root"; then
    refuse E_DATA_ROOT "$daemon_root holds $daemon_held, which would be hidden with userns-remap \"$daemon_user_expected\" instead of \"$daemon_user\"" \
      "remove them first, or leave userns-remap as it is"
    return 1
  fi
}

# daemon_root_adopted OLD WANTED: whether the data of OLD is in WANTED too, or will be before the file is written.
# shellcheck disable=SC2154 # core/engine-data.sh sets data_from
daemon_root_adopted() {
  data_adopted "$2"
  if [ "$data_from" = "$1" ]; then return 0; fi
  case " ${run_differ-} " in *" engine.adopted "*) return 0 ;; esac
  return 1
}

# daemon_has_space ROOT: a daemon whose volume is full keeps running but cannot start again. Not a guard: the same run may have enlarged the
# volume by then.
daemon_has_space() {
  if [ ! -d "$1" ]; then return 0; fi
  daemon_free_mib=$(($(df --output=avail -B 1M "$1" | tail -n 1)))
  if [ "$daemon_free_mib" -lt 32 ]; then
    echo "$1 has $daemon_free_mib MiB free, and a daemon restarted there would not come up again: free space, or enlarge the volume"
    return 1
  fi
}

# daemon_holds ROOT: sets daemon_held to the kind of data that it holds; fails when it is empty.
daemon_holds() {
  for daemon_one in "$1"/containers/* "$1"/*.*/containers/*; do
    if [ -d "$daemon_one" ]; then daemon_held="containers" && return 0; fi
  done
  for daemon_one in "$1"/volumes/*/_data "$1"/*.*/volumes/*/_data; do
    if [ -d "$daemon_one" ]; then daemon_held="volumes" && return 0; fi
  done
  for daemon_one in "$1"/image/*/imagedb/content/sha256/* "$1"/containerd/daemon/io.containerd.snapshotter.*/snapshots/*; do
    if [ -e "$daemon_one" ]; then daemon_held="images" && return 0; fi
  done
  return 1
}

daemon_json_text() {
  daemon_comma=
  echo "{"
  for daemon_entry; do
    # The comma ends the line of its member, so that each key is one line to compare.
    printf '%s' "$daemon_comma"
    printf '  %s' "$daemon_entry"
    daemon_comma=",
"
  done
  printf '\n}\n'
}

# daemon_value KEY <FILE: the JSON value of a key in a file as daemon_json_text writes it; nothing when it is not there.
daemon_value() {
  while IFS= read -r daemon_line; do
    case $daemon_line in
      "  \"$1\": "*)
        daemon_line=${daemon_line#"  \"$1\": "}
        printf '%s' "${daemon_line%,}"
        # Read the rest, so that the writer does not fail on a closed pipe.
        while read -r daemon_line; do :; done
        return
        ;;
    esac
  done
}

# daemon_text VALUE: a JSON string without its quotes; nothing if its line contains more.
daemon_text() {
  daemon_bare=${1#\"}
  daemon_bare=${daemon_bare%\"}
  case $daemon_bare in *\"*) return 0 ;; esac
  printf '%s' "$daemon_bare"
}
