# What an engine stores in its data root, read from folders that every version since 1.10 has (moby daemon, volume/local and image/fs of
# 26.1 to 29.7). Reads only.
# shellcheck disable=SC2034 # what is set here is read by the phases

# data_inspect ROOT: sets data_containers, data_volumes and data_images to their numbers, and data_words to a text with them; fails if there
# is nothing.
data_inspect() {
  data_containers=0
  for data_one in "$1"/containers/*; do
    if [ -d "$data_one" ]; then data_containers=$((data_containers + 1)); fi
  done
  data_volumes=0
  for data_one in "$1"/volumes/*/_data; do
    if [ -d "$data_one" ]; then data_volumes=$((data_volumes + 1)); fi
  done
  data_images=0
  for data_one in "$1"/image/*/imagedb/content/sha256/*; do
    if [ -f "$data_one" ]; then data_images=$((data_images + 1)); fi
  done
  data_words="containers: $data_containers, volumes: $data_volumes, images: $data_images"
  [ "$data_containers$data_volumes$data_images" != 000 ]
}

# Records the source of an adopted data root as "FROM VERSION", written before the data is moved into place.
DATA_NOTE=.sealift-adopted

# data_adopted ROOT: sets data_from to the source of the data in ROOT; empty if it was not adopted.
data_adopted() {
  data_from=
  if [ -f "$1/$DATA_NOTE" ]; then read -r data_from _ <"$1/$DATA_NOTE" || true; fi
}
