# What a process runs with and listens on, according to the kernel: proc_pid_cmdline(5), proc_pid_environ(5), proc_pid_fd(5), proc_net(5).
# shellcheck disable=SC2034 # callers read process_…

# Variables that systemd sets for what it starts (systemd.exec(5), "Environment Variables in Spawned Processes"), and those for directories
# and language.
PROCESS_GIVEN="PATH LANG LANGUAGE TZ HOME USER LOGNAME SHELL TERM MAINPID INVOCATION_ID JOURNAL_STREAM NOTIFY_SOCKET container"

# Maximum number of bytes read from a command line, and from the environment of a process.
PROCESS_BYTES=131072

# process_runs PID COMMAND [NAME=VALUE...]: whether the process was started with this command line (words separated by one blank) and with
# only these variables besides those of systemd. Otherwise sets process_wrong, which never contains the value of a variable. One process.
process_runs() {
  process_pid=$1
  process_expected=$2
  shift 2
  # The kernel reads them from the memory of the process, which can delay the read and choose any length. A truncated text never equals that
  # of a unit.
  process_output=$({
    timeout -s KILL 20 head -c "$PROCESS_BYTES" "$SEALIFT_ROOT/proc/$process_pid/cmdline"
    echo
    timeout -s KILL 20 head -c "$PROCESS_BYTES" "$SEALIFT_ROOT/proc/$process_pid/environ"
  } 2>/dev/null | sed 's/\x0/\n/g' || true)
  process_words=${process_output%%"$SEALIFT_LINE_END$SEALIFT_LINE_END"*}
  process_found=
  while IFS= read -r process_line; do
    process_found=${process_found:+$process_found }$process_line
  done <<END
$process_words
END
  if [ "$process_found" != "$process_expected" ]; then
    # The first word is the program, which may have been started under another name.
    process_wrong="process $process_pid runs as: $(process_shown "$process_found")"
    return 1
  fi
  process_output=${process_output#"$process_words"}$SEALIFT_LINE_END
  for process_pair; do
    case $process_output in
      *"$SEALIFT_LINE_END$process_pair$SEALIFT_LINE_END"*) ;;
      *)
        process_wrong="process $process_pid does not have the ${process_pair%%=*} of its unit"
        return 1
        ;;
    esac
  done
  process_wrong=
  while IFS= read -r process_line; do
    process_name=${process_line%%=*}
    case " $* " in *" $process_line "*) continue ;; esac
    if process_given "$process_name"; then continue; fi
    case $process_name in
      *[!A-Za-z0-9_]*) process_wrong="$process_wrong, another one" ;;
      *) process_wrong="$process_wrong, $process_name" ;;
    esac
  done <<END
$process_output
END
  if [ -n "$process_wrong" ]; then
    process_wrong="process $process_pid has variables that its unit does not set: ${process_wrong#, }"
    return 1
  fi
}

# process_given NAME: whether systemd or the environment sets a variable of this name, so that it does not depend on the unit.
process_given() {
  case " $PROCESS_GIVEN " in *" $1 "*) return 0 ;; esac
  case $1 in '' | LC_* | SYSTEMD_* | LISTEN_* | MEMORY_PRESSURE_* | WATCHDOG_* | *_DIRECTORY) return 0 ;; esac
  return 1
}

