# What happens before a release takes the place of another one: a backup, and a one-shot of the new release.
# shellcheck disable=SC2154 # project.sh sets SEALIFT_… and APP_…

# Fact: before the release takes the place of another one, the application was backed up, and the one-shot of the release has ended with 0.
# At a first start nothing is replaced. A release that has run before has done this, and so have its data.
# $1 folder of the application, $2 its name, $3 release, $4 backup, or nothing, $5 one-shot, or nothing, $6 seconds until it has to end
check_app_before() {
  before_from=$(app_current "$1")
  case $before_from in '' | "$3") return 0 ;; esac
  if [ -e "$1/releases/$3/ran" ] || [ -e "$1/releases/$3/before" ]; then return 0; fi
  echo "release $before_from is the current one"
  return 1
}
apply_app_before() {
  before_from=$(app_current "$1")
  before_missing=$(app_missing_images "$1" "$3")
  if [ -n "$before_missing" ]; then
    echo "release $3 cannot start: the engine does not have $before_missing; nothing was stopped"
    return 1
  fi
  # For another major version of a database there is one already.
  if [ -n "$4" ] && [ ! -e "$1/releases/$3/major" ]; then app_back_up "$2" "release $before_from runs as before"; fi
  if [ -n "$5" ]; then app_run_once "$@" "release $before_from runs as before"; fi
  # What was done once is not done again, whatever interrupts the update from here on.
  touch "$1/releases/$3/before"
  on_disk "$1"
  if [ -n "$5" ]; then "$SEALIFT_DOCKER" rm --force "$once_name" >/dev/null 2>&1 || true; fi
}

# app_back_up NAME WORDS: makes a backup of the application with its unit. Otherwise fails with the reason and these words.
app_back_up() {
  backing_unit=sealift-backup-$1.service
  if [ ! -f "/etc/systemd/system/$backing_unit" ]; then
    finding_with_remedy E_BACKUP "no backup of $1 could be made: $backing_unit is not on the host yet; $2" "run pulumi up with the version before first, which sets up the backups"
    return 1
  fi
  # One that runs already has begun too early: the start of its unit only waits for its end.
  case $(systemctl is-active "$backing_unit" || true) in
    activating | deactivating | reloading) backup_start "$1" || true ;;
  esac
  if backup_start "$1"; then return 0; fi
  backup_failed "$1"
  if [ -n "$failed_fix" ]; then
    finding_with_remedy E_BACKUP "$failed_found; $2" "$failed_fix"
  else
    finding_with_remedy E_BACKUP "$backing_unit failed; $2" "see journalctl -u $backing_unit, then run pulumi up again"
  fi
  return 1
}

# app_run_once FOLDER NAME RELEASE BACKUP SERVICE SECONDS WORDS: runs the one-shot of the release beside what runs, which it leaves alone, and
# waits until it has ended with 0. Otherwise fails with the end of its log and these words. Sets once_name to the name of its container.
app_run_once() {
  once_name=$2-$5-before-${3##*-}
  once_others=$(timeout "$APP_ASK_SEC" "$SEALIFT_DOCKER" ps --filter "label=com.docker.compose.project=$2" --filter "label=com.docker.compose.service=$5" \
    --format '{{.Names}}' | grep -v -x -F "$once_name" | paste -s -d ' ' -) || true
  if [ -n "$once_others" ]; then
    finding_with_remedy E_APP_UPDATE "$5 of $2 still runs in $once_others; $7" "wait for its end: docker wait $once_others; then run pulumi up again"
    return 1
  fi
  # An interrupted run of Sealift leaves it running.
  if [ "$(timeout "$APP_ASK_SEC" "$SEALIFT_DOCKER" inspect --format '{{.State.Status}}' "$once_name" 2>/dev/null)" != running ]; then
    "$SEALIFT_DOCKER" rm --force "$once_name" >/dev/null 2>&1 || true
    if ! once_said=$(app_compose "$1" "$2" "$3" "$APP_ASK_SEC" run --detach --no-deps --name "$once_name" "$5" 2>&1); then
      "$SEALIFT_DOCKER" rm --force "$once_name" >/dev/null 2>&1 || true
      finding_with_remedy E_APP_UPDATE "$5 of release $3 did not start: $(app_last_lines "$2" "$once_said" 2); $7" \
        "correct it in a new version, or set version: in the site back to the one before"
      return 1
    fi
  fi
  if ! once_code=$(timeout "$6" "$SEALIFT_DOCKER" wait "$once_name" 2>/dev/null); then
    finding_with_remedy E_APP_UPDATE "$5 of release $3 has not ended within $6 s, and runs on; $7" \
      "run pulumi up again, which waits for it; a longer update.timeout gives it more time"
    return 1
  fi
  if [ "$once_code" = 0 ]; then return 0; fi
  # The reason first: the report shows the beginning.
  once_log=$(timeout "$APP_ASK_SEC" "$SEALIFT_DOCKER" logs --tail "$APP_LOG_LINES" "$once_name" 2>&1) || true
  finding_with_remedy E_APP_UPDATE "$5 of release $3 has ended with $once_code: $(app_last_lines "$2" "$once_log" 1); $7" \
    "correct it in a new version, or set version: in the site back to the one before"
  printf '%s\n' "$once_log" | sed "s|^|$once_name: log: |" | redact_contents "$APP_SECRETS/$2"
  "$SEALIFT_DOCKER" rm --force "$once_name" >/dev/null 2>&1 || true
  return 1
}
