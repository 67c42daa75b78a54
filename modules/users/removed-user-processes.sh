# Processes of a user who was removed from the site: found by uid and control group, frozen, ended. Sources: proc_pid_status(5),
# proc_pid_cgroup(5), subuid(5), subgid(5), cgroups(7), cgroup.freeze and cgroup.kill of the kernel's Control Group v2.

# Time limit in seconds for a list of all processes.
removed_limit=60
# Whether the search for short-lived processes ends at the first one found: for a check one is enough.
removed_enough=yes

# removed_inspect KIND USER GROUP: finds what runs for USER from a login, from cron, at or services of the user: everything if Sealift
# created the user (KIND made), otherwise (adopted) what has GROUP. Sets
#   removed_pids     the processes, each after a blank
#   removed_running  the same for people; also if something runs that ends before it can be read
#   removed_places   control groups of services of the host and of sessions of other accounts that contain some of them
#   removed_units    services of the host that run as the account
#   removed_unread   if not all processes in services and sessions of others could be read in time
#   removed_busy     for an adopted user whose processes end too soon to be read: when all of them were last frozen and none had GROUP
#   removed_began    start of the search, in ticks since boot
removed_inspect() {
  removed_pids=
  removed_shown=
  removed_places=
  removed_units=
  removed_hidden=
  removed_unread=
  removed_whole=
  removed_busy=
  removed_kind=$1
  removed_name=$2
  report_progress
  account /etc/passwd "$2"
  removed_uid=$FIELD_3
  removed_gid=none
  if account /etc/group "$3"; then removed_gid=$FIELD_3; fi
  removed_slice=/user.slice/user-$removed_uid.slice
  removed_hierarchy
  removed_began=$(removed_now)
  removed_all=$(removed_read)
  removed_fast=$(removed_quick)
  removed_output=$(printf '%s\n' "$removed_all" "$removed_fast" | removed_sort | removed_sum)
  {
    IFS= read -r removed_pids
    IFS= read -r removed_shown
    IFS= read -r removed_places
    # shellcheck disable=SC2034 # removed-users.sh tells them
    IFS= read -r removed_units
    IFS= read -r removed_hidden
    # shellcheck disable=SC2034 # removed-users.sh tells it
    IFS= read -r removed_unread
    IFS= read -r removed_whole
  } <<END || true
$removed_output
END
  removed_running=$removed_shown
  if [ -z "$removed_whole" ]; then
    removed_running=" that cannot be listed"
  elif [ "$1" = adopted ] && [ -n "$removed_hidden" ] && [ -z "$removed_running" ] && removed_cleared; then
    return 0
  elif [ -n "$removed_hidden" ] || { [ "$1" = made ] && [ -z "$removed_running" ] && removed_populated; }; then
    removed_running="${removed_running:+$removed_running and others} that end before they can be read"
  fi
}

# removed_end KIND USER GROUP: asks what removed_inspect finds to end, then kills it. A process that keeps forking is ahead of every list of
# processes, so the control group is frozen while the list is made (a child starts in the same group, frozen); only such a list can show
# that nothing runs. After eight rounds, the next check reports what is left.
removed_end() {
  removed_enough=
  removed_forget "$2"
  removed_inspect "$@"
  removed_held=
  removed_places_seen=$removed_places
  if [ -n "$removed_pids" ] || { [ "$1" = made ] && [ -n "$removed_running" ]; }; then
    if [ -e "/run/systemd/users/$removed_uid" ]; then timeout 60 loginctl terminate-user "$2" || true; fi
    removed_signal TERM
    removed_wait 30
  fi
  for _ in 1 2 3 4 5 6 7 8; do
    # Other services such as cron or sshd, frozen with it, must not wait for a long list.
    if [ -n "$removed_places_seen" ]; then removed_limit=10; fi
    removed_freeze
    removed_inspect "$@"
    removed_limit=60
    if [ -z "$removed_running" ]; then
      if [ -n "$removed_held" ] && [ "$1" = adopted ] && removed_froze; then removed_clear; fi
      removed_thaw
      return 0
    fi
    removed_signal KILL
    if [ "$1" = made ]; then removed_kill; fi
    removed_thaw
    for removed_one in $removed_places; do
      case " $removed_places_seen " in *" $removed_one "*) ;; *) removed_places_seen="$removed_places_seen $removed_one" ;; esac
    done
    removed_wait 10
  done
}