# process_shown LINE: prints what may be shown of a command line.
process_shown() {
  case $1 in
    '') echo nothing ;;
    /*) redact_words "$1" ;;
    *" "*) echo "${1%% *} $(redact_words "${1#* }")" ;;
    *) echo "$1" ;;
  esac
}

# process_inspect PID...: reads the open sockets of these processes, for process_tcp and process_alone_on.
process_inspect() {
  process_net=$SEALIFT_ROOT/proc/$1/net
  process_folders=
  for process_pid; do process_folders="$process_folders $SEALIFT_ROOT/proc/$process_pid/fd"; done
  # Only names that the kernel itself gives: a file name begins with a slash and may contain anything.
  # shellcheck disable=SC2086 # the folders are words
  process_open=$(timeout 20 find $process_folders -maxdepth 1 -lname 'socket:*' -printf '%l\n' 2>/dev/null || true)
}

# process_tcp: sets process_ports to the addresses on which these processes listen with TCP, and process_others to those of all other
# processes, as 0.0.0.0:2375 or [::]:2375, each after a blank; all share one network namespace. Any user may listen on all ports of many
# addresses, so the time is limited.
process_tcp() {
  process_ports=
  process_others=
  process_tables=
  for process_table in "$process_net/tcp" "$process_net/tcp6"; do
    if [ -r "$process_table" ]; then process_tables="$process_tables $process_table"; fi
  done
  # Column 4 is the state, 0A is LISTEN; column 10 the inode; addresses are hexadecimal with reversed bytes.
  # shellcheck disable=SC2016,SC2086 # fields of awk; the tables are words
  process_listening=$(printf '%s\n' "$process_open" | timeout 20 awk '
    function number(text, at, sum) {
      for (at = 1; at <= length(text); at++) sum = sum * 16 + index("123456789ABCDEF", substr(text, at, 1))
      return sum + 0
    }
    NR == FNR { open[$1]; next }
    $4 != "0A" { next }
    {
      split($2, end, ":")
      where = "[" tolower(end[1]) "]"
      if (length(end[1]) == 8) {
        where = number(substr(end[1], 7, 2))
        for (at = 5; at > 0; at -= 2) where = where "." number(substr(end[1], at, 2))
      }
      if (end[1] ~ /^0+$/ && length(end[1]) == 32) where = "[::]"
      if (end[1] ~ /^0+01000000$/) where = "[::1]"
      where = where ":" number(end[2])
      if (seen[where]++) next
      if (("socket:[" $10 "]") in open) ours[++owned] = where
      else others[++foreign] = where
    }
    END {
      for (at = 1; at <= owned; at++) printf " %s", ours[at]
      print ""
      for (at = 1; at <= foreign; at++) printf " %s", others[at]
      print ""
    }' - $process_tables 2>/dev/null || true)
  # Two lines, split without read, which reads byte by byte.
  process_ports=${process_listening%%"$SEALIFT_LINE_END"*}
  process_others=${process_listening#"$process_ports"}
  process_others=${process_others#"$SEALIFT_LINE_END"}
}

# process_alone_on SOCKET: whether one of the inspected processes, and no other process of root, listens on the socket at this path; prints
# the difference, and sets alone_beside if another process listens as well. A later bind of the path silently replaces the listener: both
# then have the same name.
process_alone_on() {
  alone_ours=
  alone_others=
  alone_beside=
  if [ ! -S "$1" ]; then
    echo "$1 does not exist"
    return 1
  fi
  # ss asks per socket (sock_diag(7)); /proc/net/unix prints names unescaped, so a name with a line end forges a line.
  if ! alone_listed=$(timeout 20 ss -xlH src "$1" 2>/dev/null); then
    echo "ss does not report who listens on $1"
    return 1
  fi
  # shellcheck disable=SC2016 # fields of awk
  alone_output=$(printf '%s\n' "$process_open" = "$alone_listed" | timeout 20 awk -v socket="$1" '
    $0 == "=" { listed = 1; next }
    !listed { open[$1]; next }
    NF != 8 || $5 != socket || $2 != "LISTEN" { next }
    ("socket:[" $6 "]") in open { ours = "ours"; next }
    { others[++count] = $6 }
    END {
      print ours
      for (at = 1; at <= count; at++) printf " %s", others[at]
      print ""
    }' 2>/dev/null || true)
  alone_ours=${alone_output%%"$SEALIFT_LINE_END"*}
  alone_others=${alone_output#"$alone_ours"}
  alone_others=${alone_others#"$SEALIFT_LINE_END"}
  if [ -n "$alone_others" ]; then process_alone_beside "$1"; fi
  case ${alone_ours:+ours}:$alone_beside in
    ours:) return 0 ;;
    :) echo "no process listens on $1" ;;
    :*) echo "another process listens on $1:$alone_beside" ;;
    *) echo "more than one process listens on $1:$alone_beside" ;;
  esac
  return 1
}

# process_alone_beside SOCKET: sets alone_beside to the processes that hold one of alone_others. The name alone proves little: a process in
# its own mount namespace can use any name, and a container may share the network. A process counts if root started it and it sees the same
# file under that name.
process_alone_beside() {
  # Only processes of root are read: other users may hold millions of open files.
  alone_folders=
  process_roots "$SEALIFT_ROOT"/proc/[0-9]*
  for alone_pid in $process_rooted; do alone_folders="$alone_folders $alone_pid/fd"; done
  if [ -z "$alone_folders" ]; then return 0; fi
  # shellcheck disable=SC2086 # numbers of sockets, and folders as words
  for alone_pid in $({
    printf '%s\n' $alone_others
    timeout 20 find $alone_folders -maxdepth 1 -lname 'socket:*' -printf '%h %l\n' 2>/dev/null || true
  } | awk 'NF == 1 { expected["socket:[" $1 "]"]; next } $2 in expected && !seen[$1]++ { print $1 }'); do
    alone_pid=${alone_pid%/fd}
    if [ "$alone_pid/root$1" -ef "$SEALIFT_ROOT$1" ]; then
      alone_beside="$alone_beside process ${alone_pid##*/}"
    fi
  done
}

