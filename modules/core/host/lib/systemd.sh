# Units as systemd has loaded them: a unit is made from several files, and a changed file has no effect until systemd reads it again.
# Sources: systemd.unit(5), systemctl(1), org.freedesktop.systemd1(5) of systemd 249 to 257.
# shellcheck disable=SC2034 # callers read unit_…

# Properties of a unit's state, and of everything that defines it.
UNIT_STATE="Id ActiveState UnitFileState MainPID"
UNIT_WHOLE="$UNIT_STATE LoadState FragmentPath DropInPaths NeedDaemonReload TriggeredBy Triggers ExecStartPre ExecStart Environment \
EnvironmentFiles PassEnvironment User Group RootDirectory RootImage KillMode Listen SocketMode SocketUser SocketGroup"

# Folders whose files define or change a unit, in the order of precedence.
UNIT_PLACES="/etc/systemd/system.control /run/systemd/system.control /run/systemd/transient /run/systemd/generator.early \
/etc/systemd/system /etc/systemd/system.attached /run/systemd/system /run/systemd/system.attached /run/systemd/generator \
/usr/local/lib/systemd/system /usr/lib/systemd/system /run/systemd/generator.late"

# unit_inspect PROPERTIES UNIT...: reads these properties of all these units with one process, for unit_pick. Of commands it keeps the
# command line without times; a property with several values has one line for each.
unit_inspect() {
  unit_asked=$1
  shift
  unit_count=1
  unit_list=
  for unit_one in $unit_asked; do
    unit_list=$unit_list,$unit_one
    eval "unit_1_$unit_one="
  done
  unit_list=${unit_list#,}
  while IFS= read -r unit_line; do
    unit_key=${unit_line%%=*}
    unit_line=${unit_line#*=}
    case " $unit_asked " in
      *" $unit_key "*) ;;
      *)
        # An empty line separates units.
        if [ -n "$unit_key" ]; then continue; fi
        unit_count=$((unit_count + 1))
        for unit_one in $unit_asked; do eval "unit_${unit_count}_$unit_one="; done
        continue
        ;;
    esac
    case $unit_line in "{ path="*) unit_line=${unit_line%%" ; start_time="*} ;; esac
    # The name is one of ours; the value is only assigned, never evaluated.
    eval "unit_${unit_count}_$unit_key=\${unit_${unit_count}_$unit_key:+\$unit_${unit_count}_$unit_key\$SEALIFT_LINE_END}\$unit_line"
  done <<END
$(timeout 60 systemctl show --no-pager --property "$unit_list" -- "$@" 2>/dev/null || true)
END
}

# unit_pick UNIT: selects the unit for unit_value.
unit_pick() {
  unit_at=1
  while [ "$unit_at" -le "$unit_count" ]; do
    unit_id=
    eval "unit_id=\$unit_${unit_at}_Id"
    if [ "$unit_id" = "$1" ]; then return 0; fi
    unit_at=$((unit_at + 1))
  done
  unit_at=0
}

# unit_value PROPERTY: sets unit_found to the value for the selected unit; empty if systemd does not know the unit.
unit_value() {
  unit_found=
  if [ "$unit_at" != 0 ]; then eval "unit_found=\$unit_${unit_at}_$1"; fi
}

