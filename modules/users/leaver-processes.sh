# What still runs for somebody who has left the site: found by number and control group, held still, ended. Sources: proc_pid_status(5),
# proc_pid_cgroup(5), subuid(5), subgid(5), cgroups(7), cgroup.freeze and cgroup.kill of the kernel's Control Group v2.

# How long a list of all processes may take, in seconds.
leaver_limit=60

# leaver_look KIND USER GROUP: looks at all that runs for USER by a login, by cron, at or services of the user's own: all of one that Sealift
# has made (KIND made), and of others (adopted) what is in GROUP. Sets
#   leaver_pids     the processes, a blank before each
#   leaver_running  the same for people; also when something runs that ends before it can be read
#   leaver_places   control groups of the host's own services in which some of them are
#   leaver_units    services of the host that run with the account
#   leaver_began    when it began, in ticks since the host has started
leaver_look() {
  leaver_pids=
  leaver_shown=
  leaver_places=
  leaver_units=
  leaver_hidden=
  leaver_whole=
  leaver_kind=$1
  leaver_name=$2
  still_at_it
  account /etc/passwd "$2"
  leaver_uid=$FIELD_3
  leaver_gid=none
  if account /etc/group "$3"; then leaver_gid=$FIELD_3; fi
  leaver_slice=/user.slice/user-$leaver_uid.slice
  leaver_hierarchy
  leaver_began=$(leaver_now)
  leaver_all=$(leaver_read)
  leaver_fast=$(leaver_quick)
  leaver_said=$(printf '%s\n' "$leaver_all" "$leaver_fast" | leaver_sort | leaver_sum)
  {
    IFS= read -r leaver_pids
    IFS= read -r leaver_shown
    IFS= read -r leaver_places
    # shellcheck disable=SC2034 # leavers.sh tells them
    IFS= read -r leaver_units
    IFS= read -r leaver_hidden
    IFS= read -r leaver_whole
  } <<END || true
$leaver_said
END
  leaver_running=$leaver_shown
  if [ -z "$leaver_whole" ]; then
    leaver_running=" that cannot be listed"
  elif [ -n "$leaver_hidden" ] || { [ "$1" = made ] && [ -z "$leaver_running" ] && leaver_populated; }; then
    leaver_running="${leaver_running:+$leaver_running and others} that end before they can be read"
  fi
}

# leaver_end KIND USER GROUP: asks what leaver_look finds to end, then ends it. Whoever goes on forking is ahead of every list of processes, so
# that the control group is held still while the list is made (a child is born into the group, and frozen with it); that nothing runs is
# believed of such a list alone. Ten rounds, then what is left is for the next check to tell.
leaver_end() {
  leaver_asked=
  for leaver_round in TERM TERM KILL KILL KILL KILL KILL KILL KILL KILL; do
    leaver_look "$@"
    if [ -n "$leaver_running" ] && [ -z "$leaver_asked" ] && [ -e "/run/systemd/users/$leaver_uid" ]; then
      timeout 60 loginctl terminate-user "$2" || true
    fi
    leaver_asked=yes
    leaver_frozen=
    if [ -z "$leaver_running" ] || [ "$leaver_round" = KILL ]; then
      leaver_freeze
      # What is held still with it, cron or sshd of everybody, is not to wait for a long list.
      leaver_limit=10
      if [ -n "$leaver_frozen" ]; then leaver_look "$@"; fi
      leaver_limit=60
    fi
    if [ -z "$leaver_running" ]; then
      leaver_thaw
      return 0
    fi
    leaver_signal "$leaver_round"
    if [ "$leaver_round" = KILL ] && [ "$1" = made ]; then leaver_kill; fi
    leaver_thaw
    sleep 1
  done
}

# leaver_signal SIGNAL: signals leaver_pids, but for a number that is meanwhile another process: one that has started after the look began.
leaver_signal() {
  for leaver_pid in $leaver_pids; do
    leaver_start=$((leaver_began + 1))
    { leaver_started "$leaver_pid"; } 2>/dev/null || continue
    if [ "$leaver_start" -le "$leaver_began" ]; then kill -s "$1" "$leaver_pid" 2>/dev/null || true; fi
  done
}

