# CNCF Distribution as one static program: versions side by side in /opt/registry, and a symlink to the current one; its system
# user and its storage folder.
# shellcheck disable=SC2154 # files.sh and file-hashes.sh set path_wrong and hash_wrong

REGISTRIES=/opt/registry
REGISTRY_USER=sealift-registry

# Fact: /opt/registry/<version>/bin/registry is the program of the lock, byte for byte, and the current version.
# $1 version, $2 sha256 of the archive, $3 path of the program in the archive, $4 its sha256
check_registry_program() {
  program_path=$REGISTRIES/$1/bin/registry
  hash_inspect "$program_path"
  if ! known_program "$program_path" "$4"; then
    echo "$program_path is $hash_wrong"
    return 1
  fi
  if ! path_is_safe "${program_path%/*}"; then
    echo "$path_wrong"
    return 1
  fi
  program_found=$(readlink "$REGISTRIES/current" || echo "no current version")
  if [ "$program_found" != "$1" ]; then
    echo "$program_found"
    return 1
  fi
}
guard_registry_program() { guard_programs E_REFUSED "$REGISTRIES"; }
apply_registry_program() {
  guard_registry_program
  program_bin=$REGISTRIES/$1/bin
  install -d -o root -g root -m 0755 "$REGISTRIES" "${program_bin%/*}" "$program_bin"
  if ! path_is_safe "$program_bin"; then
    echo "$path_wrong"
    return 1
  fi
  hash_inspect "$program_bin/registry"
  if ! known_program "$program_bin/registry" "$4"; then
    # The archive was verified when it arrived, and is verified again before its program runs.
    check_stored_blob "$2" "$(stat -c %s "$SEALIFT_BLOBS/$2")"
    timeout 300 tar -xzf "$SEALIFT_BLOBS/$2" -O -- "$3" >"$program_bin/registry.new"
    echo "$4  $program_bin/registry.new" | sha256sum -c --quiet
    chmod 0755 "$program_bin/registry.new"
    sync "$program_bin/registry.new"
    # Fail before the switch if the program is for another architecture or the folder is mounted noexec.
    if ! timeout 60 "$program_bin/registry.new" --version >/dev/null; then
      echo "$program_bin/registry.new does not run on this host"
      return 1
    fi
    mv "$program_bin/registry.new" "$program_bin/registry"
    remember_hash "$program_bin/registry" "$4"
  fi
  ln -sfn "$1" "$REGISTRIES/current.new"
  mv -T "$REGISTRIES/current.new" "$REGISTRIES/current"
}

# as_registry SECONDS COMMAND...: with the registry's rights only; prints 4 MiB at most. The registry can change its folders, so root
# reads and removes nothing there itself: it would follow every link.
as_registry() {
  registry_seconds=$1
  shift
  as_user "$registry_seconds" 4194304 runuser -u "$REGISTRY_USER" -- "$@" </dev/null
}

# registry_bytes FILE: the content of a file of the registry, read with its rights.
registry_bytes() { as_user 3600 9223372036854775807 runuser -u "$REGISTRY_USER" -- cat "$1" </dev/null; }

# Fact: the registry has a system user of its own that cannot log in.
check_registry_user() { service_user_is "$REGISTRY_USER"; }
apply_registry_user() { service_user_make "$REGISTRY_USER"; }

# Fact: the registry's files are on the volume mounted there, and blobs sent over ssh arrive beside them; only root can add anything else.
# $1 mount point, $2 ssh user that sends
check_registry_storage() {
  if ! mount_inspect "$1"; then
    echo "nothing mounted at $1"
    return 1
  fi
  if ! storage_is_safe "$1"; then
    echo "$path_wrong"
    return 1
  fi
  storage_expected="$REGISTRY_USER $REGISTRY_USER 750${SEALIFT_LINE_END}$2 700"
  storage_found=$(stat -c '%U %G %a' "$1/storage" 2>/dev/null || echo absent)$SEALIFT_LINE_END$(stat -c '%U %a' "$1/arriving" 2>/dev/null || echo absent)
  if [ "$storage_found" != "$storage_expected" ]; then
    echo "$1/storage: ${storage_found%"$SEALIFT_LINE_END"*}, $1/arriving: ${storage_found#*"$SEALIFT_LINE_END"}"
    return 1
  fi
}
# storage_is_safe MOUNT: whether only root can write to root's own folders there, if they exist. Sets path_wrong.
storage_is_safe() {
  for storage_one in bundles fetched; do
    # A missing one will be created in its parent.
    if ! path_is_safe "$1/$storage_one"; then return 1; fi
  done
}
guard_registry_storage() {
  if mount_inspect "$1" && ! path_is_safe "$1"; then
    refuse E_MOUNT_POINT "the registry keeps its files in $1, but $path_wrong" "give the registry a volume of its own, without owner and mode"
  fi
  if mount_inspect "$1" && ! storage_is_safe "$1"; then
    refuse E_MOUNT_POINT "root writes into a folder of the registry's volume, but $path_wrong" "find out who created it, then move it to another directory"
  fi
  for storage_one in "$1/storage" "$1/arriving" "$1/bundles" "$1/fetched"; do
    if [ -L "$storage_one" ]; then refuse E_MOUNT_POINT "$storage_one is a symbolic link" "check where it points, then remove the link"; fi
  done
  if mount_inspect "$1" && [ -d "$1/storage" ] && [ ! -d "$1/storage/docker" ] && [ -n "$(find "$1/storage" -mindepth 1 -print -quit)" ]; then
    refuse E_MOUNT_POINT "$1/storage holds files that do not belong to a registry" "move them to another directory"
  fi
}
apply_registry_storage() {
  guard_registry_storage "$@"
  if ! mount_inspect "$1"; then
    echo "nothing is mounted at $1"
    return 1
  fi
  install -d -o "$REGISTRY_USER" -g "$REGISTRY_USER" -m 0750 "$1/storage"
  # Files store uids, and on a new system disk the user may have another one.
  chown -R "$REGISTRY_USER:$REGISTRY_USER" "$1/storage"
  install -d -o "$2" -m 0700 "$1/arriving"
  on_disk "$1"
}
