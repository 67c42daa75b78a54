# What an engine keeps in its data root, seen from outside: folders that every version since 1.10 has (moby daemon, volume/local and
# image/fs of 26.1 to 29.7). Reads only.
# shellcheck disable=SC2034 # what is set here is read by the phases

# data_look ROOT: sets data_containers, data_volumes and data_images to how many there are, and data_words to the same for people; fails
# when there is nothing.
data_look() {
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

# What a data root that was taken over has in it, written before the data stands in its place: "FROM VERSION".
DATA_NOTE=.sealift-adopted

# data_adopted ROOT: sets data_from to where the data in ROOT came from; empty when it is its own.
data_adopted() {
  data_from=
  if [ -f "$1/$DATA_NOTE" ]; then read -r data_from _ <"$1/$DATA_NOTE" || true; fi
}