# leaver_started PID: sets leaver_start to when the process has started, in ticks (proc_pid_stat(5)): the twentieth word behind the name of
# its program, which may be anything.
leaver_started() {
  leaver_stat=
  while IFS= read -r leaver_line; do leaver_stat="$leaver_stat $leaver_line"; done <"/proc/$1/stat" || return 1
  # shellcheck disable=SC2086 # words
  set -- ${leaver_stat##*) }
  # One that has ended meanwhile has no words, and to shift what is not there ends the shell.
  if [ $# -lt 20 ]; then return 1; fi
  shift 19
  leaver_start=$1
}

# leaver_now: the present time in ticks since the host has started: that at which this subshell has.
leaver_now() {
  leaver_started self
  echo "$leaver_start"
}

# leaver_hierarchy: sets leaver_root to where cgroup v2 is mounted, which with both hierarchies is beside the other one; empty without it.
leaver_hierarchy() {
  leaver_root=
  while read -r _ _ _ _ leaver_point leaver_rest; do
    case $leaver_rest in
      *" - cgroup2 "*)
        leaver_root=$leaver_point
        break
        ;;
    esac
  done </proc/self/mountinfo
}

# leaver_lists: the lists of the kernel in which processes of the leaver may be that end before leaver_read sees them.
leaver_lists() {
  if [ -z "$leaver_root" ]; then return 0; fi
  timeout 20 find "$leaver_root/user.slice" "$leaver_root"/system.slice/cron*.service "$leaver_root"/system.slice/atd.service \
    "$leaver_root"/system.slice/ssh*.service "$leaver_root"/system.slice/*getty*.service "$leaver_root"/system.slice/system-*.slice \
    -name cgroup.procs 2>/dev/null || true
}

# leaver_quick: what the kernel says of processes that leaver_read did not see, because they end so soon, FILE:LINE, and `missed PATH` for one
# that had ended before it could be read; then `rounds COUNT`. Twenty rounds without anything new, or three seconds.
leaver_quick() {
  quick_lists=$(leaver_lists)
  if [ -z "$quick_lists" ]; then return 0; fi
  # What was seen, in 512 variables by number: a look at one is as long however many there are.
  eval "$(printf '%s\n' "$leaver_all" | awk '
    match($0, /^\/proc\/[0-9]+\/status:State:/) {
      pid = substr($0, 7, RLENGTH - 20)
      seen[pid % 512] = seen[pid % 512] " " pid
    }
    END { for (i = 0; i < 512; i++) print "quick_" i "=\"" seen[i] " \"" }')"
  read -r quick_now _ </proc/uptime
  quick_until=$((${quick_now%%.*} + 3))
  quick_round=0
  quick_last=0
  while [ "$quick_round" -lt "$((quick_last + 20))" ]; do
    quick_round=$((quick_round + 1))
    while IFS= read -r quick_list; do
      { quick_group "$quick_list"; } 2>/dev/null || true
    done <<END
$quick_lists
END
    read -r quick_now _ </proc/uptime
    if [ "${quick_now%%.*}" -ge "$quick_until" ]; then break; fi
  done
  echo "rounds $quick_round"
}

# quick_group LIST: the processes of one control group that were not seen yet, the youngest first, 1024 at most. Between the list and the
# status lies no process of ours, and what was opened in time is read whole.
quick_group() {
  quick_at=${1#"$leaver_root"}
  quick_at=${quick_at%/cgroup.procs}
  quick_fresh=
  quick_count=0
  quick_seen=
  while read -r quick_pid; do
    eval "quick_seen=\$quick_$((quick_pid % 512))"
    case $quick_seen in *" $quick_pid "*) continue ;; esac
    eval "quick_$((quick_pid % 512))=\"\${quick_seen}$quick_pid \""
    quick_fresh="$quick_pid $quick_fresh"
    quick_count=$((quick_count + 1))
    if [ "$quick_count" -ge 1024 ]; then break; fi
  done <"$1"
  if [ -z "$quick_fresh" ]; then return 0; fi
  quick_last=$quick_round
  quick_text=
  for quick_pid in $quick_fresh; do
    quick_got=
    { quick_status "/proc/$quick_pid/status"; } || true
    if [ -n "$quick_got" ]; then
      quick_text="$quick_text$quick_got/proc/$quick_pid/cgroup:0::$quick_at$SEALIFT_LINE_END"
    else
      quick_text="${quick_text}missed $quick_at$SEALIFT_LINE_END"
    fi
  done
  printf '%s' "$quick_text"
}

# quick_status FILE: sets quick_got to its lines for leaver_sort.
quick_status() {
  while IFS= read -r quick_line; do
    case $quick_line in
      State:* | Uid:* | Gid:* | Groups:*) quick_got="$quick_got$1:$quick_line$SEALIFT_LINE_END" ;;
      Threads:*)
        quick_got="$quick_got$1:$quick_line$SEALIFT_LINE_END"
        return 0
        ;;
    esac
  done <"$1"
}

# leaver_read: what the kernel says of all processes, FILE:LINE, for leaver_sort; then `cut` where that took longer than leaver_limit.
leaver_read() {
  printf '%s\n' /proc/[0-9]*/status /proc/[0-9]*/cgroup |
    timeout "$leaver_limit" xargs grep -sHE '^(State|Threads|Uid|Gid|Groups|[0-9]+):' || if [ $? -eq 124 ]; then echo cut; fi
}

# leaver_sort <LINES of leaver_read and leaver_quick: prints of the processes that are the leaver's `runs PID PLACE` or `service PID UNIT`,
# `hidden 0 PLACE` of a place in which too many end before they can be read, and `all 0 -` at the end; the leaver's own slice is the place `-`. A
# process is the leaver's by any of its four uids, or by a subordinate one: in a user namespace of its own it has no other. Each thread has
# numbers and groups of its own (nptl(7)), and the status of the process is that of its first thread. A subordinate
# number that is an account's own is that account's; one that several accounts may use is nobody's in the session of another. By its
# control group it runs by a login, or as a service of the host; anything else is a container's, which may use any number. Namespaces say
# nothing. What is in the slice of an account that Sealift made is all of a login there, whatever it has become. Without systemd-logind
# (pam_systemd(8)) logins stay below sshd and getty.
leaver_sort() {
  awk -v name="$leaver_name" -v uid="$leaver_uid" -v gid="$leaver_gid" -v made="$leaver_kind" -v slice="$leaver_slice" '
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
    # 2 of a number that is the account of nobody else, 1 of one that others may use as well.
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
    function place(path) {
      if (path == slice || index(path, slice "/") == 1) return index(path, slice "/user-runtime-dir@") == 1 ? "" : "slice"
      if (path ~ /^\/user\.slice(\/|$)/) return "session"
      if (path ~ /^\/system\.slice\/(system-[^\/]*\.slice\/)?((ssh|sshd|sshd-unix-local|sshd-vsock|getty|serial-getty|console-getty|container-getty)(@[^\/]*)?|cron|crond|cronie|cron-[^\/]*|atd)\.service(\/|$)/) return "login"
      if (path ~ /^\/system\.slice\/([^\/]*\.slice\/)*[^\/]*\.service$/) return "service"
      return ""
    }
    # The place of a control group: its service, or the slice.
    function short(path) {
      if (place(path) != "login") return "-"
      sub(/\.service\/.*/, ".service", path)
      return path
    }
    # FILE:LINE of a process or of one of its threads.
    function told(line,   pid, thread, word, n, i) {
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
      n = split(line, word, " ")
      for (i = 2; i <= n; i++) {
        if (word[1] == "Uid:") of[pid] = most(of[pid], word[i] == uid ? 3 : below(word[i], "uid"))
        else if (word[1] == "Gid:" || word[1] == "Groups:") {
          if (word[i] == gid) grouped[pid]
          of[pid] = most(of[pid], below(word[i], "gid"))
        }
      }
      # One whose first thread has ended is Z, too.
      if (word[1] == "State:") ended[pid] = word[2] == "Z" || word[2] == "X"
      if (word[1] == "Threads:") {
        if (thread) all[pid] = most(all[pid], word[2])
        else threads[pid] = word[2]
      }
      if (thread && word[1] == "Uid:") read[pid]++
    }
    # Reads the threads of the processes that have several; sets few[pid] where one has ended before it could be read.
    function each_thread(   pid, batch, n) {
      for (pid in threads) {
        if (threads[pid] <= 1 || !(pid in few)) continue
        read[pid] = all[pid] = 0
        batch = batch " " pid
        if (++n % 2000 == 0) {
          threads_of(batch)
          batch = ""
        }
      }
      if (batch != "") threads_of(batch)
      for (pid in few) if (read[pid] > 0 && read[pid] >= all[pid]) delete few[pid]
    }
    function threads_of(batch,   command, line) {
      command = "for p in" batch "; do echo /proc/$p/task/*/status; done | timeout 20 xargs grep -sHE \"^(Threads|Uid|Gid|Groups):\""
      while ((command | getline line) > 0) told(line)
      close(command)
    }
    BEGIN {
      numbers("/etc/subuid", "uid", "/etc/passwd")
      numbers("/etc/subgid", "gid", "/etc/group")
    }
    $1 == "cut" { cut = 1 }
    $1 == "rounds" {
      rounds = $2
      next
    }
    /^missed / {
      at = substr($0, 8)
      if (place(at) == "slice" || place(at) == "login") missed[short(at)]++
      next
    }
    /^\/proc\// { told($0) }
    END {
      for (pid in threads) if (threads[pid] > 1 && where[pid] ~ /^(slice|session|login)$/) few[pid]
      for (i = 1; i <= 3; i++) each_thread()
      for (pid in few) if (where[pid] == "slice" || of[pid] > 0) missed[short(path[pid])] += read[pid] > 0 ? 64 : 1
      for (pid in where) {
        at = where[pid]
        if (at == "login" && of[pid] > 0) own[short(path[pid])]
        if (ended[pid] && threads[pid] <= 1) continue
        if (made != "made" && !(pid in grouped)) continue
        if (at == "slice") print "runs", pid, "-"
        else if (at == "session" && of[pid] >= 2) print "runs", pid, "-"
        else if (at == "login" && of[pid] > 0) print "runs", pid, short(path[pid])
        else if (at == "service" && of[pid] >= 2) {
          sub(/.*\//, "", path[pid])
          print "service", pid, path[pid]
        }
      }
      # A few that end are of no account; in a service of the host they count beside one of the leaver alone. Long lists make few rounds.
      for (at in missed) {
        if (missed[at] < 64 && (missed[at] < 16 || missed[at] < rounds)) continue
        if (at == "-" || (at in own)) print "hidden", 0, at
      }
      if (cut) print "hidden", 0, "-"
      print "all", 0, "-"
    }'
}

# leaver_sum <LINES of leaver_sort: six lines for leaver_look: processes, the same for people, places, services, whether some are hidden, whether that is all.
leaver_sum() {
  sort -k 2,2n | awk '
    $1 == "runs" {
      printf " %s", $2
      if (++count <= 16) shown = shown " " $2
    }
    ($1 == "runs" || $1 == "hidden") && $3 != "-" && !place[$3]++ { places = places " " $3 }
    $1 == "service" && !unit[$3]++ { units = units " " $3 }
    $1 == "hidden" { hidden = "yes" }
    $1 == "all" { all = "yes" }
    END {
      if (count > 16) shown = shown " and " count - 16 " more"
      print ""
      print shown
      print places
      print units
      print hidden
      print all
    }'
}

# leaver_groups: sets leaver_below to the control groups below the leaver's slice, but for the one that removes the user's /run folder
# (user-runtime-dir@.service(5)).
leaver_groups() {
  leaver_below=
  if [ -z "$leaver_root" ]; then return 0; fi
  for leaver_one in "$leaver_root$leaver_slice"/*/; do
    case $leaver_one in */"user-runtime-dir@"*) continue ;; esac
    if [ -e "${leaver_one}cgroup.events" ]; then leaver_below="$leaver_below ${leaver_one%/}"; fi
  done
}

# leaver_populated: whether anything runs in the leaver's slice.
leaver_populated() {
  leaver_groups
  for leaver_one in $leaver_below; do
    if leaver_event "$leaver_one" "populated 1"; then return 0; fi
  done
  return 1
}

# leaver_event FOLDER EVENT: whether cgroup.events says so.
leaver_event() {
  while read -r leaver_line; do
    if [ "$leaver_line" = "$2" ]; then return 0; fi
  done 2>/dev/null <"$1/cgroup.events" || return 1
  return 1
}

# leaver_holds_us FOLDER: whether this very process is in the control group, which would then wait for itself.
leaver_holds_us() {
  while IFS= read -r leaver_line; do
    case $leaver_line in
      0::*) case "$leaver_root${leaver_line#0::}/" in "$1"/*) return 0 ;; esac ;;
    esac
  done </proc/self/cgroup
  return 1
}

# leaver_freeze: holds still the leaver's slice, and for this moment the services of the host in which processes of the leaver were found. Sets
# leaver_frozen; waits up to two seconds.
leaver_freeze() {
  leaver_frozen=
  if [ -z "$leaver_root" ]; then return 0; fi
  # Nothing of the host's stays frozen when the run is ended meanwhile.
  trap 'leaver_thaw; exit 1' HUP INT TERM
  trap leaver_thaw EXIT
  for leaver_one in $leaver_slice $leaver_places; do
    leaver_one=$leaver_root$leaver_one
    if leaver_holds_us "$leaver_one"; then continue; fi
    if { echo 1 >"$leaver_one/cgroup.freeze"; } 2>/dev/null; then leaver_frozen="$leaver_frozen $leaver_one"; fi
  done
  for leaver_one in $leaver_frozen; do
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
      if leaver_event "$leaver_one" "frozen 1"; then break; fi
      sleep 0.1
    done
  done
}

leaver_thaw() {
  for leaver_one in $leaver_frozen; do
    { echo 0 >"$leaver_one/cgroup.freeze"; } 2>/dev/null || true
  done
  trap - HUP INT TERM EXIT
}

# leaver_kill: ends all that is in the leaver's slice at once, children that are just born among it, where the kernel can (5.14 and later).
leaver_kill() {
  leaver_groups
  for leaver_one in $leaver_below; do
    if leaver_holds_us "$leaver_one"; then continue; fi
    { echo 1 >"$leaver_one/cgroup.kill"; } 2>/dev/null || true
  done
}
