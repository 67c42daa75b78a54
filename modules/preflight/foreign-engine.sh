# Another Docker on the host, by every way in which one gets there.
# shellcheck disable=SC2154 # processes.sh sets process_pids

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
  foreign_installed=
  for foreign_package in docker.io docker-cli docker-ce docker-ce-cli docker-engine docker-ee lxc-docker moby-engine moby-cli \
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
    # A masked unit is no engine: check_units_unmasked tells it.
    if [ -e "$foreign_file" ] && ! unit_masked "$foreign_file" && ! grep -q /opt/docker/ "$foreign_file"; then
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

# A daemon of root's that runs from elsewhere. One inside of a container is nobody's business, and anybody may call a process dockerd.
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
