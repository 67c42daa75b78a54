# An apply runs in a systemd unit of its own: a connection that is cut, or an operator's machine that dies, neither ends it
# half done nor lets it run twice. Who comes again with the same plan is attached to the run that is under way.

APART=/run/sealift/apply
# No run takes that long; one that something holds up lets go of the host then.
APART_MAX_SEC=86400

# run_apart LIBRARY FROM: works through the plan on standard input as root in a unit, tells its report, ends with its result.
# FROM is the SSH_CONNECTION of who asked for it.
run_apart() {
  set -u
  apart_plan=$(cat)
  plan_is_whole "$apart_plan"
  apart_id=$(printf '%s\n' "$1" "$apart_plan" | sha256sum | cut -c 1-16)
  apart_folder=$APART/$apart_id
  # Below /run, for root alone: a plan may hold a secret, and this is memory.
  install -d -m 0700 "$APART" "$apart_folder"
  if systemctl is-active --quiet "sealift-$apart_id.service"; then
    apart_waited=0
    while systemctl is-active --quiet "sealift-$apart_id.service" && [ "$apart_waited" -lt "$APART_MAX_SEC" ]; do
      sleep 1
      apart_waited=$((apart_waited + 1))
    done
  else
    rm -f "$apart_folder/result" "$apart_folder/report"
    (
      umask 077
      printf '%s\n' "$apart_plan" >"$apart_folder/plan"
    )
    # Its exit code says less than the result, and nothing when the unit was killed.
    systemd-run --quiet --wait --collect --unit "sealift-$apart_id" --description "Sealift works on this host" \
      --property "RuntimeMaxSec=$APART_MAX_SEC" --working-directory "$PWD" --setenv "SUDO_USER=${SUDO_USER:-root}" --setenv "SEALIFT_FROM=$2" sh "$1" work "$apart_folder" </dev/null || true
  fi
  if [ ! -f "$apart_folder/result" ]; then
    apart_report
    rm -f "$apart_folder/plan"
    echo "E_RUN_LOST the run on the host ended without a result; run pulumi up again, it goes on where this one stopped"
    exit 70
  fi
  apart_report
  exit "$(cat "$apart_folder/result")"
}

# apart_report: what the run has said. The longest report of a host that is well has some 200 KB; all of it goes into Pulumi's state.
apart_report() { head -c 1048576 "$apart_folder/report" 2>/dev/null || true; }

# work FOLDER: what the unit does.
work() {
  exec >"$1/report" 2>&1
  # In no condition: a shell switches `set -e` off inside of one.
  (run apply <"$1/plan")
  work_status=$?
  rm "$1/plan"
  echo "$work_status" >"$1/result.new"
  mv "$1/result.new" "$1/result"
}
