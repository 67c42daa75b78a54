# What systemd runs. The values are upstream's: moby contrib/init/systemd, containerd.service of containerd 2;
# the reasons are in docs/decisions. Ours are RequiresMountsFor, the PATH of the current version and the note of
# which daemon.json was loaded.

# for_each_unit DATA_ROOT FUNCTION: calls FUNCTION with each path, the wanted text on standard input.
for_each_unit() {
  containerd_config "$1" | "$2" /etc/containerd/config.toml
  containerd_service "$1" | "$2" /etc/systemd/system/containerd.service
  docker_socket | "$2" /etc/systemd/system/docker.socket
  docker_service "$1" | "$2" /etc/systemd/system/docker.service
}

# The root is where dockerd itself would put it, so that images lie on the data volume with either image store.
containerd_config() {
  cat <<EOF
# Made by Sealift.
version = 2
root = "$1/containerd/daemon"
state = "/run/containerd"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
EOF
}

containerd_service() {
  cat <<EOF
# Made by Sealift.
[Unit]
Description=containerd container runtime
Documentation=https://containerd.io
After=network.target dbus.service
RequiresMountsFor=$1

[Service]
Environment=PATH=/opt/docker/current/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
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
EOF
}

docker_socket() {
  cat <<EOF
# Made by Sealift.
[Unit]
Description=Docker socket for the API

[Socket]
ListenStream=/run/docker.sock
SocketMode=0660
SocketUser=root
SocketGroup=docker

[Install]
WantedBy=sockets.target
EOF
}

docker_service() {
  cat <<EOF
# Made by Sealift.
[Unit]
Description=Docker application container engine
Documentation=https://docs.docker.com
After=network-online.target nss-lookup.target docker.socket firewalld.service containerd.service time-set.target
Wants=network-online.target containerd.service
Requires=docker.socket
RequiresMountsFor=$1
StartLimitBurst=3
StartLimitIntervalSec=60

[Service]
Environment=PATH=/opt/docker/current/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
Type=notify
ExecStartPre=/usr/bin/install -D -m 0644 /etc/docker/daemon.json /run/sealift/daemon.json.loaded
ExecStart=/opt/docker/current/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock
ExecReload=/bin/kill -s HUP \$MAINPID
ExecReload=/usr/bin/install -D -m 0644 /etc/docker/daemon.json /run/sealift/daemon.json.loaded
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
EOF
}
