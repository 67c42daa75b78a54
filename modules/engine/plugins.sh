# Plugins of the docker command: compose and buildx.
# shellcheck disable=SC2154 # files.sh and file-hashes.sh set path_wrong and hash_wrong

# Versions side by side, and the folder that the docker command searches first after the user's own
# (docker/cli cli-plugins/manager, v28 and v29).
PLUGINS=$ENGINES/plugins
PLUGIN_LINKS=/usr/local/lib/docker/cli-plugins

# Fact: this version of the plugin is installed, byte for byte, for root alone to change, and `docker <name>` runs it.
# $1 name, $2 version, $3 sha256
check_engine_plugin() {
  plugin_path=$PLUGINS/docker-$1-$2
  plugin_link=$PLUGIN_LINKS/docker-$1
  hash_inspect "$plugin_path"
  if ! known_program "$plugin_path" "$3"; then
    echo "$plugin_path is $hash_wrong"
    return 1
  fi
  if ! path_is_safe "$PLUGINS"; then
    echo "$path_wrong"
    return 1
  fi
  plugin_found=$(readlink "$plugin_link" || echo "missing, or not a symlink")
  if [ "$plugin_found" != "$plugin_path" ]; then
    echo "$plugin_link: $plugin_found"
    return 1
  fi
}
guard_engine_plugin() {
  guard_programs E_UNMANAGED_ENGINE "$ENGINES" || return 1
  plugin_link=$PLUGIN_LINKS/docker-$1
  if [ -e "$plugin_link" ] && [ ! -L "$plugin_link" ]; then
    refuse E_UNMANAGED_ENGINE "$plugin_link is a file that Sealift did not create" "find out where it comes from, then move it to another directory"
  fi
}
apply_engine_plugin() {
  guard_engine_plugin "$@"
  plugin_path=$PLUGINS/docker-$1-$2
  plugin_link=$PLUGIN_LINKS/docker-$1
  install -d -o root -g root -m 0755 "$ENGINES" "$PLUGINS" "$PLUGIN_LINKS"
  if ! path_is_safe "$PLUGINS"; then
    echo "$path_wrong"
    return 1
  fi
  hash_inspect "$plugin_path"
  if ! known_program "$plugin_path" "$3"; then
    rm -f "$plugin_path.new"
    install -o root -g root -m 0755 "$SEALIFT_BLOBS/$3" "$plugin_path.new"
    echo "$3  $plugin_path.new" | sha256sum -c --quiet
    put_in_place "$plugin_path"
    remember_hash "$plugin_path" "$3"
  fi
  # Fail before the switch if the program is for another architecture or the folder is mounted noexec.
  if ! timeout 60 "$plugin_path" docker-cli-plugin-metadata >/dev/null; then
    echo "$plugin_path does not run on this host"
    return 1
  fi
  ln -sfn "$plugin_path" "$plugin_link.new"
  mv -T "$plugin_link.new" "$plugin_link"
}
