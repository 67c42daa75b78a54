# Local accounts, read from their files by the shell itself: every probe asks about every user, and a process takes forty times as long.
# Sources: passwd(5), shadow(5), group(5).

# account FILE NAME: sets FIELD_1 to FIELD_9 to the line with this name; fails, with empty fields, if there is none. A last line without a
# line end is read too, as getpwnam(3) does.
# shellcheck disable=SC2034 # The files beside this one read them.
account() {
  while IFS=: read -r FIELD_1 FIELD_2 FIELD_3 FIELD_4 FIELD_5 FIELD_6 FIELD_7 FIELD_8 FIELD_9 || [ -n "$FIELD_1" ]; do
    if [ "$FIELD_1" = "$2" ]; then return 0; fi
  done <"$1"
  return 1
}

# in_group USER GROUP: whether the user is a member or the group is the user's primary group. Sets FIELD_3 to the gid of the group.
in_group() {
  if ! account /etc/passwd "$1"; then return 1; fi
  in_group_primary=$FIELD_4
  if ! account /etc/group "$2"; then return 1; fi
  case ,$FIELD_4, in
    *",$1,"*) return 0 ;;
  esac
  [ "$in_group_primary" = "$FIELD_3" ]
}

# service_user_is USER: whether the system user of a service exists and cannot log in. Prints the difference.
service_user_is() {
  if ! account /etc/passwd "$1"; then
    echo "user $1 does not exist"
    return 1
  fi
  if [ "$FIELD_7" != /usr/sbin/nologin ]; then
    echo "its login shell is $FIELD_7"
    return 1
  fi
}

# service_user_make USER: creates it, or corrects its shell.
service_user_make() {
  if account /etc/passwd "$1"; then
    usermod --shell /usr/sbin/nologin "$1"
  else
    useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$1"
  fi
}

# accounts_refusal: refuses if even root cannot write to an account file: hardening guides set the immutable attribute (chattr(1)), or the
# file system is read-only. The account tools would notice only after changing some of the files.
accounts_refusal() {
  accounts_shut=
  for accounts_file in /etc/passwd /etc/shadow /etc/group /etc/gshadow; do
    if [ -e "$accounts_file" ] && [ ! -w "$accounts_file" ]; then accounts_shut="$accounts_shut $accounts_file"; fi
  done
  if [ -n "$accounts_shut" ]; then
    refuse E_ACCOUNT_FILES "root cannot write to$accounts_shut" \
      "remove the immutable attribute with chattr -i$accounts_shut (lsattr shows it), or remount their file system read-write"
  fi
}

# The record of users whom Sealift created (made) or found and adopted (adopted), one name per line. It outlives the site's list of users,
# so that removed users can be distinguished from users whom Sealift never managed.

# recorded made|adopted NAME: whether the record has this name.
recorded() {
  recorded_file=$(record_file "$1")
  if [ ! -f "$recorded_file" ]; then return 1; fi
  while read -r recorded_name || [ -n "$recorded_name" ]; do
    if [ "$recorded_name" = "$2" ]; then return 0; fi
  done <"$recorded_file"
  return 1
}

# record made|adopted NAME: adds the name, and writes it to disk before anything is done to the user.
record() {
  if recorded made "$2" || recorded "$1" "$2"; then return 0; fi
  echo "$2" >>"$(record_file "$1")"
  sync "$(record_file "$1")" "$SEALIFT_STATE"
}

record_file() {
  case $1 in
    made) echo "$SEALIFT_STATE/users" ;;
    adopted) echo "$SEALIFT_STATE/users-adopted" ;;
  esac
}
