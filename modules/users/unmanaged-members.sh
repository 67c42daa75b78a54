# Members of the docker group that the site does not list. They have root access to the host like all members.

# Fact: the site lists every member of the group.
# $1 group, $2 report: others are reported and left; remove: they are removed from the group; $3... users of the site
check_unmanaged_members() {
  unmanaged_group=$1
  unmanaged_policy=$2
  shift 2
  unmanaged_list "$unmanaged_group" "$@"
  if [ -z "$unmanaged" ]; then return 0; fi
  unmanaged_finding="members not listed in the site:$unmanaged"
  if [ "$unmanaged_policy" = report ]; then
    warn E_UNMANAGED_MEMBERS "$unmanaged_finding" \
      "add them to users (or to dockerGroup.members for directory accounts), run gpasswd --delete, or set dockerGroup: { unmanagedMembers: remove }"
  fi
  echo "$unmanaged_finding"
  return 1
}
guard_unmanaged_members() {
  unmanaged_group=$1
  shift 2
  unmanaged_list "$unmanaged_group" "$@"
  if [ -n "$unmanaged" ]; then accounts_refusal; fi
  for unmanaged_name in $unmanaged; do
    account /etc/passwd "$unmanaged_name" || continue
    refuse_primary "$unmanaged_name" "$FIELD_4" "$unmanaged_group"
  done
}
apply_unmanaged_members() {
  guard_unmanaged_members "$@"
  shift 2
  unmanaged_list "$unmanaged_group" "$@"
  for unmanaged_name in $unmanaged; do gpasswd --delete "$unmanaged_name" "$unmanaged_group"; done
}

# unmanaged_list GROUP USER...: sets unmanaged to the other members. Users removed from the site are a fact of their own (removed-users.sh).
unmanaged_list() {
  unmanaged=
  if ! account /etc/group "$1"; then return 0; fi
  unmanaged_gid=$FIELD_3
  unmanaged_members=$(echo "$FIELD_4" | tr , ' ')
  shift
  while IFS=: read -r unmanaged_name _ _ unmanaged_primary _ || [ -n "$unmanaged_name" ]; do
    if [ "$unmanaged_primary" = "$unmanaged_gid" ]; then unmanaged_members="$unmanaged_members $unmanaged_name"; fi
  done </etc/passwd
  for unmanaged_name in $unmanaged_members; do
    case " $* $unmanaged" in
      *" $unmanaged_name "* | *" $unmanaged_name") continue ;;
    esac
    if recorded made "$unmanaged_name" || recorded adopted "$unmanaged_name"; then continue; fi
    unmanaged="$unmanaged $unmanaged_name"
  done
}
