# What the files of local accounts say, read by the shell itself: every look asks about every user, and a process costs
# forty times as much. Sources: passwd(5), shadow(5), group(5).

# account FILE NAME: sets FIELD_1 to FIELD_9 to the line of this name; fails, with empty fields, when there is none. The last line counts
# although it does not end: a file that was written by hand may be so, and getpwnam(3) reads it.
# shellcheck disable=SC2034 # The files beside this one read them.
account() {
  while IFS=: read -r FIELD_1 FIELD_2 FIELD_3 FIELD_4 FIELD_5 FIELD_6 FIELD_7 FIELD_8 FIELD_9 || [ -n "$FIELD_1" ]; do
    if [ "$FIELD_1" = "$2" ]; then return 0; fi
  done <"$1"
  return 1
}

# in_group USER GROUP: as a member, or by the user's own primary group. Sets FIELD_3 to the group's gid.
in_group() {
  if ! account /etc/passwd "$1"; then return 1; fi
  in_group_primary=$FIELD_4
  if ! account /etc/group "$2"; then return 1; fi
  case ,$FIELD_4, in
    *",$1,"*) return 0 ;;
  esac
  [ "$in_group_primary" = "$FIELD_3" ]
}

# The record of whom Sealift has made, and of whom it found and took over: one name a line. It outlives the site's own
# list, so that those who left can be told from those who were never ours.

# recorded made|adopted NAME
recorded() {
  recorded_file=$(record_file "$1")
  if [ ! -f "$recorded_file" ]; then return 1; fi
  while read -r recorded_name || [ -n "$recorded_name" ]; do
    if [ "$recorded_name" = "$2" ]; then return 0; fi
  done <"$recorded_file"
  return 1
}

# record made|adopted NAME: on the disk before anything is done to the user.
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
