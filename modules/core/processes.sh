# What a process runs with and listens on, as the kernel has it: proc_pid_cmdline(5), proc_pid_environ(5), proc_pid_fd(5), proc_net(5).
# shellcheck disable=SC2034 # whoever asks reads process_…

# Variables that systemd itself gives to what it starts (systemd.exec(5), "Environment Variables in Spawned Processes"), or that say
# where and in which language.
PROCESS_GIVEN="PATH LANG LANGUAGE TZ HOME USER LOGNAME SHELL TERM MAINPID INVOCATION_ID JOURNAL_STREAM NOTIFY_SOCKET container"

# How many bytes are read of a command line, and of the variables of a process.
PROCESS_BYTES=131072

# process_runs PID COMMAND [NAME=VALUE...]: whether the process was started with this command line, one blank between its words, and
# with these variables and none beside those of systemd. Sets process_wrong; it never holds the value of a variable. One process.
process_runs() {
  process_pid=$1
  process_wanted=$2
  shift 2
  # The kernel reads them in the memory of the process, which can make it wait, and give them any length. What is cut off is not what a unit gives.
  process_said=$({
    timeout -s KILL 20 head -c "$PROCESS_BYTES" "$SEALIFT_ROOT/proc/$process_pid/cmdline"
    echo
    timeout -s KILL 20 head -c "$PROCESS_BYTES" "$SEALIFT_ROOT/proc/$process_pid/environ"
  } 2>/dev/null | sed 's/\x0/\n/g' || true)
  process_words=${process_said%%"$SEALIFT_LINE_END$SEALIFT_LINE_END"*}
  process_found=
  while IFS= read -r process_line; do
    process_found=${process_found:+$process_found }$process_line
  done <<END
$process_words
END
  if [ "$process_found" != "$process_wanted" ]; then
    # The first word is the program, and may have been started by another name.
    process_wrong="process $process_pid runs as: $(process_shown "$process_found")"
    return 1
  fi
  process_said=${process_said#"$process_words"}$SEALIFT_LINE_END
  for process_pair; do
    case $process_said in
      *"$SEALIFT_LINE_END$process_pair$SEALIFT_LINE_END"*) ;;
      *)
        process_wrong="process $process_pid has not the ${process_pair%%=*} of its unit"
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
$process_said
END
  if [ -n "$process_wrong" ]; then
    process_wrong="process $process_pid has variables that its unit does not give it: ${process_wrong#, }"
    return 1
  fi
}

# process_given NAME: whether a variable of this name says nothing about how a service was set up.
process_given() {
  case " $PROCESS_GIVEN " in *" $1 "*) return 0 ;; esac
  case $1 in '' | LC_* | SYSTEMD_* | LISTEN_* | MEMORY_PRESSURE_* | WATCHDOG_* | *_DIRECTORY) return 0 ;; esac
  return 1
}

# process_shown LINE: what may be shown of a command line.
process_shown() {
  case $1 in
    '') echo nothing ;;
    /*) found_words "$1" ;;
    *" "*) echo "${1%% *} $(found_words "${1#* }")" ;;
    *) echo "$1" ;;
  esac
}

# process_look PID...: the sockets that these processes have open, before process_tcp and process_alone_on.
process_look() {
  process_net=$SEALIFT_ROOT/proc/$1/net
  process_folders=
  for process_pid; do process_folders="$process_folders $SEALIFT_ROOT/proc/$process_pid/fd"; done
  # Only what the kernel itself names so: the name of a file begins with a slash, and may hold anything.
  # shellcheck disable=SC2086 # the folders are words
  process_open=$(timeout 20 find $process_folders -maxdepth 1 -lname 'socket:*' -printf '%l\n' 2>/dev/null || true)
}

# process_tcp: sets process_ports to the addresses on which they listen by TCP, and process_others to those of everybody else, as
# 0.0.0.0:2375 or [::]:2375 with a blank before each; they share one network. Anybody may listen on all ports of many addresses, so that this
# takes a time that grows as they do.
process_tcp() {
  process_ports=
  process_others=
  process_tables=
  for process_table in "$process_net/tcp" "$process_net/tcp6"; do
    if [ -r "$process_table" ]; then process_tables="$process_tables $process_table"; fi
  done
  # Column 4 is the state, 0A is LISTEN; column 10 the inode; addresses are hexadecimal, their words turned round.
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
  # Two lines, split without a read, which takes a byte at a time.
  process_ports=${process_listening%%"$SEALIFT_LINE_END"*}
  process_others=${process_listening#"$process_ports"}
  process_others=${process_others#"$SEALIFT_LINE_END"}
}

# process_alone_on SOCKET: whether one of them, and nobody else of root's, is behind the socket of that path; says what is otherwise, and sets
# alone_beside when it is one of them all the same. Whoever binds the path later takes it over in silence: /proc/net/unix then has two
# listeners of that name (unix(7): flag 00010000).
process_alone_on() {
  alone_ours=
  alone_others=
  alone_beside=
  if [ ! -S "$1" ]; then
    echo "$1 is not there"
    return 1
  fi
  # A process that has ended since it was looked at has no network any more; this one's is the host's.
  alone_table=$process_net/unix
  if [ ! -r "$alone_table" ]; then alone_table=$SEALIFT_ROOT/proc/self/net/unix; fi
  # shellcheck disable=SC2016 # fields of awk
  alone_said=$(printf '%s\n' "$process_open" | timeout 20 awk -v socket="$1" '
    NR == FNR { open[$1]; next }
    NF != 8 || $8 != socket || $4 != "00010000" { next }
    ("socket:[" $7 "]") in open { ours = "ours"; next }
    { others[++count] = $7 }
    END {
      print ours
      for (at = 1; at <= count; at++) printf " %s", others[at]
      print ""
    }' - "$alone_table" 2>/dev/null || true)
  alone_ours=${alone_said%%"$SEALIFT_LINE_END"*}
  alone_others=${alone_said#"$alone_ours"}
  alone_others=${alone_others#"$SEALIFT_LINE_END"}
  if [ -n "$alone_others" ]; then process_alone_beside "$1"; fi
  case ${alone_ours:+ours}:$alone_beside in
    ours:) return 0 ;;
    :) echo "nobody listens on $1" ;;
    :*) echo "another process listens on $1:$alone_beside" ;;
    *) echo "more than one process listens on $1:$alone_beside" ;;
  esac
  return 1
}

# process_alone_beside SOCKET: sets alone_beside to those who hold one of alone_others. A name in that table says little: whoever has a mount
# namespace has any name there, and a container may share the network. Those count that are root's and see the same file by that name.
process_alone_beside() {
  # Of those that are not root's nothing is read: what anybody holds open may be millions of files.
  alone_folders=
  for alone_pid in "$SEALIFT_ROOT"/proc/[0-9]*; do
    if process_of_root "$alone_pid"; then alone_folders="$alone_folders $alone_pid/fd"; fi
  done
  if [ -z "$alone_folders" ]; then return 0; fi
  # shellcheck disable=SC2086 # numbers of sockets, and folders as words
  for alone_pid in $({
    printf '%s\n' $alone_others
    timeout 20 find $alone_folders -maxdepth 1 -lname 'socket:*' -printf '%h %l\n' 2>/dev/null || true
  } | awk 'NF == 1 { wanted["socket:[" $1 "]"]; next } $2 in wanted && !seen[$1]++ { print $1 }'); do
    alone_pid=${alone_pid%/fd}
    if [ "$alone_pid/root$1" -ef "$SEALIFT_ROOT$1" ]; then
      alone_beside="$alone_beside process ${alone_pid##*/}"
    fi
  done
}

