# A store of backups: restic's rest-server, which takes new files and neither changes nor removes any (append-only); each host has its own
# repository, which no other can read (private).
# shellcheck disable=SC2154 # files.sh, systemd.sh and processes.sh set file_wrong, path_wrong, unit_… and process_…

STORE_UNIT=/etc/systemd/system/sealift-store.service

# Fact: the store has a system user of its own that cannot log in.
check_store_user() { service_user_is "$STORE_USER"; }
apply_store_user() { service_user_make "$STORE_USER"; }

# Fact: the repositories are on the volume mounted there, and only root and the store's user can enter their folder.
# $1 mount point
check_store_folder() {
  if ! mount_inspect "$1"; then
    echo "nothing mounted at $1"
    return 1
  fi
  if ! path_is_safe "$1"; then
    echo "$path_wrong"
    return 1
  fi
  file_inspect "$1/restic"
  if ! file_owned "$1/restic" "$STORE_USER:$STORE_USER 700" directory; then
    echo "$file_wrong"
    return 1
  fi
}
# A missing mount is no refusal: the same run may make it first.
guard_store_folder() {
  if mount_inspect "$1" && ! path_is_safe "$1"; then
    refuse E_MOUNT_POINT "backups are stored in $1, but $path_wrong" "give the store a volume of its own, without owner and mode"
  fi
  if [ -L "$1/restic" ] || { [ -e "$1/restic" ] && [ ! -d "$1/restic" ]; }; then
    refuse E_MOUNT_POINT "$1/restic is no folder" "find out who created it, then move it away"
  fi
}
apply_store_folder() {
  guard_store_folder "$@"
  # On the system disk, backups would fill it, and would be lost with it.
  if ! mount_inspect "$1"; then
    echo "E_MOUNT_POINT nothing is mounted at $1; fix: mount the volume of the store there"
    return 1
  fi
  install -d -o "$STORE_USER" -g "$STORE_USER" -m 0700 "$1/restic"
  # Files store uids, and on a new system disk the user may have another one. Links are not followed (chown(1), -R).
  chown -R "$STORE_USER:$STORE_USER" "$1/restic"
  on_disk "$1"
}

