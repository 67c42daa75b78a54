# What systemd runs. The settings of the three units are upstream's (moby contrib/init/systemd of 29, containerd.service of
# containerd 2) with Sealift's path to the programs; all other settings of Sealift are in one drop-in per unit.
# shellcheck disable=SC2154 # files.sh and systemd.sh set file_wrong and unit_…

UNIT_CONTAINERD=/etc/systemd/system/containerd.service
UNIT_DOCKER=/etc/systemd/system/docker.service
UNIT_SOCKET=/etc/systemd/system/docker.socket
UNIT_CONFIG=/etc/containerd/config.toml

# Sealift's drop-in of each unit.
UNIT_CONTAINERD_OURS=$UNIT_CONTAINERD.d/sealift.conf
UNIT_DOCKER_OURS=$UNIT_DOCKER.d/sealift.conf
UNIT_PATH=/opt/docker/current/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# Where dockerd looks for CAs in addition to the system's own (Go crypto/x509, SSL_CERT_DIR). Only the engine uses the second folder: with the
# containerd image store, dockerd asks a registry's token server without the CA of certs.d (moby#52361).
UNIT_CA_DIRS=/etc/ssl/certs:/etc/docker/token-ca

# Fact: the systemd units of containerd and docker, and containerd's configuration, are those of this site, both as files and as loaded by systemd; nothing else
# provides or changes them.
# $1 version, $2 data-root
check_engine_units() {
  units_config "$1"
  file_inspect "$UNIT_CONFIG" "$UNIT_CONTAINERD" "$UNIT_CONTAINERD_OURS" "$UNIT_SOCKET" "$UNIT_DOCKER" "$UNIT_DOCKER_OURS"
  units_wrong=
  for_each_unit "$2" units_compare
  if [ -n "$units_wrong" ]; then
    echo "${units_wrong#, }"
    return 1
  fi
  unit_inspect "$UNIT_WHOLE" containerd.service docker.socket docker.service
  if ! units_loaded; then
    echo "$unit_wrong"
    return 1
  fi
}
# units_loaded: after unit_inspect.
units_loaded() {
  unit_loaded containerd.service "$UNIT_CONTAINERD_OURS" "Environment=PATH=$UNIT_PATH" EnvironmentFiles= PassEnvironment= User= \
    RootDirectory= RootImage= TriggeredBy= "ExecStartPre=!-/sbin/modprobe overlay" "ExecStart=!/opt/docker/current/bin/containerd" &&
    unit_loaded docker.socket "" "Listen=/run/docker.sock (Stream)" SocketMode=0660 SocketUser=root SocketGroup=docker \
      Triggers=docker.service &&
    unit_loaded docker.service "$UNIT_DOCKER_OURS" "Environment=PATH=$UNIT_PATH SSL_CERT_DIR=$UNIT_CA_DIRS" EnvironmentFiles= PassEnvironment= User= \
      RootDirectory= RootImage= TriggeredBy=docker.socket KillMode=process \
      "ExecStartPre=!/usr/bin/install -D -m 0644 /etc/docker/daemon.json /run/sealift/daemon.json.loaded" \
      "ExecStart=!/opt/docker/current/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock"
}
guard_engine_units() {
  refuse_unmanaged containerd.service "$UNIT_CONTAINERD_OURS"
  refuse_unmanaged docker.socket ""
  refuse_unmanaged docker.service "$UNIT_DOCKER_OURS"
  unit_inspect "Id TriggeredBy" docker.service
  unit_pick docker.service
  unit_value TriggeredBy
  for units_one in $unit_found; do
    if [ "$units_one" = docker.socket ]; then continue; fi
    refuse E_UNMANAGED_UNIT "$units_one activates docker.service and passes it another listening socket" \
      "find out who installed it, then stop it, remove its file and run systemctl daemon-reload"
  done
}
apply_engine_units() {
  guard_engine_units
  units_config "$1"
  for_each_unit "$2" units_write
  # Empty where the site's registry has no token server.
  install -d -o root -g root -m 0755 "${UNIT_CA_DIRS##*:}"
  systemctl daemon-reload
}
units_compare() {
  if ! file_is "$1" "${2%"$SEALIFT_LINE_END"}"; then units_wrong="$units_wrong, $file_wrong"; fi
}
units_write() {
  if file_is "$1" "${2%"$SEALIFT_LINE_END"}"; then return 0; fi
  install -d -o root -g root -m 0755 "${1%/*}"
  file_put "$1" "${2%"$SEALIFT_LINE_END"}"
}

# units_config VERSION: sets units_format to the version of containerd's configuration that this engine's containerd writes:
# 2 of containerd 1, 3 of containerd 2 (containerd docs/man/containerd-config.toml.5). Before an engine is unpacked its containerd version is
# unknown, so an existing file is not reported as altered for its version.
units_config() {
  units_format=3
  units_note=/opt/docker/$1/containerd-version
  if [ -s "$units_note" ]; then
    read -r _ _ units_version _ <"$units_note"
  elif [ -x "/opt/docker/$1/bin/containerd" ]; then
    # A power cut can leave the note of an earlier version of Sealift empty.
    units_version=$(timeout 60 "/opt/docker/$1/bin/containerd" --version | cut -d ' ' -f 3)
  else
    if grep -qsx 'version = 2' "$UNIT_CONFIG"; then units_format=2; fi
    return 0
  fi
  # "containerd github.com/containerd/containerd 1.7.24 <revision>", from 2 on with "/v2" and perhaps a "v".
  case ${units_version#v} in 1.*) units_format=2 ;; esac
}

# for_each_unit DATA_ROOT FUNCTION: calls FUNCTION with each path and its content.
for_each_unit() {
  # containerd's root is where dockerd would put it, so that images are on the data volume with either image store.
  # In containerd 2 the CRI plugin has three parts; names that a version does not have are ignored.
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
  "$2" "$UNIT_CONTAINERD_OURS" "# Made by Sealift.
[Unit]
# Without its volume, containerd would make a second, empty store on the root disk.
RequiresMountsFor=$1

[Service]
Environment=PATH=$UNIT_PATH
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
  "$2" "$UNIT_DOCKER_OURS" "# Made by Sealift.
[Unit]
# Without its volume, dockerd would start on an empty folder of the root disk.
RequiresMountsFor=$1

[Service]
Environment=PATH=$UNIT_PATH
Environment=SSL_CERT_DIR=$UNIT_CA_DIRS
# Which daemon.json and which CAs of token servers are loaded, and which engine was ready last.
ExecStartPre=/usr/bin/install -D -m 0644 /etc/docker/daemon.json /run/sealift/daemon.json.loaded
ExecReload=/usr/bin/install -D -m 0644 /etc/docker/daemon.json /run/sealift/daemon.json.loaded
ExecStartPost=-/bin/sh -c 'rm -rf /run/sealift/token-ca.loaded && cp -r /etc/docker/token-ca /run/sealift/token-ca.loaded'
ExecStartPost=-/bin/cp -P --remove-destination -T /opt/docker/current /var/lib/sealift/engine-ran
"
}
