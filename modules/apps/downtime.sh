# How long an update stops each service, as the engine reports it: from the end of the old container until the new one is healthy, or has
# started if it has no health check. The preview of the next update shows it.

# app_watch_start NAME: records what the engine reports of the application's containers until app_watch_end. The engine itself remembers only
# its last 256 events, among them every run of a health check.
app_watch_start() {
  watch_file=$APP_INSPECTED/$1.events
  install -d -m 0700 "$APP_INSPECTED"
  timeout 7200 "$SEALIFT_DOCKER" events --filter "label=com.docker.compose.project=$1" --filter event=die --filter event=start --filter event=health_status \
    --format '{{.TimeNano}} {{json (index .Actor.Attributes "com.docker.compose.service")}} {{.Action}}' >"$watch_file" 2>/dev/null </dev/null &
  watch_process=$!
  # Until it listens.
  sleep 1
}

# app_watch_end: ends the record; watch_file has it.
app_watch_end() {
  kill "$watch_process" 2>/dev/null || true
  wait "$watch_process" 2>/dev/null || true
}

# app_note_update FOLDER FROM RELEASE: appends one line to the list of updates: time in seconds since 1970, release before (- if there was
# none), release, and SERVICE=MILLISECONDS for each service that was down.
app_note_update() {
  # A label that is no name of a service, with a blank or a line end in it, counts for nothing.
  note_down=$(awk '
    $2 !~ /^"[A-Za-z0-9._-]+"$/ { next }
    { $2 = substr($2, 2, length($2) - 2) }
    $3 == "die" && !($2 in died) { died[$2] = $1 }
    $3 == "start" && $2 in died { started[$2] = $1 }
    $3 == "health_status:" && $4 == "healthy" && $2 in started { healthy[$2] = $1 }
    $3 == "health_status:" { checked[$2] = 1 }
    END {
      for (service in started) {
        end = service in checked ? healthy[service] : started[service]
        if (end > died[service]) printf " %s=%d", service, (end - died[service]) / 1000000
      }
    }' "$watch_file" | tr ' ' '\n' | sort | paste -s -d ' ' -)
  (umask 022 && printf '%s %s %s%s\n' "$(date +%s)" "${2:--}" "$3" "$note_down" >>"$1/updates")
}

# app_last_downtime FOLDER SERVICE: prints how long the last update that stopped the service had it down; nothing if none has.
app_last_downtime() {
  downtime_found=$(sed -n "s/.* $2=\([0-9][0-9]*\).*/\1/p" "$1/updates" 2>/dev/null | tail -n 1)
  case $downtime_found in
    '' | ??????????*) ;;
    *) echo ", and was down for $((downtime_found / 1000)).$((downtime_found % 1000 / 100)) s at its last update" ;;
  esac
}
