# Commands with the rights of another user than root. That user can stop such a process and take over its open file descriptors
# (pidfd_getfd(2)). So the process inherits no descriptor of root, and root limits the time that it waits.

# as_user SECONDS BYTES COMMAND...: runs COMMAND, which drops root's rights itself. A process of root passes on at most BYTES of its
# standard output; its standard error is discarded. Fails as COMMAND does, with 137 on timeout.
as_user() {
  as_user_seconds=$1
  as_user_bytes=$2
  shift 2
  {
    # Descriptor 3 carries its exit status, 4 the report of a probe, 5 our standard output, 9 the host lock.
    as_user_code=$({
      {
        as_user_code=0
        (cd / && exec timeout -s KILL "$as_user_seconds" "$@") 3>&- 4>&- 5>&- 9>&- || as_user_code=$?
        echo "$as_user_code" >&3
      } | timeout -s KILL "$((as_user_seconds + 5))" head -c "$as_user_bytes" >&5 3>&- 4>&- 5>&- 9>&-
    } 3>&1 2>/dev/null) || true
  } 5>&1
  return "${as_user_code:-137}"
}

# user_hashes USER FOLDER NAME...: sets user_hashes to a line `NAME SHA256` for each file there. The user can put a pipe, a link or an endless
# file into this folder: only regular files are read, with the rights of the user and a time limit.
# shellcheck disable=SC2034 # callers read user_hashes
user_hashes() {
  user_hashes=$1
  shift
  # shellcheck disable=SC2016 # it is for the shell of the user
  user_hashes=$(as_user 20 1048576 runuser -u "$user_hashes" -- sh -c '
    cd "$1" || exit
    shift
    for one; do
      if [ -f "$one" ] && [ ! -L "$one" ]; then
        hash=$(head -c 1048576 "$one" | sha256sum)
        echo "$one ${hash%% *}"
      fi
    done' sh "$@" </dev/null) || true
}
