# Files that travel to the host over ssh. Checked here only: Pulumi's CopyToRemote brings them.

# Fact: the file with these bytes is on the host, in the login's home or where a phase has put it.
# $1 size in bytes; $2... paths, absolute or relative to the login's home, the first that exists counts
check_delivered() {
  delivered_bytes=$1
  shift
  for delivered_path; do
    if [ -f "$delivered_path" ] && [ "$(stat -c %s "$delivered_path")" = "$delivered_bytes" ]; then
      return 0
    fi
  done
  # The text is the trigger of the copy, so it has to be new whenever a file is lost again: every repair adds a
  # journal line, every new installation of the host has another machine id.
  delivered_lines=0
  if [ -f "$SEALIFT_STATE/journal" ]; then delivered_lines=$(wc -l <"$SEALIFT_STATE/journal"); fi
  echo "absent on machine $(cut -c 1-8 /etc/machine-id) at journal line $delivered_lines"
  return 1
}
