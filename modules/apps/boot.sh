# How an application starts and stops with its host. The engine restarts containers at boot all at once; a unit per application does it in the
# order of the Compose file, after the engine and the secrets, and stops them in the reverse order before the engine.
# shellcheck disable=SC2154 # files.sh and systemd.sh set file_wrong and unit_…

APP_UNITS=/etc/systemd/system

# Fact: a unit starts the release at boot in the order of its Compose file, and stops it at shutdown; nothing else changes the unit.
# $1 folder of the application, $2 its name, $3 release, $4 seconds until healthy
check_app_boot() {
  boot_unit=sealift-app-$2.service
  if [ ! -d "$1/releases/$3" ]; then
    echo "the release is not on the host yet"
    return 1
  fi
  file_inspect "$APP_UNITS/$boot_unit"
  if ! file_is "$APP_UNITS/$boot_unit" "$(app_unit "$@")"; then
    echo "$file_wrong"
    return 1
  fi
  unit_inspect "$UNIT_WHOLE" "$boot_unit"
  if ! unit_loaded "$boot_unit" "" "ExecStart=!$(app_boot_command "$@") up --detach --no-build --pull never --wait --wait-timeout $4"; then
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
  if ! file_is "$APP_UNITS/$boot_unit" "$(app_unit "$@")"; then file_put "$APP_UNITS/$boot_unit" "$(app_unit "$@")"; fi
  systemctl daemon-reload
  systemctl enable --quiet "$boot_unit"
  if timeout $(($4 + 120)) systemctl start "$boot_unit"; then return 0; fi
  echo "$boot_unit did not start: $(journal_tail "$boot_unit")"
  return 1
}

# app_unit FOLDER NAME RELEASE SECONDS: prints the unit. It does not require docker.service: stopping the engine with live-restore on would
# stop the application.
app_unit() {
  cat <<END
[Unit]
Description=Application $2, release $3
After=docker.service sealift-secrets.service network-online.target
Wants=docker.service network-online.target
RequiresMountsFor=$1

[Service]
Type=oneshot
RemainAfterExit=yes
Environment=HOME=/root
ExecStart=$(app_boot_command "$@") up --detach --no-build --pull never --wait --wait-timeout $4
ExecStop=$(app_boot_command "$@") stop
TimeoutStartSec=$(($4 + 60))
TimeoutStopSec=300

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
