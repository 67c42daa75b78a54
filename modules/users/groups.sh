# Groups with fixed numbers, and who is in them. No group is ever deleted or renumbered.

# Fact: the group exists, with this gid.
# $1 group, $2 gid; empty: any, and it is made with one of the system's
check_group() {
  if ! account /etc/group "$1"; then
    echo "no such group"
    return 1
  fi
  if [ -n "${2-}" ] && [ "$FIELD_3" != "$2" ]; then
    echo "gid $FIELD_3"
    return 1
  fi
}
guard_group() {
  if account /etc/group "$1"; then
    if [ -n "${2-}" ] && [ "$FIELD_3" != "$2" ]; then
      refuse_because E_GID_TAKEN "group $1 has gid $FIELD_3" \
        "write gid $FIELD_3, or renumber the group by hand with groupmod --gid and hand its files over"
    fi
    return 0
  fi
  if getent group "$1" >/dev/null; then
    group_holder=$(getent group "$1" | cut -d : -f 3)
    if [ "$1" = docker ]; then
      # groupadd refuses a name that any name service has.
      refuse_because E_GID_TAKEN "group docker comes from another name service (nsswitch.conf), with gid $group_holder" \
        "rename it there, or make it local as well, since files come first: echo docker:x:$group_holder: >>/etc/group && echo docker:!:: >>/etc/gshadow"
    fi
    refuse_because E_GID_TAKEN "group $1 comes from another name service (nsswitch.conf), with gid $group_holder" \
      "take it out of groups, as the directory looks after it, or take another name"
  fi
  if [ -z "${2-}" ]; then return 0; fi
  group_holder=$(getent group "$2" | cut -d : -f 1)
  if [ -n "$group_holder" ]; then
    refuse_because E_GID_TAKEN "gid $2 belongs to group $group_holder" "take a gid that is free on every host"
  fi
}
apply_group() {
  guard_group "$@"
  if [ -n "${2-}" ]; then
    groupadd --gid "$2" "$1"
  else
    groupadd --system "$1"
  fi
}

# Fact: the user is in the group.
# $1 user, $2 group
check_member() {
  if ! in_group "$1" "$2"; then
    echo "not in it"
    return 1
  fi
}
apply_member() {
  gpasswd --add "$1" "$2"
}

# Fact: accounts of a directory (LDAP, Active Directory), which Sealift does not look after otherwise, are members of the group.
# $1 group; $2... accounts
check_directory_members() {
  members_group=$1
  shift
  members_lacking=
  account /etc/group "$members_group" || true
  for members_one; do
    case ,$FIELD_4, in
      *",$members_one,"*) ;;
      *) members_lacking="$members_lacking, $members_one" ;;
    esac
  done
  if [ -n "$members_lacking" ]; then
    echo "not in it: ${members_lacking#, }"
    return 1
  fi
}
guard_directory_members() {
  shift
  for members_one; do
    if ! getent passwd "$members_one" >/dev/null; then
      refuse_because E_REFUSED "no name service of the host knows an account $members_one" \
        "correct dockerGroup.members, or see on the host why its directory does not answer: getent passwd $members_one"
    fi
  done
}
apply_directory_members() {
  guard_directory_members "$@"
  members_group=$1
  shift
  for members_one; do gpasswd --add "$members_one" "$members_group"; done
}

# Fact: the user is not in the group.
# $1 user, $2 group
check_no_member() {
  if in_group "$1" "$2"; then
    echo "in it"
    return 1
  fi
}
guard_no_member() {
  if account /etc/passwd "$1"; then
    refuse_primary "$1" "$FIELD_4" "$2"
  fi
}
apply_no_member() {
  guard_no_member "$@"
  gpasswd --delete "$1" "$2"
}

# refuse_primary USER GID GROUP: nobody can be taken out of the own primary group.
refuse_primary() {
  if account /etc/group "$3" && [ "$FIELD_3" = "$2" ]; then
    refuse_because E_REFUSED "$3 is the primary group of $1" "give $1 another one with usermod --gid"
  fi
}

# Fact: the user is in some groups and out of others.
# $1 user; $2... groups that the user is in, a "-", groups that the user is not in
check_groups() {
  groups_user=$1
  shift
  groups_wrong=
  groups_in=yes
  for groups_one; do
    if [ "$groups_one" = - ]; then
      groups_in=no
    elif in_group "$groups_user" "$groups_one"; then
      if [ "$groups_in" = no ]; then groups_wrong="$groups_wrong, in $groups_one"; fi
    elif [ "$groups_in" = yes ]; then
      groups_wrong="$groups_wrong, not in $groups_one"
    fi
  done
  if [ -n "$groups_wrong" ]; then
    echo "${groups_wrong#, }"
    return 1
  fi
}
apply_groups() {
  groups_user=$1
  shift
  groups_in=yes
  for groups_one; do
    if [ "$groups_one" = - ]; then
      groups_in=no
    elif [ "$groups_in" = yes ]; then
      check_member "$groups_user" "$groups_one" >/dev/null || apply_member "$groups_user" "$groups_one"
    else
      check_no_member "$groups_user" "$groups_one" >/dev/null || apply_no_member "$groups_user" "$groups_one"
    fi
  done
}
