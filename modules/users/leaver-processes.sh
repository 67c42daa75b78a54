# What still runs for somebody who has left the site: found by number and control group, held still, ended. Sources: proc_pid_status(5),
# proc_pid_cgroup(5), subuid(5), subgid(5), cgroups(7), cgroup.freeze and cgroup.kill of the kernel's Control Group v2.

# How long a list of all processes may take, in seconds.
leaver_limit=60
# Whether one of the leaver's is enough to end the search for those that end soon: for a check it is.
leaver_enough=yes

# leaver_look KIND USER GROUP: looks at all that runs for USER by a login, by cron, at or services of the user's own: all of one that Sealift
# has made (KIND made), and of others (adopted) what is in GROUP. Sets
#   leaver_pids     the processes, a blank before each
#   leaver_running  the same for people; also when something runs that ends before it can be read
#   leaver_places   control groups of the host's own services, and of sessions of other accounts, in which some of them are
#   leaver_units    services of the host that run with the account
#   leaver_busy     when all of an adopted one was last held still with nothing in GROUP, where a look at what goes on cannot say
#   leaver_began    when it began, in ticks since the host has started
leaver_look() {
  leaver_pids=
  leaver_shown=
  leaver_places=
  leaver_units=
  leaver_hidden=
  leaver_whole=
  leaver_busy=
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
  elif [ "$1" = adopted ] && [ -n "$leaver_hidden" ] && [ -z "$leaver_running" ] && leaver_cleared; then
    return 0
  elif [ -n "$leaver_hidden" ] || { [ "$1" = made ] && [ -z "$leaver_running" ] && leaver_populated; }; then
    leaver_running="${leaver_running:+$leaver_running and others} that end before they can be read"
  fi
}

# leaver_end KIND USER GROUP: asks what leaver_look finds to end, then ends it. Whoever goes on forking is ahead of every list of processes, so
# that the control group is held still while the list is made (a child is born into the group, and frozen with it); that nothing runs is
# believed of such a list alone. Eight rounds, then what is left is for the next check to tell.
leaver_end() {
  leaver_enough=
  leaver_forget "$2"
  leaver_look "$@"
  leaver_held=
  leaver_places_seen=$leaver_places
  if [ -n "$leaver_pids" ] || { [ "$1" = made ] && [ -n "$leaver_running" ]; }; then
    if [ -e "/run/systemd/users/$leaver_uid" ]; then timeout 60 loginctl terminate-user "$2" || true; fi
    leaver_signal TERM
    leaver_wait 30
  fi
  for _ in 1 2 3 4 5 6 7 8; do
    # What is held still with it, cron or sshd of everybody, is not to wait for a long list.
    leaver_limit=10
    leaver_freeze
    leaver_look "$@"
    leaver_limit=60
    if [ -z "$leaver_running" ]; then
      if [ -n "$leaver_held" ] && [ "$1" = adopted ] && leaver_froze; then leaver_clear; fi
      leaver_thaw
      return 0
    fi
    leaver_signal KILL
    if [ "$1" = made ]; then leaver_kill; fi
    leaver_thaw
    for leaver_one in $leaver_places; do
      case " $leaver_places_seen " in *" $leaver_one "*) ;; *) leaver_places_seen="$leaver_places_seen $leaver_one" ;; esac
    done
    leaver_wait 10
  done
}

# leaver_wait TENTHS: waits until none of leaver_pids is there any more, up to so many tenths of a second.
leaver_wait() {
  leaver_left=$1
  while [ "$leaver_left" -gt 0 ]; do
    leaver_there=
    for leaver_pid in $leaver_pids; do
      if kill -0 "$leaver_pid" 2>/dev/null; then
        leaver_there=yes
        break
      fi
    done
    # Of those that could not be read nobody knows when they end.
    if [ -z "$leaver_there" ] && [ -n "$leaver_pids" ]; then return 0; fi
    sleep 0.1
    leaver_left=$((leaver_left - 1))
  done
}

# What was found of adopted accounts when all that they ran was held still: a file for each, of root's alone, gone with the next boot.
LEAVERS_CLEARED=/run/sealift/leavers
# A day, in seconds: as long as a look at installed programs is believed.
LEAVER_CLEARED_SEC=86400

