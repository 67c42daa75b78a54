# Members of the docker group that the site does not name. They are root on the host as much as the others.

# Fact: the site names every member of the group.
# $1 group, $2 report: others are told, not touched; remove: they are taken out of the group; $3... users of the site
check_strangers() {
  strangers_group=$1
  strangers_policy=$2
  shift 2
  strangers_list "$strangers_group" "$@"
  if [ -z "$strangers" ]; then return 0; fi
  strangers_told="members that the site does not name:$strangers"
  if [ "$strangers_policy" = report ]; then
    warn_that E_STRANGERS "$strangers_told" \
      "name them in users, or in dockerGroup.members when they come from a directory, take them out with gpasswd --delete, or write dockerGroup: { strangers: remove }"
  fi
  echo "$strangers_told"
  return 1
}
guard_strangers() {
  strangers_group=$1
  shift 2
  strangers_list "$strangers_group" "$@"
  for strangers_name in $strangers; do
    account /etc/passwd "$strangers_name" || continue
    refuse_primary "$strangers_name" "$FIELD_4" "$strangers_group"
  done
}
apply_strangers() {
  guard_strangers "$@"
  shift 2
  strangers_list "$strangers_group" "$@"
  for strangers_name in $strangers; do gpasswd --delete "$strangers_name" "$strangers_group"; done
}

# strangers_list GROUP USER...: sets strangers. Those who left the site are told as leavers.
strangers_list() {
  strangers=
  if ! account /etc/group "$1"; then return 0; fi
  strangers_gid=$FIELD_3
  strangers_members=$(echo "$FIELD_4" | tr , ' ')
  shift
  while IFS=: read -r strangers_name _ _ strangers_primary _ || [ -n "$strangers_name" ]; do
    if [ "$strangers_primary" = "$strangers_gid" ]; then strangers_members="$strangers_members $strangers_name"; fi
  done </etc/passwd
  for strangers_name in $strangers_members; do
    case " $* $strangers" in
      *" $strangers_name "* | *" $strangers_name") continue ;;
    esac
    if recorded made "$strangers_name" || recorded adopted "$strangers_name"; then continue; fi
    strangers="$strangers $strangers_name"
  done
}
