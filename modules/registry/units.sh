# Two processes on the same files: a read-only reader without login, and a writer with one. Distribution has no permissions per user, so this
# keeps hosts from pushing. The writer listens on 127.0.0.1, or for the networks that the site lists.
# shellcheck disable=SC2154 # files.sh and systemd.sh set file_wrong and unit_…

REGISTRY_UNITS=/etc/systemd/system

# Fact: configuration and units of reader and writer are those of this site, both as files and as loaded by systemd; nothing else provides or
# changes them.
# $1 mount point, $2 port of the reader, $3 port of the writer, $4... networks that reach the writer, as IP/prefix; none: this host alone
check_registry_units() {
  file_inspect "$REGISTRY_ETC/reader.yml" "$REGISTRY_ETC/writer.yml" "$REGISTRY_UNITS/sealift-registry-reader.service" "$REGISTRY_UNITS/sealift-registry-writer.service"
  registry_wrong=
  for_each_registry_file registry_file_compare "$@"
  if [ -n "$registry_wrong" ]; then
    echo "${registry_wrong#, }"
    return 1
  fi
  unit_inspect "$UNIT_WHOLE" sealift-registry-reader.service sealift-registry-writer.service
  for registry_role in reader writer; do
    registry_unit=sealift-registry-$registry_role.service
    if ! unit_loaded "$registry_unit" "" Environment=OTEL_TRACES_EXPORTER=none EnvironmentFiles= PassEnvironment= "User=$REGISTRY_USER" \
      "Group=$REGISTRY_USER" RootDirectory= RootImage= TriggeredBy= \
      "ExecStartPre=!/bin/cp $REGISTRY_ETC/$registry_role.yml $REGISTRY_ETC/server.crt $REGISTRY_UNITS/$registry_unit /run/sealift-registry-$registry_role/" \
      "ExecStart=!$REGISTRIES/current/bin/registry serve $REGISTRY_ETC/$registry_role.yml"; then
      echo "$unit_wrong"
      return 1
    fi
    unit_starts_at_boot "$registry_unit" || return 1
  done
}
guard_registry_units() {
  refuse_unmanaged sealift-registry-reader.service ""
  refuse_unmanaged sealift-registry-writer.service ""
  shift 3
  if [ $# -gt 0 ] && ! unit_can_filter; then
    refuse E_NETWORK_FILTER "systemd cannot restrict the writer to $* on this host: IPAddressDeny= has no effect (the kernel lacks cgroup BPF)" \
      "remove registry.writerNetworks from the site file: the writer then listens on 127.0.0.1 and is reached with ssh -L"
  fi
}
apply_registry_units() {
  guard_registry_units "$@"
  for_each_registry_file registry_file_write "$@"
  systemctl daemon-reload
  systemctl enable --quiet sealift-registry-reader.service sealift-registry-writer.service
}
registry_file_compare() {
  if ! file_is "$1" "${2%"$SEALIFT_LINE_END"}"; then registry_wrong="$registry_wrong, $file_wrong"; fi
}
registry_file_write() {
  if ! file_is "$1" "${2%"$SEALIFT_LINE_END"}"; then file_put "$1" "${2%"$SEALIFT_LINE_END"}"; fi
}

# for_each_registry_file FUNCTION MOUNT READER_PORT WRITER_PORT [NETWORK...]: calls FUNCTION with each path and its content.
for_each_registry_file() {
  each_call=$1
  each_mount=$2
  each_reader=$3
  each_writer=$4
  shift 4
  "$each_call" "$REGISTRY_ETC/reader.yml" "$(registry_config "$each_mount" ":$each_reader")
  maintenance:
    readonly:
      enabled: true
"
  "$each_call" "$REGISTRY_ETC/writer.yml" "$(registry_config "$each_mount" "$(registry_writer_address "$@"):$each_writer")
  delete:
    enabled: true
auth:
  htpasswd:
    realm: sealift
    path: $REGISTRY_ETC/htpasswd
"
  "$each_call" "$REGISTRY_UNITS/sealift-registry-reader.service" "$(registry_unit reader "$each_mount" ReadOnlyPaths)$SEALIFT_LINE_END"
  "$each_call" "$REGISTRY_UNITS/sealift-registry-writer.service" "$(registry_unit writer "$each_mount" ReadWritePaths "IPAddressDeny=any
IPAddressAllow=127.0.0.1${1:+ $*}")$SEALIFT_LINE_END"
}

# registry_writer_address [NETWORK...]: where the writer listens; empty means every address, and the unit then admits only these
# networks.
registry_writer_address() {
  if [ $# = 0 ]; then echo 127.0.0.1; fi
}

# registry_config MOUNT ADDRESS: no port for metrics, which would also serve a profiler to every user of the host. It ends in storage, to
# which each role adds keys. No descriptor cache: the reader must see the writer's changes at once.
registry_config() {
  cat <<END
# Made by Sealift.
version: 0.1
log:
  level: info
  accesslog:
    disabled: true
http:
  addr: $2
  draintimeout: 30s
  tls:
    certificate: $REGISTRY_ETC/server.crt
    key: $REGISTRY_ETC/server.key
    minimumtls: tls1.2
storage:
  filesystem:
    rootdirectory: $1/storage
  redirect:
    disable: true
END
}

# registry_unit ROLE MOUNT PATHS [LINES]: systemd.exec(5), systemd.resource-control(5). The copies record with which configuration, certificate
# and unit a process was started.
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
ExecStartPre=/bin/cp $REGISTRY_ETC/$1.yml $REGISTRY_ETC/server.crt $REGISTRY_UNITS/sealift-registry-$1.service /run/sealift-registry-$1/
ExecStart=$REGISTRIES/current/bin/registry serve $REGISTRY_ETC/$1.yml
Environment=OTEL_TRACES_EXPORTER=none
Restart=always
RestartSec=2
LimitNOFILE=65536
UMask=0027
$3=$2/storage${4:+$SEALIFT_LINE_END$4}
$(unit_without_rights)

[Install]
WantedBy=multi-user.target
END
}
