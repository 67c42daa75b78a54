# What still runs for somebody who has left the site: found by number and control group, held still, ended. Sources: proc_pid_status(5),
# proc_pid_cgroup(5), subuid(5), subgid(5), cgroups(7), cgroup.freeze and cgroup.kill of the kernel's Control Group v2.

# leaver_look KIND USER GROUP: looks at all that runs for USER by a login, by cron, at or services of the user's own: all of one that Sealift
# has made (KIND made), and of others (adopted) what is in GROUP. Sets
#   leaver_pids     the processes, a blank before each
#   leaver_running  the same for people; also when something runs that ends before it can be read
#   leaver_places   control groups of the host's own services in which some of them are
#   leaver_units    services of the host that run with the account
leaver_look() {
  leaver_pids=
  leaver_running=
  leaver_places=
  leaver_units=
  leaver_seen=
  leaver_count=0
  leaver_kind=$1
  leaver_name=$2
  account /etc/passwd "$2"
  leaver_uid=$FIELD_3
  leaver_gid=none
  if account /etc/group "$3"; then leaver_gid=$FIELD_3; fi
  leaver_slice=/user.slice/user-$leaver_uid.slice
  leaver_hierarchy
  leaver_take "$(leaver_read | leaver_sort)"
  leaver_quick
  if [ -n "$quick_text" ]; then leaver_take "$(printf '%s' "$quick_text" | leaver_sort)"; fi
  if [ "$leaver_count" -gt 16 ]; then leaver_running="$leaver_running and $((leaver_count - 16)) more"; fi
  if [ "$1" = made ] && [ -z "$leaver_running" ] && leaver_populated; then leaver_running=" that end before they can be read"; fi
}

# leaver_end KIND USER GROUP: asks what leaver_look finds to end, then ends it. Whoever goes on forking is ahead of every list of processes, so
# that the control group is held still while the list is made (a child is born into the group, and frozen with it). Ten rounds, then what
# is left is for the next check to tell.
leaver_end() {
  leaver_look "$@"
  if [ -z "$leaver_running" ]; then return 0; fi
  if [ -e "/run/systemd/users/$leaver_uid" ]; then timeout 60 loginctl terminate-user "$2" || true; fi
  for leaver_round in TERM TERM KILL KILL KILL KILL KILL KILL KILL KILL; do
    leaver_look "$@"
    if [ -z "$leaver_running" ]; then return 0; fi
    if [ "$leaver_round" = KILL ]; then
      leaver_freeze
      leaver_look "$@"
    fi
    # shellcheck disable=SC2086 # numbers of processes
    if [ -n "$leaver_pids" ]; then kill -s "$leaver_round" $leaver_pids 2>/dev/null || true; fi
    if [ "$leaver_round" = KILL ]; then
      if [ "$1" = made ]; then leaver_kill; fi
      leaver_thaw
    fi
    sleep 1
  done
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

# leaver_read: what the kernel says of all processes, FILE:LINE, for leaver_sort.
leaver_read() {
  printf '%s\n' /proc/[0-9]*/status /proc/[0-9]*/cgroup |
    timeout 60 xargs grep -sHE '^(State|Threads|Uid|Gid|Groups|[0-9]+):' || true
}

# leaver_sort <FILE:LINE...: prints `seen PID` of each process, and of those that are the leaver's `runs PID PLACE` or `service PID UNIT`. A
# process is the leaver's by any of its four uids, or by a subordinate one: in a user namespace of its own it has no other. A subordinate
# number that is an account's own is that account's; one that several accounts may use is nobody's in the session of another. By its
# control group it runs by a login, or as a service of the host; anything else is a container's, which may use any number. Namespaces say
# nothing. What is in the slice of an account that Sealift made is all of a login there, whatever it has become. Without systemd-logind
# (pam_systemd(8)) logins stay below sshd.
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
      if (path ~ /^\/system\.slice\/(system-[^\/]*\.slice\/)?((ssh|sshd)(@[^\/]*)?|cron|atd)\.service(\/|$)/) return "login"
      if (path ~ /^\/system\.slice\/([^\/]*\.slice\/)*[^\/]*\.service$/) return "service"
      return ""
    }
    BEGIN {
      numbers("/etc/subuid", "uid", "/etc/passwd")
      numbers("/etc/subgid", "gid", "/etc/group")
    }
    {
      line = $0
      sub(/^\/proc\//, "", line)
      pid = line
      sub(/\/.*/, "", pid)
      sub(/^[0-9]*\/(status|cgroup):/, "", line)
      seen[pid]
      if (line ~ /^[0-9]+:/) {
        sub(/^[0-9]+:[^:]*:/, "", line)
        sub(/ \(deleted\)$/, "", line)
        if ((pid in where) && where[pid] != "") next
        where[pid] = place(line)
        path[pid] = line
        next
      }
      n = split(line, word)
      for (i = 2; i <= n; i++) {
        if (word[1] == "Uid:") of[pid] = most(of[pid], word[i] == uid ? 3 : below(word[i], "uid"))
        else if (word[1] == "Gid:" || word[1] == "Groups:") {
          if (word[i] == gid) grouped[pid]
          of[pid] = most(of[pid], below(word[i], "gid"))
        }
      }
      # One whose first thread has ended is Z, too.
      if (word[1] == "State:") ended[pid] = word[2] == "Z" || word[2] == "X"
      if (word[1] == "Threads:") threads[pid] = word[2]
    }
    END {
      for (pid in seen) {
        print "seen", pid
        if (ended[pid] && threads[pid] <= 1) continue
        if (made != "made" && !(pid in grouped)) continue
        at = where[pid]
        if (at == "slice") print "runs", pid, "-"
        else if (at == "session" && of[pid] >= 2) print "runs", pid, "-"
        else if (at == "login" && of[pid] > 0) {
          sub(/\.service\/.*/, ".service", path[pid])
          print "runs", pid, path[pid]
        } else if (at == "service" && of[pid] >= 2) {
          sub(/.*\//, "", path[pid])
          print "service", pid, path[pid]
        }
      }
    }' | sort -k 2,2n
}

# leaver_take LINES: adds what leaver_sort has printed to what leaver_look sets.
leaver_take() {
  while read -r take_what take_pid take_where; do
    case $take_what in
      seen) leaver_seen="$leaver_seen $take_pid" ;;
      runs)
        leaver_pids="$leaver_pids $take_pid"
        leaver_count=$((leaver_count + 1))
        if [ "$leaver_count" -le 16 ]; then leaver_running="$leaver_running $take_pid"; fi
        case "- $leaver_places " in *"$take_where "*) ;; *) leaver_places="$leaver_places $take_where" ;; esac
        ;;
      service)
        case "$leaver_units " in *" $take_where "*) ;; *) leaver_units="$leaver_units $take_where" ;; esac
        ;;
    esac
  done <<END
