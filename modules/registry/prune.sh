# Removes the content of earlier bundles when the site keeps only the last ones. Nothing else is ever removed: content that no bundle brought
# stays, and so does everything that a tag of a user still refers to.
# shellcheck disable=SC2154 # files.sh sets path_wrong and file_wrong

# Fact: the contents of this bundle are recorded, so that they can be removed later.
# $1 mount point, $2 serial of the bundle, $3... manifests, each as `repository sha256 tag`
check_registry_bundle() {
  if ! path_is_safe "$1/bundles"; then
    echo "$path_wrong"
    return 1
  fi
  bundle_file=$1/bundles/$2
  shift 2
  file_inspect "$bundle_file"
  if ! printf '%s\n' "$@" | cmp -s - "$bundle_file"; then
    echo "$bundle_file is missing or differs"
    return 1
  fi
  if ! file_owned "$bundle_file" "$FILE_OURS"; then
    echo "$file_wrong"
    return 1
  fi
}
guard_registry_bundle() {
  if path_is_safe "$1/bundles"; then return 0; fi
  refuse E_MOUNT_POINT "the contents of bundle $2 are recorded in $1/bundles, but $path_wrong" "find out who created it, then move it to another directory"
}
apply_registry_bundle() {
  guard_registry_bundle "$@"
  install -d -m 0755 "$1/bundles"
  bundle_file=$1/bundles/$2
  shift 2
  printf '%s\n' "$@" >"$bundle_file.new"
  chown root:root "$bundle_file.new"
  chmod 0644 "$bundle_file.new"
  put_in_place "$bundle_file"
}

# Fact: the registry holds nothing that only bundles before the last ones brought.
# $1 mount point, $2 how many bundles stay, $3 serial of the bundle in use, which is one of them, $4 DNS name, $5 port of the reader,
# $6 port of the writer
check_registry_prune() {
  prune_inspect "$1" "$2" "$3"
  if [ -z "$prune_old" ]; then return 0; fi
  prune_names=$(echo "${prune_old# }" | sed 's/ /, /g')
  if [ ! -s "$1/bundles/$3" ]; then
    echo "bundle $prune_names will be removed once bundle $3 is in the registry, except for content that both share"
    return 1
  fi
  prune_going "$1" | awk -v old="$prune_names" -v keep="$2" '
    { count++; if (count <= 4) names = names (count > 1 ? ", " : "") $1 ":" $3 }
    END {
      printf "bundle %s is older than the last %d, and %d manifests are in no other", old, keep, count
      if (count > 0) printf ": %s%s", names, (count > 4 ? ", …" : "")
      print ""
    }'
  return 1
}
apply_registry_prune() {
  guard_registry_bundle "$1" "$3"
  prune_inspect "$1" "$2" "$3"
  # Without this record, the content that the site uses would look unreferenced.
  if [ ! -s "$1/bundles/$3" ]; then
    echo "the contents of bundle $3 are not recorded in $1/bundles, so nothing was pruned"
    return 1
  fi
  prune_list=$(prune_going "$1")
  # No writes while unreferenced content is determined.
  systemctl stop sealift-registry-writer.service
  prune_done=0
  prune_remove "$1" "$prune_list" || prune_done=$?
  systemctl start sealift-registry-writer.service
  if [ "$prune_done" != 0 ]; then return 1; fi
  prune_pull "$1" "$4" "$5"
  for registry_try in 1 1 1 2 2 3 5 5 5 5; do
    if registry_answers "$4" "$5" "$6"; then break; fi
    sleep "$registry_try"
  done
  for prune_serial in $prune_old; do
    rm "$1/bundles/$prune_serial"
  done
  on_disk "$1"
}

# prune_inspect MOUNT KEEP SERIAL: sets prune_old and prune_kept, serials of bundles with a space before each.
prune_inspect() {
  prune_old=
  prune_kept=" $3"
  prune_left=$(($2 - 1))
  for prune_serial in $(find "$1/bundles" -type f -name '[1-9]*' ! -name '*.new' -printf '%f\n' 2>/dev/null | sort -rn); do
    if [ "$prune_serial" = "$3" ]; then continue; fi
    if [ "$prune_left" -gt 0 ]; then
      prune_kept="$prune_kept $prune_serial"
      prune_left=$((prune_left - 1))
    else
      prune_old="$prune_old $prune_serial"
    fi
  done
}

# prune_going MOUNT: the manifests of old bundles that no retained one has in the same repository.
prune_going() {
  {
    for prune_serial in $prune_kept; do
      sed 's/^/kept /' "$1/bundles/$prune_serial" 2>/dev/null || true
    done
    for prune_serial in $prune_old; do
      sed 's/^/old /' "$1/bundles/$prune_serial"
    done
  } | awk '$1 == "kept" { kept[$2, $3] = 1; next } !(($2, $3) in kept) && !seen[$0]++ { print $2, $3, $4 }'
}

