# Groups with fixed gids, and their members. No group is ever deleted or renumbered.

# Fact: the group exists, with this gid.
# $1 group, $2 gid; empty: any; a new group gets a system gid
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
      refuse E_GID_TAKEN "group $1 has gid $FIELD_3" \
        "set gid: $FIELD_3, or renumber the group manually with groupmod --gid and change the group of its files"
    fi
    return 0
  fi
  if getent group "$1" >/dev/null; then
    group_holder=$(getent group "$1" | cut -d : -f 3)
    if [ "$1" = docker ]; then
      # groupadd refuses a name that any name service knows.
      refuse E_GID_TAKEN "group docker comes from another name service (nsswitch.conf), with gid $group_holder" \
        "rename it there, or add it as a local group too, which takes precedence: echo docker:x:$group_holder: >>/etc/group && echo docker:!:: >>/etc/gshadow"
    fi
    refuse E_GID_TAKEN "group $1 comes from another name service (nsswitch.conf), with gid $group_holder" \
      "remove it from groups, since a directory manages it, or use another name"
  fi
  accounts_refusal
  if [ -z "${2-}" ]; then return 0; fi
  group_holder=$(getent group "$2" | cut -d : -f 1)
  if [ -n "$group_holder" ]; then
    refuse E_GID_TAKEN "gid $2 belongs to group $group_holder" "use a gid that is free on every host"
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
    echo "not a member"
    return 1
  fi
}
guard_member() {
  accounts_refusal
}
apply_member() {
  guard_member
  gpasswd --add "$1" "$2"
}

# Fact: these accounts of a directory (LDAP, Active Directory), which Sealift does not manage otherwise, are members of the group.
# $1 group; $2... accounts
check_directory_members() {
  members_group=$1
  shift
  members_missing=
  account /etc/group "$members_group" || true
  for members_one; do
    case ,$FIELD_4, in
      *",$members_one,"*) ;;
      *) members_missing="$members_missing, $members_one" ;;
    esac
  done
  if [ -n "$members_missing" ]; then
    echo "not members: ${members_missing#, }"
    return 1
  fi
}
guard_directory_members() {
  accounts_refusal
  shift
  for members_one; do
    if ! getent passwd "$members_one" >/dev/null; then
      refuse E_REFUSED "account $members_one is unknown to the host's name services" \
        "correct dockerGroup.members, or find out on the host why the directory does not answer: getent passwd $members_one"
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
    echo "is a member"
    return 1
  fi
}
guard_no_member() {
  accounts_refusal
  if account /etc/passwd "$1"; then
    refuse_primary "$1" "$FIELD_4" "$2"
  fi
}
apply_no_member() {
  guard_no_member "$@"
  gpasswd --delete "$1" "$2"
}

# refuse_primary USER GID GROUP: refuses to remove a user from the user's primary group.
refuse_primary() {
  if account /etc/group "$3" && [ "$FIELD_3" = "$2" ]; then
    refuse E_REFUSED "$3 is the primary group of $1" "set another primary group with usermod --gid"
  fi
}

# Fact: the user is in these groups and not in those.
# $1 user; $2... groups with the user, a "-", groups without the user
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
