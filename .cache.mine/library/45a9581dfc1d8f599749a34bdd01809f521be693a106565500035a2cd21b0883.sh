# The runner on the host: reads a plan on standard input and works through it, in one of two modes.
#   check  every check runs, nothing is changed
#   apply  per step: check -> apply -> check again; stops at the first step that still fails
# One line a step: status TAB code TAB fact TAB found, and for a drift TAB effect. Status is ok, drift, refused, changed,
# failed, or warn: it does not hold, is told, and is left as it is. A whole run is closed by "done", the machine's id and
# the length of its journal: a mark that is new after every change and every installation.
#
# A step NAME has check_NAME and apply_NAME. Three more functions of the same arguments are its own choice, all read-only:
#   guard_NAME   fails, through `refuse_because`, when applying would have to be refused: told by a look, before anything is
#                changed on any host. apply_NAME calls it too, so that the guard stands in front of the danger.
#   value_NAME   prints one line that other hosts need when the fact holds; told as value TAB code TAB line.
#   effect_NAME  prints what applying would cost here and now: none, reload, restart or containers-stop. What an earlier step
#                of the same look is told with counts there: run_differ has the codes of those that differ.

SEALIFT_STATE=/var/lib/sealift
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
umask 022
run_differ=
SEALIFT_TAB=$(printf '\t')
SEALIFT_LINE_END='
'
# No command of a check ends with this by itself.
SEALIFT_WARNS=90

# run MODE: the plan is read whole before anything runs, so that no command can eat the rest of it.
run() {
  set -u
  run_mode=$1
  run_plan=$(cat)
  plan_is_whole "$run_plan"
  if [ "$run_mode" = apply ]; then
    mkdir -p "$SEALIFT_STATE"
    lock_host
  fi
  eval "$run_plan"
  run_lines=0
  if [ -f "$SEALIFT_STATE/journal" ]; then run_lines=$(wc -l <"$SEALIFT_STATE/journal"); fi
  echo "done $(cut -c 1-8 /etc/machine-id) $run_lines"
}

# plan_is_whole PLAN: a connection that breaks while the plan travels leaves a part of it, and a volume of 200 GiB must not
# become one of 2: the last line of a plan is "end".
plan_is_whole() {
  case $1 in
    *"${SEALIFT_LINE_END}end") ;;
    *)
      echo "E_PLAN the plan ends before its last line; run pulumi up again"
      exit 66
      ;;
  esac
}
end() { :; }

# phase HOST PHASE SERIAL: what the steps below belong to, for the journal and for errors.
phase() {
  phase_host=$1
  phase_name=$2
  phase_serial=$3
}

# step CODE FACT EFFECT NAME ARG...: one fact, by check_NAME and apply_NAME.
step() {
  step_code=$1
  step_fact=$2
  step_effect=$3
  step_name=$4
  shift 4
  attempt "check_$step_name" "$@"
  if [ "$attempt_status" -eq 0 ]; then
    tell ok "$attempt_output"
    tell_value "$@"
    return
  fi
  if [ "$attempt_status" -eq "$SEALIFT_WARNS" ]; then
    tell warn "$attempt_output"
    return
  fi
  step_found=$attempt_output
  if [ "$run_mode" = check ]; then
    run_differ="$run_differ $step_code"
    foresee "$@"
    return
  fi
  attempt "apply_$step_name" "$@"
  if [ "$attempt_status" -ne 0 ]; then
    give_up "$attempt_output"
  fi
  attempt "check_$step_name" "$@"
  if [ "$attempt_status" -ne 0 ]; then
    give_up "still not so after it was applied: $attempt_output"
  fi
  tell changed "$step_found"
  tell_value "$@"
  journal changed "$step_found"
}

# foresee ARG...: tells a drift with what its repair would cost, or why it would be refused.
foresee() {
  if command -v "guard_$step_name" >/dev/null; then
    attempt "guard_$step_name" "$@"
    if [ "$attempt_status" -ne 0 ]; then
      tell refused "$attempt_output"
      return
    fi
  fi
  if command -v "effect_$step_name" >/dev/null; then
    attempt "effect_$step_name" "$@"
    if [ "$attempt_status" -eq 0 ]; then step_effect=$attempt_output; fi
  fi
  tell drift "$step_found" "$step_effect"
}

# tell_value ARG...: what the step knows and others need, for a step that has such.
tell_value() {
  if ! command -v "value_$step_name" >/dev/null; then return 0; fi
  attempt "value_$step_name" "$@"
  if [ "$attempt_status" -eq 0 ]; then printf 'value\t%s\t%s\n' "$step_code" "$attempt_output"; fi
}

# warn_that CODE FINDING REMEDY: the last words of a check, when people are to know what was found and Sealift leaves it as
# it is. Words as for refuse_because.
warn_that() {
  echo "$1 $2; $3"
  return "$SEALIFT_WARNS"
}

# refuse_because CODE FINDING REMEDY: the last words of a guard. The code is one of errors.ts; REMEDY has no "; " in it.
refuse_because() {
  echo "$1 $2; $3"
  return 1
}

# attempt FUNCTION ARG...: sets attempt_status and attempt_output. The function runs outside of any condition,
# because a shell switches `set -e` off inside of one.
attempt() {
  set +e
  attempt_output=$(
    exec 9>&- </dev/null 2>&1
    set -e
    "$@"
  )
  attempt_status=$?
}

# give_up FOUND: the whole finding for people, then the line that the program reads, then the end.
give_up() {
  printf '%s\n' "$1" | sed 's/^/  | /'
  tell failed "$1"
  journal failed "$1"
  echo "$phase_host $phase_name: E_STEP $step_code: got $(one_line "$1"); expected $step_fact; mend what was found, then run pulumi up again"
  exit 1
}

# tell STATUS FOUND [EFFECT]
tell() {
  printf '%s\t%s\t%s\t' "$1" "$step_code" "$step_fact"
  one_line "$2"
  if [ $# -gt 2 ]; then printf '\t%s' "$3"; fi
  echo
}

# Tabs and line ends are the format's own, and a long finding would fill the state. Most findings are short and of one
# line: those cost no process, which is what a look at a slow host is made of.
one_line() {
  if [ "${#1}" -le 400 ]; then
    case $1 in
      *"$SEALIFT_TAB"* | *"$SEALIFT_LINE_END"*) ;;
      *)
        printf '%s' "$1"
        return
        ;;
    esac
  fi
  printf '%s' "$1" | tr -s '\t\n' '  ' | cut -c 1-400
}

# What was done, when, by which bundle: for the auditor.
journal() {
  printf '%s %s %s %s bundle=%s login=%s found: %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$1" "$phase_name" "$step_code" \
    "$phase_serial" "${SUDO_USER:-root}" "$(one_line "$2")" >>"$SEALIFT_STATE/journal"
}

# One run at a time works on a host. The lock is a flock(2): it goes with the process that holds it, so that none is left behind
# by a run that was killed or a host that lost power. Its file says who holds it, for whoever has to wait.

SEALIFT_LOCK=/run/lock/sealift.lock
SEALIFT_LOCK_WAIT_SEC=120

# lock_host: waits for the run before, then says who it waited for.
lock_host() {
  exec 9<>"$SEALIFT_LOCK"
  if ! flock -w "$SEALIFT_LOCK_WAIT_SEC" 9; then
    echo "E_HOST_LOCKED another run works on this host: $(lock_holder); wait for it to end, then run again"
    exit 75
  fi
  # SSH_CONNECTION of the login, sshd(8): address and port of whoever came, and where it came to.
  # shellcheck disable=SC2086
  set -- ${SEALIFT_FROM-}
  echo "login ${SUDO_USER:-root} from ${1:--} ${2:--} since $(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$SEALIFT_LOCK"
}

# Fact: no other run works on this host.
check_host_free() {
  if [ ! -e "$SEALIFT_LOCK" ]; then return 0; fi
  exec 8<"$SEALIFT_LOCK"
  if flock -s -n 8; then return 0; fi
  lock_holder
  return 1
}

# lock_holder: who holds the lock, in words: the name of the key that logged in where it can be found out, for several people
# share a login.
lock_holder() {
  read -r _ holder_login _ holder_address holder_port _ holder_since <"$SEALIFT_LOCK" || true
  holder_key=$(lock_key "$holder_login" "$holder_address" "$holder_port" || true)
  echo "${holder_key:+$holder_key as }login ${holder_login:-unknown} from ${holder_address:--} since ${holder_since:-an unknown time}"
}

# lock_key LOGIN ADDRESS PORT: the comment that authorized_keys has for the key that sshd's log says came from there.
lock_key() {
  # Of sshd before and after its 9.8, where sessions have a program of their own.
  key_print=$(timeout 10 journalctl --quiet --boot --no-pager --output cat --identifier sshd --identifier sshd-session |
    awk -v from="from $2 port $3 " '/^Accepted publickey/ && index($0, from) { print $NF }' | tail -n 1)
  if [ -z "$key_print" ]; then return 1; fi
  key_home=$(getent passwd "$1" | cut -d : -f 6)
  ssh-keygen -lf "$key_home/.ssh/authorized_keys" |
    awk -v wanted="$key_print" '$2 == wanted { $1 = $2 = $NF = ""; sub(/^ +/, ""); sub(/ +$/, ""); if ($0 != "no comment") print; exit }'
}

# An apply runs in a systemd unit of its own: a connection that is cut, or an operator's machine that dies, neither ends it
# half done nor lets it run twice. Who comes again with the same plan is attached to the run that is under way.

APART=/run/sealift/apply

# run_apart LIBRARY FROM: works through the plan on standard input as root in a unit, tells its report, ends with its result.
# FROM is the SSH_CONNECTION of who asked for it.
run_apart() {
  set -u
  apart_plan=$(cat)
  plan_is_whole "$apart_plan"
  apart_id=$(printf '%s\n' "$1" "$apart_plan" | sha256sum | cut -c 1-16)
  apart_folder=$APART/$apart_id
  # Below /run, for root alone: a plan may hold a secret, and this is memory.
  install -d -m 0700 "$APART" "$apart_folder"
  if systemctl is-active --quiet "sealift-$apart_id.service"; then
    while systemctl is-active --quiet "sealift-$apart_id.service"; do sleep 1; done
  else
    rm -f "$apart_folder/result" "$apart_folder/report"
    (
      umask 077
      printf '%s\n' "$apart_plan" >"$apart_folder/plan"
    )
    # Its exit code says less than the result, and nothing when the unit was killed.
    systemd-run --quiet --wait --collect --unit "sealift-$apart_id" --description "Sealift works on this host" \
      --working-directory "$PWD" --setenv "SUDO_USER=${SUDO_USER:-root}" --setenv "SEALIFT_FROM=$2" sh "$1" work "$apart_folder" </dev/null || true
  fi
  if [ ! -f "$apart_folder/result" ]; then
    cat "$apart_folder/report" 2>/dev/null || true
    rm -f "$apart_folder/plan"
    echo "E_RUN_LOST the run on the host ended without a result; run pulumi up again, it goes on where this one stopped"
    exit 70
  fi
  cat "$apart_folder/report"
  exit "$(cat "$apart_folder/result")"
}

# work FOLDER: what the unit does.
work() {
  exec >"$1/report" 2>&1
  # In no condition: a shell switches `set -e` off inside of one.
  (run apply <"$1/plan")
  work_status=$?
  rm "$1/plan"
  echo "$work_status" >"$1/result.new"
  mv "$1/result.new" "$1/result"
}

# Files that travel to the host over ssh. Checked here only: Pulumi's CopyToRemote brings them.

# Fact: the file with these bytes is on the host, in the login's home or where a phase has put it.
# $1 size in bytes; $2... paths, absolute or relative to the login's home, the first that exists counts
check_delivered() {
  delivered_bytes=$1
  shift
  for delivered_path; do
    if [ -f "$delivered_path" ] && [ "$(stat -c %s "$delivered_path")" = "$delivered_bytes" ]; then
      return 0
    fi
  done
  echo "absent"
  return 1
}

# Fact: nothing has to be so; the value names the files that the host has.
# $1 name, $2 size in bytes, $3 path; and so on
check_spares() { :; }
value_spares() {
  spares_found=
  while [ $# -ge 3 ]; do
    if [ "$(stat -c %s "$3" 2>/dev/null || true)" = "$2" ]; then spares_found="$spares_found $1"; fi
    shift 3
  done
  echo "${spares_found# }"
}

# The only caller of curl. What a registry says (where it sends people, for a token or for bytes) is a stranger's word: it is
# read strictly, it leads only to hosts that are named beforehand, and it can never be an option.

# The longest URL that is followed, and the most that is read of an answer that is not bytes of the bundle: object stores sign
# their URLs with some 2,000 characters, and servers refuse headers above 8 to 16 KiB.
WEB_URL_MAX=8192
WEB_TEXT_MAX=65536

# web_curl ORIGINS URL BYTES SECONDS OPTION...: one request by curl, with curl's exit status; 97 when the URL is refused, with
# the reason on standard output. ORIGINS are name:port of the hosts that may be asked, with blanks between; BYTES is the most
# that the answer may have, SECONDS the most that all tries together may take. No redirect is followed.
web_curl() {
  if ! web_url "$1" "$2"; then
    echo "$web_refused"
    return 97
  fi
  web_to=$2
  web_bytes=$3
  web_seconds=$4
  shift 4
  # In a shell of its own. curl before 8.4 counts no answer that does not say how long it is; a file, the kernel counts
  # (512 bytes each, SIGXFSZ).
  (
    ulimit -c 0
    ulimit -f "$(((web_bytes + 511) / 512))"
    exec timeout "$web_seconds" curl -q --silent --show-error --globoff --proto =https --max-filesize "$web_bytes" --tlsv1.2 \
      --noproxy '*' "$@" --url "$web_to"
  )
}

# web_text BYTES: passes so many bytes of standard input on, and no control character but the end of a line.
web_text() { head -c "$1" | tr -d '\000-\011\013-\037\177'; }

# web_url ORIGINS URL: whether it is an https URL of one of these hosts; sets web_origin to its name:port, or web_refused to why
# not.
web_url() {
  web_origin=
  case $2 in
    https://?*) ;;
    *)
      web_refused="it leads to something that is no https URL"
      return 1
      ;;
  esac
  # RFC 3986 without brackets, quotes and fragment: no token server and no object store needs them.
  case $2 in
    *[!A-Za-z0-9:/?%.,\&=+~_@!$*\;-]*)
      web_refused="it leads to a URL with characters that none has"
      return 1
      ;;
  esac
  if [ "${#2}" -gt "$WEB_URL_MAX" ]; then
    web_refused="it leads to a URL of ${#2} characters"
    return 1
  fi
  web_origin=${2#https://}
  web_origin=${web_origin%%[/?]*}
  case $web_origin in
    *[!a-z0-9:.-]* | .* | -* | :* | *: | *:*:*)
      web_refused="it leads to a URL whose host is none"
      web_origin=
      return 1
      ;;
    *:*) ;;
    *) web_origin=$web_origin:443 ;;
  esac
  case " $1 " in *" $web_origin "*) return 0 ;; esac
  web_refused="it leads to $web_origin, which is not among the hosts that may be asked: $1"
  return 1
}

# web_header NAME: prints the value of the last header of this name, in small letters, out of the head on standard input; empty
# when there is none, or more than 64 lines of head. What a head is: RFC 9110, 5 and 6.
web_header() {
  web_text "$WEB_TEXT_MAX" | awk -v name="$1:" '
    NR > 64 { exit }
    tolower(substr($0, 1, length(name))) == name {
      value = substr($0, length(name) + 1)
      gsub(/^ +| +$/, "", value)
      if (length(value) <= 8192) found = value
    }
    END { print found }'
}

# What the CA of a registry of the site may be: a certificate that can vouch for the one name and the one address of that registry
# and for nothing else. A host that makes one, and every host that is to believe in one, compares it byte for byte, because the
# texts that programs print of a certificate can be forged in it.

# authority_text BASE64...: PEM, as every reader of certificates takes it, out of base64 of DER.
authority_text() {
  for text_one; do
    echo "-----BEGIN CERTIFICATE-----"
    printf '%s\n' "$text_one" | fold -w 64
    echo "-----END CERTIFICATE-----"
  done
}

# authority_base64 FILE: the first certificate of a PEM file as base64 of DER.
authority_base64() { sed '/^-----END/q' "$1" | sed '/^-----/d' | tr -d '\n'; }

# ca_shape BASE64 NAME ADDRESS: prints right, earlier (what Sealift made before: it holds for sub-domains, mail and clients of TLS too)
# or other. RFC 5280, 4.1 and 4.2; ca-shape.ts has the same for the operator's side.
ca_shape() {
  printf '%s' "$1" | head -c 8192 | base64 -d 2>/dev/null | od -An -v -tx1 | tr -d ' \n' | awk -v name="$2" -v address="$3" '
    # Reads the element at p: its tag, where its value begins, and where it ends. Lengths as DER has them.
    function element(p,   first, digits) {
      tag = substr(hex, p, 2)
      first = number(substr(hex, p + 2, 2))
      digits = first < 128 ? 0 : first == 129 ? 2 : first == 130 ? 4 : -1
      if (digits < 0) return begin = end = 0
      begin = p + 4 + digits
      size = digits == 0 ? first : number(substr(hex, p + 4, digits))
      end = begin + 2 * size
      if (end > limit || (digits == 2 && size < 128) || (digits == 4 && size < 256)) return begin = end = 0
      return end
    }
    function number(text,   i, sum) {
      for (i = 1; i <= length(text); i++) sum = 16 * sum + index("0123456789abcdef", substr(text, i, 1)) - 1
      return sum
    }
    function made(tag, value,   size) {
      size = length(value) / 2
      return tag (size < 128 ? sprintf("%02x", size) : size < 256 ? sprintf("81%02x", size) : sprintf("82%04x", size)) value
    }
    function coded(text,   i, out) {
      for (i = 1; i <= length(text); i++) out = out sprintf("%02x", code[substr(text, i, 1)])
      return out
    }
    function told(what) { print what; done = 1; exit }
    BEGIN { for (i = 1; i < 128; i++) code[sprintf("%c", i)] = i }
    {
      hex = $0
      limit = length(hex) + 1
      split(address, part, ".")
      host = sprintf("%02x%02x%02x%02xffffffff", part[1], part[2], part[3], part[4])
      names = made("30", made("82", coded(name))) made("30", made("87", host))
      others = made("30", made("81", coded("invalid"))) made("30", made("86", coded("invalid")))
      below = made("30", made("82", coded("." name)))
      constraints = "0603551d1e0101ff"
      earlier = made("30", constraints made("04", made("30", made("a0", names))))
      right = made("30", constraints made("04", made("30", made("a0", names others) made("a1", below))))
      if (!element(1) || tag != "30" || end != limit) told("other")
      if (!element(begin) || tag != "30") told("other")
      last = end
      p = begin
      # Version 3, then serial, algorithm, issuer, validity, subject and key.
      if (substr(hex, p, 10) != "a003020102") told("other")
      p += 10
      for (i = 1; i <= 6; i++) {
        if (!element(p) || tag != (i == 1 ? "02" : "30")) told("other")
        p = end
      }
      if (!element(p) || tag != "a3" || end != last) told("other")
      if (!element(begin) || tag != "30" || end != last) told("other")
      for (p = begin; p < last; p = end) {
        if (!element(p) || end > last) told("other")
        one = substr(hex, p, end - p)
        # The key identifier says nothing of what the CA may do.
        if (one ~ /^301d0603551d0e04160414/ && length(one) == 62) one = "key"
        seen[one]++
        count++
      }
      basic = seen["30120603551d130101ff040830060101ff020100"] == 1 && seen["300e0603551d0f0101ff040403020106"] == 1 && seen["key"] == 1
      if (basic && count == 5 && seen["30130603551d25040c300a06082b06010505070301"] == 1 && seen[right] == 1) told("right")
      if (basic && count == 4 && seen[earlier] == 1) told("earlier")
    }
    END { if (!done) print "other" }'
}

# ca_sha256 BASE64: the fingerprint, as `openssl x509 -fingerprint -sha256` has it, in small letters and without colons.
ca_sha256() {
  printf '%s' "$1" | base64 -d 2>/dev/null | sha256sum | cut -d ' ' -f 1
}

# The site's own gate between two waves of hosts.

# Fact: a command of the site's says that this host is well; it is run as root, within 60 seconds.
# $1 the command, for sh -c
check_gate_command() {
  gate_code=0
  gate_said=$(timeout 60 sh -c "$1" </dev/null 2>&1) || gate_code=$?
  if [ "$gate_code" = 0 ]; then return 0; fi
  echo "exit code $gate_code of the gate: $(printf '%s' "$gate_said" | tail -n 1)"
  return 1
}
apply_gate_command() {
  echo "a gate is only ever looked at"
  return 1
}

# What the kernel says of mounts, and systemd of those that come back. Reads only; mount_look and mount_of cost no process.
# shellcheck disable=SC2034 # what is set here is read by the phases

# mount_look MOUNT_POINT: fails when nothing is mounted there, else sets of what is on top, by proc_pid_mountinfo(5)
#   seen_device   253:3
#   seen_root     the directory of the file system that is seen there
#   seen_options  those of the mount itself, between commas: ,rw,nodev,relatime,
#   seen_source   /dev/mapper/vg0-data
#   seen_type     xfs
#   seen_super    options of the file system, between commas: ,rw,attr2,inode64,prjquota,
mount_look() {
  seen_device=
  while read -r _ _ look_device look_root look_point look_options look_rest; do
    if [ "$look_point" = "$1" ]; then mount_seen; fi
  done </proc/self/mountinfo
  [ -n "$seen_device" ]
}

# mount_of NODE: the first place where the whole file system on the block device NODE is mounted, as seen_point and the
# variables of mount_look; fails when it is not mounted.
mount_of() {
  seen_device=
  seen_point=
  if [ ! -r "/sys/block/$1/dev" ]; then return 1; fi
  read -r of_device <"/sys/block/$1/dev"
  while read -r _ _ look_device look_root look_point look_options look_rest; do
    if [ "$look_device $look_root" != "$of_device /" ]; then continue; fi
    seen_point=$look_point
    mount_seen
    return 0
  done </proc/self/mountinfo
  return 1
}

mount_seen() {
  seen_device=$look_device
  seen_root=$look_root
  seen_options=,$look_options,
  # Optional fields, a hyphen, then type, source and the options of the file system.
  look_rest=${look_rest#*- }
  seen_type=${look_rest%% *}
  look_rest=${look_rest#* }
  seen_source=${look_rest%% *}
  seen_super=,${look_rest##* },
}

# unit_of_path PATH: the name that systemd gives to what is mounted there: systemd.unit(5), "String Escaping", for the
# letters that a site file allows in a mount point.
unit_of_path() {
  unit_rest=${1#/}
  unit_name=
  while [ -n "$unit_rest" ]; do
    unit_letter=${unit_rest%"${unit_rest#?}"}
    unit_rest=${unit_rest#?}
    case $unit_letter in
      /) unit_letter=- ;;
      -) unit_letter=\\x2d ;;
    esac
    unit_name=$unit_name$unit_letter
  done
  printf '%s.mount\n' "$unit_name"
}

# mount_reached MOUNT: mount_look, once an automount point that waits there has mounted what it stands for.
mount_reached() {
  if ! mount_look "$1"; then return 1; fi
  if [ "$seen_type" != autofs ]; then return 0; fi
  timeout 60 stat "$1/." >/dev/null 2>&1 || true
  mount_look "$1" && [ "$seen_type" != autofs ]
}

# mount_file_system_finding MOUNT TYPE: what is wrong with the file system that mount_reached has seen.
mount_file_system_finding() {
  case $2,$seen_type in
    any,tmpfs | any,ramfs)
      echo "$1 is $seen_type, whose files are gone after a boot"
      return 0
      ;;
    any,* | "$seen_type,$2") ;;
    *)
      echo "$1 is $seen_type"
      return 0
      ;;
  esac
  if [ "$seen_type" != xfs ]; then return 0; fi
  # overlay2 needs the type of a file in its directory: mkfs.xfs(8), ftype. xfs_info(8) shows it of a mounted file system.
  case $(timeout 60 xfs_info "$1" 2>&1 || true) in
    *ftype=1*) ;;
    *ftype=0*) echo "$1 is an xfs without ftype" ;;
    *) echo "$1 is xfs, and xfs_info (package xfsprogs) cannot tell whether it has ftype" ;;
  esac
}

# mount_boot_finding MOUNT: what keeps systemd from mounting it at the next boot. systemd is asked for what it has loaded: it has
# a unit of whatever is mounted, but a file only of what it mounts itself.
mount_boot_finding() {
  boot_unit=$(unit_of_path "$1")
  boot_load=
  boot_file=
  boot_stale=
  boot_starters=
  boot_trigger=
  boot_shown=$(timeout 60 systemctl show \
    --property LoadState,FragmentPath,NeedDaemonReload,WantedBy,RequiredBy,TriggeredBy "$boot_unit")
  while IFS='=' read -r boot_key boot_value; do
    case $boot_key in
      LoadState) boot_load=$boot_value ;;
      FragmentPath) boot_file=$boot_value ;;
      NeedDaemonReload) boot_stale=$boot_value ;;
      WantedBy | RequiredBy) boot_starters="$boot_starters $boot_value" ;;
      TriggeredBy) boot_trigger=$boot_value ;;
    esac
  done <<EOF
$boot_shown
EOF
  case $boot_load,$boot_file in
    loaded,)
      echo "neither /etc/fstab nor a mount unit mounts $1 at boot"
      return 0
      ;;
    loaded,/run/systemd/generator*) ;;
    loaded,/run/*)
      echo "$boot_file mounts $1, and that file is gone after a boot"
      return 0
      ;;
    loaded,*) ;;
    *)
      echo "$boot_unit is ${boot_load:-unknown to systemd}"
      return 0
      ;;
  esac
  if [ "$boot_stale" = yes ]; then
    echo "/etc/fstab or $boot_unit was changed and systemd has not read it since"
    return 0
  fi
  if [ -n "$boot_trigger" ]; then
    boot_shown=$(timeout 60 systemctl show --value --property WantedBy,RequiredBy "$boot_trigger")
    boot_starters="$boot_starters $(echo "$boot_shown" | tr '\n' ' ')"
  fi
  # The engine's own units want it as soon as they are there; what holds before that is that a target does.
  case "$boot_starters " in
    *'.target '*) ;;
    *)
      echo "no target starts $boot_unit at boot (noauto, or not enabled)"
      return 0
      ;;
  esac
  mount_source_finding "$1" "$boot_unit"
}

# mount_source_finding MOUNT UNIT: what UNIT would mount in place of what mount_reached has seen.
mount_source_finding() {
  source_unit=$(timeout 60 systemctl cat "$2")
  source_what=
  while read -r source_line; do
    case $source_line in
      What=?*) source_what=${source_line#What=} ;;
    esac
  done <<EOF
$source_unit
EOF
  # fstab(5) and systemd.mount(5) know devices by these, and udev has them as links.
  case $source_what in
    UUID=*) source_path=/dev/disk/by-uuid/${source_what#*=} ;;
    LABEL=*) source_path=/dev/disk/by-label/${source_what#*=} ;;
    PARTUUID=*) source_path=/dev/disk/by-partuuid/${source_what#*=} ;;
    PARTLABEL=*) source_path=/dev/disk/by-partlabel/${source_what#*=} ;;
    *) source_path=$source_what ;;
  esac
  if [ -b "$source_path" ]; then
    if [ "$source_path" -ef "/dev/block/$seen_device" ] || [ "$source_path" -ef "$seen_source" ]; then return 0; fi
  elif [ -d "$source_path" ]; then
    # A bind mount shows the directory itself.
    if [ "$source_path" -ef "$1" ]; then return 0; fi
  else
    # An image, another machine, a name with specifiers: the kernel shows it in other words.
    return 0
  fi
  echo "$2 mounts $source_what at boot, and $seen_source is mounted at $1 now"
}

# What a person has to know of a host before the first word of its site file is written. Only ever looked at.
# shellcheck disable=SC2154 # mounts.sh sets seen_…

# Fact: there is nothing to tell; what there is, is told in one line of words, disks first.
# disk=<path below /dev/disk/by-id>,<bytes>,<serial or ->,<blank|used>; mount=<path>,<xfs or ext4>,<bytes>,<bytes available>;
# route=<network>; hostname=<name>; arch=<as dpkg says>
check_inventory() {
  inventory_words="hostname=$(uname -n) arch=$(dpkg --print-architecture 2>/dev/null || uname -m)"
  for inventory_link in /dev/disk/by-id/*; do
    if [ ! -b "$inventory_link" ]; then continue; fi
    case $inventory_link in *-part[0-9]*|*/dm-*|*/lvm-*|*/md-*) continue ;; esac
    inventory_disk=$(readlink -f "$inventory_link")
    case $inventory_disk in /dev/sr*|/dev/loop*) continue ;; esac
    inventory_words="$inventory_words disk=$inventory_link,$(blockdev --getsize64 "$inventory_disk"),$(inventory_serial "$inventory_disk"),$(inventory_use "$inventory_disk")"
  done
  for inventory_mount in $(inventory_mounts); do
    if inventory_suits "$inventory_mount"; then
      inventory_words="$inventory_words mount=$inventory_mount,$seen_type,$(timeout 60 stat --file-system --format '%b %a %S' "$inventory_mount" | awk '{ printf "%.0f,%.0f", $1 * $3, $2 * $3 }')"
    fi
  done
  inventory_words="$inventory_words $(ip -4 -o route show table all 2>/dev/null | awk '$1 ~ /^[0-9.]+\/[0-9]+$/ { print "route=" $1 }' | sort -u | tr '\n' ' ')"
  echo "$inventory_words"
  return 1
}
apply_inventory() {
  echo "an inventory is only ever looked at"
  return 1
}

inventory_serial() {
  inventory_found=$(lsblk --nodeps --noheadings --output SERIAL "$1" 2>/dev/null | tr -d ' ')
  echo "${inventory_found:--}"
}

# Without a signature, a part, a mount and a holder. Whether its bytes are blank the volumes phase samples before it writes.
inventory_use() {
  if [ "$(lsblk --noheadings "$1" 2>/dev/null | wc -l)" -gt 1 ]; then echo used; return; fi
  if [ -n "$(wipefs --noheadings "$1" 2>/dev/null)" ]; then echo used; return; fi
  if [ -n "$(lsblk --nodeps --noheadings --output MOUNTPOINT "$1" 2>/dev/null | tr -d ' ')" ]; then echo used; return; fi
  echo blank
}

