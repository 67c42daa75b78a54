# What keeps the repositories of a store small, checked and copied: a timer, and a script that works without Sealift.
# shellcheck disable=SC2154 # files.sh and systemd.sh set file_wrong, path_wrong and unit_…

STORE_SCRIPT=/opt/sealift/store/maintain
STORE_STATE=$SEALIFT_STATE/store
STORE_CACHE=/var/cache/sealift/store
# Without maintenance for this long, something is wrong with it: it runs daily.
STORE_OVERDUE_SEC=259200

# Fact: a timer starts the maintenance of the repositories every day; script, units and list are those of this site; what the last
# maintenance found wrong is reported.
# $1 mount point, $2... the list: lines of maintain.conf
check_store_maintenance() {
  file_inspect "$STORE_SCRIPT" "$STORE_ETC/maintain.conf" "$(store_timer_unit service)" "$(store_timer_unit timer)" "$STORE_ETC/keys" "$STORE_STATE" "$STORE_CACHE"
  if ! file_is "$STORE_SCRIPT" "$(store_script)" || ! file_is "$STORE_ETC/maintain.conf" "$(store_list "$@")" "root:root 600" ||
    ! file_is "$(store_timer_unit service)" "$(store_service_text "$1")" || ! file_is "$(store_timer_unit timer)" "$(store_timer_text)" ||
    ! file_owned "$STORE_ETC/keys" "root:root 700" directory || ! file_owned "$STORE_STATE" "root:root 700" directory ||
    ! file_owned "$STORE_CACHE" "$STORE_USER:$STORE_USER 700" directory; then
    echo "$file_wrong"
    return 1
  fi
  if ! path_is_safe "${STORE_SCRIPT%/*}"; then
    echo "$path_wrong"
    return 1
  fi
  unit_inspect "$UNIT_WHOLE" sealift-store-maintenance.service sealift-store-maintenance.timer
  if ! unit_loaded sealift-store-maintenance.service "" Environment= EnvironmentFiles= PassEnvironment= User= Group= RootDirectory= RootImage= \
    TriggeredBy=sealift-store-maintenance.timer ExecStartPre= "ExecStart=!/bin/sh $STORE_SCRIPT $STORE_ETC/maintain.conf" ||
    ! unit_loaded sealift-store-maintenance.timer "" Triggers=sealift-store-maintenance.service; then
    echo "$unit_wrong"
    return 1
  fi
  unit_starts_at_boot sealift-store-maintenance.timer || return 1
  unit_is_active sealift-store-maintenance.timer || return 1
  shift
  store_errors=
  store_each store_errors_of "$@"
  if [ -n "$store_errors" ]; then
    warn E_BACKUP "${store_errors#, }" "read journalctl -u sealift-store-maintenance, correct the cause, then run systemctl start sealift-store-maintenance"
  fi
}
guard_store_maintenance() {
  refuse_unmanaged sealift-store-maintenance.service ""
  refuse_unmanaged sealift-store-maintenance.timer ""
}
apply_store_maintenance() {
  guard_store_maintenance
  install -d -o root -g root -m 0755 "${STORE_SCRIPT%/*/*}" "${STORE_SCRIPT%/*}" "${STORE_CACHE%/*}"
  install -d -o root -g root -m 0700 "$STORE_ETC/keys" "$STORE_STATE"
  install -d -o "$STORE_USER" -g "$STORE_USER" -m 0700 "$STORE_CACHE"
  file_put "$STORE_SCRIPT" "$(store_script)"
  file_put "$STORE_ETC/maintain.conf" "$(store_list "$@")" "root:root 600"
  file_put "$(store_timer_unit service)" "$(store_service_text "$1")"
  file_put "$(store_timer_unit timer)" "$(store_timer_text)"
  systemctl daemon-reload
  systemctl reenable --quiet sealift-store-maintenance.timer
  timeout 60 systemctl restart sealift-store-maintenance.timer
}

# Fact: always holds. The value says of each repository: checked=TIME result=RESULT snapshots=N bytes=N copied.HOST=TIME, times in seconds since
# 1970; repositories end with semicolons.
# $@ lines of maintain.conf
check_store_status() { :; }
value_store_status() {
  store_status=
  store_each store_status_of "$@"
  echo "${store_status# }"
}
apply_store_status() {
  echo "the state of backups is only reported, never changed"
  return 1
}

