# The host's clock compared with the operator's.

# Fact: the clock differs from the operator's by no more than $2 seconds.
# $1 the operator's time at the start of the probe, in seconds since 1970; $2 permitted difference in seconds; $3 difference above which
# another check reports it, 0 if there is none
check_clock() {
  clock_session_age
  clock_now=$(date +%s)
  # The time that the probe took to get here is the age of its session.
  clock_off=$((clock_now - $1 - clock_age))
  clock_way=ahead
  if [ "$clock_off" -lt 0 ]; then
    clock_off=$((-clock_off))
    clock_way=behind
  fi
  if [ "$clock_off" -le "$2" ]; then return 0; fi
  if [ "$3" -gt 0 ] && [ "$clock_off" -gt "$3" ]; then return 0; fi
  echo "the host's clock is $clock_off s $clock_way"
  return 1
}

# clock_session_age: sets clock_age to the whole seconds since sshd began to serve this session, 0 without one. Field 22 of proc_pid_stat(5)
# is the start of a process in ticks of 1/100 s since boot; the sshd whose parent is init is the listener, not the session.
clock_session_age() {
  clock_start=
  clock_pid=$PPID
  while [ "$clock_pid" -gt 1 ]; do
    clock_stat=
    { read -r clock_stat; } 2>/dev/null <"/proc/$clock_pid/stat" || break
    clock_name=${clock_stat#*"("}
    clock_fields=${clock_stat##*") "}
    clock_parent=${clock_fields#* }
    clock_parent=${clock_parent%% *}
    case ${clock_name%")"*} in
      sshd*) if [ "$clock_parent" -gt 1 ]; then clock_start=$(clock_field 20 "$clock_fields"); fi ;;
    esac
    clock_pid=$clock_parent
  done
  clock_age=0
  if [ -z "$clock_start" ]; then return 0; fi
  read -r clock_uptime _ </proc/uptime
  clock_age=$((${clock_uptime%.*} - clock_start / 100))
}

# clock_field N TEXT: prints word N of the text.
clock_field() {
  clock_word=$1
  # shellcheck disable=SC2086
  set -- $2
  shift $((clock_word - 1))
  echo "$1"
}
