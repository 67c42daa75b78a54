# Running images of this host, as its engine reports them, for the auditor. Read-only.
# shellcheck disable=SC2154 # files.sh sets path_wrong

# Fact: always holds; the value reports which images containers run: <containers> <id> <name> for each, with "; " between, and
# more=<n> for those that are not listed. Without Sealift's engine there is no value.
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
        # A report takes 16384 bytes: what does not fit is counted.
        for (at = 1; at <= count && at <= 100; at++) {
          one = "; " containers[names[at]] " " names[at]
          if (length(names[at]) > 372 || length(found) + length(one) > 14000) break
          found = found one
        }
        if (at <= count) found = found "; more=" count - at + 1
        print substr(found, 3)
      }'
}