# store_each FUNCTION LINE...: calls FUNCTION with the path of each repository of the list.
store_each() {
  each_call=$1
  shift
  for each_line; do
    case $each_line in
      "repository "*)
        each_line=${each_line#repository }
        "$each_call" "${each_line%% *}"
        ;;
    esac
  done
}
# store_state PATH: sets store_… to what the last maintenance of the repository has noted; empty before the first.
store_state() {
  store_time=
  store_error=
  store_shown=
  if [ ! -f "$STORE_STATE/$1/state" ]; then return 0; fi
  while IFS= read -r store_line; do
    case $store_line in
      error=*) store_error=${store_line#error=} ;;
      time=*) store_time=${store_line#time=} ;;
      checked=* | result=* | snapshots=* | bytes=* | copied.*=*) store_shown="$store_shown $store_line" ;;
    esac
  done <"$STORE_STATE/$1/state"
}
store_status_of() {
  store_state "$1"
  store_status="$store_status $1$store_shown;"
}
store_errors_of() {
  store_state "$1"
  if [ -n "$store_error" ]; then
    store_errors="$store_errors, $1: $store_error"
  elif [ -n "$store_time" ] && [ $(($(date +%s) - store_time)) -gt "$STORE_OVERDUE_SEC" ]; then
    store_errors="$store_errors, $1: the last maintenance was $((($(date +%s) - store_time) / 3600)) hours ago"
  fi
}
store_timer_unit() { echo "/etc/systemd/system/sealift-store-maintenance.$1"; }

# store_list MOUNT LINE...: prints maintain.conf.
store_list() {
  echo "# Made by Sealift."
  echo "folder $1/restic"
  shift
  printf '%s\n' "$@"
}

# store_service_text MOUNT: systemd.exec(5). Root keeps the passwords; the repositories are touched by the store's user alone, so it needs to
# change users.
store_service_text() {
  cat <<END
# Made by Sealift.
[Unit]
Description=Checks, thins out and copies the repositories of backups
Documentation=https://restic.readthedocs.io
After=network-online.target sealift-secrets.service
RequiresMountsFor=$1

[Service]
Type=oneshot
ExecStart=/bin/sh $STORE_SCRIPT $STORE_ETC/maintain.conf
ExecStopPost=/bin/sh $STORE_SCRIPT $STORE_ETC/maintain.conf unlock
Nice=19
IOSchedulingClass=idle
LimitCORE=0
UMask=0077
ReadWritePaths=$1/restic $STORE_ETC/keys $STORE_STATE $STORE_CACHE
CapabilityBoundingSet=CAP_SETUID CAP_SETGID CAP_KILL
DevicePolicy=closed
LockPersonality=yes
MemoryDenyWriteExecute=yes
NoNewPrivileges=yes
PrivateDevices=yes
PrivateTmp=yes
ProcSubset=pid
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectSystem=strict
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
END
}

# store_timer_text: by day, when nightly backups have ended.
store_timer_text() {
  cat <<END
# Made by Sealift.
[Unit]
Description=Daily maintenance of the repositories of backups

[Timer]
OnCalendar=*-*-* 08:00:00
RandomizedDelaySec=3h
Persistent=true

[Install]
WantedBy=timers.target
END
}

# store_script: prints the script.
store_script() {
  cat <<'END'
# Made by Sealift. Maintains the repositories of a store of backups: checks a part of each, copies new backups to other stores, and removes the
# backups that the site does not retain. It can be interrupted anywhere: the next run goes on.
# $1 the list, with lines as below; $2 unlock: only removes the locks that an interrupted run has left, which keep hosts from making backups
#   restic PROGRAM          folder FOLDER
#   keep WHAT COUNT         in the words of restic-forget(1)
#   repository PATH FILE    below FOLDER; FILE has the password of the site, which opens the repository once
#   login NAME FILE         of this store at others; its password is derived from the one in FILE
#   copy HOST ADDRESS PORT
set -u
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
umask 077
list=$1
user=sealift-store
keys=/etc/sealift/store/keys
states=/var/lib/sealift/store
known=/etc/sealift/backup/stores
parts=7
# A void backup is removed, and a new one believed, within these seconds of its first appearance here.
window=259200
restic='' folder='' login='' login_file='' keep=''
while read -r word one two _; do
  case $word in
    restic) restic=$one ;;
    folder) folder=$one ;;
    login) login=$one login_file=$two ;;
    keep) keep="$keep --keep-$one $two" ;;
  esac
done <"$list"
work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT
exec 8>"$states/lock"
if ! flock -n 8; then
  echo "another maintenance is at work" >&2
  exit 1
