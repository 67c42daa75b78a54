# Earlier releases: so many stay on the host, so that a way back needs no network. What only older ones need goes: their files, and their
# images, unless a container uses them. Volumes always stay.

# Fact: besides the current release, no more than so many are on the host.
# $1 folder of the application, $2 release, $3 number of earlier releases, $4... images that the host holds for another reason
check_app_kept() {
  kept_found=$(app_older "$1" "$2" "$3" | paste -s -d ' ' -)
  if [ -z "$kept_found" ]; then return 0; fi
  echo "more releases than the site keeps: $kept_found"
  return 1
}
apply_app_kept() {
  kept_folder=$1
  kept_release=$2
  kept_count=$3
  shift 3
  app_older "$kept_folder" "$kept_release" "$kept_count" | while read -r kept_old; do
    kept_images=$(cat "$kept_folder/releases/$kept_old/images" 2>/dev/null || true)
    rm -rf "${kept_folder:?}/releases/$kept_old"
    for kept_image in $kept_images; do
      case " $* " in *" $kept_image "*) continue ;; esac
      if grep -q -x -F "$kept_image" "${kept_folder%/*}"/*/releases/*/images; then continue; fi
      # Without --force: the engine refuses while a container uses it.
      timeout 60 "$SEALIFT_DOCKER" image rm "$kept_image" >/dev/null 2>&1 || true
    done
  done
  for kept_file in "$kept_folder"/files/*; do
    if [ ! -d "$kept_file" ] || grep -q -F "/files/${kept_file##*/}/" "$kept_folder"/releases/*/sealift.override.yaml; then continue; fi
    rm -rf "$kept_file"
  done
  on_disk "$kept_folder"
}

# app_older FOLDER RELEASE COUNT: prints the releases that are neither this one nor among the COUNT others that ran last, the last first. A
# release that was rolled back has never run.
app_older() {
  for older_release in "$1"/releases/*; do
    if [ ! -d "$older_release" ] || [ "${older_release##*/}" = "$2" ]; then continue; fi
    echo "$(stat -c %Y "$older_release/ran" 2>/dev/null || echo 0) ${older_release##*/}"
  done | sort -r -n | tail -n "+$(($3 + 1))" | cut -d ' ' -f 2
}
