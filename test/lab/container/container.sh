#!/bin/sh
# Runs one system container until it powers off, standard input ends, or TERM comes: then nothing of it is left, no process, mount,
# loop device, network namespace or cgroup. Everything it mounts lies in a mount namespace of its own.
# usage: container.sh attached|detached <folder> <port> <image> <name> [mount point...]
#   attached     it ends with standard input, so with the process that holds the other end, however that process ends
#   folder       has root.img, an ext4 file system for what the container changes: what it fills is that and not the machine's disk;
#                `layers`, one such file of an earlier state a line, the topmost first; and for the nth mount point mount<n>.img with
#                a file system. Gets machine.pid (this process), console.log and forwarder.log
#   port         on 127.0.0.1, leads to the container's sshd
#   image        disk with an ext4 file system: the root that all containers share, never written to
# Must run as root. Needs: systemd-container, iproute2, util-linux (unshare, nsenter, mount).
# Exit codes: 75 the port is taken, otherwise systemd-nspawn's; 137 after TERM.
set -eu
self=$0

# The way in, as QEMU's user network has it: the operator's side is 10.0.2.2, the host 10.0.2.15, and there is no route any further.
operator_address=10.0.2.2
host_address=10.0.2.15

main() {
  life=$1
  cd "$2"
  echo $$ >machine.pid
  cgroup=sealift-lab.$$
  # A job in the background would have /dev/null as its standard input.
  exec 3<&0
  unshare --mount --pid --fork --kill-child --mount-proc --propagation private \
    sh "$self" inside "$life" "$cgroup" "$@" 3<&3 &
  machine=$!
  exec 3<&-
  trap 'kill -KILL "$machine" 2>/dev/null || :' TERM INT HUP
  code=0
  while kill -0 "$machine" 2>/dev/null; do
    wait "$machine" && code=0 || code=$?
  done
  await_release
  remove_cgroup "$cgroup"
  rm -f machine.pid
  exit "$code"
}

# Process 1 of the container's own process namespace: when it ends, everything else in there does. In the machine's network.
inside() {
  life=$1 cgroup=$2 port=$5 image=$6 name=$7
  shift 7
  enter_cgroup "$cgroup"
  make_root "$image"
  make_network
  set_up_root "$name"
  binds=
  index=0
  for point; do
    make_mount "$index" "$point"
    binds="$binds --bind=$PWD/mounts/$index:/storage/$index"
    index=$((index + 1))
  done
  if [ -d "/lib/modules/$(uname -r)" ]; then binds="$binds --bind-ro=/lib/modules/$(uname -r)"; else sh "${self%/*}/builtin-modules.sh" root; fi
  forward "$port"
  # Of the kernel's settings its network's own can be written, as on a machine of its own. It is without the capabilities that would
  # change the machine itself: its clock, its kernel's modules, its ports.
  # shellcheck disable=SC2086
  SYSTEMD_NSPAWN_API_VFS_WRITABLE=network systemd-nspawn --quiet --register=no --keep-unit --directory=root --hostname="$name" $binds \
    --network-namespace-path="$PWD/net-host" --resolv-conf=off --timezone=off --console=pipe \
    --capability=all --drop-capability=CAP_SYS_TIME,CAP_SYS_MODULE,CAP_SYS_RAWIO \
    --system-call-filter='@keyring bpf @mount @privileged' --boot </dev/null >console.log 2>&1 3<&- &
  nspawn=$!
  if [ "$life" = attached ]; then { cat <&3 >/dev/null; kill -KILL "$nspawn"; } & fi
  wait "$nspawn"
}

# forward PORT: connections to it on 127.0.0.1 go on to the container's sshd. Ends with 75 when somebody else has the port.
forward() {
  systemd-socket-activate -l "127.0.0.1:$1" \
    nsenter --net="$PWD/net-operator" "$(socket_proxy)" "$host_address:22" >forwarder.log 2>&1 3<&- &
  forwarder=$!
  until grep -q '^Listening on' forwarder.log; do
    if ! kill -0 "$forwarder" 2>/dev/null; then
      cat forwarder.log >&2
      exit 75
    fi
    sleep 0.02
  done
}

# enter_cgroup NAME: this process into a cgroup of its own, in the unified hierarchy. A machine with both hierarchies shows that one
# without controllers.
enter_cgroup() {
  umount -R /sys/fs/cgroup
  mount -t cgroup2 none /sys/fs/cgroup
  read -r controllers </sys/fs/cgroup/cgroup.controllers || controllers=
  for controller in $controllers; do
    echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null || :
  done
  mkdir "/sys/fs/cgroup/$1"
  # 0 is the writer itself.
  echo 0 >"/sys/fs/cgroup/$1/cgroup.procs"
}