# inventory_mounts: mount points that a site file could name, without those that belong to the system itself.
inventory_mounts() {
  while read -r _ _ _ _ inventory_point _; do
    case $inventory_point in
      / | /boot | /boot/* | /dev/* | /etc | /etc/* | /home | /opt | /proc/* | /root | /run/* | /snap/* | /sys/* | /tmp | /usr | /usr/*) ;;
      /var | /var/cache | /var/lib | /var/log | /var/log/* | /var/spool | /var/tmp) ;;
      *[!A-Za-z0-9._/-]* | */[.-]*) ;;
      *) echo "$inventory_point" ;;
    esac
  done </proc/self/mountinfo
}

# inventory_suits MOUNT: whether it could hold what containers leave: a whole xfs or ext4 that programs may be run from and that comes
# back at boot. Sets the variables of mount_look.
inventory_suits() {
  if ! mount_look "$1" || [ "$seen_root" != / ]; then return 1; fi
  case $seen_type,$seen_options$seen_super in
    *,ro,* | *,noexec,*) return 1 ;;
    xfs,* | ext4,*) ;;
    *) return 1 ;;
  esac
  [ -z "$(mount_file_system_finding "$1" "$seen_type")$(mount_boot_finding "$1")" ]
}

# Fact: there is nothing to tell of the file system that is mounted there; what there is, is told as <bytes> <bytes used>.
# $1 mount point
check_fill() {
  stat --file-system --format '%b %f %S' "$1" 2>/dev/null | awk '{ printf "%.0f %.0f\n", $1 * $3, ($1 - $2) * $3 }'
  return 1
}
apply_fill() {
  echo "what is used is only ever looked at"
  return 1
}

# Fact: there is nothing to tell of a certificate; what there is, is told as openssl writes the time of its end.
# $1 path, PEM
check_ends() {
  openssl x509 -in "$1" -noout -enddate 2>/dev/null | sed 's/^notAfter=//'
  return 1
}
apply_ends() {
  echo "when a certificate ends is only ever looked at"
  return 1
}

# daemon.json: the file, and what is refused before it changes.

DAEMON_JSON=/etc/docker/daemon.json
# What the running daemon has read: written by docker.service at each start and reload.
DAEMON_LOADED=/run/sealift/daemon.json.loaded

# Fact: daemon.json holds exactly these entries.
# $@ entries as JSON members, `"key": value`, one an argument, in the order of their keys
check_daemon_file() {
  if [ ! -f "$DAEMON_JSON" ]; then
    echo "no $DAEMON_JSON"
    return 1
  fi
  if daemon_json_text "$@" | cmp -s - "$DAEMON_JSON"; then return 0; fi
  daemon_json_text "$@" | daemon_difference
  return 1
}
# daemon_difference <TEXT: the entries of the file that TEXT has not, in place of those of TEXT that the file has not. Only
# the last entry has no comma behind it, which is no difference.
daemon_difference() {
  awk '
    { sub(/^ +/, ""); sub(/,$/, "") }
    $0 == "{" || $0 == "}" || $0 == "" { next }
    side == "is" { is[$0]; order[++count] = $0; next }
    $0 in is { both[$0]; next }
    { wanted = wanted "; " $0 }
    END {
      for (i = 1; i <= count; i++) if (!(order[i] in both)) found = found "; " order[i]
      print (found == "" ? "nothing" : substr(found, 3)) " in place of " (wanted == "" ? "nothing" : substr(wanted, 3))
    }' side=is "$DAEMON_JSON" side=wanted -
}
apply_daemon_file() {
  guard_daemon_file "$@"
  case $(daemon_cost "$(daemon_json_text "$@")") in
    restart | containers-stop) daemon_has_room "$(daemon_text "$(daemon_json_text "$@" | daemon_value data-root)")" ;;
  esac
  install -d -m 0755 /etc/docker
  daemon_json_text "$@" >"$DAEMON_JSON.new"
  # Validated by the engine that will read it, before it goes live. docker-proxy has to be on the PATH for this.
  if ! PATH=/opt/docker/current/bin:$PATH timeout 60 dockerd --validate --config-file="$DAEMON_JSON.new"; then
    rm "$DAEMON_JSON.new"
    return 1
  fi
  sync "$DAEMON_JSON.new"
  mv "$DAEMON_JSON.new" "$DAEMON_JSON"
}
effect_daemon_file() {
  daemon_cost "$(daemon_json_text "$@")"
}

# A daemon that looks elsewhere starts empty, and what runs by then is nobody's: such a change is a person's to prepare.
guard_daemon_file() {
  daemon_present=$DAEMON_LOADED
  if [ ! -f "$daemon_present" ]; then daemon_present=$DAEMON_JSON; fi
  if [ ! -f "$daemon_present" ]; then return 0; fi
  daemon_root=$(daemon_text "$(daemon_value data-root <"$daemon_present")")
  daemon_root_wanted=$(daemon_text "$(daemon_json_text "$@" | daemon_value data-root)")
  daemon_user=$(daemon_text "$(daemon_value userns-remap <"$daemon_present")")
  daemon_user_wanted=$(daemon_text "$(daemon_json_text "$@" | daemon_value userns-remap)")
  if [ "${daemon_root:=/var/lib/docker}" != "$daemon_root_wanted" ] && daemon_holds "$daemon_root"; then
    refuse_because E_DATA_ROOT "data-root is $daemon_root and holds $daemon_held, which $daemon_root_wanted would not show" \
      "stop docker.service, docker.socket and containerd.service, move $daemon_root to $daemon_root_wanted with all that is in it, then run pulumi up again"
    return 1
  fi
  if [ "$daemon_user" != "$daemon_user_wanted" ] && daemon_holds "$daemon_root"; then
    refuse_because E_DATA_ROOT "$daemon_root holds $daemon_held, which userns-remap \"$daemon_user_wanted\" in place of \"$daemon_user\" would not show" \
      "remove them first, or leave userns-remap as it is"
    return 1
  fi
}

# daemon_has_room ROOT: a daemon whose volume is full runs on, and does not come up again once it was stopped. Not a guard: the
# same run may have let the volume grow by then.
daemon_has_room() {
  if [ ! -d "$1" ]; then return 0; fi
  daemon_room_mib=$(($(df --output=avail -B 1M "$1" | tail -n 1)))
  if [ "$daemon_room_mib" -lt 32 ]; then
    echo "$1 has $daemon_room_mib MiB free, and a daemon that is restarted there does not come up again: make room, or let the volume grow"
    return 1
  fi
}

# daemon_holds ROOT: sets daemon_held to the first kind of thing that lies there; fails when it is empty.
daemon_holds() {
  for daemon_one in "$1"/containers/* "$1"/*.*/containers/*; do
    if [ -d "$daemon_one" ]; then daemon_held="containers" && return 0; fi
  done
  for daemon_one in "$1"/volumes/*/_data "$1"/*.*/volumes/*/_data; do
    if [ -d "$daemon_one" ]; then daemon_held="volumes" && return 0; fi
  done
  for daemon_one in "$1"/image/*/imagedb/content/sha256/* "$1"/containerd/daemon/io.containerd.snapshotter.*/snapshots/*; do
    if [ -e "$daemon_one" ]; then daemon_held="images" && return 0; fi
  done
  return 1
}

daemon_json_text() {
  daemon_comma=
  echo "{"
  for daemon_entry; do
    # A member's line ends with the comma before the next one, so that each key is one line to compare.
    printf '%s' "$daemon_comma"
    printf '  %s' "$daemon_entry"
    daemon_comma=",
"
  done
  printf '\n}\n'
}

# daemon_value KEY <FILE: the JSON value of a key in a file as daemon_json_text writes it; nothing when it is not there.
daemon_value() {
  while IFS= read -r daemon_line; do
    case $daemon_line in
      "  \"$1\": "*)
        daemon_line=${daemon_line#"  \"$1\": "}
        printf '%s' "${daemon_line%,}"
        # What is left is read, so that whoever writes it does not stumble over a closed pipe.
        while read -r daemon_line; do :; done
        return
        ;;
    esac
  done
}

# daemon_text VALUE: a JSON text without its quotes.
daemon_text() {
  daemon_bare=${1#\"}
  printf '%s' "${daemon_bare%\"}"
}

# What a change of daemon.json costs, worked out on the host: by which keys differ from what the daemon has read, and by
# what runs. Sources: reload.go, reload_unix.go and configureNetworking in daemon_unix.go, moby 26.1 to 29.7.2.

# Keys that dockerd re-reads on SIGHUP. Not authorization-plugins: a plugin that does not answer ends the daemon then.
DAEMON_RELOADABLE="debug default-cgroupns-mode default-ipc-mode default-runtime default-shm-size default-stop-timeout \
insecure-registries labels live-restore max-concurrent-downloads max-concurrent-uploads max-download-attempts \
network-diagnostic-port nri-opts registry-mirrors runtimes shutdown-timeout"

# Of these, the ones that a reload sets back when they are no longer there; the others keep their old value (moby#36632).
DAEMON_RESET="max-concurrent-downloads max-concurrent-uploads max-download-attempts network-diagnostic-port"

# Keys of docker0. A daemon that finds containers running at its start leaves docker0 as it is, and says so only in its log.
DAEMON_BRIDGE="bip bip6 bridge default-gateway default-gateway-v6 fixed-cidr fixed-cidr-v6 icc ip ip-masq ipv6 mtu"

# daemon_cost TEXT: what it takes that the daemon runs with this daemon.json: none, reload, restart or containers-stop.
daemon_cost() {
  cost_live=$(printf '%s\n' "$1" | daemon_value live-restore)
  if ! systemctl is-active --quiet docker.service; then
    # A daemon that starts without live-restore stops what it finds running.
    if daemon_containers_run && [ "$cost_live" != true ]; then echo containers-stop; else echo none; fi
    return
  fi
  cost_change=$(daemon_change "$1")
  case $cost_change in
    none | reload) echo "$cost_change" ;;
    *)
      if ! daemon_containers_run; then
        echo restart
      elif [ "$cost_change" = restart ] && [ "$cost_live" = true ] && daemon_keeps_containers; then
        echo restart
      else
        echo containers-stop
      fi
      ;;
  esac
}

# daemon_change TEXT: how the keys differ from what the daemon has read: none, reload, restart, or containers-stop for keys
# that a restart beside running containers would not apply.
daemon_change() {
  if [ ! -f "$DAEMON_LOADED" ]; then
    echo restart
    return
  fi
  printf '%s\n' "$1" | awk -v reloaded=" $DAEMON_RELOADABLE " -v reset=" $DAEMON_RESET " -v bridge=" $DAEMON_BRIDGE " '
    function has(list, key) { return index(list, " " key " ") > 0 }
    match($0, /^  "[^"]*": /) {
      key = substr($0, 4, RLENGTH - 6)
      value = substr($0, RLENGTH + 1)
      sub(/,$/, "", value)
      if (side == "wanted") wanted[key] = value; else loaded[key] = value
    }
    function weigh(key, removed) {
      if (has(bridge, key) || (key == "default-address-pools" && !("bip" in wanted))) worst = 3
      else if (!has(reloaded, key) || (removed && !has(reset, key))) worst = worst < 2 ? 2 : worst
      else worst = worst < 1 ? 1 : worst
    }
    END {
      for (key in loaded) if (!(key in wanted)) weigh(key, 1)
      for (key in wanted) if (!(key in loaded) || loaded[key] != wanted[key]) weigh(key, 0)
      split("none reload restart containers-stop", words, " ")
      print words[worst + 1]
    }' side=loaded "$DAEMON_LOADED" side=wanted -
}

# Whether any container of the engine runs, as containerd's shims say.
daemon_containers_run() {
  for cost_container in /run/containerd/io.containerd.runtime.v2.task/moby/*; do
    if [ -d "$cost_container" ]; then return 0; fi
  done
  return 1
}

# Whether the daemon that runs has live-restore: the daemon itself knows, because a removed key keeps its value.
daemon_keeps_containers() {
  [ "$(timeout 30 docker info --format '{{.LiveRestoreEnabled}}' 2>/dev/null || true)" = true ]
}

# Reload, restart, and the way back.

# The ids of containers that a run has stopped on purpose and has not started again yet.
DAEMON_STOPPED=$SEALIFT_STATE/containers-to-start

# daemon_reload: fails when the daemon has not said within 20 s that it took the new values. `systemctl reload` alone says
# nothing: a failed reload is only logged (moby#47353).
daemon_reload() {
  reload_since=$(date +%s)
  timeout 60 systemctl reload docker.service || return 1
  reload_tries=20
  while [ "$reload_tries" -gt 0 ]; do
    reload_event=$(timeout 20 docker events --since "$reload_since" --until "$(date +%s)" --filter event=reload --format '{{.Action}}' 2>/dev/null || true)
    if [ -n "$reload_event" ]; then return 0; fi
    sleep 1
    reload_tries=$((reload_tries - 1))
  done
  return 1
}

daemon_restart() {
  # Three failures in a minute latch both units; the socket would stay down with them (moby#41461).
  systemctl reset-failed docker.service docker.socket 2>/dev/null || true
  # Its own words only point to the journal, whose end is told.
  if timeout 30 systemctl start docker.socket 2>/dev/null && timeout 180 systemctl restart docker.service 2>/dev/null; then return 0; fi
  echo "the daemon did not come up"
  return 1
}

# The ids of the containers that run, one a line, as containerd's shims say: known while the daemon is down, too.
daemon_containers() {
  for restart_container in /run/containerd/io.containerd.runtime.v2.task/moby/*; do
    if [ -d "$restart_container" ]; then echo "${restart_container##*/}"; fi
  done
}

# daemon_stop_containers IDS: each gets the time that it asks for. A daemon that is stopped above running containers gives
# them 15 s in all and then leaves tasks behind that no container can be started beside.
daemon_stop_containers() {
  if [ -z "$1" ]; then return 0; fi
  echo "$1" >"$DAEMON_STOPPED"
  # shellcheck disable=SC2086 # ids, one word each
  if timeout 900 docker stop $1 >/dev/null; then return 0; fi
  echo "containers did not stop"
  return 1
}

# Starts what a run has stopped, this one or one that was cut off; says what does not start.
daemon_start_containers() {
  if [ ! -f "$DAEMON_STOPPED" ]; then return 0; fi
  start_left=
  while read -r start_id; do
    # A container that --rm has removed is gone for good, as after any stop.
    if ! docker inspect "$start_id" </dev/null >/dev/null 2>&1; then continue; fi
    if ! timeout 60 docker start "$start_id" </dev/null >/dev/null 2>&1; then start_left="$start_left $(printf %.12s "$start_id")"; fi
  done <"$DAEMON_STOPPED"
  rm "$DAEMON_STOPPED"
  if [ -z "$start_left" ]; then return 0; fi
  echo "containers that ran before do not start:$start_left"
  return 1
}

# daemon_gate IDS: what ran before runs again within 20 s of the daemon's start, with live-restore under it all the time. A
# container that ended by itself in between, with 0 or removed by --rm, is no loss; any other one is started once.
daemon_gate() {
  gate_tries=10
  while :; do
    gate_missing=
    gate_running=$(timeout 30 docker ps --quiet --no-trunc 2>/dev/null || true)
    for gate_id in $1; do
      case $gate_running in
        *"$gate_id"*) ;;
        *) gate_missing="$gate_missing $gate_id" ;;
      esac
    done
    gate_tries=$((gate_tries - 1))
    if [ -z "$gate_missing" ] || [ "$gate_tries" -eq 0 ]; then break; fi
    sleep 2
  done
  gate_left=
  for gate_id in $gate_missing; do
    gate_exit=$(timeout 30 docker inspect --format '{{.State.ExitCode}}' "$gate_id" 2>/dev/null || echo gone)
    case $gate_exit in
      0 | gone) ;;
      *) if ! timeout 60 docker start "$gate_id" >/dev/null 2>&1; then gate_left="$gate_left $(printf %.12s "$gate_id")"; fi ;;
    esac
  done
  if [ -z "$gate_left" ]; then return 0; fi
  echo "containers that ran before do not run now:$gate_left"
  return 1
}

# daemon_cause JOURNAL: the daemon's own word for why it ended, in one line.
daemon_cause() {
  cause_line=$(echo "$1" | grep -E 'failed to start daemon|unable to configure|level=fatal|[Nn]o space left' | tail -n 1 || true)
  if [ -n "$cause_line" ]; then printf ': %.250s' "$cause_line"; fi
}

# daemon_put_back IDS: the last file that worked comes back, and with it the daemon: a bad key must not stop what runs.
daemon_put_back() {
  if [ ! -f "$DAEMON_JSON.good" ]; then
    echo "; no earlier daemon.json is known to work"
    return
  fi
  if ! cmp -s "$DAEMON_JSON.good" "$DAEMON_JSON"; then cp "$DAEMON_JSON.good" "$DAEMON_JSON"; fi
  if daemon_restart >/dev/null && daemon_start_containers && daemon_gate "$1"; then
    echo "; the daemon.json before it is back and runs"
  else
    echo "; the daemon did not come up with the daemon.json before it either"
  fi
}

# The daemon that runs with daemon.json, and what it says of itself.

# Fact: docker.service and docker.socket run now and after a boot, with this file, and docker info says so.
# $1 engine version; $2... members of docker info's JSON, `"Key":value`, each of which has to be in it
check_daemon_running() {
  if ! running_units; then return 1; fi
  if [ -f "$DAEMON_STOPPED" ]; then
    echo "containers that an earlier run has stopped are not started again"
    return 1
  fi
  if ! cmp -s "$DAEMON_JSON" "$DAEMON_LOADED"; then
    echo "the daemon runs with an earlier daemon.json"
    return 1
  fi
  running_info=$(timeout 60 docker info --format '{{json .}}' 2>&1 || true)
  # The client's own part has keys of the same names.
  running_info=${running_info%%\"ClientInfo\":*}
  # Distributions append to the version, as in 26.1.5+dfsg1.
  case $running_info in
    *"\"ServerVersion\":\"$1\""* | *"\"ServerVersion\":\"$1+"*) ;;
    *)
      echo "docker info says $(running_member '"ServerVersion":')"
      return 1
      ;;
  esac
  shift
  for running_wanted; do
    case $running_info in
      *"$running_wanted"*) ;;
      *)
        echo "docker info says $(running_member "${running_wanted%%:*}:") in place of $running_wanted"
        return 1
        ;;
    esac
  done
}

# running_units: fails with what is wrong with the two units, found with one process.
running_units() {
  running_wrong=
  running_unit=
  while IFS='=' read -r running_property running_value; do
    case $running_property=$running_value in
      Id=*) running_unit=$running_value ;;
      ActiveState=active | UnitFileState=enabled | =) ;;
      *) running_wrong="$running_wrong, $running_unit is ${running_value:-not there}" ;;
    esac
  done <<RUNNING_UNITS
$(systemctl show -p Id -p ActiveState -p UnitFileState docker.service docker.socket 2>&1)
RUNNING_UNITS
  if [ -n "$running_wrong" ]; then
    echo "${running_wrong#, }"
    return 1
  fi
}

# running_member KEY: what docker info says of a key, or how it failed. A list or a map is cut at its first comma.
running_member() {
  case $running_info in
    *"$1"*)
      running_rest=${running_info#*"$1"}
      echo "$1${running_rest%%,*}"
      ;;
    *) printf '%.200s\n' "$running_info" ;;
  esac
}

apply_daemon_running() {
  systemctl enable --quiet docker.socket docker.service
  if running_units >/dev/null && ! daemon_start_containers; then return 1; fi
  running_cost=$(daemon_cost "$(cat "$DAEMON_JSON")")
  if [ "$running_cost" = reload ] && running_units >/dev/null; then
    # A reload that did not do all of it is followed by a restart.
    if daemon_reload && check_daemon_running "$@" >/dev/null; then
      cp "$DAEMON_LOADED" "$DAEMON_JSON.good"
      return
    fi
  fi
  if [ "$running_cost" = none ] && running_units >/dev/null && check_daemon_running "$@" >/dev/null; then return; fi
  if systemctl is-active --quiet docker.service; then daemon_has_room "$(daemon_text "$(daemon_value data-root <"$DAEMON_JSON")")"; fi
  # The file that the running daemon was started with, because the start itself overwrites the note of it.
  if systemctl is-active --quiet docker.service && [ -f "$DAEMON_LOADED" ]; then cp "$DAEMON_LOADED" "$DAEMON_JSON.good"; fi
  running_before=$(daemon_containers)
  running_start=$(date +%s)
  if running_wrong=$(running_restarts "$@"); then
    cp "$DAEMON_LOADED" "$DAEMON_JSON.good"
    return
  fi
  running_journal=$(journalctl -u docker.service --since "@$running_start" -n 20 --no-pager -o cat || true)
  echo "$running_wrong$(daemon_cause "$running_journal")"
  daemon_put_back "$running_before"
  echo "$running_journal"
  return 1
}

# running_restarts VERSION MEMBER...: restarts, waits for the containers, reads back; says what went wrong.
running_restarts() {
  if [ "$running_cost" = containers-stop ] && systemctl is-active --quiet docker.service; then
    daemon_stop_containers "$running_before" || return 1
  fi
  daemon_restart || return 1
  daemon_start_containers || return 1
  daemon_gate "$running_before" || return 1
  check_daemon_running "$@" || return 1
}
effect_daemon_running() {
  case " ${run_differ-} " in
    *" daemon.file "*)
      # The daemon cannot say yet what is not in its file yet: what that costs is told with the file.
      echo none
      return
      ;;
  esac
  if [ ! -f "$DAEMON_JSON" ]; then
    # Nothing has been started from here yet, and daemon.file tells of its own change.
    echo none
    return
  fi
  running_cost=$(daemon_cost "$(cat "$DAEMON_JSON")")
  if [ "$running_cost" != none ] || ! systemctl is-active --quiet docker.service; then
    echo "$running_cost"
  elif running_units >/dev/null && [ ! -f "$DAEMON_STOPPED" ]; then
    # The file is the one that was read, but the daemon does not say what it says.
    if ! daemon_containers_run || daemon_keeps_containers; then echo restart; else echo containers-stop; fi
  else
    echo none
  fi
}

# One ceiling for all containers together: the slice that they run below.

SLICE_UNIT=/etc/systemd/system/docker.slice
SLICE_GROUP=/sys/fs/cgroup/docker.slice

# Fact: docker.slice has these ceilings, in its unit and, while containers run in it, in the kernel.
# $1 memory in systemd's words: 24G, 512M, 80%, or - for none
# $2 processors in % of one: 600, or in % of all: 75%, or - for none
# $3 tasks, or - for none
check_containers_slice() {
  if [ ! -f "$SLICE_UNIT" ]; then
    echo "no $SLICE_UNIT"
    return 1
  fi
  slice_found=$(cat "$SLICE_UNIT")
  if [ "$slice_found" != "$(slice_text "$@")" ]; then
    echo "$SLICE_UNIT says $(grep -E '^(MemoryMax|CPUQuota|TasksMax)=' "$SLICE_UNIT" | tr '\n' ' ')"
    return 1
  fi
  if [ ! -d "$SLICE_GROUP" ]; then return 0; fi
  # systemd rounds a part of the host's memory in a way of its own.
  case $1 in *%) slice_memory= ;; *) slice_memory=$(slice_bytes "$1") ;; esac
  slice_holds memory.max "$slice_memory" && slice_holds cpu.max "$(slice_quota "$2")" && slice_holds pids.max "$3"
}
apply_containers_slice() {
  guard_containers_slice "$@"
  slice_text "$@" >"$SLICE_UNIT.new"
  chmod 0644 "$SLICE_UNIT.new"
  mv "$SLICE_UNIT.new" "$SLICE_UNIT"
  slice_forget_properties
  # A reload reads the unit but leaves the kernel's values of a slice in use as they are (systemd 257); set-property writes them.
  if [ -d "$SLICE_GROUP" ]; then
    slice_cpus=
    if [ "$2" != - ]; then slice_cpus=$(slice_percent "$2")%; fi
    systemctl --runtime set-property docker.slice "MemoryMax=$(slice_or_infinity "$1")" "CPUQuota=$slice_cpus" "TasksMax=$(slice_or_infinity "$3")"
    slice_forget_properties
  fi
}
guard_containers_slice() {
  if [ -f "$SLICE_UNIT" ]; then
    read -r slice_first <"$SLICE_UNIT" || true
    if [ "$slice_first" != "# Made by Sealift." ]; then
      refuse_because E_FOREIGN_UNIT "$SLICE_UNIT is there and is not from Sealift" "move it away, or write daemon.cgroup-parent in place of containerLimits"
      return 1
    fi
  fi
  slice_limit=$(slice_bytes "$1")
  if [ -z "$slice_limit" ] || [ ! -f "$SLICE_GROUP/memory.current" ]; then return 0; fi
  read -r slice_used <"$SLICE_GROUP/memory.current"
  # Page cache is given back; what counts is what cannot be.
  slice_needed=$(awk '$1 == "anon" || $1 == "shmem" || $1 == "slab_unreclaimable" { sum += $2 } END { printf "%d", sum }' "$SLICE_GROUP/memory.stat")
  if [ "$slice_needed" -gt "$slice_limit" ]; then
    refuse_because E_LIMIT_IN_USE "containers use $((slice_used / 1048576)) MiB, $((slice_needed / 1048576)) MiB of it for good: above the new ceiling of $((slice_limit / 1048576)) MiB the kernel would end some" \
      "stop what is not needed, or raise containerLimits.memory"
    return 1
  fi
}

# What `systemctl set-property` has left would count before the unit.
slice_forget_properties() {
  for slice_place in /run /etc; do
    rm -f "$slice_place"/systemd/system.control/docker.slice.d/50-MemoryMax.conf \
      "$slice_place"/systemd/system.control/docker.slice.d/50-CPUQuota*.conf \
      "$slice_place"/systemd/system.control/docker.slice.d/50-TasksMax.conf
  done
  systemctl daemon-reload
}

# slice_or_infinity CEILING: in systemd's words.
slice_or_infinity() {
  if [ "$1" = - ]; then echo infinity; else echo "$1"; fi
}

slice_text() {
  echo "# Made by Sealift.
[Unit]
Description=All containers of the engine

[Slice]"
  if [ "$1" != - ]; then echo "MemoryMax=$1"; fi
  if [ "$2" != - ]; then echo "CPUQuota=$(slice_percent "$2")%"; fi
  if [ "$3" != - ]; then echo "TasksMax=$3"; fi
}

# slice_percent CPUS: in % of one processor.
slice_percent() {
  case $1 in
    *%) echo $((${1%\%} * $(slice_processors))) ;;
    *) echo "$1" ;;
  esac
}

# The processors that are online, counted from a list like 0-3,6.
slice_processors() {
  read -r slice_list </sys/devices/system/cpu/online
  slice_count=0
  while [ -n "$slice_list" ]; do
    slice_range=${slice_list%%,*}
    slice_count=$((slice_count + ${slice_range##*-} - ${slice_range%%-*} + 1))
    case $slice_list in *,*) slice_list=${slice_list#*,} ;; *) slice_list= ;; esac
  done
  echo "$slice_count"
}

# slice_bytes MEMORY: nothing for -.
slice_bytes() {
  case $1 in
    *M) echo $((${1%M} * 1048576)) ;;
    *G) echo $((${1%G} * 1073741824)) ;;
    *T) echo $((${1%T} * 1099511627776)) ;;
    *%) awk -v part="${1%\%}" '$1 == "MemTotal:" { printf "%d", int($2 * part / 100 / 4) * 4096 }' /proc/meminfo ;;
  esac
}

# slice_quota CPUS: as the kernel shows it, in microseconds of each 100 ms; nothing for -.
slice_quota() {
  if [ "$1" != - ]; then echo "$(($(slice_percent "$1") * 1000)) 100000"; fi
}

# slice_holds FILE VALUE: whether the kernel has it; no value, or a controller that is not on, is nothing to hold.
slice_holds() {
  if [ -z "$2" ] || [ "$2" = - ] || [ ! -f "$SLICE_GROUP/$1" ]; then return 0; fi
  read -r slice_is <"$SLICE_GROUP/$1"
  if [ "$slice_is" = "$2" ]; then return 0; fi
  echo "docker.slice has $1 $slice_is in place of $2"
  return 1
}

# Bytes of the bundle that have arrived, and where they are kept.

SEALIFT_BLOBS=$SEALIFT_STATE/blobs

# Fact: the blob is on the host with exactly the bytes of the lock.
# $1 sha256, $2 size in bytes
check_engine_blob() {
  if [ ! -f "$SEALIFT_BLOBS/$1" ]; then
    echo "not there"
    return 1
  fi
  blob_bytes=$(stat -c %s "$SEALIFT_BLOBS/$1")
  if [ "$blob_bytes" != "$2" ]; then
    echo "$blob_bytes bytes"
    return 1
  fi
}
apply_engine_blob() {
  blob_from=.sealift/blobs/$1
  if [ ! -f "$blob_from" ]; then
    echo "it did not arrive in ~/$blob_from; run pulumi up again, it is sent anew"
    return 1
  fi
  blob_found=$(sha256sum "$blob_from" | cut -d ' ' -f 1)
  if [ "$blob_found" != "$1" ]; then
    rm "$blob_from"
    echo "what arrived has sha256 $blob_found and was removed"
    return 1
  fi
  install -d -m 0755 "$SEALIFT_BLOBS"
  # Copied and renamed, because the home may be another file system.
  install -o root -g root -m 0644 "$blob_from" "$SEALIFT_BLOBS/$1.new"
  mv "$SEALIFT_BLOBS/$1.new" "$SEALIFT_BLOBS/$1"
  rm "$blob_from"
}

# The containerd that the engine stands on.

CONTAINERD_SOCKET=/run/containerd/containerd.sock

