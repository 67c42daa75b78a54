# The engine from static binaries: versions side by side in /opt/docker, one symlink says which runs.

SEALIFT_BLOBS=$SEALIFT_STATE/blobs
ENGINES=/opt/docker

# Fact: the archive of the engine is on the host with exactly the bytes of the lock.
# $1 sha256, $2 size in bytes
check_engine_archive() {
  if [ ! -f "$SEALIFT_BLOBS/$1" ]; then
    echo "not there"
    return 1
  fi
  archive_bytes=$(stat -c %s "$SEALIFT_BLOBS/$1")
  if [ "$archive_bytes" != "$2" ]; then
    echo "$archive_bytes bytes"
    return 1
  fi
}
apply_engine_archive() {
  archive_from=.sealift/blobs/$1
  if [ ! -f "$archive_from" ]; then
    echo "it did not arrive in ~/$archive_from; run pulumi up again, it is sent anew"
    return 1
  fi
  archive_found=$(sha256sum "$archive_from" | cut -d ' ' -f 1)
  if [ "$archive_found" != "$1" ]; then
    rm "$archive_from"
    echo "what arrived has sha256 $archive_found and was removed"
    return 1
  fi
  install -d -m 0755 "$SEALIFT_BLOBS"
  # Copied and renamed, because the home may be another file system.
  install -o root -g root -m 0644 "$archive_from" "$SEALIFT_BLOBS/$1.new"
  mv "$SEALIFT_BLOBS/$1.new" "$SEALIFT_BLOBS/$1"
  rm "$archive_from"
}

# Fact: /opt/docker/<version>/bin holds these files, byte for byte as the lock says.
# $1 version, $2 sha256 of the archive; $3... sha256:name of each file
check_engine_files() {
  files_bin=$ENGINES/$1/bin
  shift 2
  files_known=$(cat "$SEALIFT_STATE/hashes" 2>/dev/null || true)
  files_wrong=
  for files_one; do
    files_path=$files_bin/${files_one#*:}
    if [ ! -x "$files_path" ]; then
      files_wrong="$files_wrong ${files_one#*:} is absent,"
    elif ! known_hash "$files_path" "${files_one%%:*}" "$files_known"; then
      files_wrong="$files_wrong ${files_one#*:} is altered,"
    fi
  done
  if [ -n "$files_wrong" ]; then
    echo "in $files_bin:${files_wrong%,}"
    return 1
  fi
}
apply_engine_files() {
  files_new=$ENGINES/$1.new
  files_bin=$ENGINES/$1/bin
  rm -rf "$files_new"
  install -d -m 0755 "$files_new" "$files_bin"
  # The bytes were checked when they arrived; they are checked again before they run as root.
  echo "$2  $SEALIFT_BLOBS/$2" | sha256sum -c --quiet
  timeout 600 tar -xzf "$SEALIFT_BLOBS/$2" -C "$files_new" --strip-components=1 --no-same-owner --no-same-permissions
  shift 2
  files_known=$(cat "$SEALIFT_STATE/hashes" 2>/dev/null || true)
  for files_one; do
    files_path=$files_bin/${files_one#*:}
    # A file that is right keeps its inode: what runs from it goes on running from it.
    if [ -x "$files_path" ] && known_hash "$files_path" "${files_one%%:*}" "$files_known"; then continue; fi
    echo "${files_one%%:*}  $files_new/${files_one#*:}" | sha256sum -c --quiet
    chmod 0755 "$files_new/${files_one#*:}"
    sync "$files_new/${files_one#*:}"
    mv "$files_new/${files_one#*:}" "$files_path"
    remember_hash "$files_path" "${files_one%%:*}"
  done
  rm -rf "$files_new"
}

# known_hash FILE SHA256 KNOWN: a file whose inode, size, mtime and ctime are those of its last full hash, as KNOWN has
# them a line each, is not read again.
known_hash() {
  case $3 in
    *"$2 $(stat -c '%i %s %Y %Z' "$1") $1;"*) return 0 ;;
  esac
  [ "$(sha256sum "$1" | cut -d ' ' -f 1)" = "$2" ]
}

# remember_hash FILE SHA256
remember_hash() {
  touch "$SEALIFT_STATE/hashes"
  grep -vF " $1;" "$SEALIFT_STATE/hashes" >"$SEALIFT_STATE/hashes.new" || true
  echo "$2 $(stat -c '%i %s %Y %Z' "$1") $1;" >>"$SEALIFT_STATE/hashes.new"
  mv "$SEALIFT_STATE/hashes.new" "$SEALIFT_STATE/hashes"
}

# Fact: this version is the one that runs at the next start.
# $1 version
check_engine_current() {
  current_found=$(readlink "$ENGINES/current" || echo "no current version")
  if [ "$current_found" != "$1" ]; then
    echo "$current_found"
    return 1
  fi
}
apply_engine_current() {
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
apply_engine_commands() {
  for commands_name; do
    commands_link=/usr/local/bin/$commands_name
    if [ -e "$commands_link" ] && [ ! -L "$commands_link" ]; then
      echo "$commands_link is a file that Sealift did not put there; move it away first"
      return 1
    fi
    ln -sfn "$ENGINES/current/bin/$commands_name" "$commands_link.new"
    mv -T "$commands_link.new" "$commands_link"
  done
}

# Fact: the systemd units of containerd and docker, and containerd's configuration, are the ones of this site.
# $1 data-root
check_engine_units() {
  units_wrong=$(
    for_each_unit "$1" units_compare
  )
  if [ -n "$units_wrong" ]; then
    echo "absent or altered: $(echo "$units_wrong" | tr '\n' ' ')"
    return 1
  fi
}
apply_engine_units() {
  for_each_unit "$1" units_write
  systemctl daemon-reload
}
units_compare() {
  if ! cmp -s - "$1"; then echo "$1"; fi
}
units_write() {
  install -d -m 0755 "${1%/*}"
  cat >"$1.new"
  mv "$1.new" "$1"
}

# Fact: containerd runs from the current version, now and after a boot.
check_containerd() {
  if ! systemctl is-active --quiet containerd.service; then
    echo "containerd.service is $(systemctl is-active containerd.service || true)"
    return 1
  fi
  if ! systemctl is-enabled --quiet containerd.service; then
    echo "containerd.service is $(systemctl is-enabled containerd.service || true)"
    return 1
  fi
  containerd_runs=$(readlink "/proc/$(systemctl show -P MainPID containerd.service)/exe")
  containerd_wanted=$(readlink -f "$ENGINES/current/bin/containerd")
  if [ "$containerd_runs" != "$containerd_wanted" ]; then
    echo "it runs $containerd_runs"
    return 1
  fi
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
