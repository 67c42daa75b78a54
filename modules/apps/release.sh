# Releases of an application on the host: the files of its project as the bundle carries them, the override that Sealift adds, and the files
# that services mount. These lie under their sha256, so that a service is replaced when its own files change and not with every release.
# shellcheck disable=SC2154 # files.sh sets file_wrong, path_wrong and others_found

# Fact: the release lies whole on the host, and only root can change it.
# $1 folder of the application, $2 release, $3 sha256 of its archive, $4 path of its Compose file, $5 text of the override, $6 names of its
# images, separated by blanks; $7 number of lines of the values file and then these lines; number of project files and then SHA256 PATH of
# each; then SHA256 PATH FROM of each mounted file: its path below files/, and in the project
check_app_release() {
  release_read "$@"
  if ! path_is_safe "$release_path"; then
    echo "$path_wrong"
    return 1
  fi
  if [ ! -d "$release_path" ]; then
    echo "absent"
    return 1
  fi
  file_inspect "$release_path/compose-file" "$release_path/sealift.override.yaml" "$release_path/values.env" "$release_path/images"
  if ! file_is "$release_path/compose-file" "$4" || ! file_is "$release_path/sealift.override.yaml" "$5" ||
    ! file_is "$release_path/values.env" "$release_values" || ! file_is "$release_path/images" "$release_images"; then
    echo "$file_wrong"
    return 1
  fi
  # shellcheck disable=SC2086 # paths of a project hold no blanks
  release_found=$(find "$release_path/project" $release_keys ! -type d ! -type f -print -quit 2>/dev/null || true)
  if [ -n "$release_found" ]; then
    echo "$release_found is neither a file nor a folder"
    return 1
  fi
  if ! release_found=$(printf '%s' "$release_sums" | timeout 600 sha256sum --check --quiet --strict 2>/dev/null); then
    release_found=${release_found%%"$SEALIFT_LINE_END"*}
    echo "${release_found%:*} is altered or absent"
    return 1
  fi
  # shellcheck disable=SC2086 # paths of a project hold no blanks
  release_found=$(find "$release_path/project" $release_keys ! -type d -printf . | wc -c)
  if [ "$release_found" -ne "$release_count" ]; then
    echo "$release_found files instead of $release_count in $release_path/project and the mounted folders"
    return 1
  fi
  # shellcheck disable=SC2086
  release_found=$(find "$release_path/project" $release_keys \( ! -user root -o -perm /022 \) -print -quit)
  if [ -n "$release_found" ]; then
    echo "$release_found can be changed by other users than root"
    return 1
  fi
}
guard_app_release() {
  release_read "$@"
  if ! path_is_safe "$release_path"; then
    refuse E_APP_FOLDER "$path_wrong, and root runs what lies in $release_path" "find out who can write there and why, then restrict it to root"
  fi
}
apply_app_release() {
  guard_app_release "$@"
  release_read "$@"
  release_new=$1/releases/.new
  rm -rf "$release_new"
  install -d -o root -g root -m 0755 "${1%/*}" "$1" "$1/releases" "$1/files" "$release_new" "$release_new/project"
  if ! path_is_safe "$release_new"; then
    echo "$path_wrong"
    return 1
  fi
  tar -x -f "$SEALIFT_BLOBS/$3" -C "$release_new/project" --no-same-owner --no-same-permissions
  chmod -R u=rwX,go=rX "$release_new/project"
  file_put "$release_new/compose-file" "$4"
  file_put "$release_new/sealift.override.yaml" "$5"
  file_put "$release_new/values.env" "$release_values"
  file_put "$release_new/images" "$release_images"
  release_place_mounted
  rm -rf "$release_path"
  mv -T "$release_new" "$release_path"
  on_disk "$1"
}

# release_read ARG...: the arguments of the fact. Sets release_path, release_images, release_values, release_sums (for sha256sum(1) --check),
# release_count, release_keys (what services mount) and release_mounted (PATH, tab, FROM; one per line).
release_read() {
  release_app=$1
  release_path=$1/releases/$2
  release_images=$(printf '%s' "$6" | tr ' ' '\n')
  release_left=$7
  shift 7
  release_values=
  while [ "$release_left" -gt 0 ]; do
    release_values=$release_values${release_values:+$SEALIFT_LINE_END}$1
    release_left=$((release_left - 1))
    shift
  done
  release_left=$1
  release_count=$1
  release_sums=
  shift
  while [ "$release_left" -gt 0 ]; do
    release_sums="$release_sums$1  $release_path/project/$2$SEALIFT_LINE_END"
    release_left=$((release_left - 1))
    shift 2
  done
  release_mounted=
  release_keys=
  while [ $# -ge 3 ]; do
    release_sums="$release_sums$1  $release_app/files/$2$SEALIFT_LINE_END"
    release_mounted="$release_mounted$2$release_tab$3$SEALIFT_LINE_END"
    release_count=$((release_count + 1))
    case " $release_keys " in
      *" $release_app/files/${2%%/*} "*) ;;
      *) release_keys="$release_keys $release_app/files/${2%%/*}" ;;
    esac
    shift 3
  done
}

# release_place_mounted: makes every mounted folder what the release has there. An altered file is written in place, because a container keeps
# the file that it has mounted; a folder with other entries than those of the release is replaced.
release_place_mounted() {
  for release_key in $release_keys; do
    release_entries=$(find "$release_key" ! -type d -printf . 2>/dev/null | wc -c)
    release_odd=$(find "$release_key" ! -type d ! -type f -print -quit 2>/dev/null || true)
    release_target=$release_key
    if [ -L "$release_key" ] || [ -n "$release_odd" ] || [ "$release_entries" -ne "$(printf '%s' "$release_sums" | grep -c -F "  $release_key/")" ]; then
      release_target=$release_key.new
      rm -rf "$release_target"
    fi
    printf '%s' "$release_mounted" | while IFS="$release_tab" read -r release_to release_from; do
      case $release_key in */"${release_to%%/*}") ;; *) continue ;; esac
      release_to=$release_target/${release_to#*/}
      release_from=$release_new/project/$release_from
      if [ -f "$release_to" ]; then
        if ! cmp -s "$release_from" "$release_to"; then cat "$release_from" >"$release_to"; fi
        chown root:root "$release_to"
        chmod 0644 "$release_to"
        continue
      fi
      install -d -o root -g root -m 0755 "${release_to%/*}"
      install -o root -g root -m 0644 "$release_from" "$release_to"
    done
    chmod -R u=rwX,go=rX "$release_target"
    chown -R root:root "$release_target"
    if [ "$release_target" = "$release_key" ]; then continue; fi
    rm -rf "$release_key"
    mv -T "$release_target" "$release_key"
  done
}
release_tab=$(printf '\t')
