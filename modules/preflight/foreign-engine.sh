# A Docker that Sealift did not install, however it was installed.
# shellcheck disable=SC2154 # processes.sh sets process_pids

# Fact: the host has no Docker or containerd that Sealift did not install.
check_no_foreign_engine() {
  foreign=
  foreign_by_package
  foreign_by_snap
  foreign_by_file
  foreign_by_process
  if [ -n "$foreign" ]; then
    echo "${foreign%, }"
    return 1
  fi
}

# foreign_by_package: adds packages. It asks dpkg-query only about packages of which dpkg has files: most hosts have none, and dpkg-query
# takes longer than all other checks.
foreign_by_package() {
  foreign_packages=
  foreign_installed=
  for foreign_package in docker.io docker-cli docker-ce docker-ce-cli docker-engine docker-ee lxc-docker moby-engine moby-cli \
    moby-containerd containerd containerd.io podman-docker; do
    if [ -e "$SEALIFT_ROOT/var/lib/dpkg/info/$foreign_package.list" ]; then
      foreign_packages="$foreign_packages $foreign_package"
    fi
  done
  if [ -z "$foreign_packages" ]; then return 0; fi
  # A package that was removed but not purged still has files. The names are split on purpose.
  # shellcheck disable=SC2086
  foreign_packages=$(dpkg-query --admindir="$SEALIFT_ROOT/var/lib/dpkg" -W -f '${Package}=${db:Status-Status}\n' \
    $foreign_packages 2>/dev/null || true)
  for foreign_package in $foreign_packages; do
    case $foreign_package in
      *=installed | *=unpacked | *=half-*) foreign_installed="$foreign_installed ${foreign_package%=*}" ;;
    esac
  done
  if [ -n "$foreign_installed" ]; then
    foreign="${foreign}packages$foreign_installed (apt-get remove$foreign_installed), "
  fi
}

# foreign_by_snap: adds an installed snap. Data that `snap remove` left is no engine: check_no_orphaned_data reports it.
foreign_by_snap() {
  if snap_installed; then foreign="${foreign}snap docker (snap remove docker), "; fi
}

# snap_installed: whether the snap docker is installed. A disabled snap has no command, but can be enabled again from its file.
snap_installed() {
  for snap_file in "$SEALIFT_ROOT"/snap/bin/docker "$SEALIFT_ROOT"/var/lib/snapd/snaps/docker_*.snap; do
    if [ -e "$snap_file" ]; then return 0; fi
  done
  return 1
}

# foreign_by_file: adds units and programs that no package owns. A docker-proxy in these folders takes precedence over the one on PATH (moby
# daemon/config/config_linux.go, lookupBinPath, 29.7.2).
foreign_by_file() {
  for foreign_file in "$SEALIFT_ROOT"/etc/systemd/system/docker.service "$SEALIFT_ROOT"/etc/systemd/system/containerd.service; do
    # A masked unit is no engine; check_units_unmasked reports it.
    if [ -e "$foreign_file" ] && ! unit_masked "$foreign_file" && ! grep -q /opt/docker/ "$foreign_file"; then
      foreign="$foreign$foreign_file (stop it with systemctl disable --now, then delete the file), "
    fi
  done
  # Removing the package removes its files.
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
    foreign="$foreign$foreign_file (leftover: delete it), "
  done
}

# foreign_by_process: adds daemons that root started from elsewhere. One in a container is fine, and any user may name a process dockerd.
foreign_by_process() {
  process_of dockerd containerd snap-dockerd
  for foreign_pid in $process_pids; do
    foreign_program=$(readlink "$SEALIFT_ROOT/proc/$foreign_pid/exe" || true)
    case $foreign_program in
      "" | /opt/docker/*) ;;
      *) foreign="${foreign}process $foreign_pid $foreign_program (stop and disable its unit), " ;;
    esac
  done
}