$1
END
}

# leaver_quick: sets quick_text to what the kernel says of processes that leaver_read did not see, because they end so soon: for leaver_sort.
# Between the number of a process and its status lies no process of ours, and what was opened in time is read whole.
leaver_quick() {
  quick_text=
  if [ -z "$leaver_root" ]; then return 0; fi
  quick_lists=$(timeout 20 find "$leaver_root$leaver_slice" "$leaver_root"/system.slice/cron.service "$leaver_root"/system.slice/atd.service \
    "$leaver_root"/system.slice/ssh*.service "$leaver_root"/system.slice/system-ssh*.slice -name cgroup.procs 2>/dev/null || true)
  quick_count=0
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    while IFS= read -r quick_list; do
      { quick_group "$quick_list"; } 2>/dev/null || true
    done <<END
$quick_lists
END
  done
}

# quick_group LIST: adds the processes of one control group that were not seen yet; 64 in all.
quick_group() {
  quick_at=${1#"$leaver_root"}
  while read -r quick_pid; do
    case "$leaver_seen " in *" $quick_pid "*) continue ;; esac
    if [ "$quick_count" -ge 64 ]; then return 0; fi
    quick_count=$((quick_count + 1))
    leaver_seen="$leaver_seen $quick_pid"
    while IFS= read -r quick_line; do
      case $quick_line in
        State:* | Threads:* | Uid:* | Gid:* | Groups:*) quick_text="$quick_text/proc/$quick_pid/status:$quick_line$SEALIFT_LINE_END" ;;
      esac
    done <"/proc/$quick_pid/status" || continue
    quick_text="$quick_text/proc/$quick_pid/cgroup:0::${quick_at%/cgroup.procs}$SEALIFT_LINE_END"
  done <"$1"
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