# Fact: exactly these hosts can log in at the store, each with the login that follows from the password of its repository.
# $@ pairs: a host, and the file with its password
check_store_logins() {
  store_found=$(stat -c '%U %G %a %F' "$STORE_ETC/htpasswd" 2>/dev/null || echo absent)
  if [ "$store_found" != "root $STORE_USER 640 regular file" ]; then
    echo "$STORE_ETC/htpasswd: $store_found"
    return 1
  fi
  store_passwords_present "$@" || return 1
  # The passwords are on a pipe, never arguments.
  # shellcheck disable=SC2016 # variables of perl
  if ! store_login_lines "$@" | perl -e '
    my %expected = map { chomp; split / /, $_, 2 } <STDIN>;
    open(my $file, "<", $ARGV[0]) or exit 1;
    my %found = map { chomp; split /:/, $_, 2 } grep { !/^#/ } <$file>;
    exit 1 if keys %expected != keys %found;
    for (keys %expected) {
      exit 1 unless length($found{$_} // "") == 60 && crypt($expected{$_}, $found{$_}) eq $found{$_};
    }' "$STORE_ETC/htpasswd"; then
    echo "$STORE_ETC/htpasswd does not have the logins of the site"
    return 1
  fi
}
apply_store_logins() {
  store_passwords_present "$@" || return 1
  install -d -o root -g root -m 0755 "${STORE_ETC%/*}" "$STORE_ETC"
  # bcrypt with the lowest cost: for 256 bits it is enough, and a login is checked for every request.
  # shellcheck disable=SC2016 # variables of perl
  store_text=$(store_login_lines "$@" | perl -e '
    open(my $random, "<", "/dev/urandom") or exit 1;
    my @letters = ("a" .. "z", "A" .. "Z", 0 .. 9, ".", "/");
    for (<STDIN>) {
      chomp;
      my ($host, $password) = split / /, $_, 2;
      read($random, my $bytes, 21) == 21 or exit 1;
      my $salt = join("", map { $letters[ord($_) % 64] } split //, $bytes);
      my $hash = crypt($password, "\$2y\$05\$${salt}u");
      length($hash // "") == 60 or exit 1;
      print "$host:$hash\n";
    }')
  file_put "$STORE_ETC/htpasswd" "# Made by Sealift.${store_text:+$SEALIFT_LINE_END$store_text}" "root:$STORE_USER 640"
}
# store_passwords_present PAIR...: whether the files with the passwords are there; prints which is not.
store_passwords_present() {
  while [ $# -gt 1 ]; do
    if [ ! -s "$2" ]; then
      echo "the password of $1 is not decrypted: $2 is absent or empty"
      return 1
    fi
    shift 2
  done
}
# store_login_lines PAIR...: a line `HOST PASSWORD` for each login.
store_login_lines() {
  while [ $# -gt 1 ]; do
    echo "$1 $(backup_login "$1" "$2")"
    shift 2
  done
}

# Fact: the unit of the store is that of this site, both as a file and as loaded by systemd; nothing else provides or changes it.
# $1 version of rest-server, $2 mount point, $3 port
check_store_unit() {
  file_inspect "$STORE_UNIT"
  if ! file_is "$STORE_UNIT" "$(store_unit "$@")"; then
    echo "$file_wrong"
    return 1
  fi
  unit_inspect "$UNIT_WHOLE" sealift-store.service
  if ! unit_loaded sealift-store.service "" Environment= EnvironmentFiles= PassEnvironment= "User=$STORE_USER" "Group=$STORE_USER" RootDirectory= \
    RootImage= TriggeredBy= "ExecStartPre=!/bin/cp $(store_copied) /run/sealift-store/" "ExecStart=!$(store_command "$@")"; then
    echo "$unit_wrong"
    return 1
  fi
  unit_starts_at_boot sealift-store.service || return 1
}
guard_store_unit() { refuse_unmanaged sealift-store.service ""; }
apply_store_unit() {
  guard_store_unit
  file_put "$STORE_UNIT" "$(store_unit "$@")"
  systemctl daemon-reload
  systemctl reenable --quiet sealift-store.service
}

# Fact: the store runs from this version, with this certificate, these logins and this unit; it listens on this port alone, refuses who has no
# login, and refuses to delete or replace anything for who has one.
# $1 version of rest-server, $2 mount point, $3 port, $4 address, $5 a host that logs in and $6 the file with its password, if there is any
check_store_running() {
  if ! store_stands "$@" || ! store_answers "$@"; then
    echo "$store_found"
    return 1
  fi
}
guard_store_running() { refuse_taken_port "$3" sealift-store.service "stop it, or give the store another port in the site file"; }
apply_store_running() {
  guard_store_running "$@"
  if ! store_stands "$@"; then
    systemctl reset-failed sealift-store.service 2>/dev/null || true
    timeout 60 systemctl restart sealift-store.service || true
  fi
  for store_try in 1 1 1 2 2 3 5 5; do
    if store_answers "$@"; then return 0; fi
    sleep "$store_try"
  done
  echo "$store_found; the log says:"
  journal_tail sealift-store.service
  return 1
}

# store_stands VERSION MOUNT PORT: whether the process runs the right program with the right files; sets store_found if not.
store_stands() {
  unit_inspect "$UNIT_STATE" sealift-store.service
  unit_pick sealift-store.service
  unit_value MainPID
  store_pid=${unit_found:-0}
  if [ "$store_pid" = 0 ]; then
    store_found="not running"
    return 1
  fi
  if ! [ "/proc/$store_pid/exe" -ef "$(backup_program_path rest-server "$1")" ]; then
    store_found="runs from $(readlink "/proc/$store_pid/exe" || true)"
    return 1
  fi
  if ! process_runs "$store_pid" "$(store_command "$@")"; then
    store_found=$process_wrong
    return 1
  fi
  user_hashes "$STORE_USER" /run/sealift-store server.crt htpasswd sealift-store.service
  for store_file in $(store_copied); do
    store_own=$(sha256sum "$store_file" 2>/dev/null) || store_own=absent
    case "$SEALIFT_LINE_END$user_hashes$SEALIFT_LINE_END" in
      *"$SEALIFT_LINE_END${store_file##*/} ${store_own%% *}$SEALIFT_LINE_END"*) ;;
      *)
        store_found="runs with an earlier ${store_file##*/}"
        return 1
        ;;
    esac
  done
  process_inspect "$store_pid"
  process_tcp
  # Every address is [::], or 0.0.0.0 if the kernel has no IPv6.
  case $process_ports in
    " [::]:$3" | " 0.0.0.0:$3") return 0 ;;
  esac
  store_found="listens on${process_ports:- nothing} in place of every address:$3 alone"
  return 1
}

# store_answers VERSION MOUNT PORT ADDRESS [HOST FILE]: asked by address and certificate as clients do, but on this host. The name that is
# deleted and the one that is written cannot belong to anything: a server that obeyed would do no harm.
store_answers() {
  store_url=https://$4:$3
  store_found=$(store_ask "$4:$3" "$store_url/" </dev/null)
  if [ "$store_found" != 401 ]; then
    store_found="it answers $store_found without a login in place of 401"
    return 1
  fi
  if [ $# -lt 6 ]; then return 0; fi
  store_passwords_present "$5" "$6" >/dev/null || return 0
  store_zeros=0000000000000000000000000000000000000000000000000000000000000000
  store_found=$(store_login_config "$5" "$6" | store_ask "$4:$3" "$store_url/$5/data/$store_zeros" --config - --request DELETE)
  if [ "$store_found" != 403 ]; then
    store_found="it answers $store_found when $5 deletes a file, in place of 403"
    return 1
  fi
  store_found=$(store_login_config "$5" "$6" | store_ask "$4:$3" "$store_url/$STORE_USER/config" --config -)
  if [ "$store_found" != 401 ]; then
    store_found="it answers $store_found when $5 reads a repository of others, in place of 401"
    return 1
  fi
}
# store_ask ORIGIN URL OPTION...: the status of one request.
store_ask() {
  ask_origin=$1
  ask_url=$2
  shift 2
  web_curl "$ask_origin" "$ask_url" "$WEB_TEXT_MAX" 20 --output /dev/null --write-out '%{http_code}' "$@" \
    --cacert "$STORE_ETC/server.crt" --capath /dev/null --connect-to "$ask_origin:127.0.0.1:${ask_origin##*:}" 2>/dev/null || true
}
# store_login_config HOST FILE: the login as curl reads it from standard input.
store_login_config() { printf 'user = "%s:%s"\n' "$1" "$(backup_login "$1" "$2")"; }

# store_copied: the files that a process is started with; copies of them record which ones those were.
store_copied() { echo "$STORE_ETC/server.crt $STORE_ETC/htpasswd $STORE_UNIT"; }

# store_command VERSION MOUNT PORT: prints the command line of the server.
store_command() {
  echo "$(backup_program_path rest-server "$1") --append-only --private-repos --path $2/restic --listen :$3 --htpasswd-file $STORE_ETC/htpasswd --tls --tls-cert $STORE_ETC/server.crt --tls-key $STORE_ETC/server.key"
}

# store_unit VERSION MOUNT PORT: systemd.exec(5). Without its volume the folder is absent, and ReadWritePaths= makes the start fail.
store_unit() {
  cat <<END
# Made by Sealift.
[Unit]
Description=Store of backups
Documentation=https://github.com/restic/rest-server
After=network.target
RequiresMountsFor=$2

[Service]
User=$STORE_USER
Group=$STORE_USER
RuntimeDirectory=sealift-store
RuntimeDirectoryMode=0700
ExecStartPre=/bin/cp $(store_copied) /run/sealift-store/
ExecStart=$(store_command "$@")
Restart=always
RestartSec=2
LimitNOFILE=65536
LimitCORE=0
UMask=0077
ReadWritePaths=$2/restic
$(unit_without_rights)

[Install]
WantedBy=multi-user.target
END
}