# The kernel takes a mount namespace apart after its last process, and lets go of the loop devices then.
await_release() {
  tries=0
  while [ "$tries" -lt 500 ] && losetup --noheadings --output BACK-FILE | grep -qF "$PWD/"; do
    sleep 0.02
    tries=$((tries + 1))
  done
}

# remove_cgroup NAME: with those that the container made below it. The kernel takes a moment to let go of the last process.
remove_cgroup() {
  top=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
  tries=0
  while [ -d "$top/$1" ] && [ "$tries" -lt 200 ]; do
    find "$top/$1" -depth -type d -exec rmdir {} \; 2>/dev/null || :
    [ ! -d "$top/$1" ] || sleep 0.02
    tries=$((tries + 1))
  done
}

# make_root IMAGE: root/ is the image, above it the layers of saved states, and what is changed on top.
make_root() {
  mkdir -p base changes root mounts
  mount -o loop,ro "$1" base
  mount -o loop root.img changes
  mkdir -p changes/upper changes/work
  lower=
  index=0
  while read -r layer; do
    mkdir -p "layer$index"
    mount -o loop,ro "$layer" "layer$index"
    lower="${lower}layer$index/upper:"
    index=$((index + 1))
  done <layers
  mount -t overlay overlay -o "lowerdir=${lower}base,upperdir=changes/upper,workdir=changes/work" root
}

# make_mount NUMBER MOUNT-POINT: a file system of its own there, by a mount unit of the container's own systemd.
make_mount() {
  mkdir -p "mounts/$1"
  # Copies of one saved state have the same UUID (xfs(5), nouuid).
  mount -o loop,nouuid "mount$1.img" "mounts/$1"
  unit=$(systemd-escape --path --suffix=mount "$2")
  printf '%s\n' "[Unit]" "Before=local-fs.target" "" "[Mount]" "What=/storage/$1" "Where=$2" "Type=none" "Options=bind" "" \
    "[Install]" "WantedBy=local-fs.target" >"root/etc/systemd/system/$unit"
  mkdir -p root/etc/systemd/system/local-fs.target.wants
  ln -sf "/etc/systemd/system/$unit" "root/etc/systemd/system/local-fs.target.wants/$unit"
}

# Two network namespaces with one wire between them: the container's, and the one from which its sshd is reached.
make_network() {
  for end in operator host; do
    : >"net-$end"
    unshare --net="$PWD/net-$end" true
    nsenter --net="$PWD/net-$end" ip link set lo up
  done
  nsenter --net="$PWD/net-operator" ip link add operator type veth peer name host0 netns "$PWD/net-host"
  nsenter --net="$PWD/net-operator" ip address add "$operator_address/24" dev operator
  nsenter --net="$PWD/net-operator" ip link set operator up
}

# set_up_root NAME: what differs from a virtual machine of the same image.
set_up_root() {
  echo "$1" >root/etc/hostname
  printf '127.0.0.1 localhost\n127.0.1.1 %s\n::1 localhost\n' "$1" >root/etc/hosts
  : >root/etc/fstab
  printf '[Match]\nName=host0\n\n[Network]\nAddress=%s/24\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n' "$host_address" >root/etc/systemd/network/10-host0.network
  if ! grep -qw memory /sys/fs/cgroup/cgroup.controllers; then pretend_controllers; fi
}

# A machine with both hierarchies has its controllers in the old one. Without them Sealift refuses a host, as it should; so that the
# rest can be tried, who logs in sees a file that lists them. Nobody else does: runc takes no file that is not of the cgroup file
# system. Nothing is limited by it: limits are tested on virtual machines. Mounts that who logs in makes are everybody's.
pretend_controllers() {
  echo "cpuset cpu io memory pids" >root/usr/local/lib/lab-cgroup.controllers
  cat >root/usr/local/lib/lab-sshd <<'END'
#!/bin/sh
set -eu
mount --make-private /sys/fs/cgroup
mount --bind /usr/local/lib/lab-cgroup.controllers /sys/fs/cgroup/cgroup.controllers
exec /usr/sbin/sshd -D
END
  mkdir -p root/etc/systemd/system/ssh.service.d
  printf '%s\n' "[Service]" "ExecStart=" \
    "ExecStart=unshare --mount --propagation unchanged sh /usr/local/lib/lab-sshd" >root/etc/systemd/system/ssh.service.d/lab-cgroup.conf
}

# systemd-socket-proxyd(8): where Debian and Ubuntu have it.
socket_proxy() {
  for place in /usr/lib/systemd /lib/systemd; do
    if [ -x "$place/systemd-socket-proxyd" ]; then
      echo "$place/systemd-socket-proxyd"
      return 0
    fi
  done
  echo "no systemd-socket-proxyd" >&2
  return 1
}

if [ "$1" = inside ]; then
  shift
  inside "$@"
else
  main "$@"
fi
