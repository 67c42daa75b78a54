# The systemd journal on a volume, with limits. Earlier entries stay readable.
# shellcheck disable=SC2154 # core/mounts.sh sets seen_…, files.sh file_wrong, systemd.sh unit_foreign

JOURNAL_LIMITS=/etc/systemd/journald.conf.d/sealift.conf

# Fact: journald stores its files on the volume mounted there, within these limits, now and after every boot.
# $1 mount point; $2 MiB that the journal may use; $3 MiB of the volume that it leaves free, or - for journald's default; $4 days after
# which entries are deleted, or - for never
check_journal_storage() {
  file_inspect "$JOURNAL_LIMITS" /etc/systemd/system/var-log-journal.mount
  if ! file_is "$JOURNAL_LIMITS" "$(journal_limits "$@")" ||
    ! file_is /etc/systemd/system/var-log-journal.mount "$(journal_unit_text "$1")"; then
    echo "$file_wrong"
    return 1
  fi
  journal_overruled
  if [ -n "$journal_over" ]; then
    echo "these files override it, because journald reads them later:$journal_over"
    return 1
  fi
  if unit_unmanaged var-log-journal.mount ""; then
    echo "var-log-journal.mount is made or changed by$unit_foreign"
    return 1
  fi
  if ! unit_is_wanted var-log-journal.mount; then
    echo "var-log-journal.mount is not started at boot"
    return 1
  fi
  if ! journal_is_on "$1"; then
    echo "/var/log/journal is not $1/journal"
    return 1
  fi
  if [ -e "$SEALIFT_STATE/journald-restart" ]; then
    echo "journald has not loaded its limits yet"
    return 1
  fi
}
guard_journal_storage() {
  refuse_unmanaged var-log-journal.mount ""
  journal_overruled
  if [ -n "$journal_over" ]; then
    refuse E_CONFLICT "journald would use the limits in$journal_over, which it reads after $JOURNAL_LIMITS" \
      "remove Storage, SystemMaxUse, SystemKeepFree and MaxRetentionSec from there"
  fi
  if journal_is_on "$1"; then return 0; fi
  if mount_inspect "$1" && ! path_is_safe "$1/journal"; then
    refuse E_MOUNT_POINT "the journal would be stored in $1/journal, but $path_wrong" "use a separate volume for the journal, without owner and mode"
  fi
  if mount_inspect /var/log/journal; then
    refuse E_MOUNT_POINT "$seen_root of $seen_source is mounted at /var/log/journal" "unmount it manually, and make sure that it is not mounted again at boot"
  fi
  # A mount that needs the network comes after local-fs.target, the journal before it: systemd would drop one of them.
  case " $(timeout 60 systemctl show --property Before --value "$(unit_of_path "$1")") " in
    *' remote-fs.target '*) refuse E_MOUNT_BOOT "$1 is mounted after the network is up, but the journal is needed earlier" "store the journal on a mount that needs no network" ;;
  esac
  if [ -L /var/log/journal ]; then
    refuse E_MOUNT_POINT "/var/log/journal is a symbolic link" "remove the link; its target may stay"
  fi
}
apply_journal_storage() {
  guard_journal_storage "$@"
  if ! mount_inspect "$1"; then
    echo "nothing mounted at $1"
    return 1
  fi
  # The mark is removed once journald has read the file. If a run is interrupted before that, the next one continues.
  : >"$SEALIFT_STATE/journald-restart.new"
  put_in_place "$SEALIFT_STATE/journald-restart"
  mkdir -p /etc/systemd/journald.conf.d "$1/journal"
  file_put "$JOURNAL_LIMITS" "$(journal_limits "$@")"
  file_put /etc/systemd/system/var-log-journal.mount "$(journal_unit_text "$1")"
  systemctl daemon-reload
  systemctl enable --no-reload --quiet var-log-journal.mount
  if ! journal_is_on "$1"; then
    # journald closes its files and writes to /run until the flush below.
    timeout 60 journalctl --relinquish-var
    journal_set_aside
    mkdir -p /var/log/journal
    chattr +i /var/log/journal
    systemctl reset-failed var-log-journal.mount 2>/dev/null || true
    timeout 60 systemctl start var-log-journal.mount
    # Group, mode and ACL as the distribution defines them: systemd-journald.service(8).
    systemd-tmpfiles --create --prefix /var/log/journal
  fi
  # systemd limits how often a unit starts within seconds: systemctl(1), reset-failed.
  systemctl reset-failed systemd-journald.service 2>/dev/null || true
  timeout 60 systemctl restart systemd-journald.service
  timeout 60 journalctl --flush
  rm "$SEALIFT_STATE/journald-restart"
  on_disk "$1"
}

# journal_overruled: sets journal_over to the files that journald reads after ours and that set the same options. The order is by file name,
# whatever the folder (journald.conf(5), CONFIGURATION DIRECTORIES AND PRECEDENCE).
journal_overruled() {
  journal_over=
  for journal_file in /etc/systemd/journald.conf.d/*.conf /run/systemd/journald.conf.d/*.conf \
    /usr/local/lib/systemd/journald.conf.d/*.conf /usr/lib/systemd/journald.conf.d/*.conf; do
    if [ ! -f "$journal_file" ] || ! [ "${journal_file##*/}" \> "${JOURNAL_LIMITS##*/}" ]; then continue; fi
    while read -r journal_line || [ -n "$journal_line" ]; do
      case $journal_line in
        Storage* | SystemMaxUse* | SystemKeepFree* | MaxRetentionSec*)
          journal_over="$journal_over $journal_file"
          break
          ;;
      esac
    done <"$journal_file"
  done
}

# journal_limits MOUNT MAX_MIB KEEP_MIB DAYS: prints the file: journald.conf(5).
journal_limits() {
  printf '%s\n' "# Made by Sealift." "[Journal]" "Storage=persistent" "SystemMaxUse=${2}M"
  if [ "$3" != - ]; then echo "SystemKeepFree=${3}M"; fi
  if [ "$4" != - ]; then echo "MaxRetentionSec=${4}day"; fi
}

# journal_unit_text MOUNT: prints the unit: systemd.mount(5). systemd-journal-flush.service waits for all mounts at or above
# /var/log/journal, so at boot the journal moves there from /run when the volume is mounted.
journal_unit_text() {
  printf '%s\n' "# Made by Sealift." "[Unit]" "RequiresMountsFor=$1" "Before=local-fs.target" "" \
    "[Mount]" "What=$1/journal" "Where=/var/log/journal" "Type=none" "Options=bind" "" \
    "[Install]" "WantedBy=local-fs.target"
}

# journal_is_on MOUNT: whether /var/log/journal is the directory "journal" of the file system mounted there.
journal_is_on() {
  if ! mount_inspect "$1"; then return 1; fi
  # An existing mount may be a subdirectory of its file system.
  is_on_directory="$seen_device ${seen_root%/}/journal"
  if ! mount_inspect /var/log/journal; then return 1; fi
  [ "$seen_device $seen_root" = "$is_on_directory" ]
}

# journal_set_aside: renames the directory with the old files: `journalctl -D` still reads them.
journal_set_aside() {
  if [ -z "$(ls -A /var/log/journal 2>/dev/null)" ]; then return 0; fi
  aside=/var/log/journal.before-sealift
  aside_number=1
  while [ -e "$aside" ]; do
    aside_number=$((aside_number + 1))
    aside=/var/log/journal.before-sealift-$aside_number
  done
  mv /var/log/journal "$aside"
}
