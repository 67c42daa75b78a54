# The unit that backs up an application, for all who start it, and what its last attempt has said.
# shellcheck disable=SC2034 # the phases of applications and backups read failed_…

BACKUP_STATE=$SEALIFT_STATE/backup
# Longest time in seconds for a first backup.
BACKUP_WAIT_SEC=43200

# backup_start APP: makes a backup of the application; or waits for the end of one that runs already, and says whether it was good.
backup_start() { timeout "$((BACKUP_WAIT_SEC + 900))" systemctl start "sealift-backup-$1.service" 2>/dev/null; }

# backup_failed APP: sets failed_time, failed_status, failed_found and failed_fix to what the last attempt has said; empty when it did not fail.
backup_failed() {
  failed_time=
  failed_status=
  failed_found=
  failed_fix=
  if [ ! -f "$BACKUP_STATE/$1/failed" ]; then return 0; fi
  read -r failed_time failed_status failed_found <"$BACKUP_STATE/$1/failed" || true
  case $failed_time$failed_status in *[!0-9]*) failed_time='' failed_status='' ;; esac
  case $failed_found in
    *"; fix: "*)
      failed_fix=${failed_found##*; fix: }
      failed_found=${failed_found%; fix: *}
      ;;
  esac
}
