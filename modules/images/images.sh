# Images that the engine must hold: pulled from the registry of the site, or loaded from blobs that were sent over ssh. A name that leads to
# another image is drift. Nothing is removed: an image that loses its name stays.
# shellcheck disable=SC2154 # run.sh sets run_differ

# How the engine reports an image: id, digests and platform. With the containerd store the id is the digest of the lock; with the classic
# store the engine keeps the digest of a pull beside the id. The platform is empty when its content is missing.
IMAGE_FORMAT='{{.Id}}{{range .RepoDigests}} {{.}}{{end}} {{.Os}}/{{.Architecture}}'
# A slow line may take a day for all phases together.
IMAGE_PULL_SEC=43200

# Fact: the engine has an image with this name, and with this digest.
# $1 name with registry and tag, $2 sha256 of its manifest or index, $3 repository in the registry of the site
check_image_pulled() { image_is "$1" "$2"; }
apply_image_pulled() {
  # After a tag was moved, the digest may still be here: then nothing is pulled.
  if image_tagged "$3@sha256:$2" "$1" && image_is "$1" "$2" >/dev/null; then return 0; fi
  if ! image_output=$(timeout "$IMAGE_PULL_SEC" "$SEALIFT_DOCKER" pull --quiet "$3@sha256:$2" 2>&1); then
    # The engine repeats the long name before the reason, which a report must not cut off.
    echo "docker pull $3@sha256:$2 failed: ${image_output##*"$3@sha256:$2: "}"
    return 1
  fi
  if image_tagged "$3@sha256:$2" "$1"; then
    data_root_on_disk
    return
  fi
  echo "docker tag $3@sha256:$2 $1 failed: $image_output"
  return 1
}

# Fact: the same, of an image that was sent over ssh.
# $1 name with registry and tag, $2 sha256 of its manifest or index, $3 its media type, $4 its size in bytes, $5... sha256:bytes of every
# blob that the engine needs, the manifest or index among them
check_image_loaded() { image_is "$1" "$2"; }
apply_image_loaded() {
  image_name=$1
  image_index='{"schemaVersion":2,"manifests":[{"mediaType":"'$3'","digest":"sha256:'$2'","size":'$4',"annotations":{"io.containerd.image.name":"'$1'"}}]}'
  shift 4
  for image_blob; do
    if check_stored_blob "${image_blob%:*}" "${image_blob#*:}" >/dev/null; then continue; fi
    apply_stored_blob "${image_blob%:*}" "${image_blob#*:}" || return 1
  done
  image_layout=$SEALIFT_STATE/image-layout
  rm -rf "$image_layout"
  install -d -m 0700 "$image_layout" "$image_layout/blobs" "$image_layout/blobs/sha256"
  printf '{"imageLayoutVersion":"1.0.0"}' >"$image_layout/oci-layout"
  printf '%s' "$image_index" >"$image_layout/index.json"
  # Links: a second copy would need the space again.
  for image_blob; do ln "$SEALIFT_BLOBS/${image_blob%:*}" "$image_layout/blobs/sha256/${image_blob%:*}"; done
  image_failed=
  image_output=$(tar -C "$image_layout" -c oci-layout index.json blobs | timeout "$IMAGE_PULL_SEC" "$SEALIFT_DOCKER" load --quiet 2>&1) || image_failed=yes
  rm -rf "$image_layout"
  # The engine reports success although a full disk has kept it from unpacking (moby LoadImage, 26.1 to 29.0).
  case $image_output in *"Error unpacking"*) image_failed=yes ;; esac
  if [ -z "$image_failed" ]; then
    data_root_on_disk
    return
  fi
  echo "docker load of $image_name failed: $image_output"
  return 1
}

# image_is NAME SHA256: whether the engine has NAME with this digest; prints what it has instead.
image_is() {
  client_is_safe || return 1
  # In a probe that has already found a fault of the engine, many images must not wait a minute each.
  case $run_differ in
    *" daemon.running"*) image_seconds=5 ;;
    *) image_seconds=60 ;;
  esac
  image_status=0
  image_found=$(timeout "$image_seconds" "$SEALIFT_DOCKER" image inspect --format "$IMAGE_FORMAT" "$1" 2>&1) || image_status=$?
  image_matches "$image_status" "$image_found" "$2"
}

# image_matches STATUS OUTPUT SHA256: reads an answer of docker image inspect with IMAGE_FORMAT; fails with a finding unless it has the
# digest and the content of a platform.
image_matches() {
  case $1,$2 in
    0,*) ;;
    *"No such image"* | *"no such image"*)
      echo "absent"
      return 1
      ;;
    124,*)
      echo "the engine does not answer in time"
      return 1
      ;;
    *)
      echo "the engine does not answer: $2"
      return 1
      ;;
  esac
  case " $2 " in
    *" / ")
      echo "the content for the platform of this host is missing"
      return 1
      ;;
    *" sha256:$3 "* | *"@sha256:$3 "*) return 0 ;;
  esac
  echo "another image has this name: ${2%% *}"
  return 1
}

# image_tagged IMAGE NAME: gives an image of the engine this name. Sets image_output.
image_tagged() {
  image_output=$(timeout 60 "$SEALIFT_DOCKER" tag "$1" "$2" 2>&1)
}
