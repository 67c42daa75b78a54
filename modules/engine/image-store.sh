# Where the engine's data is, and in which image store: a changed key of the site must not hide it.
# shellcheck disable=SC2154 # files.sh sets path_wrong and file_wrong

# Below data-root: what containerd's overlayfs snapshotter keeps, a folder for each layer and each container.
STORE_SNAPSHOTS=containerd/daemon/io.containerd.snapshotter.v1.overlayfs/snapshots

# Fact: data-root is this folder, which is recorded, and only root can replace it.
# $1 data-root
check_engine_data_root() {
  store_read data-root
  root_old=$store_noted
  if [ "$root_old" != "$1" ]; then
    echo "${root_old:-not recorded}"
    return 1
  fi
  if ! file_owned "$SEALIFT_STATE/data-root" "$FILE_OURS"; then
    echo "$file_wrong"
    return 1
  fi
  if ! path_is_safe "$1"; then
    warn E_DATA_ROOT "a user other than root can replace $1: $path_wrong" \
      "make root the owner and the only writer of the folders above it (chown root, chmod go-w; for a volume: owner and mode in the site)"
  fi
}
guard_engine_data_root() {
  store_read data-root
  root_old=$store_noted
  if [ -z "$root_old" ] || [ "$root_old" = "$1" ]; then return 0; fi
  if [ ! -d "$root_old" ]; then
    # An operator has moved it, as the remedy says.
    if store_used "$1"; then return 0; fi
    refuse E_DATA_ROOT "data-root was $root_old, which no longer exists; its volume may not be mounted" \
      "mount it, or remove $SEALIFT_STATE/data-root if it is permanently gone"
  fi
  if store_used "$root_old"; then
    refuse E_DATA_ROOT "data-root was $root_old, which holds images, containers or volumes" "$(data_root_remedy "$root_old" "$1")"
  fi
}
# store_used DATA_ROOT: whether it holds images, containers or volumes.
store_used() {
  store_any "$1"/containers/* "$1"/volumes/*/_data "$1"/image/*/layerdb/sha256/* "$1/$STORE_SNAPSHOTS"/*
}
apply_engine_data_root() {
  guard_engine_data_root "$@"
  echo "$1" >"$SEALIFT_STATE/data-root.new"
  mv "$SEALIFT_STATE/data-root.new" "$SEALIFT_STATE/data-root"
}

# Fact: the engine keeps images in this store, which is recorded.
# $1 classic or containerd, $2 data-root
check_engine_store() {
  store_read image-store
  store_old=$store_noted
  store_find "$2"
  if [ "$store_old" != "$1" ]; then
    echo "${store_old:-not recorded}; the host holds $store_words"
    return 1
  fi
  if [ -n "$store_found" ] && [ "$store_found" != "$1" ] && [ "$store_found" != both ]; then
    echo "$store_old is recorded, but the host holds $store_words"
    return 1
  fi
  if ! file_owned "$SEALIFT_STATE/image-store" "$FILE_OURS"; then
    echo "$file_wrong"
    return 1
  fi
}
# Images of the other store are not deleted, but the engine no longer shows them, and their containers disappear from docker ps.
guard_engine_store() {
  store_read image-store
  store_old=$store_noted
  store_find "$2"
  case $1 in
    classic)
      store_other=containerd
      store_remedy="set features: {containerd-snapshotter: true} without storage-driver under daemon in the site to keep them, or remove all containers and images first"
      ;;
    *)
      store_other=classic
      store_remedy="set storage-driver: overlay2 under daemon in the site to keep them, or remove all containers and images first"
      ;;
  esac
  case $store_found in
    "$store_other") refuse E_IMAGE_STORE "the host holds $store_words, but the site asks for the $1 store" "$store_remedy" ;;
    both)
      if [ "$store_old" != "$1" ]; then
        refuse E_IMAGE_STORE "the host holds $store_words, the store recorded as in use is ${store_old:-none}, but the site asks for the $1 store" "$store_remedy"
      fi
      ;;
  esac
}
apply_engine_store() {
  guard_engine_store "$@"
  echo "$1" >"$SEALIFT_STATE/image-store.new"
  mv "$SEALIFT_STATE/image-store.new" "$SEALIFT_STATE/image-store"
}

# store_find DATA_ROOT: sets store_found to classic, containerd, both or nothing, and store_words to a description.
# Classic: a layer of an image or a container (moby daemon/internal/layer). containerd: a snapshot.
store_find() {
  store_found=
  store_words="no images"
  if store_any "$1"/image/overlay2/layerdb/sha256/* "$1"/image/overlay2/layerdb/mounts/*; then
    store_found=classic
    store_words="images or containers of the classic store"
  fi
  if store_any "$1/$STORE_SNAPSHOTS"/*; then
    if [ -n "$store_found" ]; then
      store_found=both
      store_words="images or containers of both stores"
    else
      store_found=containerd
      store_words="images or containers of the containerd store"
    fi
  fi
}

# store_read NAME: sets store_noted to the value recorded under this name; empty if there is none.
store_read() {
  store_noted=
  if [ -f "$SEALIFT_STATE/$1" ]; then read -r store_noted <"$SEALIFT_STATE/$1" || true; fi
}

# store_any PATH...: whether one of these exists; a pattern that matches nothing does not.
store_any() {
  for store_one; do
    if [ -e "$store_one" ]; then return 0; fi
  done
  return 1
}