# leaver_clear: notes that nothing of the leaver's was in the group. Nothing new gets into it either: who is in no group of that
# name is given it by no login (setgroups(2)), but for a program that sets its group.
leaver_clear() {
  install -d -m 0700 "$LEAVERS_CLEARED"
  read -r leaver_up _ </proc/uptime
  echo "$leaver_uid $leaver_gid ${leaver_up%%.*} $(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$LEAVERS_CLEARED/$leaver_name"
}

# leaver_cleared: whether that was noted within a day of this account and this group; sets leaver_busy to when.
leaver_cleared() {
  read -r leaver_was_uid leaver_was_gid leaver_was_up leaver_was 2>/dev/null <"$LEAVERS_CLEARED/$leaver_name" || return 1
  read -r leaver_up _ </proc/uptime
  if [ "$leaver_was_uid $leaver_was_gid" != "$leaver_uid $leaver_gid" ]; then return 1; fi
  if [ $((${leaver_up%%.*} - leaver_was_up)) -ge "$LEAVER_CLEARED_SEC" ]; then return 1; fi
  # shellcheck disable=SC2034 # leavers.sh tells it
  leaver_busy=$leaver_was
}

# leaver_forget USER
leaver_forget() { rm -f "$LEAVERS_CLEARED/$1"; }

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
# that had ended before it could be read; then `rounds COUNT`. Twenty rounds without anything new, after the hundredth without anything new of
# the leaver's or in the own slice, or three seconds; where one is enough (leaver_enough), until it is found. A host may have many leavers, each of
# whom is looked for, and others who start processes all the time.
leaver_quick() {
  quick_lists=$(leaver_lists)
  if [ -z "$quick_lists" ]; then return 0; fi
  # What was seen, in 512 variables by number: a look at one is as long however many there are.
  # shellcheck disable=SC2016 # fields of awk
  eval "$(printf '%s\n' "$leaver_all" | timeout "$leaver_limit" awk '
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
    if quick_late || [ "$leaver_enough$quick_one" = yesyes ]; then break; fi
  done
  echo "rounds $quick_round"
}

# quick_late: whether the time for this is over.
quick_late() {
  read -r quick_now _ </proc/uptime
  [ "${quick_now%%.*}" -ge "$quick_until" ]
}

# quick_group LIST: the processes of one control group that were not seen yet, the youngest first, 1024 at most. Between the list and the
# status lies no process of ours, and what was opened in time is read whole. What there was no time for is as what has ended: not read.
quick_group() {
  quick_at=${1#"$leaver_root"}
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
  case $quick_round,$quick_at/ in ?,* | ??,* | *,"$leaver_slice"/*) quick_last=$quick_round ;; esac
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

# quick_status FILE: sets quick_got to its lines for leaver_sort, and quick_one when it is one of the leaver's, of an adopted one in the group.
quick_status() {
  quick_own=
  quick_grouped=
  if [ "$leaver_kind" = made ]; then quick_grouped=yes; fi
  while IFS= read -r quick_line; do
    case $quick_line in
      Groups:*)
        if [ "${#quick_line}" -gt "$LEAVER_LINE" ]; then quick_line=$(printf "%.${LEAVER_LINE}s" "$quick_line"); fi
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
      Uid:*"$quick_tab$leaver_uid$quick_tab"*) quick_own=yes ;;
      Gid:*"$quick_tab$leaver_gid$quick_tab"* | Groups:*"$quick_tab$leaver_gid "* | Groups:*" $leaver_gid "*) quick_grouped=yes ;;
    esac
  done <"$1"
}

# The longest line that is taken of a process, in bytes: some 1300 groups. Whoever has a user namespace may give each of their processes
# 65536 groups (user_namespaces(7), NGROUPS_MAX), all of them subordinate ones; the kernel sorts them, and one of the host's comes first.
LEAVER_LINE=8192

# leaver_read: what the kernel says of all processes, FILE:LINE, for leaver_sort; then `cut` where that took longer than leaver_limit.
leaver_read() {
  {
    printf '%s\n' /proc/[0-9]*/status /proc/[0-9]*/cgroup |
      timeout "$leaver_limit" xargs grep -sHE '^(State|Threads|Uid|Gid|Groups|[0-9]+):' || if [ $? -eq 124 ]; then echo cut; fi
  } | cut -c "1-$LEAVER_LINE"
}

