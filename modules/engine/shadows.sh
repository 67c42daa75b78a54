# Programs of the same name that take precedence, for root and its services and for the users of the site.

# Fact: no other docker command and no other plugin takes precedence over those of the current version.
# $1 docker and its plugins, as docker,docker-compose; $2... users of the site
check_engine_shadows() {
  shadows_system "$1"
  if [ -n "$shadows_found" ]; then
    echo "another docker comes first:$shadows_found"
    return 1
  fi
  shadows_homes "$@"
  if [ -n "$shadows_found" ]; then
    warn E_UNMANAGED_ENGINE "programs in home directories take precedence for their owners:$shadows_found" "ask their owners to remove them"
  fi
}
guard_engine_shadows() {
  shadows_system "$1"
  if [ -n "$shadows_found" ]; then
    refuse E_UNMANAGED_ENGINE "another docker is on the PATH:$shadows_found" "find out where it comes from, then remove it"
  fi
}
apply_engine_shadows() {
  guard_engine_shadows "$@"
}

# shadows_system NAMES: sets shadows_found to docker commands in the folders of the system's PATH, except Sealift's and links to it. A service
# or a cron job may search any of these folders first (crontab(5): only /usr/bin and /bin).
shadows_system() {
  shadows_found=
  for shadows_folder in /usr/local/sbin /usr/sbin /usr/bin /sbin /bin /snap/bin; do
    shadows_path=$shadows_folder/${1%%,*}
    # Where /bin is a link to /usr/bin it is the same folder.
    if [ -L "$shadows_folder" ] || [ ! -e "$shadows_path" ] || [ "$shadows_path" -ef "$ENGINES/current/bin/${1%%,*}" ]; then continue; fi
    shadows_found="$shadows_found $shadows_path"
  done
}

# shadows_homes NAMES USER...: sets shadows_found to those in the homes of root and of these users: ~/.profile of Debian and Ubuntu has
# ~/bin and ~/.local/bin first, and docker takes the plugins of ~/.docker before all others (docker/cli cli-plugins/manager, v28 and v29).
shadows_homes() {
  shadows_names=$1
  shift
  shadows_found=
  while IFS=: read -r shadows_user _ _ _ _ shadows_home _; do
    case " root $* " in *" $shadows_user "*) ;; *) continue ;; esac
    for shadows_path in "$shadows_home/bin/docker" "$shadows_home/.local/bin/docker"; do
      if [ -e "$shadows_path" ]; then shadows_found="$shadows_found $shadows_path"; fi
    done
    shadows_rest=$shadows_names,
    while [ -n "$shadows_rest" ]; do
      shadows_path=$shadows_home/.docker/cli-plugins/${shadows_rest%%,*}
      shadows_rest=${shadows_rest#*,}
      if [ -e "$shadows_path" ]; then shadows_found="$shadows_found $shadows_path"; fi
    done
  done </etc/passwd
}