# Fact: containerd runs from the current version, now and after a boot, and it is the one that its socket leads to.
check_containerd() {
  containerd_state=$(systemctl show -p MainPID -p ActiveState -p UnitFileState containerd.service)
  containerd_pid=${containerd_state#*MainPID=}
  containerd_pid=${containerd_pid%%"$SEALIFT_LINE_END"*}
  case $SEALIFT_LINE_END$containerd_state$SEALIFT_LINE_END in
    *"${SEALIFT_LINE_END}ActiveState=active$SEALIFT_LINE_END"*) ;;
    *)
      containerd_word=${containerd_state#*ActiveState=}
      echo "containerd.service is ${containerd_word%%"$SEALIFT_LINE_END"*}"
      return 1
      ;;
  esac
  case $SEALIFT_LINE_END$containerd_state$SEALIFT_LINE_END in
    *"${SEALIFT_LINE_END}UnitFileState=enabled$SEALIFT_LINE_END"*) ;;
    *)
      containerd_word=${containerd_state#*UnitFileState=}
      echo "containerd.service is ${containerd_word%%"$SEALIFT_LINE_END"*}, so that it would not start at a boot"
      return 1
      ;;
  esac
  containerd_runs=$(readlink "/proc/$containerd_pid/exe" || true)
  containerd_wanted=$(readlink -f "$ENGINES/current/bin/containerd" || true)
  if [ "$containerd_runs" != "$containerd_wanted" ]; then
    echo "it runs ${containerd_runs:-no program}"
    return 1
  fi
  containerd_listens "$containerd_pid"
}

# containerd_listens PID: whether the socket is there, and this process alone is behind it. Whoever binds the path later takes
# it over in silence: /proc/net/unix then has two listeners of that name (unix(7), proc_net(5): flag 00010000).
containerd_listens() {
  if [ ! -S "$CONTAINERD_SOCKET" ]; then
    echo "$CONTAINERD_SOCKET is not there"
    return 1
  fi
  listens_inodes=
  while read -r _ _ _ listens_flags _ _ listens_inode listens_path; do
    if [ "$listens_path" = "$CONTAINERD_SOCKET" ] && [ "$listens_flags" = 00010000 ]; then listens_inodes="$listens_inodes $listens_inode"; fi
  done </proc/net/unix
  # shellcheck disable=SC2012 # the links of a process's files have no odd names
  listens_files=$(ls -l "/proc/$1/fd" 2>/dev/null || true)
  case $listens_inodes in
    "") echo "nobody listens on $CONTAINERD_SOCKET" ;;
    " "*" "*) echo "more than one process listens on $CONTAINERD_SOCKET" ;;
    *)
      case $listens_files in *"socket:[${listens_inodes# }]"*) return 0 ;; esac
      echo "another process listens on $CONTAINERD_SOCKET"
      ;;
  esac
  return 1
}
apply_containerd() {
  systemctl enable --quiet containerd.service
  systemctl reset-failed containerd.service 2>/dev/null || true
  # Containers keep running: their shims are not in the service's main process (KillMode=process).
  if ! timeout 120 systemctl restart containerd.service; then
    journalctl -u containerd.service -n 20 --no-pager -o cat
    return 1
  fi
}

# The engine from static binaries: versions side by side in /opt/docker, one symlink says which runs.

ENGINES=/opt/docker

# Fact: /opt/docker/<version>/bin holds these files, byte for byte as the lock says.
# $1 version, $2 sha256 of the archive; $3... sha256:name of each file
check_engine_files() {
  files_bin=$ENGINES/$1/bin
  shift 2
  hash_look "$files_bin"/*
  files_wrong=
  for files_one; do
    files_path=$files_bin/${files_one#*:}
    if [ ! -x "$files_path" ]; then
      files_wrong="$files_wrong ${files_one#*:} is absent,"
    elif ! known_hash "$files_path" "${files_one%%:*}"; then
      files_wrong="$files_wrong ${files_one#*:} is altered,"
    fi
  done
  if [ -n "$files_wrong" ]; then
    echo "in $files_bin:${files_wrong%,}"
    return 1
  fi
}
apply_engine_files() {
  files_root=$ENGINES/$1
  files_new=$files_root.new
  files_bin=$files_root/bin
  rm -rf "$files_new"
  install -d -m 0755 "$files_new" "$files_bin"
  # The bytes were checked when they arrived; they are checked again before they run as root.
  echo "$2  $SEALIFT_BLOBS/$2" | sha256sum -c --quiet
  if ! timeout 600 tar -xzf "$SEALIFT_BLOBS/$2" -C "$files_new" --strip-components=1 --no-same-owner --no-same-permissions; then
    rm -rf "$files_new"
    return 1
  fi
  shift 2
  hash_look "$files_bin"/*
  for files_one; do
    files_path=$files_bin/${files_one#*:}
    # A file that is right keeps its inode: what runs from it goes on running from it.
    if [ -x "$files_path" ] && known_hash "$files_path" "${files_one%%:*}"; then continue; fi
    echo "${files_one%%:*}  $files_new/${files_one#*:}" | sha256sum -c --quiet
    chmod 0755 "$files_new/${files_one#*:}"
    sync "$files_new/${files_one#*:}"
    mv "$files_new/${files_one#*:}" "$files_path"
    remember_hash "$files_path" "${files_one%%:*}"
  done
  rm -rf "$files_new"
  # Said once and kept: which containerd this is decides the version of its configuration.
  if [ -x "$files_bin/containerd" ]; then
    timeout 60 "$files_bin/containerd" --version >"$files_root/containerd-version.new"
    mv "$files_root/containerd-version.new" "$files_root/containerd-version"
  fi
}

# Fact: this version is the one that runs at the next start.
# $1 version, $2 data-root
check_engine_current() {
  current_found=$(readlink "$ENGINES/current" || echo "no current version")
  if [ "$current_found" != "$1" ]; then
    echo "$current_found"
    return 1
  fi
}
guard_engine_current() { guard_jump "$@"; }
effect_engine_current() { effect_of_jump "$1"; }
apply_engine_current() {
  guard_jump "$@"
  prepare_switch "$1"
  ln -sfn "$1" "$ENGINES/current.new"
  mv -T "$ENGINES/current.new" "$ENGINES/current"
}

# Fact: people find the commands of the current version on their PATH.
# $@ commands
check_engine_commands() {
  for commands_name; do
    commands_found=$(readlink "/usr/local/bin/$commands_name" || echo "nothing, or no symlink")
    if [ "$commands_found" != "$ENGINES/current/bin/$commands_name" ]; then
      echo "/usr/local/bin/$commands_name: $commands_found"
      return 1
    fi
  done
}
guard_engine_commands() {
  for commands_name; do
    commands_link=/usr/local/bin/$commands_name
    if [ -e "$commands_link" ] && [ ! -L "$commands_link" ]; then
      refuse_because E_FOREIGN_ENGINE "$commands_link is a file that Sealift did not put there" "see where it comes from, then move it away"
    fi
  done
}
apply_engine_commands() {
  guard_engine_commands "$@"
  for commands_name; do
    commands_link=/usr/local/bin/$commands_name
    ln -sfn "$ENGINES/current/bin/$commands_name" "$commands_link.new"
    mv -T "$commands_link.new" "$commands_link"
  done
}

# Installed programs byte for byte, without reading 200 MB at every look. A file whose inode, size, mtime and ctime are those
# of its last full hash is not read again, for a day at most; nobody sets a ctime back (inode(7)). The notes lie in /run: after
# a boot everything is read once. SEALIFT_DEEP=1 reads everything now.

SEALIFT_HASHES=/run/sealift/hashes
HASH_KEEP_SEC=86400

# hash_look FILE...: what these files and the notes are now; once before known_hash. Absent files are left out.
hash_look() {
  hash_stats=$SEALIFT_LINE_END$(stat -c '%n %i %s %y %z' "$@" 2>/dev/null || true)$SEALIFT_LINE_END
  hash_notes=$SEALIFT_LINE_END
  if [ -f "$SEALIFT_HASHES" ]; then
    while IFS= read -r hash_line; do
      hash_notes=$hash_notes$hash_line$SEALIFT_LINE_END
    done <"$SEALIFT_HASHES"
  fi
  # Seconds since the boot: the clock of a host may be moved.
  read -r hash_now hash_line </proc/uptime
  hash_now=${hash_now%%.*}
}

# known_hash FILE SHA256: whether the file has this hash. A note of what was found is kept or dropped.
known_hash() {
  hash_pick "$hash_stats" "$1"
  hash_stat=$hash_picked
  hash_pick "$hash_notes" "$1"
  if [ -z "${SEALIFT_DEEP-}" ] && [ "${hash_picked%% *}" = "$2" ]; then
    hash_picked=${hash_picked#* }
    if [ "${hash_picked#* }" = "$hash_stat" ] && [ $((hash_now - ${hash_picked%% *})) -lt "$HASH_KEEP_SEC" ]; then return 0; fi
  fi
  hash_found=$(sha256sum "$1")
  if [ "${hash_found%% *}" != "$2" ]; then
    hash_note "$1" ""
    return 1
  fi
  hash_note "$1" "$2 $hash_now $hash_stat"
}

# remember_hash FILE SHA256: a file that was put there a moment ago, from bytes that were hashed on the way.
remember_hash() {
  hash_look "$1"
  hash_pick "$hash_stats" "$1"
  hash_note "$1" "$2 $hash_now $hash_picked"
}

# hash_pick LINES FILE: sets hash_picked to what stands behind the file in its line; empty when there is none.
hash_pick() {
  hash_picked=${1#*"$SEALIFT_LINE_END$2 "}
  if [ "$hash_picked" = "$1" ]; then
    hash_picked=
    return
  fi
  hash_picked=${hash_picked%%"$SEALIFT_LINE_END"*}
}

# hash_note FILE NOTE: an empty note only drops the one before, so that no later look believes it.
hash_note() {
  if [ ! -d "${SEALIFT_HASHES%/*}" ]; then mkdir -p "${SEALIFT_HASHES%/*}"; fi
  hash_pick "$hash_notes" "$1"
  if [ -n "$hash_picked" ]; then
    hash_notes=${hash_notes%%"$SEALIFT_LINE_END$1 "*}$SEALIFT_LINE_END${hash_notes#*"$SEALIFT_LINE_END$1 $hash_picked$SEALIFT_LINE_END"}
  fi
  if [ -n "$2" ]; then hash_notes=$hash_notes"$1 $2"$SEALIFT_LINE_END; fi
  printf '%s' "${hash_notes#"$SEALIFT_LINE_END"}" >"$SEALIFT_HASHES.$$"
  mv "$SEALIFT_HASHES.$$" "$SEALIFT_HASHES"
}

# From one version of the engine to another: what may be done, and what it costs. The reasons are in
# docs/decisions/0008-which-engine-may-follow-which.md.

# The version whose daemon was ready on this host last: a symlink that docker.service itself writes when it is.
ENGINE_RAN=$SEALIFT_STATE/engine-ran

# engine_from: sets from_version to the engine that has last kept the data of this host; empty when none has run.
engine_from() {
  from_version=$(readlink "$ENGINE_RAN" || true)
}

# engine_jump FROM TO: sets jump to same, patch, up, skip, down or below-28.
engine_jump() {
  jump_from_major=${1%%.*}
  jump_to_major=${2%%.*}
  jump_from_minor=${1#*.}
  jump_from_minor=${jump_from_minor%%.*}
  jump_to_minor=${2#*.}
  jump_to_minor=${jump_to_minor%%.*}
  if [ "$1" = "$2" ]; then
    jump=same
  elif [ "$jump_from_major.$jump_from_minor" = "$jump_to_major.$jump_to_minor" ]; then
    jump="patch"
  elif [ "$jump_to_major" -gt $((jump_from_major + 1)) ]; then
    jump=skip
  elif [ "$jump_to_major" -gt "$jump_from_major" ]; then
    jump=up
  elif [ "$jump_to_major" -eq "$jump_from_major" ] && [ "$jump_to_minor" -gt "$jump_from_minor" ]; then
    jump=up
  elif [ "$jump_from_major" -ge 28 ] && [ "$jump_to_major" -lt 28 ]; then
    jump=below-28
  else
    jump=down
  fi
}

# guard_jump TO DATA_ROOT: refuses what upstream does not carry containers through.
guard_jump() {
  engine_from
  if [ -z "$from_version" ]; then return 0; fi
  engine_jump "$from_version" "$1"
  jump_containers=0
  for jump_one in "$2"/containers/*; do
    if [ -d "$jump_one" ]; then jump_containers=$((jump_containers + 1)); fi
  done
  case $jump in
    below-28)
      refuse_because E_ENGINE_JUMP "engine $from_version has run here, and $1 is older than 28: it cannot work with the packet filter rules that 28 and later leave (release notes of 28.0)" \
        "stay with $from_version or a later one, or install the host anew"
      ;;
    skip)
      if [ "$jump_containers" -eq 0 ]; then return 0; fi
      refuse_because E_ENGINE_JUMP "engine $from_version has run here with $jump_containers containers, stopped ones counted, and $1 skips major version $((jump_from_major + 1))" \
        "switch to an engine of version $((jump_from_major + 1)) first, or remove the containers (docker rm: images and volumes stay)"
      ;;
    down)
      if [ "$jump_containers" -eq 0 ]; then return 0; fi
      refuse_because E_ENGINE_JUMP "engine $from_version has run here with $jump_containers containers, stopped ones counted, and $1 is older: it need not be able to read what $from_version has written of them" \
        "stay with $from_version or a later one, or remove the containers (docker rm: images and volumes stay)"
      ;;
  esac
}

# effect_of_jump TO: what the switch costs the containers that run now.
effect_of_jump() {
  live_containers
  engine_from
  if [ -z "$live_ids" ]; then
    # Nothing runs from containers; a daemon that runs is restarted all the same.
    if [ -n "$from_version" ]; then echo restart; else echo none; fi
    return
  fi
  engine_jump "${from_version:-$1}" "$1"
  case $jump in
    same | patch) if live_restore_on; then echo restart; else echo containers-stop; fi ;;
    *) echo containers-stop ;;
  esac
}

# live_restore_on: whether the daemon was started or reloaded with live-restore.
live_restore_on() {
  [ -f /run/sealift/daemon.json.loaded ] || return 1
  while IFS= read -r live_line; do
    case $live_line in *'"live-restore": true'*) return 0 ;; esac
  done </run/sealift/daemon.json.loaded
  return 1
}

# live_containers: sets live_ids to the containers whose processes run, as containerd's state has them: without a process.
live_containers() {
  live_ids=
  for live_dir in /run/containerd/io.containerd.runtime.v2.task/moby/*; do
    live_pid=
    if [ -f "$live_dir/init.pid" ]; then read -r live_pid <"$live_dir/init.pid" || true; fi
    if [ -n "$live_pid" ] && [ -d "/proc/$live_pid" ]; then live_ids="$live_ids ${live_dir##*/}"; fi
  done
}

# Plugins of the docker command: compose and buildx.

# Versions side by side, and the folder in which the docker command looks before all others but a user's own
# (docker/cli cli-plugins/manager, v28 and v29).
PLUGINS=$ENGINES/plugins
PLUGIN_LINKS=/usr/local/lib/docker/cli-plugins

# Fact: this version of the plugin is installed, byte for byte, and `docker <name>` runs it.
# $1 name, $2 version, $3 sha256
check_engine_plugin() {
  plugin_path=$PLUGINS/docker-$1-$2
  plugin_link=$PLUGIN_LINKS/docker-$1
  if [ ! -x "$plugin_path" ]; then
    echo "$plugin_path is absent"
    return 1
  fi
  hash_look "$plugin_path"
  if ! known_hash "$plugin_path" "$3"; then
    echo "$plugin_path is altered"
    return 1
  fi
  plugin_found=$(readlink "$plugin_link" || echo "nothing, or no symlink")
  if [ "$plugin_found" != "$plugin_path" ]; then
    echo "$plugin_link: $plugin_found"
    return 1
  fi
}
guard_engine_plugin() {
  plugin_link=$PLUGIN_LINKS/docker-$1
  if [ -e "$plugin_link" ] && [ ! -L "$plugin_link" ]; then
    refuse_because E_FOREIGN_ENGINE "$plugin_link is a file that Sealift did not put there" "see where it comes from, then move it away"
  fi
}
apply_engine_plugin() {
  guard_engine_plugin "$@"
  plugin_path=$PLUGINS/docker-$1-$2
  plugin_link=$PLUGIN_LINKS/docker-$1
  install -d -m 0755 "$PLUGINS" "$PLUGIN_LINKS"
  hash_look "$plugin_path"
  if [ ! -x "$plugin_path" ] || ! known_hash "$plugin_path" "$3"; then
    install -m 0755 "$SEALIFT_BLOBS/$3" "$plugin_path.new"
    echo "$3  $plugin_path.new" | sha256sum -c --quiet
    sync "$plugin_path.new"
    mv "$plugin_path.new" "$plugin_path"
    remember_hash "$plugin_path" "$3"
  fi
  # A program for another processor, or a folder mounted noexec, is told before it goes live.
  if ! timeout 60 "$plugin_path" docker-cli-plugin-metadata >/dev/null; then
    echo "$plugin_path does not run on this host"
    return 1
  fi
  ln -sfn "$plugin_path" "$plugin_link.new"
  mv -T "$plugin_link.new" "$plugin_link"
}

# Where the data of the engine lies, and in which form: what a changed key of the site must not make invisible.

# Below data-root: what containerd's overlayfs snapshotter keeps, a folder for each layer and each container.
STORE_SNAPSHOTS=containerd/daemon/io.containerd.snapshotter.v1.overlayfs/snapshots

# Fact: data-root is this folder, and it is written down.
# $1 data-root
check_engine_data_root() {
  store_read data-root
  root_old=$store_noted
  if [ "$root_old" != "$1" ]; then
    echo "${root_old:-not written down}"
    return 1
  fi
}
guard_engine_data_root() {
  store_read data-root
  root_old=$store_noted
  if [ -z "$root_old" ] || [ "$root_old" = "$1" ]; then return 0; fi
  if [ ! -d "$root_old" ]; then
    refuse_because E_DATA_ROOT "data-root was $root_old, which is not there now: its volume may not be mounted" \
      "mount it, or remove $SEALIFT_STATE/data-root when it is gone for good"
  fi
  if store_any "$root_old"/containers/* "$root_old"/volumes/*/_data "$root_old"/image/*/layerdb/sha256/* "$root_old/$STORE_SNAPSHOTS"/*; then
    refuse_because E_DATA_ROOT "data-root was $root_old, and images, containers or volumes are there" \
      "write data-root: $root_old into the site again, or move the folder to $1 yourself while docker and containerd are stopped and write $1 into $SEALIFT_STATE/data-root"
  fi
}
apply_engine_data_root() {
  guard_engine_data_root "$@"
  echo "$1" >"$SEALIFT_STATE/data-root.new"
  mv "$SEALIFT_STATE/data-root.new" "$SEALIFT_STATE/data-root"
}

# Fact: the engine keeps images in this store, and it is written down.
# $1 classic or containerd, $2 data-root
check_engine_store() {
  store_read image-store
  store_old=$store_noted
  store_find "$2"
  if [ "$store_old" != "$1" ]; then
    echo "${store_old:-not written down}, the host holds $store_words"
    return 1
  fi
  if [ -n "$store_found" ] && [ "$store_found" != "$1" ] && [ "$store_found" != both ]; then
    echo "$store_old is written down, the host holds $store_words"
    return 1
  fi
}
# Images of the other store do not vanish, but neither the engine nor a person sees them any more, and containers made of them
# are gone from docker ps.
guard_engine_store() {
  store_read image-store
  store_old=$store_noted
  store_find "$2"
  case $1 in
    classic)
      store_other=containerd
      store_todo="write features: {containerd-snapshotter: true} without storage-driver into daemon of the site to keep them, or remove all containers and images first"
      ;;
    *)
      store_other=classic
      store_todo="write storage-driver: overlay2 into daemon of the site to keep them, or remove all containers and images first"
      ;;
  esac
  case $store_found in
    "$store_other") refuse_because E_IMAGE_STORE "the host holds $store_words, and the site asks for the $1 one" "$store_todo" ;;
    both)
      if [ "$store_old" != "$1" ]; then
        refuse_because E_IMAGE_STORE "the host holds $store_words, ${store_old:-none} is written down as the one in use, and the site asks for the $1 one" "$store_todo"
      fi
      ;;
  esac
}
apply_engine_store() {
  guard_engine_store "$@"
  echo "$1" >"$SEALIFT_STATE/image-store.new"
  mv "$SEALIFT_STATE/image-store.new" "$SEALIFT_STATE/image-store"
}

# store_find DATA_ROOT: sets store_found to classic, containerd, both or nothing, and store_words to the same for people.
# Classic: a layer of an image or a container (moby daemon/internal/layer). containerd: a snapshot.
store_find() {
  store_found=
  store_words="no images"
  if store_any "$1"/image/overlay2/layerdb/sha256/* "$1"/image/overlay2/layerdb/mounts/*; then
    store_found=classic
    store_words="images or containers of the classic store"
  fi
  if store_any "$1/$STORE_SNAPSHOTS"/*; then
    if [ -n "$store_found" ]; then
      store_found=both
      store_words="images or containers of both stores"
    else
      store_found=containerd
      store_words="images or containers of the containerd store"
    fi
  fi
}

# store_read NAME: sets store_noted to what is written down under this name; empty when nothing is.
store_read() {
  store_noted=
  if [ -f "$SEALIFT_STATE/$1" ]; then read -r store_noted <"$SEALIFT_STATE/$1" || true; fi
}

# store_any PATH...: whether one of these exists; a pattern that matches nothing does not.
store_any() {
  for store_one; do
    if [ -e "$store_one" ]; then return 0; fi
  done
  return 1
}

# A switch of the engine while containers run: what ran before runs afterwards.

# While it exists, a switch has not been looked after: its first line is "from to", then the ids of what ran, one a line.
ENGINE_SWITCH=$SEALIFT_STATE/engine-switch

# prepare_switch TO: notes what runs, and stops it in order where no daemon would take it over (live-restore carries
# containers through patch versions only: docs.docker.com/engine/daemon/live-restore).
prepare_switch() {
  engine_from
  jump=
  engine_jump "${from_version:-$1}" "$1"
  live_containers
  if [ "$jump" = same ] || [ -z "$live_ids" ]; then return 0; fi
  {
    echo "$from_version $1"
    # What an interrupted switch has already stopped counts too.
    {
      if [ -f "$ENGINE_SWITCH" ]; then tail -n +2 "$ENGINE_SWITCH"; fi
      # shellcheck disable=SC2086 # one id a line
      printf '%s\n' $live_ids
    } | sort -u
  } >"$ENGINE_SWITCH.new"
  sync "$ENGINE_SWITCH.new"
  mv "$ENGINE_SWITCH.new" "$ENGINE_SWITCH"
  if [ "$jump" != patch ]; then stop_containers; fi
}

# stop_containers: by the daemon that runs them, as at a shutdown of the host, so that restart policies keep their meaning.
stop_containers() {
  if ! systemctl is-active --quiet docker.service; then
    echo "containers run without their daemon: docker.service is $(systemctl is-active docker.service || true); start it first"
    return 1
  fi
  if live_restore_on; then
    # With live-restore a daemon leaves its containers alone; it reads this key anew on SIGHUP.
    cp -p /etc/docker/daemon.json /etc/docker/daemon.json.switch
    sed 's/"live-restore": true/"live-restore": false/' /etc/docker/daemon.json.switch >/etc/docker/daemon.json
    timeout 60 systemctl reload docker.service || true
    stop_seen=
    for stop_try in 1 2 3 4 5 6 7 8 9 10; do
      stop_seen=$(timeout 30 docker info --format '{{.LiveRestoreEnabled}}' || true)
      if [ "$stop_seen" = false ]; then break; fi
      sleep "$stop_try"
    done
    mv /etc/docker/daemon.json.switch /etc/docker/daemon.json
    if [ "$stop_seen" != false ]; then
      timeout 60 systemctl reload docker.service || true
      echo "the daemon did not switch live-restore off, so that its containers cannot be stopped in order"
      return 1
    fi
  fi
  timeout 300 systemctl stop docker.socket docker.service
  live_containers
  if [ -n "$live_ids" ]; then
    systemctl start docker.socket docker.service
    echo "these containers did not stop within the daemon's shutdown-timeout, and the daemon runs again as it was:$live_ids"
    return 1
  fi
}

# Fact: what ran before the last switch of the engine runs again, and the engine knows of every container that runs.
check_engine_containers() {
  if [ -f "$ENGINE_SWITCH" ]; then
    read -r containers_from containers_to <"$ENGINE_SWITCH"
    echo "not looked after since the switch from $containers_from to $containers_to"
    return 1
  fi
}
apply_engine_containers() {
  containers_known=$(timeout 60 docker ps -aq --no-trunc)
  containers_failed=
  for containers_id in $(tail -n +2 "$ENGINE_SWITCH"); do
    case $containers_known in
      *"$containers_id"*) ;;
      *)
        echo "${containers_id%"${containers_id#????????????}"} is gone: it was to be removed when it ended (docker run --rm)"
        continue
        ;;
    esac
    # One that runs already is not started twice.
    if ! timeout 120 docker start "$containers_id" >/dev/null; then containers_failed="$containers_failed $containers_id"; fi
  done
  if [ -n "$containers_failed" ]; then
    echo "these ran before the switch and do not start:$containers_failed"
    return 1
  fi
  containers_known=$(timeout 60 docker ps -q --no-trunc)
  live_containers
  for containers_id in $live_ids; do
    case $containers_known in
      *"$containers_id"*) ;;
      *)
        read -r live_pid <"/run/containerd/io.containerd.runtime.v2.task/moby/$containers_id/init.pid" || true
        echo "container $containers_id runs on as process $live_pid and the engine does not know of it; end it with: kill $live_pid"
        return 1
        ;;
    esac
  done
  rm "$ENGINE_SWITCH"
}

# What systemd runs. The settings of the three units are upstream's (moby contrib/init/systemd of 29, containerd.service of
# containerd 2) with our path of the programs; all that is ours beside that stands in a drop-in each.

UNIT_CONTAINERD=/etc/systemd/system/containerd.service
UNIT_DOCKER=/etc/systemd/system/docker.service
UNIT_SOCKET=/etc/systemd/system/docker.socket
UNIT_CONFIG=/etc/containerd/config.toml

# Fact: the systemd units of containerd and docker, and containerd's configuration, are the ones of this site.
# $1 version, $2 data-root
check_engine_units() {
  units_config "$1"
  # Headed by its path, so that nothing can move from one file to the next unseen.
  units_found=$(tail -n +1 "$UNIT_CONFIG" "$UNIT_CONTAINERD" "$UNIT_CONTAINERD.d/sealift.conf" "$UNIT_SOCKET" "$UNIT_DOCKER" "$UNIT_DOCKER.d/sealift.conf" 2>/dev/null || true)
  units_all=
  for_each_unit "$2" units_collect
  if [ "$units_found$SEALIFT_LINE_END" = "$units_all" ]; then return 0; fi
  units_wrong=
  for_each_unit "$2" units_compare
  echo "absent or altered:$units_wrong"
  return 1
}
apply_engine_units() {
  units_config "$1"
  for_each_unit "$2" units_write
  systemctl daemon-reload
}
units_collect() {
  if [ -n "$units_all" ]; then units_all=$units_all$SEALIFT_LINE_END; fi
  units_all="$units_all==> $1 <==$SEALIFT_LINE_END$2"
}
units_compare() {
  if ! printf '%s' "$2" | cmp -s - "$1"; then units_wrong="$units_wrong $1"; fi
}
units_write() {
  if printf '%s' "$2" | cmp -s - "$1"; then return 0; fi
  install -d -m 0755 "${1%/*}"
  printf '%s' "$2" >"$1.new"
  mv "$1.new" "$1"
}

# units_config VERSION: sets units_format to the version of containerd's configuration that this engine's containerd writes:
# 2 of containerd 1, 3 of containerd 2 (containerd docs/man/containerd-config.toml.5).
units_config() {
  units_format=3
  if [ ! -f "/opt/docker/$1/containerd-version" ]; then return 0; fi
  # "containerd github.com/containerd/containerd 1.7.24 <revision>", from 2 on with "/v2" and perhaps a "v".
  read -r _ _ units_version _ <"/opt/docker/$1/containerd-version"
  case ${units_version#v} in 1.*) units_format=2 ;; esac
}

# for_each_unit DATA_ROOT FUNCTION: calls FUNCTION with each path and the text that it has to hold.
for_each_unit() {
  # containerd's root is where dockerd itself would put it, so that images lie on the data volume with either image store.
  # In containerd 2 the CRI plugin has three parts; a name that a version does not have is of no consequence.
  "$2" "$UNIT_CONFIG" "# Made by Sealift.
version = $units_format
root = \"$1/containerd/daemon\"
state = \"/run/containerd\"
disabled_plugins = [\"io.containerd.grpc.v1.cri\", \"io.containerd.cri.v1.images\", \"io.containerd.cri.v1.runtime\"]
"
  "$2" "$UNIT_CONTAINERD" "# Made by Sealift.
[Unit]
Description=containerd container runtime
Documentation=https://containerd.io
After=network.target dbus.service

[Service]
ExecStartPre=-/sbin/modprobe overlay
ExecStart=/opt/docker/current/bin/containerd
Type=notify
Delegate=yes
KillMode=process
Restart=always
RestartSec=5
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
OOMScoreAdjust=-999

[Install]
WantedBy=multi-user.target
"
  "$2" "$UNIT_CONTAINERD.d/sealift.conf" "# Made by Sealift.
[Unit]
# Without its volume, containerd would make a second, empty store on the root disk.
RequiresMountsFor=$1

[Service]
Environment=PATH=/opt/docker/current/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
"
  "$2" "$UNIT_SOCKET" "# Made by Sealift.
[Unit]
Description=Docker Socket for the API

[Socket]
ListenStream=/run/docker.sock
SocketMode=0660
SocketUser=root
SocketGroup=docker

[Install]
WantedBy=sockets.target
"
  "$2" "$UNIT_DOCKER" "# Made by Sealift.
[Unit]
Description=Docker Application Container Engine
Documentation=https://docs.docker.com
After=network-online.target nss-lookup.target docker.socket firewalld.service containerd.service time-set.target
Wants=network-online.target containerd.service
Requires=docker.socket
StartLimitBurst=3
StartLimitIntervalSec=60

[Service]
Type=notify
ExecStart=/opt/docker/current/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock
ExecReload=/bin/kill -s HUP \$MAINPID
TimeoutStartSec=0
RestartSec=2
Restart=always
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
Delegate=yes
KillMode=process
OOMScoreAdjust=-500

[Install]
WantedBy=multi-user.target
"
  "$2" "$UNIT_DOCKER.d/sealift.conf" "# Made by Sealift.
[Unit]
# Without its volume, dockerd would start on an empty folder of the root disk.
RequiresMountsFor=$1

[Service]
Environment=PATH=/opt/docker/current/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# Which daemon.json is loaded, and which engine was ready last.
ExecStartPre=/usr/bin/install -D -m 0644 /etc/docker/daemon.json /run/sealift/daemon.json.loaded
ExecReload=/usr/bin/install -D -m 0644 /etc/docker/daemon.json /run/sealift/daemon.json.loaded
ExecStartPost=-/bin/cp -P --remove-destination -T /opt/docker/current /var/lib/sealift/engine-ran
"
}

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

# What confines containers beside namespaces and seccomp.

# Fact: where AppArmor is on, its parser is at the one place where engines look for it (containerd pkg/apparmor 2.3).
check_apparmor() {
  apparmor_on=
  { read -r apparmor_on; } 2>/dev/null <"$SEALIFT_ROOT/sys/module/apparmor/parameters/enabled" || true
  if [ "$apparmor_on" != Y ]; then
    echo "AppArmor is off"
    return 0
  fi
  if [ ! -x "$SEALIFT_ROOT/sbin/apparmor_parser" ]; then
    echo "AppArmor is on and there is no /sbin/apparmor_parser, so containers run without its profile"
    return 1
  fi
  # Ubuntu 23.10 and later. It concerns programs that make user namespaces without being root; the engine is root.
  apparmor_userns=0
  { read -r apparmor_userns; } 2>/dev/null <"$SEALIFT_ROOT/proc/sys/kernel/apparmor_restrict_unprivileged_userns" || true
  if [ "$apparmor_userns" = 1 ]; then
    echo "AppArmor is on; user namespaces are for root only"
  else
    echo "AppArmor is on"
  fi
}

# Fact: SELinux does not enforce. Sealift labels nothing.
check_selinux() {
  selinux_enforce=0
  { read -r selinux_enforce; } 2>/dev/null <"$SEALIFT_ROOT/sys/fs/selinux/enforce" || true
  if [ "$selinux_enforce" = 1 ]; then
    echo "SELinux enforces"
    return 1
  fi
}

# Another Docker on the host, by every way in which one gets there.

# Fact: no Docker or containerd is here that Sealift did not install.
check_no_foreign_engine() {
  foreign=
  foreign_by_package
  foreign_by_snap
  foreign_by_file
  foreign_by_process
  if [ -n "$foreign" ]; then
    echo "found: ${foreign%, }"
    return 1
  fi
}

# dpkg-query is only asked about what dpkg has files of: most hosts have none, and it costs more than all the rest.
foreign_by_package() {
  foreign_packages=
  for foreign_package in docker.io docker-ce docker-ce-cli docker-engine docker-ee lxc-docker moby-engine moby-cli \
    moby-containerd containerd containerd.io podman-docker; do
    if [ -e "$SEALIFT_ROOT/var/lib/dpkg/info/$foreign_package.list" ]; then
      foreign_packages="$foreign_packages $foreign_package"
    fi
  done
  if [ -z "$foreign_packages" ]; then return 0; fi
  # A package that was removed has files of its own still, until it is purged. The names are split on purpose.
  # shellcheck disable=SC2086
  foreign_packages=$(dpkg-query --admindir="$SEALIFT_ROOT/var/lib/dpkg" -W -f '${Package}=${db:Status-Status}\n' \
    $foreign_packages 2>/dev/null || true)
  foreign_installed=
  for foreign_package in $foreign_packages; do
    case $foreign_package in
      *=installed | *=unpacked | *=half-*) foreign_installed="$foreign_installed ${foreign_package%=*}" ;;
    esac
  done
  if [ -n "$foreign_installed" ]; then
    foreign="${foreign}packages$foreign_installed (apt-get remove$foreign_installed), "
  fi
}

foreign_by_snap() {
  if [ -d "$SEALIFT_ROOT/var/snap/docker" ] || [ -e "$SEALIFT_ROOT/snap/bin/docker" ]; then
    foreign="${foreign}snap docker (snap remove docker), "
  fi
}

# Units and programs that no package stands for any more, or never did. A docker-proxy in these folders is taken before the
# one on the PATH (moby daemon/config/config_linux.go, lookupBinPath, 29.7.2).
foreign_by_file() {
  for foreign_file in "$SEALIFT_ROOT"/etc/systemd/system/docker.service "$SEALIFT_ROOT"/etc/systemd/system/containerd.service; do
    if [ -e "$foreign_file" ] && ! grep -q /opt/docker/ "$foreign_file"; then
      foreign="$foreign$foreign_file (systemctl disable --now it and delete the file), "
    fi
  done
  # A package's own files go with the package.
  case $foreign in *"packages "*) return 0 ;; esac
  for foreign_file in "$SEALIFT_ROOT"/usr/local/lib/systemd/system/docker.service \
    "$SEALIFT_ROOT"/usr/lib/systemd/system/docker.service "$SEALIFT_ROOT"/usr/lib/systemd/system/docker.socket \
    "$SEALIFT_ROOT"/usr/lib/systemd/system/containerd.service \
    "$SEALIFT_ROOT"/usr/local/libexec/docker/docker-proxy "$SEALIFT_ROOT"/usr/libexec/docker/docker-proxy \
    "$SEALIFT_ROOT"/usr/local/lib/docker/docker-proxy "$SEALIFT_ROOT"/usr/lib/docker/docker-proxy; do
    if [ ! -e "$foreign_file" ]; then continue; fi
    if [ -L "$foreign_file" ]; then
      case $(readlink -f "$foreign_file") in /opt/docker/*) continue ;; esac
    fi
    foreign="$foreign$foreign_file (left over: delete it), "
  done
}

# A daemon that runs from elsewhere. One inside of a container has a process namespace of its own and is nobody's business.
foreign_by_process() {
  foreign_links=
  for foreign_comm in "$SEALIFT_ROOT"/proc/[0-9]*/comm; do
    { read -r foreign_name; } 2>/dev/null <"$foreign_comm" || continue
    case $foreign_name in dockerd | containerd | snap-dockerd) ;; *) continue ;; esac
    foreign_folder=${foreign_comm%/comm}
    if foreign_in_container "$foreign_folder/status"; then continue; fi
    foreign_links="$foreign_links $foreign_folder/exe"
  done
  for foreign_link in $foreign_links; do
    foreign_program=$(readlink "$foreign_link" || true)
    case $foreign_program in
      "" | /opt/docker/*) ;;
      *)
        foreign_pid=${foreign_link%/exe}
        foreign="${foreign}process ${foreign_pid##*/} $foreign_program (stop and disable its unit), "
        ;;
    esac
  done
}