fi
cd / || exit

# repo_user COMMAND...: with the rights of the store's user, who can change the repositories: root would follow every link in them.
repo_user() { setpriv --reuid="$user" --regid="$user" --clear-groups --no-new-privs -- "$@" 6<&- 7<&- 8>&-; }

# repo_with FILE ARGUMENT...: restic on the repository with the password in FILE: in its environment, never in its arguments.
repo_with() (
  RESTIC_PASSWORD=$(cat "$1")
  export RESTIC_PASSWORD RESTIC_REPOSITORY="$repository"
  shift
  repo_user "$restic" --no-cache --retry-lock 10m "$@"
)
# repo_own ARGUMENT...: with the key of the store. A client can add files that look like keys: the hint keeps restic from trying them all.
repo_own() (
  RESTIC_KEY_HINT=$(cat "$home/key-id" 2>/dev/null)
  export RESTIC_KEY_HINT
  repo_with "$key" "$@" </dev/null
)

# repo_problem TEXT: notes what is wrong with the repository.
repo_problem() {
  error="${error:+$error; }$1"
  failed=1
}
# repo_words FILE: what a program has said, in one short line.
repo_words() {
  told=$(grep -E 'Fatal|rror|contains|does not match|refused|unable|invalid|denied' "$1" | head -n 2)
  if [ -z "$told" ]; then told=$(tail -n 2 "$1"); fi
  printf '%s' "$told" | tr -c '[:print:]' ' ' | cut -c 1-240
}

# repo_put FILE: replaces FILE by standard input at once.
repo_put() {
  cat >"$1.new" && sync "$1.new" && mv "$1.new" "$1"
}

# repo_open FILE: sees to it that the store has a key of its own, so that the password of the site is needed only once.
repo_open() {
  if [ -s "$key" ]; then
    code=0
    repo_own --no-lock cat config >/dev/null 2>"$work/out" || code=$?
    # A key that no longer opens it is of an earlier repository at this place.
    if [ "$code" != 12 ]; then return 0; fi
    rm "$key"
    rm -f "$home/key-id"
  fi
  if [ ! -s "$key.new" ]; then head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' | repo_put "$key.new"; fi
  if [ ! -s "$1" ]; then
    repo_problem "$1, the password of the site, is absent"
    return 1
  fi
  # A run that was interrupted may have added it.
  if ! repo_with "$key.new" --no-lock cat config >/dev/null 2>&1 </dev/null; then
    repo_with "$1" unlock >/dev/null 2>&1 </dev/null || true
    if ! repo_with "$1" key add --user "$user" --host "$user" <"$key.new" >"$work/out" 2>&1; then
      repo_problem "no key for the store: $(repo_words "$work/out")"
      return 1
    fi
    sed -n 's/^saved new key with ID //p' "$work/out" | repo_put "$home/key-id"
  fi
  mv "$key.new" "$key"
}

