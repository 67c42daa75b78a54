# What earlier bundles brought goes when the site keeps only the last ones. Nothing else ever does: what no bundle brought
# stays, and so does all that a tag of somebody's still reaches.
# shellcheck disable=SC2154 # files.sh sets path_wrong and file_wrong

# Fact: the registry remembers what this bundle brought, until it may go.
# $1 mount point, $2 serial of the bundle, $3... manifests, each as `repository sha256 tag`
check_registry_bundle() {
  if ! path_is_safe "$1/bundles"; then
    echo "$path_wrong"
    return 1
  fi
  bundle_file=$1/bundles/$2
  shift 2
  file_look "$bundle_file"
  if ! printf '%s\n' "$@" | cmp -s - "$bundle_file"; then
    echo "$bundle_file is absent or another"
    return 1
  fi
  if ! file_owned "$bundle_file" "$FILE_OURS"; then
    echo "$file_wrong"
    return 1
  fi
}
guard_registry_bundle() {
  if path_is_safe "$1/bundles"; then return 0; fi
  refuse_because E_MOUNT_POINT "what bundle $2 brings is to be written down in $1/bundles, and $path_wrong" "see who has made it, then move it away"
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
check_registry_sweep() {
  sweep_look "$1" "$2" "$3"
  if [ -z "$sweep_old" ]; then return 0; fi
  sweep_names=$(echo "${sweep_old# }" | sed 's/ /, /g')
  if [ ! -s "$1/bundles/$3" ]; then
    echo "bundle $sweep_names goes when bundle $3 is in, but for what both have"
    return 1
  fi
  sweep_going "$1" | awk -v old="$sweep_names" -v keep="$2" '
    { count++; if (count <= 4) names = names (count > 1 ? ", " : "") $1 ":" $3 }
    END {
      printf "bundle %s is before the last %d, and %d manifests are of no other", old, keep, count
      if (count > 0) printf ": %s%s", names, (count > 4 ? ", …" : "")
      print ""
    }'
  return 1
}
apply_registry_sweep() {
  guard_registry_bundle "$1" "$3"
  sweep_look "$1" "$2" "$3"
  # Without it, what the site runs on would count as nobody's.
  if [ ! -s "$1/bundles/$3" ]; then
    echo "what bundle $3 brought is not written down in $1/bundles: nothing is swept"
    return 1
  fi
  sweep_list=$(sweep_going "$1")
  # Nobody may write while it is found out what nobody names.
  systemctl stop sealift-registry-writer.service
  sweep_done=0
  sweep_remove "$1" "$sweep_list" || sweep_done=$?
  systemctl start sealift-registry-writer.service
  if [ "$sweep_done" != 0 ]; then return 1; fi
  sweep_pull "$1" "$4" "$5"
  for registry_try in 1 1 1 2 2 3 5 5 5 5; do
    if registry_answers "$4" "$5" "$6"; then break; fi
    sleep "$registry_try"
  done
  for sweep_serial in $sweep_old; do
    rm "$1/bundles/$sweep_serial"
  done
  on_disk "$1"
}

# sweep_look MOUNT KEEP SERIAL: sets sweep_old and sweep_kept, serials of bundles with a space before each.
sweep_look() {
  sweep_old=
  sweep_kept=" $3"
  sweep_left=$(($2 - 1))
  for sweep_serial in $(find "$1/bundles" -type f -name '[1-9]*' ! -name '*.new' -printf '%f\n' 2>/dev/null | sort -rn); do
    if [ "$sweep_serial" = "$3" ]; then continue; fi
    if [ "$sweep_left" -gt 0 ]; then
      sweep_kept="$sweep_kept $sweep_serial"
      sweep_left=$((sweep_left - 1))
    else
      sweep_old="$sweep_old $sweep_serial"
    fi
  done
}

# sweep_going MOUNT: the manifests of old bundles that no kept one has in the same repository.
sweep_going() {
  {
    for sweep_serial in $sweep_kept; do
      sed 's/^/kept /' "$1/bundles/$sweep_serial" 2>/dev/null || true
    done
    for sweep_serial in $sweep_old; do
      sed 's/^/old /' "$1/bundles/$sweep_serial"
    done
  } | awk '$1 == "kept" { kept[$2, $3] = 1; next } !(($2, $3) in kept) && !seen[$0]++ { print $2, $3, $4 }'
}

# sweep_remove MOUNT MANIFESTS: tags first, so that no tag leads nowhere when it is cut off; then what nothing names any more, and
# Distribution's own collector takes the bytes.
sweep_remove() {
  sweep_root=$1/storage/docker/registry/v2
  printf '%s\n' "$2" | while read -r sweep_repository sweep_hex sweep_tag; do
    if [ -z "$sweep_hex" ]; then continue; fi
    sweep_manifests=$sweep_root/repositories/$sweep_repository/_manifests
    sweep_found=$(as_registry 10 head -c 80 "$sweep_manifests/tags/$sweep_tag/current/link" 2>/dev/null || true)
    if [ "$sweep_found" = "sha256:$sweep_hex" ]; then as_registry 600 rm -r "$sweep_manifests/tags/$sweep_tag"; fi
  done
  printf '%s\n' "$2" | while read -r sweep_repository sweep_hex sweep_tag; do
    if [ -z "$sweep_hex" ] || sweep_named "$sweep_repository" "$sweep_hex"; then continue; fi
    as_registry 600 rm -rf "$sweep_root/repositories/$sweep_repository/_manifests/revisions/sha256/$sweep_hex"
  done
  # shellcheck disable=SC2016 # it is for the shell of the registry's user
  if ! sweep_said=$(as_registry 14400 sh -c 'exec "$@" 2>&1' sh "$REGISTRIES/current/bin/registry" garbage-collect "$REGISTRY_ETC/writer.yml"); then
    echo "the registry's collector failed: $(printf '%s\n' "$sweep_said" | tail -n 3)"
    return 1
  fi
}

# sweep_named REPOSITORY SHA256: whether a tag of the repository leads to this manifest, or to a list that has it.
sweep_named() {
  # shellcheck disable=SC2016 # it is for the shell of the registry's user
  as_registry 600 sh -c '
    for link in "$1/repositories/$2/_manifests/tags"/*/current/link; do
      if [ ! -f "$link" ]; then continue; fi
      found=$(head -c 80 "$link")
      found=${found#sha256:}
      rest=${found#??}
      if [ "$found" = "$3" ] || grep -qF "$3" "$1/blobs/sha256/${found%"$rest"}/$found/data"; then exit 0; fi
    done
    exit 1' sh "$sweep_root" "$1" "$2"
}

# sweep_pull MOUNT NAME PORT: reads all that kept bundles brought through the reader, as a host does, and hashes it.
sweep_pull() {
  for sweep_serial in $sweep_kept; do
    cat "$1/bundles/$sweep_serial" 2>/dev/null || true
  done | sort -u >"$1/bundles/.pull"
  sweep_seen=' '
  while read -r sweep_repository sweep_hex sweep_tag; do
    sweep_fetch "$2" "$3" "$sweep_repository" manifests "$sweep_hex"
    sweep_text=$(as_registry 60 head -c 4194304 "$(registry_blob "$sweep_root" "$sweep_hex")")
    # What a list names is in the list of manifests itself.
    case $sweep_text in *'"manifests"'*) continue ;; esac
    for sweep_blob in $(printf '%s' "$sweep_text" | grep -oE '"digest": ?"sha256:[0-9a-f]{64}"' | grep -oE '[0-9a-f]{64}'); do
      case $sweep_seen in *" $sweep_blob "*) continue ;; esac
      sweep_seen="$sweep_seen$sweep_blob "
      sweep_fetch "$2" "$3" "$sweep_repository" blobs "$sweep_blob"
    done
  done <"$1/bundles/.pull"
  rm "$1/bundles/.pull"
}

# sweep_fetch NAME PORT REPOSITORY KIND SHA256
sweep_fetch() {
  sweep_bytes=$(as_registry 60 stat -c %s "$(registry_blob "$sweep_root" "$5")")
  sweep_hash=$(web_curl "$1:$2" "https://$1:$2/v2/$3/$4/sha256:$5" "$sweep_bytes" "$(web_seconds_for "$sweep_bytes")" --fail --connect-timeout 20 --speed-limit 1 --speed-time 120 \
    --header 'Accept: application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json' \
    --cacert "$REGISTRY_ETC/ca.crt" --capath /dev/null --resolve "$1:$2:127.0.0.1" 2>&1 | head -c "$((sweep_bytes + 1))" | sha256sum)
  if [ "${sweep_hash%% *}" = "$5" ]; then return 0; fi
  echo "sha256:$5 of $3, which stays, cannot be read as what it is ($(registry_blob "$sweep_root" "$5")): move it away and run pulumi up again, it is sent anew"
  return 1
}
