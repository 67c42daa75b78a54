# Who is as good as root on this host, as it says itself: for the auditor. Reads only.

# Fact: nothing has to be so; the value says who may use docker and sudo: docker=<name> for each member of the group docker, and
# sudo=<name> <rules> for each account that sudo lets run something, as `sudo -l` says, with "; " between; unasked=<n> for accounts
# that there was no time to ask about. root, who may use both, is left out.
check_access() { :; }
apply_access() { :; }
value_access() {
  access_found=
  access_group=$(getent group docker || true)
  access_gid=$(printf '%s' "$access_group" | cut -d : -f 3)
  if [ -n "$access_gid" ]; then
    for access_name in $({
      printf '%s' "$access_group" | cut -d : -f 4 | tr , '\n'
      getent passwd | awk -F : -v gid="$access_gid" '$4 == gid { print $1 }'
    } | sort -u | head -n 500); do access_found="$access_found; docker=$access_name"; done
  fi
  access_sudo
  printf '%s' "${access_found#; }" | head -c 15000
}

# access_sudo: adds what sudo lets accounts run, in no more than a minute: sudo may ask a directory about each.
access_sudo() {
  if ! command -v sudo >/dev/null; then return 0; fi
  access_end=$(($(date +%s) + 60))
  access_unasked=0
  for access_name in $(getent passwd | awk -F : '$3 != 0 { print $1 }' | head -n 1000); do
    if [ "$(date +%s)" -ge "$access_end" ]; then
      access_unasked=$((access_unasked + 1))
      continue
    fi
    still_at_it
    access_rules=$(timeout 10 sudo -n -l -U "$access_name" 2>/dev/null | awk 'rules && /^ / { sub(/^ +/, ""); print } /may run the following commands/ { rules = 1 }' || true)
    if [ -z "$access_rules" ]; then continue; fi
    # A rule may name arguments that are nobody else's business.
    access_rules=$(found_words "$(printf '%s' "$access_rules" | tr '\n' ' ')" | head -c 200)
    access_found="$access_found; sudo=$access_name $access_rules"
  done
  if [ "$access_unasked" -gt 0 ]; then access_found="unasked=$access_unasked; ${access_found#; }"; fi
}