# process_beside SOCKET: whether one of the inspected processes listens there and another process of root as well; sets alone_beside.
process_beside() {
  process_alone_on "$1" >/dev/null || true
  [ -n "$alone_ours" ] && [ -n "$alone_beside" ]
}

# process_of NAME...: sets process_pids to the processes of root with one of these command names (proc_pid_comm(5)), except those in
# containers. Any user may give a process any name. Starts no process.
process_of() {
  process_pids=
  process_named=
  for process_comm in "$SEALIFT_ROOT"/proc/[0-9]*/comm; do
    { read -r process_name; } 2>/dev/null <"$process_comm" || continue
    case " $* " in *" $process_name "*) process_named="$process_named ${process_comm%/comm}" ;; esac
  done
  # shellcheck disable=SC2086 # folders as words
  process_roots $process_named
  for process_folder in $process_rooted; do
    if ! process_in_container "$process_folder"; then process_pids="$process_pids ${process_folder##*/}"; fi
  done
}

# Time limit in seconds for processes in sessions of users.
PROCESS_SECONDS=20

# process_roots FOLDER...: sets process_rooted to those that root has started. A process whose files in /proc belong to another user is left
# out unread (proc_pid(5)): reading a status takes time in proportion to its groups, of which any user may have 65536. A process that a user
# has made undumpable belongs to root there, so processes in sessions of users come last, with a limit of PROCESS_SECONDS.
process_roots() {
  process_rooted=
  process_later=
  for process_one; do
    if [ ! -O "$process_one" ]; then continue; fi
    process_line=
    { IFS= read -r process_line; } 2>/dev/null <"$process_one/cgroup" || true
    case $process_line in
      *:/user.slice/user-[1-9]*) process_later="$process_later $process_one" ;;
      *) if process_of_root "$process_one"; then process_rooted="$process_rooted $process_one"; fi ;;
    esac
  done
  if [ -z "$process_later" ]; then return 0; fi
  read -r process_up _ </proc/uptime
  process_until=$((${process_up%%.*} + PROCESS_SECONDS))
  for process_one in $process_later; do
    read -r process_up _ </proc/uptime
    if [ "${process_up%%.*}" -ge "$process_until" ]; then return 0; fi
    if process_of_root "$process_one"; then process_rooted="$process_rooted $process_one"; fi
  done
}

# process_of_root FOLDER: whether root has started it: its real uid. The other uids may come from a setuid program (proc_pid_status(5)).
process_of_root() {
  while read -r process_key process_uid _; do
    if [ "$process_key" = Uid: ]; then
      [ "$process_uid" = 0 ]
      return
    fi
  done 2>/dev/null <"$1/status"
  return 1
}

