# How an application starts and stops with its host. The engine restarts containers at boot all at once; a unit per application does it in the
# order of the Compose file, after the engine and the secrets, and stops them in the reverse order before the engine.
# After a power cut, the engine starts them nevertheless, because it did not see them stop: the unit first stops those that were to wait.
# shellcheck disable=SC2154 # files.sh, systemd.sh and project.sh set file_wrong, path_wrong, unit_… and APP_…

APP_UNITS=/etc/systemd/system
APP_BOOT_SCRIPT=/opt/sealift/apps/boot

# Fact: a unit starts the release at boot in the order of its Compose file, and stops it at shutdown; nothing else changes the unit.
# $1 folder of the application, $2 its name, $3 release, $4 seconds until healthy
check_app_boot() {
  boot_unit=sealift-app-$2.service
  if [ ! -d "$1/releases/$3" ]; then
    echo "the release is not on the host yet"
    return 1
  fi
  file_inspect "$APP_UNITS/$boot_unit" "$APP_BOOT_SCRIPT"
  if ! file_is "$APP_UNITS/$boot_unit" "$(app_unit "$@")" || ! file_is "$APP_BOOT_SCRIPT" "$(app_boot_script)"; then
    echo "$file_wrong"
    return 1
  fi
  if ! path_is_safe "${APP_BOOT_SCRIPT%/*}"; then
    echo "$path_wrong"
    return 1
  fi
  unit_inspect "$UNIT_WHOLE" "$boot_unit"
  if ! unit_loaded "$boot_unit" "" "ExecStartPre=!-$(app_boot_first "$2")" \
    "ExecStart=!$(app_boot_command "$@") up --detach --no-build --pull never --wait --wait-timeout $4"; then
    echo "$unit_wrong"
    return 1
  fi
  unit_starts_at_boot "$boot_unit" || return 1
  unit_is_active "$boot_unit" || return 1
}
guard_app_boot() {
  refuse_unmanaged "sealift-app-$2.service" ""
}
apply_app_boot() {
  guard_app_boot "$@"
  boot_unit=sealift-app-$2.service
  install -d -o root -g root -m 0755 "${APP_BOOT_SCRIPT%/*/*}" "${APP_BOOT_SCRIPT%/*}"
  if ! file_is "$APP_BOOT_SCRIPT" "$(app_boot_script)"; then file_put "$APP_BOOT_SCRIPT" "$(app_boot_script)"; fi
  if ! file_is "$APP_UNITS/$boot_unit" "$(app_unit "$@")"; then file_put "$APP_UNITS/$boot_unit" "$(app_unit "$@")"; fi
  systemctl daemon-reload
  systemctl enable --quiet "$boot_unit"
  # What runs now was not started by the engine at boot, or a run of Sealift has looked at it since.
  install -d -m 0700 "$APP_INSPECTED"
  : >"$APP_INSPECTED/$2.started"
  # An operator's run is not one of the tries that are counted.
  systemctl reset-failed "$boot_unit" 2>/dev/null || true
  if timeout $(($4 + 120)) systemctl start "$boot_unit"; then return 0; fi
  echo "$boot_unit did not start: $(journal_tail "$boot_unit" | redact_contents "$APP_SECRETS/$2")"
  return 1
}

# app_unit FOLDER NAME RELEASE SECONDS: prints the unit. It does not require docker.service: stopping the engine with live-restore on would
# stop the application. It tries again when something needs longer than its health check allows, as a database after a power cut.
app_unit() {
  cat <<END
[Unit]
Description=Application $2, release $3
After=docker.service sealift-secrets.service network-online.target
Wants=docker.service network-online.target
RequiresMountsFor=$1
StartLimitIntervalSec=3600
StartLimitBurst=10

[Service]
Type=oneshot
RemainAfterExit=yes
Environment=HOME=/root
ExecStartPre=-$(app_boot_first "$2")
ExecStart=$(app_boot_command "$@") up --detach --no-build --pull never --wait --wait-timeout $4
ExecStop=$(app_boot_command "$@") stop
TimeoutStartSec=$(($4 + 60))
TimeoutStopSec=300
Restart=on-failure
RestartSec=30

[Install]
WantedBy=multi-user.target
END
}

# app_boot_command FOLDER NAME RELEASE: prints docker compose with the files of the release.
app_boot_command() {
  boot_release=$1/releases/$3
  boot_env=
  if [ -f "$boot_release/project/.env" ]; then boot_env="--env-file $boot_release/project/.env "; fi
  echo "$SEALIFT_DOCKER compose --ansi never --progress plain -p $2 --project-directory $boot_release/project $boot_env--env-file $boot_release/values.env -f $boot_release/project/$(cat "$boot_release/compose-file") -f $boot_release/sealift.override.yaml"
}

# app_boot_first NAME: prints the command that runs before it.
app_boot_first() { echo "/bin/sh $APP_BOOT_SCRIPT $SEALIFT_DOCKER $1 $APP_INSPECTED/$1.started"; }

# app_boot_script: prints the script, which works without Sealift.
app_boot_script() {
  cat <<'END'
# Made by Sealift. The first time after a boot, stops the containers of an application that the engine has started before what they wait for:
# those that depend on others and are not healthy yet. The unit then starts them in order. Others are left alone: a database that recovers
# from a power cut is not interrupted.
# $1 docker, $2 application, $3 file in memory that says that it has been done
docker=$1
if [ -e "$3" ]; then exit 0; fi
early=$(
  "$docker" ps --filter "label=com.docker.compose.project=$2" --filter label=io.sealift.service \
    --format '{{.Names}} {{if .Label "com.docker.compose.depends_on"}}waits{{end}} {{.Status}}' | while read -r name waits status; do
    case $waits,$status in
      waits,*"(healthy)"*) ;;
      waits,*) echo "$name" ;;
    esac
  done
)
if [ -n "$early" ]; then
  echo "started by the engine before what they wait for, so they are stopped and started in order:" $early
  timeout 300 "$docker" stop $early >/dev/null
  # The engine answers before its list of containers says so, and compose would take them for running. An inspection waits for the list.
  timeout 60 "$docker" inspect $early >/dev/null
fi
mkdir -p -m 0700 "${3%/*}"
: >"$3"
END
}