# process_beside SOCKET: whether one of them listens there, and somebody else of root's as well; sets alone_beside.
process_beside() {
  process_alone_on "$1" >/dev/null || true
  [ -n "$alone_ours" ] && [ -n "$alone_beside" ]
}

# process_of NAME...: sets process_pids to the processes of root's whose program has one of these names for the kernel, those inside of
# containers left out: anybody may give a process any name. Without a process.
process_of() {
  process_pids=
  for process_comm in "$SEALIFT_ROOT"/proc/[0-9]*/comm; do
    { read -r process_name; } 2>/dev/null <"$process_comm" || continue
    case " $* " in *" $process_name "*) ;; *) continue ;; esac
    process_folder=${process_comm%/comm}
    if ! process_of_root "$process_folder" || process_in_container "$process_folder"; then continue; fi
    process_pids="$process_pids ${process_folder##*/}"
  done
}

# process_of_root FOLDER: whether root has started it: the real uid, for the other ones may come from the file of the program
# (proc_pid_status(5)).
process_of_root() {
  while read -r process_key process_uid _; do
    if [ "$process_key" = Uid: ]; then
      [ "$process_uid" = 0 ]
      return
    fi
  done 2>/dev/null <"$1/status"
  return 1
}

# process_in_container FOLDER: whether it is in none of the control groups in which systemd starts what is the host's own
# (proc_pid_cgroup(5)). Engines make scopes and groups of other names, and so do LXC and systemd-nspawn; what such a container has of its own
# systemd stands below those. What is below a service may be a container that the service has made: that has no process in the host's own
# namespace of numbers (pid_namespaces(7)). Beyond that namespaces say nothing: anybody may have some of their own.
process_in_container() {
  process_group "$1"
  if [ -z "$group_unit" ]; then return 0; fi
  [ -n "$group_below" ] && ! [ "$1/ns/pid" -ef "$SEALIFT_ROOT/proc/1/ns/pid" ]
}

# process_group FOLDER: sets group_unit to the service of the host, the session of a login, or init.scope, in whose control group it is, empty
# when in none, and group_below to what has been made below that.
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
      # systemd-machined(8) keeps containers there.
      machine.slice/*) ;;
      *.slice/*.service | user.slice/*.scope | init.scope/init.scope) group_below=$group_rest && return 0 ;;
    esac
    group_unit=
  done 2>/dev/null <"$1/cgroup"
}

# process_unit PID: sets process_unit to the system service in whose control group it is; nothing when in none, and for what is in a group
# that a service or a user has made below its own.
process_unit() {
  process_unit=
  process_group "$SEALIFT_ROOT/proc/$1"
  case $group_unit,$group_below in *.service,) process_unit=$group_unit ;; esac
}

# Sets ssh_from: the address of the ssh client, empty without one. sudo takes SSH_CONNECTION out of the environment, the
# processes between sshd and here still have it.
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

# ssh_variables PID
ssh_variables() {
  # Those of the login's own shell are the user's; see process_runs.
  ssh_text=$(timeout -s KILL 5 head -c "$PROCESS_BYTES" "/proc/$1/environ" | tr '\0\n' '\n ' | grep -a -m 1 '^SSH_CONNECTION=') || return 1
  ssh_text=${ssh_text#*=}
  ssh_from=${ssh_text%% *}
}
