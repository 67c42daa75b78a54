# Whether stored blobs match their digests. The registry can change them, so they are read with its rights; each is hashed once per boot, day
# and change.
# shellcheck disable=SC2154 # seed.sh sets manifest_… and seed_…

# Blobs hashed since the boot, one file each.
REGISTRY_SEEN=/run/sealift/registry-blobs

# registry_blob ROOT SHA256: the path in Distribution's filesystem driver (registry/storage/paths.go, 3.1.2).
registry_blob() {
  blob_rest=${2#??}
  echo "$1/blobs/sha256/${2%"$blob_rest"}/$2/data"
}

# manifest_inspect SHA256 BYTES: fails with a finding if the blob is missing or wrong. It is hashed once per boot, day and change: the record has the
# seconds since the boot, inode, size, mtime and ctime. A ctime cannot be set back (inode(7)), but a write through a mapped page may leave it
# unchanged (mmap(2)), so the record expires. SEALIFT_DEEP=1 hashes the blob now.
manifest_inspect() {
  stored_what="the blob"
  if [ "$1" = "$manifest_hex" ]; then stored_what="the manifest"; fi
  stored_stat=${manifest_seen#*"/$1/data "}
  stored_stat=${stored_stat%%"$SEALIFT_LINE_END"*}
  case $stored_stat in
    "regular file,"*" $2 "*) ;;
    "regular file,"*)
      echo "$stored_what sha256:$1 has the wrong size"
      return 1
      ;;
    *)
      echo "$stored_what sha256:$1 is missing"
      return 1
      ;;
  esac
  if blob_noted "$1" "$stored_stat" && [ -z "${SEALIFT_DEEP-}" ]; then return 0; fi
  report_progress
  stored_found=$(as_registry 1800 sha256sum "$(registry_blob "$manifest_mount/storage/docker/registry/v2" "$1")") || stored_found=
  if [ "${stored_found%% *}" != "$1" ]; then
    echo "$stored_what sha256:$1 is corrupt: its sha256 differs"
    return 1
  fi
  install -d -m 0700 "$REGISTRY_SEEN"
  echo "$blob_now $stored_stat" >"$REGISTRY_SEEN/$1.$$"
  mv "$REGISTRY_SEEN/$1.$$" "$REGISTRY_SEEN/$1"
}

# blob_noted SHA256 STAT: whether the blob was hashed within a day with the same STAT; sets blob_now, seconds since the boot.
blob_noted() {
  read -r blob_now _ </proc/uptime
  blob_now=${blob_now%%.*}
  if [ ! -f "$REGISTRY_SEEN/$1" ]; then return 1; fi
  read -r blob_since blob_note <"$REGISTRY_SEEN/$1" || true
  case $blob_since in '' | *[!0-9]*) return 1 ;; esac
  [ "$blob_note" = "$2" ] && [ $((blob_now - blob_since)) -lt "$HASH_KEEP_SEC" ]
}

# seed_drop_wrong SHA256: removes a blob that does not match its digest; otherwise the registry would report that it has it.
seed_drop_wrong() {
  drop_path=$(registry_blob "$seed_mount/storage/docker/registry/v2" "$1")
  if ! as_registry 60 test -e "$drop_path" || [ -n "$(seed_known "$1" "$drop_path")" ]; then return 0; fi
  drop_found=$(as_registry 1800 sha256sum "$drop_path") || drop_found=
  if [ "${drop_found%% *}" != "$1" ]; then as_registry 600 rm -rf "${drop_path%/data}"; fi
}

# seed_known SHA256 PATH: prints a word if the blob was hashed within a day and has not changed since.
seed_known() {
  if blob_noted "$1" "$(as_registry 60 stat -c '%F,%i %s %y %z' "$2" || true)"; then echo known; fi
}