# leaver_sort <LINES of leaver_read and leaver_quick: prints of the processes that are the leaver's `runs PID PLACE` or `service PID UNIT`,
# `hidden 0 PLACE` of a place in which too many end before they can be read, and `all 0 -` at the end, unless that took longer than
# leaver_limit; the leaver's own slice is the place `-`. A
# process is the leaver's by any of its four uids, or by a subordinate one: in a user namespace of its own it has no other. Each thread has
# numbers and groups of its own (nptl(7)), and the status of the process is that of its first thread. A subordinate
# number that is an account's own is that account's; one that several accounts may use is nobody's in the session of another. By its
# control group it runs by a login, or as a service of the host; anything else is a container's, which may use any number. Namespaces say
# nothing. What is in the slice of an account that Sealift made is all of a login there, whatever it has become. Without systemd-logind
# (pam_systemd(8)) logins stay below sshd and getty.
leaver_sort() {
  # shellcheck disable=SC2016 # fields of awk
  timeout "$leaver_limit" awk -v longest="$LEAVER_LINE" -v name="$leaver_name" -v uid="$leaver_uid" -v gid="$leaver_gid" -v made="$leaver_kind" -v slice="$leaver_slice" '
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
    # The place of a control group: its service, the session or service of another account, or the own slice.
    function short(path,   at, part, count, i) {
      at = place(path)
      if (at == "session") {
        # Below its own service an account names groups as it likes.
        count = split(path, part, "/")
        path = "/user.slice"
        for (i = 3; i <= 4 && i <= count && part[i] ~ /^[A-Za-z0-9:_.@\\-]+$/; i++) path = path "/" part[i]
        return path
      }
      if (at != "login") return "-"
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
      # A number that was cut off is another one.
      if (length(line) > longest - 64) sub(/[0-9]+$/, "", line)
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
      command = "for p in" batch "; do echo /proc/$p/task/*/status; done | timeout 20 xargs grep -sHE \"^(Threads|Uid|Gid|Groups):\" | cut -c 1-" longest
      while ((command | getline line) > 0) told(line)
      close(command)
    }
    # Whether it counts as one of the leaver: in a session of another account a number that several may use does not.
    function counts(pid) { return where[pid] == "slice" || of[pid] >= (where[pid] == "login" ? 1 : 2) }
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
      if (place(at) ~ /^(slice|session|login)$/) missed[short(at)]++
      next
    }
    /^\/proc\// { told($0) }
    END {
      for (pid in threads) if (threads[pid] > 1 && where[pid] ~ /^(slice|session|login)$/) few[pid]
      for (i = 1; i <= 3; i++) each_thread()
      for (pid in few) if (counts(pid)) missed[short(path[pid])] += read[pid] > 0 ? 64 : 1
      for (pid in where) {
        at = where[pid]
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
      # A few that end are of no account; in a service of the host, or a session of another account, they count beside one of the leaver
      # alone. Long lists make few rounds.
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
  # shellcheck disable=SC2016 # fields of awk
  timeout "$leaver_limit" sort -k 2,2n | timeout "$leaver_limit" awk '
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
    if group_has "$leaver_one" "populated 1"; then return 0; fi
  done
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

# leaver_freeze: holds still the leaver's slice, and for this moment the services of the host and the sessions of others in which processes of
# the leaver were found. Sets leaver_held when all of it stands still.
leaver_freeze() {
  leaver_held=
  if [ -z "$leaver_root" ]; then return 0; fi
  leaver_whole_place=yes
  leaver_groups_held=
  for leaver_one in $leaver_slice $leaver_places_seen; do
    leaver_one=$leaver_root$leaver_one
    if leaver_holds_us "$leaver_one"; then
      leaver_whole_place=
    elif [ -d "$leaver_one" ]; then
      leaver_groups_held="$leaver_groups_held $leaver_one"
    fi
  done
  # shellcheck disable=SC2086 # folders of units, whose names hold no blanks
  if freeze_groups $leaver_groups_held; then leaver_held=$leaver_whole_place; fi
}

# leaver_froze: whether all of it still stands still.
leaver_froze() {
  for leaver_one in $leaver_groups_held; do
    if [ -d "$leaver_one" ] && ! group_has "$leaver_one" "frozen 1"; then return 1; fi
  done
}

leaver_thaw() {
  if [ -n "$leaver_root" ]; then thaw_groups; fi
}

# leaver_kill: ends all that is in the leaver's slice at once, children that are just born among it, where the kernel can (5.14 and later).
leaver_kill() {
  leaver_groups
  for leaver_one in $leaver_below; do
    if leaver_holds_us "$leaver_one"; then continue; fi
    { echo 1 >"$leaver_one/cgroup.kill"; } 2>/dev/null || true
  done
}