# $1 status file of a process. NSpid names one number for each process namespace it is in (proc_pid_status(5)).
foreign_in_container() {
  while read -r foreign_key _ foreign_inner; do
    if [ "$foreign_key" = NSpid: ]; then
      [ -n "$foreign_inner" ]
      return
    fi
  done <"$1"
  return 1
}

# What containers need of the kernel (moby contrib/check-config.sh, 29.7.2), seen without loading anything.

# Fact: the kernel has these modules: loaded, built in, or as files that could be loaded.
# $@ modules by the names of /sys/module; "a|b" is satisfied by either
check_kernel_modules() {
  modules_asked=
  modules_first=
  for modules_name; do
    if ! modules_any loaded "$modules_name"; then
      modules_asked="$modules_asked $modules_name"
      modules_first="$modules_first ${modules_name%%"|"*}"
    fi
  done
  if [ -z "$modules_asked" ] || ! command -v modprobe >/dev/null; then return 0; fi # check_commands tells of modprobe
  # One dry run for all of them; one each only when that fails, to name what is missing.
  # shellcheck disable=SC2086
  if modprobe -n -q -a $modules_first; then return 0; fi
  modules_absent=
  for modules_name in $modules_asked; do
    if ! modules_any known "$modules_name"; then modules_absent="$modules_absent $modules_name"; fi
  done
  if [ -n "$modules_absent" ]; then
    read -r modules_release <"$SEALIFT_ROOT/proc/sys/kernel/osrelease"
    echo "kernel $modules_release has no$modules_absent"
    return 1
  fi
}

# modules_any loaded|known NAMES: whether one of the names, with | between them, is so.
modules_any() {
  modules_rest=$2
  while [ -n "$modules_rest" ]; do
    modules_one=${modules_rest%%"|"*}
    case $modules_rest in *"|"*) modules_rest=${modules_rest#*"|"} ;; *) modules_rest= ;; esac
    if [ -d "$SEALIFT_ROOT/sys/module/$modules_one" ]; then return 0; fi
    if [ "$1" = known ] && modprobe -n -q "$modules_one"; then return 0; fi
  done
  return 1
}

# Fact: namespaces, seccomp, keys, POSIX message queues and control groups by BPF are in the kernel.
# Each shows in /proc but the last, which only the kernel's configuration tells; without one it is taken for granted.
check_kernel_features() {
  features_absent=
  for features_pair in self/ns/net:NET_NS self/ns/pid:PID_NS self/ns/ipc:IPC_NS self/ns/uts:UTS_NS self/ns/mnt:NAMESPACES \
    sys/kernel/seccomp:SECCOMP sys/kernel/keys:KEYS sys/fs/mqueue:POSIX_MQUEUE; do
    features_path=$SEALIFT_ROOT/proc/${features_pair%:*}
    # A link of self/ns leads nowhere that a path could name.
    if [ ! -e "$features_path" ] && [ ! -L "$features_path" ]; then
      features_absent="$features_absent ${features_pair#*:}"
    fi
  done
  read -r features_release <"$SEALIFT_ROOT/proc/sys/kernel/osrelease"
  features_config=$SEALIFT_ROOT/boot/config-$features_release
  if [ -r "$features_config" ]; then
    if ! grep -q '^CONFIG_CGROUP_BPF=y' "$features_config"; then features_absent="$features_absent CGROUP_BPF"; fi
  elif [ -r "$SEALIFT_ROOT/proc/config.gz" ]; then
    if ! gzip -dc "$SEALIFT_ROOT/proc/config.gz" | grep -q '^CONFIG_CGROUP_BPF=y'; then
      features_absent="$features_absent CGROUP_BPF"
    fi
  fi
  if [ -n "$features_absent" ]; then
    echo "kernel $features_release lacks$features_absent"
    return 1
  fi
}

# Fact: cgroup v2 is mounted and hands out these controllers.
# $@ controllers
check_cgroup() {
  cgroup_file=$SEALIFT_ROOT/sys/fs/cgroup/cgroup.controllers
  if [ ! -e "$cgroup_file" ]; then
    echo "no cgroup v2 at /sys/fs/cgroup"
    return 1
  fi
  cgroup_has=
  read -r cgroup_has <"$cgroup_file" || true
  cgroup_absent=
  for cgroup_name; do
    case " $cgroup_has " in *" $cgroup_name "*) ;; *) cgroup_absent="$cgroup_absent $cgroup_name" ;; esac
  done
  if [ -n "$cgroup_absent" ]; then
    echo "cgroup v2 without the controllers$cgroup_absent"
    return 1
  fi
}

# Fact: iptables answers, and where its nat table is loaded already, lists it. A table that is not loaded is left so:
# listing it would load it.
check_iptables() {
  if ! command -v iptables >/dev/null; then return 0; fi # told by check_commands
  iptables_version=$(timeout 10 iptables --version 2>&1) || {
    echo "iptables --version: $iptables_version"
    return 1
  }
  case $iptables_version in
    *nf_tables*) if [ ! -d "$SEALIFT_ROOT/sys/module/nf_tables" ]; then return 0; fi ;;
    *) if [ ! -d "$SEALIFT_ROOT/sys/module/iptable_nat" ]; then return 0; fi ;;
  esac
  iptables_said=$(timeout 20 iptables -w 10 -t nat -S 2>&1) || {
    echo "$iptables_version cannot list its nat table: $iptables_said"
    return 1
  }
}

# The network that containers will have beside the host's own.

# Fact: nothing listens on these TCP ports.
# $@ port numbers
check_ports_free() {
  # The fourth column is the state, 0A is LISTEN; the port is hexadecimal (proc_net_tcp, kernel documentation).
  ports_found=$(awk -v wanted="$*" '
    BEGIN { count = split(wanted, list, " "); for (at = 1; at <= count; at++) want[sprintf("%04X", list[at])] = list[at] }
    $4 == "0A" { sub(/.*:/, "", $2); if ($2 in want && !seen[$2]++) print want[$2] }' \
    "$SEALIFT_ROOT/proc/net/tcp" "$SEALIFT_ROOT/proc/net/tcp6" 2>/dev/null || true)
  if [ -z "$ports_found" ]; then return 0; fi
  ports_text=
  for ports_one in $ports_found; do
    ports_user=$(ss -Hltnp "sport = :$ports_one" 2>/dev/null |
      sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/\1, pid \2/p' | head -n 1 || true)
    ports_text="$ports_text $ports_one (${ports_user:-by somebody}),"
  done
  echo "in use:${ports_text%,}"
  return 1
}

# Fact: the host's network carries packets of this size: the default route's card, or all with a route when there is none.
# $1 bytes
check_mtu() {
  mtu_cards=
  mtu_default=
  while read -r mtu_card mtu_to _; do
    case $mtu_card in Iface | docker* | br-* | veth*) continue ;; esac
    if [ "$mtu_to" = 00000000 ]; then mtu_default="$mtu_default $mtu_card"; fi
    mtu_cards="$mtu_cards $mtu_card"
  done <"$SEALIFT_ROOT/proc/net/route"
  for mtu_card in ${mtu_default:-$mtu_cards}; do
    mtu_has=
    { read -r mtu_has; } 2>/dev/null <"$SEALIFT_ROOT/sys/class/net/$mtu_card/mtu" || continue
    if [ "$mtu_has" -lt "$1" ]; then
      echo "$mtu_card carries $mtu_has bytes, containers would send $1"
      return 1
    fi
  done
}

# Fact: there is a name server that containers can reach: one that is not on the loopback of the host. Where systemd-resolved
# stands in between, the engine reads its list (moby libnetwork/internal/resolvconf, 29.7.2), so that is what counts.
check_resolver() {
  resolver_file=$SEALIFT_ROOT/etc/resolv.conf
  resolver_servers
  if [ "$resolver_found" = " 127.0.0.53" ]; then
    resolver_file=$SEALIFT_ROOT/run/systemd/resolve/resolv.conf
    resolver_servers
  fi
  for resolver_one in $resolver_found; do
    case $resolver_one in 127.* | ::1) ;; *) return 0 ;; esac
  done
  echo "${resolver_file#"$SEALIFT_ROOT"} names${resolver_found:- no name server}"
  return 1
}

# Sets resolver_found: the name servers of resolver_file, each with a blank before it.
resolver_servers() {
  resolver_found=
  if [ ! -r "$resolver_file" ]; then return 0; fi
  while read -r resolver_key resolver_one _ || [ -n "$resolver_key" ]; do
    if [ "$resolver_key" = nameserver ]; then resolver_found="$resolver_found $resolver_one"; fi
    resolver_key=
  done <"$resolver_file"
}

# Fact: no other firewall is on. Published ports pass ufw by; firewalld and a reload of nftables.service take Docker's rules
# away.
check_firewall() {
  firewall_found=
  if [ -r "$SEALIFT_ROOT/etc/ufw/ufw.conf" ]; then
    while read -r firewall_line || [ -n "$firewall_line" ]; do
      case $firewall_line in ENABLED=[Yy]*) firewall_found="$firewall_found ufw is on," ;; esac
      firewall_line=
    done <"$SEALIFT_ROOT/etc/ufw/ufw.conf"
  fi
  # A unit that runs has a control group.
  if [ -d "$SEALIFT_ROOT/sys/fs/cgroup/system.slice/firewalld.service" ]; then
    firewall_found="$firewall_found firewalld runs,"
  fi
  if [ -L "$SEALIFT_ROOT/etc/systemd/system/sysinit.target.wants/nftables.service" ]; then
    firewall_found="$firewall_found nftables.service is enabled,"
  fi
  if [ -n "$firewall_found" ]; then
    firewall_found=${firewall_found# }
    echo "${firewall_found%,}"
    return 1
  fi
}

# Fact: the host knows its own name without asking the network.
check_hostname() {
  read -r hostname_own <"$SEALIFT_ROOT/proc/sys/kernel/hostname"
  if [ -r "$SEALIFT_ROOT/etc/hosts" ]; then
    while read -r hostname_address hostname_names || [ -n "$hostname_address" ]; do
      case $hostname_address in "#"*) continue ;; esac
      case " ${hostname_names%%"#"*} " in *[[:space:]]"$hostname_own"[[:space:]]*) return 0 ;; esac
      hostname_address=
    done <"$SEALIFT_ROOT/etc/hosts"
  fi
  if [ -r "$SEALIFT_ROOT/etc/nsswitch.conf" ]; then
    while read -r hostname_key hostname_sources || [ -n "$hostname_key" ]; do
      case $hostname_key-$hostname_sources in hosts:-*myhostname*) return 0 ;; esac
      hostname_key=
    done <"$SEALIFT_ROOT/etc/nsswitch.conf"
  fi
  echo "$hostname_own is not in /etc/hosts"
  return 1
}

# The networks that the engine will give to containers, against those that the host has to reach.

# Fact: no network that the host has a route to overlaps these pools.
# $@ pools as a.b.c.d/length
check_pools_free() {
  pools_found=
  pools_routes
  for pools_route in $pools_routed; do
    ipv4_range "${pools_route%@*}"
    pools_low=$ipv4_low
    pools_high=$ipv4_high
    for pools_one; do
      ipv4_range "$pools_one"
      if [ "$pools_low" -le "$ipv4_high" ] && [ "$ipv4_low" -le "$pools_high" ]; then
        pools_found="$pools_found pool $pools_one and route ${pools_route%@*} by ${pools_route#*@},"
      fi
    done
  done
  if [ -n "$pools_found" ]; then
    pools_found=${pools_found# }
    echo "${pools_found%,}"
    return 1
  fi
}

# Fact: the machine that this look comes from lies in no pool: the engine would answer it into a bridge of its own, and the
# login would be lost. A pool that overlaps a route of the host, such as the operator's own network, is told above.
# $@ pools as a.b.c.d/length
check_ssh_path() {
  ssh_client
  case $ssh_from in "" | *:*) return 0 ;; esac
  ipv4_range "$ssh_from/32"
  ssh_number=$ipv4_low
  ssh_pool=
  for ssh_one; do
    ipv4_range "$ssh_one"
    if [ "$ssh_number" -ge "$ipv4_low" ] && [ "$ssh_number" -le "$ipv4_high" ]; then ssh_pool=$ssh_one; fi
  done
  if [ -z "$ssh_pool" ]; then return 0; fi
  pools_routes
  for pools_route in $pools_routed; do
    ipv4_range "${pools_route%@*}"
    if [ "$ssh_number" -ge "$ipv4_low" ] && [ "$ssh_number" -le "$ipv4_high" ]; then return 0; fi
  done
  echo "this login comes from $ssh_from, which lies in pool $ssh_pool"
  return 1
}

# Sets pools_routed: words network@card, of every table, without the default route, without Docker's own bridges.
pools_routes() {
  pools_routed=
  pools_said=$(ip -4 route show table all 2>/dev/null || true)
  while read -r pools_to pools_rest; do
    case $pools_to in
      "" | default | local | broadcast | multicast | nat) continue ;;
      unicast | unreachable | blackhole | prohibit | throw)
        pools_kind=$pools_to
        pools_to=${pools_rest%% *}
        pools_rest="dev $pools_kind $pools_rest"
        ;;
    esac
    case $pools_to in default | 0.0.0.0/0 | 127.*) continue ;; *.*.*.*) ;; *) continue ;; esac
    case $pools_rest in *"dev "*) ;; *) pools_rest="dev several" ;; esac
    pools_card=${pools_rest##*dev }
    pools_card=${pools_card%% *}
    case $pools_card in docker0 | docker_gwbridge | br-???????????? | veth*) continue ;; esac
    case $pools_to in */*) ;; *) pools_to=$pools_to/32 ;; esac
    pools_routed="$pools_routed $pools_to@$pools_card"
  done <<EOF
$pools_said
EOF
}

# Sets ssh_from: the address of the ssh client, empty without one. sudo takes SSH_CONNECTION out of the environment, the
# processes between sshd and here still have it. The shell's read drops the zero bytes that separate the variables.
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
  while read -r ssh_text || [ -n "$ssh_text" ]; do
    case $ssh_text in
      *SSH_CONNECTION=*)
        ssh_text=${ssh_text#*SSH_CONNECTION=}
        ssh_from=${ssh_text%% *}
        return 0
        ;;
    esac
    ssh_text=
  done <"/proc/$1/environ"
}

# ipv4_range A.B.C.D/LENGTH: sets ipv4_low and ipv4_high, the first and last address as numbers.
ipv4_range() {
  ipv4_rest=${1%/*}.
  ipv4_low=0
  while [ -n "$ipv4_rest" ]; do
    ipv4_low=$((ipv4_low * 256 + ${ipv4_rest%%.*}))
    ipv4_rest=${ipv4_rest#*.}
  done
  ipv4_size=$((1 << (32 - ${1#*/})))
  ipv4_low=$((ipv4_low / ipv4_size * ipv4_size))
  ipv4_high=$((ipv4_low + ipv4_size - 1))
}

# What has to hold before anything is changed. Checks only: nothing here has an apply, and nothing is loaded or written.
# They run on every host at every look, so they read /proc and /sys with the shell's own means: a process costs 40 ms on a
# slow host. SEALIFT_ROOT stands before every path they read; it is empty but in tests, which lay out other systems in it.

SEALIFT_ROOT=

# Fact: the operating system is one that Sealift supports.
# $@ supported systems as ID:VERSION_ID of os-release(5)
check_os() {
  # shellcheck source=/dev/null
  os_found=$(. "$SEALIFT_ROOT/etc/os-release" && echo "$ID:${VERSION_ID:-unversioned}")
  for os_wanted; do
    if [ "$os_found" = "$os_wanted" ]; then return 0; fi
  done
  echo "$os_found"
  return 1
}

# Fact: the processor is of this architecture.
# $1 architecture in Docker's words
check_architecture() {
  case $(uname -m) in
    x86_64) architecture=amd64 ;;
    aarch64) architecture=arm64 ;;
    *) architecture=$(uname -m) ;;
  esac
  echo "$architecture"
  [ "$architecture" = "$1" ]
}

# Fact: the commands that the phases call are there, and systemd runs the host.
# $@ commands
check_commands() {
  commands_absent=
  for commands_name; do
    if ! command -v "$commands_name" >/dev/null; then commands_absent="$commands_absent $commands_name"; fi
  done
  if [ ! -d /run/systemd/system ]; then commands_absent="$commands_absent systemd-as-init"; fi
  if [ -n "$commands_absent" ]; then
    echo "absent:$commands_absent"
    return 1
  fi
}


# Room, and the right to run, where things will be put.

