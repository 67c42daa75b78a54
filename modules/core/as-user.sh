# What is done with the rights of somebody who is not root. A process with their rights is theirs: they may stop it, and take out of it
# whatever it holds open (pidfd_getfd(2)). So it holds nothing of root's, and root waits for it no longer than it says here.

# as_user SECONDS BYTES COMMAND...: COMMAND drops root's rights, then does its work. Its standard output is passed on by a process of root's, up
# to that many bytes; what it says on standard error is lost. Fails as COMMAND does, with 137 when it was not done in time.
as_user() {
  away_seconds=$1
  away_bytes=$2
  shift 2
  {
    # Descriptor 3 is for its exit code, 4 the report of a look, 5 our standard output, 9 the lock of the host.
    away_code=$({
      {
        away_code=0
        (cd / && exec timeout -s KILL "$away_seconds" "$@") 3>&- 4>&- 5>&- 9>&- || away_code=$?
        echo "$away_code" >&3
      } | timeout -s KILL "$((away_seconds + 5))" head -c "$away_bytes" >&5 3>&- 4>&- 5>&- 9>&-
    } 3>&1 2>/dev/null) || true
  } 5>&1
  return "${away_code:-137}"
}
