# Which images run on this host, as its engine says: for the auditor. Reads only.
# shellcheck disable=SC2154 # files.sh sets path_wrong

# Fact: nothing has to be so; the value says which images containers run: <containers> <id> <name> for each, with "; " between, and
# more=<n> for those that are not listed. Without an engine of ours there is no value.
check_running_images() { :; }
apply_running_images() { :; }
value_running_images() {
  if [ ! -x "$SEALIFT_DOCKER" ] || ! path_is_safe "${SEALIFT_DOCKER%/*}"; then return 1; fi
  images_ids=$(timeout 60 "$SEALIFT_DOCKER" ps --quiet --no-trunc)
  if [ -z "$images_ids" ]; then return 0; fi
  # shellcheck disable=SC2086 # one id a line
  timeout 120 "$SEALIFT_DOCKER" inspect --format '{{.Image}} {{.Config.Image}}' $images_ids 2>/dev/null | sort |
    awk 'NF == 2 { if (!($0 in containers)) names[++count] = $0; containers[$0]++ }
      END {
        for (at = 1; at <= count && at <= 100; at++) found = found "; " containers[names[at]] " " substr(names[at], 1, 372)
        if (count > 100) found = found "; more=" count - 100
        print substr(found, 3, 15000)
      }'
}