# Fact: there is room for what is not there yet, on every file system together, and 1,000 free inodes on each.
# $@ MiB:PATH:DONE: how much goes to PATH unless DONE is there already ("-": it always goes there); a relative path counts
# from the login's home
check_space() {
  space_need=
  for space_item; do
    space_mib=${space_item%%:*}
    space_rest=${space_item#*:}
    space_path=${space_rest%%:*}
    space_done=${space_rest#*:}
    if [ "$space_done" != - ] && [ -e "$space_done" ]; then continue; fi
    # What will hold it, as long as it is not there itself.
    while [ ! -d "$space_path" ]; do
      case $space_path in
        /*/*) space_path=${space_path%/*} ;;
        /*) space_path=/ ;;
        *) space_path=. ;;
      esac
    done
    space_need="$space_need$space_mib $space_path
"
  done
  if [ -z "$space_need" ]; then return 0; fi
  space_lack "$space_need"
}

# space_lack NEED: adds up by file system and compares; NEED has lines "MiB path".
space_lack() {
  space_paths=
  while read -r space_mib space_path; do
    if [ -n "$space_mib" ]; then space_paths="$space_paths $space_path"; fi
  done <<EOF
$1
EOF
  # One process for all paths: name, id of the file system, block size, free blocks, all inodes, free inodes.
  # shellcheck disable=SC2086
  { printf '%s' "$1" && echo stat: && stat -f -c '%n %i %S %a %c %d' $space_paths; } | awk '
    $0 == "stat:" { listed = 1; next }
    !listed { need[NR] = $1; next }
    {
      at++; id = $2; asked[id] += need[at]; place[id] = place[id] " " $1
      free[id] = int($3 * $4 / 1048576); inodes[id] = $5; left[id] = $6
    }
    END {
      for (id in asked) {
        if (free[id] < asked[id]) text = text ", on" place[id] " " free[id] " MiB are free and " asked[id] " MiB will be written"
        if (inodes[id] > 0 && left[id] < 1000) text = text ", on" place[id] " " left[id] " inodes are free"
      }
      if (text != "") { print substr(text, 3); exit 1 }
    }'
}

# Fact: programs can be put here and run.
# $@ absolute paths
check_mount_runs() {
  # The last of the longest mount points that a path is below is the one that counts.
  awk -v wanted="$*" '
    BEGIN { count = split(wanted, path, " ") }
    {
      folder = $2 == "/" ? "/" : $2 "/"
      for (at = 1; at <= count; at++)
        if (index(path[at] "/", folder) == 1 && length($2) >= length(point[at])) { point[at] = $2; options[at] = "," $4 "," }
    }
    END {
      for (at = 1; at <= count; at++) {
        if (options[at] ~ /,noexec,/) text = text ", " path[at] " is on " point[at] ", mounted noexec"
        if (options[at] ~ /,ro,/) text = text ", " path[at] " is on " point[at] ", mounted read-only"
      }
      if (text != "") { print substr(text, 3); exit 1 }
    }' "$SEALIFT_ROOT/proc/self/mounts"
}

# Fact: there is this much memory.
# $1 MiB, as /proc/meminfo counts: a machine with 1 GiB shows less
check_memory() {
  while read -r memory_key memory_kib _; do
    if [ "$memory_key" = MemTotal: ]; then break; fi
  done <"$SEALIFT_ROOT/proc/meminfo"
  if [ "$memory_kib" -lt $(($1 * 1024)) ]; then
    echo "$((memory_kib / 1024)) MiB"
    return 1
  fi
}

# Settings of the kernel.

# Fact: the kernel's settings are not tighter than containers can live with.
check_sysctls() {
  sysctls_found=
  sysctls_read fs.inotify.max_user_instances fs.inotify.max_user_watches vm.max_map_count \
    net.bridge.bridge-nf-call-iptables net.ipv4.conf.all.rp_filter
  for sysctls_pair in $sysctls_values; do
    sysctls_value=${sysctls_pair#*=}
    case $sysctls_pair in
      # The kernel's own defaults: less was asked for by somebody.
      fs.inotify.max_user_instances=*) sysctls_floor 128 ;;
      fs.inotify.max_user_watches=*) sysctls_floor 8192 ;;
      vm.max_map_count=*) sysctls_floor 65530 ;;
      net.bridge.bridge-nf-call-iptables=0) sysctls_say "1, or rules between containers count for nothing" ;;
      net.ipv4.conf.all.rp_filter=1) if sysctls_several_cards; then sysctls_say "2 where there are several network cards"; fi ;;
    esac
  done
  sysctls_forwarding
  if [ -n "$sysctls_found" ]; then
    echo "${sysctls_found%, }"
    return 1
  fi
}

# sysctls_read NAME...: sets sysctls_values, a word NAME=VALUE for each that the kernel has. The shell's own read takes one
# byte at a time, and the kernel hands out no more than the first of a number that way; hence one cat for all.
sysctls_read() {
  sysctls_files=
  sysctls_names=
  for sysctls_name; do
    sysctls_file=$SEALIFT_ROOT/proc/sys
    sysctls_rest=$sysctls_name.
    while [ -n "$sysctls_rest" ]; do
      sysctls_file=$sysctls_file/${sysctls_rest%%.*}
      sysctls_rest=${sysctls_rest#*.}
    done
    if [ -r "$sysctls_file" ]; then
      sysctls_files="$sysctls_files $sysctls_file"
      sysctls_names="$sysctls_names $sysctls_name"
    fi
  done
  sysctls_values=
  # shellcheck disable=SC2046,SC2086
  if [ -n "$sysctls_files" ]; then set -- $(cat $sysctls_files); fi
  for sysctls_name in $sysctls_names; do
    sysctls_values="$sysctls_values $sysctls_name=$1"
    shift
  done
}

# sysctls_floor LEAST: tells the pair at hand when it is less.
sysctls_floor() {
  if [ "$sysctls_value" -lt "$1" ]; then sysctls_say "$1 or more"; fi
}

# sysctls_say WANTED
sysctls_say() {
  sysctls_found="$sysctls_found$sysctls_pair (wants $1), "
}

# Whether there is more than one network card of its own: those have a device, bridges and the like have none.
sysctls_several_cards() {
  sysctls_count=0
  for sysctls_card in "$SEALIFT_ROOT"/sys/class/net/*/device; do
    if [ -e "$sysctls_card" ]; then sysctls_count=$((sysctls_count + 1)); fi
  done
  [ "$sysctls_count" -gt 1 ]
}

# The daemon switches forwarding on when it starts; a file that says 0 switches it off again at the next `sysctl --system`.
sysctls_forwarding() {
  for sysctls_file in "$SEALIFT_ROOT"/etc/sysctl.conf "$SEALIFT_ROOT"/etc/sysctl.d/*.conf; do
    if [ ! -r "$sysctls_file" ]; then continue; fi
    while read -r sysctls_line || [ -n "$sysctls_line" ]; do
      case $sysctls_line in
        net.ipv4.ip_forward*0 | net/ipv4/ip_forward*0)
          sysctls_pair="${sysctls_file#"$SEALIFT_ROOT"} has $sysctls_line"
          sysctls_say "1, or no such line"
          ;;
      esac
    done <"$sysctls_file"
  done
}

# Who vouches for the registry: a CA that is made here and whose key never leaves. It can vouch for this registry's name and
# address only (ca-shape.sh), so that whoever trusts it trusts it for nothing else. A next one is told to clients long before it signs.

REGISTRY_ETC=/etc/sealift/registry

# Fact: this host has a CA for the registry, for its name and address alone; its key is root's. When it has less than two years
# left, when an earlier Sealift has made it, or when a person has made $REGISTRY_ETC/ca.renew, clients trust a next one beside it,
# which signs from the next certificate on.
# $1 host, $2 DNS name, $3 IPv4 address, $4 days before the end of the certificate in which another is made
check_registry_ca() {
  ca_decide "$2" "$3" "$4"
  if [ "$ca_todo" = nothing ]; then return 0; fi
  echo "$ca_why"
  return 1
}
apply_registry_ca() {
  ca_decide "$2" "$3" "$4"
  install -d -m 0755 "${REGISTRY_ETC%/*}" "$REGISTRY_ETC"
  case $ca_todo in
    create) ca_make ca "$@" ;;
    announce) ca_make next "$@" ;;
    take_over)
      mv "$REGISTRY_ETC/next.key" "$REGISTRY_ETC/ca.key"
      mv "$REGISTRY_ETC/next.crt" "$REGISTRY_ETC/ca.crt"
      rm -f "$REGISTRY_ETC/ca.renew"
      ;;
  esac
}
# What the clients of the registry have to know: each certificate as base64 of its DER, with a blank between.
value_registry_ca() {
  for ca_one in "$REGISTRY_ETC/ca.crt" "$REGISTRY_ETC/next.crt"; do
    if [ ! -e "$ca_one" ]; then continue; fi
    authority_base64 "$ca_one"
    echo
  done | paste -s -d ' '
}

# ca_decide NAME ADDRESS DAYS: sets ca_todo to nothing, create, announce or take_over, and ca_why to what was found.
ca_decide() {
  ca_todo=nothing
  # A certificate is good for a year and must end before what signed it.
  if ! ca_right ca "$1" "$2" 365; then
    ca_found=$ca_why
    ca_todo=create
    if ca_right next "$1" "$2" 365; then ca_todo=take_over; fi
    ca_why=$ca_found
    return 0
  fi
  ca_now=$ca_is
  if ! ca_right next "$1" "$2" 730; then
    if [ -e "$REGISTRY_ETC/ca.renew" ]; then
      ca_why="$REGISTRY_ETC/ca.renew asks for a new CA"
      ca_todo=announce
    elif [ "$ca_now" = earlier ]; then
      ca_why="ca.crt is of an earlier Sealift: it vouches for names below $1, for mail and for clients too"
      ca_todo=announce
    elif ! ca_why=$(valid_for "$REGISTRY_ETC/ca.crt" 730); then
      ca_todo=announce
    fi
    return 0
  fi
  # Every client has been told by the run that made it, or by the next one that reached it.
  if [ -z "$(find "$REGISTRY_ETC/next.crt" -mmin +1440)" ]; then return 0; fi
  if [ ! -e "$REGISTRY_ETC/ca.renew" ] && [ "$ca_now" = right ] && valid_for "$REGISTRY_ETC/server.crt" "$3" >/dev/null 2>&1; then return 0; fi
  ca_why="clients have known the next CA since $(date -u -r "$REGISTRY_ETC/next.crt" +%Y-%m-%d); the one that signs is still the old"
  ca_todo=take_over
}

# ca_right WHICH NAME ADDRESS DAYS: whether it is as it should be, and for so many days more; sets ca_is to right or earlier, or
# ca_why to what is not as it should be. Only the one that signs may be of an earlier Sealift.
ca_right() {
  if ! ca_why=$(key_right "$1" '%U %a' "root 600"); then return 1; fi
  ca_is=$(ca_shape "$(authority_base64 "$REGISTRY_ETC/$1.crt")" "$2" "$3")
  case $1-$ca_is in
    *-right | ca-earlier) ;;
    *)
      ca_why="$1.crt can vouch for something else than $2 and $3"
      return 1
      ;;
  esac
  ca_why=$(valid_for "$REGISTRY_ETC/$1.crt" "$4")
}

# ca_make WHICH HOST NAME ADDRESS: good for ten years.
ca_make() {
  (
    umask 077
    openssl ecparam -name prime256v1 -genkey -noout -out "$REGISTRY_ETC/$1.key.new"
  )
  openssl req -x509 -new -key "$REGISTRY_ETC/$1.key.new" -sha256 -days 3650 -out "$REGISTRY_ETC/$1.crt.new" -config /dev/stdin <<END
[req]
prompt = no
distinguished_name = name
x509_extensions = ca
[name]
CN = Sealift registry $3 on $2
[ca]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
nameConstraints = critical, permitted;DNS:$3, permitted;IP:$4/255.255.255.255, permitted;email:invalid, permitted;URI:invalid, excluded;DNS:.$3
END
  chmod 0644 "$REGISTRY_ETC/$1.crt.new"
  sync "$REGISTRY_ETC/$1.key.new" "$REGISTRY_ETC/$1.crt.new"
  mv "$REGISTRY_ETC/$1.key.new" "$REGISTRY_ETC/$1.key"
  mv "$REGISTRY_ETC/$1.crt.new" "$REGISTRY_ETC/$1.crt"
}

# The certificate that the registry shows, signed by the CA of its host.

# Fact: the registry's certificate is the CA's, for its name and address, and valid for some days more.
# $1 DNS name, $2 IPv4 address, $3 days
check_registry_certificate() {
  if ! key_right server '%U %G %a' "root $REGISTRY_USER 640"; then return 1; fi
  valid_for "$REGISTRY_ETC/server.crt" "$3"
  for certificate_what in "-verify_hostname $1" "-verify_ip $2"; do
    # shellcheck disable=SC2086 # an option and its value
    if ! certificate_found=$(openssl verify -CAfile "$REGISTRY_ETC/ca.crt" -purpose sslserver $certificate_what "$REGISTRY_ETC/server.crt" 2>&1); then
      certificate_found=${certificate_found##*: }
      echo "not good for ${certificate_what#* }: ${certificate_found%%"$SEALIFT_LINE_END"*}"
      return 1
    fi
  done
}
apply_registry_certificate() {
  (
    umask 077
    openssl ecparam -name prime256v1 -genkey -noout -out "$REGISTRY_ETC/server.key.new"
  )
  openssl req -new -key "$REGISTRY_ETC/server.key.new" -subj "/CN=$1" -out "$REGISTRY_ETC/server.csr" -config /dev/stdin <<END
[req]
distinguished_name = name
[name]
END
  # A year; Sealift renews it when less than $3 days are left.
  openssl x509 -req -in "$REGISTRY_ETC/server.csr" -CA "$REGISTRY_ETC/ca.crt" -CAkey "$REGISTRY_ETC/ca.key" -sha256 \
    -set_serial "0x$(openssl rand -hex 16)" -days 365 -out "$REGISTRY_ETC/server.crt.new" -extfile /dev/stdin <<END
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:$1, IP:$2
END
  rm "$REGISTRY_ETC/server.csr"
  chown "root:$REGISTRY_USER" "$REGISTRY_ETC/server.key.new"
  chmod 0640 "$REGISTRY_ETC/server.key.new"
  chmod 0644 "$REGISTRY_ETC/server.crt.new"
  sync "$REGISTRY_ETC/server.key.new" "$REGISTRY_ETC/server.crt.new"
  mv "$REGISTRY_ETC/server.key.new" "$REGISTRY_ETC/server.key"
  mv "$REGISTRY_ETC/server.crt.new" "$REGISTRY_ETC/server.crt"
}

# key_right NAME FORMAT EXPECTED: whether the key is whose it should be, in stat's FORMAT, and the certificate is of it; says what
# is not.
key_right() {
  key_found=$(stat -c "$2" "$REGISTRY_ETC/$1.key" 2>/dev/null || echo absent)
  if [ "$key_found" != "$3" ]; then
    echo "$REGISTRY_ETC/$1.key: $key_found"
    return 1
  fi
  if [ ! -s "$REGISTRY_ETC/$1.crt" ] || [ "$(openssl x509 -in "$REGISTRY_ETC/$1.crt" -noout -pubkey 2>/dev/null)" != "$(openssl pkey -in "$REGISTRY_ETC/$1.key" -pubout 2>/dev/null)" ]; then
    echo "$REGISTRY_ETC/$1.crt is absent, or not of $1.key"
    return 1
  fi
}

# valid_for CERTIFICATE DAYS: whether it is valid now and in so many days; says until when when it is not.
valid_for() {
  if openssl x509 -in "$1" -noout -checkend "$(($2 * 86400))" >/dev/null; then return 0; fi
  valid_end=$(openssl x509 -in "$1" -noout -enddate)
  echo "${1##*/} ends on ${valid_end#*=}, less than $2 days from now"
  return 1
}

# The login of the writer. Its password is made here and stays here.

# Fact: who may write has a password that was made here; the registry has only its hash.
check_registry_credential() {
  credential_found=$(stat -c '%U %G %a' "$REGISTRY_ETC/netrc" "$REGISTRY_ETC/htpasswd" 2>/dev/null || true)
  if [ "$credential_found" != "root root 600${SEALIFT_LINE_END}root $REGISTRY_USER 640" ]; then
    echo "netrc or htpasswd in $REGISTRY_ETC is absent, or not for root alone"
    return 1
  fi
  if ! credential_fits; then
    echo "htpasswd is not of the password"
    return 1
  fi
}
# $1 DNS name
apply_registry_credential() {
  install -d -m 0755 "$REGISTRY_ETC"
  (
    umask 077
    if [ ! -s "$REGISTRY_ETC/netrc" ]; then
      printf 'machine %s login sealift password %s\n' "$1" "$(openssl rand -hex 32)" >"$REGISTRY_ETC/netrc.new"
      mv "$REGISTRY_ETC/netrc.new" "$REGISTRY_ETC/netrc"
    fi
    # bcrypt is worked out at every request (distribution#3017); 256 random bits need no more than cost 5.
    credential_salt=$(openssl rand -base64 48 | tr -dc 'A-Za-z0-9' | cut -c 1-21)
    credential_password |
      perl -e 'chomp(my $p = <STDIN>); print "sealift:", crypt($p, $ARGV[0]), "\n"' "\$2y\$05\$${credential_salt}u" >"$REGISTRY_ETC/htpasswd.new"
  )
  chown root:root "$REGISTRY_ETC/netrc"
  chmod 0600 "$REGISTRY_ETC/netrc"
  chown "root:$REGISTRY_USER" "$REGISTRY_ETC/htpasswd.new"
  chmod 0640 "$REGISTRY_ETC/htpasswd.new"
  mv "$REGISTRY_ETC/htpasswd.new" "$REGISTRY_ETC/htpasswd"
}
# The password, on a pipe: it is never an argument.
credential_password() { sed 's/.* password //' "$REGISTRY_ETC/netrc"; }
credential_fits() {
  {
    credential_password
    sed 's/^sealift://' "$REGISTRY_ETC/htpasswd"
  } | perl -e 'chomp(my ($p, $hash) = (<STDIN>)[0, 1]); exit(length($hash) == 60 && crypt($p, $hash) eq $hash ? 0 : 1)'
}

# CNCF Distribution as one static program: versions side by side in /opt/registry, one symlink says which runs; its system
# user, and where it keeps its files.

REGISTRIES=/opt/registry
REGISTRY_USER=sealift-registry

# Fact: /opt/registry/<version>/bin/registry is the program of the lock, byte for byte, and the one that runs next.
# $1 version, $2 sha256 of the archive, $3 path of the program in the archive, $4 its sha256
check_registry_program() {
  program_path=$REGISTRIES/$1/bin/registry
  if [ ! -x "$program_path" ]; then
    echo "$program_path is absent"
    return 1
  fi
  hash_look "$program_path"
  if ! known_hash "$program_path" "$4"; then
    echo "$program_path is altered"
    return 1
  fi
  program_found=$(readlink "$REGISTRIES/current" || echo "no current version")
  if [ "$program_found" != "$1" ]; then
    echo "$program_found"
    return 1
  fi
}
apply_registry_program() {
  program_bin=$REGISTRIES/$1/bin
  install -d -m 0755 "$program_bin"
  hash_look "$program_bin/registry"
  if [ ! -x "$program_bin/registry" ] || ! known_hash "$program_bin/registry" "$4"; then
    # The bytes were checked when they arrived; they are checked again before they run.
    echo "$2  $SEALIFT_BLOBS/$2" | sha256sum -c --quiet
    timeout 300 tar -xzf "$SEALIFT_BLOBS/$2" -O "$3" >"$program_bin/registry.new"
    echo "$4  $program_bin/registry.new" | sha256sum -c --quiet
    chmod 0755 "$program_bin/registry.new"
    sync "$program_bin/registry.new"
    # A program for another processor, or a folder mounted noexec, is told before it goes live.
    if ! timeout 60 "$program_bin/registry.new" --version >/dev/null; then
      echo "$program_bin/registry.new does not run on this host"
      return 1
    fi
    mv "$program_bin/registry.new" "$program_bin/registry"
    remember_hash "$program_bin/registry" "$4"
  fi
  ln -sfn "$1" "$REGISTRIES/current.new"
  mv -T "$REGISTRIES/current.new" "$REGISTRIES/current"
}

# Fact: the registry has a system user of its own, who can log in nowhere.
check_registry_user() {
  if ! account /etc/passwd "$REGISTRY_USER"; then
    echo "no such user"
    return 1
  fi
  if [ "$FIELD_7" != /usr/sbin/nologin ]; then
    echo "shell $FIELD_7"
    return 1
  fi
}
apply_registry_user() {
  if account /etc/passwd "$REGISTRY_USER"; then
    usermod --shell /usr/sbin/nologin "$REGISTRY_USER"
  else
    useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$REGISTRY_USER"
  fi
}

# Fact: the registry's files lie on the volume that is mounted there, and what is sent arrives beside them.
# $1 mount point, $2 login that sends
check_registry_storage() {
  if ! mount_look "$1"; then
    echo "nothing mounted at $1"
    return 1
  fi
  storage_wanted="$REGISTRY_USER $REGISTRY_USER 750${SEALIFT_LINE_END}$2 700"
  storage_found=$(stat -c '%U %G %a' "$1/storage" 2>/dev/null || echo absent)$SEALIFT_LINE_END$(stat -c '%U %a' "$1/arriving" 2>/dev/null || echo absent)
  if [ "$storage_found" != "$storage_wanted" ]; then
    echo "$1/storage: ${storage_found%"$SEALIFT_LINE_END"*}, $1/arriving: ${storage_found#*"$SEALIFT_LINE_END"}"
    return 1
  fi
}
guard_registry_storage() {
  if mount_look "$1" && [ -d "$1/storage" ] && [ ! -d "$1/storage/docker" ] && [ -n "$(find "$1/storage" -mindepth 1 -print -quit)" ]; then
    refuse_because E_MOUNT_POINT "$1/storage holds files that are no registry's" "move them away"
  fi
}
apply_registry_storage() {
  guard_registry_storage "$@"
  if ! mount_look "$1"; then
    echo "nothing is mounted at $1"
    return 1
  fi
  install -d -o "$REGISTRY_USER" -g "$REGISTRY_USER" -m 0750 "$1/storage"
  # Files keep numbers, and on a new system disk the user may have got another one.
  chown -R "$REGISTRY_USER:$REGISTRY_USER" "$1/storage"
  install -d -o "$2" -m 0700 "$1/arriving"
}

# What is in the registry: the bundle, manifest by manifest, through the writer. Bytes arrive over ssh on the volume of the site's
# first registry; the others fetch them out of that one. What is in the registry already is neither sent nor fetched again.
# shellcheck disable=SC2154 # curl.sh sets web_…

# Fact: it is known which registry feeds this one, and its CA.
# $1 DNS name, $2 port of its reader, $3 its address, $4... its CA, and the next one if there is one, as base64 of DER, or
# "unknown" while it has not been made
check_registry_feeder() {
  if [ "$4" = unknown ]; then
    echo "the registry on $3 has not made its CA yet"
    return 1
  fi
  if [ "$(cat "$REGISTRY_ETC/feeder" 2>/dev/null)" != "$1 $2 $3" ]; then
    echo "$REGISTRY_ETC/feeder is absent or names another"
    return 1
  fi
  shift 3
  if [ "$(cat "$REGISTRY_ETC/feeder.crt" 2>/dev/null)" != "$(authority_text "$@")" ]; then
    echo "$REGISTRY_ETC/feeder.crt is absent or another"
    return 1
  fi
}
apply_registry_feeder() {
  if [ "$4" = unknown ]; then
    echo "the registry on $3 has not made its CA yet; run pulumi up again"
    return 1
  fi
  feeder_name=$1
  feeder_address=$3
  echo "$1 $2 $3" >"$REGISTRY_ETC/feeder.new"
  shift 3
  for feeder_ca; do
    if [ "$(ca_shape "$feeder_ca" "$feeder_name" "$feeder_address")" = other ]; then
      refuse_because E_REGISTRY_CA "the CA of the registry on $feeder_address can vouch for something else than $feeder_name and $feeder_address" \
        "find out who has changed that host"
    fi
  done
  authority_text "$@" >"$REGISTRY_ETC/feeder.crt.new"
  mv "$REGISTRY_ETC/feeder.crt.new" "$REGISTRY_ETC/feeder.crt"
  mv "$REGISTRY_ETC/feeder.new" "$REGISTRY_ETC/feeder"
}

# Fact: the registry has this manifest under this tag, and everything that it names.
# $1 mount point, $2 DNS name, $3 port of the writer, $4 repository, $5 tag, $6 media type, $7 sha256:bytes of the manifest,
# $8... sha256:bytes of each blob that it names
check_registry_manifest() {
  manifest_root=$1/storage/docker/registry/v2
  manifest_repository=$manifest_root/repositories/$4
  manifest_found=
  { read -r manifest_found || true; } 2>/dev/null <"$manifest_repository/_manifests/tags/$5/current/link" || true
  manifest_hex=${7%%:*}
  if [ "$manifest_found" != "sha256:$manifest_hex" ]; then
    echo "${manifest_found:-no such tag}"
    return 1
  fi
  shift 7
  if [ ! -s "$(registry_blob "$manifest_root" "$manifest_hex")" ]; then
    echo "the manifest sha256:$manifest_hex is lost"
    return 1
  fi
  for manifest_hex; do
    manifest_hex=${manifest_hex%%:*}
    if [ ! -s "$manifest_repository/_layers/sha256/$manifest_hex/link" ] || [ ! -s "$(registry_blob "$manifest_root" "$manifest_hex")" ]; then
      echo "the blob sha256:$manifest_hex is lost"
      return 1
    fi
  done
}
apply_registry_manifest() {
  seed_mount=$1
  seed_name=$2
  seed_port=$3
  seed_repository=$4
  seed_root=https://$2:$3/v2/$4
  seed_tag=$5
  seed_type=$6
  seed_manifest=$7
  shift 7
  for seed_blob; do
    seed_push_blob "$seed_blob"
  done
  seed_from "$seed_manifest" "manifests" "$seed_type"
  seed_answer=$(seed_curl "$seed_root/manifests/$seed_tag" --upload-file "$seed_file" --header "Content-Type: $seed_type" --write-out '\n%{http_code}')
  if [ "${seed_answer##*"$SEALIFT_LINE_END"}" != 201 ]; then
    echo "the writer refused the manifest of $seed_repository:$seed_tag: $seed_answer"
    return 1
  fi
  for seed_blob in "$@" "$seed_manifest"; do
    rm -f "$seed_mount/arriving/${seed_blob%%:*}"
  done
}

# registry_blob ROOT SHA256: where Distribution's filesystem driver keeps these bytes (registry/storage/paths.go, 3.1.2).
registry_blob() {
  blob_rest=${2#??}
  echo "$1/blobs/sha256/${2%"$blob_rest"}/$2/data"
}

# seed_from SHA256:BYTES WHAT [TYPE]: sets seed_file to where the bytes are on this host: arrived, in the registry under another name, or
# fetched from the registry that feeds this one, which has them among its blobs or, of that media type, among its manifests.
seed_from() {
  seed_hex=${1%%:*}
  seed_file=$seed_mount/arriving/$seed_hex
  if [ -f "$seed_file" ]; then return 0; fi
  seed_file=$(registry_blob "$seed_mount/storage/docker/registry/v2" "$seed_hex")
  if [ -f "$seed_file" ]; then return 0; fi
  if [ -e "$REGISTRY_ETC/feeder" ]; then
    seed_fetch "$@"
    return
  fi
  echo "sha256:$seed_hex did not arrive in $seed_mount/arriving; run pulumi up again, it is sent anew"
  return 1
}

# seed_fetch SHA256:BYTES WHAT [TYPE]: goes on where an earlier try was cut off; only the right bytes are kept.
seed_fetch() {
  read -r feeder_name feeder_port feeder_address <"$REGISTRY_ETC/feeder"
  seed_file=$seed_mount/arriving/$seed_hex
  # One that had come whole before the run was cut off: there is nothing more to ask for.
  if [ -f "$seed_file.part" ] && seed_arrived "$seed_hex"; then return 0; fi
  seed_status=0
  web_curl "$feeder_name:$feeder_port" "https://$feeder_name:$feeder_port/v2/$seed_repository/$2/sha256:$seed_hex" "${1#*:}" 3600 \
    --fail --continue-at - --retry 3 --connect-timeout 20 --speed-limit 1024 --speed-time 60 --output "$seed_file.part" \
    ${3:+--header "Accept: $3"} --cacert "$REGISTRY_ETC/feeder.crt" --capath /dev/null \
    --resolve "$feeder_name:$feeder_port:$feeder_address" || seed_status=$?
  if [ "$seed_status" -ne 0 ]; then
    # Refused, no way to go on from here, or too long (curl(1), EXIT CODES; 153 of the kernel): from the start next time.
    case $seed_status in 22 | 33 | 36 | 63 | 153) rm -f "$seed_file.part" ;; esac
    echo "the registry on $feeder_address did not give sha256:$seed_hex; run pulumi up again when it runs and has the bundle"
    return 1
  fi
  if seed_arrived "$seed_hex"; then return 0; fi
  rm "$seed_file.part"
  echo "what the registry on $feeder_address gave has sha256 ${seed_found%% *} and was removed"
  return 1
}

# seed_arrived SHA256: takes the bytes in seed_file.part when they are the right ones.
seed_arrived() {
  seed_found=$(sha256sum "$seed_file.part")
  if [ "${seed_found%% *}" != "$1" ]; then return 1; fi
  mv "$seed_file.part" "$seed_file"
}

# seed_push_blob SHA256:BYTES: HEAD, then POST and PUT of the distribution specification 1.1; the registry checks the digest. What
# was cut off left nothing but an upload that the registry throws away.
seed_push_blob() {
  if [ "$(seed_curl "$seed_root/blobs/sha256:${1%%:*}" --head --output /dev/null --write-out '%{http_code}')" = 200 ]; then return 0; fi
  seed_from "$1" blobs
  seed_answer=$(seed_curl "$seed_root/blobs/uploads/" --request POST --header 'Content-Length: 0' --dump-header - --write-out '\n%{http_code}')
  seed_place=$(printf '%s\n' "$seed_answer" | web_header location)
  if [ "${seed_answer##*"$SEALIFT_LINE_END"}" != 202 ]; then
    echo "the writer took no upload for $seed_repository: $seed_answer"
    return 1
  fi
  case $seed_place in
    /*) seed_place=https://$seed_name:$seed_port$seed_place ;;
  esac
  if ! web_url "$seed_name:$seed_port" "$seed_place"; then
    echo "the writer's answer to an upload is not followed: $web_refused"
    return 1
  fi
  case $seed_place in
    *\?*) seed_place="$seed_place&" ;;
    *) seed_place="$seed_place?" ;;
  esac
  seed_answer=$(seed_curl "${seed_place}digest=sha256:$seed_hex" --upload-file "$seed_file" --header 'Content-Type: application/octet-stream' --write-out '\n%{http_code}')
  if [ "${seed_answer##*"$SEALIFT_LINE_END"}" != 201 ]; then
    echo "the writer refused sha256:$seed_hex for $seed_repository: $seed_answer"
    return 1
  fi
}

# seed_curl URL OPTION...: as the writer's own user; the password stands in a file of root. Prints at most a short answer.
seed_curl() {
  seed_to=$1
  shift
  web_curl "$seed_name:$seed_port" "$seed_to" "$WEB_TEXT_MAX" 3600 --connect-timeout 20 --speed-limit 1 --speed-time 120 \
    --cacert "$REGISTRY_ETC/ca.crt" --capath /dev/null --netrc-file "$REGISTRY_ETC/netrc" --resolve "$seed_name:$seed_port:127.0.0.1" "$@" |
    web_text "$WEB_TEXT_MAX"
}

# The two processes: from which program, with what, and whether they answer.

# Fact: reader and writer run from this version, with this configuration and certificate; one answers, the other asks for a login.
# $1 version, $2 DNS name, $3 port of the reader, $4 port of the writer
check_registry_running() {
  for registry_role in reader writer; do
    if ! registry_process "$registry_role" "$1"; then
      echo "$registry_role: $registry_found"
      return 1
    fi
  done
  if ! registry_answers "$2" "$3" "$4"; then
    echo "$registry_found"
    return 1
  fi
}
guard_registry_running() {
  for registry_one in "reader $3" "writer $4" "reader $(($3 + 10))" "writer $(($4 + 10))"; do
    registry_port=${registry_one#* }
    registry_pid=$(systemctl show -P MainPID "sealift-registry-${registry_one% *}.service" 2>/dev/null || echo 0)
    registry_taker=$(ss -Hltnp "sport = :$registry_port" 2>/dev/null | head -n 1)
    case $registry_taker in
      '' | *"pid=$registry_pid,"*) continue ;;
      *users:*)
        registry_taker=${registry_taker#*users:((\"}
        registry_pid=${registry_taker#*pid=}
        registry_taker="${registry_taker%%\"*}, pid ${registry_pid%%,*}"
        ;;
      *) registry_taker=somebody ;;
    esac
    refuse_because E_PORT "port $registry_port is taken by $registry_taker" "stop it, or give the registry another port in the site file"
  done
}
apply_registry_running() {
  guard_registry_running "$@"
  for registry_role in reader writer; do
    if registry_process "$registry_role" "$1"; then continue; fi
    systemctl reset-failed "sealift-registry-$registry_role.service" 2>/dev/null || true
    timeout 60 systemctl restart "sealift-registry-$registry_role.service"
  done
  for registry_try in 1 1 1 2 2 3 5 5 5 5; do
    if registry_answers "$2" "$3" "$4"; then return 0; fi
    sleep "$registry_try"
  done
  echo "$registry_found; the log says:"
  journalctl -q -u 'sealift-registry-*' -n 8 -o cat --no-pager
  return 1
}

# registry_process ROLE VERSION: whether it runs, from what, and with what; sets registry_found when it does not.
registry_process() {
  registry_pid=$(systemctl show -P MainPID "sealift-registry-$1.service" 2>/dev/null || echo 0)
  if [ "$registry_pid" = 0 ]; then
    registry_found="not running"
    return 1
  fi
  registry_found=$(readlink "/proc/$registry_pid/exe" || true)
  if [ "$registry_found" != "$REGISTRIES/$2/bin/registry" ]; then
    registry_found="runs from $registry_found"
    return 1
  fi
  for registry_file in "$1.yml" server.crt; do
    if ! cmp -s "$REGISTRY_ETC/$registry_file" "/run/sealift-registry-$1/$registry_file"; then
      registry_found="runs with an earlier $registry_file"
      return 1
    fi
  done
}

# registry_answers NAME READER_PORT WRITER_PORT: by name and certificate, as clients see it, but on this host.
registry_answers() {
  registry_found=$(registry_ask "$1" "$2"):$(registry_ask "$1" "$3"):$(registry_ask "$1" "$3" --netrc-file "$REGISTRY_ETC/netrc")
  if [ "$registry_found" = 200:401:200 ]; then return 0; fi
  registry_found="the reader answers ${registry_found%%:*}, the writer ${registry_found#*:} (without and with login)"
  return 1
}
# registry_ask NAME PORT OPTION...: the status of its root.
registry_ask() {
  ask_name=$1
  ask_port=$2
  shift 2
  web_curl "$ask_name:$ask_port" "https://$ask_name:$ask_port/v2/" "$WEB_TEXT_MAX" 20 --output /dev/null --write-out '%{http_code}' "$@" \
    --cacert "$REGISTRY_ETC/ca.crt" --capath /dev/null --resolve "$ask_name:$ask_port:127.0.0.1" 2>/dev/null || true
}

# What earlier bundles brought goes when the site keeps only the last ones. Nothing else ever does: what no bundle brought
# stays, and so does all that a tag of somebody's still reaches.

# Fact: the registry remembers what this bundle brought, until it may go.
# $1 mount point, $2 serial of the bundle, $3... manifests, each as `repository sha256 tag`
check_registry_bundle() {
  bundle_file=$1/bundles/$2
  shift 2
  if ! printf '%s\n' "$@" | cmp -s - "$bundle_file"; then
    echo "$bundle_file is absent or another"
    return 1
  fi
}
apply_registry_bundle() {
  install -d -m 0755 "$1/bundles"
  bundle_file=$1/bundles/$2
  shift 2
  printf '%s\n' "$@" >"$bundle_file.new"
  sync "$bundle_file.new"
  mv "$bundle_file.new" "$bundle_file"
}

# Fact: the registry holds nothing that only bundles before the last ones brought.
# $1 mount point, $2 how many bundles stay, $3 serial of the bundle in use, which is one of them, $4 DNS name, $5 port of the reader,
# $6 port of the writer
check_registry_sweep() {
  sweep_look "$1" "$2" "$3"
  if [ -z "$sweep_old" ]; then return 0; fi
  sweep_names=$(echo "${sweep_old# }" | sed 's/ /, /g')
  if [ ! -s "$1/bundles/$3" ]; then
    echo "bundle $sweep_names goes when bundle $3 is in, but for what both have"
    return 1
  fi
  sweep_going "$1" | awk -v old="$sweep_names" -v keep="$2" '
    { count++; if (count <= 4) names = names (count > 1 ? ", " : "") $1 ":" $3 }
    END {
      printf "bundle %s is before the last %d, and %d manifests are of no other", old, keep, count
      if (count > 0) printf ": %s%s", names, (count > 4 ? ", …" : "")
      print ""
    }'
  return 1
}
apply_registry_sweep() {
  sweep_look "$1" "$2" "$3"
  # Without it, what the site runs on would count as nobody's.
  if [ ! -s "$1/bundles/$3" ]; then
    echo "what bundle $3 brought is not written down in $1/bundles: nothing is swept"
    return 1
  fi
  sweep_list=$(sweep_going "$1")
  # Nobody may write while it is found out what nobody names.
  systemctl stop sealift-registry-writer.service
  sweep_done=0
  sweep_remove "$1" "$sweep_list" || sweep_done=$?
  systemctl start sealift-registry-writer.service
  if [ "$sweep_done" != 0 ]; then return 1; fi
  sweep_pull "$1" "$4" "$5"
  for registry_try in 1 1 1 2 2 3 5 5 5 5; do
    if registry_answers "$4" "$5" "$6"; then break; fi
    sleep "$registry_try"
  done
  for sweep_serial in $sweep_old; do
    rm "$1/bundles/$sweep_serial"
  done
}

# sweep_look MOUNT KEEP SERIAL: sets sweep_old and sweep_kept, serials of bundles with a space before each.
sweep_look() {
  sweep_old=
  sweep_kept=" $3"
  sweep_left=$(($2 - 1))
  for sweep_serial in $(find "$1/bundles" -type f -name '[1-9]*' ! -name '*.new' -printf '%f\n' 2>/dev/null | sort -rn); do
    if [ "$sweep_serial" = "$3" ]; then continue; fi
    if [ "$sweep_left" -gt 0 ]; then
      sweep_kept="$sweep_kept $sweep_serial"
      sweep_left=$((sweep_left - 1))
    else
      sweep_old="$sweep_old $sweep_serial"
    fi
  done
}

# sweep_going MOUNT: the manifests of old bundles that no kept one has in the same repository.
sweep_going() {
  {
    for sweep_serial in $sweep_kept; do
      sed 's/^/kept /' "$1/bundles/$sweep_serial" 2>/dev/null || true
    done
    for sweep_serial in $sweep_old; do
      sed 's/^/old /' "$1/bundles/$sweep_serial"
    done
  } | awk '$1 == "kept" { kept[$2, $3] = 1; next } !(($2, $3) in kept) && !seen[$0]++ { print $2, $3, $4 }'
}

# sweep_remove MOUNT MANIFESTS: tags first, so that no tag leads nowhere when it is cut off; then what nothing names any more, and
# Distribution's own collector takes the bytes.
sweep_remove() {
  sweep_root=$1/storage/docker/registry/v2
  printf '%s\n' "$2" | while read -r sweep_repository sweep_hex sweep_tag; do
    if [ -z "$sweep_hex" ]; then continue; fi
    sweep_manifests=$sweep_root/repositories/$sweep_repository/_manifests
    sweep_found=$(cat "$sweep_manifests/tags/$sweep_tag/current/link" 2>/dev/null || true)
    if [ "$sweep_found" = "sha256:$sweep_hex" ]; then rm -r "$sweep_manifests/tags/$sweep_tag"; fi
  done
  printf '%s\n' "$2" | while read -r sweep_repository sweep_hex sweep_tag; do
    if [ -z "$sweep_hex" ] || sweep_named "$sweep_repository" "$sweep_hex"; then continue; fi
    rm -rf "$sweep_root/repositories/$sweep_repository/_manifests/revisions/sha256/$sweep_hex"
  done
  if ! sweep_said=$(runuser -u "$REGISTRY_USER" -- "$REGISTRIES/current/bin/registry" garbage-collect "$REGISTRY_ETC/writer.yml" 2>&1); then
    echo "the registry's collector failed: $(printf '%s\n' "$sweep_said" | tail -n 3)"
    return 1
  fi
}

# sweep_named REPOSITORY SHA256: whether a tag of the repository leads to this manifest, or to a list that has it.
sweep_named() {
  for sweep_link in "$sweep_root/repositories/$1/_manifests/tags"/*/current/link; do
    if [ ! -f "$sweep_link" ]; then continue; fi
    sweep_found=$(cat "$sweep_link")
    sweep_found=${sweep_found#sha256:}
    if [ "$sweep_found" = "$2" ] || grep -qF "$2" "$(registry_blob "$sweep_root" "$sweep_found")"; then return 0; fi
  done
  return 1
}

# sweep_pull MOUNT NAME PORT: reads all that kept bundles brought through the reader, as a host does, and hashes it.
sweep_pull() {
  for sweep_serial in $sweep_kept; do
    cat "$1/bundles/$sweep_serial" 2>/dev/null || true
  done | sort -u >"$1/bundles/.pull"
  sweep_seen=' '
  while read -r sweep_repository sweep_hex sweep_tag; do
    sweep_fetch "$2" "$3" "$sweep_repository" manifests "$sweep_hex"
    sweep_text=$(cat "$(registry_blob "$sweep_root" "$sweep_hex")")
    # What a list names is in the list of manifests itself.
    case $sweep_text in *'"manifests"'*) continue ;; esac
    for sweep_blob in $(printf '%s' "$sweep_text" | grep -oE '"digest": ?"sha256:[0-9a-f]{64}"' | grep -oE '[0-9a-f]{64}'); do
      case $sweep_seen in *" $sweep_blob "*) continue ;; esac
      sweep_seen="$sweep_seen$sweep_blob "
      sweep_fetch "$2" "$3" "$sweep_repository" blobs "$sweep_blob"
    done
  done <"$1/bundles/.pull"
  rm "$1/bundles/.pull"
}

# sweep_fetch NAME PORT REPOSITORY KIND SHA256
sweep_fetch() {
  sweep_bytes=$(stat -c %s "$(registry_blob "$sweep_root" "$5")")
  sweep_hash=$(web_curl "$1:$2" "https://$1:$2/v2/$3/$4/sha256:$5" "$sweep_bytes" 3600 --fail --connect-timeout 20 --speed-limit 1 --speed-time 120 \
    --header 'Accept: application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json' \
    --cacert "$REGISTRY_ETC/ca.crt" --capath /dev/null --resolve "$1:$2:127.0.0.1" 2>&1 | head -c "$((sweep_bytes + 1))" | sha256sum)
  if [ "${sweep_hash%% *}" = "$5" ]; then return 0; fi
  echo "sha256:$5 of $3, which stays, cannot be read as what it is ($(registry_blob "$sweep_root" "$5")): move it away and run pulumi up again, it is sent anew"
  return 1
}

# Two processes on the same files: a reader whom nobody has to log in to and who can change nothing, and a writer with a
# login. Distribution knows no rights of users, so this is what makes a host unable to push.

REGISTRY_UNITS=/etc/systemd/system

# Fact: configuration and units of reader and writer are the ones of this site.
# $1 mount point, $2 port of the reader, $3 port of the writer
check_registry_units() {
  registry_wrong=
  for_each_registry_file "$@" registry_file_compare
  for registry_role in reader writer; do
    if [ ! -L "$REGISTRY_UNITS/multi-user.target.wants/sealift-registry-$registry_role.service" ]; then
      registry_wrong="$registry_wrong sealift-registry-$registry_role.service is not started at boot"
    fi
  done
  if [ -n "$registry_wrong" ]; then
    echo "absent or altered:$registry_wrong"
    return 1
  fi
}
apply_registry_units() {
  for_each_registry_file "$@" registry_file_write
  systemctl daemon-reload
  systemctl enable --quiet sealift-registry-reader.service sealift-registry-writer.service
}
registry_file_compare() {
  if ! printf '%s' "$2" | cmp -s - "$1"; then registry_wrong="$registry_wrong $1"; fi
}
registry_file_write() {
  if printf '%s' "$2" | cmp -s - "$1"; then return 0; fi
  printf '%s' "$2" >"$1.new"
  mv "$1.new" "$1"
}

# for_each_registry_file MOUNT READER_PORT WRITER_PORT FUNCTION: calls FUNCTION with each path and the text that it has to hold.
for_each_registry_file() {
  "$4" "$REGISTRY_ETC/reader.yml" "$(registry_config "$1" "$2" 1)
  maintenance:
    readonly:
      enabled: true
"
  "$4" "$REGISTRY_ETC/writer.yml" "$(registry_config "$1" "$3" 2)
  delete:
    enabled: true
auth:
  htpasswd:
    realm: sealift
    path: $REGISTRY_ETC/htpasswd
"
  "$4" "$REGISTRY_UNITS/sealift-registry-reader.service" "$(registry_unit reader "$1" ReadOnlyPaths)$SEALIFT_LINE_END"
  "$4" "$REGISTRY_UNITS/sealift-registry-writer.service" "$(registry_unit writer "$1" ReadWritePaths)$SEALIFT_LINE_END"
}

# registry_config MOUNT PORT OFFSET: metrics are on loopback alone, ten ports above: they ask nobody for a login.
# It ends in storage, for what each role adds. No cache of descriptors: the reader has to see what the writer has just done.
registry_config() {
  cat <<END
# Made by Sealift.
version: 0.1
log:
  level: info
  accesslog:
    disabled: true
http:
  addr: :$2
  draintimeout: 30s
  tls:
    certificate: $REGISTRY_ETC/server.crt
    key: $REGISTRY_ETC/server.key
    minimumtls: tls1.2
  debug:
    addr: 127.0.0.1:$(($2 + 10))
    prometheus:
      enabled: true
      path: /metrics
storage:
  filesystem:
    rootdirectory: $1/storage
  redirect:
    disable: true
END
}

# registry_unit ROLE MOUNT PATHS: systemd.exec(5). The copies say which configuration and certificate a process has read.
registry_unit() {
  cat <<END
# Made by Sealift.
[Unit]
Description=Registry of the site, $1
Documentation=https://distribution.github.io/distribution
After=network.target
# Without its volume it would start on an empty folder of the root disk.
RequiresMountsFor=$2

[Service]
User=$REGISTRY_USER
Group=$REGISTRY_USER
RuntimeDirectory=sealift-registry-$1
RuntimeDirectoryMode=0700
ExecStartPre=/bin/cp $REGISTRY_ETC/$1.yml $REGISTRY_ETC/server.crt /run/sealift-registry-$1/
ExecStart=$REGISTRIES/current/bin/registry serve $REGISTRY_ETC/$1.yml
Environment=OTEL_TRACES_EXPORTER=none
Restart=always
RestartSec=2
LimitNOFILE=65536
UMask=0027
$3=$2/storage
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

[Install]
WantedBy=multi-user.target
END
}

# The registry's CAs on its clients: for the engine and for what fetches on the host, each in a file of its own. The system's
# store stays without them: it would believe them wherever anything on the host asks for a certificate.

TRUST_CERTS=/etc/docker/certs.d
TRUST_STORE=/usr/local/share/ca-certificates
TRUST_BUNDLE=/etc/ssl/certs/ca-certificates.crt

# Fact: the engine trusts the registry's CAs, no earlier ones of it, and each for its registry alone; the system trusts none of them.
# $1 name:port, $2... each CA's certificate as base64 of its DER, behind the address of the registry host that has made it and a
# colon; without them when the site file names it; or "unknown" while its host has not made it
check_registry_authority() {
  if [ "$2" = unknown ]; then
    echo "the registry has not made its CA yet"
    return 1
  fi
  authority_file=$TRUST_CERTS/$1/ca.crt
  shift
  if [ "$(cat "$authority_file" 2>/dev/null)" != "$(authority_pem "$@")" ]; then
    authority_changed "$authority_file" "$@"
    return 1
  fi
  for authority_one in "$TRUST_STORE"/sealift-registry-*.crt; do
    if [ -e "$authority_one" ]; then
      echo "the system trusts a CA of the registry: $authority_one"
      return 1
    fi
  done
}
guard_registry_authority() {
  authority_name=${1%:*}
  shift
  if [ "$1" = unknown ]; then return 0; fi
  for authority_one; do
    # What a person has named is as it is.
    case $authority_one in *:*) ;; *) continue ;; esac
    if [ "$(ca_shape "${authority_one#*:}" "$authority_name" "${authority_one%%:*}")" = other ]; then
      refuse_because E_REGISTRY_CA "the CA of the registry on ${authority_one%%:*} can vouch for something else than $authority_name and ${authority_one%%:*}" \
        "find out who has changed that host"
    fi
  done
}
apply_registry_authority() {
  guard_registry_authority "$@"
  if [ "$2" = unknown ]; then
    echo "the registry has not made its CA yet; run pulumi up again"
    return 1
  fi
  authority_folder=$TRUST_CERTS/$1
  shift
  for authority_one; do
    if ! authority_text "${authority_one#*:}" | openssl x509 -noout 2>/dev/null; then
      echo "what is to be trusted is no certificate"
      return 1
    fi
  done
  install -d -m 0755 "$authority_folder"
  authority_pem "$@" >"$authority_folder/ca.crt.new"
  mv "$authority_folder/ca.crt.new" "$authority_folder/ca.crt"
  for authority_one in "$TRUST_STORE"/sealift-registry-*.crt; do
    if [ ! -e "$authority_one" ]; then return 0; fi
  done
  # update-ca-certificates leaves its links to what is gone.
  rm -f "$TRUST_STORE"/sealift-registry-*.crt "${TRUST_BUNDLE%/*}"/sealift-registry-*.pem
  timeout 600 update-ca-certificates >/dev/null
}

# authority_pem WORD...: the certificates of such words, as PEM.
authority_pem() {
  for pem_one; do authority_text "${pem_one#*:}"; done
}

# authority_changed FILE WORD...: says what is in the file instead, so that nobody lets a registry show another CA unseen.
authority_changed() {
  changed_file=$1
  shift
  changed_found=$(authority_base64 "$changed_file" 2>/dev/null || true)
  if ! authority_text "$changed_found" | openssl x509 -noout 2>/dev/null; then
    echo "$changed_file is absent or another"
    return 0
  fi
  changed_shown=
  for changed_one; do changed_shown="$changed_shown, $(ca_sha256 "${changed_one#*:}")"; done
  case $changed_shown in
    *"$(ca_sha256 "$changed_found")"*) echo "$changed_file is absent or another: the registry has announced a next CA, or put an earlier one away" ;;
    *) echo "$changed_file is absent or another: this host has trusted the CA with sha256 $(ca_sha256 "$changed_found"), and the registry shows ${changed_shown#, } now" ;;
  esac
}