# removed_wait TENTHS: waits until none of removed_pids exists any more, for at most this many tenths of a second.
removed_wait() {
  removed_left=$1
  while [ "$removed_left" -gt 0 ]; do
    removed_there=
    for removed_pid in $removed_pids; do
      if kill -0 "$removed_pid" 2>/dev/null; then
        removed_there=yes
        break
      fi
    done
    # Nobody knows when unread processes end.
    if [ -z "$removed_there" ] && [ -n "$removed_pids" ]; then return 0; fi
    sleep 0.1
    removed_left=$((removed_left - 1))
  done
}

# What was found for adopted users while all of their processes were frozen: one file per user, for root only, until the next boot. The path
# is that of earlier versions, so that their notes stay valid.
REMOVED_CLEARED=/run/sealift/leavers
# Validity in seconds: one day, as for hashes of installed programs.
REMOVED_CLEARED_SEC=86400

# removed_clear: notes that no process of the user had the group. No process obtains it later: a login assigns only groups of the user
# (setgroups(2)); setgid programs are the exception.
removed_clear() {
  install -d -m 0700 "$REMOVED_CLEARED"
  read -r removed_up _ </proc/uptime
  echo "$removed_uid $removed_gid ${removed_up%%.*} $(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$REMOVED_CLEARED/$removed_name"
}

# removed_cleared: whether that was noted within a day for this uid and gid; sets removed_busy to when.
removed_cleared() {
  read -r removed_was_uid removed_was_gid removed_was_up removed_was 2>/dev/null <"$REMOVED_CLEARED/$removed_name" || return 1
  read -r removed_up _ </proc/uptime
  if [ "$removed_was_uid $removed_was_gid" != "$removed_uid $removed_gid" ]; then return 1; fi
  if [ $((${removed_up%%.*} - removed_was_up)) -ge "$REMOVED_CLEARED_SEC" ]; then return 1; fi
  # shellcheck disable=SC2034 # removed-users.sh tells it
  removed_busy=$removed_was
}

# removed_forget USER: drops the note.
removed_forget() { rm -f "$REMOVED_CLEARED/$1"; }

# removed_signal SIGNAL: signals removed_pids, except a pid that was reused: a process that started after the search began.
removed_signal() {
  for removed_pid in $removed_pids; do
    removed_start=$((removed_began + 1))
    { removed_started "$removed_pid"; } 2>/dev/null || continue
    if [ "$removed_start" -le "$removed_began" ]; then kill -s "$1" "$removed_pid" 2>/dev/null || true; fi
  done
}

