# The host's clock against the operator's.

# Fact: the clock is no more than so many seconds from the operator's.
# $1 the operator's clock when the look began, in seconds since 1970; $2 seconds it may differ by; $3 seconds from which on
# another check tells it, 0 when there is none
check_clock() {
  clock_session_age
  clock_now=$(date +%s)
  # The look has taken a while to get here: the age of its session.
  clock_off=$((clock_now - $1 - clock_age))
  clock_way=ahead
  if [ "$clock_off" -lt 0 ]; then
    clock_off=$((-clock_off))
    clock_way=behind
  fi
  if [ "$clock_off" -le "$2" ]; then return 0; fi
  if [ "$3" -gt 0 ] && [ "$clock_off" -gt "$3" ]; then return 0; fi
  echo "the host is $clock_off s $clock_way"
  return 1
}

# Sets clock_age: whole seconds since sshd began to serve this session, 0 without one. Field 22 of proc_pid_stat(5) is the
# start of a process in ticks of 1/100 s since the boot; sshd's listener, whose parent is init, is not the session.
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

# clock_field N TEXT: word N of the text.
clock_field() {
  clock_word=$1
  # shellcheck disable=SC2086
  set -- $2
  shift $((clock_word - 1))
  echo "$1"
}