# Bytes of the bundle by way of the registry: the lock's digest is the address of the blob, so that whoever answers, only the
# right bytes are kept.
# shellcheck disable=SC2154 # curl.sh sets web_…

# Fact: the blob is on the host with exactly the bytes of the lock.
# $1 sha256, $2 size in bytes, $3 name:port, $4 repository, $5 own or system: whose CAs vouch for the registry,
# $6... addresses of its readers in the order in which they are tried; none where DNS alone knows them, or a "-" and name:port of
# other hosts that the registry may lead to for a token or for its bytes
check_channel_blob() { check_engine_blob "$1" "$2"; }
apply_channel_blob() {
  channel_sha256=$1
  channel_bytes=$2
  channel_registry=$3
  channel_repository=$4
  channel_url=https://$3/v2/$4/blobs/sha256:$1
  channel_ca=$5
  channel_origins=$3
  channel_alone=
  shift 5
  channel_part=$SEALIFT_BLOBS/$channel_sha256.part
  install -d -m 0755 "$SEALIFT_BLOBS"
  if [ "${1--}" = - ]; then
    if [ $# -gt 1 ]; then
      shift
      channel_origins="$channel_origins $*"
    fi
    set -- -
  fi
  # What one was cut off from, the next goes on with; a line that drops again and again is given three rounds.
  for channel_round in 1 2 3; do
    for channel_reader; do
      if channel_fetch "$channel_reader"; then
        sync "$channel_part"
        mv "$channel_part" "$SEALIFT_BLOBS/$channel_sha256"
        return 0
      fi
    done
  done
  echo "in $channel_round rounds no reader of the registry has given $channel_url"
  return 1
}

# channel_fetch ADDRESS: goes on where an earlier try was cut off, whoever it was cut off from; says why when it fails. Once what
# several have given was not right, each of them begins anew: one that lies must not spoil what the others give.
channel_fetch() {
  channel_reader=$1
  if [ -n "$channel_alone" ]; then rm -f "$channel_part"; fi
  channel_has=$(stat -c %s "$channel_part" 2>/dev/null || echo 0)
  if [ "$channel_has" -gt "$channel_bytes" ]; then rm "$channel_part"; fi
  if [ "$channel_has" -ne "$channel_bytes" ] && ! channel_get; then
    if [ "$channel_reader" = - ]; then channel_reader=$channel_registry; fi
    echo "reader $channel_reader did not give it"
    return 1
  fi
  channel_found=$(sha256sum "$channel_part")
  if [ "${channel_found%% *}" != "$channel_sha256" ]; then
    rm "$channel_part"
    channel_alone=yes
    echo "what the reader gave has sha256 ${channel_found%% *} and was removed"
    return 1
  fi
}

# channel_get: a registry of the site asks for no login and leads nowhere; one that others look after may want a token even of those
# whom it lets read, and may lead to where its bytes lie.
channel_get() {
  channel_bearer=
  channel_place=$channel_url
  if [ "$channel_reader" = - ] && ! channel_find; then return 1; fi
  channel_curl "$channel_place" "$channel_bytes" 3600 --fail --continue-at - --retry 2 --output "$channel_part"
}

# channel_find: sets channel_place to the URL that gives the bytes, and channel_bearer to the token that it takes with it; says why
# when it fails. The token is for the registry alone.
channel_find() {
  for channel_hop in 1 2 3 4 5; do
    channel_ask
    case $channel_code in
      200 | 206) return 0 ;;
      401)
        if [ "$channel_place" != "$channel_url" ] || [ -n "$channel_bearer" ]; then
          echo "${channel_place%%\?*} asks for another login"
          return 1
        fi
        if ! channel_token; then return 1; fi
        ;;
      301 | 302 | 303 | 307 | 308)
        if ! channel_may_ask "$channel_next"; then return 1; fi
        if [ "$web_origin" != "$channel_registry" ]; then channel_bearer=; fi
        channel_place=$channel_next
        ;;
      *)
        echo "${channel_place%%\?*} answers with status $channel_code"
        return 1
        ;;
    esac
  done
  echo "$channel_registry leads on and on, $channel_hop times"
  return 1
}

# channel_ask: asks for the first byte; sets channel_code to the status, channel_next to the URL that the answer leads to, and
# channel_head to its head. The object store may know GET alone.
channel_ask() {
  channel_head=$(channel_curl "$channel_place" "$WEB_TEXT_MAX" 60 --range 0-0 --output /dev/null --dump-header - \
    --write-out '\n%{http_code} %{redirect_url}\n' | web_text "$WEB_TEXT_MAX")
  channel_next=${channel_head##*"$SEALIFT_LINE_END"}
  channel_code=${channel_next%% *}
  channel_next=${channel_next#* }
  case $channel_code in
    [1-5][0-9][0-9]) ;;
    *) channel_code=none ;;
  esac
}

# channel_may_ask URL: says which line of the site file is missing when it may not.
channel_may_ask() {
  if web_url "$channel_origins" "$1"; then return 0; fi
  echo "$channel_registry is not followed: $web_refused"
  if [ -n "$web_origin" ]; then echo "if that is right, write allowedHosts: [\"$web_origin\"] below registry.external"; fi
  return 1
}

# channel_token: sets channel_bearer to the token that anybody gets (distribution 3.1.2, docs/content/spec/auth/token.md).
channel_token() {
  token_wanted=$(printf '%s\n' "$channel_head" | web_header www-authenticate)
  case $token_wanted in
    [Bb][Ee][Aa][Rr][Ee][Rr]\ *) ;;
    *)
      echo "$channel_registry asks for a login and offers no token"
      return 1
      ;;
  esac
  token_realm=$(token_word realm 'A-Za-z0-9:/?%.,&=+~_-')
  if ! channel_may_ask "$token_realm"; then return 1; fi
  token_scope=$(token_word scope 'A-Za-z0-9:/.,*_ -')
  token_answer=$(channel_curl "$token_realm" "$WEB_TEXT_MAX" 60 --fail --get --data-urlencode "service=$(token_word service 'A-Za-z0-9:/.,_@ -')" \
    --data-urlencode "scope=${token_scope:-repository:$channel_repository:pull}" | web_text "$WEB_TEXT_MAX" | tr -d '\n')
  for token_name in token access_token; do
    # What a token may have: RFC 6750, 2.1.
    channel_bearer=$(printf '%s\n' "$token_answer" | sed -n 's/.*"'"$token_name"'" *: *"\([A-Za-z0-9._~+/=-][A-Za-z0-9._~+/=-]*\)".*/\1/p')
    if [ -n "$channel_bearer" ]; then return 0; fi
  done
  echo "$web_origin gave no token"
  return 1
}

# token_word NAME CHARACTERS: what the registry says of the token that it wants, when it has none but these characters.
token_word() { printf '%s\n' "$token_wanted" | sed -n "s|^.*[ ,]$1=\"\\([$2]*\\)\".*|\\1|p"; }

# channel_curl URL BYTES SECONDS OPTION...: as the registry is asked, whichever of its readers, and those whom it may lead to.
channel_curl() {
  channel_to=$1
  channel_most=$2
  channel_time=$3
  shift 3
  # Debian's curl would believe the system's CAs beside the one that it is given.
  if [ "$channel_ca" = own ]; then set -- --cacert "$TRUST_CERTS/$channel_registry/ca.crt" --capath /dev/null "$@"; fi
  if [ "$channel_reader" != - ]; then set -- --resolve "$channel_registry:$channel_reader" "$@"; fi
  # Never an argument: whoever looks at the list of processes would have it.
  if [ -n "$channel_bearer" ]; then set -- --header @- "$@"; fi
  printf 'Authorization: Bearer %s\n' "$channel_bearer" |
    web_curl "$channel_origins" "$channel_to" "$channel_most" "$channel_time" --connect-timeout 10 --speed-limit 1024 --speed-time 30 "$@"
}

# The registry's name, where no name server knows it.

HOSTS_FILE=/etc/hosts
HOSTS_BEGIN='# Sealift: the registry of the site'
HOSTS_END='# Sealift: end'

# Fact: the registry's name leads to its addresses, in this order.
# $1 DNS name, $2... IPv4 addresses
check_registry_name() {
  name_block=$(hosts_block "$@")
  # A block of ours that is right costs no process; /etc/hosts counts before name servers (nsswitch.conf).
  name_hosts=$(cat "$HOSTS_FILE")
  case $SEALIFT_LINE_END$name_hosts$SEALIFT_LINE_END in *"$SEALIFT_LINE_END$name_block$SEALIFT_LINE_END"*) return 0 ;; esac
  name_found=$(name_addresses "$1")
  name_one=$1
  shift
  # A name server may give them in any order.
  if [ "$(printf '%s\n' "$name_found" | tr ' ' '\n' | sort)" = "$(printf '%s\n' "$@" | sort)" ]; then return 0; fi
  echo "$name_one leads to ${name_found:-nothing}"
  return 1
}
guard_registry_name() {
  if grep -qxF "$HOSTS_BEGIN" "$HOSTS_FILE"; then return 0; fi
  name_found=$(name_addresses "$1")
  if [ -z "$name_found" ]; then return 0; fi
  name_one=$1
  shift
  if [ "$(printf '%s\n' "$name_found" | tr ' ' '\n' | sort)" = "$(printf '%s\n' "$@" | sort)" ]; then return 0; fi
  refuse_because E_REGISTRY_NAME "$name_one leads to $name_found here" "have name server and site file say the same, or take another name"
}
apply_registry_name() {
  guard_registry_name "$@"
  # /etc/hosts may be a mount of its own (in a container), and is read at any time: a copy takes its place.
  {
    sed "/^$HOSTS_BEGIN\$/,/^$HOSTS_END\$/d" "$HOSTS_FILE"
    hosts_block "$@"
  } >"$HOSTS_FILE.new"
  chmod 0644 "$HOSTS_FILE.new"
  sync "$HOSTS_FILE.new"
  mv "$HOSTS_FILE.new" "$HOSTS_FILE"
}

# hosts_block NAME ADDRESS...
hosts_block() {
  block_name=$1
  shift
  echo "$HOSTS_BEGIN"
  for block_one; do echo "$block_one $block_name"; done
  echo "$HOSTS_END"
}

# name_addresses NAME: with blanks between; empty when nobody knows it.
name_addresses() {
  timeout 20 getent ahostsv4 "$1" | sed -n 's/ *STREAM.*//p' | tr '\n' ' ' | sed 's/ $//'
}

# Where image names lead, for engines with the containerd store: to the registry of the site, under the name of where they
# came from, and never outside. The files are read at each pull.

# Fact: images of these registries are taken from the registry of the site.
# $1 name:port, $2 path before every repository there (empty, or with a slash at its end), $3 own or system: whose CAs
# vouch for it, $4... the registries
check_registry_sources() {
  sources_registry=$1
  sources_prefix=$2
  sources_ca=$3
  shift 3
  sources_wrong=
  for sources_one; do
    if [ "$(cat "$TRUST_CERTS/$sources_one/hosts.toml" 2>/dev/null)" != "$(sources_text "$sources_one")" ]; then
      sources_wrong="$sources_wrong $sources_one,"
    fi
  done
  if [ -n "$sources_wrong" ]; then
    sources_wrong=${sources_wrong# }
    echo "they lead elsewhere: ${sources_wrong%,}"
    return 1
  fi
  sources_left "$@"
  if [ -n "$sources_found" ]; then
    echo "led here and no longer of the site:$sources_found"
    return 1
  fi
}
guard_registry_sources() {
  shift 3
  for sources_one; do
    sources_file=$TRUST_CERTS/$sources_one/hosts.toml
    if [ -f "$sources_file" ] && ! made_by_sealift "$sources_file"; then
      refuse_because E_CONFLICT "$sources_file is a file that Sealift did not put there" "see what it is for, then move it away"
    fi
  done
}
apply_registry_sources() {
  guard_registry_sources "$@"
  sources_registry=$1
  sources_prefix=$2
  sources_ca=$3
  shift 3
  for sources_one; do
    install -d -m 0755 "$TRUST_CERTS/$sources_one"
    sources_text "$sources_one" >"$TRUST_CERTS/$sources_one/hosts.toml.new"
    mv "$TRUST_CERTS/$sources_one/hosts.toml.new" "$TRUST_CERTS/$sources_one/hosts.toml"
  done
  sources_left "$@"
  for sources_one in $sources_found; do
    rm "$TRUST_CERTS/$sources_one/hosts.toml"
  done
}

# sources_text SOURCE: containerd docs/hosts.md. The server is the same, so that nothing is tried after it.
sources_text() {
  sources_url=https://$sources_registry/v2/$sources_prefix$1
  echo "# Made by Sealift."
  sources_entry "server = \"$sources_url\""
  echo
  sources_entry "[host.\"$sources_url\"]"
}
sources_entry() {
  echo "$1"
  echo 'capabilities = ["pull", "resolve"]'
  echo 'override_path = true'
  if [ "$sources_ca" = own ]; then echo "ca = \"$TRUST_CERTS/$sources_registry/ca.crt\""; fi
}

# sources_left SOURCE...: sets sources_found to those that Sealift led here once and that are not among these.
sources_left() {
  sources_found=
  for sources_file in "$TRUST_CERTS"/*/hosts.toml; do
    if [ ! -f "$sources_file" ] || ! made_by_sealift "$sources_file"; then continue; fi
    sources_name=${sources_file%/hosts.toml}
    sources_name=${sources_name##*/}
    case " $* " in
      *" $sources_name "*) ;;
      *) sources_found="$sources_found $sources_name" ;;
    esac
  done
}

made_by_sealift() {
  made_first=
  read -r made_first <"$1" || true
  [ "$made_first" = "# Made by Sealift." ]
}

# Whether and until when a user may log in. The hash of a password travels on standard input only, and no finding holds it.

# Fact: the password field is this one; without a password none grows old.
# $1 user, $2 password field of shadow(5): a hash or "*" for no password, with "!" before it when the user is locked
check_password() {
  if ! account /etc/shadow "$1"; then
    echo "no such user"
    return 1
  fi
  if [ "$FIELD_2" != "$2" ]; then
    password_kind "$FIELD_2"
    return 1
  fi
  if [ "$FIELD_3" = 0 ]; then
    echo "a new password is asked for at the next login"
    return 1
  fi
  case $2 in
    *'$'*) return 0 ;;
  esac
  case $FIELD_5 in
    '' | 99999) ;;
    *)
      # pam_unix(8) would ask for a new password although a key let the user in.
      echo "no password, yet it grows old after $FIELD_5 days"
      return 1
      ;;
  esac
}
apply_password() {
  # Not "!" alone: sshd refuses keys too for a locked account where it runs without PAM.
  printf '%s:%s\n' "$1" "$2" | chpasswd --encrypted
  case $2 in
    *'$'*) ;;
    *) chage --maxdays -1 "$1" ;;
  esac
}

# password_kind FIELD: in words, without what is in it.
password_kind() {
  case $1 in
    '') echo "an empty password" ;;
    '*') echo "no password" ;;
    '!'*'$'*) echo "a password, locked" ;;
    '!'*) echo "no password, locked" ;;
    *) echo "another password" ;;
  esac
}

# Fact: the account ends on this day, which shuts out keys too.
# $1 user, $2 days from 1970-01-01 to the first day without access; empty: never
check_expiry() {
  if ! account /etc/shadow "$1"; then
    echo "no such user"
    return 1
  fi
  if [ "$FIELD_8" = "$2" ]; then return 0; fi
  case $FIELD_8 in
    '') echo "no end" ;;
    *) echo "ends on $(date -u -d "@$((FIELD_8 * 86400))" +%Y-%m-%d)" ;;
  esac
  return 1
}
apply_expiry() {
  usermod --expiredate "$2" "$1"
}

# What the files of local accounts say, read by the shell itself: every look asks about every user, and a process costs
# forty times as much. Sources: passwd(5), shadow(5), group(5).

# account FILE NAME: sets FIELD_1 to FIELD_9 to the line of this name; fails, with empty fields, when there is none.
# shellcheck disable=SC2034 # The files beside this one read them.
account() {
  while IFS=: read -r FIELD_1 FIELD_2 FIELD_3 FIELD_4 FIELD_5 FIELD_6 FIELD_7 FIELD_8 FIELD_9; do
    if [ "$FIELD_1" = "$2" ]; then return 0; fi
  done <"$1"
  return 1
}