# removed_started PID: sets removed_start to the start of the process in ticks (proc_pid_stat(5)): the twentieth word after the name of its
# program, which may contain anything.
removed_started() {
  removed_stat=
  while IFS= read -r removed_line; do removed_stat="$removed_stat $removed_line"; done <"/proc/$1/stat" || return 1
  # shellcheck disable=SC2086 # words
  set -- ${removed_stat##*) }
  # A process that has ended meanwhile has no words, and shifting too far ends the shell.
  if [ $# -lt 20 ]; then return 1; fi
  shift 19
  removed_start=$1
}

# removed_now: prints the present time in ticks since boot: the start of this subshell.
removed_now() {
  removed_started self
  echo "$removed_start"
}

# removed_hierarchy: sets removed_root to where cgroup v2 is mounted, which in the hybrid layout is beside v1; empty without it.
removed_hierarchy() {
  removed_root=
  while read -r _ _ _ _ removed_point removed_rest; do
    case $removed_rest in
      *" - cgroup2 "*)
        removed_root=$removed_point
        break
        ;;
    esac
  done </proc/self/mountinfo
}

# removed_lists: prints the process lists of control groups in which short-lived processes of the user may run.
removed_lists() {
  if [ -z "$removed_root" ]; then return 0; fi
  timeout 20 find "$removed_root/user.slice" "$removed_root"/system.slice/cron*.service "$removed_root"/system.slice/atd.service \
    "$removed_root"/system.slice/ssh*.service "$removed_root"/system.slice/*getty*.service "$removed_root"/system.slice/system-*.slice \
    -name cgroup.procs 2>/dev/null || true
}

# removed_quick: prints the kernel's data on processes that removed_read did not see because they are short-lived, as FILE:LINE, and `missed
# PATH` for each that ended before it could be read; then `rounds COUNT`. Ends after twenty rounds without anything new (after the
# hundredth, without anything new of the user or in the user's slice), after three seconds, or, if one is enough (removed_enough), at the
# first one found. A host may have many removed users, each of whom is searched for, and other users who start processes all the time.
removed_quick() {
  quick_lists=$(removed_lists)
  if [ -z "$quick_lists" ]; then return 0; fi
  # The pids that were seen, in 512 variables by pid, so that a lookup takes the same time however many there are.
  # shellcheck disable=SC2016 # fields of awk
  eval "$(printf '%s\n' "$removed_all" | timeout "$removed_limit" awk '
    match($0, /^\/proc\/[0-9]+\/status:State:/) {
      pid = substr($0, 7, RLENGTH - 20)
      seen[pid % 512] = seen[pid % 512] " " pid
    }
    END { for (i = 0; i < 512; i++) print "quick_" i "=\"" seen[i] " \"" }')"
  read -r quick_now _ </proc/uptime
  quick_until=$((${quick_now%%.*} + 3))
  quick_round=0
  quick_last=0
  quick_one=
  quick_tab=$(printf '\t')
  while [ "$quick_round" -lt "$((quick_last + 20))" ]; do
    quick_round=$((quick_round + 1))
    while IFS= read -r quick_list; do
      { quick_group "$quick_list"; } 2>/dev/null || true
    done <<END
$quick_lists
END
    if quick_late || [ "$removed_enough$quick_one" = yesyes ]; then break; fi
  done
  echo "rounds $quick_round"
}

# quick_late: whether the time limit has passed.
quick_late() {
  read -r quick_now _ </proc/uptime
  [ "${quick_now%%.*}" -ge "$quick_until" ]
}

# quick_group LIST: prints data on the new processes of one control group, the youngest first, at most 1024. No process is started between
# the list and the status files, and a file that was opened in time is read completely. What time does not allow counts as ended, unread.
quick_group() {
  quick_at=${1#"$removed_root"}
  quick_at=${quick_at%/cgroup.procs}
  quick_fresh=
  quick_count=0
  quick_seen=
  while read -r quick_pid; do
    eval "quick_seen=\${quick_$((quick_pid % 512))-}"
    case $quick_seen in *" $quick_pid "*) continue ;; esac
    eval "quick_$((quick_pid % 512))=\"\${quick_seen}$quick_pid \""
    quick_fresh="$quick_pid $quick_fresh"
    quick_count=$((quick_count + 1))
    if [ "$quick_count" -ge 1024 ]; then break; fi
  done <"$1"
  if [ -z "$quick_fresh" ]; then return 0; fi
  case $quick_round,$quick_at/ in ?,* | ??,* | *,"$removed_slice"/*) quick_last=$quick_round ;; esac
  quick_text=
  for quick_pid in $quick_fresh; do
    quick_got=
    quick_own=
    if ! quick_late; then { quick_status "/proc/$quick_pid/status"; } || true; fi
    if [ -n "$quick_own" ]; then quick_last=$quick_round; fi
    if [ -n "$quick_got" ]; then
      quick_text="$quick_text$quick_got/proc/$quick_pid/cgroup:0::$quick_at$SEALIFT_LINE_END"
    else
      quick_text="${quick_text}missed $quick_at$SEALIFT_LINE_END"
    fi
  done
  printf '%s' "$quick_text"
}

# quick_status FILE: sets quick_got to its lines for removed_sort, and quick_one if the process belongs to the user (and for an adopted user
# has the group).
quick_status() {
  quick_own=
  quick_grouped=
  if [ "$removed_kind" = made ]; then quick_grouped=yes; fi
  while IFS= read -r quick_line; do
    case $quick_line in
      Groups:*)
        if [ "${#quick_line}" -gt "$REMOVED_LINE_MAX" ]; then quick_line=$(printf "%.${REMOVED_LINE_MAX}s" "$quick_line"); fi
        quick_got="$quick_got$1:$quick_line$SEALIFT_LINE_END"
        ;;
      State:* | Uid:* | Gid:*) quick_got="$quick_got$1:$quick_line$SEALIFT_LINE_END" ;;
      Threads:*)
        quick_got="$quick_got$1:$quick_line$SEALIFT_LINE_END"
        if [ "$quick_own$quick_grouped" = yesyes ]; then quick_one=yes; fi
        return 0
        ;;
    esac
    case $quick_line$quick_tab in
      Uid:*"$quick_tab$removed_uid$quick_tab"*) quick_own=yes ;;
      Gid:*"$quick_tab$removed_gid$quick_tab"* | Groups:*"$quick_tab$removed_gid "* | Groups:*" $removed_gid "*) quick_grouped=yes ;;
    esac
  done <"$1"
}

# Maximum length of a line about a process in bytes: about 1300 groups. With a user namespace, any user may give a process 65536 groups
# (user_namespaces(7), NGROUPS_MAX), all of them subordinate; the kernel sorts them, and a group of the host comes first.
REMOVED_LINE_MAX=8192

# For awk: classifies the control group of a process: slice (of the user), session (of any account), login (starts logins and jobs), service
# (of the host); empty for containers.
# shellcheck disable=SC2016 # fields of awk
REMOVED_PLACE='
    function place(path) {
      if (path == slice || index(path, slice "/") == 1) return index(path, slice "/user-runtime-dir@") == 1 ? "" : "slice"
      if (path ~ /^\/user\.slice(\/|$)/) return "session"
      if (path ~ /^\/system\.slice\/(system-[^\/]*\.slice\/)?((ssh|sshd|sshd-unix-local|sshd-vsock|getty|serial-getty|console-getty|container-getty)(@[^\/]*)?|cron|crond|cronie|cron-[^\/]*|atd)\.service(\/|$)/) return "login"
      if (path ~ /^\/system\.slice\/([^\/]*\.slice\/)*[^\/]*\.service$/) return "service"
      return ""
    }'

# removed_read: prints the kernel's data on processes as FILE:LINE for removed_sort: the control groups of all, and the status of those in
# the user's slice, then in services that start logins and jobs, in other services, and in sessions of others. Reading a status takes time
# in proportion to its groups, of which any user may have 65536. Prints `cut` if one of the first two parts took longer than removed_limit,
# `unread` if the rest took longer than half of it.
removed_read() {
  read_groups=$(removed_lines cut "$removed_limit" /proc/[0-9]*/cgroup)
  printf '%s\n' "$read_groups"
  # shellcheck disable=SC2016 # fields of awk
  read_ranked=$(printf '%s\n' "$read_groups" | timeout "$removed_limit" awk -v slice="$removed_slice" "$REMOVED_PLACE"'
    BEGIN { rank["slice"] = 1; rank["login"] = 2; rank["service"] = 3; rank["session"] = 4 }
    match($0, /^\/proc\/[0-9]+\/cgroup:[0-9]+:[^:]*:/) {
      pid = substr($0, 7)
      sub(/\/.*/, "", pid)
      group = substr($0, RLENGTH + 1)
      sub(/ \(deleted\)$/, "", group)
      at = rank[place(group)]
      if (at && (!(pid in best) || at < best[pid])) best[pid] = at
    }
    END { for (pid in best) print best[pid] " /proc/" pid "/status" }' | sort -k 1,1n || true)
  # shellcheck disable=SC2046 # files of the kernel, without blanks
  removed_lines cut "$removed_limit" $(printf '%s\n' "$read_ranked" | sed -n 's/^1 //p')
  # shellcheck disable=SC2046 # as above
  removed_lines unread "$((removed_limit / 2))" $(printf '%s\n' "$read_ranked" | sed -n 's/^[2-4] //p')
}

# removed_lines WORD SECONDS FILE...: prints the relevant lines as FILE:LINE, and WORD on timeout.
removed_lines() {
  lines_word=$1
  lines_limit=$2
  shift 2
  if [ $# -eq 0 ]; then return 0; fi
  {
    printf '%s\n' "$@" |
      timeout "$lines_limit" xargs grep -sHE '^(State|Threads|Uid|Gid|Groups|[0-9]+):' || if [ $? -eq 124 ]; then echo "$lines_word"; fi
  } | cut -c "1-$REMOVED_LINE_MAX"
}

# removed_sort <LINES of removed_read and removed_quick: prints, for the processes of the user, `runs PID PLACE` or `service PID UNIT`;
# `hidden 0 PLACE` for a place in which too many end before they can be read; `unread 0 -` if not all processes of others could be read in
# time; and `all 0 -` at the end, unless that took longer than removed_limit. The user's slice is the place `-`. A process belongs to the
# user by any of its four uids or by a subordinate one, as in a user namespace it has no other. Each thread has its own ids and groups
# (nptl(7)); the status of the process is that of its first thread. A subordinate id that is also the id of an account belongs to that
# account; one that several accounts may use identifies nobody in the session of another account. The control group shows whether a process
# comes from a login or is a service of the host; anything else is in a container, which may use any id. Namespaces prove nothing.
# Everything in the slice of a user whom Sealift created comes from a login, whatever its ids. Without systemd-logind (pam_systemd(8)),
# logins stay below sshd and getty.
removed_sort() {
  # shellcheck disable=SC2016 # fields of awk
  timeout "$removed_limit" awk -v longest="$REMOVED_LINE_MAX" -v name="$removed_name" -v uid="$removed_uid" -v gid="$removed_gid" -v made="$removed_kind" -v slice="$removed_slice" -v seconds="$((removed_limit / 4))" "$REMOVED_PLACE"'
    function numbers(file, column, accounts,   line, field) {
      while ((getline line < accounts) > 0) {
        split(line, field, ":")
        taken[column, field[3]] = 1
      }
      while ((getline line < file) > 0) {
        if (split(line, field, ":") < 3 || field[2] !~ /^[0-9]+$/ || field[3] !~ /^[0-9]+$/) continue
        count[column]++
        from[column, count[column]] = field[2] + 0
        to[column, count[column]] = field[2] + field[3]
        mine[column, count[column]] = field[1] == name || field[1] == uid
      }
    }
    # 2 for an id that only this user may use, 1 for one that others may use as well.
    function below(number, column,   i, own, others) {
      if ((column, number) in taken) return 0
      for (i = 1; i <= count[column]; i++) {
        if (number + 0 < from[column, i] || number + 0 >= to[column, i]) continue
        if (mine[column, i]) own = 1
        else others = 1
      }
      return own ? (others ? 1 : 2) : 0
    }
    function most(a, b) { return a > b ? a : b }
    # The place of a control group: its service, the session or service of another account, or the slice of the user.
    function short(path,   at, part, count, i) {
      at = place(path)
      if (at == "session") {
        # Below its own service an account may choose any group names.
        count = split(path, part, "/")
        path = "/user.slice"
        for (i = 3; i <= 4 && i <= count && part[i] ~ /^[A-Za-z0-9:_.@\\-]+$/; i++) path = path "/" part[i]
        return path
      }
      if (at != "login") return "-"
      sub(/\.service\/.*/, ".service", path)
      return path
    }
    # A line FILE:LINE about a process or one of its threads.
    function parse(line,   pid, thread, word, n, i) {
      sub(/^\/proc\//, "", line)
      pid = line
      sub(/\/.*/, "", pid)
      thread = line ~ /^[0-9]*\/task\//
      sub(/^[0-9]*\/(task\/[0-9]*\/)?(status|cgroup):/, "", line)
      seen[pid]
      if (line ~ /^[0-9]+:/) {
        sub(/^[0-9]+:[^:]*:/, "", line)
        sub(/ \(deleted\)$/, "", line)
        if ((pid in where) && where[pid] != "") return
        where[pid] = place(line)
        path[pid] = line
        return
      }
      # A truncated number is a different one.
      if (length(line) > longest - 64) sub(/[0-9]+$/, "", line)
      n = split(line, word, " ")
      for (i = 2; i <= n; i++) {
        if (word[1] == "Uid:") of[pid] = most(of[pid], word[i] == uid ? 3 : below(word[i], "uid"))
        else if (word[1] == "Gid:" || word[1] == "Groups:") {
          if (word[i] == gid) grouped[pid]
          of[pid] = most(of[pid], below(word[i], "gid"))
        }
      }
      # A process whose first thread has ended is Z, too.
      if (word[1] == "State:") ended[pid] = word[2] == "Z" || word[2] == "X"
      if (word[1] == "Threads:") {
        if (thread) all[pid] = most(all[pid], word[2])
        else threads[pid] = word[2]
      }
      if (thread && word[1] == "Uid:") read[pid]++
    }
    # Reads the threads of processes that have several, those of the slice of the user first; sets few[pid] if one ended before it could be
    # read. After a timeout nothing more is read.
    function each_thread(   pid) {
      threads_in("slice")
      threads_in("")
      for (pid in few) if (read[pid] > 0 && read[pid] >= all[pid]) delete few[pid]
    }
    function threads_in(at,   pid, batch, n) {
      for (pid in threads) {
        if (threads[pid] <= 1 || !(pid in few) || (at == "slice") != (where[pid] == "slice")) continue
        read[pid] = all[pid] = 0
        batch = batch " " pid
        if (++n % 15000 == 0) {
          threads_of(batch)
          batch = ""
        }
      }
      if (batch != "") threads_of(batch)
    }
    function threads_of(batch,   command, line) {
      if (unread) return
      command = "{ for p in" batch "; do echo /proc/$p/task/*/status; done | timeout " seconds " xargs grep -sHE \"^(Threads|Uid|Gid|Groups):\" || [ $? -ne 124 ] || echo unread; } | cut -c 1-" longest
      while ((command | getline line) > 0) {
        if (line == "unread") unread = 1
        else parse(line)
      }
      close(command)
    }
    # Whether the process belongs to the removed user: in a session of another account, an id that several may use proves nothing.
    function counts(pid) { return where[pid] == "slice" || of[pid] >= (where[pid] == "login" ? 1 : 2) }
    BEGIN {
      numbers("/etc/subuid", "uid", "/etc/passwd")
      numbers("/etc/subgid", "gid", "/etc/group")
    }
    $1 == "cut" { cut = 1 }
    $1 == "unread" { unread_before = 1 }
    $1 == "rounds" {
      rounds = $2
      next
    }
    /^missed / {
      at = substr($0, 8)
      if (place(at) ~ /^(slice|session|login)$/) missed[short(at)]++
      next
    }
    /^\/proc\// { parse($0) }
    END {
      for (pid in threads) if (threads[pid] > 1 && where[pid] ~ /^(slice|session|login)$/) few[pid]
      for (i = 1; i <= 3; i++) each_thread()
      for (pid in few) if (counts(pid)) missed[short(path[pid])] += read[pid] > 0 ? 64 : 1
      for (pid in where) {
        at = where[pid]
        # It has ended since its control group was read.
        if (!(pid in threads)) continue
        if (at ~ /^(session|login)$/ && counts(pid)) own[short(path[pid])]
        if (ended[pid] && threads[pid] <= 1) continue
        if (made != "made" && !(pid in grouped)) continue
        if (at == "" || !counts(pid)) continue
        if (at != "service") print "runs", pid, short(path[pid])
        else {
          sub(/.*\//, "", path[pid])
          print "service", pid, path[pid]
        }
      }
      # A few short-lived processes belong to no account; in a service of the host or a session of another account, they count only beside
      # one that certainly belongs to the removed user. Long lists allow few rounds.
      for (at in missed) {
        if (missed[at] < 64 && (missed[at] < 16 || missed[at] < rounds)) continue
        if (at == "-" || (at in own)) print "hidden", 0, at
      }
      if (cut) print "hidden", 0, "-"
      if (unread || unread_before) print "unread", 0, "-"
      print "all", 0, "-"
    }'
}

# removed_sum <LINES of removed_sort: prints seven lines for removed_inspect: processes, the same for people, places, services, whether some
# are hidden, whether some of others are unread, whether the list is complete.
removed_sum() {
  # shellcheck disable=SC2016 # fields of awk
  timeout "$removed_limit" sort -k 2,2n | timeout "$removed_limit" awk '
    $1 == "runs" {
      printf " %s", $2
      if (++count <= 16) shown = shown " " $2
    }
    ($1 == "runs" || $1 == "hidden") && $3 != "-" && !place[$3]++ { places = places " " $3 }
    $1 == "service" && !unit[$3]++ { units = units " " $3 }
    $1 == "hidden" { hidden = "yes" }
    $1 == "unread" { unread = "yes" }
    $1 == "all" { all = "yes" }
    END {
      if (count > 16) shown = shown " and " count - 16 " more"
      print ""
      print shown
      print places
      print units
      print hidden
      print unread
      print all
    }'
}

# removed_groups: sets removed_below to the control groups below the user's slice, except the one that removes the user's /run folder
# (user-runtime-dir@.service(5)).
removed_groups() {
  removed_below=
  if [ -z "$removed_root" ]; then return 0; fi
  for removed_one in "$removed_root$removed_slice"/*/; do
    case $removed_one in */"user-runtime-dir@"*) continue ;; esac
    if [ -e "${removed_one}cgroup.events" ]; then removed_below="$removed_below ${removed_one%/}"; fi
  done
}

# removed_populated: whether anything runs in the user's slice.
removed_populated() {
  removed_groups
  for removed_one in $removed_below; do
    if group_has "$removed_one" "populated 1"; then return 0; fi
  done
  return 1
}

# removed_holds_us FOLDER: whether this process is in the control group, which would then freeze itself.
removed_holds_us() {
  while IFS= read -r removed_line; do
    case $removed_line in
      0::*) case "$removed_root${removed_line#0::}/" in "$1"/*) return 0 ;; esac ;;
    esac
  done </proc/self/cgroup
  return 1
}

# removed_freeze: freezes the user's slice and the services and sessions of others in which processes of the user were found. Sets
# removed_held if all of it is frozen.
removed_freeze() {
  removed_held=
  if [ -z "$removed_root" ]; then return 0; fi
  removed_whole_place=yes
  removed_groups_held=
  for removed_one in $removed_slice $removed_places_seen; do
    removed_one=$removed_root$removed_one
    if removed_holds_us "$removed_one"; then
      removed_whole_place=
    elif [ -d "$removed_one" ]; then
      removed_groups_held="$removed_groups_held $removed_one"
    fi
  done
  # shellcheck disable=SC2086 # folders of units, whose names hold no blanks
  if freeze_groups $removed_groups_held; then removed_held=$removed_whole_place; fi
}

# removed_froze: whether all of it is still frozen.
removed_froze() {
  for removed_one in $removed_groups_held; do
    if [ -d "$removed_one" ] && ! group_has "$removed_one" "frozen 1"; then return 1; fi
  done
}

removed_thaw() {
  if [ -n "$removed_root" ]; then thaw_groups; fi
}

# removed_kill: kills everything in the user's slice at once, including newly forked children, if the kernel supports it (5.14 and later).
removed_kill() {
  removed_groups
  for removed_one in $removed_below; do
    if removed_holds_us "$removed_one"; then continue; fi
    { echo 1 >"$removed_one/cgroup.kill"; } 2>/dev/null || true
  done
}