# prune_remove MOUNT MANIFESTS: tags first, so that an interrupted run leaves no dangling tag; then unreferenced manifests; then
# Distribution's garbage collector removes the blobs.
prune_remove() {
  prune_root=$1/storage/docker/registry/v2
  printf '%s\n' "$2" | while read -r prune_repository prune_hex prune_tag; do
    if [ -z "$prune_hex" ]; then continue; fi
    prune_manifests=$prune_root/repositories/$prune_repository/_manifests
    prune_found=$(as_registry 10 head -c 80 "$prune_manifests/tags/$prune_tag/current/link" 2>/dev/null || true)
    if [ "$prune_found" = "sha256:$prune_hex" ]; then as_registry 600 rm -r "$prune_manifests/tags/$prune_tag"; fi
  done
  printf '%s\n' "$2" | while read -r prune_repository prune_hex prune_tag; do
    if [ -z "$prune_hex" ] || prune_named "$prune_repository" "$prune_hex"; then continue; fi
    as_registry 600 rm -rf "$prune_root/repositories/$prune_repository/_manifests/revisions/sha256/$prune_hex"
  done
  # shellcheck disable=SC2016 # it is for the shell of the registry's user
  if ! prune_output=$(as_registry 14400 sh -c 'exec "$@" 2>&1' sh "$REGISTRIES/current/bin/registry" garbage-collect "$REGISTRY_ETC/writer.yml"); then
    echo "the registry's garbage collection failed: $(printf '%s\n' "$prune_output" | tail -n 3)"
    return 1
  fi
}

# prune_named REPOSITORY SHA256: whether a tag of the repository refers to this manifest or to an index that contains it.
prune_named() {
  # shellcheck disable=SC2016 # it is for the shell of the registry's user
  as_registry 600 sh -c '
    for link in "$1/repositories/$2/_manifests/tags"/*/current/link; do
      if [ ! -f "$link" ]; then continue; fi
      found=$(head -c 80 "$link")
      found=${found#sha256:}
      rest=${found#??}
      if [ "$found" = "$3" ] || grep -qF "$3" "$1/blobs/sha256/${found%"$rest"}/$found/data"; then exit 0; fi
    done
    exit 1' sh "$prune_root" "$1" "$2"
}

# prune_pull MOUNT NAME PORT: downloads the content of retained bundles through the reader, as a host does, and hashes it.
prune_pull() {
  for prune_serial in $prune_kept; do
    cat "$1/bundles/$prune_serial" 2>/dev/null || true
  done | sort -u >"$1/bundles/.pull"
  prune_seen=' '
  while read -r prune_repository prune_hex prune_tag; do
    prune_fetch "$2" "$3" "$prune_repository" manifests "$prune_hex"
    prune_text=$(as_registry 60 head -c 4194304 "$(registry_blob "$prune_root" "$prune_hex")")
    # The manifests of an index are in this list themselves.
    case $prune_text in *'"manifests"'*) continue ;; esac
    for prune_blob in $(printf '%s' "$prune_text" | grep -oE '"digest": ?"sha256:[0-9a-f]{64}"' | grep -oE '[0-9a-f]{64}'); do
      case $prune_seen in *" $prune_blob "*) continue ;; esac
      prune_seen="$prune_seen$prune_blob "
      prune_fetch "$2" "$3" "$prune_repository" blobs "$prune_blob"
    done
  done <"$1/bundles/.pull"
  rm "$1/bundles/.pull"
}

# prune_fetch NAME PORT REPOSITORY KIND SHA256
prune_fetch() {
  prune_bytes=$(as_registry 60 stat -c %s "$(registry_blob "$prune_root" "$5")")
  prune_hash=$(web_curl "$1:$2" "https://$1:$2/v2/$3/$4/sha256:$5" "$prune_bytes" "$(web_seconds_for "$prune_bytes")" --fail --connect-timeout 20 --speed-limit 1 --speed-time 120 \
    --header 'Accept: application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json' \
    --cacert "$REGISTRY_ETC/ca.crt" --capath /dev/null --resolve "$1:$2:127.0.0.1" 2>&1 | head -c "$((prune_bytes + 1))" | sha256sum)
  if [ "${prune_hash%% *}" = "$5" ]; then return 0; fi
  echo "sha256:$5 of $3 is still needed, but is missing or corrupt ($(registry_blob "$prune_root" "$5")): move the file to another directory and run pulumi up to send it again"
  return 1
}