# in_group USER GROUP: as a member, or by the user's own primary group. Sets FIELD_3 to the group's gid.
in_group() {
  if ! account /etc/passwd "$1"; then return 1; fi
  in_group_primary=$FIELD_4
  if ! account /etc/group "$2"; then return 1; fi
  case ,$FIELD_4, in
    *",$1,"*) return 0 ;;
  esac
  [ "$in_group_primary" = "$FIELD_3" ]
}

# The record of whom Sealift has made, and of whom it found and took over: one name a line. It outlives the site's own
# list, so that those who left can be told from those who were never ours.

# recorded made|adopted NAME
recorded() {
  recorded_file=$(record_file "$1")
  if [ ! -f "$recorded_file" ]; then return 1; fi
  while read -r recorded_name; do
    if [ "$recorded_name" = "$2" ]; then return 0; fi
  done <"$recorded_file"
  return 1
}

# record made|adopted NAME: on the disk before anything is done to the user.
record() {
  if recorded made "$2" || recorded "$1" "$2"; then return 0; fi
  echo "$2" >>"$(record_file "$1")"
  sync "$(record_file "$1")"
}

record_file() {
  case $1 in
    made) echo "$SEALIFT_STATE/users" ;;
    adopted) echo "$SEALIFT_STATE/users-adopted" ;;
  esac
}

# Groups with fixed numbers, and who is in them. No group is ever deleted or renumbered.

# Fact: the group exists, with this gid.
# $1 group, $2 gid; empty: any, and it is made with one of the system's
check_group() {
  if ! account /etc/group "$1"; then
    echo "no such group"
    return 1
  fi
  if [ -n "${2-}" ] && [ "$FIELD_3" != "$2" ]; then
    echo "gid $FIELD_3"
    return 1
  fi
}
guard_group() {
  if account /etc/group "$1"; then
    if [ -n "${2-}" ] && [ "$FIELD_3" != "$2" ]; then
      refuse_because E_GID_TAKEN "group $1 has gid $FIELD_3" \
        "write gid $FIELD_3, or renumber the group by hand with groupmod --gid and hand its files over"
    fi
    return 0
  fi
  if getent group "$1" >/dev/null; then
    refuse_because E_GID_TAKEN "group $1 comes from another name service (nsswitch.conf)" "take another name"
  fi
  if [ -z "${2-}" ]; then return 0; fi
  group_holder=$(getent group "$2" | cut -d : -f 1)
  if [ -n "$group_holder" ]; then
    refuse_because E_GID_TAKEN "gid $2 belongs to group $group_holder" "take a gid that is free on every host"
  fi
}
apply_group() {
  guard_group "$@"
  if [ -n "${2-}" ]; then
    groupadd --gid "$2" "$1"
  else
    groupadd --system "$1"
  fi
}

# Fact: the user is in the group.
# $1 user, $2 group
check_member() {
  if ! in_group "$1" "$2"; then
    echo "not in it"
    return 1
  fi
}
apply_member() {
  gpasswd --add "$1" "$2"
}

# Fact: the user is not in the group.
# $1 user, $2 group
check_no_member() {
  if in_group "$1" "$2"; then
    echo "in it"
    return 1
  fi
}
guard_no_member() {
  if account /etc/passwd "$1"; then
    refuse_primary "$1" "$FIELD_4" "$2"
  fi
}
apply_no_member() {
  guard_no_member "$@"
  gpasswd --delete "$1" "$2"
}

# refuse_primary USER GID GROUP: nobody can be taken out of the own primary group.
refuse_primary() {
  if account /etc/group "$3" && [ "$FIELD_3" = "$2" ]; then
    refuse_because E_REFUSED "$3 is the primary group of $1" "give $1 another one with usermod --gid"
  fi
}

# Fact: the user is in some groups and out of others.
# $1 user; $2... groups that the user is in, a "-", groups that the user is not in
check_groups() {
  groups_user=$1
  shift
  groups_wrong=
  groups_in=yes
  for groups_one; do
    if [ "$groups_one" = - ]; then
      groups_in=no
    elif in_group "$groups_user" "$groups_one"; then
      if [ "$groups_in" = no ]; then groups_wrong="$groups_wrong, in $groups_one"; fi
    elif [ "$groups_in" = yes ]; then
      groups_wrong="$groups_wrong, not in $groups_one"
    fi
  done
  if [ -n "$groups_wrong" ]; then
    echo "${groups_wrong#, }"
    return 1
  fi
}
apply_groups() {
  groups_user=$1
  shift
  groups_in=yes
  for groups_one; do
    if [ "$groups_one" = - ]; then
      groups_in=no
    elif [ "$groups_in" = yes ]; then
      check_member "$groups_user" "$groups_one" >/dev/null || apply_member "$groups_user" "$groups_one"
    else
      check_no_member "$groups_user" "$groups_one" >/dev/null || apply_no_member "$groups_user" "$groups_one"
    fi
  done
}

# The public keys that may log in. The folder is the user's own, so everything in it is written as the user: root
# would follow a link that the user has laid there. Source: sshd(8), AUTHORIZED_KEYS FILE FORMAT.

# Fact: exactly these keys may log in, or these and others; folder and file are the user's own.
# $1 user, $2 exact or add; $3... public keys
check_authorized_keys() {
  if ! account /etc/passwd "$1"; then
    echo "no such user"
    return 1
  fi
  keys_file=$FIELD_6/.ssh/authorized_keys
  keys_policy=$2
  shift 2
  if [ $# = 0 ] && [ ! -e "$keys_file" ] && [ ! -L "$keys_file" ]; then return 0; fi
  if [ ! -f "$keys_file" ] || [ -L "$keys_file" ]; then
    echo "no file $keys_file"
    return 1
  fi
  keys_modes=$(stat -c '%u %a %s' "${keys_file%/*}" "$keys_file" | tr '\n' ' ')
  case $keys_modes in
    "$FIELD_3 700 "*" $FIELD_3 600 "*) ;;
    *)
      echo "uid, mode and bytes of folder and file: $keys_modes"
      return 1
      ;;
  esac
  keys_bytes=${keys_modes% }
  if [ "${keys_bytes##* }" -gt 65536 ]; then
    echo "$keys_file has ${keys_bytes##* } bytes"
    return 1
  fi
  keys_found=0
  for keys_key; do
    if keys_has "$keys_file" "$keys_key"; then keys_found=$((keys_found + 1)); fi
  done
  keys_other=0
  if [ "$keys_policy" = exact ]; then keys_count_other "$keys_file" "$@"; fi
  if [ "$keys_found" != $# ] || [ "$keys_other" != 0 ]; then
    echo "$keys_found of $# keys, $keys_other lines that are none of them"
    return 1
  fi
}
guard_authorized_keys() {
  if [ "$2" = add ] || [ "$1" != "${SUDO_USER:-root}" ]; then return 0; fi
  account /etc/passwd "$1"
  keys_file=$FIELD_6/.ssh/authorized_keys
  if [ ! -f "$keys_file" ]; then return 0; fi
  keys_login=$1
  shift 2
  for keys_key; do
    if keys_has "$keys_file" "$keys_key"; then return 0; fi
  done
  refuse_because E_OWN_LOGIN "none of the keys that now let in $keys_login, the login of this very run, is among the site's" \
    "name one of them, or write keys: add, log in with a new key, then go on"
}
apply_authorized_keys() {
  guard_authorized_keys "$@"
  account /etc/passwd "$1"
  keys_uid=$FIELD_3
  keys_gid=$FIELD_4
  keys_folder=$FIELD_6/.ssh
  keys_file=$keys_folder/authorized_keys
  if [ -e "$keys_folder" ]; then chown -h "$keys_uid:$keys_gid" "$keys_folder"; fi
  keys_before=
  if [ "$2" = add ] && [ -f "$keys_file" ]; then keys_before=$(as_owner cat "$keys_file"); fi
  shift 2
  umask 077
  as_owner mkdir -p "$keys_folder"
  as_owner chmod 0700 "$keys_folder"
  as_owner rm -f "$keys_file.new"
  {
    if [ -n "$keys_before" ]; then printf '%s\n' "$keys_before"; fi
    for keys_key; do
      if [ -z "$keys_before" ] || ! keys_has "$keys_file" "$keys_key"; then printf '%s\n' "$keys_key"; fi
    done
  } | as_owner tee "$keys_file.new" >/dev/null
  as_owner sync "$keys_file.new"
  as_owner mv "$keys_file.new" "$keys_file"
}

# as_owner COMMAND...: with the user's own rights and no others.
as_owner() {
  (cd / && exec setpriv --reuid="$keys_uid" --regid="$keys_gid" --clear-groups -- "$@")
}

# keys_has FILE KEY: by kind and key; what the comment says does not count, what options say makes it another line.
keys_has() {
  while read -r keys_kind keys_blob _ || [ -n "$keys_kind" ]; do
    case "$2 " in
      "$keys_kind $keys_blob "*) return 0 ;;
    esac
  done <"$1"
  return 1
}

# keys_count_other FILE KEY...: sets keys_other to the number of lines that are none of the keys; empty ones do not count.
keys_count_other() {
  keys_counted=$1
  shift
  while read -r keys_kind keys_blob _ || [ -n "$keys_kind" ]; do
    keys_is_other=${keys_kind:+1}
    for keys_key; do
      case "$keys_key " in
        "$keys_kind $keys_blob "*) keys_is_other= ;;
      esac
    done
    keys_other=$((keys_other + ${keys_is_other:-0}))
  done <"$keys_counted"
}

# Those who are no longer in the site.

# Fact: who was in the site and is not any more has no access by it: out of the group, no sudo rule; and whom Sealift
# has made is locked, keys and all. Nobody is deleted; homes, keys and files stay.
# $1 docker group; $2... users of the site
check_leavers() {
  leavers_wrong=
  leavers_each leaver_finding "$@"
  if [ -n "$leavers_wrong" ]; then
    echo "${leavers_wrong#; }"
    return 1
  fi
}
guard_leavers() {
  leavers_each leaver_refusal "$@"
}
apply_leavers() {
  guard_leavers "$@"
  leavers_each leaver_shut_out "$@"
}

# leavers_each FUNCTION GROUP USER...: calls FUNCTION with made or adopted, name and group for each one recorded who is
# no user of the site and still has an account.
leavers_each() {
  leavers_function=$1
  leavers_group=$2
  shift 2
  leavers_known=" $* "
  for leavers_kind in made adopted; do
    leavers_file=$(record_file "$leavers_kind")
    if [ ! -f "$leavers_file" ]; then continue; fi
    leavers_names=
    while read -r leavers_name; do leavers_names="$leavers_names $leavers_name"; done <"$leavers_file"
    for leavers_name in $leavers_names; do
      case $leavers_known in
        *" $leavers_name "*) continue ;;
      esac
      if account /etc/passwd "$leavers_name"; then
        "$leavers_function" "$leavers_kind" "$leavers_name" "$leavers_group"
      fi
    done
  done
}

leaver_finding() {
  leaver_why=
  if in_group "$2" "$3"; then leaver_why="$leaver_why in $3,"; fi
  if [ -e "/etc/sudoers.d/sealift-$2" ]; then leaver_why="$leaver_why has a sudo rule,"; fi
  if [ "$1" = made ] && ! is_shut_out "$2"; then leaver_why="$leaver_why not locked,"; fi
  if [ -n "$leaver_why" ]; then leavers_wrong="$leavers_wrong; $2:${leaver_why%,}"; fi
}

leaver_refusal() {
  if [ "$2" = "${SUDO_USER:-root}" ] && { [ "$1" = made ] || [ -e "/etc/sudoers.d/sealift-$2" ]; }; then
    refuse_because E_OWN_LOGIN "$2, who is not in the site any more, is the login of this very run" \
      "take another login for this host first, or put $2 back into the site"
  fi
  if in_group "$2" "$3"; then
    account /etc/passwd "$2"
    refuse_primary "$2" "$FIELD_4" "$3"
  fi
}

leaver_shut_out() {
  if in_group "$2" "$3"; then gpasswd --delete "$2" "$3"; fi
  rm -f "/etc/sudoers.d/sealift-$2"
  if [ "$1" = made ] && ! is_shut_out "$2"; then usermod --lock --expiredate 1 "$2"; fi
}

# is_shut_out USER: neither a password nor a key lets the user in.
is_shut_out() {
  account /etc/shadow "$1" || return 1
  case $FIELD_2:$FIELD_8 in
    '!'*:1) return 0 ;;
  esac
  return 1
}

# Members of the docker group that the site does not name. They are root on the host as much as the others.

# Fact: the site names every member of the group.
# $1 group, $2 report: others are told, not touched; remove: they are taken out of the group; $3... users of the site
check_strangers() {
  strangers_group=$1
  strangers_policy=$2
  shift 2
  strangers_list "$strangers_group" "$@"
  if [ -z "$strangers" ]; then return 0; fi
  strangers_told="members that the site does not name:$strangers"
  if [ "$strangers_policy" = report ]; then
    warn_that E_STRANGERS "$strangers_told" \
      "name them in the site, take them out with gpasswd --delete, or write dockerGroup: { strangers: remove }"
  fi
  echo "$strangers_told"
  return 1
}
guard_strangers() {
  strangers_group=$1
  shift 2
  strangers_list "$strangers_group" "$@"
  for strangers_name in $strangers; do
    account /etc/passwd "$strangers_name" || continue
    refuse_primary "$strangers_name" "$FIELD_4" "$strangers_group"
  done
}
apply_strangers() {
  guard_strangers "$@"
  shift 2
  strangers_list "$strangers_group" "$@"
  for strangers_name in $strangers; do gpasswd --delete "$strangers_name" "$strangers_group"; done
}

# strangers_list GROUP USER...: sets strangers. Those who left the site are told as leavers.
strangers_list() {
  strangers=
  if ! account /etc/group "$1"; then return 0; fi
  strangers_gid=$FIELD_3
  strangers_members=$(echo "$FIELD_4" | tr , ' ')
  shift
  while IFS=: read -r strangers_name _ _ strangers_primary _; do
    if [ "$strangers_primary" = "$strangers_gid" ]; then strangers_members="$strangers_members $strangers_name"; fi
  done </etc/passwd
  for strangers_name in $strangers_members; do
    case " $* $strangers" in
      *" $strangers_name "* | *" $strangers_name") continue ;;
    esac
    if recorded made "$strangers_name" || recorded adopted "$strangers_name"; then continue; fi
    strangers="$strangers $strangers_name"
  done
}

# What a user may do as somebody else, in a file of its own below /etc/sudoers.d. Only NOPASSWD rules of sudoers(5) that
# sudo-rs knows too. A file that visudo does not like never goes live: sudo would refuse everybody.

# Fact: this is the user's sudo rule.
# $1 user, $2 the rule as a line of sudoers(5)
check_sudo_rule() {
  sudo_file=/etc/sudoers.d/sealift-$1
  if [ ! -e "$sudo_file" ]; then
    echo "no $sudo_file"
    return 1
  fi
  sudo_found=$(cat "$sudo_file")
  if [ "$sudo_found" != "$2" ]; then
    echo "$sudo_file says: $sudo_found"
    return 1
  fi
  sudo_mode=$(stat -c '%U:%G %a %F' "$sudo_file")
  if [ "$sudo_mode" != "root:root 440 regular file" ]; then
    echo "$sudo_file is $sudo_mode"
    return 1
  fi
}
guard_sudo_rule() {
  if ! command -v visudo >/dev/null; then
    refuse_because E_HOST_TOOLS "no visudo" "install sudo on the host, or name no sudo rule"
  fi
  if ! grep -Eqs '^[#@]includedir[[:space:]]+/etc/sudoers\.d/?[[:space:]]*$' /etc/sudoers /etc/sudoers-rs; then
    refuse_because E_REFUSED "/etc/sudoers does not include /etc/sudoers.d" \
      "add @includedir /etc/sudoers.d with visudo, or name no sudo rule"
  fi
}
apply_sudo_rule() {
  guard_sudo_rule "$@"
  # sudo passes over a name with a dot in it.
  sudo_new=/etc/sudoers.d/sealift-$1.new
  rm -f "$sudo_new"
  (umask 0337 && printf '%s\n' "$2" >"$sudo_new")
  if ! visudo -cf "$sudo_new"; then
    rm "$sudo_new"
    return 1
  fi
  sync "$sudo_new"
  mv "$sudo_new" "${sudo_new%.new}"
}

# Fact: the user has no sudo rule by Sealift. Rules of other files are not looked at.
# $1 user
check_no_sudo_rule() {
  if [ -e "/etc/sudoers.d/sealift-$1" ]; then
    echo "there is /etc/sudoers.d/sealift-$1"
    return 1
  fi
}
guard_no_sudo_rule() {
  if [ "$1" = "${SUDO_USER:-root}" ]; then
    refuse_because E_OWN_LOGIN "$1 is the login of this very run, and works by this sudo rule" \
      "keep sudo: ALL for $1, or take another login for this host first"
  fi
}
apply_no_sudo_rule() {
  guard_no_sudo_rule "$@"
  rm "/etc/sudoers.d/sealift-$1"
}

# A user as passwd(5) knows it, with its own home. Nobody is ever deleted or renumbered, and no home is moved.

# Fact: the user has this uid, primary group, home and shell; the home is the user's own, and Sealift remembers the user.
# $1 user, $2 uid, $3 primary group, $4 its gid, $5 home, $6 shell
check_user() {
  if ! account /etc/passwd "$1"; then
    echo "no such user"
    return 1
  fi
  user_wrong=
  if [ "$FIELD_3" != "$2" ]; then user_wrong="$user_wrong, uid $FIELD_3"; fi
  if [ "$FIELD_4" != "$4" ]; then user_wrong="$user_wrong, gid $FIELD_4"; fi
  if [ "$FIELD_6" != "$5" ]; then user_wrong="$user_wrong, home $FIELD_6"; fi
  if [ "$FIELD_7" != "$6" ]; then user_wrong="$user_wrong, shell $FIELD_7"; fi
  if ! recorded made "$1" && ! recorded adopted "$1"; then user_wrong="$user_wrong, not yet in Sealift's care"; fi
  case $(stat -L -c '%u %a %F' "$5" 2>/dev/null || true) in
    "$2 "*[2367]?" directory" | "$2 "*[2367]" directory") user_wrong="$user_wrong, others may write into $5" ;;
    "$2 "*" directory") ;;
    '') user_wrong="$user_wrong, no home $5" ;;
    *) user_wrong="$user_wrong, $5 is not a directory of uid $2" ;;
  esac
  if [ -n "$user_wrong" ]; then
    echo "${user_wrong#, }"
    return 1
  fi
}
guard_user() {
  if account /etc/passwd "$1"; then
    if [ "$FIELD_3:$FIELD_4" != "$2:$4" ]; then
      # Files on disk belong to the number, so another number would hand them to somebody else.
      refuse_because E_UID_TAKEN "$1 has uid $FIELD_3 and gid $FIELD_4" \
        "write these into the site, or renumber $1 by hand and hand all files over"
    fi
    if [ "$FIELD_6" != "$5" ]; then
      refuse_because E_HOME "the home of $1 is $FIELD_6" \
        "write home: $FIELD_6, or move it by hand with usermod --move-home --home $5 $1"
    fi
  elif getent passwd "$1" >/dev/null; then
    refuse_because E_UID_TAKEN "$1 comes from another name service (nsswitch.conf)" "take another name"
  else
    guard_new_user "$@"
  fi
  user_owner=$(stat -L -c '%u %F' "$5" 2>/dev/null || true)
  if [ -n "$user_owner" ] && [ "$user_owner" != "$2 directory" ]; then
    refuse_because E_HOME "$5 belongs to uid $user_owner" \
      "see whose it is, then hand it over with chown or take another home"
  fi
  if [ ! -x "$6" ]; then
    refuse_because E_HOST_TOOLS "no shell $6" "install it on the host, or take a shell that is there"
  fi
}
# The numbers are free, or the group is there already with its own.
guard_new_user() {
  user_holder=$(getent passwd "$2" | cut -d : -f 1)
  if [ -n "$user_holder" ]; then
    refuse_because E_UID_TAKEN "uid $2 belongs to $user_holder" "take a uid that is free on every host"
  fi
  user_holder=$(getent group "$4" | cut -d : -f 1)
  if [ -n "$user_holder" ] && [ "$user_holder" != "$3" ]; then
    refuse_because E_UID_TAKEN "gid $4 belongs to group $user_holder" "take a gid that is free on every host"
  fi
  if account /etc/group "$3" && [ "$FIELD_3" != "$4" ]; then
    refuse_because E_UID_TAKEN "group $3 has gid $FIELD_3" "write gid: $FIELD_3, or take another name"
  fi
}
apply_user() {
  guard_user "$@"
  if account /etc/passwd "$1"; then
    record adopted "$1"
    if [ "$FIELD_7" != "$6" ]; then usermod --shell "$6" "$1"; fi
  else
    if ! account /etc/group "$3"; then groupadd --gid "$4" "$3"; fi
    record made "$1"
    mkdir -p "${5%/*}"
    useradd --uid "$2" --gid "$4" --create-home --home-dir "$5" --shell "$6" --password '*' "$1"
  fi
  if [ ! -e "$5" ]; then
    mkdir -p "${5%/*}"
    install -d -o "$2" -g "$4" -m 0750 "$5"
  fi
  # sshd takes no key out of a home that others may write into (sshd_config(5), StrictModes).
  chmod go-w "$5"
}

# What is on a disk, before anybody dares to give it to LVM. Reads only.

# disk_refusal DISK[=SERIAL] GROUP: refuses a disk that is not there, is another one than was meant, or carries anything but
# a physical volume of GROUP.
disk_refusal() {
  if [ ! -b "${1%%=*}" ]; then
    refuse_because E_DISK_ABSENT "$(disk_absence "${1%%=*}")" "correct the name of the disk, or attach it"
  fi
  refusal_found=$(disk_serial_finding "$1")
  if [ -n "$refusal_found" ]; then
    refuse_because E_DISK_SERIAL "$refusal_found" "find out which disk is meant, then correct disk or serial"
  fi
  refusal_found=$(disk_finding "${1%%=*}" "$2")
  if [ -n "$refusal_found" ]; then
    refuse_because E_DISK_IN_USE "$refusal_found" "take another disk, and if its content is really not needed, empty it yourself with wipefs and blkdiscard"
  fi
}

# disk_absence DISK: says what is there instead.
disk_absence() {
  absence_names=
  for absence_link in /dev/disk/by-id/*; do
    case $absence_link in
      *'*' | *-part[0-9]*) ;;
      *) absence_names="$absence_names ${absence_link##*/}" ;;
    esac
  done
  echo "no disk $1; by-id has:${absence_names:- nothing}"
}

# disk_serial_finding DISK[=SERIAL]: nothing when no SERIAL is given, or when it is the disk's own as lsblk(8) shows it.
disk_serial_finding() {
  case $1 in
    *=*) ;;
    *) return 0 ;;
  esac
  serial_found=$(lsblk --nodeps --noheadings --output SERIAL "${1%%=*}")
  # lsblk pads the column.
  serial_found=${serial_found%"${serial_found##*[! ]}"}
  if [ "$serial_found" != "${1#*=}" ]; then
    echo "${1%%=*} has the serial number ${serial_found:-(none)}, and the site says ${1#*=}"
  fi
}

# disk_finding DISK GROUP: what is on the disk; nothing when it is blank or a physical volume of GROUP.
# blkid(8) sees signatures; raw database disks have none, hence the look at the bytes themselves.
disk_finding() {
  finding_group=$(pvs --noheadings -o vg_name "$1" 2>/dev/null | tr -d ' ' || true)
  if [ "$finding_group" = "$2" ]; then return 0; fi
  if [ -n "$finding_group" ]; then
    echo "$1 is a physical volume of group $finding_group"
    return 0
  fi
  # A physical volume without a group is ours when this host noted that it was about to make it: a run was cut off.
  if grep -qsxF "$1" "$SEALIFT_STATE/new-physical-volume" && pvs "$1" >/dev/null 2>&1; then
    return 0
  fi
  # Each look on a line of its own: a look that fails ends the step, where in a pipe it would pass for "nothing there".
  finding_parts=$(lsblk -nro NAME,TYPE,MOUNTPOINT "$1")
  if [ "$(echo "$finding_parts" | wc -l)" -gt 1 ] || [ "$(echo "$finding_parts" | wc -w)" -gt 2 ]; then
    echo "$1 is in use: $(echo "$finding_parts" | tr '\n' ',')"
    return 0
  fi
  finding_signature=$(wipefs --noheadings --output TYPE,OFFSET "$1")
  if [ -n "$finding_signature" ]; then
    echo "$1 carries a signature: $(echo "$finding_signature" | tr -s ' \n' ' ')"
    return 0
  fi
  finding_bytes=$(blockdev --getsize64 "$1")
  finding_offset=$(first_data "$1" "$finding_bytes")
  if [ -n "$finding_offset" ]; then
    echo "$1 carries data without a known signature, first seen at byte ${finding_offset%%"$SEALIFT_LINE_END"*}"
  fi
}

# first_data DISK BYTES: where the first sample that is not zero begins; nothing when all are zero. Samples: the first
# 8 MiB, the last 8 MiB, and 64 KiB at 32 places spread evenly between.
first_data() {
  data_edge=8388608
  if [ "$2" -le $((2 * data_edge)) ]; then
    data_sample "$1" 0 "$2"
    return
  fi
  data_sample "$1" 0 "$data_edge"
  data_sample "$1" $(($2 - data_edge)) "$data_edge"
  data_place=1
  while [ "$data_place" -le 32 ]; do
    data_sample "$1" $(($2 * data_place / 33)) 65536
    data_place=$((data_place + 1))
  done
}

# data_sample DISK OFFSET BYTES: OFFSET when there is a byte that is not zero.
data_sample() {
  if ! cmp -s --ignore-initial="$2:0" --bytes="$3" "$1" /dev/zero; then echo "$2"; fi
}

# Mounts that others have laid out: looked at, never changed. Nothing here makes, formats, grows, mounts or gives away anything:
# an apply does what its guard does, it refuses.
# shellcheck disable=SC2154 # core/mounts.sh sets seen_…

# Fact: something is mounted at exactly this path.
# $1 mount point
check_existing_mount() {
  if ! mount_reached "$1"; then
    echo "nothing mounted at $1"
    return 1
  fi
}
guard_existing_mount() {
  if mount_reached "$1"; then return 0; fi
  refuse_because E_MOUNT_ABSENT "nothing is mounted at $1" "mount it, or correct existing in the site file"
}
apply_existing_mount() { guard_existing_mount "$@"; }

# Fact: what is mounted there is this file system, and one that overlay2 can use if it is xfs.
# $1 mount point; $2 xfs, ext4, or any: one that still holds its files after a boot
check_existing_file_system() {
  if ! mount_reached "$1"; then
    echo "nothing mounted at $1"
    return 1
  fi
  existing_says "$(mount_file_system_finding "$@")"
}
guard_existing_file_system() {
  # Without a mount the step before this one refuses.
  if ! mount_reached "$1"; then return 0; fi
  existing_refuses E_FILESYSTEM "$(mount_file_system_finding "$@")" "have another file system mounted there, or correct existing in the site file"
}
apply_existing_file_system() { guard_existing_file_system "$@"; }

# Fact: what is mounted there can be used for what the site puts on it.
# $1 mount point; $2 with commas between: rw, and exec when programs are run from there, prjquota when the engine bounds
# containers there (dockerd's overlay2.size; an xfs shows the option when it enforces them)
check_existing_options() {
  if ! mount_reached "$1"; then
    echo "nothing mounted at $1"
    return 1
  fi
  existing_says "$(existing_options_finding "$@")"
}
guard_existing_options() {
  if ! mount_reached "$1"; then return 0; fi
  existing_refuses E_MOUNT_OPTIONS "$(existing_options_finding "$@")" "have it mounted with other options, now and in /etc/fstab or its unit"
}
apply_existing_options() { guard_existing_options "$@"; }

# Fact: at every boot systemd mounts there what is mounted there now.
# $1 mount point
check_existing_boot() {
  if ! mount_reached "$1"; then
    echo "nothing mounted at $1"
    return 1
  fi
  existing_says "$(mount_boot_finding "$1")"
}
guard_existing_boot() {
  if ! mount_reached "$1"; then return 0; fi
  existing_refuses E_MOUNT_BOOT "$(mount_boot_finding "$1")" "put the mount into /etc/fstab or enable a mount unit for it, then run systemctl daemon-reload"
}
apply_existing_boot() { guard_existing_boot "$@"; }

# Fact: this much is available there.
# $1 mount point; $2 MiB (2^20 bytes), as df(1) counts what is available
check_existing_space() {
  if ! mount_reached "$1"; then
    echo "nothing mounted at $1"
    return 1
  fi
  existing_says "$(existing_space_finding "$@")"
}
guard_existing_space() {
  if ! mount_reached "$1"; then return 0; fi
  existing_refuses E_MOUNT_SPACE "$(existing_space_finding "$@")" "remove what is not needed there, have the file system grown, or lower minFree in the site file"
}
apply_existing_space() { guard_existing_space "$@"; }

# existing_says FINDING: the end of a check.
existing_says() {
  if [ -z "$1" ]; then return 0; fi
  echo "$1"
  return 1
}

# existing_refuses CODE FINDING REMEDY: the end of a guard.
existing_refuses() {
  if [ -z "$2" ]; then return 0; fi
  refuse_because "$@"
}

# existing_options_finding MOUNT OPTIONS: what keeps it from being used. A file system that met an error is read-only as a whole.
existing_options_finding() {
  case $seen_options$seen_super in
    *,ro,*)
      echo "$1 is read-only"
      return 0
      ;;
  esac
  case ,$2,$seen_options in
    *,exec,*,noexec,*) echo "$1 is mounted noexec, and programs are run from there" ;;
  esac
  case ,$2,$seen_super in
    *,prjquota,*,prjquota,*) ;;
    *,prjquota,*) echo "$1 has no project quotas (mount option pquota)" ;;
  esac
}

