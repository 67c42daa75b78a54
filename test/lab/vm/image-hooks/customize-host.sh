#!/bin/sh
# Turns the installed tree into a server as a team gets it: a login with sudo and a key, sshd, a network card; nothing else runs.
set -eu
root=$1
folder=$SEALIFT_IMAGE_FOLDER

chroot "$root" useradd --create-home --shell /bin/bash ops
install -d -m 0700 "$root/home/ops/.ssh"
install -m 0600 "$folder/authorized_keys" "$root/home/ops/.ssh/authorized_keys"
chroot "$root" chown -R ops:ops /home/ops/.ssh
echo 'ops ALL=(ALL:ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/ops"
chmod 0440 "$root/etc/sudoers.d/ops"

rm -f "$root"/etc/ssh/ssh_host_*
install -m 0600 "$folder/ssh_host_ed25519_key" "$root/etc/ssh/ssh_host_ed25519_key"
install -m 0644 "$folder/ssh_host_ed25519_key.pub" "$root/etc/ssh/ssh_host_ed25519_key.pub"
cat >"$root/etc/ssh/sshd_config.d/lab.conf" <<'END'
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin no
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 100:30:200
PerSourcePenalties no
UseDNS no
# OpenSSH before 9.9 prefers this exchange, which costs it 50 ms of a processor at every login, six times what the rest of a login does.
KexAlgorithms -sntrup761x25519*
END

echo lab >"$root/etc/hostname"
printf '127.0.0.1 localhost\n127.0.1.1 lab\n::1 localhost\n' >"$root/etc/hosts"
echo 'LABEL=root / ext4 defaults 0 1' >"$root/etc/fstab"
printf '[Match]\nType=ether\n\n[Network]\nDHCP=ipv4\n' >"$root/etc/systemd/network/lab.network"
# The building machine's own: no use where nothing can be reached.
rm -f "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/*
: >"$root/etc/resolv.conf"

# An emulated guest beside four others can need more than the default of 90 s until LVM has activated a group at boot.
mkdir -p "$root/etc/systemd/system.conf.d"
printf '[Manager]\nDefaultDeviceTimeoutSec=10min\n' >"$root/etc/systemd/system.conf.d/lab.conf"

chroot "$root" systemctl enable systemd-networkd ssh
# A restored guest wakes up days later: nothing may start by itself because of that.
chroot "$root" systemctl mask systemd-networkd-wait-online.service apt-daily.timer apt-daily-upgrade.timer \
  dpkg-db-backup.timer e2scrub_all.timer xfs_scrub_all.timer fstrim.timer systemd-tmpfiles-clean.timer
