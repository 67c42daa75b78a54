# Redirects image names, for engines with the containerd store, to the registry of the site, below the name of their origin, and never outside.
# The engine reads the files at each pull.
# shellcheck disable=SC2154 # files.sh sets file_wrong and path_wrong

# Fact: images of these registries come from the registry of the site, through files that only root can change.
# $1 name:port, $2 path before every repository there (empty, or with a slash at its end), $3 own or system: whose CAs sign for it, $4... the registries
check_registry_sources() {
  sources_registry=$1
  sources_prefix=$2
  sources_ca=$3
  shift 3
  sources_wrong=
  sources_files=
  for sources_one; do sources_files="$sources_files $TRUST_CERTS/$sources_one/hosts.toml"; done
  # shellcheck disable=SC2086 # names of registries hold no blanks
  file_inspect $sources_files
  for sources_one; do
    if ! file_is "$TRUST_CERTS/$sources_one/hosts.toml" "$(sources_text "$sources_one")"; then
      case $file_wrong in
        *" is absent" | *" is altered") sources_wrong="$sources_wrong $sources_one," ;;
        *)
          echo "$file_wrong"
          return 1
          ;;
      esac
    elif ! path_is_safe "$TRUST_CERTS/$sources_one"; then
      echo "$path_wrong"
      return 1
    fi
  done
  if [ -n "$sources_wrong" ]; then
    sources_wrong=${sources_wrong# }
    echo "hosts.toml is missing or differs for: ${sources_wrong%,}"
    return 1
  fi
  sources_left "$@"
  if [ -n "$sources_found" ]; then
    echo "hosts.toml is left over for registries that the site no longer lists:$sources_found"
    return 1
  fi
}
guard_registry_sources() {
  shift 3
  for sources_one; do
    sources_file=$TRUST_CERTS/$sources_one/hosts.toml
    if [ -f "$sources_file" ] && ! made_by_sealift "$sources_file"; then
      refuse E_CONFLICT "$sources_file is a file that Sealift did not create" "check what it is for, then move it to another directory"
    fi
  done
}
apply_registry_sources() {
  guard_registry_sources "$@"
  sources_registry=$1
  sources_prefix=$2
  sources_ca=$3
  shift 3
  for sources_one; do
    trust_folder "$TRUST_CERTS/$sources_one" || return 1
    file_put "$TRUST_CERTS/$sources_one/hosts.toml" "$(sources_text "$sources_one")"
  done
  sources_left "$@"
  for sources_one in $sources_found; do
    rm "$TRUST_CERTS/$sources_one/hosts.toml"
  done
}

# sources_text SOURCE: containerd docs/hosts.md. The server is the same, so that nothing else is tried. A repository name has no colon: images from
# a registry with a port are below its name with an underscore before the port (image-name.ts, placedName).
sources_text() {
  case $1 in
    *:*) sources_place=${1%:*}_${1##*:} ;;
    *) sources_place=$1 ;;
  esac
  sources_url=https://$sources_registry/v2/$sources_prefix$sources_place
  echo "# Made by Sealift."
  sources_entry "server = \"$sources_url\""
  echo
  sources_entry "[host.\"$sources_url\"]"
}
sources_entry() {
  echo "$1"
  echo 'capabilities = ["pull", "resolve"]'
  echo 'override_path = true'
  if [ "$sources_ca" = own ]; then echo "ca = \"$TRUST_CERTS/$sources_registry/ca.crt\""; fi
}

# sources_left SOURCE...: sets sources_found to registries with a hosts.toml of Sealift that are not in this list.
sources_left() {
  sources_found=
  for sources_file in "$TRUST_CERTS"/*/hosts.toml; do
    if [ ! -f "$sources_file" ] || ! made_by_sealift "$sources_file"; then continue; fi
    sources_name=${sources_file%/hosts.toml}
    sources_name=${sources_name##*/}
    case " $* " in
      *" $sources_name "*) ;;
      *) sources_found="$sources_found $sources_name" ;;
    esac
  done
}

made_by_sealift() {
  made_first=
  read -r made_first <"$1" || true
  [ "$made_first" = "# Made by Sealift." ]
}