# existing_space_finding MOUNT MIB: how much is available, when that is less.
existing_space_finding() {
  space_free=$(timeout 60 stat --file-system --format '%a %S' "$1")
  space_free=$((${space_free% *} * ${space_free#* } / 1048576))
  if [ "$space_free" -lt "$2" ]; then echo "$space_free MiB are available at $1"; fi
}

# File systems on volumes: made once on a volume that nobody has used, grown in use, never made anew.
# shellcheck disable=SC2154 # kernel.sh sets lv_…, core/mounts.sh seen_…

# Fact: the logical volume carries this file system, as large as the volume.
# $1 volume group, $2 logical volume, $3 xfs or ext4
check_file_system() {
  if ! lv_look "$1" "$2"; then
    echo "no such volume"
    return 1
  fi
  fs_look "$1" "$2"
  fs_found=$(fs_finding "$3")
  if [ -n "$fs_new" ]; then fs_found="not formatted yet"; fi
  if [ -n "$fs_found" ]; then
    echo "$fs_found"
    return 1
  fi
  fs_missing_mib=$((lv_mib - $(fs_bytes) / 1048576))
  # What mkfs and growing round away is far less.
  if [ "$fs_missing_mib" -gt 64 ]; then
    echo "$3 is $fs_missing_mib MiB smaller than its volume"
    return 1
  fi
}
guard_file_system() {
  if ! lv_look "$1" "$2"; then return 0; fi
  fs_look "$1" "$2"
  if [ -n "$fs_new" ]; then return 0; fi
  fs_found=$(fs_finding "$3")
  if [ -n "$fs_found" ]; then
    refuse_because E_FILESYSTEM "$1/$2 carries $fs_found, and it was not made by this run" "name the file system that is there, or if nobody needs what is on the volume, remove it yourself with lvremove"
  fi
}
apply_file_system() {
  guard_file_system "$@"
  if [ -z "$fs_new" ]; then
    grow_file_system
    return
  fi
  # Ours, never mounted: what may lie on it is an mkfs of our own that was cut off.
  wipefs -a "/dev/$1/$2"
  case $3 in
    xfs) timeout 300 mkfs.xfs -q -n ftype=1 -L "$2" "/dev/$1/$2" ;;
    ext4) timeout 300 mkfs.ext4 -q -m 1 -L "$2" "/dev/$1/$2" ;;
  esac
  lvchange --deltag sealift_new "$1/$2"
}

# fs_look GROUP VOLUME: what is on the volume that lv_look has found. Sets
#   fs_point  where it is mounted, or nothing
#   fs_type   of the file system, or nothing
#   fs_new    not empty when the volume was made by Sealift and not formatted to the end: mounted volumes never are that
fs_look() {
  fs_new=
  if mount_of "$lv_node"; then
    fs_point=$seen_point
    fs_type=$seen_type
    return
  fi
  fs_point=
  fs_type=$(blkid -p -s TYPE -o value "/dev/$lv_node" 2>/dev/null || true)
  case ,$(lvs --noheadings -o lv_tags "$1/$2" | tr -d ' '), in
    *,sealift_new,*) fs_new=yes ;;
  esac
}

# fs_finding TYPE: nothing when the volume carries it in a form that can be used.
fs_finding() {
  if [ "$fs_type" != "$1" ]; then
    echo "${fs_type:-no file system}"
  elif [ "$fs_type" = xfs ] && [ -z "$fs_point" ]; then
    # overlay2 needs the type of a file in its directory: mkfs.xfs(8), ftype.
    case $(xfs_db -r -c version "/dev/$lv_node") in
      *,FTYPE*) ;;
      *) echo "an xfs without ftype" ;;
    esac
  fi
}

# fs_bytes: its size by its own superblock. A mounted xfs is asked, because what it has just written there may still
# be in its log only.
fs_bytes() {
  case $fs_type${fs_point:+-mounted} in
    xfs-mounted) bytes_text=$(xfs_io -r -c statfs "$fs_point") ;;
    xfs) bytes_text=$(xfs_db -r -c "sb 0" -c "print dblocks blocksize" "/dev/$lv_node") ;;
    ext4*) bytes_text=$(dumpe2fs -h "/dev/$lv_node" 2>/dev/null) ;;
  esac
  bytes_blocks=0
  bytes_block=0
  while read -r bytes_line; do
    case $bytes_line in
      'geom.datablocks ='* | 'dblocks ='* | 'Block count:'*) bytes_blocks=${bytes_line##* } ;;
      'geom.bsize ='* | 'blocksize ='* | 'Block size:'*) bytes_block=${bytes_line##* } ;;
    esac
  done <<EOF
$bytes_text
EOF
  echo $((bytes_blocks * bytes_block))
}

# grow_file_system: to the size of its volume. Both kinds grow while they are mounted; one that is not gets a mount that
# nobody else sees and that ends with its process.
grow_file_system() {
  # shellcheck disable=SC2016 # expanded by the inner shell
  case $fs_type${fs_point:+-mounted} in
    xfs-mounted) timeout 300 xfs_growfs -d "$fs_point" ;;
    ext4-mounted) timeout 300 resize2fs "/dev/$lv_node" ;;
    xfs) timeout 300 unshare --mount sh -euc 'mount "$1" /run; xfs_growfs -d /run' sh "/dev/$lv_node" ;;
    ext4) timeout 300 unshare --mount sh -euc 'mount "$1" /run; resize2fs "$1"' sh "/dev/$lv_node" ;;
  esac
}

# One volume group on whole disks. Disks are added; nothing is taken away, forced or wiped.
# shellcheck disable=SC2034 # room.sh reads what is set here

# Fact: the volume group is on these disks, all of them there, and has room for its volumes.
# $1 volume group; $2 its volumes as NAME:GiB or NAME:N% (percent of what is free when it is made), with commas between;
# $3... disks by id, each as DISK or DISK=SERIAL
check_volume_group() {
  group_name=$1
  group_volumes=$2
  shift 2
  for group_disk; do
    if [ ! -b "${group_disk%%=*}" ]; then
      disk_absence "${group_disk%%=*}"
      return 1
    fi
    group_found=$(disk_serial_finding "$group_disk")
    if [ -n "$group_found" ]; then
      echo "$group_found"
      return 1
    fi
  done
  # Volumes that are active and large enough say by themselves what they stand on.
  if group_in_use "$@"; then return 0; fi
  group_look
  if [ -z "$group_disks" ]; then
    echo "no volume group $group_name"
    return 1
  fi
  group_found=$(group_finding "$@")
  if [ -z "$group_found" ]; then
    group_lacking "$@"
    group_found=${group_missing:+"$group_name is not on$group_missing"}
  fi
  if [ -z "$group_found" ]; then group_found=$(group_shortage); fi
  if [ -n "$group_found" ]; then
    echo "$group_found"
    return 1
  fi
}
guard_volume_group() {
  group_name=$1
  group_volumes=$2
  shift 2
  for group_disk; do
    disk_refusal "$group_disk" "$group_name"
  done
  group_look
  group_found=$(group_finding "$@")
  if [ -n "$group_found" ]; then
    refuse_because E_VOLUME_GROUP "$group_found" "look at it with vgs and pvs, and bring group and site file together"
  fi
  group_lacking "$@"
  for group_disk in $group_missing; do
    # The label takes the first MiB, and the rest is handed out in extents of 4 MiB: vgcreate(8).
    group_free_mib=$((group_free_mib + ($(blockdev --getsize64 "$group_disk") / 1048576 - 1) / 4 * 4))
  done
  group_found=$(group_shortage)
  if [ -z "$group_found" ]; then return 0; fi
  if [ -z "$group_disks" ]; then
    refuse_because E_DISK_TOO_SMALL "$group_found" "make the volumes smaller, take a larger disk, or add one to moreDisks"
  else
    refuse_because E_VOLUME_SPACE "$group_found" "make the volumes smaller, or add a disk to moreDisks"
  fi
}
apply_volume_group() {
  guard_volume_group "$@"
  # The note lets the next run go on with physical volumes that this one leaves without a group when it is cut off.
  for group_disk in $group_missing; do echo "$group_disk"; done >"$SEALIFT_STATE/new-physical-volume"
  sync "$SEALIFT_STATE/new-physical-volume"
  if [ -z "$group_disks" ]; then group_command=vgcreate; else group_command=vgextend; fi
  # shellcheck disable=SC2086 # names of disks by id hold neither blanks nor patterns
  timeout 120 "$group_command" "$group_name" $group_missing
  rm "$SEALIFT_STATE/new-physical-volume"
}

# group_look: sets, of the group as LVM has it,
#   group_rows     a row a disk: uuid, disk, attributes, number of missing disks, free MiB
#   group_disks    the disks; nothing when there is no such group
#   group_free_mib
group_look() {
  group_rows=$(vgs --noheadings --nosuffix --units m -o vg_uuid,pv_name,vg_attr,vg_missing_pv_count,vg_free \
    -S "vg_name=$group_name" 2>/dev/null || true)
  group_disks=
  group_free_mib=0
  if [ -z "$group_rows" ]; then return 0; fi
  while read -r _ look_disk _ _ look_free; do
    group_disks="$group_disks $look_disk"
    group_free_mib=${look_free%%.*}
  done <<EOF
$group_rows
EOF
}

# group_finding DISK...: what is wrong with the group itself; nothing when it is whole and on none but these disks.
group_finding() {
  if [ -z "$group_rows" ]; then return 0; fi
  finding_uuid=
  while read -r look_uuid look_disk look_attributes look_missing _; do
    if [ "${finding_uuid:-$look_uuid}" != "$look_uuid" ]; then
      echo "two volume groups have the name $group_name: $finding_uuid and $look_uuid"
      return 0
    fi
    finding_uuid=$look_uuid
    if [ "$look_missing" != 0 ]; then
      echo "$group_name misses $look_missing of its disks"
      return 0
    fi
    case $look_attributes in
      wz-*) ;;
      *)
        echo "$group_name is exported, read-only or not resizable (attributes $look_attributes)"
        return 0
        ;;
    esac
    if ! group_names "$look_disk" "$@"; then
      echo "$group_name is on $look_disk as well, which the site does not name"
      return 0
    fi
  done <<EOF
$group_rows
EOF
}

# group_names NODE DISK...: whether NODE is one of the disks.
group_names() {
  names_node=$1
  shift
  for names_disk; do
    if [ "$names_node" -ef "${names_disk%%=*}" ]; then return 0; fi
  done
  return 1
}

# group_lacking DISK...: sets group_missing, the disks that are not in the group yet.
group_lacking() {
  group_missing=
  for lacking_disk; do
    # shellcheck disable=SC2086 # a list of device nodes
    if ! group_names "${lacking_disk%%=*}" $group_disks; then group_missing="$group_missing ${lacking_disk%%=*}"; fi
  done
}

# The journal of the host on a volume, within limits. What was written before stays where a person can read it.
# shellcheck disable=SC2154 # core/mounts.sh sets seen_…

# Fact: journald keeps its files on the volume that is mounted there, within these limits, now and after every boot.
# $1 mount point; $2 MiB that the journal may use; $3 MiB of the volume that it leaves free, or - for journald's own
# default; $4 days after which entries go, or - for never
check_journal_storage() {
  if ! file_is /etc/systemd/journald.conf.d/sealift.conf "$(journal_limits "$@")"; then
    echo "journald.conf.d/sealift.conf is absent or altered"
    return 1
  fi
  if ! file_is /etc/systemd/system/var-log-journal.mount "$(journal_unit_text "$1")"; then
    echo "var-log-journal.mount is absent or altered"
    return 1
  fi
  if ! unit_is_wanted var-log-journal.mount; then
    echo "var-log-journal.mount is not started at boot"
    return 1
  fi
  if ! journal_is_on "$1"; then
    echo "/var/log/journal is not $1/journal"
    return 1
  fi
  if [ -e "$SEALIFT_STATE/journald-restart" ]; then
    echo "journald has not read its limits yet"
    return 1
  fi
}
guard_journal_storage() {
  if journal_is_on "$1"; then return 0; fi
  if mount_look /var/log/journal; then
    refuse_because E_MOUNT_POINT "$seen_root of $seen_source is mounted at /var/log/journal" "unmount it yourself, and see that it does not come back with the next boot"
  fi
  # What is mounted once the network is up comes after local-fs.target, and the journal before: systemd would drop one of them.
  case " $(timeout 60 systemctl show --property Before --value "$(unit_of_path "$1")") " in
    *' remote-fs.target '*) refuse_because E_MOUNT_BOOT "$1 is mounted once the network is up, and the journal is needed before" "keep the journal on a mount that needs no network" ;;
  esac
  if [ -L /var/log/journal ]; then
    refuse_because E_MOUNT_POINT "/var/log/journal is a symbolic link" "remove the link, what it points to may stay"
  fi
}
apply_journal_storage() {
  guard_journal_storage "$@"
  if ! mount_look "$1"; then
    echo "nothing mounted at $1"
    return 1
  fi
  # Gone when journald has read the file: a run that is cut off before that leaves the mark, and the next one goes on.
  : >"$SEALIFT_STATE/journald-restart"
  mkdir -p /etc/systemd/journald.conf.d "$1/journal"
  journal_limits "$@" >/etc/systemd/journald.conf.d/sealift.conf.new
  mv /etc/systemd/journald.conf.d/sealift.conf.new /etc/systemd/journald.conf.d/sealift.conf
  journal_unit_text "$1" >/etc/systemd/system/var-log-journal.mount.new
  mv /etc/systemd/system/var-log-journal.mount.new /etc/systemd/system/var-log-journal.mount
  systemctl daemon-reload
  systemctl enable --no-reload --quiet var-log-journal.mount
  if ! journal_is_on "$1"; then
    # journald lets go of its files and writes to /run until the flush below.
    timeout 60 journalctl --relinquish-var
    journal_set_aside
    mkdir -p /var/log/journal
    chattr +i /var/log/journal
    systemctl reset-failed var-log-journal.mount 2>/dev/null || true
    timeout 60 systemctl start var-log-journal.mount
    # Group, mode and access list as the distribution wants them: systemd-journald.service(8).
    systemd-tmpfiles --create --prefix /var/log/journal
  fi
  timeout 60 systemctl restart systemd-journald.service
  timeout 60 journalctl --flush
  rm "$SEALIFT_STATE/journald-restart"
}

# journal_limits MOUNT MAX_MIB KEEP_MIB DAYS: journald.conf(5).
journal_limits() {
  printf '%s\n' "# Made by Sealift." "[Journal]" "Storage=persistent" "SystemMaxUse=${2}M"
  if [ "$3" != - ]; then echo "SystemKeepFree=${3}M"; fi
  if [ "$4" != - ]; then echo "MaxRetentionSec=${4}day"; fi
}

# journal_unit_text MOUNT: systemd.mount(5). systemd-journal-flush.service waits for all that is mounted at or above
# /var/log/journal, so at boot the journal moves there from /run when the volume is there, and not before.
journal_unit_text() {
  printf '%s\n' "# Made by Sealift." "[Unit]" "RequiresMountsFor=$1" "Before=local-fs.target" "" \
    "[Mount]" "What=$1/journal" "Where=/var/log/journal" "Type=none" "Options=bind" "" \
    "[Install]" "WantedBy=local-fs.target"
}

# journal_is_on MOUNT: whether /var/log/journal is the directory journal of the file system that is mounted there.
journal_is_on() {
  if ! mount_look "$1"; then return 1; fi
  # What others have mounted may be a directory of its file system.
  is_on_directory="$seen_device ${seen_root%/}/journal"
  if ! mount_look /var/log/journal; then return 1; fi
  [ "$seen_device $seen_root" = "$is_on_directory" ]
}

# journal_set_aside: the old files keep their directory under another name: `journalctl -D` reads them there.
journal_set_aside() {
  if [ -z "$(ls -A /var/log/journal 2>/dev/null)" ]; then return 0; fi
  aside=/var/log/journal.before-sealift
  aside_number=1
  while [ -e "$aside" ]; do
    aside_number=$((aside_number + 1))
    aside=/var/log/journal.before-sealift-$aside_number
  done
  mv /var/log/journal "$aside"
}

# What the kernel itself says of volumes: from /sys alone, without one process. Reads only.
# Names of groups and volumes hold no hyphen, so that GROUP-VOLUME of device-mapper means one volume only.
# shellcheck disable=SC2034 # what is set here is read by the other files of the library

# lv_look GROUP VOLUME: fails when the volume is not active, else sets
#   lv_node   dm-3
#   lv_mib    size in MiB (2^20 bytes), rounded down
lv_look() {
  for lv_entry in /sys/block/dm-*; do
    if [ ! -r "$lv_entry/dm/name" ]; then continue; fi
    read -r lv_name <"$lv_entry/dm/name" || continue
    if [ "$lv_name" != "$1-$2" ]; then continue; fi
    read -r lv_uuid <"$lv_entry/dm/uuid" || lv_uuid=
    case $lv_uuid in
      LVM-*) ;;
      *) continue ;;
    esac
    lv_node=${lv_entry##*/}
    read -r lv_sectors <"$lv_entry/size"
    lv_mib=$((lv_sectors / 2048))
    return 0
  done
  return 1
}

# lv_stands_on_volumes NODE: whether another logical volume lies below: the volume is thin, cached or a raid. A snapshot
# slides a layer below its origin, too, named -real; that one is gone with the snapshot.
lv_stands_on_volumes() {
  for lv_below in "/sys/block/$1/slaves"/dm-*; do
    if [ ! -r "$lv_below/dm/uuid" ]; then continue; fi
    read -r lv_uuid <"$lv_below/dm/uuid" || continue
    case $lv_uuid in
      LVM-*-real) ;;
      LVM-*) return 0 ;;
    esac
  done
  return 1
}

# file_is FILE TEXT: whether FILE is a plain file that holds exactly the lines of TEXT.
file_is() {
  if [ ! -f "$1" ] || [ -L "$1" ]; then return 1; fi
  is_text=
  while IFS= read -r is_line; do
    is_text=$is_text$is_line$SEALIFT_LINE_END
  done <"$1"
  [ "$is_text" = "$2$SEALIFT_LINE_END" ]
}

# Volumes of the group: made, made active, grown. Never shrunk, never removed.
# shellcheck disable=SC2154 # kernel.sh sets lv_node and lv_mib

# Fact: the logical volume is active, plain, and has this size.
# $1 volume group, $2 logical volume, $3 GiB, or N% of what is free in the group when it is made: of any size afterwards
check_logical_volume() {
  if ! lv_look "$1" "$2"; then
    echo "no such volume, or it is not active"
    return 1
  fi
  if lv_stands_on_volumes "$lv_node"; then
    echo "not a plain volume: it stands on other logical volumes"
    return 1
  fi
  case $3 in
    *%) return 0 ;;
  esac
  if [ "$lv_mib" -ne $(($3 * 1024)) ]; then
    echo "$lv_mib MiB"
    return 1
  fi
}
guard_logical_volume() {
  volume_row=$(lvs --noheadings --nosuffix --units m -o lv_size,lv_layout,lv_role "$1/$2" 2>/dev/null || true)
  read -r volume_mib volume_layout volume_role <<EOF
$volume_row
EOF
  if [ -z "$volume_mib" ]; then return 0; fi
  volume_mib=${volume_mib%%.*}
  if [ "$volume_layout" != linear ] && [ "$volume_layout" != striped ]; then
    refuse_because E_VOLUME_KIND "$1/$2 is $volume_layout" "take another name for the volume, or move its data to a linear volume yourself"
  fi
  case $3 in
    *%) return 0 ;;
  esac
  if [ "$volume_mib" -gt $(($3 * 1024)) ]; then
    refuse_because E_SHRINK "$1/$2 is $volume_mib MiB and would shrink to $(($3 * 1024)) MiB" "write at least the size that it has, because volumes are never shrunk"
  fi
  case $volume_mib,$volume_role in
    $(($3 * 1024)),*) ;;
    *origin*) refuse_because E_VOLUME_KIND "$1/$2 has a snapshot and does not grow while it has one" "remove the snapshot when its backup is done" ;;
  esac
}
apply_logical_volume() {
  guard_logical_volume "$@"
  # The group is there, so nothing that the note says is unfinished any more.
  rm -f "$SEALIFT_STATE/new-physical-volume"
  if [ -z "$volume_mib" ]; then
    case $3 in
      *%) volume_size="--extents=${3}FREE" ;;
      *) volume_size="--size=${3}g" ;;
    esac
    # The tag says that nobody has used this volume yet: it alone allows mkfs. --wipesignatures concerns the new volume.
    timeout 120 lvcreate --yes --wipesignatures y --addtag sealift_new "$volume_size" --name "$2" "$1"
    return
  fi
  timeout 120 lvchange --activate y "$1/$2"
  case $3 in
    *%) ;;
    *) if [ "$volume_mib" -lt $(($3 * 1024)) ]; then timeout 120 lvextend --size "${3}g" "$1/$2"; fi ;;
  esac
}

# Who may use what is mounted: the volume's own top directory, and nothing below it.

# Fact: the top directory of the volume that is mounted there has this owner and mode.
# $1 mount point; $2 UID:GID in numbers, or - for as it is; $3 four octal digits, or - for as it is
check_mount_root() {
  if ! mount_look "$1"; then
    echo "nothing mounted at $1"
    return 1
  fi
  root_found=$(stat -c '%u:%g %a' "$1")
  root_owner=${root_found% *}
  root_mode=${root_found#* }
  if { [ "$2" != - ] && [ "$root_owner" != "$2" ]; } || { [ "$3" != - ] && [ "$root_mode" != "${3#0}" ]; }; then
    echo "owner $root_owner, mode $root_mode"
    return 1
  fi
}
apply_mount_root() {
  if ! mount_look "$1"; then
    echo "nothing mounted at $1"
    return 1
  fi
  if [ "$2" != - ]; then chown "$2" "$1"; fi
  # After chown, which takes setuid away; with fewer than five digits GNU chmod leaves a directory its setuid and setgid.
  if [ "$3" != - ]; then chmod "0$3" "$1"; fi
}

# Volumes where systemd mounts them, before anything that needs them. Nothing is unmounted.
# shellcheck disable=SC2154 # kernel.sh sets lv_…, core/mounts.sh seen_…

# Fact: systemd mounts the volume there with these options, now and at every boot.
# $1 volume group, $2 logical volume, $3 mount point, $4 file system; $5 of each pair nodev/dev, nosuid/suid, noexec/exec,
# noatime/relatime one, with commas between
check_mount() {
  mount_unit=$(unit_of_path "$3")
  if ! lv_look "$1" "$2"; then
    echo "no such volume"
    return 1
  fi
  if ! file_is "/etc/systemd/system/$mount_unit" "$(mount_unit_text "$@" "$(known_uuid "$lv_node")")"; then
    echo "$mount_unit is absent or altered"
    return 1
  fi
  if ! unit_is_wanted "$mount_unit"; then
    echo "$mount_unit is not started at boot"
    return 1
  fi
  if ! mount_look "$3"; then
    echo "nothing mounted at $3"
    return 1
  fi
  if ! mount_is_volume; then
    echo "$seen_source mounted at $3"
    return 1
  fi
  mount_found=$(mount_options_finding "$5")
  if [ -n "$mount_found" ]; then
    echo "mounted at $3$mount_found"
    return 1
  fi
}
guard_mount() {
  if ! lv_look "$1" "$2"; then lv_node=none; fi
  if mount_look "$3"; then
    if mount_is_volume; then return 0; fi
    refuse_because E_MOUNT_POINT "$seen_source is mounted at $3" "unmount it yourself, and see that it does not come back with the next boot"
  fi
  if [ -L "$3" ] || { [ -e "$3" ] && [ ! -d "$3" ]; }; then
    refuse_because E_MOUNT_POINT "$3 is not a directory" "move it away"
  fi
  mount_entries=$(find "$3" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l)
  if [ "$mount_entries" -gt 0 ]; then
    refuse_because E_MOUNT_POINT "$3 holds $mount_entries entries that the mount would hide" "move them away"
  fi
  if mount_of "$lv_node"; then
    refuse_because E_MOUNT_POINT "$1/$2 is mounted at $seen_point already" "unmount it there yourself, and see that it does not come back with the next boot"
  fi
}
apply_mount() {
  guard_mount "$@"
  mount_unit=$(unit_of_path "$3")
  if ! mount_look "$3"; then
    mkdir -p "$3"
    # A service that starts without its volume fails here instead of filling the root disk.
    chattr +i "$3"
  fi
  mount_unit_text "$@" "$(blkid -p -s UUID -o value "/dev/$1/$2")" >"/etc/systemd/system/$mount_unit.new"
  mv "/etc/systemd/system/$mount_unit.new" "/etc/systemd/system/$mount_unit"
  systemctl enable --no-reload --quiet "$mount_unit"
  # systemd reads what it has never seen by itself; to read everything again takes it seconds on a slow host.
  if [ "$(systemctl show -P NeedDaemonReload "$mount_unit")" = yes ]; then systemctl daemon-reload; fi
  # udev can miss that mkfs has closed the device, and then there is no by-uuid name to wait for.
  timeout 60 udevadm trigger --settle --action=change "$(readlink -f "/dev/$1/$2")"
  systemctl reset-failed "$mount_unit" 2>/dev/null || true
  timeout 120 systemctl start "$mount_unit"
  # In use, and it stays so: new options take hold without an unmount.
  timeout 60 mount -o "remount,$5" "$3"
}

# mount_unit_text GROUP VOLUME MOUNT TYPE OPTIONS UUID: systemd.mount(5). By UUID, so that the unit means this file system.
mount_unit_text() {
  printf '%s\n' "# Made by Sealift: $1/$2" "[Unit]" "Before=local-fs.target" "" \
    "[Mount]" "What=/dev/disk/by-uuid/$6" "Where=$3" "Type=$4" "Options=$5" "" \
    "[Install]" "WantedBy=local-fs.target"
}

# mount_is_volume: whether what mount_look has seen is the whole file system on the volume that lv_look has found.
mount_is_volume() {
  if [ ! -r "/sys/block/$lv_node/dev" ]; then return 1; fi
  read -r is_device <"/sys/block/$lv_node/dev"
  [ "$seen_device $seen_root" = "$is_device /" ]
}

# mount_options_finding OPTIONS: where what mount_look has seen differs from them; " without nosuid with noexec".
mount_options_finding() {
  for options_flag in nodev nosuid noexec noatime; do
    case ,$1, in
      *,"$options_flag",*)
        case $seen_options in
          *,"$options_flag",*) ;;
          *) printf ' without %s' "$options_flag" ;;
        esac
        ;;
      *)
        case $seen_options in
          *,"$options_flag",*) printf ' with %s' "$options_flag" ;;
        esac
        ;;
    esac
  done
}

# known_uuid NODE: the UUID by which udev knows the block device; nothing when it does not.
known_uuid() {
  for known_link in /dev/disk/by-uuid/*; do
    if [ "$known_link" -ef "/dev/$1" ]; then
      echo "${known_link##*/}"
      return
    fi
  done
}

# unit_is_wanted UNIT: whether local-fs.target starts it: what `systemctl enable` leaves behind.
unit_is_wanted() {
  [ "/etc/systemd/system/local-fs.target.wants/$1" -ef "/etc/systemd/system/$1" ]
}

# Whether the volumes fit into their group, before the first of them is made. Reads only.
# shellcheck disable=SC2154 # group.sh and kernel.sh set what is read here

# group_in_use DISK...: whether each volume of group_volumes is active and large enough, together they use every disk, and
# they use no other. What this cannot tell apart from trouble is asked of LVM.
group_in_use() {
  use_disks=
  for use_volume in $(group_each_volume); do
    if ! lv_look "$group_name" "${use_volume%%:*}"; then return 1; fi
    case $use_volume in
      *%) ;;
      *) if [ "$lv_mib" -lt $((${use_volume#*:} * 1024)) ]; then return 1; fi ;;
    esac
    for use_slave in "/sys/block/$lv_node/slaves"/*; do
      if ! group_names "/dev/${use_slave##*/}" "$@"; then return 1; fi
      use_disks="$use_disks /dev/${use_slave##*/}"
    done
  done
  for use_disk; do
    # shellcheck disable=SC2086 # a list of device nodes
    if ! group_names "${use_disk%%=*}" $use_disks; then return 1; fi
  done
}

# group_shortage: what does not fit into group_free_mib; nothing when all does.
group_shortage() {
  shortage_asked=0
  for shortage_volume in $(group_each_volume); do
    shortage_name=${shortage_volume%%:*}
    shortage_size=${shortage_volume#*:}
    shortage_has=$(group_volume_mib "$shortage_name")
    case $shortage_size in
      *%)
        if [ "$shortage_has" -gt 0 ]; then continue; fi
        shortage_mib=$(((group_free_mib - shortage_asked) * ${shortage_size%\%} / 100))
        if [ "$shortage_mib" -lt 1024 ]; then
          echo "${shortage_size}FREE for $group_name/$shortage_name is $shortage_mib MiB, and a volume has at least 1024 MiB"
          return 0
        fi
        ;;
      *)
        shortage_mib=$((shortage_size * 1024 - shortage_has))
        if [ "$shortage_mib" -lt 0 ]; then shortage_mib=0; fi
        ;;
    esac
    shortage_asked=$((shortage_asked + shortage_mib))
  done
  if [ "$shortage_asked" -gt "$group_free_mib" ]; then
    echo "the volumes ask for $shortage_asked MiB more, and ${group_disks:+"what is free in "}$group_name has $group_free_mib MiB"
  fi
}

# group_volume_mib VOLUME: its size in MiB; 0 when there is none. An inactive one is known to LVM alone.
group_volume_mib() {
  volume_mib=
  if lv_look "$group_name" "$1"; then
    volume_mib=$lv_mib
  elif [ -n "$group_rows" ]; then
    volume_mib=$(lvs --noheadings --nosuffix --units m -o lv_size "$group_name/$1" 2>/dev/null || true)
    volume_mib=${volume_mib##* }
    volume_mib=${volume_mib%%.*}
  fi
  echo "${volume_mib:-0}"
}

# group_each_volume: NAME:SIZE a line.
group_each_volume() {
  each_rest=$group_volumes,
  while [ -n "$each_rest" ]; do
    echo "${each_rest%%,*}"
    each_rest=${each_rest#*,}
  done
}

# The library's last words: as a file it applies the plan on its standard input, or does the work of the unit that this
# starts; a probe, which sends it as text without arguments, says by itself what is to be done.
case ${1-} in
  apply) run_apart "$0" "${2-}" ;;
  work) work "$2" ;;
esac