# unit_loaded UNIT DROPINS PROPERTY=VALUE...: after unit_inspect with UNIT_WHOLE: whether systemd has loaded the unit from its file in
# /etc/systemd/system, changed only by these drop-ins (paths separated by blanks), now and after a reload, and with these values. A command
# is written as `!COMMAND`, or as `!-COMMAND` if its failure is ignored. Properties that are not named may have any value. Otherwise sets
# unit_wrong, and unit_foreign to the files of others.
unit_loaded() {
  unit_name=$1
  unit_dropins=" $2 "
  shift 2
  unit_wrong=
  # Includes files that systemd has not read yet: it does not report that it needs a reload for a new folder of drop-ins (systemd 252).
  if unit_unmanaged "$unit_name" "$unit_dropins"; then
    unit_wrong="$unit_name is made or changed by$unit_foreign"
    return 1
  fi
  unit_pick "$unit_name"
  unit_value LoadState
  if [ "$unit_found" != loaded ]; then
    unit_wrong="$unit_name is ${unit_found:-not known to systemd}"
    return 1
  fi
  unit_value FragmentPath
  if [ "$unit_found" != "/etc/systemd/system/$unit_name" ]; then
    unit_foreign=" $unit_found"
  fi
  unit_value DropInPaths
  for unit_one in $unit_found; do
    case $unit_one in
      # Drop-ins for all units of a type; the values below show their effect.
      */service.d/* | */socket.d/* | */slice.d/* | */mount.d/*) continue ;;
    esac
    case $unit_dropins in
      *" $unit_one "*) ;;
      *) unit_foreign="$unit_foreign $unit_one" ;;
    esac
  done
  if [ -n "$unit_foreign" ]; then
    unit_wrong="$unit_name is made or changed by$unit_foreign"
    return 1
  fi
  for unit_one in $unit_dropins; do
    case " $unit_found " in
      *" $unit_one "*) ;;
      *) unit_wrong="systemd has not read $unit_one" && return 1 ;;
    esac
  done
  unit_value NeedDaemonReload
  if [ "$unit_found" = yes ]; then
    unit_wrong="the files of $unit_name changed and systemd has not reloaded them"
    return 1
  fi
  for unit_pair; do
    unit_value "${unit_pair%%=*}"
    unit_expected=${unit_pair#*=}
    case $unit_expected in
      "!-"*) unit_expected=${unit_expected#!-} && unit_expected="{ path=${unit_expected%% *} ; argv[]=$unit_expected ; ignore_errors=yes" ;;
      "!"*) unit_expected=${unit_expected#!} && unit_expected="{ path=${unit_expected%% *} ; argv[]=$unit_expected ; ignore_errors=no" ;;
    esac
    if [ "$unit_found" = "$unit_expected" ]; then continue; fi
    case $unit_pair in
      # Values may be secrets.
      Environment=*) unit_wrong="$unit_name has a different Environment" ;;
      Exec*) unit_wrong="$unit_name has ${unit_pair%%=*} $(unit_commands)" ;;
      *) unit_wrong="$unit_name has ${unit_pair%%=*} ${unit_found:-empty}" ;;
    esac
    return 1
  done
}

# unit_starts_at_boot UNIT: whether the picked unit, UNIT in the finding, is enabled. Otherwise prints the finding.
unit_starts_at_boot() {
  unit_value UnitFileState
  if [ "$unit_found" = enabled ]; then return 0; fi
  echo "$1 is ${unit_found:-missing}, so it would not start at boot"
  return 1
}

# unit_is_active UNIT: whether the picked unit, UNIT in the finding, is active. Otherwise prints the finding.
unit_is_active() {
  unit_value ActiveState
  if [ "$unit_found" = active ]; then return 0; fi
  echo "$1 is $unit_found"
  return 1
}

# unit_commands: prints what may be shown of the commands in unit_found.
unit_commands() {
  if [ -z "$unit_found" ]; then echo empty; fi
  while IFS= read -r unit_line; do
    unit_line=${unit_line#*"argv[]="}
    case $unit_line in
      '') ;;
      *" ; ignore_errors=yes"*) echo "$(redact_words "${unit_line% ; ignore_errors=*}") (failure ignored)" ;;
      *) redact_words "${unit_line% ; ignore_errors=*}" ;;
    esac
  done <<END
$unit_found
END
}

# unit_unmanaged UNIT DROPINS: whether files besides the unit's own file in /etc/systemd/system and these drop-ins define or change the
# unit, read by systemd or not; sets unit_foreign to them. A unit file that ours takes precedence over does not count. Starts no process.
unit_unmanaged() {
  unit_foreign=
  unit_before=yes
  for unit_place in $UNIT_PLACES; do
    if [ "$unit_place" = /etc/systemd/system ]; then unit_before=; fi
    if [ -n "$unit_before" ] && [ -e "$SEALIFT_ROOT$unit_place/$1" ]; then unit_foreign="$unit_foreign $unit_place/$1"; fi
    for unit_one in "$SEALIFT_ROOT$unit_place/$1.d"/*.conf; do
      if [ ! -e "$unit_one" ]; then continue; fi
      unit_one=${unit_one#"$SEALIFT_ROOT"}
      case " $2 " in
        *" $unit_one "*) ;;
        *) unit_foreign="$unit_foreign $unit_one" ;;
      esac
    done
  done
  [ -n "$unit_foreign" ]
}

# refuse_unmanaged UNIT DROPINS: ends a guard with a refusal if files of others change the unit.
refuse_unmanaged() {
  if ! unit_unmanaged "$@"; then return 0; fi
  refuse E_UNMANAGED_UNIT "$1 is made or changed by files that Sealift did not write:$unit_foreign" \
    "find out who owns them, then remove them and run systemctl daemon-reload"
}

# unit_can_filter: whether IPAddressDeny= of a unit has an effect on this host. If systemd cannot use BPF for control groups (old kernel,
# container), it starts the unit without the filter and only logs this. The IP accounting counter uses the same program
# (systemd.resource-control(5), IPAccounting=) and is "[no data]" without it. So this starts a unit that does nothing, and stops it.
unit_can_filter() {
  unit_probe=sealift-filter-$$.service
  timeout 60 systemd-run --quiet --collect --unit="$unit_probe" --property=RemainAfterExit=yes --property=IPAccounting=yes \
    --property=IPAddressDeny=any /bin/true >/dev/null 2>&1 || return 1
  unit_bytes=$(timeout 60 systemctl show -P IPIngressBytes "$unit_probe" 2>/dev/null || true)
  timeout 60 systemctl stop "$unit_probe" 2>/dev/null || true
  case $unit_bytes in
    # systemd's number for "no value".
    '' | *[!0-9]* | 18446744073709551615) return 1 ;;
  esac
}

# journal_written: waits until journald has written what units have printed so far, such as the reason why a service has just failed
# (journalctl(1), --sync).
journal_written() { timeout 20 journalctl --sync >/dev/null 2>&1 || true; }

# How many lines of a failed service's log an error shows.
JOURNAL_TAIL_LINES=20

# journal_tail UNIT [ARGUMENT...]: prints the last lines of the log of the units that match; further arguments limit them (journalctl(1)).
journal_tail() {
  journal_written
  tail_unit=$1
  shift
  timeout 20 journalctl --quiet --no-pager -o cat -n "$JOURNAL_TAIL_LINES" -u "$tail_unit" "$@" || true
}

# unit_without_rights: prints what confines a server that needs its own files and the network alone: systemd.exec(5).
unit_without_rights() {
  cat <<'END'
CapabilityBoundingSet=
DevicePolicy=closed
LockPersonality=yes
MemoryDenyWriteExecute=yes
NoNewPrivileges=yes
PrivateDevices=yes
PrivateTmp=yes
PrivateUsers=yes
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
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
END
}