# process_in_container FOLDER: whether it is outside the control groups in which systemd starts processes of the host (proc_pid_cgroup(5)).
# Engines, LXC and systemd-nspawn create scopes and groups with other names, and the systemd of a container works below those. A process
# below a service may be in a container that the service has created: then it is not in the host's PID namespace (pid_namespaces(7)). Other
# namespaces prove nothing: any user may create some.
process_in_container() {
  process_group "$1"
  if [ -z "$group_unit" ]; then return 0; fi
  [ -n "$group_below" ] && ! [ "$1/ns/pid" -ef "$SEALIFT_ROOT/proc/1/ns/pid" ]
}

# process_group FOLDER: sets group_unit to the service of the host, the session scope of a login or init.scope whose control group it is in,
# empty if none, and group_below to the control group below that.
process_group() {
  group_unit=
  group_below=
  while IFS= read -r group_rest; do
    group_rest=${group_rest#*:*:/}
    group_top=${group_rest%%/*}
    while :; do
      group_unit=${group_rest%%/*}
      group_rest=${group_rest#"$group_unit"}
      group_rest=${group_rest#/}
      case $group_unit in *.slice) ;; *) break ;; esac
    done
    case $group_top/$group_unit in
      # systemd-machined(8) registers containers there.
      machine.slice/*) ;;
      *.slice/*.service | user.slice/*.scope | init.scope/init.scope) group_below=$group_rest && return 0 ;;
    esac
    group_unit=
  done 2>/dev/null <"$1/cgroup"
}

# process_unit PID: sets process_unit to the system service whose control group it is in; empty if none, or if it is in a group that a
# service or a user has created below its own.
process_unit() {
  process_unit=
  process_group "$SEALIFT_ROOT/proc/$1"
  case $group_unit,$group_below in *.service,) process_unit=$group_unit ;; esac
}

# refuse_taken_port PORT UNIT REMEDY: ends a guard with a refusal if another process than the main one of UNIT listens on the TCP port.
refuse_taken_port() {
  taken_pid=$(systemctl show -P MainPID "$2" 2>/dev/null || echo 0)
  taken_listeners=$(ss -Hltnp "sport = :$1" 2>/dev/null || true)
  while IFS= read -r taken_by; do
    # A program name may contain `pid=0,`: use the number after the last name of the line.
    taken_holder=none
    case $taken_by in *'",pid='*) taken_holder=${taken_by##*\",pid=} ;; esac
    taken_holder=${taken_holder%%,*}
    case $taken_by:$taken_holder in
      :none | *:"$taken_pid") continue ;;
      *:none) taken_by=somebody ;;
      *)
        taken_by=${taken_by#*users:((\"}
        taken_by="${taken_by%%\"*}, pid $taken_holder"
        ;;
    esac
    refuse E_PORT "port $1 is taken by $taken_by" "$3"
  done <<END
$taken_listeners
END
}

# ssh_client: sets ssh_from to the address of the ssh client, empty without one. sudo removes SSH_CONNECTION from the environment, but the
# processes between sshd and this one still have it.
ssh_client() {
  ssh_from=${SSH_CONNECTION:-}
  ssh_from=${ssh_from%% *}
  ssh_pid=$PPID
  while [ -z "$ssh_from" ] && [ "$ssh_pid" -gt 1 ]; do
    { ssh_variables "$ssh_pid"; } 2>/dev/null || true
    read -r ssh_stat 2>/dev/null <"/proc/$ssh_pid/stat" || break
    ssh_stat=${ssh_stat##*") "}
    ssh_stat=${ssh_stat#* }
    ssh_pid=${ssh_stat%% *}
  done
}

# ssh_variables PID: sets ssh_from if the process has SSH_CONNECTION.
ssh_variables() {
  # The user controls the environment of the login shell; see process_runs.
  ssh_text=$(timeout -s KILL 5 head -c "$PROCESS_BYTES" "/proc/$1/environ" | tr '\0\n' '\n ' | grep -a -m 1 '^SSH_CONNECTION=') || return 1
  ssh_text=${ssh_text#*=}
  ssh_from=${ssh_text%% *}
}
