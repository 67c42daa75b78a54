# The unit that decrypts secrets at boot, before the engine starts containers, and the script that it runs.
# shellcheck disable=SC2154 # files.sh and systemd.sh set file_wrong and unit_…

SECRETS_UNIT=/etc/systemd/system/sealift-secrets.service
SECRETS_SCRIPT=/opt/sealift/secrets/open

# Fact: unit and script are those of this version of age, both as files and as loaded by systemd; nothing else provides or changes the unit,
# and it runs before every start of the engine.
# $1 version of age
check_secrets_unit() {
  file_inspect "$SECRETS_UNIT" "$SECRETS_SCRIPT"
  if ! file_is "$SECRETS_UNIT" "$(secrets_unit "$1")" || ! file_is "$SECRETS_SCRIPT" "$(secrets_script)"; then
    echo "$file_wrong"
    return 1
  fi
  if ! path_is_safe "${SECRETS_SCRIPT%/*}"; then
    echo "$path_wrong"
    return 1
  fi
  unit_inspect "$UNIT_WHOLE Type After" sealift-secrets.service docker.service
  if ! unit_loaded sealift-secrets.service "" Type=oneshot Environment= EnvironmentFiles= PassEnvironment= User= Group= RootDirectory= RootImage= \
    TriggeredBy= ExecStartPre= "ExecStart=!/bin/sh $SECRETS_SCRIPT $AGE_PROGRAMS/$1/age"; then
    echo "$unit_wrong"
    return 1
  fi
  unit_starts_at_boot sealift-secrets.service || return 1
  unit_pick docker.service
  unit_value LoadState
  if [ "$unit_found" != loaded ]; then return 0; fi
  unit_value After
  case " $unit_found " in
    *" sealift-secrets.service "*) ;;
    *)
      echo "docker.service would not wait for sealift-secrets.service"
      return 1
      ;;
  esac
}
guard_secrets_unit() { refuse_unmanaged sealift-secrets.service ""; }
apply_secrets_unit() {
  guard_secrets_unit
  install -d -o root -g root -m 0755 "${SECRETS_SCRIPT%/*/*}" "${SECRETS_SCRIPT%/*}"
  file_put "$SECRETS_SCRIPT" "$(secrets_script)"
  file_put "$SECRETS_UNIT" "$(secrets_unit "$1")"
  systemctl daemon-reload
  systemctl reenable --quiet sealift-secrets.service
}

# Fact: the unit has run since the last boot, and has decrypted everything that the site needs.
# $@ the secrets of the site, as APP/NAME
check_secrets_service() {
  unit_inspect "$UNIT_STATE" sealift-secrets.service
  unit_pick sealift-secrets.service
  unit_value ActiveState
  if [ "$unit_found" = active ]; then return 0; fi
  echo "sealift-secrets.service is ${unit_found:-not known to systemd}"
  return 1
}
# Nothing depends on the unit so that it would stop with it. What the site no longer has must not make it fail: a failure here would keep
# the run from the step that removes it.
apply_secrets_service() {
  secrets_list_again "$@"
  if timeout 300 systemctl restart sealift-secrets.service; then return 0; fi
  journal_tail sealift-secrets.service
  return 1
}

# secrets_unit VERSION: systemd.exec(5). docker.service is made to want it, and does not require it: an application whose secret cannot be
# decrypted must not keep the engine and all other applications from starting. The script needs no rights but to write in its folder, for
# any owner.
secrets_unit() {
  cat <<END
# Made by Sealift.
[Unit]
Description=Secrets of applications, decrypted into memory
Documentation=https://age-encryption.org
After=local-fs.target
Before=docker.service
RequiresMountsFor=$SEALIFT_STATE/secrets ${AGE_PROGRAMS%/*}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh $SECRETS_SCRIPT $AGE_PROGRAMS/$1/age
TimeoutStartSec=300
RuntimeDirectory=sealift/secrets
RuntimeDirectoryMode=0700
RuntimeDirectoryPreserve=yes
UMask=0077
CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER
DevicePolicy=closed
LimitCORE=0
LockPersonality=yes
MemoryDenyWriteExecute=yes
NoNewPrivileges=yes
PrivateDevices=yes
PrivateTmp=yes
ProcSubset=pid
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
RestrictAddressFamilies=none
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@resources
SystemCallErrorNumber=EPERM

[Install]
WantedBy=docker.service
END
}

# secrets_script: prints the script, which works without Sealift.
secrets_script() {
  cat <<'END'
# Made by Sealift. Decrypts secrets into memory with the ssh host key; the list has one per line: APP NAME SHA256 OWNER MODE STATE.
# One with the STATE kept is only of an earlier release: it may be for a key that the host no longer has, and is no failure.
# $1 age, $2... NAMEs as APP/NAME; none: all
age=$1
shift
only=" $* "
umask 077
# In the unit both exist, and the first is read-only.
[ -d /run/sealift ] || install -d -m 0755 /run/sealift
install -d -m 0700 /run/sealift/secrets
case $(stat -f -c %T /run/sealift/secrets) in
  tmpfs | ramfs) ;;
  *)
    echo "/run/sealift/secrets is not in memory: nothing is decrypted" >&2
    exit 1
    ;;
esac
failed=0
while read -r app name sha256 owner mode state; do
  case $only in
    "  " | *" $app/$name "*) ;;
    *) continue ;;
  esac
  install -d -m 0700 "/run/sealift/secrets/$app"
  file=/run/sealift/secrets/$app/$name
  rm -f "$file.new"
  # A running container has the file itself: its content is replaced in place, and only a missing one is created.
  if ! "$age" --decrypt -i /etc/ssh/ssh_host_ed25519_key -o "$file.new" "/var/lib/sealift/secrets/$sha256" || [ ! -f "$file.new" ]; then
    if [ "$state" = kept ]; then
      echo "warning: secret $name of $app was not decrypted; only an earlier release of $app uses it" >&2
    else
      echo "secret $name of $app was not decrypted" >&2
      failed=1
    fi
  elif [ -f "$file" ] && [ ! -L "$file" ]; then
    cmp -s "$file.new" "$file" || cat "$file.new" >"$file" || failed=1
    { chmod "$mode" "$file" && chown "$owner" "$file"; } || failed=1
  else
    { rm -rf "$file" && chmod "$mode" "$file.new" && chown "$owner" "$file.new" && mv -T "$file.new" "$file"; } || failed=1
  fi
  rm -f "$file.new"
done </var/lib/sealift/secrets/list
exit "$failed"
END
}
