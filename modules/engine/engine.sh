# The engine from static binaries: versions side by side in /opt/docker, and a symlink to the current one.
# shellcheck disable=SC2154 # files.sh and file-hashes.sh set path_wrong, others_found and hash_wrong

ENGINES=/opt/docker

# Fact: /opt/docker/<version>/bin holds these files, byte for byte as the lock says, and no other: the engine looks there first for every
# program that it starts. Root alone may change them.
# $1 version, $2 sha256 of the archive; $3... sha256:name of each file
check_engine_files() {
  files_bin=$ENGINES/$1/bin
  shift 2
  hash_inspect "$files_bin"/*
  files_wrong=
  for files_one; do
    if ! known_program "$files_bin/${files_one#*:}" "${files_one%%:*}"; then
      files_wrong="$files_wrong ${files_one#*:} is $hash_wrong,"
    fi
  done
  files_others "$@"
  for files_one in $files_other; do files_wrong="$files_wrong $files_one is not in the lock,"; done
  if [ -n "$files_wrong" ]; then
    echo "in $files_bin:${files_wrong%,}"
    return 1
  fi
  if ! path_is_safe "$files_bin"; then
    echo "$path_wrong"
    return 1
  fi
}
guard_engine_files() {
  guard_programs E_UNMANAGED_ENGINE "$ENGINES" || return 1
  files_bin=$ENGINES/$1/bin
  shift 2
  files_others "$@"
  if [ -n "$files_other" ]; then
    refuse E_UNMANAGED_ENGINE "$files_bin holds programs that are not in the lock, and the engine would run them instead of the host's own:$files_other" \
      "find out where they come from, then move them to another directory"
  fi
}
# files_others SHA256:NAME...: sets files_other to the names of all other files in files_bin.
files_others() {
  files_names=
  files_other=
  for files_one; do files_names="$files_names ${files_one#*:}"; done
  # shellcheck disable=SC2086 # names of programs
  if ! folder_others "$files_bin" $files_names; then return 0; fi
  for files_path in $others_found; do files_other="$files_other ${files_path##*/}"; done
}
apply_engine_files() {
  guard_engine_files "$@"
  files_root=$ENGINES/$1
  files_new=$files_root.new
  files_bin=$files_root/bin
  # Root writes and runs programs here.
  install -d -o root -g root -m 0755 "$ENGINES" "$files_root" "$files_bin"
  if ! path_is_safe "$files_bin"; then
    echo "$path_wrong"
    return 1
  fi
  rm -rf "$files_new"
  install -d -o root -g root -m 0755 "$files_new"
  # The archive was verified when it arrived, and is verified again before its programs run as root.
  check_stored_blob "$2" "$(stat -c %s "$SEALIFT_BLOBS/$2")"
  if ! timeout 600 tar -xzf "$SEALIFT_BLOBS/$2" -C "$files_new" --strip-components=1 --no-same-owner --no-same-permissions; then
    rm -rf "$files_new"
    return 1
  fi
  shift 2
  hash_inspect "$files_bin"/*
  for files_one; do
    files_path=$files_bin/${files_one#*:}
    # A correct file keeps its inode, because processes may run from it.
    if [ -f "$files_path" ] && [ ! -L "$files_path" ] && known_hash "$files_path" "${files_one%%:*}"; then
      chown root:root "$files_path"
      chmod 0755 "$files_path"
      continue
    fi
    echo "${files_one%%:*}  $files_new/${files_one#*:}" | sha256sum -c --quiet
    chmod 0755 "$files_new/${files_one#*:}"
    sync "$files_new/${files_one#*:}"
    mv "$files_new/${files_one#*:}" "$files_path"
    remember_hash "$files_path" "${files_one%%:*}"
  done
  rm -rf "$files_new"
  # Recorded once: the containerd version decides the version of its configuration.
  if [ -x "$files_bin/containerd" ]; then
    timeout 60 "$files_bin/containerd" --version >"$files_root/containerd-version.new"
    put_in_place "$files_root/containerd-version"
  fi
}

# Fact: this version is the current one, which runs at the next start.
# $1 version, $2 data-root
check_engine_current() {
  current_found=$(readlink "$ENGINES/current" || echo "no current version")
  if [ "$current_found" != "$1" ]; then
    echo "$current_found"
    return 1
  fi
}
guard_engine_current() { guard_upgrade_path "$@"; }
effect_engine_current() { effect_of_version_change "$1"; }
apply_engine_current() {
  guard_upgrade_path "$@"
  prepare_switch "$1"
  ln -sfn "$1" "$ENGINES/current.new"
  mv -T "$ENGINES/current.new" "$ENGINES/current"
}

# Fact: the commands of the current version are on the PATH.
# $@ commands
check_engine_commands() {
  for commands_name; do
    commands_found=$(readlink "/usr/local/bin/$commands_name" || echo "missing, or not a symlink")
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
      refuse E_UNMANAGED_ENGINE "$commands_link is a file that Sealift did not create" "find out where it comes from, then move it to another directory"
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
