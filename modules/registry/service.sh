# The two processes: their program, their configuration, and whether they respond.
# shellcheck disable=SC2154 # systemd.sh and processes.sh set unit_found and process_…

# Fact: reader and writer run from this version, with this configuration, certificate and unit, and listen on the right addresses only; the
# reader answers without a login, the writer requires one and answers no address outside its networks.
# $1 version, $2 DNS name, $3 port of the reader, $4 port of the writer, $5... networks that reach the writer; none: this host alone
check_registry_running() {
  for registry_role in reader writer; do
    if ! registry_stands "$registry_role" "$@"; then
      echo "$registry_role: $registry_found"
      return 1
    fi
  done
  if ! registry_answers "$2" "$3" "$4"; then
    echo "$registry_found"
    return 1
  fi
  if ! registry_filters "$@"; then
    echo "$registry_found"
    return 1
  fi
}
guard_registry_running() {
  for registry_one in "reader $3" "writer $4"; do
    refuse_taken_port "${registry_one#* }" "sealift-registry-${registry_one% *}.service" "stop it, or give the registry another port in the site file"
  done
}
apply_registry_running() {
  guard_registry_running "$@"
  for registry_role in reader writer; do
    if registry_stands "$registry_role" "$@" && { [ "$registry_role" = reader ] || registry_filters "$@"; }; then continue; fi
    systemctl reset-failed "sealift-registry-$registry_role.service" 2>/dev/null || true
    timeout 60 systemctl restart "sealift-registry-$registry_role.service"
  done
  for registry_try in 1 1 1 2 2 3 5 5 5 5; do
    if registry_answers "$2" "$3" "$4"; then return 0; fi
    sleep "$registry_try"
  done
  echo "$registry_found; the log says:"
  journal_tail 'sealift-registry-*'
  return 1
}

# registry_stands ROLE VERSION NAME READER_PORT WRITER_PORT [NETWORK...]: whether its process is correct and listens on the right address; sets
# registry_found if not.
registry_stands() {
  registry_process "$1" "$2" || return 1
  stands_role=$1
  stands_port=$4
  stands_address=
  if [ "$stands_role" = writer ]; then
    stands_port=$5
    shift 5
    stands_address=$(registry_writer_address "$@")
  fi
  process_inspect "$registry_pid"
  process_tcp
  # Every address is [::], or 0.0.0.0 if the kernel has no IPv6.
  case ${stands_address:-any}$process_ports in
    "127.0.0.1 127.0.0.1:$stands_port" | "any [::]:$stands_port" | "any 0.0.0.0:$stands_port") return 0 ;;
  esac
  registry_found="listens on${process_ports:- nothing} in place of ${stands_address:-every address}:$stands_port alone"
  return 1
}

# registry_filters VERSION NAME READER_PORT WRITER_PORT [NETWORK...]: whether the writer is unreachable from an address outside the networks:
# 127.0.0.2 always is outside. A writer that listens on 127.0.0.1 only needs no filter.
registry_filters() {
  if [ $# -le 4 ]; then return 0; fi
  registry_found=$(registry_ask "$2" "$4" --interface 'host!127.0.0.2' --connect-timeout 2)
  if [ "$registry_found" = 000 ]; then return 0; fi
  registry_found="the writer answers an address outside its networks: the IP filter of its unit has no effect"
  return 1
}

# registry_process ROLE VERSION: whether it runs the right program with the right files; sets registry_found if not.
registry_process() {
  unit_inspect "$UNIT_STATE" "sealift-registry-$1.service"
  unit_pick "sealift-registry-$1.service"
  unit_value MainPID
  registry_pid=${unit_found:-0}
  if [ "$registry_pid" = 0 ]; then
    registry_found="not running"
    return 1
  fi
  if ! [ "/proc/$registry_pid/exe" -ef "$REGISTRIES/$2/bin/registry" ]; then
    registry_found="runs from $(readlink "/proc/$registry_pid/exe" || true)"
    return 1
  fi
  if ! process_runs "$registry_pid" "$REGISTRIES/current/bin/registry serve $REGISTRY_ETC/$1.yml" OTEL_TRACES_EXPORTER=none; then
    registry_found=$process_wrong
    return 1
  fi
  user_hashes "$REGISTRY_USER" "/run/sealift-registry-$1" "$1.yml" server.crt "sealift-registry-$1.service"
  for registry_file in "$REGISTRY_ETC/$1.yml" "$REGISTRY_ETC/server.crt" "$REGISTRY_UNITS/sealift-registry-$1.service"; do
    registry_own=$(sha256sum "$registry_file" 2>/dev/null) || registry_own=absent
    case "$SEALIFT_LINE_END$user_hashes$SEALIFT_LINE_END" in
      *"$SEALIFT_LINE_END${registry_file##*/} ${registry_own%% *}$SEALIFT_LINE_END"*) ;;
      *)
        registry_found="runs with an earlier ${registry_file##*/}"
        return 1
        ;;
    esac
  done
}

# registry_answers NAME READER_PORT WRITER_PORT: queried by name and certificate as clients do, but on this host.
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
