# The signed receipts of runs, on a host that backs them up. The operator's machine sends them after each run.

RECEIPTS_SCRIPT=/opt/sealift/backup/receipts
RECEIPTS_FOLDER=$SEALIFT_STATE/receipts

# Fact: a script takes receipts into a folder that only root can enter, and only root can change the script.
check_backup_receipts() {
  root_script_is "$RECEIPTS_SCRIPT" "$(receipts_script)" || return 1
  receipts_found=$(stat -c '%U:%G %a %F' "$RECEIPTS_FOLDER" 2>/dev/null || echo absent)
  if [ "$receipts_found" != "root:root 700 directory" ]; then
    echo "$RECEIPTS_FOLDER: $receipts_found"
    return 1
  fi
}
guard_backup_receipts() { guard_programs E_REFUSED "${RECEIPTS_SCRIPT%/*/*}"; }
apply_backup_receipts() {
  guard_backup_receipts
  root_script_put "$RECEIPTS_SCRIPT" "$(receipts_script)"
  install -d -o root -g root -m 0700 "$RECEIPTS_FOLDER"
}

# receipts_script: prints the script, which works without Sealift.
receipts_script() {
  cat <<'END'
#!/bin/sh
# Made by Sealift. Takes the signed receipts of runs into /var/lib/sealift/receipts, which this host backs up:
#   receipts --list   prints the name of each that is here
#   receipts --take   reads from standard input, of each, a line NAME BYTES and then so many bytes; none that is here ever changes
set -eu
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
umask 077
# receipts_fail FOUND EXPECTED FIX: ends the script with these words.
receipts_fail() {
  printf 'found: %s\nexpected: %s\nfix: %s\n' "$1" "$2" "$3" >&2
  exit 1
}
cd /var/lib/sealift/receipts || receipts_fail "no folder /var/lib/sealift/receipts" "the folder" "run pulumi up"
case ${1-} in
  --list) find . -mindepth 1 -maxdepth 1 -type f -name '*.json*' ! -name '.*' -printf '%f\n' ;;
  --take)
    # One at a time.
    exec 9</var/lib/sealift/receipts
    flock -w 120 9 || receipts_fail "another run sends its receipts" "that it ends" "run pulumi up again"
    while read -r name bytes; do
      case $name,$bytes in
        .* | -* | *[!A-Za-z0-9._,-]* | *,*[!0-9]* | *, | *,??????????*) receipts_fail "a line that names no receipt" "NAME BYTES" "see the head of $0" ;;
        *.json,* | *.json.sig,*) ;;
        *) receipts_fail "a line that names no receipt" "NAME BYTES" "see the head of $0" ;;
      esac
      # Never more than that: what follows is the next line.
      head -c "$bytes" >.new
      if [ "$(stat -c %s .new)" != "$bytes" ]; then
        rm .new
        receipts_fail "the end of $name is missing" "$bytes bytes" "run pulumi up again"
      fi
      if [ -e "$name" ]; then
        if ! cmp -s .new "$name"; then receipts_fail "another $name" "the receipt that is here" "find out which of both was changed: sealift receipt verify"; fi
        rm .new
      else
        sync .new
        mv -T .new "$name"
      fi
    done
    sync .
    ;;
  *) receipts_fail "no --list and no --take" "one of them" "see the head of $0" ;;
esac
END
}
