# What systemd has loaded, which is what counts: a unit's own file is one of several places that make it, and a file that was changed
# counts only when it was read again. Sources: systemd.unit(5), systemctl(1), org.freedesktop.systemd1(5) of systemd 249 to 257.
# shellcheck disable=SC2034 # whoever asks reads unit_…

# What is asked of a unit's state, and of all that makes it.
UNIT_STATE="Id ActiveState UnitFileState MainPID"
UNIT_WHOLE="$UNIT_STATE LoadState FragmentPath DropInPaths NeedDaemonReload TriggeredBy Triggers ExecStartPre ExecStart Environment \
EnvironmentFiles PassEnvironment User Group RootDirectory RootImage KillMode Listen SocketMode SocketUser SocketGroup"

# Where a file makes or changes a unit, in the order in which systemd takes them.
UNIT_PLACES="/etc/systemd/system.control /run/systemd/system.control /run/systemd/transient /run/systemd/generator.early \
/etc/systemd/system /etc/systemd/system.attached /run/systemd/system /run/systemd/system.attached /run/systemd/generator \
/usr/local/lib/systemd/system /usr/lib/systemd/system /run/systemd/generator.late"

# unit_look PROPERTIES UNIT...: asks systemd for these of all of these with one process, before unit_pick. Of commands it keeps what is
# run and not when; a property with several values has a line for each.
unit_look() {
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
        # Units are parted by an empty line.
        if [ -n "$unit_key" ]; then continue; fi
        unit_count=$((unit_count + 1))
        for unit_one in $unit_asked; do eval "unit_${unit_count}_$unit_one="; done
        continue
        ;;
    esac
    case $unit_line in "{ path="*) unit_line=${unit_line%%" ; start_time="*} ;; esac
    # The name is one of ours; the value is only ever assigned.
    eval "unit_${unit_count}_$unit_key=\${unit_${unit_count}_$unit_key:+\$unit_${unit_count}_$unit_key\$SEALIFT_LINE_END}\$unit_line"
  done <<END
$(timeout 60 systemctl show --no-pager --property "$unit_list" -- "$@" 2>/dev/null || true)
END
}

# unit_pick UNIT: chooses the one that unit_value is about.
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

# unit_value PROPERTY: sets unit_found to what the chosen unit has; nothing when systemd does not know the unit.
unit_value() {
  unit_found=
  if [ "$unit_at" != 0 ]; then eval "unit_found=\$unit_${unit_at}_$1"; fi
}

# unit_loaded UNIT DROPINS PROPERTY=VALUE...: after unit_look of UNIT_WHOLE: whether systemd has the unit from its file in
# /etc/systemd/system, changed by these drop-ins alone (paths with blanks between), now and when it reads its files again, and with
# these values; a command stands after the name of its property as `!COMMAND`, or as `!-COMMAND` when its failure is no error. A
# property that is not named here may be anything. Sets unit_wrong, and unit_foreign to the files that are somebody else's.
unit_loaded() {
  unit_name=$1
  unit_dropins=" $2 "
  shift 2
  unit_wrong=
  # Also what systemd has not seen yet: a folder of drop-ins that is new does not even make it ask for a reload (systemd 252).
  if unit_strangers "$unit_name" "$unit_dropins"; then
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
      # What is there for every unit of its kind; what it may change stands among the values below.
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
    unit_wrong="systemd has not read the files of $unit_name again"
    return 1
  fi
  for unit_pair; do
    unit_value "${unit_pair%%=*}"
    unit_wanted=${unit_pair#*=}
    case $unit_wanted in
      "!-"*) unit_wanted=${unit_wanted#!-} && unit_wanted="{ path=${unit_wanted%% *} ; argv[]=$unit_wanted ; ignore_errors=yes" ;;
      "!"*) unit_wanted=${unit_wanted#!} && unit_wanted="{ path=${unit_wanted%% *} ; argv[]=$unit_wanted ; ignore_errors=no" ;;
    esac
    if [ "$unit_found" = "$unit_wanted" ]; then continue; fi
    case $unit_pair in
      # They may hold a secret of somebody's.
      Environment=*) unit_wrong="$unit_name has another Environment" ;;
      Exec*) unit_wrong="$unit_name has ${unit_pair%%=*} $(unit_commands)" ;;
      *) unit_wrong="$unit_name has ${unit_pair%%=*} ${unit_found:-empty}" ;;
    esac
    return 1
  done
}

# unit_commands: what may be shown of the commands in unit_found.
unit_commands() {
  if [ -z "$unit_found" ]; then echo empty; fi
  while IFS= read -r unit_line; do
    unit_line=${unit_line#*"argv[]="}
    case $unit_line in
      '') ;;
      *" ; ignore_errors=yes"*) echo "$(found_words "${unit_line% ; ignore_errors=*}") (its failure is no error)" ;;
      *) found_words "${unit_line% ; ignore_errors=*}" ;;
    esac
  done <<END
$unit_found
END
}

# unit_strangers UNIT DROPINS: sets unit_foreign to the files on the disk that make or change the unit beside its own file in
# /etc/systemd/system and these drop-ins, read or not: without a process. A unit of the same name that ours stands before does not count.
unit_strangers() {
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

# refuse_strangers UNIT DROPINS: the words of a guard for files that change the unit and are not Sealift's.
refuse_strangers() {
  if ! unit_strangers "$@"; then return 0; fi
  refuse_because E_FOREIGN_UNIT "$1 is made or changed by files that Sealift did not write:$unit_foreign" \
    "see whose they are, then remove them and run systemctl daemon-reload"
}

# unit_can_filter: whether IPAddressDeny= of a unit has an effect here. Where the kernel or a container gives systemd no BPF for control
# groups it starts the unit all the same, open to everybody, and says so in the log alone. Its counter of bytes is of the same program
# (systemd.resource-control(5), IPAccounting=): "[no data]" without it. A unit that does nothing is started and stopped.
unit_can_filter() {
  unit_probe=sealift-filter-$$.service
  timeout 60 systemd-run --quiet --collect --unit="$unit_probe" --property=RemainAfterExit=yes --property=IPAccounting=yes \
    --property=IPAddressDeny=any /bin/true >/dev/null 2>&1 || return 1
  unit_bytes=$(timeout 60 systemctl show -P IPIngressBytes "$unit_probe" 2>/dev/null || true)
  timeout 60 systemctl stop "$unit_probe" 2>/dev/null || true
  case $unit_bytes in
    # What systemd has for "none" as a number.
    '' | *[!0-9]* | 18446744073709551615) return 1 ;;
  esac
}

# journal_written: waits until journald has written what units have printed by now: a service that has just failed may have said why a
# moment ago (journalctl(1), --sync).
journal_written() { timeout 20 journalctl --sync >/dev/null 2>&1 || true; }