# repo_plan RULES < JSON: reads what restic prints as JSON, and prints what follows from it; see below. perl-base has no module for JSON.
repo_plan() {
  perl -e '
    my ($rules, $host, $now, $since, $window, $seen) = @ARGV;
    local $/;
    my $text = <STDIN>;
    sub value {
      $text =~ /\G\s*/gc;
      if ($text =~ /\G\{/gc) {
        my %object;
        until ($text =~ /\G\s*\}/gc) {
          my $name = value();
          $text =~ /\G\s*:/gc or die "no JSON\n";
          $object{$name} = value();
          $text =~ /\G\s*,/gc or $text =~ /\G(?=\s*\})/gc or die "no JSON\n";
        }
        return \%object;
      }
      if ($text =~ /\G\[/gc) {
        my @array;
        until ($text =~ /\G\s*\]/gc) {
          push @array, value();
          $text =~ /\G\s*,/gc or $text =~ /\G(?=\s*\])/gc or die "no JSON\n";
        }
        return \@array;
      }
      return $1 if $text =~ /\G"((?:[^"\\]++|\\.)*+)"/gcs;
      return $1 if $text =~ /\G([-+0-9.eE]+|true|false)/gc;
      return undef if $text =~ /\Gnull/gc;
      die "no JSON\n";
    }
    sub id { my $id = $_[0]{id} // ""; $id =~ /^[0-9a-f]{64}$/ or die "no id\n"; return $id }
    my $all = value() // [];
    if ($rules eq "removed") {
      for my $group (@$all) { print id($_), "\n" for @{ $group->{remove} // [] } }
      exit;
    }
    my (%first, %odd);
    if (open(my $file, "<", $seen)) {
      for (split /\n/, <$file> // "") { my ($id, $at, $mark) = split / /; $first{$id} = $at; $odd{$id} = 1 if $mark }
    }
    my (%newest, %newest_any, %void, %has, @ours, %latest);
    for my $one (@$all) {
      my $id = id($one);
      my ($year, $month, $day, $hour, $minute, $second, $sign, $hours, $minutes) =
        ($one->{time} // "") =~ /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:Z|([-+])(\d\d):(\d\d))$/ or die "no time\n";
      # Days since 1970, with years that begin in March.
      my $y = $year - ($month < 3);
      my $days = 365 * $y + int($y / 4) - int($y / 100) + int($y / 400) + int((153 * ($month + ($month < 3 ? 9 : -3)) + 2) / 5) + $day - 719469;
      my $time = (($days * 24 + $hour) * 60 + $minute) * 60 + $second;
      $time -= ($sign eq "-" ? -1 : 1) * ($hours * 60 + $minutes) * 60 if defined $sign;
      my %tag = map { /^([a-z0-9.]+)=([A-Za-z0-9._-]+)$/ ? ($1, $2) : () } @{ $one->{tags} // [] };
      @$one{"at", "tag"} = ($time, \%tag);
      my $app = $tag{app} // "";
      $latest{$app} = $time if exists $first{$id} && !$odd{$id} && $time > ($latest{$app} // 0);
    }
    for my $one (sort { $a->{at} <=> $b->{at} } @$all) {
      my ($id, $time, %tag) = ($one->{id}, $one->{at}, %{ $one->{tag} });
      # What a store copies here may have waited for days, but it comes in order: none from long before the latest of its application.
      my $after = $since eq "copied" ? $latest{ $tag{app} // "" } // 0 : $since;
      my $isnew = !exists $first{$id};
      $first{$id} //= $now;
      $odd{$id} = 1 if $isnew && ($time > $now + 3600 || ($after && $time < $after - $window));
      my $ours = ($one->{hostname} // "") eq $host && defined $tag{app} && defined($tag{run} // $tag{void});
      print join(" ", "seen", $id, $first{$id}, ($odd{$id} ? "implausible" : ())), "\n";
      if ($odd{$id}) {
        print "implausible $id ", ($ours ? $tag{app} : "-"), "\n";
        next;
      }
      next unless $ours;
      my $run = "$tag{app} " . ($tag{run} // "");
      push @ours, { id => $id, time => $time, app => $tag{app}, run => $run, marks => $tag{void}, of => $one->{original} // "" };
      if (defined $tag{void}) { $void{"$tag{app} $tag{void}"} = 1 }
      else { $has{$run} = 1 }
    }
    # A run makes one backup: restic rewrite, by whoever is root on the client, adds another with its tags and its time.
    my %listed = map { $_->{id} => 1 } @ours;
    my (%of_run, @again);
    for (sort { $first{ $a->{id} } <=> $first{ $b->{id} } || ($listed{ $a->{of} } // 0) <=> ($listed{ $b->{of} } // 0) || $a->{id} cmp $b->{id} }
      grep { !defined $_->{marks} } @ours) {
      push @again, $_->{id} if $of_run{ $_->{run} }++;
    }
    my %again = map { $_ => 1 } @again;
    print "again $_\n" for @again;
    @ours = grep { !$again{ $_->{id} } } @ours;
    for (grep { !defined $_->{marks} } @ours) {
      my $of = $void{ $_->{run} } ? \%newest_any : \%newest;
      $of->{ $_->{app} } = $_ unless $of->{ $_->{app} } && $of->{ $_->{app} }{time} >= $_->{time};
    }
    my %apps;
    for (@ours) {
      $apps{ $_->{app} } = 1;
      if (defined $_->{marks}) {
        print $has{"$_->{app} $_->{marks}"} ? "mark" : "marker", " $_->{id}\n";
        next;
      }
      my $last = $newest{ $_->{app} } // $newest_any{ $_->{app} };
      if ($last->{id} eq $_->{id}) { print "last $_->{id}\n" }
      if ($void{ $_->{run} }) { print "void $_->{id}\n" if $last->{id} ne $_->{id} && $now - $first{ $_->{id} } < $window }
      else { print "good $_->{id} $_->{run}\n" }
    }
    print "app $_\n" for sort keys %apps;
  ' "$@"
}
# repo_ids WORD: the second words of the lines of the plan that begin with WORD.
repo_ids() { sed -n "s/^$1 \([^ ]*\).*/\1/p" "$work/plan"; }

# repo_listed: makes the plan from what is in the repository now.
repo_listed() {
  repo_own snapshots --json >"$work/snapshots" 2>"$work/out" || return
  repo_plan snapshots "$client" "$now" "$believed" "$window" "$home/seen" <"$work/snapshots" >"$work/plan" 2>"$work/out" || return
  sed -n 's/^seen //p' "$work/plan" | repo_put "$home/seen"
}

# repo_copy HOST ADDRESS PORT FILE: copies the good backups that this host has not had yet.
repo_copy() {
  to=$1
  if [ ! -s "$login_file" ] || [ ! -s "$4" ]; then
    repo_problem "not copied to $to: a password is absent"
    return
  fi
  copied=$home/copied.$to
  (
    hash=$({
      printf 'sealift backup login\n%s\n' "$login"
      printf '%s\n' "$(cat "$login_file")"
    } | sha256sum)
    export RESTIC_REST_USERNAME="$login" RESTIC_REST_PASSWORD="${hash%% *}"
    export RESTIC_REPOSITORY="rest:https://$2:$3/$login/$path/" RESTIC_CACERT="$known/$to.crt" RESTIC_CACHE_DIR=/var/cache/sealift/store
    RESTIC_PASSWORD=$(cat "$4") RESTIC_FROM_PASSWORD=$(cat "$key") RESTIC_FROM_KEY_HINT=$(cat "$home/key-id" 2>/dev/null)
    export RESTIC_PASSWORD RESTIC_FROM_PASSWORD RESTIC_FROM_KEY_HINT RESTIC_FROM_REPOSITORY="$repository"
    code=0
    repo_user timeout 60 "$restic" --no-lock cat config >/dev/null 2>"$work/out" </dev/null || code=$?
    if [ "$code" = 10 ]; then
      rm -f "$copied"
      repo_user "$restic" init --copy-chunker-params >"$work/out" 2>&1 </dev/null || exit
    elif [ "$code" != 0 ]; then
      exit 1
    fi
    touch "$copied"
    { repo_ids good; repo_ids mark; } | { grep -vxFf "$copied" || true; } >"$work/new"
    [ -s "$work/new" ] || exit 0
    # shellcheck disable=SC2046 # ids
    repo_user "$restic" --retry-lock 10m copy $(cat "$work/new") >"$work/out" 2>&1 </dev/null || exit
  ) || {
    repo_problem "not copied to $to: $(repo_words "$work/out")"
    return
  }
  { repo_ids good; repo_ids mark; } | repo_put "$copied"
  copies="$copies copied.$to=$(date +%s)"
}

# repo_thin_out: removes what the site does not retain, application by application; never the last good backup of one.
repo_thin_out() {
  # First: one of the same time and tags as the backup that stays could be retained in its place.
  repo_ids again >"$work/ids"
  if [ -s "$work/ids" ]; then
    # shellcheck disable=SC2046 # ids
    repo_own forget $(cat "$work/ids") >"$work/out" 2>&1 || return
  fi
  : >"$work/remove"
  repo_ids void >>"$work/remove"
  if [ -n "$keep" ]; then
    for app in $(repo_ids app); do
      # A backup with an impossible time would take the place of others.
      if grep -q "^implausible [0-9a-f]* $app\$" "$work/plan"; then continue; fi
      # Only good backups: a void one would take the place of a good one of the same day.
      tags=$(sed -n "s/^good [0-9a-f]* $app \(.*\)/--tag app=$app,run=\1/p" "$work/plan")
      if [ -z "$tags" ]; then continue; fi
      # shellcheck disable=SC2086 # options
      repo_own forget --dry-run --json --host "$client" $tags --group-by "" $keep >"$work/json" 2>"$work/out" || return
      repo_plan removed <"$work/json" >>"$work/remove" 2>"$work/out" || return
    done
  fi
  { repo_ids last; repo_ids mark; sed -n 's/^seen \([0-9a-f]*\) .* implausible$/\1/p' "$work/plan"; } >"$work/stay"
  sort -u "$work/remove" | { grep -vxFf "$work/stay" || true; } >"$work/gone"
  if [ -s "$work/gone" ]; then
    # shellcheck disable=SC2046 # ids
    repo_own forget $(cat "$work/gone") >"$work/out" 2>&1 || return
  fi
  # A marker stays as long as the backup that it marks.
  repo_ids marker >"$work/ids"
  if [ -s "$work/ids" ]; then
    # shellcheck disable=SC2046 # ids
    repo_own forget $(cat "$work/ids") >"$work/out" 2>&1 || return
  fi
  repo_own prune >"$work/out" 2>&1
}

# repo_maintain PATH FILE
repo_maintain() {
  path=$1
  client=${path##*/}
  repository=$folder/$path
  home=$states/$path
  key=$keys/$path.key
  now=$(date +%s)
  error='' result=ok copies=''
  mkdir -p "$home" "${key%/*}"
  checked=$(sed -n 's/^checked=//p' "$home/state" 2>/dev/null)
  since=$(sed -n 's/^listed=//p' "$home/state" 2>/dev/null)
  since=${since:-0}
  snapshots=0
  bytes=0
  if ! repo_user test -f "$repository/config"; then
    result=absent
    # The host makes it with its first backup.
    if [ -e "$home/seen" ]; then repo_problem "the repository is gone"; fi
  elif repo_open "$2"; then
    # All that is in another repository at this place, such as one that was copied back, is new here.
    place=$(repo_user sha256sum "$repository/config" | cut -d ' ' -f 1)
    if [ "$(cat "$home/place" 2>/dev/null || echo "$place")" != "$place" ]; then since=0; fi
    believed=$since
    case $path,$since in *,0) ;; */*,*) believed=copied ;; esac
    repo_own unlock >"$work/out" 2>&1 || true
    part=$(cat "$home/part" 2>/dev/null || echo 1)
    code=0
    repo_own check --read-data-subset="$part/$parts" >"$work/out" 2>&1 || code=$?
    if [ "$code" = 0 ]; then
      checked=$now
      # After a failure the same part is checked again, until it is whole.
      echo $((part % parts + 1)) | repo_put "$home/part"
    else
      repo_problem "check failed: $(repo_words "$work/out")"
      # Others: locked, the password does not fit.
      if [ "$code" = 1 ]; then result=damaged; else result=failed; fi
    fi
    if repo_listed; then
      since=$now
      printf '%s\n' "$place" | repo_put "$home/place"
      odd=$(repo_ids implausible | cut -c 1-8 | tr '\n' ' ')
      if [ -n "$odd" ]; then repo_problem "backups with a time that they cannot have, which are not copied and stop the removal of others: $odd"; fi
      while read -r word one two three <&7; do
        if [ "$word" = copy ]; then repo_copy "$one" "$two" "$three" "$2"; fi
      done 7<"$list"
      : >"$work/gone"
      # Nothing is removed from a repository that may have to be repaired.
      if [ "$result" = ok ] && ! repo_thin_out; then repo_problem "not thinned out: $(repo_words "$work/out")"; fi
      snapshots=$(repo_ids good | grep -vxFf "$work/gone" | grep -c .)
    else
      repo_problem "not listed: $(repo_words "$work/out")"
    fi
    bytes=$(repo_user du -sb "$repository" | cut -f 1)
  fi
  if [ -n "$error" ] && [ "$result" = ok ]; then result=failed; fi
  # What was copied earlier, to stores that were not reached now.
  sed -n 's/^copied\.//p' "$home/state" 2>/dev/null | while IFS= read -r line; do
    case $copies in *" copied.${line%%=*}="*) ;; *) grep -q "^copy ${line%%=*} " "$list" && echo "copied.$line" ;; esac
  done >"$work/earlier"
  {
    printf 'time=%s\nlisted=%s\nresult=%s\nsnapshots=%s\nbytes=%s\n' "$now" "$since" "$result" "$snapshots" "$bytes"
    if [ -n "$checked" ]; then echo "checked=$checked"; fi
    printf '%s\n' "$copies" | tr ' ' '\n' | grep .
    cat "$work/earlier"
    if [ -n "$error" ]; then echo "error=$error"; fi
  } | repo_put "$home/state"
  echo "$path: $result${error:+: $error}"
}

failed=0
if [ "${2-}" = unlock ]; then
  while read -r word path _ <&6; do
    key=$keys/$path.key
    home=$states/$path
    repository=$folder/$path
    if [ "$word" = repository ] && [ -s "$key" ]; then repo_own unlock >/dev/null 2>&1 || failed=1; fi
  done 6<"$list"
  exit "$failed"
fi
while read -r word one two _ <&6; do
  if [ "$word" = repository ]; then repo_maintain "$one" "$two"; fi
done 6<"$list"
exit "$failed"
END
}
