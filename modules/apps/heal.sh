# Unhealthy containers of applications are restarted, because the engine itself does nothing about them (moby#28400). A unit does it: no
# container needs the socket of the engine.
# shellcheck disable=SC2154 # files.sh and systemd.sh set file_wrong, path_wrong and unit_…

HEAL_UNIT=/etc/systemd/system/sealift-heal.service
HEAL_SCRIPT=/opt/sealift/apps/heal

# Fact: the unit that restarts unhealthy containers runs, both as file and as loaded by systemd; nothing else provides or changes it.
# $1 restarts of one container within an hour, after which it is stopped
check_app_heal() {
  file_inspect "$HEAL_UNIT" "$HEAL_SCRIPT"
  if ! file_is "$HEAL_UNIT" "$(heal_unit "$1")" || ! file_is "$HEAL_SCRIPT" "$(heal_script)"; then
    echo "$file_wrong"
    return 1
  fi
  if ! path_is_safe "${HEAL_SCRIPT%/*}"; then
    echo "$path_wrong"
    return 1
  fi
  unit_inspect "$UNIT_WHOLE" sealift-heal.service
  if ! unit_loaded sealift-heal.service "" Environment= EnvironmentFiles= PassEnvironment= User= Group= RootDirectory= RootImage= TriggeredBy= ExecStartPre= \
    "ExecStart=!/bin/sh $HEAL_SCRIPT $SEALIFT_DOCKER $1"; then
    echo "$unit_wrong"
    return 1
  fi
  unit_starts_at_boot sealift-heal.service || return 1
  unit_is_active sealift-heal.service || return 1
}
guard_app_heal() { refuse_unmanaged sealift-heal.service ""; }
apply_app_heal() {
  guard_app_heal
  install -d -o root -g root -m 0755 "${HEAL_SCRIPT%/*/*}" "${HEAL_SCRIPT%/*}"
  file_put "$HEAL_SCRIPT" "$(heal_script)"
  file_put "$HEAL_UNIT" "$(heal_unit "$1")"
  systemctl daemon-reload
  systemctl reenable --quiet sealift-heal.service
  timeout 60 systemctl restart sealift-heal.service
}

# heal_unit RESTARTS: prints the unit. It ends with the connection to the engine, and is started again until the engine answers.
heal_unit() {
  cat <<END
# Made by Sealift.
[Unit]
Description=Restarts unhealthy containers of applications
After=docker.service
StartLimitIntervalSec=0

[Service]
ExecStart=/bin/sh $HEAL_SCRIPT $SEALIFT_DOCKER $1
Restart=always
RestartSec=5
RuntimeDirectory=sealift/heal
RuntimeDirectoryMode=0700
RuntimeDirectoryPreserve=yes

[Install]
WantedBy=docker.service
END
}

# heal_script: prints the script, which works without Sealift.
heal_script() {
  cat <<'END'
# Made by Sealift. Restarts each container of an application that becomes unhealthy. After so many restarts within an hour it stops the
# container and leaves it: a restart does not cure it, and somebody has to look.
# $1 docker, $2 restarts within an hour. Labels may hold anything: JSON keeps each on its line, as its last word.
docker=$1
most=$2
# heal NAME PROJECT-AS-JSON
heal() {
  of=${2#\"}
  of=${of%\"}
  case $of in *[!a-z0-9_-]*) of=- ;; esac
  # A run of Sealift that starts the application judges the container itself, and reports the log of its health check.
  run=$(cat "/run/sealift/apps/$of.run" 2>/dev/null)
  if [ -n "$run" ] && [ -d "/proc/$run" ]; then return; fi
  read -r now rest </proc/uptime
  now=${now%%.*}
  times=
  count=0
  for time in $(cat "/run/sealift/heal/$1" 2>/dev/null); do
    if [ $((now - time)) -lt 3600 ]; then
      times="$times $time"
      count=$((count + 1))
    fi
  done
  if [ "$count" -ge "$most" ]; then
    echo "<3>$1 is unhealthy again after $count restarts within an hour: it is stopped and stays stopped"
    timeout 120 "$docker" stop "$1" >/dev/null
    return
  fi
  echo "$times $now" >"/run/sealift/heal/$1"
  echo "<4>$1 is unhealthy: restart $((count + 1)) of at most $most within an hour"
  timeout 120 "$docker" restart "$1" >/dev/null
}
label=label=io.sealift.service
project='"com.docker.compose.project"'
"$docker" ps --filter "$label" --filter health=unhealthy --format "{{.Names}} {{json (.Label $project)}}" | while read -r name of; do heal "$name" "$of"; done
"$docker" events --filter "$label" --filter event=health_status --format "{{.Actor.Attributes.name}} {{.Action}} {{json (index .Actor.Attributes $project)}}" | while read -r name action health of; do
  case $action,$health in health_status:,unhealthy) heal "$name" "$of" ;; esac
done
END
}
