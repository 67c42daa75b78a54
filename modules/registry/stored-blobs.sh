# The bytes that the registry keeps: whether each is what it is called. They are the registry's own to change, so that they are read with
# its rights, and hashed once per boot, day and change.
# shellcheck disable=SC2154 # seed.sh sets manifest_… and seed_…

# Which of the registry's blobs were hashed since the boot, one file each.
REGISTRY_SEEN=/run/sealift/registry-blobs

# registry_blob ROOT SHA256: where Distribution's filesystem driver keeps these bytes (registry/storage/paths.go, 3.1.2).
registry_blob() {
  blob_rest=${2#??}
  echo "$1/blobs/sha256/${2%"$blob_rest"}/$2/data"
}

# manifest_look SHA256 BYTES: fails, with a finding, when the registry does not have the blob whole. It is hashed once per boot, day and
# change: the note has the seconds since the boot, inode, size, mtime and ctime. Nobody sets a ctime back (inode(7)), but a page that a
# process has mapped and written to is changed again without one (mmap(2)): a note is a hint, and ends. SEALIFT_DEEP=1 hashes it now.
manifest_look() {
  look_what="the blob"
  if [ "$1" = "$manifest_hex" ]; then look_what="the manifest"; fi
  look_stat=${manifest_seen#*"/$1/data "}
  look_stat=${look_stat%%"$SEALIFT_LINE_END"*}
  case $look_stat in
    "regular file,"*" $2 "*) ;;
    "regular file,"*)
      echo "$look_what sha256:$1 has another length"
      return 1
      ;;
    *)
      echo "$look_what sha256:$1 is lost"
      return 1
      ;;
  esac
  if blob_noted "$1" "$look_stat" && [ -z "${SEALIFT_DEEP-}" ]; then return 0; fi
  still_at_it
  look_found=$(as_registry 1800 sha256sum "$(registry_blob "$manifest_mount/storage/docker/registry/v2" "$1")") || look_found=
  if [ "${look_found%% *}" != "$1" ]; then
    echo "$look_what sha256:$1 is altered: its bytes have another sha256"
    return 1
  fi
  install -d -m 0700 "$REGISTRY_SEEN"
  echo "$blob_now $look_stat" >"$REGISTRY_SEEN/$1.$$"
  mv "$REGISTRY_SEEN/$1.$$" "$REGISTRY_SEEN/$1"
}

# blob_noted SHA256 STAT: whether the blob was hashed within a day while it was this; sets blob_now, seconds since the boot.
blob_noted() {
  read -r blob_now _ </proc/uptime
  blob_now=${blob_now%%.*}
  if [ ! -f "$REGISTRY_SEEN/$1" ]; then return 1; fi
  read -r blob_since blob_note <"$REGISTRY_SEEN/$1" || true
  case $blob_since in '' | *[!0-9]*) return 1 ;; esac
  [ "$blob_note" = "$2" ] && [ $((blob_now - blob_since)) -lt "$HASH_KEEP_SEC" ]
}

# seed_drop_wrong SHA256: removes a blob of the registry that is not what it is called; the registry would say that it has it.
seed_drop_wrong() {
  drop_path=$(registry_blob "$seed_mount/storage/docker/registry/v2" "$1")
  if ! as_registry 60 test -e "$drop_path" || [ -n "$(seed_known "$1" "$drop_path")" ]; then return 0; fi
  drop_found=$(as_registry 1800 sha256sum "$drop_path") || drop_found=
  if [ "${drop_found%% *}" != "$1" ]; then as_registry 600 rm -rf "${drop_path%/data}"; fi
}

# seed_known SHA256 PATH: prints a word when the blob was hashed within a day, since it was changed last.
seed_known() {
  if blob_noted "$1" "$(as_registry 60 stat -c '%F,%i %s %y %z' "$2" || true)"; then echo known; fi
}
