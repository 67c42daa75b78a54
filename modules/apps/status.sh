# What runs of an application, as its engine says, for people and for the receipt. Read-only.
# shellcheck disable=SC2154 # project.sh sets app_seen

# Bytes that the value of one application may have; a report takes 16384.
APP_STATUS_BYTES=14000

# Fact: always holds; the value has words with a blank between them:
#   release=RELEASE                       to which `current` leads
#   updated=SECONDS,FROM,TO               the last update, and then for each service how long it was down:
#   down=SERVICE,MILLISECONDS
#   containers=SERVICE,NUMBER,STATE,HEALTH,EXITCODE,RESTARTS,SINCE,IMAGE
#                                         containers of a service that are alike; the newest start and the sum of restarts
#   more=NUMBER                           containers that are not listed
# Without an engine that answers there is no value.
# $1 folder of the application, $2 its name, $3 release
check_app_status() { :; }
apply_app_status() { :; }
value_app_status() {
  app_inspect "$1" "$2" "$3" >/dev/null || return 1
  status_names=$(printf '%s\n' "$app_seen" | sed -n 's/^container [^ ]* [^ ]* \([A-Za-z0-9][A-Za-z0-9_.-]*\)[ ,].*/\1/p' | sort -u | head -n 1000)
  status_lines=
  if [ -n "$status_names" ]; then
    # A container may be gone since; the others are shown.
    # shellcheck disable=SC2086 # one name a line
    status_lines=$(timeout "$APP_ASK_SEC" "$SEALIFT_DOCKER" inspect --type container --format "$APP_STATUS" -- $status_names 2>/dev/null) || true
  fi
  {
    echo "release $(app_current "$1")"
    app_last_update "$1"
    if [ -n "$status_lines" ]; then printf '%s\n' "$status_lines"; fi
  } | app_status_words
}
# Labels may hold anything: JSON keeps each on its line.
APP_STATUS='container {{json (index .Config.Labels "com.docker.compose.service")}} {{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}} {{.State.ExitCode}} {{.RestartCount}} {{.State.StartedAt}} {{.Image}}'

# app_last_update FOLDER: prints `updated` and the last line of the record of updates; nothing without one.
app_last_update() {
  if [ ! -f "$1/updates" ]; then return 0; fi
  echo "updated $(tail -c 8192 "$1/updates" | tail -n 1)"
}

# app_status_words: turns the lines on standard input into the words of the value, and leaves out what does not have their form.
app_status_words() {
  awk -v most="$APP_STATUS_BYTES" '
    function add(word) {
      if (length(found) + length(word) + 1 > most) return 0
      found = found " " word
      return 1
    }
    function name(text) { return length(text) <= 100 && text ~ /^[A-Za-z0-9._+-]+$/ }
    function number(text) { return length(text) <= 15 && text ~ /^[0-9]+$/ }
    $1 == "release" && NF == 2 && name($2) { add("release=" $2) }
    $1 == "updated" && NF >= 4 && number($2) && name($3) && name($4) {
      add("updated=" $2 "," $3 "," $4)
      for (at = 5; at <= NF && at <= 104; at++) {
        cut = index($at, "=")
        if (name(substr($at, 1, cut - 1)) && number(substr($at, cut + 1))) add("down=" substr($at, 1, cut - 1) "," substr($at, cut + 1))
      }
    }
    $1 == "container" {
      service = substr($2, 2, length($2) - 2)
      since = substr($7, 1, 19) "Z"
      if (NF != 8 || !name(service) || $3 !~ /^[a-z]+$/ || $4 !~ /^[a-z]+$/ || !number($5) || !number($6) || length($8) != 71 ||
        since !~ /^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]Z$/ || $8 !~ /^sha256:[0-9a-f]+$/) {
        more++
        next
      }
      alike = service "," $3 "," $4 "," $5 "," $8
      if (!(alike in count)) order[++kinds] = alike
      count[alike]++
      restarts[alike] += $6
      if (since > newest[alike]) newest[alike] = since
    }
    END {
      for (at = 1; at <= kinds; at++) {
        split(order[at], part, ",")
        word = "containers=" part[1] "," count[order[at]] "," part[2] "," part[3] "," part[4] "," restarts[order[at]] "," newest[order[at]] "," part[5]
        if (!add(word)) more += count[order[at]]
      }
      if (more > 0) found = found " more=" more
      print substr(found, 2)
    }'
}
